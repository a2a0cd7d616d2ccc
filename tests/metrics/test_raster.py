"""The rasteriser against a plain one, pixel by pixel, and what cannot be drawn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchlib.errors import DataError
from sketchlib.metrics.raster import fit_to_frame, rasterise, segments
from sketchlib.strokes import Drawing

coordinate = st.floats(-300, 300, width=32)
stroke = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=6)
drawing = st.lists(stroke, min_size=1, max_size=4).map(lambda strokes: Drawing(tuple(np.array(s, np.float32) for s in strokes)))


def plain(drawings, size, width):
    """Every pixel against every line, one after the other."""
    lines, out = segments(drawings), np.zeros((len(drawings), size, size))
    centres = np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), -1)
    for (start, end), owner in zip(fit_to_frame(lines, size).astype(np.float64), lines.owner, strict=True):
        way = end - start
        share = np.clip((centres - start) @ way / max(way @ way, 1e-12), 0, 1)
        apart = np.linalg.norm(centres - start - share[..., None] * way, axis=-1)
        out[owner] = np.maximum(out[owner], np.clip(width / 2 + 0.5 - apart, 0, 1))
    return out


@settings(max_examples=60, deadline=None)
@given(st.lists(drawing, min_size=1, max_size=3), st.sampled_from([16, 32]), st.sampled_from([0.8, 1.5, 3.0]))
def test_every_pixel_is_its_distance_to_the_nearest_line(drawings, size, width):
    assert np.allclose(rasterise(drawings, size, width)[:, 0].numpy(), plain(drawings, size, width), atol=2e-4)


def house(size=100.0, at=(0.0, 0.0)):
    walls = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], np.float32) * size + np.float32(at)
    return Drawing((walls, np.array([[0, 0], [0.5, -0.5], [1, 0]], np.float32) * size + np.float32(at)))


def test_neither_scale_nor_place_changes_the_picture():
    small, large = rasterise([house(3.0, (7, 7)), house(4000.0, (-900, 50))])
    assert torch.allclose(small, large, atol=1e-3)
    assert small.max() == 1


def test_y_points_down():
    roof_last = rasterise([Drawing((np.array([[0, 0], [10, 0]]), np.array([[5, 10]])))], 32)[0, 0]
    assert roof_last[:16].sum() > 3 * roof_last[16:].sum() > 0  # the long line, with the smaller y, is on top


def test_wider_lines_are_darker_and_may_differ_by_drawing():
    thin, thick = rasterise([house(), house()], width=np.array([1.0, 3.0]))
    assert (thick >= thin).all() and thick.sum() > 1.8 * thin.sum()
    assert torch.equal(thin[None], rasterise([house()], width=1.0))


def test_a_dot_is_drawn():
    dot = rasterise([Drawing((np.array([[3.0, 4.0]]),))], 32)[0, 0]
    assert dot[15:17, 15:17].min() > 0 and dot.sum() < 10


def test_the_limit_on_pixels_at_a_time_changes_nothing(monkeypatch):
    drawings = [house(), Drawing((np.array([[0, 0], [9, 4]]),)), house(2)]
    whole = rasterise(drawings)
    monkeypatch.setattr("sketchlib.metrics.raster._AT_ONCE", 50)
    assert torch.equal(whole, rasterise(drawings))


def test_taking_segments_is_taking_drawings():
    drawings = [house(), Drawing((np.array([[1.0, 1.0]]),)), Drawing((np.array([[0, 0], [9, 4], [2, 2]]),))]
    assert torch.equal(rasterise(segments(drawings).take([2, 0, 2])), rasterise([drawings[2], drawings[0], drawings[2]]))


def test_no_drawings_no_pictures():
    assert rasterise([], 32).shape == (0, 1, 32, 32)


@pytest.mark.parametrize("bad, message", [(Drawing(()), "without points"), (Drawing((np.array([[0, np.nan]]),)), "with NaN")])
def test_what_cannot_be_drawn_is_refused_by_number(bad, message):
    with pytest.raises(DataError, match=rf"1 of 3 drawings are {message}.*\(numbers 1 "):
        rasterise([house(), bad, house()])
