"""Plots that more than one chapter draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .draw import ACCENT, BLUE, GREY, INK, style


def where_next(ax: Axes, density: np.ndarray, extent: Sequence[float], drawn: Sequence[np.ndarray], point: Sequence[float]) -> None:
    """Where a model expects the next point of a drawing: red, the darker the denser, what is drawn so far in black, a ring where it went.

    `density` (rows, columns) over `extent` (left, right, bottom, top) in data units, bottom being the larger: y points down. Its square
    root is shown, relative to its peak. `drawn`: strokes (n, 2).
    """
    ax.imshow((density / density.max()) ** 0.5, extent=tuple(extent), cmap="Reds", vmax=1.2)
    for stroke in drawn:
        ax.plot(*np.asarray(stroke).T, color=INK, lw=1.4)
    ax.plot(*point, "o", ms=7, mfc="none", color=BLUE)
    ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", xlabel="x (data units)")


def curves(records: Sequence[Mapping], terms: Mapping[str, str], unit: str) -> Figure:
    """Training and validation values over the steps of a run, a panel a term.

    `records`: a training's curves, each with `step`, and `train` and `valid` by term. `terms`: term -> its name on the axis, with `unit`.
    """
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


def runs(curves: Mapping[str, Sequence[Mapping]], values: Mapping[str, Callable[[Mapping], float]]) -> Figure:
    """Two runs that differ in one thing, a line each, over their steps, a panel a value.

    `curves`: run -> its records, each with `step`. `values`: name on the axis -> what to take from a record.
    """
    style()
    figure, axes = plt.subplots(1, len(values), figsize=(4 * len(values), 2.8), layout="constrained", squeeze=False)
    for ax, (name, of) in zip(axes[0], values.items(), strict=True):
        for (run, records), color in zip(curves.items(), (BLUE, ACCENT), strict=True):
            ax.plot([record["step"] for record in records], [of(record) for record in records], "o-", ms=3, color=color, label=run)
        ax.set(xlabel="optimiser step", ylabel=name)
    axes[0, 0].legend(frameon=False)
    plt.close(figure)  # the cell that made it shows it, once
    return figure
