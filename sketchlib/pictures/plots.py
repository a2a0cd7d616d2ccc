"""Plots that more than one chapter draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .draw import BLUE, GREY, style


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
