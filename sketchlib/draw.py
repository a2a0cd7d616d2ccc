"""Still pictures of drawings with matplotlib: opaque white, y down, equal axes, one colour a class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from .strokes import DataError, Drawing, view_box
from .weights import write_atomically

COLORS = {
    "airplane": "#1f5fa8",
    "alarm clock": "#b3402a",
    "apple": "#3b7d2f",
    "candle": "#b07a00",
    "car": "#6a3d9a",
    "cat": "#222222",
    "face": "#a8327a",
    "pig": "#c2566b",
    "radio": "#157a7a",
    "sun": "#c76a00",
}


def color_of(word: str) -> str:
    """The colour of a class throughout the book; near-black for a class beyond the ten."""
    return COLORS.get(word, "#222222")


def style() -> None:
    """The book's one style for matplotlib."""
    plt.rcParams.update(
        {
            "figure.facecolor": "white",
            "axes.facecolor": "white",
            "savefig.facecolor": "white",
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 110,
        }
    )


def plot(drawing: Drawing, ax: Axes, color: str | None = None, width: float = 1.2) -> None:
    """Draw one drawing into axes without ticks, y down, in a square round it."""
    lines = [stroke if len(stroke) > 1 else stroke.repeat(2, axis=0) for stroke in drawing.strokes]
    ax.add_collection(LineCollection(lines, colors=color or color_of(drawing.word), linewidths=width, capstyle="round"))
    x, y, side, _ = view_box(drawing)
    ax.set(xlim=(x, x + side), ylim=(y + side, y), aspect="equal", xticks=[], yticks=[])
    ax.set_frame_on(False)


def _panels(rows: int, columns: int, size: float):
    style()
    figure, axes = plt.subplots(rows, columns, figsize=(columns * size, rows * size), squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def grid(drawings: Sequence[Drawing], columns: int | None = None, titles: Sequence[str] | None = None, size: float = 1.0) -> Figure:
    """A grid of drawings, `size` inches a panel; as square as it gets unless `columns` says otherwise."""
    if not drawings:
        raise DataError("no drawing to show; give at least one")
    columns = columns or math.ceil(math.sqrt(len(drawings)))
    figure, axes = _panels(math.ceil(len(drawings) / columns), columns, size)
    for number, (ax, drawing) in enumerate(zip(axes.flat, drawings, strict=False)):
        plot(drawing, ax)
        if titles:
            ax.set_title(titles[number], fontsize=8)
    return _closed(figure)


def class_grid(rows: Mapping[object, Sequence[Drawing]], size: float = 0.85) -> Figure:
    """One row a key (a class, a temperature) with its name at the left."""
    columns = max(len(drawings) for drawings in rows.values())
    figure, axes = _panels(len(rows), columns + 1, size)
    for line, (name, drawings) in zip(axes, rows.items(), strict=True):
        line[0].text(1, 0.5, str(name), ha="right", va="center", fontsize=9, transform=line[0].transAxes)
        for ax, drawing in zip(line[1:], drawings, strict=False):
            plot(drawing, ax)
    return _closed(figure)


def compare(above: Sequence[Drawing], below: Sequence[Drawing], titles: tuple[str, str], size: float = 1.0) -> Figure:
    """Two rows of as many drawings, such as real ones above their reconstructions."""
    return class_grid({titles[0]: above, titles[1]: below}, size)


def _closed(figure: Figure) -> Figure:
    """Close the figure for pyplot, so that a notebook shows it once, as the cell's value."""
    plt.close(figure)
    return figure


def save_png(picture: Figure | Drawing, path: Path | str, dpi: int = 120) -> None:
    """Write a figure or one drawing as a PNG file."""
    figure = grid([picture], size=2) if isinstance(picture, Drawing) else picture
    write_atomically(path, lambda to: figure.savefig(to, dpi=dpi, format="png"))


def save_svg(drawing: Drawing, path: Path | str) -> None:
    """Write one drawing as a still SVG file."""
    write_atomically(path, lambda to: to.write_text(drawing.svg(), encoding="utf-8"))
