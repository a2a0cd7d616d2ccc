"""What people's machines have set, left over or forbidden: each case works as without it, or says what is wrong."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch.distributed as dist

from sketchlib import distributed, files
from sketchlib.data import source
from sketchlib.distributed import joined
from sketchlib.errors import DataError
from sketchlib.files import locked, write_atomically
from sketchlib.report import provenance, store
from sketchlib.report.folders import build_folder
from sketchlib.report.profile import load_profile

ROOT = Path(__file__).resolve().parent.parent
TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


# --- variables of torchrun that another job left ---


@pytest.fixture
def left_over(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(distributed, "MEETING", timedelta(seconds=1))
    return lambda values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def join():
    with joined():
        pytest.fail("joined nobody")


@pytest.mark.parametrize("value", ["", " ", "two", "-1", "1.5"])
def test_a_number_of_ranks_that_is_none_is_said(value, left_over):
    left_over({"WORLD_SIZE": value})
    with pytest.raises(DataError, match=r"WORLD_SIZE is .*start the ranks by torchrun, or unset it"):
        join()


def test_a_number_of_ranks_without_an_address_is_said(left_over):
    left_over({"WORLD_SIZE": "2", "RANK": "0"})
    with pytest.raises(DataError, match="WORLD_SIZE is 2 and MASTER_ADDR, MASTER_PORT not set: .*unset WORLD_SIZE"):
        join()


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_rank_that_nobody_joins_ends_and_says_so(rank, left_over):
    left_over({"WORLD_SIZE": "2", "RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29654"})
    with pytest.raises(DataError, match=f"rank {rank} of 2 met no other at 127.0.0.1:29654 .*unset WORLD_SIZE"):
        join()
    assert not dist.is_initialized()


# --- folders ---


def test_folders_may_begin_with_the_home_folder_and_have_blanks_round_them(monkeypatch, tmp_path):
    (tmp_path / "quickdraw").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("~/quickdraw", f" {tmp_path}/quickdraw ", "~/quickdraw\n"):
        monkeypatch.setenv("SKETCHLIB_DATA", given)
        assert source.locate(["cat"]) == ("folder", tmp_path / "quickdraw")
        monkeypatch.setenv("SKETCHLIB_BUILD", given)
        assert build_folder("x") == tmp_path / "quickdraw" / "x"
        monkeypatch.setenv("SKETCHLIB_PROFILES", given)
        assert files.profiles_folder() == tmp_path / "quickdraw"
    monkeypatch.setenv("SKETCHLIB_BUILD", " ")
    assert build_folder("x") == files.PROJECT / "build" / "x"


def test_the_path_of_a_file_is_answered_with_its_folder(monkeypatch, tmp_path):
    (tmp_path / "cat.ndjson").write_text("{}")
    monkeypatch.setenv("SKETCHLIB_DATA", str(tmp_path / "cat.ndjson"))
    with pytest.raises(DataError, match=f"which is not a folder; give its folder, {tmp_path}"):
        source.locate(["cat"])


def test_a_folder_without_a_profile_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SKETCHLIB_PROFILES", str(tmp_path))
    with pytest.raises(DataError, match=f"profile 'mine' is not known; no profile is in {tmp_path}"):
        load_profile("mine")


# --- files that cannot be written ---


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "allow writing there, or name another folder"),
        (errno.EROFS, "allow writing there, or name another folder"),
        (errno.EISDIR, "a folder has that name, give a file's"),
        (errno.ENOTDIR, "a part of that path is a file, give another path"),
        (errno.EIO, "see what is wrong"),
    ],
)
def test_each_error_has_its_remedy(number, remedy, tmp_path):
    def fail(path):
        raise OSError(number, os.strerror(number))

    with pytest.raises(DataError, match=f"kept: {remedy} and run again"):
        write_atomically(tmp_path / "file", fail)


def test_a_file_is_not_saved_onto_a_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="a folder has that name, give a file's"):
        write_atomically(tmp_path / "folder", lambda path: path.write_text("x"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="a part of that path is a file, give another path"):
        write_atomically(tmp_path / "file" / "below", lambda path: path.write_text("x"))


def test_a_file_is_on_the_disk_before_it_is_moved_and_the_move_after_it(tmp_path, monkeypatch):
    seen, sync, move = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append("sync"), sync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (seen.append("move"), move(*paths)))
    write_atomically(tmp_path / "file", lambda path: path.write_text("x"))
    assert seen == ["sync", "move", "sync"]


# --- two at once ---


def hold(path, ready):
    with locked(path, "makes it"):
        ready.set()
        signal.pause()


def test_a_lock_names_its_owner_and_dies_with_it(tmp_path):
    path, context = tmp_path / "folder" / ".lock", multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=hold, args=(path, ready))
    other.start()
    ready.wait()
    with (
        pytest.raises(DataError, match=rf"^process {other.pid} on \S+ makes it already: wait for it, or stop it"),
        locked(path, "makes it"),
    ):
        pass
    other.kill()
    other.join()
    assert path.read_text().startswith(f"process {other.pid} on ")  # what it left holds nobody up
    with locked(path, "makes it"):
        assert path.read_text().startswith(f"process {os.getpid()} on ")


def test_what_another_process_makes_is_not_made_beside_it(tmp_path):
    folder, made = tmp_path / "single-abc", []

    def make(to):
        made.append(to)
        with pytest.raises(DataError, match=f"^process {os.getpid()} on .* makes single-abc already"):
            store.taken_or_made(folder, make, None)
        return {}

    assert store.taken_or_made(folder, make, None) == folder == store.taken_or_made(folder, make, None)
    assert made == [folder]


SCRIPT = """
from sketchlib.report import stages
from sketchlib.report.profile import load_profile
print("runs")
print(sorted(stages.train_vaes(load_profile("tiny"))))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["a script", "standard input"])
def test_a_script_without_a_main_guard_trains_and_runs_once(how, profile, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"] if how == "a script" else [sys.executable, "-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, input=SCRIPT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stdout.count("runs") == 1 and "['cat', 'pig', 'sun']" in done.stdout, done.stdout + done.stderr


# --- another repository ---


def test_the_commit_is_that_of_the_project(monkeypatch, tmp_path):
    own = provenance.git("rev-parse", "HEAD")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert provenance.git("rev-parse", "HEAD") == own
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr(provenance, "PROJECT", tmp_path / "unpacked")
    assert provenance.git("rev-parse", "--show-toplevel") == "" and provenance.provenance()["commit"] == "not a git checkout"


# --- the build, with all that a user may have ---

CHAPTER = """
import matplotlib.pyplot as plt
from sketchlib.pictures.draw import style
style()
figure, ax = plt.subplots()
ax.plot([1, 2])
plt.show()
print(plt.rcParams["font.size"], plt.rcParams["text.usetex"], plt.rcParams["axes.edgecolor"])
"""


def cell(source, *tags):
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": [],
        "execution_count": None,
        "id": f"c{len(source)}",
    }


def write_chapter(project, code):
    cells = [cell('PROFILE = "quick"', "parameters"), cell(code)]
    about = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}}
    (project / "notebooks" / "one.ipynb").write_text(json.dumps({**about, "cells": cells}))


@pytest.fixture
def project(tmp_path):
    """The build of this project with its library, one small chapter, and nothing else, in a folder of its own."""
    project = tmp_path / "project"
    for name in ("sketchlib", "profiles"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dodo.py", project)
    (project / "notebooks").mkdir()
    (project / "_toc.yml").write_text(json.dumps({"root": "index", "parts": [{"chapters": [{"file": "notebooks/one"}]}]}))
    write_chapter(project, CHAPTER)
    return project


@pytest.fixture
def user(tmp_path):
    """The environment of somebody whose machine has everything that gets in the way."""
    home = tmp_path / "home"
    stale = home / "kernels" / "kernels" / "python3"
    stale.mkdir(parents=True)
    (stale / "kernel.json").write_text(json.dumps({"argv": ["/nowhere/python", "{connection_file}"], "display_name": "Python 3"}))
    start = home / "ipython" / "profile_default" / "startup"
    start.mkdir(parents=True)
    (start / "mine.py").write_text("import matplotlib\nmatplotlib.use('Agg')\n")
    (start.parent / "ipython_kernel_config.py").write_text("c.InlineBackend.figure_formats = {'pdf'}\n")
    (home / "matplotlibrc").write_text("text.usetex: True\naxes.edgecolor: red\nfont.size: 30\n")
    (home / "packages" / "benchmarks").mkdir(parents=True)
    (home / "packages" / "benchmarks" / "__init__.py").write_text("raise ImportError('not yours')\n")
    named = {"JUPYTER_PATH": home / "kernels", "IPYTHONDIR": home / "ipython", "MATPLOTLIBRC": home / "matplotlibrc"}
    named |= {"MPLBACKEND": "module://backend_interagg", "SKETCHLIB_BUILD": tmp_path / "elsewhere", "GIT_DIR": home / ".git"}
    return {**os.environ, **{name: str(value) for name, value in named.items()}, "PYTHONDONTWRITEBYTECODE": "1"}


def build(project, environment):
    """Run the chapter's task; what was printed, and whether it went well."""
    path = os.pathsep.join([str(Path(environment["IPYTHONDIR"]).parent / "packages"), str(project)])
    environment = {**environment, "PYTHONPATH": path, "SKETCHLIB_DATA": str(project)}  # no chapter here reads drawings
    command = [sys.executable, "-m", "doit", "--verbosity", "2", "profile=smoke", "execute"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_chapter_is_built_as_if_the_user_had_set_nothing_and_nothing_is_written_beside_the_build(project, user, tmp_path):
    before = sorted(project.rglob("*"))
    assert build(project, user)[0], build(project, user)[1]
    made = tmp_path / "elsewhere" / "smoke"
    outputs = [one for cell in json.loads((made / "notebooks" / "one.ipynb").read_text())["cells"] for one in cell["outputs"]]
    assert ["image/png" in one["data"] for one in outputs if "data" in one] == [True]
    assert "".join(outputs[-1]["text"]) == "9.0 False black\n"
    assert sorted(project.rglob("*")) == before
    assert "one ..." not in build(project, user)[1]
    (made / ".doit.json").write_text('{"execute:one": ')  # cut
    well, said = build(project, user)
    assert well and "one ..." in said
    with locked(made / ".lock", "builds"):
        well, said = build(project, user)
    assert not well and f"process {os.getpid()} on" in said and "builds the book of profile smoke already" in said
    write_chapter(project, "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.figure()")
    well, said = build(project, user)
    assert not well and "the figures of cells [2] are no pictures" in said
