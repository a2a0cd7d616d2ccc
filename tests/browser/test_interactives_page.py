"""The chapters' interactives in headless Chromium, opened from disk: by mouse, by keys, narrow, printed, under a strict policy."""

import pytest
import torch
from playwright.sync_api import expect

from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.pictures import live

interactives = pytest.importorskip("sketchlib.pictures.interactives")
POLICY = "default-src 'none'; script-src 'self' file:; style-src 'unsafe-inline'; img-src data:"
HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>chapter</title>
<meta http-equiv="Content-Security-Policy" content="{}"><main>{}</main></html>"""
WAIT = 60_000  # milliseconds, on a machine that others use too


def small_models():
    """Untrained models that draw some points and end."""
    torch.manual_seed(0)
    single = ConditionalDecoder(["cat", "sun"], 30, 20.0, hidden_size=12, embedding_size=4, n_mixtures=3).eval()
    return {"single": single, "cat": SketchVAE(["cat"], 30, 20.0, encoder_size=6, decoder_size=12, latent_size=4, n_mixtures=3).eval()}


def still_of(one):
    data = one._repr_mimebundle_()
    return (data[0] if isinstance(data, tuple) else data)["text/html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder, (single, vae) = tmp_path_factory.mktemp("site"), small_models().values()
    interactives.write(folder / "live", small_models(), live.write_live(folder / "live", small_models()))
    made = {"rows": interactives.rows(), "hills": interactives.hills(), "plane": interactives.plane(vae)}
    for name, one in (made | {"temperature": interactives.temperature(single, "sun")}).items():
        page = interactives.on_page(still_of(one), "live/")
        (folder / f"{name}.html").write_text(HTML.format(POLICY, page), encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, site):
    """Opens a page; at the end its console was silent and nothing was asked for elsewhere."""
    tabs, complaints = [], []

    def open_page(name, width=1000):
        tab = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        tabs.append(tab)
        tab.set_default_timeout(WAIT)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else complaints.append(request.url))
        tab.goto((site / name).as_uri() + ".html")
        return tab

    yield open_page
    assert complaints == []
    for tab in tabs:
        tab.close()


def drag(tab, handle, dx, dy):
    """Take something by the mouse and move it so many pixels."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + dx, y + dy, steps=3)
    tab.mouse.up()


def changed(tab, selector, before):
    """Wait until an element says something else, and give what it says."""
    expect(tab.locator(selector).first).not_to_have_text(before, timeout=WAIT)
    return tab.locator(selector).first.inner_text()


COST = ".sk-left td:nth-child(2)"


def test_a_hill_is_dragged_bent_weighed_and_moved_by_keys(opened):
    tab = opened("hills")
    cost = tab.locator(COST).inner_text()
    hill = tab.get_by_role("slider", name="hill 1, its mean")
    place = hill.get_attribute("aria-valuetext")
    drag(tab, hill, 60, 20)
    cost = changed(tab, COST, cost)
    assert hill.get_attribute("aria-valuetext") != place
    spread = tab.get_by_label("σ along x")
    before = spread.input_value()
    drag(tab, tab.get_by_role("slider", name="the longer axis"), 30, 20)
    cost = changed(tab, COST, cost)
    assert spread.input_value() != before
    tab.get_by_label("weight, π̂").fill("2")
    cost = changed(tab, COST, cost)
    tab.get_by_role("slider", name="hill 3, its mean").focus()
    tab.keyboard.press("Shift+ArrowUp")
    changed(tab, COST, cost)
    assert tab.get_by_role("combobox", name="hill").input_value() == "3"


def test_the_pen_goes_where_the_reader_clicks_and_steps_end_below_zero_but_not_on_the_grid(opened):
    tab = opened("hills")
    cost = tab.locator(COST).inner_text()
    box = tab.locator(".sk-board").bounding_box()
    tab.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"])
    changed(tab, COST, cost)
    tab.evaluate("Array.from({ length: 60 }, () => document.querySelector('.sk-main').click())")
    expect(tab.locator(".sk-status")).to_contain_text("below zero", timeout=WAIT)
    expect(tab.locator(COST)).to_contain_text("−", timeout=WAIT)
    assert not tab.locator(".sk-left td:nth-child(3)").inner_text().startswith("−")
    cost = tab.locator(COST).inner_text()
    tab.get_by_role("button", name="Reset").click()
    changed(tab, COST, cost)


def rows_of(tab):
    return [row.split("\t") for row in tab.locator(".sk-rows tbody").inner_text().splitlines()]


def test_a_place_changes_two_rows_a_movement_one_and_the_pen_is_lifted(opened):
    tab = opened("rows")
    before = rows_of(tab)
    drag(tab, tab.get_by_role("slider", name="point 6", exact=True), -30, 20)
    after = rows_of(tab)
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [6, 7]
    assert [sum(int(row[k].replace("−", "-")) for row in after) for k in (1, 2)] == [
        sum(int(row[k].replace("−", "-")) for row in before) for k in (1, 2)
    ]
    tab.get_by_label("a drag changes").select_option("movement")
    tab.keyboard.press("Tab")
    tab.get_by_role("button", name="Back").click()
    tab.get_by_role("slider", name="point 5", exact=True).focus()
    tab.keyboard.press("ArrowDown")
    moved = rows_of(tab)
    assert [i for i, (a, b) in enumerate(zip(after, moved, strict=True)) if a != b] == [5]
    assert int(moved[5][2]) == int(after[5][2]) + 1
    assert moved[9][4:6] == ["0", "1"]
    tab.get_by_role("button", name="lifted after row 9", exact=False).click()
    assert rows_of(tab)[9][4:6] == ["1", "0"]
    tab.get_by_role("button", name="Reset").click()
    assert rows_of(tab) == before


def test_the_temperature_changes_a_drawing_and_its_strip_and_the_pens_own_is_kept(opened):
    tab = opened("temperature")
    status, ink = tab.locator(".sk-status"), tab.locator(".sk-network path")
    tab.get_by_role("button", name="Load and draw").click()
    expect(status).to_contain_text("“sun” at temperature 0.30", timeout=WAIT)
    before, strip = ink.get_attribute("d"), tab.locator(".sk-chart .sk-pen-1").get_attribute("d")
    tab.get_by_label("temperature τ").fill("1.2")
    expect(status).to_contain_text("temperature 1.20, the pen's 1.20", timeout=WAIT)
    assert ink.get_attribute("d") != before and tab.locator(".sk-chart .sk-pen-1").get_attribute("d") != strip
    tab.get_by_label("the pen's τ").fill("0.7")
    expect(status).to_contain_text("temperature 1.20, the pen's 0.70", timeout=WAIT)
    tab.get_by_label("temperature τ").fill("0.3")
    expect(status).to_contain_text("temperature 0.30, the pen's 0.70", timeout=WAIT)
    tab.get_by_label("the pen has its own").uncheck()
    expect(status).to_contain_text("temperature 0.30, the pen's 0.30", timeout=WAIT)
    assert ink.get_attribute("d") == before  # the same random numbers
    assert tab.locator(".sk-component").count() == 0
    tab.get_by_label("point", exact=False).fill("0")
    expect(tab.locator(".sk-component").first).to_be_attached()


def test_the_vae_draws_where_the_reader_goes_on_the_map(opened):
    tab = opened("plane")
    tab.get_by_role("button", name="Load and draw").click()
    expect(tab.locator(".sk-dots circle")).to_have_count(interactives.EXAMPLES, timeout=WAIT)
    expect(tab.locator(".sk-status")).to_contain_text("0.0 and 0.0", timeout=WAIT)
    drag(tab, tab.get_by_role("slider", name="the place on the map"), 40, -30)
    expect(tab.locator(".sk-status")).not_to_contain_text("0.0 and", timeout=WAIT)
    before = tab.locator(".sk-status").inner_text()
    tab.keyboard.press("Shift+ArrowLeft")
    changed(tab, ".sk-status", before)
    tab.get_by_role("button", name="To the middle").click()
    expect(tab.locator(".sk-status")).to_contain_text("0.0 and 0.0", timeout=WAIT)


@pytest.mark.parametrize("name", interactives.PARTS)
def test_it_is_narrow_named_and_printed_as_its_still_picture(opened, name):
    tab = opened(name, width=390)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    nameless = "one => !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim())"
    assert tab.evaluate(f"[...document.querySelectorAll('button, input, select, .sk-live svg, meter')].filter({nameless}).length") == 0
    assert not tab.locator(".sk-print svg").first.is_visible()
    tab.emulate_media(media="print")
    assert tab.locator(".sk-print svg").first.is_visible() and not tab.locator(".sk-live").is_visible()
