"""The figures of chapter 13b: what a memory holds, waves of a place, attention by place, straying, nats against minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ...pictures.draw import ACCENT, BLUE, COLORS, GREY, INK, LIGHT, style
from .attention import AFTER_345, RECIPES, report_best, runs_of

KINDS = {"lstm": BLUE, "placed": ACCENT, "transformer": COLORS["car"]}
OTHERS = {"report": INK, "short": COLORS["sun"]}
SHOWN_NATS = 1.5  # above the least: a training begins far higher


def curves(record: Mapping | None) -> Figure:
    """Validation nats a point against minutes of training, a line a run; dashed, the best value of the report's recipe."""
    style()
    figure, ax = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    for name in RECIPES:
        for number, run in enumerate(runs_of(record, name)):
            _, at, nats = np.array(run["points"]).T
            look = dict(color=(KINDS | OTHERS).get(name, KINDS[run["kind"]]), ls="--" if name in AFTER_345 else "-")
            ax.plot(at, nats, "o", ms=2.5, lw=1.4, label=None if number else name, **look)
    if best := report_best(record):
        ax.axhline(best.nats, color=INK, lw=0.8, ls=":")
        ax.annotate("the report's best", (0, best.nats), xycoords=("axes fraction", "data"), xytext=(4, 3), textcoords="offset points")
    if ax.lines:
        ax.set(xscale="log", xlabel="minutes of training, of those before too (logarithmic)", ylabel="nats a point, on the grid")
        ax.xaxis.set_major_formatter("{x:g}")
        least = min(np.min(line.get_ydata()) for line in ax.lines)
        ax.set_ylim(top=min(ax.get_ylim()[1], least + SHOWN_NATS))
        figure.legend(loc="outside right upper")
    else:
        ax.text(0.5, 0.5, "not measured", ha="center", color=GREY)
        ax.set_axis_off()
    plt.close(figure)
    return figure


def by_row(lines: Mapping[str, Sequence[float]], ylabel: str) -> Figure:
    """Lines over the number of a row, the first in the accent's colour, others in greys."""
    style()
    figure, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
    for (name, numbers), color in zip(lines.items(), (ACCENT, BLUE, GREY), strict=False):
        ax.plot(np.arange(1, len(numbers) + 1), numbers, color=color, label=name)
    ax.set(xlabel="number of the row", ylabel=ylabel, ylim=(0, None))
    ax.legend()
    plt.close(figure)
    return figure


def looked_up(strokes: Sequence[np.ndarray], places: np.ndarray, weights: np.ndarray, row: int) -> Figure:
    """What one row attends to, over the drawing, and the weights (T, T) of all rows, dark where they are large.

    `strokes` (n, 2) each and `places` (T, 2), the pen after each row, in data units; `row`: which one asks.
    """
    style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.7), layout="constrained")
    for stroke in strokes:
        left.plot(*stroke.T, color=LIGHT, lw=1.2)
    left.scatter(*places[: row + 1].T, s=220 * weights[row, : row + 1], color=ACCENT, alpha=0.75, lw=0)
    left.plot(*places[row], "o", ms=9, mfc="none", color=BLUE)
    left.set(aspect="equal", xlabel="x (data units)", ylabel="y (data units)")
    left.invert_yaxis()
    right.imshow(np.sqrt(weights), cmap="Greys", extent=(0.5, len(weights) + 0.5, len(weights) + 0.5, 0.5))
    right.axhline(row + 1, color=BLUE, lw=0.8)
    right.set(xlabel="row that is looked at", ylabel="row that asks")
    plt.close(figure)
    return figure


def straying(strokes: Sequence[np.ndarray], read: np.ndarray, leads: np.ndarray) -> Figure:
    """A drawing in grey, the points (N, 2) that are read instead in red, and arrows to where what is to be predicted leads (N, 2)."""
    style()
    figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
    for stroke in strokes:
        ax.plot(*stroke.T, "o-", ms=3, color=GREY, lw=1.2)
    ax.plot(*read.T, "o", ms=3.5, color=ACCENT)
    ax.quiver(*read.T, *(leads - read).T, angles="xy", scale_units="xy", scale=1, width=0.003, color=ACCENT, alpha=0.6)
    ax.set(aspect="equal", xlabel="x (data units)", ylabel="y (data units)")
    ax.invert_yaxis()
    plt.close(figure)
    return figure
