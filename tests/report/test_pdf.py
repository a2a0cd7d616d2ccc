"""The book on paper: solutions at the end, nothing to click, films as their last frame, page numbers."""

import re

import pytest
from PIL import Image

from sketchlib.files import PROJECT
from sketchlib.report import pdf

PAGE = """<html><body><nav>menu</nav><article><h1>1. Lines<a class="headerlink">#</a></h1><p>Text.</p><button>Press</button>
<details class="hide"><summary>Show</summary><pre>secret</pre></details><details><summary>Card</summary><p>told</p></details>
<div class="solution dropdown toggle-hidden">Because.</div><p>After.</p><h1>2. Dots</h1><div class="solution dropdown">So.</div>
<iframe></iframe></article></body></html>"""


@pytest.fixture
def prepared(browser):
    tab = browser.new_page()
    tab.set_content(PAGE)
    tab.evaluate(pdf.PREPARE, [pdf.LEFT_OUT, pdf.STYLE])
    yield tab
    tab.close()


def test_solutions_stand_at_the_end_under_their_chapters(prepared):
    text = prepared.locator("article").inner_text()
    places = [text.index(part) for part in ("After.", "2. Dots", "Solutions", "1. Lines\n\nBecause.", "2. Dots\n\nSo.")]
    assert places == sorted(places) and text.count("Because.") == 1


def test_what_is_clicked_is_left_out_and_what_is_folded_stands_open(prepared):
    assert prepared.locator("button, iframe, nav, .dropdown, .headerlink").count() == 0
    text = prepared.locator("body").inner_text()
    assert "secret" not in text and "told" in text


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
def test_a_page_is_printed_on_numbered_sheets(tmp_path, browser):
    page = tmp_path / "index.html"
    page.write_text(PAGE)
    made = pdf.printed(browser, page)
    assert made.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b(?!s)", made)) == 3 and b"/Outlines" in made
