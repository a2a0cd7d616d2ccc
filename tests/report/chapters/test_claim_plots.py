"""The figures of chapter 12 show the values that they are given, and each is shown once."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sketchlib.report.chapters import claim_plots
from sketchlib.report.chapters.claims import VERDICTS


@pytest.fixture(autouse=True)
def nothing_stays_open():
    before = plt.get_fignums()
    yield
    assert plt.get_fignums() == before


def test_two_runs_are_a_line_each_in_a_panel_for_each_value():
    curves = {"ours": [{"step": 1, "eta": 0.1}, {"step": 3, "eta": 0.5}], "theirs": [{"step": 2, "eta": -0.2}]}
    figure = claim_plots.runs(curves, {"weight": lambda record: record["eta"], "twice": lambda record: 2 * record["eta"]})
    assert [ax.get_ylabel() for ax in figure.axes] == ["weight", "twice"]
    lines = [line.get_xydata() for line in figure.axes[1].lines]
    assert np.allclose(lines[0], [[1, 0.2], [3, 1.0]]) and np.allclose(lines[1], [[2, -0.4]])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["ours", "theirs"]


def test_bars_of_how_often_drawings_are_read_add_up_to_one():
    (ax,) = claim_plots.times_read({"a": np.array([1, 2, 2, 3]), "b": np.array([2, 2])}, 2).axes
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers]
    assert heights == [[0.25, 0.5, 0.25], [1.0]]


def test_verdicts_stack_to_the_number_of_claims():
    (ax,) = claim_plots.verdicts({"one": dict(zip(VERDICTS, (3, 0, 2, 1), strict=True)), "two": dict.fromkeys(VERDICTS, 1)}).axes
    ends = [max(bars[row].get_x() + bars[row].get_width() for bars in ax.containers) for row in (0, 1)]
    assert ends == [6, 4] and [bars.get_label() for bars in ax.containers] == list(VERDICTS)


def test_rates_diversity_and_pictures_are_drawn_as_given():
    (ax,) = claim_plots.rates([0.4, 0.4, 0.2], "here").axes
    assert ax.lines[0].get_ydata().tolist() == [0.4, 0.4, 0.2] and ax.texts[0].get_text() == "here"
    (ax,) = claim_plots.diversity({0.1: 0.5, 1.0: 1.2}).axes
    assert ax.lines[0].get_xydata().tolist() == [[0.1, 0.5], [1.0, 1.2]]
    picture = np.arange(4).reshape(2, 2)
    figure = claim_plots.pictures({"up": picture, "down": picture[::-1]})
    assert [ax.get_title() for ax in figure.axes] == ["up", "down"]
    assert np.array_equal(figure.axes[1].images[0].get_array(), picture[::-1])


def test_a_pair_is_a_bar_a_run_and_a_panel_a_quantity():
    figure = claim_plots.pair({"best": {"one": 1.0, "other": 2.0}, "end": {"one": 3.0, "other": 4.0}}, "nats")
    widths = [[bar.get_width() for bar in ax.patches] for ax in figure.axes]
    assert widths == [[1, 2], [3, 4]] and [ax.get_title() for ax in figure.axes] == ["best", "end"]
    assert {ax.get_xlabel() for ax in figure.axes} == {"nats"}
