"""Plots of several chapters: what stands where."""

import matplotlib.pyplot as plt
import numpy as np

from sketchlib.pictures import plots


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
