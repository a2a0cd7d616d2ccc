"""What tests of several files share: a tiny profile with drawings and a build folder of its own, and a browser."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import yaml
from files import line_of, ndjson

from sketchlib.files import PROJECT
from sketchlib.report.folders import build_folder
from sketchlib.report.profile import load_profile

LONGEST = ["test_lab.py", "test_own_classes.py", "test_book.py"]  # minutes each, with a book to build


def pytest_collection_modifyitems(items):
    """The longest files first: of two workers, which take whole files, none is to begin one when the other has nothing left."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as on a terminal: a shell that starts something in the background lets it ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """A tiny profile of three classes, drawings for it, and a build folder of its own."""
    rng, classes = np.random.default_rng(0), ["cat", "pig", "sun"]
    (tmp_path / "drawings").mkdir()
    for name in classes:
        lines = [[rng.integers(0, 256, (int(n), 2)).tolist() for n in rng.integers(6, 12, 2)] for _ in range(40)]
        lines = [line_of([list(zip(*stroke, strict=True)) for stroke in line], name, str(k)) for k, line in enumerate(lines)]
        ndjson(tmp_path / "drawings" / f"{name}.ndjson", *lines)
    values = load_profile("smoke").values
    values["data"]["classes"], values["comparison"]["classes"] = classes, None
    values["single"] |= dict(hidden_size=8, steps=400, batch_size=10, validations=40)
    values["vae"] |= dict(encoder_size=4, decoder_size=8, steps=10, batch_size=10)
    (tmp_path / "profiles").mkdir()
    for name in ("tiny", "full"):
        (tmp_path / "profiles" / f"{name}.yml").write_text(yaml.safe_dump(values))
    monkeypatch.setenv("SKETCHLIB_PROFILES", str(tmp_path / "profiles"))
    monkeypatch.setenv("SKETCHLIB_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("SKETCHLIB_DATA", str(tmp_path / "drawings"))
    before = signal.getsignal(signal.SIGTERM)
    yield load_profile("tiny")
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, once for all tests: Playwright runs one at a time in a process."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


AXE = "4.14.1"  # of axe-core (Deque Systems, MPL 2.0), which finds what keeps somebody out of a page; for tests alone
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core: from npm once, then from the folder of builds."""
    kept = build_folder("smoke").parent / f"axe-{AXE}.min.js"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        packed = kept.with_name(f"axe-core-{AXE}.tgz")
        if not shutil.which("npm") or subprocess.run(["npm", "pack", f"axe-core@{AXE}"], cwd=kept.parent, capture_output=True).returncode:
            pytest.skip("npm is not installed, or gives no axe-core")
        with tarfile.open(packed) as archive:
            kept.write_bytes(archive.extractfile("package/axe.min.js").read())
        packed.unlink()
    script = kept.read_bytes()
    assert hashlib.sha256(script).hexdigest() == AXE_SHA256, f"{kept} is not axe-core {AXE}: delete it"
    return script.decode()


def make_book():
    """Build the smoke book by the tasks of `make book`; another worker waits for it, and finds it built."""
    command = [sys.executable, "-m", "doit", "--verbosity", "2", "profile=smoke"]
    import fcntl  # not everywhere, and nothing else here asks for it

    (PROJECT / "build").mkdir(exist_ok=True)
    with open(PROJECT / "build" / ".tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)})


@pytest.fixture(scope="session")
def book():
    """The folder of the smoke book's pages."""
    done = make_book()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-6000:]
    return build_folder("smoke") / "html"
