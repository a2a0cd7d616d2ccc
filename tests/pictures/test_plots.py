"""Plots show the values that they are given."""

import matplotlib.pyplot as plt
import numpy as np

from sketchlib.pictures import plots

CURVES = {"ours": [{"step": 1, "eta": 0.1}, {"step": 3, "eta": 0.5}], "theirs": [{"step": 2, "eta": -0.2}]}


def test_two_runs_are_a_line_each_in_a_panel_for_each_value():
    figure = plots.runs(CURVES, {"weight": lambda record: record["eta"], "twice": lambda record: 2 * record["eta"]})
    assert [ax.get_ylabel() for ax in figure.axes] == ["weight", "twice"] and not plt.get_fignums()
    lines = [line.get_xydata() for line in figure.axes[1].lines]
    assert np.allclose(lines[0], [[1, 0.2], [3, 1.0]]) and np.allclose(lines[1], [[2, -0.4]])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["ours", "theirs"]
