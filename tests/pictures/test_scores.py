"""Plots of scores: what is drawn where, and intervals only where there are some."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sketchlib.pictures import scores


def score(value, low=None, high=None):
    return SimpleNamespace(value=value, low=low, high=high)


def lines_of(ax):
    return [(line.get_xdata(), line.get_ydata()) for line in ax.lines]


@pytest.fixture(autouse=True)
def no_figure_is_shown_twice():
    yield
    assert plt.get_fignums() == []


def test_scores_over_a_setting_have_bars_where_they_have_intervals():
    lines = {"single": {0.2: score(90.0, 88.0, 92.0), 0.4: score(95.0)}, "router": {0.2: score(80.0), 0.4: score(85.0)}}
    (ax,) = scores.along(lines, ("real", 97.0), ("temperature", "percent")).axes
    single, bar, router, mark = lines_of(ax)
    assert list(single[1]) == [90, 95] and list(router[1]) == [80, 85] and list(mark[1]) == [97, 97]
    assert list(bar[0]) == [0.2, 0.2] and list(bar[1]) == [88, 92]


def test_a_measure_is_a_panel_with_its_floor():
    panels = {"distance": (score(0.2), {"valid": score(0.3), "single": score(1.0, 0.9, 1.1)}), "recall": (None, {"valid": score(0.8)})}
    left, right = scores.beside_floors(panels).axes
    assert left.get_title() == "distance" and [label.get_text() for label in left.get_xticklabels()] == ["valid", "single"]
    assert len(left.lines) == 4 and list(left.lines[-1].get_ydata()) == [0.2, 0.2] and len(right.lines) == 1


def test_cumulative_curves_rise_to_one_within_the_first_side():
    real, made = {"aspect": np.array([3.0, 1.0, 2.0])}, {"aspect": np.array([9.0, 8.0])}
    (ax,) = scores.cumulative({"real": real, "single": made}, {"aspect": "w / (w + h)"}, end=1.0).axes
    (x, y), (other, share) = lines_of(ax)
    assert list(x) == [1, 2, 3] and np.allclose(y, [1 / 3, 2 / 3, 1]) and list(other) == [8, 9] and share[-1] == 1
    assert ax.get_xlim() == (0, 3) and ax.get_xlabel() == "w / (w + h)"


def test_values_fall_and_the_mark_is_drawn():
    (ax,) = scores.falling({"cat": np.array([0.1, 10.0, 1.0])}, 0.01, ("unit", "variance")).axes
    (rank, values), (_, mark) = lines_of(ax)
    assert list(rank) == [1, 2, 3] and list(values) == [10, 1, 0.1] and set(mark) == {0.01} and ax.get_yscale() == "log"


def test_confusions_and_pictures_stand_beside_each_other():
    figure = scores.confusions({"single": np.eye(2), "router": np.eye(2)}, ("cat", "sun"), "drawn as")
    assert [ax.get_title() for ax in figure.axes] == ["single", "router"] and figure.axes[0].get_ylabel() == "drawn as"
    rows = {"as read": np.zeros((3, 1, 8, 8)), "in training": np.ones((3, 1, 8, 8))}
    figure = scores.pictures(rows)
    assert len(figure.axes) == 6 and figure.axes[3].get_ylabel() == "in training" and figure.axes[3].images[0].get_array().min() == 1
