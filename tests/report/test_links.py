"""Names in prose lead to what they name and to nothing else; the reference's pages are made of what is there, and their examples run."""

import re
from contextlib import redirect_stdout
from io import StringIO

import pytest
from docutils import nodes

from sketchlib.files import PROJECT
from sketchlib.report import links

FUNCTIONS = ["strokes.to_stroke3", "data.npz.read_npz", "sampling.sample", "data.batches.make_batch", "metrics.fidelity.frechet"]
FUNCTIONS += [
    "pictures.scores.plot",
    "pictures.draw.plot",
    "pictures.sentence.scene",
    "data.formats.read",
    "report.chapters.claims.decided",
]
METHODS = [
    "strokes.Drawing.svg",
    "metrics.judges.SecondJudge.predict",
    "metrics.recogniser.Recogniser.predict",
    "pictures.scene.Scene.move",
]
MODULES = ["strokes", "data.quickdraw", "pictures.scene", "guidance"]
KNOWN = {"sketchlib.strokes.Drawing": "class"}
for kind, paths in {"function": FUNCTIONS, "method": METHODS, "module": MODULES}.items():
    KNOWN |= {f"sketchlib.{path}": kind for path in paths}


@pytest.mark.parametrize(
    ("code", "path"),
    [("strokes.to_stroke3", "sketchlib.strokes.to_stroke3"), ("sketchlib.strokes", "sketchlib.strokes")]
    + [("Drawing", "sketchlib.strokes.Drawing"), ("Drawing.svg", "sketchlib.strokes.Drawing.svg")]
    + [("make_batch", "sketchlib.data.batches.make_batch"), ("make_batch(drawings, [0],\n 1.0)", "sketchlib.data.batches.make_batch")]
    + [("sketchlib.sample(..., guidance=...)", "sketchlib.sampling.sample"), ("sketchlib.sample", "sketchlib.sampling.sample")]
    + [("quickdraw.read_npz", "sketchlib.data.npz.read_npz"), ("draw.plot", "sketchlib.pictures.draw.plot")]
    + [("frechet", "sketchlib.metrics.fidelity.frechet"), ("sketchlib.scene", "sketchlib.pictures.sentence.scene")]
    + [("sketchlib.read", "sketchlib.data.formats.read"), ("Recogniser.predict", "sketchlib.metrics.recogniser.Recogniser.predict")],
)
def test_what_code_in_prose_names_is_found(code, path):
    assert links.meant(code, KNOWN) == path


@pytest.mark.parametrize(
    "code",
    [
        "strokes",
        "guidance",
        "move",
        "decided",
        "plot()",
        "predict()",
        "np.load",
        "np.load(..., allow_pickle=True)",
        "full_simplified_cat.ndjson",
        "x = make_batch",
    ]
    + ["make", "stroke_nll", "no.such", "sketchlib.nothing", ".npz", "L_S + L_P", ""],
)
def test_plain_words_other_packages_and_what_is_not_plain_lead_nowhere(code):
    assert links.meant(code, KNOWN) is None


def test_every_module_of_a_folder_stands_where_its_folder_is_named():
    text = links.expanded("# Title\n\n% modules: train, data\n\nThe end, % modules: of this\n")
    named = re.findall(r"^\.\. automodule:: sketchlib\.(\S+)$", text, re.M)
    files = sorted(path.stem for path in (PROJECT / "sketchlib" / "data").glob("[!_]*.py"))
    assert named == ["train", *(f"data.{name}" for name in files)] and text.endswith("The end, % modules: of this\n")
    assert re.findall(r"^## (\S+)$", text, re.M)[:2] == ["train", f"data/{files[0]}"]


def test_chapters_that_a_text_names_lead_to_them():
    names = ("04_single_model", "08b_likeness", "12_claims", "14_gallery")
    chapters = links.chapters_of(["index", "api/data", *(f"notebooks/{name}" for name in names)])
    said = "Chapters 4, 6 to 12 and 14; chapter 4. Chapter 99. Chapter 8b."
    pieces = list(links.linked(said, chapters, lambda page: f"../{page}.html"))
    assert "".join(piece.astext() for piece in pieces) == said
    found = [(piece.astext(), piece["refuri"][13:15]) for piece in pieces if isinstance(piece, nodes.reference)]
    assert found == [("Chapters 4", "04"), ("12", "12"), ("14", "14"), ("chapter 4", "04"), ("Chapter 8b", "08")]


PAGES = [PROJECT / "book" / "api.md", *sorted((PROJECT / "book" / "api").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_reference_opens_with_an_example_that_runs(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text, names = page.read_text(encoding="utf-8"), {}
    with redirect_stdout(StringIO()) as said:
        for example in re.findall(r"```python\n(.*?)```", text, re.S):
            exec(example, names)
    assert names and said.getvalue() and "```python" in text.partition("% modules")[0]


def test_what_python_says_of_a_tuples_field_is_left_out_and_nothing_else():
    for said, left in (["Alias for field number 3"], []), (["The rows.", "", "Alias for field number 3"], None), ([], None):
        lines = list(said)
        links.without_aliases(None, "attribute", "a.b", None, None, lines)
        assert lines == (said if left is None else left)


CONFIGURATION = """
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sketchlib.report.links"]
default_role = "literal"
"""


def test_sphinx_makes_the_links_and_pages_of_source_that_lead_back(tmp_path):
    from sphinx.testing.util import SphinxTestApp

    (tmp_path / "notebooks").mkdir()
    (tmp_path / "conf.py").write_text(CONFIGURATION)
    (tmp_path / "index.md").write_text(
        "# Words\n\n```{toctree}\nnotebooks/01_strokes\napi\n```\n\nSee `strokes.to_stroke3` and `np.load`.\n"
    )
    (tmp_path / "notebooks" / "01_strokes.md").write_text("# Chapter\n\nText.\n")
    (tmp_path / "api.md").write_text("# Reference\n\n% modules: strokes, errors\n")
    app = SphinxTestApp(srcdir=tmp_path)
    app.build()
    app.cleanup()
    made = tmp_path / "_build" / "html"
    page, entry = ((made / name).read_text(encoding="utf-8") for name in ("index.html", "api.html"))
    assert 'href="api.html#sketchlib.strokes.to_stroke3"' in page and 'title="np' not in page
    assert 'href="notebooks/01_strokes.html">Chapter 1</a>' in entry and 'href="_modules/sketchlib/strokes.html#to_stroke3"' in entry
    source = (made / "_modules" / "sketchlib" / "strokes.html").read_text(encoding="utf-8")
    assert 'href="../../api.html#sketchlib.strokes.to_stroke3"' in source and re.findall(r'src="(?:https?:)?//', source) == []
