"""The book on paper: solutions at the end, nothing to click, films as their last frame, page numbers."""

import re

import pytest
from PIL import Image

from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.report import pdf

FIRST = """<html><head><style>h1 { line-height: 1; margin-top: 0; }</style></head><body><nav>menu</nav><article>
<h1 id="lines">1. Lines<a class="headerlink">#</a></h1><p>Text.</p><button>Press</button>
<details class="hide"><summary>Show</summary><pre>secret</pre></details><details><summary>Card</summary><p>told</p></details>
<a id="on" href="second.html#dots">on</a> <a id="file" href="data.zip">file</a> <a id="out" href="https://example.org/">out</a>
<div class="solution dropdown toggle-hidden">Because.</div><p>After.</p></article></body></html>"""
SECOND = """<html><body><article><h1 id="dots">2. Dots</h1><a id="own" href="#dots">here</a><div data-sketch="watch">drag</div>
<div class="solution dropdown">So.</div><iframe></iframe></article><script src="menu.js"></script>
<script src="mathjax/tex-svg.js"></script></body></html>"""


@pytest.fixture
def pages(tmp_path):
    for name, text in (("first", FIRST), ("second", SECOND)):
        (tmp_path / f"{name}.html").write_text(text)
    (tmp_path / "mathjax").mkdir()
    for name in ("menu.js", "mathjax/tex-svg.js"):
        (tmp_path / name).write_text(f"document.querySelector('article').append('set by {name}');")
    return [tmp_path / "first.html", tmp_path / "second.html"]


@pytest.fixture
def tab(browser, pages):
    tab = browser.new_page()
    pdf.join(tab, pages)
    yield tab
    tab.close()


def test_solutions_stand_at_the_end_under_their_chapters(tab):
    text = " ".join(tab.locator("body").inner_text().split())
    places = [text.index(part) for part in ("After.", "2. Dots", "Solutions", "1. Lines Because.", "2. Dots So.")]
    assert places == sorted(places) and text.count("Because.") == 1


def test_what_is_clicked_is_left_out_and_what_is_folded_stands_open(tab):
    assert tab.locator("button, iframe, nav, .dropdown, .headerlink, [data-sketch]").count() == 0
    text = tab.locator("body").inner_text()
    assert "secret" not in text and "told" in text


def test_links_lead_to_places_in_the_same_document_or_out_of_the_book(tab):
    assert tab.locator("#page-0-on").get_attribute("href") == "#page-1-dots" == tab.locator("#page-1-own").get_attribute("href")
    assert tab.locator("#page-1-dots").count() == 1
    assert tab.locator("#page-0-file").get_attribute("href") is None
    assert tab.locator("#page-0-out").get_attribute("href") == "https://example.org/"


def test_of_a_page_s_scripts_only_the_one_that_sets_formulas_is_run(tab):
    text = tab.locator("body").inner_text()
    assert "set by mathjax/tex-svg.js" in text and "set by menu.js" not in text


def test_a_film_shows_its_last_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("white", "red")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    pdf.stand_still(tmp_path)
    with Image.open(tmp_path / "film.gif") as still:
        assert still.n_frames == 1 and still.convert("RGB").getpixel((4, 4)) == (255, 0, 0)


def test_the_first_page_shows_its_link_only_once_there_is_a_pdf(tmp_path):
    index = tmp_path / "index.html"
    index.write_text('<p class="book-pdf" hidden><a href="book.pdf">PDF</a></p>')
    pdf.show_link(index)
    assert "hidden" not in index.read_text() and "book.pdf" in index.read_text()
    assert 'class="book-pdf" hidden' in (PROJECT / "book" / "index.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_pages_are_printed_on_numbered_sheets(pages, browser):
    made = pdf.printed(browser, pages)
    assert made.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b(?!s)", made)) == 3 and b"/Outlines" in made


@pytest.mark.slow
def test_a_heading_on_top_of_a_sheet_stands_once_in_the_outline(pages, browser):
    titles = re.findall(rb"/Title \(([^)]*)\)", pdf.printed(browser, pages))
    assert {b"1. Lines", b"2. Dots", b"Solutions"} <= set(titles)


def test_a_book_that_is_not_built_is_not_printed(tmp_path):
    with pytest.raises(DataError, match="has no page index: build the book first"):
        pdf.make_pdf(tmp_path, ["index"], tmp_path / "book.pdf")
    assert not list(tmp_path.iterdir())
