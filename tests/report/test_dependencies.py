"""What a chapter depends on is found in its code, followed through imports, and blind to comments."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sketchlib.report import dependencies

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = {
    "__init__": '_HOME = {"draw_it": "pen"}',
    "board": '"""The board."""\nWIDTH = 1  # units\n',
    "pen": "def draw_it():\n    from . import ink\n    return ink\n",
    "ink": "from .board import WIDTH\n",
    "report/stages": "from .. import ink\n",
    "other": "import numpy\n",
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "fake"
    folder.mkdir()
    for name, text in LIBRARY.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("from fake import board", {"board"}),
        ("from fake.ink import WIDTH", {"ink", "board"}),
        ("import fake.ink", {"ink", "board"}),
        ("import fake\nfake.draw_it()", {"pen", "ink", "board"}),
        ("from fake import draw_it", {"pen", "ink", "board"}),
        ("from fake.report import stages", {"report.stages"}),
        ("from fake.report.stages import ink", {"report.stages"}),
        ("%matplotlib inline\n!ls\nimport numpy", set()),
    ],
)
def test_modules_are_found_and_followed(package, code, modules):
    assert dependencies.modules_of(code, package) == modules


def test_comments_and_docstrings_do_not_count_and_code_does(package):
    before = dependencies.code_hash({"pen"}, package)
    (package / "board.py").write_text('"""Another word."""\n# why\nWIDTH = 1\n')
    assert dependencies.code_hash({"pen"}, package) == before
    (package / "other.py").write_text("import math\n")
    assert dependencies.code_hash({"pen"}, package) == before
    (package / "board.py").write_text("WIDTH = 2\n")
    assert dependencies.code_hash({"pen"}, package) != before


def test_sections_and_stages_are_read_from_attributes():
    code = "profile = page.profile\nn = profile.single.steps + profile.seed\nstages.vaes(profile)\n# profile.vae"
    assert dependencies.profile_sections(code) == {"single"}
    assert dependencies.stages_of(code) == {"vaes"}
    assert dependencies.profiles_named('full = report.load_profile("full").single\nreport.load_profile(PROFILE)') == {"full"}


def test_a_table_of_origins_reads_its_section_and_the_published_profile():
    code = 'rows = report.origins(profile, "data", {"clamp": "table"})'
    assert dependencies.profile_sections(code) == {"data"} and dependencies.profiles_named(code) == {"full"}


def test_every_module_of_the_library_can_be_read():
    names = dependencies.modules()
    assert dependencies.closure(names) == names


def notebook(*sources):
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# A chapter"}]
    for number, source in enumerate(sources):
        tags = {"tags": ["parameters"]} if number == 0 else {}
        cells.append({"cell_type": "code", "id": f"c{number}", "metadata": tags, "execution_count": None, "outputs": [], "source": source})
    spec = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": spec, "nbformat": 4, "nbformat_minor": 5})


CHAPTERS = {
    "one": "from sketchlib.strokes import BOX\nprint(BOX)",
    "two": "from sketchlib.report.profile import load_profile\nprofile = load_profile(PROFILE)\nprint(profile.sampling.grid)",
}


@pytest.fixture
def project(tmp_path):
    """The build of this project with its library, two small chapters, and nothing else."""
    for name in ("sketchlib", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dodo.py", tmp_path)
    files = [{"file": f"notebooks/{name}"} for name in CHAPTERS]
    (tmp_path / "_toc.yml").write_text(json.dumps({"root": "index", "parts": [{"chapters": files}]}))
    (tmp_path / "notebooks").mkdir()
    for name, code in CHAPTERS.items():
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(notebook('PROFILE = "quick"', code))
    return tmp_path


def build(project, succeed=True):
    """Run the chapters' tasks; the chapters that were executed, or all that was printed when it should fail."""
    environment = {name: value for name, value in os.environ.items() if name not in ("SKETCHLIB_BUILD", "SKETCHLIB_PROFILES")}
    environment["SKETCHLIB_DATA"] = str(project)  # no chapter here reads drawings: nothing is to be downloaded
    command = [sys.executable, "-m", "doit", "--verbosity", "2", "profile=smoke", "execute"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env={**environment, "PYTHONPATH": str(project)})
    assert (done.returncode == 0) == succeed, done.stdout + done.stderr
    executed = [name for name in CHAPTERS if f"{name} ..." in done.stdout]
    return executed if succeed else done.stdout + done.stderr


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.slow
def test_only_what_depends_on_a_change_is_executed_again(project):
    assert build(project) == ["one", "two"]
    assert build(project) == []
    replace(project / "notebooks" / "one.ipynb", "print(BOX)", "print(BOX + 1)")
    assert build(project) == ["one"]
    replace(project / "profiles" / "smoke.yml", "grid: ", "grid: 1")
    assert build(project) == ["two"]
    replace(project / "sketchlib" / "report" / "profile.py", "def load_profile", "X = 1\n\n\ndef load_profile")
    assert build(project) == ["two"]
    replace(project / "sketchlib" / "strokes.py", "BOX = 255  #", "BOX = 255  # the longer")
    assert build(project) == []


@pytest.mark.slow
def test_a_failing_chapter_is_named_with_its_cell_and_stops_the_build(project):
    (project / "notebooks" / "one.ipynb").write_text(notebook('PROFILE = "quick"', "x = 1", "1 / (x - 1)"))
    said = build(project, succeed=False)
    assert "one, cell 4" in said and "1 / (x - 1)" in said and "ZeroDivisionError" in said
    assert "two ..." not in said and not (project / "build" / "smoke" / "notebooks" / "one.ipynb").exists()


@pytest.mark.slow
def test_a_parameter_that_the_build_does_not_give_is_an_error(project):
    (project / "notebooks" / "one.ipynb").write_text(notebook('PROFILE = "quick"\nEXTRA = 1', "x = 1"))
    assert "parameters cell must hold PROFILE" in build(project, succeed=False)
