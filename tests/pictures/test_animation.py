"""Films: the clock, the panels, the frames, and the two kinds of file."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from sketchlib.errors import DataError
from sketchlib.pictures import animation, draw
from sketchlib.strokes import Drawing


def wave(n, word="cat", size=100.0, dots=0):
    """One stroke of n lines, then some dots."""
    x = np.linspace(0, size, n + 1)
    stroke = np.column_stack([x, size / 2 * (1 + np.sin(x * 9 / size))])
    return Drawing((stroke, *[[[size * 0.9, size * (0.1 + 0.2 * i)]] for i in range(dots)]), word)


def pixels(frames):
    return [np.asarray(frame.convert("RGB")).astype(int) for frame in frames]


def styles(text):
    """The keyframes of an animated SVG: for each path the two times, per cent, between which it is drawn."""
    found = re.findall(r"@keyframes \S+?-(\d+)\{0%,([\d.]+)%\{stroke-dashoffset:1.02\}([\d.]+)%", text)
    return [(float(start), float(end)) for _, start, end in found]


@given(st.integers(0, 2000), st.integers(1, 400))
def test_the_clock_shows_all_in_no_more_frames_than_asked_for(n_lines, max_frames):
    steps = animation.steps_of(n_lines, max_frames)
    assert len(steps) == max(1, min(n_lines, max_frames)) and steps[-1] == n_lines
    growth = np.diff(steps, prepend=0)
    assert np.ptp(growth) <= 1  # as even as whole lines allow


@given(st.lists(st.integers(1, 9), max_size=6))
def test_segments_are_all_lines_in_the_order_drawn(sizes):
    rng = np.random.default_rng(0)
    drawing = Drawing(tuple(rng.random((n, 2)) for n in sizes))
    lines = animation.segments_of(drawing)
    assert len(lines) == sum(max(n - 1, 1) for n in sizes)
    expected = [line for s in drawing.strokes for line in (zip(s[:-1], s[1:], strict=True) if len(s) > 1 else [(s, s)])]
    np.testing.assert_array_equal(lines, np.array([np.ravel(line) for line in expected]).reshape(-1, 4))


def test_every_panel_has_its_own_limits():
    film = animation.grid_film([wave(5, size=s).shifted(-7 * s, 30 * s) for s in (1, 50, 3000)], size=100)
    for column, drawing in enumerate(film.drawings):
        left, top, right, bottom = drawing.bounds()
        assert column * 100 < left < right < (column + 1) * 100 and 0 < top < bottom < 100
        assert right - left == pytest.approx(100 / 1.12, abs=0.1)


def test_y_points_down_from_the_start():
    lower_right = Drawing(([[0, 0], [100, 0]], [[100, 100], [100, 60]]), "cat")
    first, *_, last = pixels(animation.grid_frames([lower_right], size=90))
    assert first[:45].min() < 100 and first[45:].min() == 255
    assert last[45:].min() < 100


def test_a_finished_panel_stays_as_it_is_while_others_go_on():
    frames = pixels(animation.grid_frames([wave(4), wave(30, "sun")], size=80))
    assert len(frames) == 30
    left, right = [f[:, :80] for f in frames], [f[:80, 80:] for f in frames]
    assert all((frame == left[3]).all() for frame in left[3:]) and (left[2] != left[3]).any()
    assert all((a != b).any() for a, b in zip(right[:-1], right[1:], strict=True))


def test_ink_is_only_added():
    frames = pixels(animation.grid_frames([wave(12, dots=2), wave(7, "pig")], size=80))
    assert all((after <= before).all() for before, after in zip(frames[:-1], frames[1:], strict=True))


def test_the_last_frame_is_the_still_whatever_the_number_of_frames():
    drawings = [wave(40, dots=3), wave(25, "sun"), wave(3, "zebra")]
    at_once, by_line, between = (pixels(animation.grid_frames(drawings, max_frames=n))[-1] for n in (1, 400, 7))
    assert (at_once == by_line).all() and (at_once == between).all()


def test_lines_are_where_their_coordinates_say_and_as_wide_as_asked():
    film = animation.Film(80, 60, (Drawing(([[20, 30], [60, 30]],), ""),), (0,))
    (frame,) = pixels(animation.frames_of(film, 9))
    cover = (255 - frame[..., 0]) / (255 - 0x22)
    middle = [(cover.sum(1 - axis) * (np.arange(n) + 0.5)).sum() / cover.sum() for axis, n in ((0, 60), (1, 80))]
    np.testing.assert_allclose(middle, [30, 40], atol=0.35)
    assert cover[:, 40].sum() == pytest.approx(animation.LINE, abs=0.4)
    assert cover[30].sum() == pytest.approx(40 + animation.LINE, abs=1)


def test_a_drawing_does_not_wipe_out_another_in_the_same_place():
    across, down = Drawing(([[10, 30], [50, 30]],), ""), Drawing(([[12, 28], [48, 55]],), "sun")
    alone, both = (
        pixels(animation.frames_of(animation.Film(60, 60, made, (0,) * len(made)), 1))[-1] for made in ((across,), (across, down))
    )
    assert (both[28:33, 30:] == alone[28:33, 30:]).all() and (both[40:] != alone[40:]).any()


def test_a_frame_shows_the_lines_up_to_its_time():
    whole = wave(20)
    film = animation.grid_film([whole], size=120)
    cut = animation.Film(120, 120, (Drawing((film.drawings[0].strokes[0][:11],), "cat"),), (0,))
    assert (pixels(animation.frames_of(film, 400))[9] == pixels(animation.frames_of(cut, 1))[-1]).all()


def test_a_drawing_has_the_colour_of_its_class():
    last = pixels(animation.grid_frames([wave(9, "sun")]))[-1]
    darkest = last.reshape(-1, 3)[last.sum(2).argmin()]
    assert "#{:02x}{:02x}{:02x}".format(*darkest) == draw.COLORS["sun"]


def test_all_colours_of_the_book_fit_one_palette_without_doubles():
    colors = [draw.TEXT, draw.NO_CLASS, *draw.COLORS.values(), *draw.OTHERS]
    palette, shades = animation._palette(colors)
    entries = [tuple(palette[i : i + 3]) for i in range(0, len(palette), 3)]
    assert len(entries) == len(set(entries)) <= 256
    for color in colors:
        assert "#{:02x}{:02x}{:02x}".format(*entries[shades[color][255]]) == color
        shown, full = np.array(entries)[shades[color]], np.array(entries[shades[color][255]])
        expected = 255 + (full - 255) * np.arange(256)[:, None] / 255
        assert np.abs(shown - expected).max() <= 255 / 14 / 2 + 1  # half a step of the scale


def test_labels_are_written_under_the_panels():
    with_words, without = (pixels(animation.frames_of(animation.grid_film([wave(3)] * 2, 80, labels)))[-1] for labels in (None, []))
    assert with_words.shape[0] == without.shape[0] + animation.LABEL
    assert with_words[80:, :80].min() < 150 and with_words[80:, 80:].min() < 150


@pytest.mark.parametrize(("drawings", "max_frames"), [([wave(50, dots=2)], None), ([wave(9), wave(61, "sun")], 20)])
def test_a_gif_opens_with_its_frames_and_its_time(tmp_path, drawings, max_frames):
    path = animation.animate(drawings, tmp_path / "a.gif", max_frames=max_frames)
    expected = pixels(animation.frames_of(animation.grid_film(drawings, 320 if len(drawings) == 1 else 160), max_frames or 200))
    with Image.open(path) as gif:
        frames = [(np.asarray(f.convert("RGB")), f.info["duration"]) for f in ImageSequence.Iterator(gif)]
        assert gif.info["loop"] == 0
    assert len(frames) == len(expected)
    assert all((got == want).all() for (got, _), want in zip(frames, expected, strict=True))
    assert sum(ms for _, ms in frames) == pytest.approx(len(frames) * animation.FRAME_MS + animation.HOLD_MS, abs=5)
    assert frames[-1][1] >= animation.HOLD_MS


@pytest.mark.parametrize("drawing", [Drawing(()), Drawing(([[3, 3]],)), Drawing(([[3, 3], [3, 3]],))])
@pytest.mark.parametrize("suffix", [".gif", ".svg", ".GIF"])
def test_drawings_without_extent_are_animated_all_the_same(tmp_path, drawing, suffix):
    path = animation.animate(drawing, tmp_path / f"a{suffix}")
    assert path.stat().st_size > 100
    dark = np.asarray(animation.grid_frames([drawing])[-1]).min() < 100
    assert dark == bool(drawing.strokes)


def test_a_gif_that_plays_once_has_no_loop(tmp_path):
    with Image.open(animation.animate(wave(5), tmp_path / "a.gif", repeat=False)) as gif:
        assert "loop" not in gif.info


def test_nothing_else_is_left_in_the_folder(tmp_path):
    animation.animate([wave(5), wave(6)], tmp_path / "a.gif")
    animation.animate([wave(5), wave(6)], tmp_path / "a.svg")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "a.svg"]


def test_an_animated_svg_is_xml_with_a_path_for_each_stroke_and_no_request():
    drawings = [wave(9, "a <b> & NAME", dots=2), wave(4, "sun")]
    text = animation.animated_svg(drawings)
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f".//{space}path")) == sum(len(d.strokes) for d in drawings)
    assert [t.text for t in root.iter(f"{space}text")] == ["a <b> & NAME", "sun"]
    assert "prefers-reduced-motion" in text and "<script" not in text
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]


def test_strokes_of_an_svg_follow_one_another_and_the_picture_is_held():
    times = styles(animation.animated_svg(wave(9, dots=2), seconds=3.0))
    ends = 100 * 3 / 4.5 * np.array([9, 10, 11]) / 11
    np.testing.assert_allclose([end for _, end in times], ends, atol=0.01)
    np.testing.assert_allclose([start for start, _ in times], [0, *ends[:-1]], atol=0.01)


def test_panels_of_an_svg_share_one_clock():
    (_, long), (start, short) = styles(animation.animated_svg([wave(10), wave(5)], seconds=3.0))
    assert start == 0 and short == pytest.approx(long / 2, abs=0.01)


def test_films_on_one_page_do_not_share_names():
    texts = [animation.animated_svg(wave(n), repeat=repeat) for n in (4, 5) for repeat in (True, False)]
    names = [set(re.findall(r"@keyframes (\S+?)\{", text)) for text in texts]
    assert all(len(name) == 1 for name in names) and len(set.union(*names)) == 4
    assert "infinite" in texts[0] and "infinite" not in texts[1]
    assert texts[0] == animation.animated_svg(wave(4))  # and the same drawing always gives the same file


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(*[st.floats(-1e4, 1e4)] * 2), min_size=1, max_size=6), max_size=4))
def test_any_finite_drawing_makes_frames_and_xml(strokes):
    drawing = Drawing(tuple(np.array(s) for s in strokes), "cat")
    ET.fromstring(animation.animated_svg(drawing))
    assert list(animation.frames_of(animation.grid_film([drawing, wave(2)], size=40), 5))


def test_bad_arguments_are_refused_and_nothing_is_written(tmp_path):
    nan = Drawing(([[0, 0], [np.nan, 1]],), "cat")
    for path, drawings, options in (
        ("a.gif", [], {}),
        ("a.mp4", [wave(3)], {}),
        ("a", [wave(3)], {}),
        ("a.gif", [nan], {}),
        ("a.svg", nan, {}),
        ("a.gif", wave(3), {"max_frames": -1}),
        ("a.gif", wave(3), {"frame_ms": 0}),
        ("a.svg", wave(3), {"frame_ms": 0}),
    ):
        with pytest.raises(DataError):
            animation.animate(drawings, tmp_path / path, **options)
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for name in ("a.gif", "a.svg"):
        with pytest.raises(DataError, match=name):
            animation.animate(wave(3), tmp_path / "file" / name)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"
