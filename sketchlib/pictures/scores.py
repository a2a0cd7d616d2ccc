"""Plots of what drawings score: confusion matrices, values with their intervals, cumulative curves. Chapter 8.

A score is anything with a `value`, and `low` and `high`, the ends of its interval, or None. Every function returns a figure, shown once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol, runtime_checkable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arguments import SOME, Length, Position, Share, checked
from ..settings import Range
from .draw import COLORS, GREY, INK, color_of, confusion, style

Column = Annotated[
    np.ndarray, Range(lambda values: values.ndim == 1 and len(values) > 0 and np.isfinite(values).all(), "of one axis, finite")
]
Sides = Annotated[Mapping[str, Mapping[str, Column]], SOME]
SIDES = {"real": INK, "single": COLORS["airplane"], "router": COLORS["candle"], "best": COLORS["car"]}  # real drawings and models


@runtime_checkable
class Scored(Protocol):
    """A value, and the ends of its interval or None."""

    value: float
    low: float | None
    high: float | None


def _axes(columns: int, width: float, height: float, rows: int = 1, **how) -> tuple[Figure, np.ndarray]:
    """A figure in the book's style and its axes (rows, columns); closed, so that the cell that made it shows it once."""
    style()
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False, **how)
    plt.close(figure)
    return figure, axes


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    """A figure of `n` panels, three in a row, which a phone still shows large enough to read."""
    columns = min(n, 3)
    rows = -(-n // columns)
    figure, axes = _axes(columns, 2.3 * columns, 2.2 * rows, rows)
    for ax in axes.flat[n:]:
        ax.set_axis_off()
    return figure, list(axes.flat[:n])


@checked
def pictures(rows: Annotated[Mapping[str, Annotated[Sequence[np.ndarray], SOME]], SOME]) -> Figure:
    """Rows of grey pictures as the recogniser sees them, label -> (n, 1, size, size), 1 for a line."""
    columns = max(map(len, rows.values()))
    figure, axes = _axes(columns, 0.9 * columns, 0.95 * len(rows), len(rows))
    for row, (label, shown) in zip(axes, rows.items(), strict=True):
        for ax, picture in zip(row, shown, strict=True):
            ax.imshow(picture[0], cmap="Greys", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(label)
    return figure


@checked
def confusions(tables: Annotated[Mapping[str, np.ndarray], SOME], classes: Sequence[str], rows: str = "asked for") -> Figure:
    """Confusion matrices of shares beside each other, each under its title; `rows` says what a row is."""
    figure, axes = _axes(len(tables), 4.4 * len(tables), 4.4, sharey=True)
    for ax, (title, table) in zip(axes[0], tables.items(), strict=True):
        confusion(ax, table, classes, title)
    axes[0, 0].set_ylabel(rows)
    return figure


@checked
def along(lines: Mapping[str, Mapping[float, Scored]], mark: tuple[str, Position], names: tuple[str, str]) -> Figure:
    """Scores over a setting, a line a side (side -> setting -> score), and a dashed line for `mark` (its name and value).

    `names`: of the two axes.
    """
    figure, axes = _axes(1, 5, 2.8)
    ax = axes[0, 0]
    for side, scores in lines.items():
        color = SIDES.get(side, GREY)
        ax.plot(list(scores), [one.value for one in scores.values()], "o-", color=color, label=side)
        _intervals(ax, scores, color)
    ax.axhline(mark[1], color=SIDES["real"], lw=1, ls="--", label=mark[0])
    ax.set(xlabel=names[0], ylabel=names[1])
    figure.legend(loc="outside right center")
    return figure


def _intervals(ax: Axes, scores: Mapping[float, Scored], color: str) -> None:
    for x, one in scores.items():
        if one.low is not None:
            ax.plot([x, x], [one.low, one.high], color=color, lw=1)


@checked
def beside_floors(panels: Annotated[Mapping[str, tuple[Scored | None, Mapping[str, Scored]]], SOME]) -> Figure:
    """A panel a measure, three in a row: measure -> (its floor, a dashed line, or None; side -> score)."""
    figure, axes = _panels(len(panels))
    for ax, (measure, (floor, scores)) in zip(axes, panels.items(), strict=True):
        for x, (side, one) in enumerate(scores.items()):
            color = SIDES.get(side, GREY)
            ax.plot(x, one.value, "o", ms=4, color=color)
            _intervals(ax, {x: one}, color)
        if floor is not None:
            ax.axhline(floor.value, color=SIDES["real"], lw=1, ls="--")
        ax.set(title=measure, xticks=range(len(scores)), xlim=(-0.5, len(scores) - 0.5))
        ax.set_xticklabels(list(scores))
    return figure


@checked
def cumulative(sides: Sides, names: Annotated[Mapping[str, str], SOME], end: Share = 0.99) -> Figure:
    """Cumulative shares of traits, a panel a trait, three in a row: side -> trait -> values (n,); `names`: trait -> its axis.

    An axis goes from 0 to where a share of `end` of the first side lies.
    """
    figure, axes = _panels(len(names))
    first = next(iter(sides.values()))
    for ax, (trait, name) in zip(axes, names.items(), strict=True):
        for side, traits in sides.items():
            values = np.sort(traits[trait])
            share = np.arange(1, len(values) + 1) / len(values)
            ax.step(values, share, where="post", color=SIDES.get(side, GREY), label=side)
        ax.set(xlabel=name, xlim=(0, np.quantile(first[trait], end)), ylim=(0, 1))
    figure.supylabel("share of drawings up to", fontsize="medium")
    axes[-1].legend()
    return figure


@checked
def falling(values: Mapping[str, np.ndarray], mark: Length, names: tuple[str, str]) -> Figure:
    """Values of each class, the largest first, on a logarithmic axis, with a dashed line at `mark`; `names`: of the two axes."""
    figure, axes = _axes(1, 6, 2.8)
    ax = axes[0, 0]
    for word, of_class in values.items():
        ax.semilogy(range(1, len(of_class) + 1), np.sort(of_class)[::-1], color=color_of(word), lw=1.2, label=word)
    ax.axhline(mark, color=INK, ls="--", lw=1)
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.legend(ncols=2, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
