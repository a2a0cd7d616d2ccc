"""The smoke book, built by the same tasks as `make book`, and read in headless Chromium from disk as a reader without network would."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from conftest import make_book

from sketchlib.report.profile import load_profile

ROOT = Path(__file__).resolve().parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
LISTED = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [TOC["root"], *(page["file"] for chapter in LISTED for page in [chapter, *chapter.get("sections", [])])]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
MATHS = "notebooks/03_mixture_density"
pytestmark = pytest.mark.slow


def test_a_second_build_executes_nothing_and_says_where_the_book_is(book):
    before = (book / "index.html").stat().st_mtime_ns
    done = make_book()
    assert done.returncode == 0 and " ..." not in done.stdout
    assert (book / "index.html").stat().st_mtime_ns == before
    assert str(book / "index.html") in done.stdout
    assert all(re.search(rf"{Path(chapter).name}\s+[\d.]+", done.stdout) for chapter in CHAPTERS)


def test_the_results_say_what_each_number_is(book):
    results = json.loads((book.parent / "results.json").read_text(encoding="utf-8"))
    assert results
    for entry in results.values():
        assert (
            entry.keys() - {"low", "high"} == {"what", "value", "unit", "n", "profile", "seed", "chapter"} and entry["profile"] == "smoke"
        )
    page = (book / "results.html").read_text(encoding="utf-8")
    assert all(name in page for name in results)


def test_every_chapter_can_be_downloaded_as_a_notebook(book):
    for chapter in CHAPTERS:
        page = (book / f"{chapter}.html").read_text(encoding="utf-8")
        source = f"_sources/{chapter}.ipynb"
        assert source in page and json.loads((book / source).read_text(encoding="utf-8"))["nbformat"] == 4


def visit(browser, path):
    """Open a page from disk; the page, what its console complained of, and what it asked for elsewhere."""
    tab, complaints, requests = browser.new_page(), [], []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("requestfailed", lambda request: complaints.append(f"{request.url} failed"))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(path.as_uri(), wait_until="load")
    tab.wait_for_timeout(150)
    if tab.locator("main .math").count():
        tab.wait_for_selector("mjx-container", timeout=5_000, state="attached")
    return tab, complaints, [url for url in requests if not url.startswith(("file://", "data:", "blob:"))]


def wait_until(tab, expression):
    """Wait for what is true at last: the pages' policy forbids what Playwright's own way of waiting does."""
    for _ in range(300):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(100)
    raise AssertionError(f"{expression} is not true after half a minute")


@pytest.mark.parametrize("name", [*PAGES, "genindex", "search", "_modules/index", "_modules/sketchlib/strokes"])
def test_a_page_opens_from_disk_without_an_error_or_a_request_elsewhere(book, browser, name):
    tab, complaints, elsewhere = visit(browser, book / f"{name}.html")
    assert complaints == [] and elsewhere == []
    tab.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    broken = "[...document.images].filter(i => !i.closest('.only-dark, .only-light')).every(i => i.complete && i.naturalWidth > 0)"
    wait_until(tab, broken)
    tab.close()


def test_every_page_has_a_policy_and_obeys_it(book, browser):
    """Those that no other test opens too, one after the other; and a page does not load what its policy forbids."""
    pages = [path for path in sorted(book.rglob("*.html")) if "_static" not in path.relative_to(book).parts]
    texts = [path.read_text(encoding="utf-8") for path in pages]
    assert all(0 < text.find("Content-Security-Policy") < text.find("<script") for text in texts)
    assert not any(re.search(r"<[a-z]+ [^>]*\bon[a-z]+=", text) for text in texts), "a handler in a page"
    tab, complaints, _ = visit(browser, book / "index.html")
    for path in pages:
        tab.goto(path.as_uri())
    assert complaints == []
    tab.evaluate("() => { addEventListener('securitypolicyviolation', (event) => { window.refused = event.effectiveDirective; }); }")
    for tag, directive in {"img": "img-src", "script": "script-src-elem"}.items():
        tab.evaluate("tag => document.body.append(Object.assign(document.createElement(tag), {src: 'https://example.org/a'}))", tag)
        wait_until(tab, f"window.refused === '{directive}'")
    tab.close()


LOOKS = ((1280, "light"), (390, "dark"))
VERY_LONG = ("api/", "results", "genindex")  # axe takes up to half a minute for each look; these get one
SERIOUS = """async () => (await axe.run(document, { resultTypes: ["violations"], preload: false })).violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)}`))"""


@pytest.mark.parametrize("name", [*PAGES, "genindex", "search", "_modules/sketchlib/strokes"])
def test_a_page_keeps_nobody_out_and_does_not_scroll_sideways(book, browser, axe, name):
    with closing(browser.new_page(reduced_motion="reduce")) as tab:
        for width, theme in LOOKS:  # opened anew for each: a page looks once which code does not fit
            tab.set_viewport_size({"width": width, "height": 800})
            tab.emulate_media(color_scheme=theme)
            tab.goto((book / f"{name}.html").as_uri(), wait_until="load")
            if tab.locator("main .math").count():
                tab.wait_for_selector("mjx-container", state="attached")
            if (width, theme) == LOOKS[0] or not name.startswith(VERY_LONG):
                tab.evaluate(axe)
                assert tab.evaluate(SERIOUS) == [], (width, theme)
            assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (width, theme)
        assert tab.evaluate("[...document.images].filter((one) => !one.alt.trim()).map((one) => one.src)") == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_shows_a_figure_and_its_maths(book, browser, chapter):
    tab, *_ = visit(browser, book / f"{chapter}.html")
    assert tab.locator("main .cell_output img, main .cell_output svg, main figure img").count() > 0
    text = tab.locator("main").inner_text()
    assert "Traceback" not in text and "\\(" not in text and "\\mathrm" not in text
    assert "|—" not in text, "a table that a cell made is shown as text"
    assert chapter != MATHS or tab.locator("mjx-container").count() > 0
    tab.close()


def test_prose_leads_to_the_reference_that_to_the_source_and_back(book, browser):
    tab, *_ = visit(browser, book / f"{CHAPTERS[0]}.html")
    tab.locator("main a[title='sketchlib.strokes.to_stroke5']").first.click()
    entry = tab.locator("dt[id='sketchlib.strokes.to_stroke5']")
    tab.wait_for_url("**/api/ground.html#sketchlib.strokes.to_stroke5")
    entry.wait_for()
    entry.locator("a.viewcode-link, a:has(.viewcode-link)").first.click()
    tab.wait_for_url("**/_modules/sketchlib/strokes.html*")
    assert any("api/ground.html" in one.get_attribute("href") for one in tab.locator("a.viewcode-back").all())
    tab.close()


def test_a_page_can_be_read_in_the_dark(book, browser):
    tab, *_ = visit(browser, book / "index.html")
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    colors = "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
    ink, paper = (sum(map(int, re.findall(r"\d+", color)[:3])) for color in tab.locator("main p").first.evaluate(colors))
    assert ink > 450 and paper < 150
    tab.close()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_one_folded_card_says_where_numbers_are_from_and_no_bold_sentence_does(book, browser, chapter):
    tab, *_ = visit(browser, book / f"{chapter}.html")
    cards = tab.locator("main details", has=tab.locator("summary", has_text="Where the numbers and models of this page are from"))
    assert cards.count() == 1 and cards.first.get_attribute("open") is None
    bold = tab.locator("main strong").all_inner_texts()
    assert [text for text in bold if re.search(r"\b(profile|seed|commit|published weights)\b", text)] == []
    tab.close()


def test_the_study_asks_about_every_class_and_can_be_played_to_its_end(book, browser):
    tab, complaints, _ = visit(browser, book / "real_or_generated.html")
    who = [(one["word"], one["by"]) for one in json.loads(tab.locator("#study-data").inner_text())]
    classes = load_profile("smoke").data.classes
    assert sorted(who) == sorted((name, by) for name in classes for by in ("person", "person", "single", "router"))
    for _, by in who:
        tab.get_by_role("button", name="A person" if by == "person" else "A network").click()
    assert f"{len(who)} of {len(who)} right: 100 %" in tab.locator("#study-score").inner_text() and complaints == []
    tab.close()


TIMED = {"s", "seconds", "minutes", "ms", "microseconds a row"}


def threads_of(book):
    """On how many threads the book was built, which last bits depend on: by the card of its single model."""
    cards = sorted((book.parent / "artefacts").glob("single-*/model.json"), key=lambda path: path.stat().st_mtime)
    return str(json.loads(cards[-1].read_text(encoding="utf-8"))["made"]["threads"])


@pytest.mark.parametrize("chapter", ["04_single_model", "05_vae", "08_evaluation"])
def test_a_second_run_gives_the_same_numbers_to_the_last_bit(book, chapter, elsewhere):
    """Data, trainings, drawing and scores all over again, in a build folder of their own."""
    command = [sys.executable, "-m", "papermill", f"notebooks/{chapter}.ipynb", str(elsewhere / f"{chapter}.ipynb")]
    command += ["-p", "PROFILE", "smoke", "-k", "python3", "--no-progress-bar"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SKETCHLIB_BUILD": str(elsewhere)}
    environment["SKETCHLIB_RECORD"] = str(elsewhere / f"{chapter}.json")
    environment["OMP_NUM_THREADS"] = threads_of(book)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    kept = [book.parent / "results" / f"{chapter}.json", elsewhere / f"{chapter}.json"]
    first, second = (json.loads(path.read_text()) for path in kept)
    assert first.keys() == second.keys()
    differ = [name for name, entry in first.items() if entry["unit"] not in TIMED and entry["value"] != second[name]["value"]]
    assert differ == []


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    return tmp_path_factory.mktemp("again")
