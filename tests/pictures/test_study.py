"""The human study: equal numbers, one grid, a seeded order; and the page, played to its end in headless Chromium."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from synthetic import sketch_set
from test_book import visit

from sketchlib.errors import DataError
from sketchlib.pictures import study
from sketchlib.strokes import BOX, Drawing

CLASSES = ("cat", "sun")
SCRIPT = (Path(__file__).resolve().parents[2] / "book" / "real_or_generated.js").read_text(encoding="utf-8")


def by_class(seed, shift=0.0):
    drawings = sketch_set(12, CLASSES, seed=seed)
    return {name: [one.shifted(shift, 0.3) for one in drawings.drawings(name)] for name in CLASSES}


REAL, MADE = by_class(0), {"single": by_class(1, 0.7), "router": by_class(2, 1.1)}


@pytest.mark.parametrize("each", [1, 3])
def test_every_class_has_as_many_real_as_made_and_both_architectures_alike(each):
    found = Counter((one.drawing.word, one.by) for one in study.trials(REAL, MADE, each))
    assert found == {(name, by): each * (2 if by == "person" else 1) for name in CLASSES for by in ("person", "single", "router")}


def test_the_order_is_the_seeds_and_does_not_follow_the_answer():
    orders = [[(one.by, one.drawing.svg()) for one in study.trials(REAL, MADE, 3, seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    changes = [sum(a[0] != b[0] for a, b in zip(order, order[1:], strict=False)) for order in orders]
    assert all(len(order) / 3 < many < len(order) - 1 for order, many in zip(orders, changes, strict=True))


def test_nothing_about_the_coordinates_tells_who_drew():
    for one in study.trials(REAL, MADE, 3):
        points, box = np.concatenate(one.drawing.strokes), one.drawing.bounds()
        assert (points == np.round(points)).all() and box[:2] == (0, 0) and max(box[2:]) == BOX
        assert one.drawing.key_id is None and one.drawing.finished is None and one.drawing.word in CLASSES
    integral = study.rounded(study.rounded(REAL["cat"][0]))
    assert integral.svg() == study.rounded(REAL["cat"][0]).svg()


def test_empty_sketches_are_passed_over_and_too_few_are_an_error():
    empty = {name: [Drawing(()), Drawing(())] for name in CLASSES}
    some = {"single": {name: [*empty[name], *MADE["single"][name]] for name in CLASSES}}
    assert all(one.drawing.strokes for one in study.trials(REAL, some, 3))
    with pytest.raises(DataError, match="0 drawings of 'cat' by 'single' are not empty, 1 are needed"):
        study.trials(REAL, {"single": empty})


def test_the_data_cannot_end_its_element():
    page = study.page([study.Trial(Drawing(REAL["cat"][0].strokes, "</script>"), "person")], "")
    assert page.count("</script>") == 2


@pytest.fixture
def played(browser, tmp_path):
    """Opens the page; gives the tab and, in order, who drew."""
    (tmp_path / "study.html").write_text(f"<main>{study.page(study.trials(REAL, MADE, 2), SCRIPT)}</main>", encoding="utf-8")
    tab, complaints, elsewhere = visit(browser, tmp_path / "study.html")
    yield tab, [one["by"] for one in json.loads(tab.locator("#study-data").inner_text())]
    assert complaints == [] and elsewhere == []
    tab.close()


def rows(tab):
    """Row header -> the cells beside it, of all tables of the score."""
    cells = tab.locator("#study tbody tr").evaluate_all("rows => rows.map(row => [...row.children].map(cell => cell.textContent))")
    return {name: rest for name, *rest in cells}


def wilson(right, n):
    low, high = binomtest(right, n).proportion_ci(method="wilson")
    return [f"{right} of {n}", f"{100 * right / n:.0f} %", f"{100 * low:.0f} % to {100 * high:.0f} %"]


def test_right_clicks_to_the_end_give_all(played):
    tab, who = played
    for number, by in enumerate(who, 1):
        assert tab.locator("#study-question").inner_text().startswith(f"{number} of {len(who)}: ")
        assert tab.locator("#study-picture svg").count() == 1 and tab.locator("#study-score").count() == 0
        tab.get_by_role("button", name="A person" if by == "person" else "A network").click()
    assert tab.locator("#study-score").inner_text().startswith("16 of 16 right: 100 %.")
    assert rows(tab) == {
        "everything": wilson(16, 16),
        "drawn by a person": wilson(8, 8),
        "drawn by the single model": wilson(4, 4),
        "drawn by the router": wilson(4, 4),
        "cat": wilson(8, 8),
        "sun": wilson(8, 8),
    }
    assert tab.locator("#study-answers figure").count() == 16


def test_the_keys_alone_play_it_and_wrong_answers_count_as_wrong(played):
    tab, who = played
    for _ in who:
        tab.keyboard.press("p")
    found = rows(tab)
    assert found["everything"] == wilson(8, 16) and found["drawn by a person"] == wilson(8, 8)
    assert found["drawn by the single model"] == found["drawn by the router"] == wilson(0, 4)
    assert tab.evaluate("document.activeElement.id") == "study-score"
    tab.keyboard.press("n")
    assert rows(tab) == found
    marks = tab.locator("#study-answers figcaption").all_inner_texts()
    assert [mark[0] for mark in marks] == ["✓" if by == "person" else "✗" for by in who]
