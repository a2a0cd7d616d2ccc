"""The chapters' interactives in headless Chromium, opened from disk: by mouse, by keys, narrow, printed, under a strict policy."""

import pytest

interactives = pytest.importorskip("sketchlib.pictures.interactives")
POLICY = "default-src 'none'; script-src 'self' file:; style-src 'unsafe-inline'; img-src data:"
HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>chapter</title>
<meta http-equiv="Content-Security-Policy" content="{}"><main>{}</main></html>"""
WAIT = 120_000  # milliseconds, on a machine that others use too


def still_of(one):
    data = one._repr_mimebundle_()
    return (data[0] if isinstance(data, tuple) else data)["text/html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    interactives.write(folder / "live", {}, {})
    for name, one in {"hills": interactives.hills()}.items():
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
    tab.wait_for_function("([selector, before]) => document.querySelector(selector).textContent !== before", arg=[selector, before])
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
    assert tab.get_by_label("hill", exact=True).input_value() == "3"


def test_the_pen_goes_where_the_reader_clicks_and_steps_end_below_zero_but_not_on_the_grid(opened):
    tab = opened("hills")
    cost = tab.locator(COST).inner_text()
    box = tab.locator(".sk-board").bounding_box()
    tab.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"])
    changed(tab, COST, cost)
    for _ in range(60):
        tab.evaluate("document.querySelector('.sk-main').click()")
    tab.wait_for_function("document.querySelector('.sk-status').textContent.includes('below zero')")
    tab.wait_for_function(f"document.querySelector('{COST}').textContent.startsWith('−')")
    assert not tab.locator(".sk-left td:nth-child(3)").inner_text().startswith("−")
    cost = tab.locator(COST).inner_text()
    tab.get_by_role("button", name="Reset").click()
    changed(tab, COST, cost)


@pytest.mark.parametrize("name", interactives.PARTS)
def test_it_is_narrow_named_and_printed_as_its_still_picture(opened, name):
    tab = opened(name, width=390)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    nameless = "one => !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim())"
    assert tab.evaluate(f"[...document.querySelectorAll('button, input, select, .sk-live svg, meter')].filter({nameless}).length") == 0
    assert not tab.locator(".sk-print svg").first.is_visible()
    tab.emulate_media(media="print")
    assert tab.locator(".sk-print svg").first.is_visible() and not tab.locator(".sk-live").is_visible()
