"""Plots that more than one chapter draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arguments import SOME, Inches, Polyline, Position, Share, checked
from ..errors import DataError
from ..settings import Range
from ..strokes import Drawing
from ..svg import view_box
from .draw import BLUE, GREY, INK, OTHERS, PlotColor, color_of, require_finite, shape_of, style
from .scores import Scored

Box = tuple[Position, Position, Position, Position]
Frame = Annotated[np.ndarray, Range(lambda a: a.ndim in (2, 3) and a.size > 0, "of rows and columns")]
Panels = Annotated[Mapping[object, Annotated[Sequence[tuple[Drawing, Sequence[Drawing]]], SOME]], SOME]
Density = Annotated[
    np.ndarray, Range(lambda a: a.ndim == 2 and a.size > 0 and np.isfinite(a).all() and a.max() > 0, "of two axes, finite, not all 0")
]


@checked
def where_next(ax: Axes, density: Density, extent: Box, drawn: Sequence[Polyline], point: tuple[Position, Position]) -> None:
    """Where a model expects the next point of a drawing: red, the darker the denser, what is drawn so far in black, a ring where it went.

    `density` (rows, columns) over `extent` (left, right, bottom, top) in data units, bottom being the larger: y points down. Its square
    root is shown, relative to its peak. `drawn`: strokes (n, 2).
    """
    ax.imshow((density / density.max()) ** 0.5, extent=tuple(extent), cmap="Reds", vmax=1.2)
    for stroke in drawn:
        ax.plot(*np.asarray(stroke).T, color=INK, lw=1.4)
    ax.plot(*point, "o", ms=7, mfc="none", color=BLUE)
    ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", xlabel="x (data units)")


@checked
def curves(records: Sequence[Mapping], terms: Annotated[Mapping[str, str], SOME], unit: str) -> Figure:
    """Training and validation values over the steps of a run, a panel a term.

    `records`: a training's curves, each with `step`, and `train` and `valid` by term. `terms`: term -> its name on the axis, with `unit`.
    """
    for term in [
        term for record in records for term in terms if not {"step", "train", "valid"} <= record.keys() or term not in record["valid"]
    ]:
        raise DataError(f"a record of a training without step, train or valid of {term!r}: give what `train.fit` returns, and its terms")
    style()
    figure, axes = plt.subplots(1, len(terms), figsize=(3 * len(terms), 2.8), layout="constrained", squeeze=False)
    steps = [record["step"] for record in records]
    for ax, (term, name) in zip(axes[0], terms.items(), strict=True):
        for part, label, color in (("train", "training", GREY), ("valid", "validation", BLUE)):
            ax.plot(steps, [record[part][term] for record in records], "o-", ms=3, color=color, label=label)
        ax.set(xlabel="optimiser step", ylabel=f"{name} ({unit})")
    axes[0, 0].legend(frameon=False)
    plt.close(figure)  # the cell that made it shows it, once
    return figure


@checked
def sweep(
    panels: Annotated[Mapping[str, Mapping[str, Sequence[Scored]]], SOME],
    places: Annotated[Sequence[Position], SOME],
    xlabel: str,
    colors: Mapping[str, PlotColor],
    ticks: Sequence[str] | None = None,
    levels: Mapping[str, Position] | None = None,
    ylabel: str = "",
) -> Figure:
    """Lines over a setting that was swept: a panel a measure, a line a kind, each with the band of its 95 % interval where it has one.

    `panels`: title -> line -> numbers with `value`, `low` and `high`, one at each of `places`. NaN leaves a gap, and a panel of nothing
    else says so; where no panel has more, the figure is low. `ticks`: words for the places, which then stand on a logarithmic scale.
    `levels`: title -> a dashed line. Chapter 13.
    """
    for kind, numbers in [item for lines in panels.values() for item in lines.items()]:
        if kind not in colors or len(numbers) != len(places):
            raise DataError(
                f"{len(numbers)} numbers of {kind!r} at {len(places)} places: give one for each place, and a colour for each line"
            )
    if ticks and len(ticks) != len(places):
        raise DataError(f"{len(ticks)} ticks for {len(places)} places: give one for each")
    style()
    rows, columns = shape_of(len(panels)) if len(panels) > 4 else (1, len(panels))
    height = 2.6 if any(map(_measured, panels.values())) else 1.0
    figure, axes = plt.subplots(rows, columns, figsize=(2.6 * columns, height * rows), layout="constrained", squeeze=False)
    for ax, (title, lines) in zip(axes.flat, panels.items(), strict=False):
        for kind, numbers in lines.items():
            _line(ax, places, numbers, color=colors[kind], label=kind)
        ax.set(title=title, xlabel=xlabel)
        if ticks:
            _set_ticks(ax, places, ticks)
        if not _measured(lines):
            ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color=GREY)
            ax.set_axis_off()
        elif level := (levels or {}).get(title):
            ax.axhline(level, color=INK, lw=1, ls="--")
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    axes[0, 0].set_ylabel(ylabel)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    plt.close(figure)
    return figure


def _measured(lines: Mapping[str, Sequence[Scored]]) -> bool:
    return any(math.isfinite(one.value) for numbers in lines.values() for one in numbers)


def _set_ticks(ax, places, ticks) -> None:
    ax.set(xscale="log", xlim=(places[0] / 1.2, places[-1] * 1.2))
    ax.set_xticks(places, ticks)
    ax.minorticks_off()


def _line(ax, places, numbers, color: str, label: str) -> None:
    ax.plot(places, [one.value for one in numbers], "o-", ms=4, color=color, label=label)
    if all(one.low is not None for one in numbers):
        ax.fill_between(places, [one.low for one in numbers], [one.high for one in numbers], color=color, alpha=0.12, lw=0)


@checked
def boxes(drawings: Sequence[Drawing], around: Sequence[Box]) -> Figure:
    """Drawings in absolute coordinates, y down, each in its box (min x, min y, max x, max y), dotted. Chapter 10."""
    require_finite(drawings)
    if len(drawings) != len(around):
        raise DataError(f"{len(around)} boxes for {len(drawings)} drawings: give one for each")
    style()
    figure, ax = plt.subplots(figsize=(9, 2.8), layout="constrained")
    for drawing, (left, top, right, bottom) in zip(drawings, around, strict=True):
        for stroke in drawing.strokes:
            ax.plot(stroke[:, 0], stroke[:, 1], color=color_of(drawing.word), linewidth=1.2)
        ax.add_patch(plt.Rectangle((left, top), right - left, bottom - top, fill=False, linestyle=":", color=GREY))
    ax.set(aspect="equal", xlabel="x, data units", ylabel="y, data units")
    ax.invert_yaxis()
    plt.close(figure)
    return figure


@checked
def moments(frames: Annotated[Sequence[Frame], SOME], shares: Annotated[Sequence[Share], SOME] = (0.1, 0.4, 0.7, 1.0)) -> Figure:
    """The frames of a film at some shares of its length, in rows, each under its number. Chapter 9."""
    style()
    rows, columns = shape_of(len(shares))
    figure, axes = plt.subplots(rows, columns, figsize=(2.75 * columns, 3 * rows), layout="constrained", squeeze=False)
    for ax in axes.flat[len(shares) :]:
        ax.set_axis_off()
    for ax, share in zip(axes.flat, shares, strict=False):
        at = max(1, round(share * len(frames)))
        ax.imshow(frames[at - 1])
        ax.set(title=f"frame {at}", xticks=[], yticks=[])
        ax.set_frame_on(False)
    plt.close(figure)
    return figure


@checked
def overlaid(rows: Panels, size: Inches = 1.5) -> Figure:
    """Drawings that are begun, in black, and several ways to go on drawn over each other in faint colours. Chapter 15.

    `rows`: name at the left -> a panel a beginning, with its completions, whose first strokes are those of the beginning.
    """
    style()
    columns = max(map(len, rows.values()))
    figure, axes = plt.subplots(len(rows), columns, figsize=(size * columns + 0.4, size * len(rows)), layout="constrained", squeeze=False)
    for line, (name, panels) in zip(axes, rows.items(), strict=True):
        for ax, (begun, completions) in zip(line, panels, strict=False):
            _overlay(ax, begun, completions)
        line[0].set_ylabel(str(name))
        for ax in line:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
    plt.close(figure)
    return figure


def _overlay(ax: Axes, begun: Drawing, completions: Sequence[Drawing]) -> None:
    n = len(begun.strokes)
    require_finite([begun, *completions])
    for color, one in zip(itertools.cycle(OTHERS), completions, strict=False):
        for stroke in one.strokes[n:]:
            ax.plot(*stroke.T, color=color, lw=1.2, alpha=0.55, solid_capstyle="round")
    for stroke in begun.strokes:
        ax.plot(*stroke.T, color=INK, lw=1.6, solid_capstyle="round", marker="." if len(stroke) == 1 else None, ms=2)
    x, y, side, _ = view_box(Drawing(tuple(stroke for one in (begun, *completions) for stroke in one.strokes)))
    ax.set(xlim=(x, x + side), ylim=(y + side, y), aspect="equal")


@checked
def posteriors(shares: Sequence[Share], posterior: np.ndarray, classes: Sequence[str], word: str) -> Figure:
    """How likely each class is (n, classes) after each of some shares of a drawing; thick, the line of its class `word`. Chapter 15.

    Raises `DataError` for probabilities that are not one for each share and class.
    """
    if posterior.shape != (len(shares), len(classes)):
        raise DataError(f"probabilities of shape {posterior.shape} for {len(shares)} shares and {len(classes)} classes: give one for each")
    style()
    figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
    for name, line in zip(classes, posterior.T, strict=True):
        ax.plot(shares, line, color=color_of(name), lw=2.6 if name == word else 1.0, label=name)
    ax.set(xlabel="share of the points that is given", ylabel="probability of the class", ylim=(-0.02, 1.02))
    figure.legend(loc="outside right upper", frameon=False)
    plt.close(figure)
    return figure
