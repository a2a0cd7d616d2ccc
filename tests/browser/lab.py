"""A real JupyterLab on a folder of notebooks, driven by the browser of the tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import TimeoutError

SETTINGS = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}  # every cell is on the screen, also below its end
SETTINGS["@jupyterlab/apputils-extension/notification"] = {"fetchNews": "false", "checkForUpdates": False}


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextmanager
def lab_server(folder: Path, home: Path, environment: dict):
    """JupyterLab on `folder`, with settings and all that it writes below `home`; gives its address."""
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    port, url = free_port(), None
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"]
    places = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **environment, **places}, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/api", server, home / "lab.log")
        yield url
    finally:
        server.terminate()
        server.wait(30)
        print((home / "lab.log").read_text()[-3000:])  # pytest shows it where a test failed


def _wait_for(url: str, server, log: Path, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            return urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def open_notebook(tab, url: str, name: str) -> None:
    """Show a notebook with its kernel started, all its Markdown rendered."""
    idle = "() => window.jupyterapp && document.querySelector('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]')"
    for last in (False, True):  # a server that has just started may be slow, or ask first
        tab.goto(f"{url}/lab/tree/{name}?reset", wait_until="domcontentloaded")
        try:
            tab.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=150_000)
            answer_dialogs(tab)
            return tab.wait_for_function(idle, timeout=60_000)
        except TimeoutError as error:
            if last:
                raise with_screen(tab, error) from None


def answer_dialogs(tab) -> None:
    """Take the proposed answer of what JupyterLab asks, such as which kernel to use."""
    for _ in range(5):
        if not tab.locator(".jp-Dialog").count():
            return
        tab.keyboard.press("Enter")  # a dialog has the keyboard while it is there
        tab.wait_for_timeout(300)


PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(prompt => prompt.textContent)"
NUMBERS = f"{PROMPTS}.map(text => +(text.match(/[0-9]+/) || [0])[0])"
BUSY = f"() => {PROMPTS}.some(text => text.includes('*'))"
SCREEN = f"""() => ({{
    dialogs: [...document.querySelectorAll('.jp-Dialog, .jp-toastContainer')].map(one => one.innerText),
    kernel: document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status,
    prompts: {PROMPTS},
    output: [...document.querySelectorAll('.jp-OutputArea-output')].map(one => one.innerText.slice(-400)).filter(text => text.trim()),
    keyboard: document.activeElement?.className,
}})"""
PANEL = """const app = window.jupyterapp;
    const panel = [...app.shell.widgets('main')].find(one => one.content?.activeCellIndex !== undefined);
    app.shell.activateById(panel.id);"""


def with_screen(tab, error: TimeoutError) -> TimeoutError:
    """The error with what the screen showed, so that a log from elsewhere tells why."""
    return TimeoutError(f"{error.message}\nOn the screen: {json.dumps(tab.evaluate(SCREEN), indent=1)}")


def run(tab, command: str, done: str, seconds: int) -> None:
    """Give JupyterLab a command until `done` holds: a notebook that has just been opened may not listen yet, or ask something first."""
    until = time.monotonic() + seconds
    while True:
        answer_dialogs(tab)
        if not tab.evaluate(BUSY):
            tab.evaluate(command)
        try:
            return tab.wait_for_function(done, timeout=10_000)
        except TimeoutError as error:
            if time.monotonic() > until:
                raise with_screen(tab, error) from None


def run_all(tab, seconds: int = 300) -> None:
    """Run every cell, as the menu does, and wait until each has a number above all that were there before."""
    last = tab.evaluate(f"() => Math.max(0, ...{NUMBERS})")
    done = f"() => {NUMBERS}.every(number => number > {last})"
    run(tab, f"() => {{ {PANEL} app.commands.execute('notebook:run-all-cells'); }}", done, seconds)


def run_cell(tab, number: int, seconds: int = 180):
    """Run one code cell, as the menu does, wait until it has a new number, and give it."""
    last = tab.evaluate(f"() => {NUMBERS}[{number}]")
    active = f"const code = panel.content.widgets.filter(one => one.model.type === 'code')[{number}];"
    active += " panel.content.activeCellIndex = panel.content.widgets.indexOf(code);"
    done = f"() => {NUMBERS}[{number}] > {last}"
    run(tab, f"() => {{ {PANEL} {active} app.commands.execute('notebook:run-cell'); }}", done, seconds)
    return tab.locator(".jp-Notebook .jp-CodeCell").nth(number)


def write_cell(tab, holds: str, old: str, new: str) -> None:
    """Write `new` in place of `old` in the code cell that holds a text, by the keyboard."""
    answer_dialogs(tab)
    cell = tab.locator(".jp-CodeCell", has_text=holds).first
    text = cell.locator(".cm-content").inner_text()
    assert old in text, text
    cell.locator(".cm-content").click()
    tab.keyboard.press("Control+A")
    tab.keyboard.insert_text(text.replace(old, new))
