"""What code depends on is found in it, definition by definition, followed through imports, and blind to comments."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from sketchlib.errors import DataError
from sketchlib.report import dependencies, recipes, stages, store

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = {
    "__init__": '_HOME = {"draw_it": "pen"}',
    "board": """
        '''The board.'''
        from numpy import sin as wave
        WIDTH = 1  # units
        HEIGHT: int = 2
        SIZE, AREA = 3, 4
        SQUARES = {}
        """,
    "pen": """
        def draw_it():
            from . import ink
            return ink.dip()
        """,
    "ink": """
        from .board import WIDTH, wave
        def dip():
            return wave(WIDTH)
        def spill():
            return HUGE
        """,
    "report/__init__": "from .pages import turned",
    "report/pages": """
        from .. import board as desk
        from ..ink import dip as dipped
        class Page:
            size = desk.SIZE
            def dry(self):
                return dipped
        def turned() -> Page:
            return 2
        def all_of_it():
            return desk
        """,
    "hidden": """
        from .ink import dip
        def f(dip, spill=dip):
            return dip
        def g(dip):
            return lambda spill: dip
        """,
    "other": """
        import numpy
        if numpy:
            numpy.seed = 1
        def plain():
            return numpy.ones
        """,
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "fake"
    for name, text in LIBRARY.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())
    return folder


def names(reached):
    return {path.removeprefix("fake.") for path in reached if not path.endswith(".")}


DIPPING = {"ink.dip", "board.WIDTH"}
PAGE = {"report.pages.Page", "board.SIZE", *DIPPING}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("board.WIDTH", {"board.WIDTH"}),
        ("ink.dip", DIPPING),
        ("pen.draw_it", {"pen.draw_it", *DIPPING}),  # imported inside the function
        ("report.pages.Page", PAGE),  # an alias, an attribute of a module, a class as a whole
        ("report.turned", {"report.pages.turned", *PAGE}),  # named again in __init__, its annotation followed
        ("hidden.f", {"hidden.f", *DIPPING}),  # the default is the module's, what is returned is not
        ("hidden.g", {"hidden.g"}),  # a parameter
        ("report.pages.all_of_it", {"report.pages.all_of_it", *(f"board.{n}" for n in ("WIDTH", "HEIGHT", "SIZE", "AREA", "SQUARES"))}),
    ],
)
def test_names_are_followed_to_their_definitions(package, entry, expected):
    assert names(dependencies.reached([entry], package=package)) == expected
    leaf = dependencies.reached([entry], leaves=["ink.dip"], package=package)
    assert "board.WIDTH" not in names(leaf) or "ink.dip" not in expected or entry.startswith(("board", "report.pages.all"))


@pytest.mark.parametrize(
    ("code", "entries"),
    [
        ("from fake import board\nboard.SIZE + board.AREA", ["board.AREA", "board.SIZE"]),
        ("from fake.ink import dip as d\nd()", ["ink.dip"]),
        ("import fake.ink\nfake.ink.dip()", ["ink.dip"]),
        ("import fake\nfake.draw_it()", ["pen.draw_it"]),
        ("from fake import draw_it\ndraw_it", ["pen.draw_it"]),
        ("from fake.report import turned\nturned()", ["report.pages.turned"]),
        ("%matplotlib inline\n!ls\nimport numpy\nnumpy.ones", []),
    ],
)
def test_a_chapter_enters_by_the_names_that_it_uses(package, code, entries):
    assert dependencies.entries_of(code, package) == entries


def test_an_entry_that_is_not_defined_is_an_error(package):
    with pytest.raises(DataError, match=r"fake\.pen\.draw_that: not defined"):
        dependencies.reached(["pen.draw_that"], package=package)


@pytest.mark.parametrize(
    ("module", "old", "new", "counts"),
    [
        ("board", "'''The board.'''", "'''Another word.'''\n# why", False),
        ("board", "WIDTH = 1", "WIDTH = 5", True),
        ("board", "HEIGHT: int = 2", "HEIGHT: int = 5", False),
        ("board", "SQUARES = {}", "SQUARES = {}\nSQUARES[1] = 1", True),  # a statement that defines nothing
        ("board", "import sin as", "import cos as", True),  # another package's name
        ("ink", "HUGE", "HUGER", False),
        ("ink", "dip():", "dip(deep=True):", True),
        ("other", "1", "2", False),
    ],
)
def test_what_is_reached_counts_and_nothing_else(package, module, old, new, counts):
    before = dependencies.code_hash(["pen.draw_it"], package=package)
    replace(package / f"{module}.py", old, new)
    assert (dependencies.code_hash(["pen.draw_it"], package=package) != before) == counts


def test_what_a_module_does_counts_with_each_of_its_definitions(package):
    assert dependencies.reached(["other.plain"], package=package)["fake.other."] == (
        "# numpy as numpy\n# numpy.seed as numpy.seed\nif numpy:\n    numpy.seed = 1"
    )


# --- this library ---


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the library, of which the keys are."""
    shutil.copytree(ROOT / "sketchlib", tmp_path / "sketchlib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(dependencies, "PACKAGE", tmp_path / "sketchlib")
    return tmp_path / "sketchlib"


CHANGED = {bool: lambda value: not value, int: lambda value: value + 1, float: lambda value: 2 * value + 1, str: lambda value: value + "x"}


def constants(node):
    """The constants in a piece of code, but for docstrings and parts of f-strings."""
    prose = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    if isinstance(node, ast.Constant) and type(node.value) in CHANGED:
        yield node
    elif not prose:
        yield from (found for child in ast.iter_child_nodes(node) for found in constants(child))


def with_a_changed_constant(text, defined):
    """The text of a file with one constant changed in one of these definitions; None where they hold none."""
    nodes = [n for n in ast.parse(text).body if getattr(n, "name", ast.unparse(getattr(n, "targets", [n])[0])) in defined]
    one = next((found for node in nodes for found in constants(node)), None)
    if one is not None:
        lines = text.splitlines(keepends=True)
        line, new = lines[one.lineno - 1].encode(), repr(CHANGED[type(one.value)](one.value)).encode()
        lines[one.lineno - 1] = (line[: one.col_offset] + new + line[one.end_col_offset :]).decode()
        return "".join(lines)


FILES = {  # stage: its entries, and some of the files that it runs
    "data": (
        ["report.drawings.data"],
        {"data.source", "data.quickdraw", "data.npz", "data.dataset", "strokes", "report.drawings"},
    ),
    "train_single": (
        ["report.training.make", "models.single.ConditionalDecoder"],
        {"train", "data.batches", "models.single", "models.decoder", "models.mixture", "report.training", "report.drawings", "files"},
    ),
    "train_vae": (
        ["report.training.make", "models.vae.SketchVAE"],
        {"train", "data.batches", "data.dataset", "models.vae", "models.decoder", "models.mixture", "report.training", "settings"},
    ),
    "recogniser": (["report.stages._make_recogniser"], {"metrics.recogniser", "metrics.raster", "strokes", "report.stages"}),
    "experiments": (["report.ablations.PaddedVAE", "report.ablations.RelabelledDecoder"], {"models.vae", "report.ablations"}),
    "comparison": (["report.training.make"], {"train", "report.training"}),
}


@pytest.mark.parametrize("stage", FILES)
def test_a_changed_constant_in_any_file_that_a_stage_runs_makes_it_again(stage, copied, profile):
    entries, files = FILES[stage]
    before, reached, changed = stages.KEYS[stage](profile), dependencies.reached(entries, store.NOT_IN_KEYS), set()
    for module in sorted({path.rpartition(".")[0] for path in reached}):
        path = copied.parent / f"{module.replace('.', '/')}.py"
        defined, text = {one.rpartition(".")[2] for one in reached if one.startswith(f"{module}.")} - {""}, path.read_text()
        if other := with_a_changed_constant(text, defined):
            path.write_text(other)
            assert stages.KEYS[stage](profile) != before, f"{module}: {set(other.splitlines()) - set(text.splitlines())}"
            changed.add(module.partition(".")[2])
        path.write_text(text)
    assert stages.KEYS[stage](profile) == before and changed >= files


@pytest.mark.parametrize("module", ["strokes", "svg", "files", "sampling", "models/weights", "report/training", "report/stages"])
def test_a_new_function_that_nothing_calls_makes_nothing_again(module, copied, profile):
    before = {stage: keys(profile) for stage, keys in stages.KEYS.items()}
    with (copied / f"{module}.py").open("a") as file:
        file.write("\n\ndef unheard_of(drawing):\n    return drawing, 50_000\n")
    assert {stage: keys(profile) for stage, keys in stages.KEYS.items()} == before


def test_what_a_recipes_values_are_made_of_counts_by_the_values(profile, monkeypatch):
    before = {stage: keys(profile) for stage, keys in stages.KEYS.items()}
    monkeypatch.setattr(recipes, "PUBLISHED_STEPS", 49_000)
    differ = {stage for stage, keys in stages.KEYS.items() if keys(profile) != before[stage]}
    assert differ == {"train_vae", "train_vaes", "router", "comparison"}


def test_sections_and_stages_are_read_from_attributes():
    code = "profile = page.profile\nn = profile.single.steps + profile.seed\nstages.vaes(profile)\n# profile.vae"
    assert dependencies.profile_sections(code) == {"single"}
    assert dependencies.stages_of(code) == {"vaes"}
    assert dependencies.profiles_named('full = report.load_profile("full").single\nreport.load_profile(PROFILE)') == {"full"}


def test_a_table_of_origins_reads_its_section_and_the_published_profile():
    code = 'rows = origins(profile, "data", {"clamp": "table"})'
    assert dependencies.profile_sections(code) == {"data"} and dependencies.profiles_named(code) == {"full"}


def test_the_earlier_chapters_whose_numbers_a_chapter_shows_are_read_from_its_calls():
    code = 'found = page.earlier("08b_likeness") | page.earlier("08_evaluation")\npage.results(dict)'
    assert dependencies.chapters_read(code) == ["08_evaluation", "08b_likeness"] and dependencies.chapters_read("earlier = 1") == []


def test_the_benchmarks_whose_record_a_chapter_shows_are_read_from_its_calls():
    assert dependencies.benchmarks_read('record = page.benchmark("quality")\npage.benchmark(name)') == ["quality"]


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
    assert build(project) == []
    replace(project / "sketchlib" / "report" / "profile.py", 'name != "name"', '"name" != name')
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
