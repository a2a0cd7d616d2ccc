"""The figures of chapter 12."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ...pictures.draw import ACCENT, BLUE, INK, LIGHT, style

VERDICT_COLORS = (BLUE, "#8fb3dc", ACCENT, LIGHT)  # in the order of `claims.VERDICTS`


def _panels(n: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    # A figure that the cell which made it shows once.
    style()
    figure, axes = plt.subplots(1, n, figsize=(width, height), layout="constrained", squeeze=False)
    plt.close(figure)
    return figure, axes[0]


def rates(values: Sequence[float], mark: str) -> Figure:
    """The learning rate after each validation, and what happened at the first of them."""
    figure, (ax,) = _panels(1, 5, 2.4)
    ax.step(range(1, len(values) + 1), values, where="post", color=BLUE)
    ax.axvline(1, color=ACCENT, ls="--", lw=1)
    ax.text(1.4, 0.08 * values[0], mark, color=ACCENT)
    ax.set(xlabel="validations without a new best but the first", ylabel="learning rate", ylim=0)
    return figure


def runs(curves: Mapping[str, Sequence[Mapping]], values: Mapping[str, Callable[[Mapping], float]]) -> Figure:
    """Two runs that differ in one thing, a line each, over their steps, a panel a value.

    `curves`: run -> its records, each with `step`. `values`: name on the axis -> what to take from a record.
    """
    figure, axes = _panels(len(values), 3.2 * len(values), 2.8)
    for ax, (name, of) in zip(axes, values.items(), strict=True):
        for (run, records), color in zip(curves.items(), (BLUE, ACCENT), strict=True):
            ax.plot([record["step"] for record in records], [of(record) for record in records], "o-", ms=3, color=color, label=run)
        ax.set(xlabel="optimiser step", ylabel=name)
    axes[0].legend(frameon=False)
    return figure


def times_read(counts: Mapping[str, np.ndarray], epochs: int) -> Figure:
    """How often drawings are read in some epochs: whose batches -> the number of times (n,) of each drawing."""
    figure, (ax,) = _panels(1, 5, 2.4)
    for (whose, times), color in zip(counts.items(), (ACCENT, BLUE), strict=True):
        number, n = np.unique(times, return_counts=True)
        ax.bar(number, n / len(times), width=0.8, color=color, alpha=0.7, label=whose)
    ax.set(xlabel=f"times a drawing is read in {epochs} epochs", ylabel="share of drawings")
    ax.legend(frameon=False)
    return figure


def pictures(by_title: Mapping[str, np.ndarray]) -> Figure:
    """Grey pictures (side, side) of 0 to 255 beside each other, each under its title."""
    figure, axes = _panels(len(by_title), 1.8 * len(by_title), 1.9)
    for ax, (title, picture) in zip(axes, by_title.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        ax.set_title(title)
        ax.set_axis_off()
    return figure


def pair(bars: Mapping[str, Mapping[str, float]], axis: str) -> Figure:
    """Two runs beside each other, a panel a quantity: quantity -> run -> value; `axis`: the unit of all."""
    figure, axes = _panels(len(bars), 3.6 * len(bars), 1.5)
    for ax, (what, values) in zip(axes, bars.items(), strict=True):
        ax.barh(list(values), list(values.values()), color=(BLUE, ACCENT)[: len(values)])
        ax.invert_yaxis()
        ax.set(title=what, xlabel=axis)
    return figure


def verdicts(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """How many claims of each part have which verdict: `counts` of `claims.Claims`."""
    figure, (ax,) = _panels(1, 7, 2.2)
    left = np.zeros(len(counts))
    for verdict, color in zip(next(iter(counts.values())), VERDICT_COLORS, strict=True):
        wide = np.array([found[verdict] for found in counts.values()])
        ax.barh(list(counts), wide, left=left, color=color, label=verdict)
        left += wide
    ax.invert_yaxis()
    ax.set_xlabel("claims")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def diversity(by_temperature: Mapping[float, float]) -> Figure:
    """Diversity over that of real drawings, which is the line at 1, by temperature."""
    figure, (ax,) = _panels(1, 5, 2.6)
    ax.plot(list(by_temperature), list(by_temperature.values()), "o-", ms=4, color=BLUE)
    ax.axhline(1, color=INK, lw=1)
    ax.set(xlabel=r"temperature $\tau$", ylabel="diversity over the real one", ylim=0)
    return figure
