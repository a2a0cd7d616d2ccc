"""Still pictures of drawings with matplotlib: opaque white, y down, equal axes, one colour a class.

A sheet of many drawings is one pair of axes in inches and one `LineCollection`: a pair of axes for each
drawing would take some twenty times as long.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure

from ..arguments import Count, Inches, Length, Number, Share, checked
from ..errors import DataError
from ..files import write_atomically
from ..settings import Range, between
from ..strokes import Drawing
from ..svg import as_text, view_box

# Chosen by search within a range of hues for each class: at least 3.6 : 1 against white, and as far apart as
# they get in the OKLab space as seen with full colour vision, deuteranopia, protanopia and tritanopia.
COLORS = {
    "airplane": "#1a83f9",
    "alarm clock": "#813ca6",
    "apple": "#910f0f",
    "candle": "#b44b23",
    "car": "#005847",
    "cat": "#171226",
    "face": "#531701",
    "pig": "#f32492",
    "radio": "#3d8562",
    "sun": "#9e850b",
}
INK, GREY, LIGHT, ACCENT, BLUE = "#222222", "#777777", "#bbbbbb", "#c0392b", "#1f5fa8"  # lines of plots that stand for no class
OTHERS = ("#3b5b92", "#8f4a6b", "#5e6b1f", "#7a5230", "#2f6f7d", "#6b6b6b")  # for classes beyond the ten
PlotColor = Annotated[str, Range(is_color_like, "that names a colour, as '#1a83f9' or 'black'")]
NO_CLASS, TEXT, FAINT = INK, "#444444", "#999999"
PAGE = 6.2  # inches: the book shows a wider figure smaller, so what is written into it grows with it
STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 110,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "sketchlib",  # the same picture gives the same file
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "axes.prop_cycle": plt.cycler(color=[COLORS[c] for c in ("airplane", "candle", "car", "alarm clock", "sun")]),
}


@checked
def color_of(word: str) -> str:
    """The colour of a class throughout the book; a class beyond the ten always gets the same one of a few others."""
    if not word:
        return NO_CLASS
    return COLORS.get(word) or OTHERS[zlib.crc32(word.encode(errors="replace")) % len(OTHERS)]


def style() -> None:
    """Set the book's one style for matplotlib, over its defaults and not over a user's own settings."""
    plt.rcdefaults()
    plt.rcParams.update(STYLE)


@checked
def require_finite(drawings: Sequence[Drawing]) -> None:
    """Raise `DataError` naming the first drawing with a coordinate that is not a finite number."""
    for number, drawing in enumerate(drawings):
        if not all(np.isfinite(stroke).all() for stroke in drawing.strokes):
            name = drawing.word or "no class"
            raise DataError(f"drawing {number} ({name}) has NaN or infinite coordinates; leave it out")


@checked
def first_points(drawing: Drawing, upto: int) -> Drawing:
    """The drawing after its first `upto` points."""
    strokes, left = [], max(upto, 0)
    for stroke in drawing.strokes:
        strokes.append(stroke[:left])
        left -= len(strokes[-1])
    return replace(drawing, strokes=tuple(strokes))


def _lines(drawing: Drawing) -> list[np.ndarray]:
    # A path of one point leaves no mark, even with round caps; a very short line does.
    return [s if len(s) > 1 else np.vstack([s, s + np.float32([0.01, 0])]) for s in drawing.strokes]


def _collection(lines, colors, width: float) -> LineCollection:
    return LineCollection(lines, colors=colors, linewidths=width, capstyle="round", joinstyle="round")


@checked
def plot(drawing: Drawing, ax: Axes, color: PlotColor | None = None, upto: Count | None = None, width: Length = 1.4) -> None:
    """Draw one drawing into axes without ticks, y down, in a square round it.

    `upto`: only the first so many points, in the limits of the whole drawing. `width`: of the line, points (1/72 inch).
    """
    require_finite([drawing])
    part = drawing if upto is None else first_points(drawing, upto)
    ax.add_collection(_collection(_lines(part), color or color_of(drawing.word), width))
    x, y, side, _ = view_box(drawing)
    ax.set(xlim=(x, x + side), ylim=(y + side, y), aspect="equal", xticks=[], yticks=[])
    ax.set_frame_on(False)


def shape_of(n: int) -> tuple[int, int]:
    """Rows and columns for n panels: few empty places, and somewhat wider than high."""
    columns = min(range(1, n + 1), key=lambda c: (math.ceil(n / c) * c - n) + abs(c - 1.5 * math.ceil(n / c)))
    return math.ceil(n / columns), columns


def _width(text: str, points: float) -> float:
    return 0.64 * points / 72 * len(text)  # inches, an upper estimate for DejaVu Sans


def _points(wide: float) -> float:
    return 9 * max(1.0, wide / PAGE)  # of text in a figure so many inches wide


def _sheet(rows: Sequence[Sequence[Drawing]], names=(), titles=(), size: float = 1.0, mark: bool = False) -> Figure:
    """A figure with rows of square panels, `size` inches each; `names` at the left of rows, `titles` above panels."""
    style()
    names, titles = list(map(as_text, names)), list(map(as_text, titles))
    require_finite([drawing for drawings in rows for drawing in drawings if drawing is not None])
    head, columns = 0.2 if titles else 0.0, max(map(len, rows))
    points = _points(columns * size + max((_width(name, 9) for name in names), default=0.0))
    left = max((_width(name, points) for name in names), default=0.0) + (0.08 if names else 0.0)
    wide, high = left + columns * size, len(rows) * (size + head)
    figure = plt.figure(figsize=(wide, high))
    ax = figure.add_axes((0, 0, 1, 1))  # its unit is the inch
    ax.set(xlim=(0, wide), ylim=(high, 0))
    ax.set_axis_off()
    lines, colors = [], []
    for row, drawings in enumerate(rows):
        top = row * (size + head) + head
        if names:
            ax.text(left - 0.08, top + size / 2, names[row], ha="right", va="center", fontsize=points, color=TEXT, parse_math=False)
        for column, drawing in enumerate(drawings):
            if drawing is None or not drawing.strokes:
                continue
            x, y, side, _ = view_box(drawing)
            corner = np.array([left + column * size, top])
            new = [(line - (x, y)) * (size / side) + corner for line in _lines(drawing)]
            lines += new
            colors += [color_of(drawing.word)] * len(new)
            if mark and drawing.finished is False:
                ax.text(*(corner + size * np.array([0.98, 0.95])), "…", ha="right", color=FAINT)
    ax.add_collection(_collection(lines, colors, 1.1 if size < 1.5 else 1.6), autolim=False)
    for number, title in enumerate(titles):
        row, column = divmod(number, columns)
        points = min(8.0, 8.0 * size / max(_width(title, 8), 1e-9))
        x, y = left + (column + 0.5) * size, row * (size + head) + head
        ax.text(x, y, title, ha="center", va="bottom", fontsize=points, color=TEXT, parse_math=False)
    plt.close(figure)  # so that a notebook shows it once, as the cell's value
    return figure


@checked
def grid(
    drawings: Sequence[Drawing],
    columns: Number | None = None,
    titles: Sequence[object] | None = None,
    size: Inches = 1.0,
    mark: bool = False,
) -> Figure:
    """A grid of drawings, `size` inches a panel, `titles` above them; chapter 1.

    `mark`: a small grey "…" beside a drawing that a model did not end by itself. Raises `DataError` for an empty
    list, fewer than one column, or as many titles as there are not drawings.
    """
    drawings = list(drawings)
    if not drawings:
        raise DataError("no drawing to show; give at least one")
    if titles is not None and len(titles) != len(drawings):
        raise DataError(f"{len(titles)} titles for {len(drawings)} drawings; give one for each")
    columns = min(columns or shape_of(len(drawings))[1], len(drawings))
    rows = [drawings[start : start + columns] for start in range(0, len(drawings), columns)]
    return _sheet(rows, titles=titles or (), size=size, mark=mark)


def _write_heads(figure: Figure, names: Sequence[object], middles: Sequence[float]) -> None:
    """Names above a sheet, centred at `middles` (inches); the figure grows by their height."""
    (ax,), (wide, high) = figure.axes, figure.get_size_inches()
    points = _points(wide)
    head = 0.25 * points / 9
    figure.set_size_inches(wide, high + head)
    ax.set_ylim(high, -head)
    for name, middle in zip(names, middles, strict=True):
        ax.text(middle, -0.06, as_text(name), ha="center", va="bottom", fontsize=points, color=TEXT, parse_math=False)


def _middles(row: Sequence[Drawing | None]) -> list[float]:
    """Where the groups that None divides a row into have their middles, counted in panels."""
    gaps = [-1, *(place for place, drawing in enumerate(row) if drawing is None), len(row)]
    return [(before + 1 + after) / 2 for before, after in pairwise(gaps) if after > before + 1]


@checked
def class_grid(
    rows: Mapping[object, Sequence[Drawing | None]], size: Inches = 0.85, mark: bool = False, heads: Sequence[object] | None = None
) -> Figure:
    """One row a key (a class, say) with its name at the left, None blank; raises `DataError` if there is nothing to show.

    `heads`: names above the groups that None divides the longest row into. Raises `DataError` for as many heads as there are not groups.
    """
    if not any(len(drawings) for drawings in rows.values()):
        raise DataError(f"no drawing to show in the rows {list(rows)}; give at least one")
    figure = _sheet([list(d) for d in rows.values()], names=list(rows), size=size, mark=mark)
    if heads is not None:
        longest = max(rows.values(), key=len)
        middles = _middles(longest)
        if len(middles) != len(heads):
            raise DataError(f"{len(heads)} heads for {len(middles)} groups of drawings; give one for each")
        left = figure.get_size_inches()[0] - len(longest) * size
        _write_heads(figure, heads, [left + middle * size for middle in middles])
    return figure


@checked
def temperature_grid(
    rows: Mapping[float, Sequence[Drawing | None]], size: Inches = 0.85, mark: bool = False, heads: Sequence[object] | None = None
) -> Figure:
    """One row a temperature, written as the paper's tau, and `heads` as in `class_grid`; chapter 7."""
    return class_grid({f"τ = {temperature:g}": drawings for temperature, drawings in rows.items()}, size, mark, heads)


@checked
def compare(
    above: Sequence[Drawing],
    below: Sequence[Drawing],
    titles: tuple[str, str] = ("drawing", "reconstruction"),
    size: Inches = 1.0,
    columns: Number = 10,
) -> Figure:
    """Pairs one above the other, such as real drawings and their reconstructions; chapters 5 and 8.

    More than `columns` pairs go on below. Raises `DataError` for lists of different lengths.
    """
    if len(above) != len(below) or not len(above):
        raise DataError(f"{len(above)} and {len(below)} drawings: expected as many above as below, and at least one")
    starts = range(0, len(above), columns)
    rows = [list(side[start : start + columns]) for start in starts for side in (above, below)]
    return _sheet(rows, names=list(titles) * len(starts), size=size)


@checked
def beside(groups: Mapping[object, Sequence[Drawing | None]], columns: Number = 6, size: Inches = 0.45, mark: bool = False) -> Figure:
    """Grids of `columns` panels beside each other, each under its name. Raises `DataError` if there is nothing to show. Chapter 14."""
    deep = max((math.ceil(len(drawings) / columns) for drawings in groups.values()), default=0)
    if not deep:
        raise DataError("no drawing to show; give at least one")
    places = [list(drawings) + [None] * (deep * columns - len(drawings)) for drawings in groups.values()]
    rows = [[one for panels in places for one in [*panels[row * columns : (row + 1) * columns], None]][:-1] for row in range(deep)]
    figure = _sheet(rows, size=size, mark=mark)
    _write_heads(figure, list(groups), [(number * (columns + 1) + columns / 2) * size for number in range(len(groups))])
    return figure


@checked
def confusion(ax: Axes, table: np.ndarray, classes: Sequence[str], title: str = "", least: Share = 0.005) -> None:
    """A confusion matrix of shares (n, n), rows what was asked for, as percentages on grey; shares below `least` stay blank. Chapter 8."""
    if table.shape != (len(classes), len(classes)):
        raise DataError(f"a table of shape {table.shape} for {len(classes)} classes: expected a row and a column for each")
    ax.imshow(100 * table, cmap="Greys", vmin=0, vmax=100)
    for row, column in np.argwhere(table >= least):
        share = table[row, column]
        place = dict(ha="center", va="center", fontsize=10, color="white" if share > 0.5 else INK)
        ax.text(column, row, f"{100 * share:.0f}", **place)
    ax.set_title(title, parse_math=False)
    ax.set(xlabel="read as", xticks=range(len(classes)), yticks=range(len(classes)))
    ax.set_xticklabels(classes, rotation=90, parse_math=False)
    ax.set_yticklabels(classes, parse_math=False)


@checked
def save_png(picture: Figure | Drawing, path: Path | str, dpi: Annotated[int, between(1, 1200)] = 120) -> None:
    """Write a figure or one drawing as a PNG file; raises `DataError` if the path cannot be written."""
    figure = grid([picture], size=2) if isinstance(picture, Drawing) else picture
    write_atomically(path, lambda to: figure.savefig(to, dpi=dpi, format="png"))
