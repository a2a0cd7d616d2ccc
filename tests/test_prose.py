"""No result is typed by hand: cells say results, the numbers of prose are years, shapes and hyperparameters, and what it names is there."""

import json
import pkgutil
import re
from pathlib import Path

import pytest
import yaml

import sketchlib
from sketchlib.report import links
from sketchlib.report.page import number_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "book").rglob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
# Facts about formats, floats and intervals: the box of 255 units, 345 classes, 32-bit floats, 16-bit integers, 95 % intervals, CC BY 4.0.
FACTS = {255, 345, 32, 16, 95, 100, 4.0}
NOT_PROSE = [
    r"```.*?```",  # code, directives, exercises and their solutions
    r"\$\$.*?\$\$|\$[^$]*\$",
    r"\{[\w:-]+\}`[^`]*`|`[^`]*`",
    r"\]\([^)]*\)",
    r"(?i)\b(chapters?|sections?|equations?|figures?|tables?)\s+\d+[a-z]?(\s*(,|to|and)\s*\d+[a-z]?)*",
    r"\b(19|20)\d\d\b",
    r"(?m)^#+ [\d.]*[a-z]?\.?",
]


def numbers_in(values) -> set[float]:
    """Every number in a profile."""
    if isinstance(values, dict | list):
        return set().union(*map(numbers_in, values.values() if isinstance(values, dict) else values), set())
    return {float(values)} if isinstance(values, int | float) else set()


PROFILES = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "profiles").glob("*.yml")]
ALLOWED = FACTS.union(range(11), *map(numbers_in, PROFILES))


def markdown_of(path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
    return text


def prose_of(path) -> str:
    return strip(markdown_of(path))


def strip(text) -> str:
    for pattern in NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return text


def typed(text) -> list[str]:
    found = re.findall(r"(?<![\w.-])\d+(?:[.,]\d+)*", text)
    return [number for number in found if float(number.replace(",", "")) not in ALLOWED]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_result_is_typed(path):
    assert typed(prose_of(path)) == [], "let a cell of the chapter say it, with page.record"


def test_a_typed_result_would_be_found():
    text = "Of the sketches 83.6 % were read in 2017 ([chapter 8](x2)), at $0.77$ nats, by {cite}`burda2016`, `x = 77` and 1,234 more."
    assert typed(strip(text)) == ["83.6", "1,234"]


@pytest.mark.parametrize("path", [path for path in PAGES if path.suffix == ".ipynb"], ids=lambda path: path.stem)
def test_a_chapter_opens_with_a_question_and_ends_with_a_summary_and_where_to_go(path):
    text = markdown_of(path)
    question, needs, _ = text.partition("**What you need before it.**")
    assert "?" in question and needs
    _, summary, end = text.rpartition("\n## Summary\n")
    assert summary and "\n## " not in end and "**Where to go next.**" in end


@pytest.mark.parametrize("path", [path for path in PAGES if path.suffix == ".ipynb"], ids=lambda path: path.stem)
def test_bold_is_for_words_that_are_defined(path):
    text = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", " ", markdown_of(path), flags=re.DOTALL)
    bold = set(re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)) - {"What you need before it.", "Where to go next."}
    assert {words for words in bold if len(words.split()) > 3 or words[-1] in ".:;"} == set()


@pytest.mark.parametrize("path", [path for path in PAGES if path.suffix == ".ipynb"], ids=lambda path: path.stem)
def test_folded_cells_have_something_between_them_and_one_says_where_the_numbers_are_from(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    folded = [bool({"hide-input", "hide-cell"} & set(cell["metadata"].get("tags", []))) for cell in cells]
    assert [cells[k]["id"] for k in range(1, len(cells)) if folded[k - 1] and folded[k]] == []
    assert sum("page.card(" in "".join(cell["source"]) for cell in cells) == 1


def test_chapters_that_docstrings_name_are_there():
    chapters = {number_of(path.stem) for path in PAGES if path.suffix == ".ipynb"}
    named = {}
    for path in sorted((ROOT / "sketchlib").rglob("*.py")):
        for phrase in links.CHAPTERS.findall(path.read_text(encoding="utf-8")):
            named |= dict.fromkeys(re.findall(r"\d+[a-z]?", phrase), path.name)
    assert named and {number: name for number, name in named.items() if number not in chapters} == {}


def test_the_page_for_teachers_has_a_row_for_every_chapter():
    rows = re.findall(
        r"^\| \[Chapter (\d+[a-z]?)\]\(notebooks/(\w+)\) \|.*\| \d+ \|$", (ROOT / "book" / "teachers.md").read_text(encoding="utf-8"), re.M
    )
    assert [stem for _, stem in rows] == sorted(path.stem for path in PAGES if path.suffix == ".ipynb")
    assert all(number == number_of(stem) for number, stem in rows)


MODULES = [one.name for one in pkgutil.walk_packages(sketchlib.__path__, "sketchlib.") if not one.name.endswith("__main__")]


def resolves(name) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def missing(text) -> list[str]:
    """The names of the library in a text that there are not: `sketchlib.x.y`, and `x.y` where the library has a module x."""
    found = [name for name in re.findall(r"\bsketchlib(?:\.[A-Za-z_]\w*)+", text) if not resolves(name)]
    for module, name in re.findall(r"`([a-z_]+)\.(\w+)[^`\n]*`", text):
        homes = [one for one in MODULES if one.endswith(f".{module}")]
        if homes and not any(resolves(f"{home}.{name}") for home in homes):
            found.append(f"{module}.{name}")
    return found


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda path: path.stem)
def test_what_prose_names_is_in_the_library(path):
    assert missing(markdown_of(path)) == []


def test_a_name_that_the_library_does_not_have_would_be_found():
    assert missing("`sketchlib.quickdraw`, `sketchlib.data.quickdraw`, and sketchlib.Drawing.") == ["sketchlib.quickdraw"]
    assert missing("`dataset.batch_order(x)`, `batches.batch_order(x)` and `np.load`") == ["dataset.batch_order"]
