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
    for last in (False, False, True):  # a server that has just started may be slow, or ask first
        tab.goto(f"{url}/lab/tree/{name}?reset", wait_until="domcontentloaded")
        try:
            tab.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
            answer_dialogs(tab)
            return tab.wait_for_function(idle, timeout=60_000)
        except TimeoutError:
            if last:
                raise


def answer_dialogs(tab) -> None:
    """Take the proposed answer of what JupyterLab asks, such as which kernel to use."""
    for _ in range(5):
        if not tab.locator(".jp-Dialog").count():
            return
        tab.locator(".jp-Dialog").first.press("Enter")
        tab.wait_for_timeout(300)


PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(prompt => prompt.textContent)"
NUMBERS = f"{PROMPTS}.map(text => +(text.match(/[0-9]+/) || [0])[0])"


def run_all(tab, seconds: int = 300) -> None:
    """Run every cell, as the menu does, and wait until each has a number above all that were there before."""
    last = tab.evaluate(f"() => Math.max(0, ...{NUMBERS})")
    begun = f"() => {PROMPTS}.some(text => text.includes('*')) || {NUMBERS}.some(number => number > {last})"
    for _ in range(5):  # a notebook that has just been opened may not listen yet
        tab.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        try:
            tab.wait_for_function(begun, timeout=5_000)
            break
        except TimeoutError:
            answer_dialogs(tab)
    tab.wait_for_function(f"() => {NUMBERS}.every(number => number > {last})", timeout=seconds * 1000)


def write_cell(tab, holds: str, old: str, new: str) -> None:
    """Write `new` in place of `old` in the code cell that holds a text, by the keyboard."""
    answer_dialogs(tab)
    cell = tab.locator(".jp-CodeCell", has_text=holds).first
    text = cell.locator(".cm-content").inner_text()
    assert old in text, text
    cell.locator(".cm-content").click()
    tab.keyboard.press("Control+A")
    tab.keyboard.insert_text(text.replace(old, new))
