"""Every conversion of a drawing, as a round trip or against geometry."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sketchlib.errors import DataError
from sketchlib.strokes import (
    BOX,
    START,
    Drawing,
    fit_to_box,
    from_stroke3,
    from_stroke5,
    resample,
    simplify,
    simplify_all,
    to_stroke3,
    to_stroke5,
)
from sketchlib.svg import svg_path, view_box

calm = settings(deadline=None)  # a busy machine is no failure
whole = st.integers(0, BOX).map(float)
canvas = st.floats(-2000, 2000, width=32)


def polylines(numbers, low=1):
    return arrays(np.float32, st.tuples(st.integers(low, 12), st.just(2)), elements=numbers)


def drawings(numbers=whole, low=1, least=1):
    return st.lists(polylines(numbers, low), min_size=least, max_size=6).map(lambda strokes: Drawing(tuple(strokes), "cat", "7"))


@st.composite
def stroke3_rows(draw, least=0):
    n = draw(st.integers(least, 30))
    steps = draw(arrays(np.float32, (n, 2), elements=st.integers(-BOX, BOX).map(float)))
    return np.column_stack([steps, draw(arrays(np.float32, n, elements=st.sampled_from([0.0, 1.0])))])


def same_strokes(a, b):
    return len(a.strokes) == len(b.strokes) and all(map(np.array_equal, a.strokes, b.strokes))


# --- polylines and stroke-3 ---


@given(drawings())
@calm
def test_polylines_come_back_from_stroke3_when_the_start_is_given(drawing):
    back = from_stroke3(to_stroke3(drawing), drawing.word, tuple(drawing.strokes[0][0]), drawing.key_id)
    if len(drawing.strokes[0]) == 1:  # a dot at the start has become a line without length
        assert np.array_equal(back.strokes[0], np.repeat(drawing.strokes[0], 2, axis=0))
        back = Drawing((drawing.strokes[0], *back.strokes[1:]), back.word, back.key_id)
    assert same_strokes(back, drawing) and (back.word, back.key_id) == ("cat", "7")


@given(stroke3_rows(least=1))
@calm
def test_stroke3_comes_back_from_polylines_with_the_pen_lifted_at_the_end(rows):
    expected = rows.copy()
    expected[-1, 2] = 1
    assert np.array_equal(to_stroke3(from_stroke3(rows)), expected)
    assert from_stroke3(rows).n_points == len(rows) + 1


@given(drawings(), st.integers(-500, 500), st.integers(-500, 500))
@calm
def test_stroke3_does_not_know_where_a_drawing_stands(drawing, dx, dy):
    assert np.array_equal(drawing.shifted(dx, dy).stroke3, drawing.stroke3)


@given(drawings(low=2))
@calm
def test_stroke3_has_a_row_a_point_but_the_first_and_one_lift_a_stroke(drawing):
    rows = drawing.stroke3
    assert rows.dtype == np.float32 and len(rows) == drawing.n_points - 1
    lifts = np.flatnonzero(rows[:, 2]) + 1
    assert lifts.tolist() == (np.cumsum([len(s) for s in drawing.strokes]) - 1).tolist()


def test_a_drawing_that_begins_with_a_dot_keeps_it():
    drawing = Drawing(([[5, 5]], [[10, 5], [10, 9]]))
    assert drawing.stroke3.tolist() == [[0, 0, 1], [5, 0, 0], [0, 4, 1]]
    assert to_stroke3(from_stroke3(drawing.stroke3)).tolist() == drawing.stroke3.tolist()
    assert Drawing(([[5, 5]],)).stroke3.tolist() == [[0, 0, 1]]


def test_a_drawing_without_points_passes_through_everything():
    empty = Drawing(([], np.zeros((0, 2))), "cat")
    assert empty.strokes == () and empty.n_points == 0 and empty.bounds() == (0, 0, 0, 0)
    assert empty.stroke3.shape == (0, 3) and from_stroke3(empty.stroke3).strokes == ()
    assert to_stroke5(empty.stroke3).tolist() == [[0, 0, 0, 0, 1]]
    assert fit_to_box(empty).strokes == () and simplify(empty).strokes == () and svg_path(empty.strokes) == ""
    ET.fromstring(empty.svg())


@pytest.mark.parametrize("stroke", [[1, 2, 3, 4], [[1, 2, 3], [4, 5, 6]], [[[1, 2]]], 7])
def test_a_stroke_of_another_shape_is_refused_with_its_shape(stroke):
    with pytest.raises(DataError, match="shape"):
        Drawing((stroke,))


def test_rows_of_another_width_are_refused_and_not_reshaped():
    with pytest.raises(DataError, match=r"\(3, 5\)"):
        from_stroke3(np.zeros((3, 5)))
    with pytest.raises(DataError, match=r"\(5, 3\)"):
        from_stroke5(np.zeros((5, 3)))


# --- stroke-5 ---


@given(stroke3_rows())
@calm
def test_stroke5_comes_back_and_ends_with_a_row_of_its_own(rows):
    five = to_stroke5(rows)
    assert five.shape == (len(rows) + 1, 5) and np.array_equal(from_stroke5(five), rows)
    assert np.array_equal(five[:, 2:].sum(1), np.ones(len(five)))  # one pen state a row
    assert five[-1].tolist() == [0, 0, 0, 0, 1] and not five[:-1, 4].any()
    assert np.array_equal(five[:-1, 3], rows[:, 2])  # the last real point keeps its own


@given(stroke3_rows(), st.integers(0, 5))
@calm
def test_what_follows_the_end_row_is_ignored(rows, padding):
    five = np.concatenate([to_stroke5(rows), np.tile(np.float32([9, 9, 0, 1, 0]), (padding, 1))])
    assert np.array_equal(from_stroke5(five), rows)
    assert np.array_equal(from_stroke5(five[: len(rows)]), rows)  # and without an end row all rows count


def test_the_start_row_is_pen_down_at_rest():
    assert START == (0, 0, 1, 0, 0)


# --- geometry ---


@given(drawings(canvas, least=1), st.sampled_from([1.0, 100.0, BOX]))
@calm
def test_a_drawing_fitted_to_a_box_touches_its_sides_and_keeps_its_shape(drawing, size):
    left, top, right, bottom = drawing.bounds()
    boxed = fit_to_box(drawing, size)
    new = boxed.bounds()
    longest = max(right - left, bottom - top)
    if longest < 1e-3:  # a dot has no sides to fit
        return
    assert new[:2] == (0, 0) and max(new[2:]) == pytest.approx(size, rel=1e-4)
    assert new[2] * (bottom - top) == pytest.approx(new[3] * (right - left), rel=1e-3, abs=1e-3 * size * longest)


@given(polylines(canvas), st.sampled_from([0.5, 1.0, 7.0]))
@calm
def test_resampled_points_are_evenly_spaced_on_the_line_and_keep_its_ends(stroke, spacing):
    points = resample(stroke / 10, spacing)
    length = np.hypot(*np.diff(np.float64(stroke / 10), axis=0).T).sum()
    assert np.allclose(points[0], stroke[0] / 10, atol=1e-4)
    if length == 0:
        assert len(points) == 1
        return
    assert np.allclose(points[-1], stroke[-1] / 10, atol=1e-3)
    assert len(points) == pytest.approx(length / spacing + 1, abs=1.001)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert steps.max(initial=0) <= spacing + 1e-6  # equal along the line, shorter across a corner
    assert distance_to(points, np.float64(stroke / 10)).max() < 1e-3


def test_points_along_a_straight_line_are_equally_far_apart():
    points = resample(np.float32([[0, 0], [3, 4], [6, 8]]), 2.5)
    assert np.allclose(points, [[0, 0], [1.5, 2], [3, 4], [4.5, 6], [6, 8]])


def distance_to(points, line):
    """Distance of each point to a polyline of at least two points."""
    a, b = line[:-1], line[1:]
    along = b - a
    squared = np.maximum((along**2).sum(1), 1e-12)
    share = np.clip(((points[:, None] - a) * along).sum(2) / squared, 0, 1)
    nearest = a + share[..., None] * along
    return np.hypot(*np.moveaxis(points[:, None] - nearest, 2, 0)).min(1)


@given(drawings(canvas, low=2))
@settings(deadline=None, max_examples=60)
def test_a_simplified_drawing_is_whole_numbers_in_the_box_from_start_to_end(drawing):
    boxed, simple = fit_to_box(drawing), simplify(drawing)
    assert len(simple.strokes) == len(boxed.strokes) and (simple.word, simple.key_id) == ("cat", "7")
    for before, after in zip(boxed.strokes, simple.strokes, strict=True):
        assert np.array_equal(after, np.round(after)) and after.min() >= 0 and after.max() <= BOX
        assert 2 <= len(after) <= max(2, len(resample(before)))
        assert np.allclose(after[[0, -1]], before[[0, -1]], atol=0.5 + 1e-3)


def plainly(points, epsilon):
    """Which of the points (n, 2) Ramer-Douglas-Peucker keeps, by recursion."""
    away, along = points - points[0], points[-1] - points[0]
    length = np.hypot(*along)
    distance = np.abs(away @ (along[1], -along[0])) / length if length else np.hypot(*away.T)
    k = int(np.argmax(distance >= distance.max() - 1e-9))
    if len(points) < 3 or distance[k] <= epsilon + 1e-9:
        return points[[0, -1]]
    return np.concatenate([plainly(points[: k + 1], epsilon), plainly(points[k:], epsilon)[1:]])


@given(st.lists(drawings(low=2), min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 2.0, 30.0]))
@settings(deadline=None, max_examples=60)
def test_many_drawings_are_simplified_as_each_of_them_plainly(several, epsilon):
    found = simplify_all(several, epsilon)
    for drawing, together in zip(several, found, strict=True):
        alone = simplify(drawing, epsilon)
        assert [s.tolist() for s in alone.strokes] == [s.tolist() for s in together.strokes]
        corner, far = np.reshape(np.float64(drawing.bounds()), (2, 2))
        for raw, simple in zip(drawing.strokes, together.strokes, strict=True):
            dense = resample((raw - corner) * BOX / max(*(far - corner), 1e-9))
            assert np.allclose(np.round(plainly(dense, epsilon)), simple, atol=1)


SIMPLE = {  # raw -> simplified
    "a line that doubles back": ([[[0, 0], [0, 100], [0, 60]]], [[[0, 0], [0, 153]]]),
    "a corner": ([[[100, 100], [100, 355], [355, 355]]], [[[0, 0], [0, 255], [255, 255]]]),
    "a square": ([[[0, 0], [51, 0], [51, 51], [0, 51], [0, 0]]], [[[0, 0], [255, 0], [255, 255], [0, 255], [0, 0]]]),
    "a low tent": ([[[0, 0], [100, 1.9], [255, 0]]], [[[0, 0], [255, 0]]]),
    "a tent": ([[[0, 0], [100, 3], [255, 0]]], [[[0, 0], [100, 3], [255, 0]]]),
    "dots": ([[[100, 33], [610, 33]], [[200, 50]], [[300, 33]] * 3], [[[0, 0], [255, 0]], [[50, 8]] * 2, [[100, 0]] * 2]),
    "many points": ([np.column_stack([np.linspace(100, 610, 200), np.full(200, 33.0)])], [[[0, 0], [255, 0]]]),
    "one dot": ([[[7, 9]]], [[[0, 0], [0, 0]]]),
    "nothing": ([], []),
}


@pytest.mark.parametrize("name", SIMPLE)
def test_raw_drawings_are_simplified_as_the_dataset_does(name):
    raw, expected = SIMPLE[name]
    assert [stroke.tolist() for stroke in simplify(Drawing(raw)).strokes] == expected


PAIRS = Path(__file__).resolve().parents[2] / "shared" / "cases" / "raw_pairs.ndjson"


@pytest.mark.skipif(not PAIRS.is_file(), reason="the published pairs of raw and simplified drawings are not beside the checkout")
def test_nine_in_ten_published_drawings_come_out_as_published():
    records = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    found = simplify_all(Drawing(tuple(np.transpose(stroke[:2]) for stroke in record["raw"])) for record in records)
    wanted = [[np.transpose(stroke).tolist() for stroke in record["simplified"]] for record in records]
    same = [[stroke.tolist() for stroke in one.strokes] == other for one, other in zip(found, wanted, strict=True)]
    assert len(records) > 200 and np.mean(same) >= 0.9


@pytest.mark.parametrize("epsilon", [-1, None, "2", float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_named(epsilon):
    with pytest.raises(DataError, match="epsilon is"):
        simplify(Drawing(([[0, 0], [1, 1]],)), epsilon)


@pytest.mark.parametrize(("side", "long", "short"), [(255, 204, 102), (510, 102, 51), (204, 255, 128), (None, 255, 128)])
def test_a_beginning_is_simplified_to_its_share_of_the_box(side, long, short):
    line = Drawing([[[100, 100], [150, 100], [304, 100], [304, 202]]])
    assert simplify(line, side=side).strokes[0].tolist() == [[0, 0], [long, 0], [long, short]]


@pytest.mark.parametrize("side", [0, -1, float("nan"), float("inf"), "long"])
def test_a_side_that_is_none_is_named(side):
    with pytest.raises(DataError, match="side is .* a number above 0 and at most .*, or None"):
        simplify(Drawing(([[0, 0], [1, 1]],)), side=side)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_drawing_that_is_not_finite_is_not_simplified(bad):
    with pytest.raises(DataError, match="NaN or infinite"):
        simplify(Drawing(([[0, 0], [1, bad]],)))


# --- SVG ---

printable = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)


@given(drawings(canvas), printable)
@settings(deadline=None, max_examples=60)
def test_svg_is_well_formed_and_says_its_word(drawing, word):
    root = ET.fromstring(Drawing(drawing.strokes, word).svg())
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg" and (root.find(f"{space}title").text or "") == word
    assert root.find(f"{space}rect").get("fill") == "#ffffff"
    assert len(root.findall(f"{space}g/{space}path")) == len(drawing.strokes)


@pytest.mark.parametrize("word", ["<script>alert(1)</script>", "a & b", "]]>", "\"'"])
def test_a_word_cannot_break_out_of_the_picture(word):
    root = ET.fromstring(Drawing(([[0, 0], [1, 1]],), word).svg())
    assert [child.tag.split("}")[1] for child in root] == ["title", "rect", "g"] and root[0].text == word


def test_a_path_has_a_move_a_stroke_and_a_dot_for_a_point():
    strokes = Drawing(([[0, 0], [100, 2.54]], [[7, 8]])).strokes
    assert svg_path(strokes) == "M0 0L100 2.5M7 8h0.01"
    assert svg_path(strokes, decimals=0) == "M0 0L100 3M7 8h0.01"


@given(drawings(canvas), st.floats(0, 0.5))
@calm
def test_the_view_is_a_square_that_holds_the_drawing(drawing, margin):
    x, y, width, height = view_box(drawing, margin)
    left, top, right, bottom = drawing.bounds()
    slack = 1e-6 * (1 + max(map(abs, drawing.bounds())))
    assert width == height and width >= 1
    assert x <= left + slack and y <= top + slack and x + width >= right - slack and y + height >= bottom - slack
