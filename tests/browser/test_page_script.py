"""On a phone a wide figure scrolls in a box of its own, and a name in a table breaks at its joints and nowhere else."""

from contextlib import closing

import pytest
from PIL import Image

from sketchlib.files import PROJECT

STATIC = PROJECT / "book" / "_static"


@pytest.fixture
def page(tmp_path):
    for name, size in {"wide": (1000, 300), "high": (800, 900), "small": (500, 200)}.items():
        Image.new("RGB", size, "white").save(tmp_path / f"{name}.png")
    figures = "".join(f'<figure><img id="{name}" alt="" src="{name}.png"></figure>' for name in ("wide", "high", "small"))
    table = "<table><tr><td><code>read_simplified</code></td><td><code>.ndjson</code></td></tr></table>"
    head = f'<link rel="stylesheet" href="{(STATIC / "page.css").as_uri()}"><script src="{(STATIC / "page.js").as_uri()}"></script>'
    head += "<style>img { max-width: 100%; }</style><meta name='viewport' content='width=device-width'>"
    body = f'<main><div class="cell_output">{figures}</div>{table}</main>'
    (tmp_path / "page.html").write_text(f"<!doctype html><head>{head}</head><body>{body}</body>", encoding="utf-8")
    return (tmp_path / "page.html").as_uri()


@pytest.mark.parametrize(("width", "boxed"), [(390, ["wide"]), (1280, [])])
def test_only_a_wide_figure_scrolls_and_only_where_the_page_is_narrow(browser, page, width, boxed):
    with closing(browser.new_page(viewport={"width": width, "height": 800})) as tab:
        tab.goto(page, wait_until="load")
        assert tab.evaluate("[...document.querySelectorAll('.wide > img')].map((one) => one.id)") == boxed
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        scrolls = "[...document.querySelectorAll('.wide')].every((one) => one.scrollWidth > one.clientWidth && one.tabIndex === 0)"
        assert tab.evaluate(scrolls)


def test_a_name_in_a_table_breaks_behind_its_joint(browser, page):
    with closing(browser.new_page()) as tab:
        tab.goto(page, wait_until="load")
        assert tab.locator("td code").evaluate_all("all => all.map((one) => one.innerHTML)") == ["read_<wbr>simplified", ".ndjson"]
