"""Plots of several chapters: what stands where."""

import math
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from sketchlib.pictures import plots
from sketchlib.strokes import Drawing


def test_the_next_point_is_looked_for_on_a_canvas_with_y_down_and_the_peak_is_the_darkest():
    _, ax = plt.subplots()
    density = np.zeros((3, 4))
    density[2, 1] = 7.0
    strokes = [np.array([[0, 0], [2, 1]]), np.array([[1, 1], [3, 2]])]
    plots.where_next(ax, density, (0, 4, 3, 0), strokes, (1, 2))
    shown = ax.images[0].get_array()
    assert np.unravel_index(shown.argmax(), shown.shape) == (2, 1) and shown.max() == 1
    assert ax.get_ylim() == (3, 0) and ax.get_xlim() == (0, 4)
    lines = [line.get_xydata().tolist() for line in ax.lines]
    assert lines == [*(stroke.tolist() for stroke in strokes), [[1, 2]]]
    plt.close("all")


def test_a_training_is_drawn_with_a_panel_a_term_and_a_line_a_part():
    records = [{"step": step, "train": {"a": step, "b": 1}, "valid": {"a": 2 * step, "b": 3}} for step in (10, 20)]
    figure = plots.curves(records, {"a": "$a$", "b": "$b$"}, "nats")
    assert [ax.get_ylabel() for ax in figure.axes] == ["$a$ (nats)", "$b$ (nats)"]
    assert [line.get_xydata().tolist() for line in figure.axes[0].lines] == [[[10, 10], [20, 20]], [[10, 20], [20, 40]]]


def number(value, low=None, high=None):
    return SimpleNamespace(value=value, low=low, high=high)


def test_a_sweep_has_a_line_a_kind_bands_where_there_are_intervals_and_says_what_was_not_measured():
    kinds = {"one": [number(1.0, 0.5, 1.5), number(2.0, 1.5, 2.5)], "other": [number(3.0), number(math.nan)]}
    panels = {"nats": kinds, "FID": {"one": [number(math.nan)] * 2}}
    colors = dict(one="#111111", other="#222222")
    figure = plots.sweep(panels, [50, 200], "drawings", colors, ["50", "all"], levels={"nats": 2.5})
    nats, fid = figure.axes
    assert [line.get_label() for line in nats.lines[:2]] == ["one", "other"] and len(nats.collections) == 1
    assert np.array_equal(nats.lines[1].get_ydata(), [3, math.nan], equal_nan=True)
    assert [text.get_text() for text in nats.get_xticklabels()] == ["50", "all"] and nats.get_xscale() == "log"
    assert set(nats.lines[2].get_ydata()) == {2.5}
    assert not nats.texts and [text.get_text() for text in fid.texts] == ["not measured"]
    nothing = plots.sweep({"FID": panels["FID"]}, [50, 200], "drawings", colors)
    assert nothing.get_figheight() < figure.get_figheight()


def test_boxes_lie_round_their_drawings_with_y_down():
    stroke = np.array([[10, 20], [30, 60]], np.float32)
    figure = plots.boxes([Drawing((stroke,), "cat")], [(10, 20, 30, 60)])
    (ax,) = figure.axes
    assert ax.patches[0].get_bbox().extents.tolist() == [10, 20, 30, 60]
    assert ax.yaxis_inverted() and np.array_equal(ax.lines[0].get_xydata(), stroke)


def test_moments_of_a_film_end_with_its_last_frame():
    frames = [Image.new("RGB", (4, 4), (n, n, n)) for n in range(10)]
    figure = plots.moments(frames, (0.0, 0.5, 1.0))
    assert [ax.get_title() for ax in figure.axes] == ["frame 1", "frame 5", "frame 10"]
    assert figure.axes[-1].images[0].get_array()[0, 0, 0] == 9


def test_what_was_there_is_drawn_once_and_what_follows_over_each_other():
    begun = Drawing([[[0, 0], [50, 0]], [[10, 10]]])
    ways = [Drawing((*begun.strokes, [[60, y], [90, y]], [[0, y], [1, y]])) for y in (10, 20, 30)]
    figure = plots.overlaid({"a quarter": [(begun, ways), (begun, ways[:1])], "half": [(begun, ways)]})
    first, second, third, empty = figure.axes
    assert [len(ax.lines) for ax in figure.axes] == [2 + 6, 2 + 2, 2 + 6, 0]
    dark = [line for line in first.lines if line.get_alpha() is None]
    assert [line.get_xydata().tolist() for line in dark] == [stroke.tolist() for stroke in begun.strokes]
    assert first.get_ylabel() == "a quarter" and third.get_ylabel() == "half" and first.get_ylim()[0] > first.get_ylim()[1]
    assert first.get_xlim()[1] >= 90 > second.get_xlim()[0] and not empty.get_title()


def test_the_class_of_a_beginning_has_the_thick_line():
    shares, posterior = [0.5, 1.0], np.array([[0.4, 0.6], [0.1, 0.9]])
    (ax,) = plots.posteriors(shares, posterior, ("cat", "sun"), "sun").axes
    assert [line.get_label() for line in ax.lines] == ["cat", "sun"] and ax.lines[1].get_lw() > ax.lines[0].get_lw()
    assert np.allclose(ax.lines[1].get_ydata(), [0.6, 0.9])
