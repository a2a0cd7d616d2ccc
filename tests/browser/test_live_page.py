"""The live page in headless Chromium, opened from disk: completing, watching, between, scenes, links, keys, and bad input."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from sketchlib.data.doodles import doodles
from sketchlib.metrics.recogniser import train_recogniser
from sketchlib.models import weights
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.pictures import live
from sketchlib.strokes import from_stroke3

CLASSES = ["cat", "face", "sun", "car", "candle"]
VIEWS = ("complete", "watch", "between", "scene")
HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>draw</title>
<main>{}</main><script src="live/sketch.js"></script></html>"""
WAIT = 120_000  # milliseconds, on a machine that others use too


def small_models():
    """Untrained models that draw some points and end."""
    torch.manual_seed(0)
    single = ConditionalDecoder(["cat", "sun"], 30, 20.0, hidden_size=12, embedding_size=4, n_mixtures=3).eval()
    return {"single": single, "cat": SketchVAE(["cat"], 30, 20.0, encoder_size=6, decoder_size=12, latent_size=4, n_mixtures=3).eval()}


def write_pages(folder, models):
    sizes = live.write_live(folder / "live", models)
    for name, views in {"draw": VIEWS, "landing": ("landing",)}.items():
        marks = "".join(f'<section id="{view}"><div data-sketch="{view}"></div></section>' for view in views)
        (folder / f"{name}.html").write_text(HTML.format(marks), encoding="utf-8")
    return sizes


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    write_pages(folder, small_models())
    return folder


@pytest.fixture
def opened(browser, site):
    """Opens a page with little motion; at the end nothing was complained of and nothing asked for elsewhere."""
    tabs = []

    def open_page(name="draw", fragment=""):
        tabs.append(watched(browser, f"{(site / name).as_uri()}.html{'#' * bool(fragment)}{fragment}"))
        return tabs[-1][0]

    yield open_page
    for tab, complaints in tabs:
        assert complaints == []
        tab.close()


def watched(browser, url):
    """A page with little motion, and a list that fills with what its console complains of and what it asks for elsewhere."""
    tab, complaints = browser.new_page(reduced_motion="reduce"), []
    tab.set_default_timeout(WAIT)
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else complaints.append(request.url))
    tab.goto(url)
    return tab, complaints


def draw(tab, strokes, view="complete"):
    """Draw strokes of the box of 255 units with the mouse."""
    tab.locator(f"#{view} svg").first.scroll_into_view_if_needed()
    box = tab.locator(f"#{view} svg").first.bounding_box()

    def place(x, y):
        return box["x"] + box["width"] * (float(x) + 14) / 283, box["y"] + box["height"] * (float(y) + 14) / 283

    for stroke in strokes:
        tab.mouse.move(*place(*stroke[0]))
        tab.mouse.down()
        for point in stroke[1:]:
            tab.mouse.move(*place(*point))
        tab.mouse.up()


def says(tab, text, view="complete"):
    """Wait until the view says something."""
    tab.wait_for_function(
        "([view, text]) => document.querySelector(`#${view} .sk-status`).textContent.includes(text)", arg=[view, text], timeout=WAIT
    )


def go_on(tab, word=None):
    if word:
        tab.locator("#complete").get_by_label("class").select_option(word)
    tab.locator("#complete").get_by_role("button", name="Go on").click()


def drawn(tab, layer, view="complete"):
    return tab.locator(f"#{view} .sk-{layer} path").count()


LINE = [[[60, 60], [120, 80], [180, 200]]]


def test_it_goes_on_again_and_undo_and_clear_lose_nothing(opened):
    tab = opened()
    draw(tab, LINE)
    tab.locator("#complete").get_by_label("continuations").select_option("6")
    go_on(tab, "cat")
    says(tab, "It goes on with: cat. Done")
    first = tab.locator("#complete .sk-network path").get_attribute("d")
    assert drawn(tab, "faint") == 5 and len(first) > 10
    tab.locator("#complete").get_by_role("button", name="Again").click()
    tab.wait_for_function("before => document.querySelector('#complete .sk-network path')?.getAttribute('d') !== before", arg=first)
    says(tab, "Done")
    for name, left in (("Undo", 1), ("Clear", 0), ("Undo", 1), ("Undo", 0)):
        tab.locator("#complete").get_by_role("button", name=name).click()
        assert drawn(tab, "reader") == left and drawn(tab, "network") == 0


def test_the_class_is_guessed_and_what_was_drawn_can_be_kept(opened):
    tab = opened()
    draw(tab, LINE)
    go_on(tab, "guess")
    says(tab, "The network takes this for: ")
    says(tab, "Done")
    tab.locator("#complete").get_by_role("button", name="Keep it").click()
    assert drawn(tab, "network") == 0 and drawn(tab, "reader") == 1
    assert tab.locator("#complete .sk-reader path").get_attribute("d").count("L") >= 1


def test_keys_draw_as_well(opened):
    tab = opened()
    tab.locator("#complete svg").focus()
    for key in ("Space", "ArrowRight", "Shift+ArrowDown", "ArrowLeft", "Space"):
        tab.keyboard.press(key)
    assert drawn(tab, "reader") == 1
    go_on(tab, "sun")
    says(tab, "It goes on with: sun")
    tab.keyboard.press("Control+z")


def test_a_link_brings_back_the_same_drawing(opened):
    tab = opened()
    draw(tab, LINE)
    go_on(tab, "sun")
    says(tab, "Done")
    kept = [tab.locator(f"#complete .sk-{layer} path").get_attribute("d") for layer in ("reader", "network")]
    tab.locator("#complete summary").click()
    tab.locator("#complete").get_by_role("button", name="Put this drawing into a link").click()
    says(tab, "address bar")
    other = opened(fragment=tab.evaluate("location.hash.slice(1)"))
    says(other, "Done")
    assert [other.locator(f"#complete .sk-{layer} path").get_attribute("d") for layer in ("reader", "network")] == kept


@pytest.mark.parametrize("name", ["SVG", "animated SVG", "PNG", "GIF", "stroke-3 JSON"])
def test_a_drawing_is_saved(opened, tmp_path, name):
    tab = opened()
    draw(tab, LINE)
    tab.locator("#complete summary").click()
    with tab.expect_download() as kept:
        tab.locator("#complete").get_by_role("button", name=f"Save as {name}", exact=True).click()
    kept.value.save_as(tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    if name == "GIF":
        check_film(tmp_path / "file")
    begins = {"GIF": b"GIF89a", "PNG": b"\x89PNG", "stroke-3 JSON": b"{"}.get(name, b"<svg xmlns")
    assert content.startswith(begins) and (name != "animated SVG" or b"<animate" in content)


def check_film(path):
    """A film in which each frame has more ink than the one before, black on white."""
    with Image.open(path) as film:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
        assert film.size == (320, 320) and film.info["loop"] == 0
    ink = [(255.0 - frame).sum() for frame in frames]
    assert len(frames) == 3 and ink == sorted(ink) and 0 < ink[1] < ink[2]  # the line has three points
    assert frames[-1].min() < 60 and np.median(frames[-1]) == 255


def test_watching_goes_point_by_point(opened):
    tab = opened()
    view = tab.locator("#watch")
    view.get_by_role("button", name="Step").click()
    tab.wait_for_selector("#watch ellipse", state="attached", timeout=WAIT)
    shares = [int(text.rstrip(" %")) for text in view.locator(".sk-value").all_inner_texts()]
    assert abs(sum(shares) - 100) <= 2 and drawn(tab, "over", "watch") == 0
    view.get_by_label("points a second").fill("30")
    view.get_by_role("button", name="Draw", exact=True).click()
    says(tab, "Done", "watch")
    assert tab.locator("#watch ellipse").count() == 0


def test_between_draws_ends_strip_and_map(opened):
    tab = opened()
    view = tab.locator("#between")
    view.get_by_role("button", name="Load and draw").click()
    tab.wait_for_function("document.querySelectorAll('.sk-map svg').length === 25", timeout=WAIT)
    assert view.locator(".sk-strip svg").count() == 7
    view.get_by_label("from left to right").fill("0.2")
    says(tab, "20 % of the way", "between")
    view.get_by_role("button", name="Clear").first.click()
    says(tab, "left end is empty", "between")


def test_a_scene_is_drawn_and_an_unknown_word_is_named(opened):
    tab = opened()
    view = tab.locator("#scene")
    view.get_by_label("sentence").fill("two cats and a sun")
    view.get_by_role("button", name="Draw the scene").click()
    says(tab, "Drawn: cat, cat, sun.", "scene")
    assert drawn(tab, "network", "scene") == 3
    view.get_by_label("sentence").fill("a cat and a whale")
    view.get_by_role("button", name="Draw the scene").click()
    says(tab, "“whale” is not understood", "scene")
    assert drawn(tab, "network", "scene") == 3


def test_an_empty_paper_a_dot_and_5000_points_are_answered(opened):
    tab = opened()
    go_on(tab, "cat")
    says(tab, "The paper is empty")
    draw(tab, [[[128, 128]]])
    go_on(tab)
    says(tab, "It goes on with: cat")
    assert drawn(tab, "reader") == 1
    tab.locator("#complete").get_by_role("button", name="Clear").click()
    scribble = [[(37 * k) % 255, (91 * k + k * k) % 255] for k in range(5000)]
    text = ".".join(str(2 * value) for point in scribble for value in point)
    long = opened(fragment=f"w=cat&m=single&s=1&t=0.4&d={text}")
    says(long, "it may be at a loss")
    says(long, "Done")
    assert drawn(long, "reader") == 1


def test_points_outside_stay_on_the_paper(opened):
    tab = opened()
    draw(tab, [[[20, 20], [-300, 100], [900, 120]]])
    path = tab.locator("#complete .sk-reader path").get_attribute("d")
    places = [float(value) for value in re.findall(r"-?[\d.]+", path)]
    assert min(places) >= -14 and max(places) <= 255 + 14 and "NaN" not in path
    go_on(tab, "cat")
    says(tab, "Done")


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("w=dog", "does not know the class"),
        ("m=dog&w=cat", "there is no network"),
        ("m=cat&w=sun", "the network cat does not know the class"),  # a class without a VAE of its own
        ("t=hot&d=%%%", "The link is broken"),
        ("d=NaN.1", "its drawing cannot be read"),
        ("d=1.2.3", "its drawing cannot be read"),
        ("w=%E0%A4%A&s=-1", "The link is broken"),
    ],
)
def test_a_link_that_is_garbage_is_said_to_be_broken(opened, fragment, said):
    tab = opened(fragment=fragment)
    says(tab, said)
    draw(tab, LINE)
    assert drawn(tab, "reader") == 1


def test_weights_that_do_not_load_are_said_and_lose_nothing(browser, tmp_path):
    write_pages(tmp_path, small_models())
    for content in (None, "(self.sketchWeights ??= {})['single'] = {\"architecture\": ", "(self.sketchWeights ??= {})['single'] = {};"):
        weights_file = tmp_path / "live" / "single.js"
        weights_file.unlink() if content is None else weights_file.write_text(content)
        tab, complaints = watched(browser, (tmp_path / "draw.html").as_uri())
        draw(tab, LINE)
        go_on(tab, "cat")
        says(tab, "What you drew is kept")
        assert drawn(tab, "reader") == 1
        assert all("ERR_FILE_NOT_FOUND" in one or "failed" in one for one in complaints)  # the browser's own words on a missing file
        tab.close()


def test_the_landing_page_draws_by_itself_until_the_reader_takes_the_pen(opened):
    tab = opened("landing")
    tab.wait_for_function("document.querySelector('.sk-network path')?.getAttribute('d')?.length > 5", timeout=WAIT)
    says(tab, "The network draws: cat", "landing")
    draw(tab, LINE, "landing")
    assert drawn(tab, "reader", "landing") == 1 and drawn(tab, "network", "landing") == 0
    assert tab.get_by_label("class").input_value() == "guess"  # whatever the network was drawing
    tab.get_by_role("button", name="Go on").click()
    says(tab, "Done", "landing")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_paper_stays_square_beside_long_words(opened, width):
    tab = opened()  # where it is not, lines are drawn beside the pointer
    tab.set_viewport_size({"width": width, "height": 800})
    tab.evaluate("document.querySelector('#complete .sk-status').textContent = 'word '.repeat(300)")
    box = tab.locator("#complete svg").first.bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1)


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_scrolls_sideways_and_all_controls_have_names(opened, width):
    tab = opened()
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    nameless = "one => !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim())"
    assert tab.evaluate(f"[...document.querySelectorAll('button, input, select, svg')].filter({nameless}).length") == 0


CONTROLS = """() => [...document.querySelectorAll("button, input, select, summary, svg[tabindex]")]
  .filter((one) => one.checkVisibility()).map((one, i) => { one.dataset.place = i; return i; })"""


def test_the_keyboard_reaches_every_control(opened):
    tab, reached = opened(), set()
    tab.locator("#complete summary").click()  # what is folded is not reached before it is unfolded
    places = tab.evaluate(CONTROLS)
    tab.evaluate("document.activeElement.blur()")
    for _ in range(len(places) + 2):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("Number(document.activeElement.dataset.place ?? -1)"))
    assert set(places) <= reached


COUNTED = """window.steps = 0;
new MutationObserver((found) => { window.steps += found.filter((one) => one.target.closest(".sk-network")).length; })
  .observe(document, { subtree: true, attributes: true, attributeFilter: ["d"] });"""


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_who_wants_little_motion_sees_a_drawing_at_once(browser, site, motion):
    tab = browser.new_page(reduced_motion=motion)
    tab.add_init_script(COUNTED)
    tab.goto((site / "landing.html").as_uri())
    tab.wait_for_function(f"window.steps >= {1 if motion == 'reduce' else 5}", timeout=WAIT)
    assert motion == "no-preference" or tab.evaluate("window.steps") == 1
    tab.close()


@pytest.mark.slow
def test_half_drawings_are_completed_to_what_they_were_begun_as(browser, tmp_path):
    """Half a cat, face, sun, car and candle by the mouse, twice each: the recogniser names at least 8 of 10."""
    shown = doodles(CLASSES, 160, seed=5)
    judge, _ = train_recogniser({n: d[10:130] for n, d in shown.items()}, {n: d[130:] for n, d in shown.items()}, 32, epochs=6, width=8)
    write_pages(tmp_path, {"single": weights.load("single")})
    tab, complaints = watched(browser, (tmp_path / "draw.html").as_uri())
    tab.locator("#complete summary").click()
    made = []
    for word in CLASSES:
        for drawing in shown[word][:2]:
            made.append(completed(tab, half(drawing), word))
    found = [judge.classes[i] for i in judge.predict([one for one, _ in made]).argmax(1)]
    assert complaints == [] and all(one.n_points > n for one, n in made)
    assert sum(a == b for a, b in zip(found, [word for word in CLASSES for _ in range(2)], strict=True)) >= 8, found
    tab.close()


def half(drawing):
    """The strokes of a drawing's first half of points."""
    left, strokes = -(-drawing.n_points // 2), []
    for stroke in drawing.strokes:
        strokes.append(stroke[:left].tolist())
        left -= len(strokes[-1])
    return [stroke for stroke in strokes if stroke]


def completed(tab, strokes, word):
    """What the page's JSON says of a beginning that it has completed, and how many points were the reader's."""
    tab.locator("#complete").get_by_role("button", name="Clear").click()
    draw(tab, strokes)
    go_on(tab, word)
    says(tab, f"It goes on with: {word}. Done")
    with tab.expect_download() as kept:
        tab.locator("#complete").get_by_role("button", name="Save as stroke-3 JSON").click()
    saved = json.loads(kept.value.path().read_text())
    return from_stroke3(saved["stroke3"], saved["word"]), saved["by_reader"]
