"""The figures of chapter 13b: what a memory holds, waves of a place, attention by place, straying, nats against minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ...pictures.draw import ACCENT, BLUE, COLORS, GREY, INK, LIGHT, style
from .attention import AFTER_345, RECIPES, SHARPNESS, report_best, runs_of

KINDS = {"lstm": BLUE, "placed": ACCENT, "transformer": COLORS["car"]}
OTHERS = {"report": INK, "short": COLORS["sun"], "plain": COLORS["pig"]}
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
    left.plot(*places[row], "o", ms=15, mfc="none", color=BLUE)
    left.set(aspect="equal", xlabel="x (data units)", ylabel="y (data units)")
    left.invert_yaxis()
    right.imshow(np.sqrt(weights), cmap="Greys", extent=(0.5, len(weights) + 0.5, len(weights) + 0.5, 0.5))
    right.axhline(row + 1, color=BLUE, lw=0.8)
    right.set(xlabel="row that is looked at", ylabel="row that asks")
    plt.close(figure)
    return figure


def straying(drawn: np.ndarray, read: np.ndarray, leads: np.ndarray, back: np.ndarray) -> Figure:
    """A stroke's points (n, 2), those that are read instead (n, 2), where the targets after them lead (n - 1, 2), and a hand that obeys."""
    style()
    figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
    ax.plot(*drawn.T, "o-", ms=3.5, color=GREY, lw=1.2, label="the drawing")
    ax.plot(*read.T, "o", ms=4.5, color=ACCENT, label="what is read")
    way = np.stack([read[:-1], leads], 1)
    ax.quiver(*way[:, 0].T, *(way[:, 1] - way[:, 0]).T, angles="xy", scale_units="xy", scale=1, width=0.003, color=ACCENT, alpha=0.6)
    ax.plot(*back.T, "--", color=BLUE, lw=1.8, label="a hand that obeys from there on")
    ax.set(aspect="equal", xlabel="x (data units)", ylabel="y (data units)")
    ax.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=3)
    plt.close(figure)
    return figure


def waves(distance: np.ndarray, alike: np.ndarray, sharpness: float = SHARPNESS) -> Figure:
    """The product of two places' waves against their distance, and the softmax's weight of it over that of distance 0."""
    style()
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.7), layout="constrained")
    for ax, line in zip(axes, (alike, np.exp(sharpness * (alike - alike.max()))), strict=True):
        ax.plot(distance, line, color=ACCENT)
        ax.set(xlabel="distance $x - x'$ (normalised units)", ylim=(0, None))
    axes[0].set_ylabel("product of the waves")
    axes[1].set_ylabel("weight, over that at 0")
    plt.close(figure)
    return figure
