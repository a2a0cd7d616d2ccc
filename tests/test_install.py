"""The wheel: what is in it, and that it does what README promises in an environment of its own, outside the checkout."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from extras import ROOT, hook, lacking, listed, plain
from packaging.requirements import Requirement

from sketchlib.__main__ import main
from sketchlib.commands import book

README = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", "*.egg-info", ".*_cache", ".doit.db*")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_COPIED)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(folder), "."]
    done = subprocess.run(command, cwd=folder / "source", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel):
    """An environment with the wheel, in which everything else comes from the one that runs the tests."""
    folder = wheel.parent / "venv"
    venv.create(folder)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (site,) = (folder / "lib").glob("python*/site-packages")
    shared = sorted({Path(sys.modules[name].__path__[0]).parent for name in ("numpy", "safetensors")})
    (site / "shared.pth").write_text("".join(f"{one}\n" for one in shared))
    return folder / "bin", site


@pytest.fixture
def run(installed, tmp_path, monkeypatch):
    """Runs a program of the environment, which has the core's dependencies and those of some extras only, in an empty folder."""
    scripts, site = installed
    for name in [*(name for name in os.environ if name.startswith("SKETCHLIB_")), "PYTHONPATH", "PYTHONHOME"]:
        monkeypatch.delenv(name, raising=False)

    def of(program, *arguments, extras=()):
        (site / "sitecustomize.py").write_text(hook(lacking(*extras)))
        return subprocess.run([scripts / program, *arguments], cwd=tmp_path, capture_output=True, text=True)

    return of


@pytest.mark.slow
def test_the_wheel_has_the_library_its_weights_and_profiles_and_nothing_else(wheel):
    library = {path.relative_to(ROOT).as_posix() for kind in ("py", "js", "css") for path in (ROOT / "sketchlib").rglob(f"*.{kind}")}
    data = {f"sketchlib/{path.relative_to(ROOT).as_posix()}" for name in ("weights", "profiles") for path in (ROOT / name).rglob("*.*")}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == library | data


@pytest.mark.slow
def test_with_the_core_alone_readmes_lines_draw_and_say_which_extra_writes_a_gif(run, tmp_path):
    drawn = "print(len(sketches), sketches[0].svg()[:4], sketchlib.__file__)"
    done = run("python", "-c", README.replace("sketchlib.animate", f"{drawn}\nsketchlib.animate"))
    number, svg, home = done.stdout.split(maxsplit=2)
    assert (number, svg) == ("9", "<svg") and ROOT not in Path(home).parents
    assert done.returncode and done.stderr.splitlines()[-1].endswith("is not installed: pip install 'sketchlib[pictures]'")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_with_the_extra_for_pictures_readmes_lines_write_a_gif(run, tmp_path):
    done = run("python", "-c", README, extras=["pictures"])
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cats.gif"] and (tmp_path / "cats.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.slow
def test_the_installed_command_knows_the_profiles_and_does_not_publish(run, tmp_path):
    assert run("sketchlib", "--help").stdout.startswith("Usage: sketchlib")
    unknown = run("sketchlib", "train", "single", "--profile", "none")
    known = ", ".join(sorted(path.stem for path in (ROOT / "profiles").glob("*.yml")))
    assert unknown.returncode == 1 and unknown.stderr.startswith(f"profile 'none' is not known; expected one of {known} in ")
    published = run("sketchlib", "publish")
    assert published.returncode == 1 and "run it in a checkout" in published.stderr and not list(tmp_path.iterdir())


def test_what_is_installed_publishes_nothing(monkeypatch):
    monkeypatch.setattr(book, "INSTALLED", True)
    for command in ("publish", "book"):
        with pytest.raises(SystemExit, match="run it in a checkout"):
            main([command])


# --- the versions that CI installs ---

LOCKED = re.split(r"\n(?=[^\s#])", (ROOT / "requirements.lock").read_text(encoding="utf-8").strip())[1:]


def test_the_lock_has_each_dependency_at_a_version_that_is_asked_for():
    pinned = {}
    for entry in LOCKED:
        name, version = re.match(r"([a-z0-9.-]+)==([^\s;]+)", entry).groups()
        pinned.setdefault(plain(name), []).append(version)
    for one in map(Requirement, [*listed(), *listed("book", "test")]):
        versions = pinned.get(plain(one.name), ["none"])
        assert one.name == "torch" or all(map(one.specifier.contains, versions)), f"{one}, and locked are {versions}: run `make lock`"


def test_the_lock_has_checksums_and_names_no_place():
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in LOCKED)
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "@" not in text and "--index" not in text and not re.search("^(torch|nvidia|triton)", text, re.M)


def test_ci_installs_from_the_lock():
    assert "export LOCKED=1" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    done = subprocess.run(["make", "-n", "-B", ".venv/.installed", "LOCKED=1"], cwd=ROOT, capture_output=True, text=True)
    assert "--require-hashes --no-deps -r requirements.lock" in done.stdout
    done = subprocess.run(["make", "-n", "-B", ".venv/.installed", "LOCKED="], cwd=ROOT, capture_output=True, text=True)
    assert "requirements.lock" not in done.stdout
