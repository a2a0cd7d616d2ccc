"""The table of claims is filtered by verdict, with mouse and keyboard, and is a plain table of all rows without the script."""

import pytest

from sketchlib.files import PROJECT

STATIC = PROJECT / "book" / "_static"
VERDICTS = ["not reproduced"] * 3 + ["reproduced"] * 6 + ["cannot be tested"] * 2


def page_of(folder, verdicts, script=True):
    rows = "".join(f"<tr><td>{one}</td><td>claim {k}</td></tr>" for k, one in enumerate(verdicts))
    table = f"<table><thead><tr><th>verdict</th><th>claim</th></tr></thead><tbody>{rows}</tbody></table>"
    head = f'<link rel="stylesheet" href="{(STATIC / "page.css").as_uri()}">'
    head += f'<script src="{(STATIC / "filters.js").as_uri()}"></script>' * script
    (folder / "page.html").write_text(f"<!doctype html><head>{head}</head><body><main>{table}</main></body>")
    return (folder / "page.html").as_uri()


@pytest.fixture
def tab(browser):
    tab = browser.new_page()
    yield tab
    tab.close()


def test_a_button_a_verdict_shows_its_claims_and_the_last_one_all(tab, tmp_path):
    tab.goto(page_of(tmp_path, VERDICTS))
    shown = tab.locator("tbody tr:visible")
    assert tab.locator("button").all_inner_texts() == ["not reproduced: 3", "reproduced: 6", "cannot be tested: 2", "all: 11"]
    assert shown.count() == 3 and tab.locator("[role=status]").inner_text() == "3 of 11 claims"
    tab.get_by_role("button", name="cannot be tested: 2").click()
    assert shown.count() == 2 and "claim 9" in shown.first.inner_text()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert shown.count() == 11 and tab.locator("button[aria-pressed=true]").all_inner_texts() == ["all: 11"]


def test_paper_and_a_page_without_the_script_show_every_claim(tab, tmp_path):
    tab.goto(page_of(tmp_path, VERDICTS))
    tab.emulate_media(media="print")
    assert tab.locator("tbody tr:visible").count() == 11 and tab.locator("button:visible").count() == 0
    tab.emulate_media(media="screen")
    tab.goto(page_of(tmp_path, VERDICTS, script=False))
    assert tab.locator("tbody tr:visible").count() == 11 and tab.locator("button").count() == 0


def test_a_short_table_has_no_buttons(tab, tmp_path):
    tab.goto(page_of(tmp_path, VERDICTS[:5]))
    assert tab.locator("tbody tr:visible").count() == 5 and tab.locator("button").count() == 0
