"""Scenes: where drawings go, that their boxes never meet, and the order in which they are drawn."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sketchlib.errors import DataError
from sketchlib.pictures import scene
from sketchlib.pictures.animation import frames_of, segments_of
from sketchlib.strokes import Drawing

points = st.tuples(*[st.floats(-500, 500, width=32)] * 2)
strokes = st.lists(points, min_size=1, max_size=5).map(np.array)
drawings = st.lists(st.lists(strokes, min_size=1, max_size=3).map(tuple).map(Drawing), min_size=1, max_size=8)
lengths = st.one_of(st.none(), st.floats(1, 3000))


def box(width, height, word="cat", x=0.0, y=0.0):
    return Drawing(([[x, y], [x + width, y], [x + width, y + height], [x, y + height]],), word)


def overlap(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


@settings(max_examples=150, deadline=None)
@given(drawings, st.floats(1, 3), lengths, lengths, st.sampled_from(list(scene.ALIGN)))
def test_no_two_boxes_overlap(made, spacing, canvas_width, height, align):
    placed = scene.compose(made, spacing, canvas_width, height, align)
    for a, b in combinations(placed.boxes, 2):
        assert not overlap(a, b)
        apart = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
        assert apart >= scene.GAP - 0.01
    assert min(min(b[:2]) for b in placed.boxes) >= 0


@settings(max_examples=100, deadline=None)
@given(drawings, st.floats(1, 3), st.floats(1, 3000), lengths)
def test_a_row_ends_where_the_canvas_does(made, spacing, canvas_width, height):
    placed = scene.compose(made, spacing, canvas_width, height)
    for row in set(placed.rows):
        rights = [b[2] for b, r in zip(placed.boxes, placed.rows, strict=True) if r == row]
        assert len(rights) == 1 or max(rights) <= canvas_width + 0.01
    assert list(placed.rows) == sorted(placed.rows)


@settings(max_examples=100, deadline=None)
@given(drawings, st.floats(1.0, 3))
def test_only_the_place_changes_when_sizes_are_left_as_they_are(made, spacing):
    for before, after in zip(made, scene.compose(made, spacing, height=None).drawings, strict=True):
        shift = after.strokes[0][0] - before.strokes[0][0]
        for a, b in zip(before.strokes, after.strokes, strict=True):
            np.testing.assert_allclose(b - a, np.tile(shift, (len(a), 1)), atol=0.01)


def test_the_reports_rule():
    row = scene.compose([box(100, 50), box(40, 90, x=7, y=-3), box(60, 60)], spacing=1.4, height=None)
    assert [b[0] for b in row.boxes] == pytest.approx([0, 140, 140 + 56])  # max_x + width * (1.4 - 1)
    assert [b[1] for b in row.boxes] == pytest.approx([0, 0, 0])  # y stays 0


def test_an_upright_line_does_not_touch_the_next_drawing():
    line = Drawing(([[0, 0], [0, 80]],), "candle")
    row = scene.compose([line, box(30, 30)], spacing=1.4, height=None)
    assert row.boxes[1][0] == scene.GAP


def test_the_tracker_starts_a_row_below_the_tallest():
    tracker = scene.OffsetTracker(spacing=1.5, canvas_width=200)
    assert tracker.place(100, 40) == (0, 0)
    assert tracker.place(50, 80) == (150, 0)
    assert tracker.place(10, 10) == (0, 120) and tracker.row == 1


def test_a_drawing_wider_than_the_canvas_has_a_row_to_itself():
    placed = scene.compose([box(20, 20), box(900, 20), box(20, 20)], canvas_width=100, height=None)
    assert placed.rows == (0, 1, 2)


@pytest.mark.parametrize(("align", "side"), [("top", lambda b: b[1]), ("baseline", lambda b: b[3]), ("middle", lambda b: b[1] + b[3])])
def test_the_drawings_of_a_row_stand_in_line(align, side):
    made = [box(50, h) for h in (20, 90, 55, 30, 70)]
    placed = scene.compose(made, canvas_width=230, height=None, align=align)
    assert len(set(placed.rows)) == 2
    for row in set(placed.rows):
        assert len({round(side(b), 3) for b, r in zip(placed.boxes, placed.rows, strict=True) if r == row}) == 1


def test_drawings_are_scaled_to_one_height_and_keep_their_shape():
    made = [box(10, 20), box(300, 250), box(8, 80)]
    for before, after in zip(made, scene.compose(made, height=200).drawings, strict=True):
        left, top, right, bottom = after.bounds()
        assert bottom - top == pytest.approx(200, abs=0.01)
        old = before.bounds()
        assert (right - left) / (bottom - top) == pytest.approx((old[2] - old[0]) / (old[3] - old[1]), rel=1e-4)


def test_a_flat_drawing_is_kept_from_filling_the_canvas():
    left, _, right, _ = scene.compose([box(100, 1)], height=200).boxes[0]
    assert right - left == pytest.approx(scene.WIDEST * 200, abs=0.01)


def pictures_of(made, width):
    return [frame.convert("RGB") for frame in frames_of(made.film(width), 10**6)]


def test_objects_are_drawn_one_after_the_other():
    made = scene.compose([box(50, 50), box(50, 50, "sun"), box(50, 50, "pig")])
    frames = [np.asarray(f).astype(int) for f in pictures_of(made, 400)]
    assert len(frames) == sum(len(segments_of(d)) for d in made.drawings) == 9
    film = made.film(400)
    for number, drawing in enumerate(film.drawings):
        left, top, right, bottom = (round(v) for v in drawing.bounds())
        inked = [frame[top - 3 : bottom + 3, left - 3 : right + 3].min() < 200 for frame in frames]
        assert inked == [k >= 3 * number for k in range(9)]


def test_a_long_scene_keeps_to_its_frames(tmp_path):
    wave = Drawing((np.random.default_rng(0).random((300, 2)) * 100,), "cat")
    made = scene.compose([wave] * 3, canvas_width=500)
    with Image.open(scene.animate_scene(made, tmp_path / "scene.gif", width=200, max_frames=40)) as gif:
        assert gif.n_frames <= 40 and gif.size[0] <= 200
        gif.seek(gif.n_frames - 1)
        last = np.asarray(gif.convert("RGB"))
    assert (last == np.asarray(pictures_of(made, 200)[-1])).all()


def test_a_small_scene_is_not_blown_up():
    assert scene.compose([box(50, 50)], height=100).film(640).width == 100 + 2 * scene.MARGIN


def test_svgs_are_xml_and_in_the_order_drawn(tmp_path):
    made = scene.compose([box(50, 50), box(50, 50, "sun")], height=100)
    for text in (made.svg(), made.animated_svg(), made._repr_html_()):
        assert len(ET.fromstring(text).findall(".//{http://www.w3.org/2000/svg}path")) == 2
    assert "animation" not in made.svg()
    text = scene.animate_scene(made, tmp_path / "scene.svg").read_text(encoding="utf-8")
    ends = [float(v) for v in re.findall(r"1.02\}([\d.]+)%,100%", text)]
    assert ends[0] == pytest.approx(ends[1] / 2, abs=0.01)


def test_bad_arguments_are_refused(tmp_path):
    good = [box(50, 50)]
    for made, options in (
        ([], {}),
        ([Drawing((), "cat")], {}),
        ([Drawing(([[0, 0], [np.inf, 1]],))], {}),
        (good, {"spacing": 0.9}),
        (good, {"spacing": float("nan")}),
        (good, {"canvas_width": 0}),
        (good, {"height": -1}),
        (good, {"align": "left"}),
    ):
        with pytest.raises(DataError):
            scene.compose(made, **options)
    with pytest.raises(DataError, match="mov"):
        scene.animate_scene(scene.compose(good), tmp_path / "a.mov")
