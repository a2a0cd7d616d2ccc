"""Drawings and their formats: polylines, stroke-3, stroke-5, SVG.

One conversion function for each arrow on the way of a drawing, with its inverse where there is one.
Units are those of the data (the simplified format's 0..255 box) and y points down, as on a screen.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from .arguments import MOST, Color, Length, Pixels, Polyline, Position, Tolerance, checked
from .errors import DataError
from .polylines import fitted, kept, spaced

BOX = 255  # side of the simplified format's box, data units
RDP_EPSILON = 2.0  # tolerance of the simplified format, data units
START = (0.0, 0.0, 1.0, 0.0, 0.0)  # S_0, the row that every decoded sequence starts from


def _rows(values, width: int) -> np.ndarray:
    """`values` as a float32 array (n, width); an empty one of any shape has n = 0."""
    try:
        rows = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise DataError(f"{reprlib.repr(values)} holds no rows of numbers ({error}); rows of {width} values are needed") from None
    if rows.ndim == 2 and rows.shape[1] == width:
        return rows
    if not rows.size:
        return rows.reshape(0, width)
    raise DataError(f"an array of shape {rows.shape} was given; rows of {width} values are needed, shape (n, {width})")


@dataclass(frozen=True, eq=False)
class Drawing:
    """One drawing as the list of its strokes.

    `strokes`: polylines, each an array (n, 2) of x, y in data units, y down. `word`: the class, if known.
    `key_id`: the dataset's own identifier, if known. `finished`: for a drawing made by a model, whether it
    ended by itself (p3) rather than at N_max. `recognized`: whether the game recognised it, if known. Chapter 1 introduces it.

    >>> drawing = Drawing(([[0, 0], [30, 40]], [[10, 5]]), "cat")
    >>> drawing
    <Drawing 'cat': 2 strokes, 3 points>
    >>> drawing.bounds()
    (0.0, 0.0, 30.0, 40.0)
    """

    strokes: tuple[np.ndarray, ...]
    word: str = ""
    key_id: str | None = None
    finished: bool | None = None
    recognized: bool | None = None

    def __post_init__(self):
        if isinstance(self.strokes, str | bytes) or not isinstance(self.strokes, Iterable) or not isinstance(self.word, str):
            found = reprlib.repr(self.strokes)
            raise DataError(f"a Drawing of {found} and the word {self.word!r}: give a list of strokes, each of shape (n, 2), and a text")
        strokes = tuple(_rows(stroke, 2) for stroke in self.strokes)
        object.__setattr__(self, "strokes", tuple(stroke for stroke in strokes if len(stroke)))

    def __repr__(self) -> str:
        """What it is, in few words: a list of drawings stays readable."""
        return f"<Drawing {self.word!r}: {len(self.strokes)} strokes, {self.n_points} points>"

    @property
    def stroke3(self) -> np.ndarray:
        """The drawing as stroke-3, float32 (N, 3): dx, dy, pen lifted after this point."""
        return to_stroke3(self)

    @property
    def n_points(self) -> int:
        """Number of points over all strokes."""
        return sum(len(stroke) for stroke in self.strokes)

    def bounds(self) -> tuple[float, float, float, float]:
        """min x, min y, max x, max y in data units; zeros for a drawing without points."""
        if not self.strokes:
            return 0.0, 0.0, 0.0, 0.0
        points = np.concatenate(self.strokes)
        return (*map(float, points.min(0)), *map(float, points.max(0)))

    @checked
    def shifted(self, dx: Position, dy: Position) -> Drawing:
        """The same drawing moved by (dx, dy) data units."""
        offset = np.float32([dx, dy])
        return replace(self, strokes=tuple(s + offset for s in self.strokes))

    @checked
    def svg(self, size: Pixels = 160, color: Color = "#222222", width: Length = 2.0) -> str:
        """A still SVG image of `size` CSS pixels on opaque white; `width` is the line's in CSS pixels."""
        from .svg import still_svg

        return still_svg(self, size, color, width)

    def _repr_html_(self) -> str:
        return self.svg()


@checked
def to_stroke3(drawing: Drawing) -> np.ndarray:
    """Polylines to stroke-3: float32 (N, 3) rows dx, dy, lift.

    The first point is the origin and is left out, as in the dataset's sketch-rnn files, so a drawing of P points
    has P - 1 rows. A first stroke of one point becomes a row (0, 0, 1), so that its dot is kept.
    """
    strokes = list(drawing.strokes)
    if not strokes:
        return np.zeros((0, 3), np.float32)
    if len(strokes[0]) == 1:
        strokes[0] = np.repeat(strokes[0], 2, axis=0)
    points = np.concatenate(strokes)
    rows = np.zeros((len(points) - 1, 3), np.float32)
    rows[:, :2] = points[1:] - points[:-1]
    rows[np.cumsum([len(stroke) for stroke in strokes]) - 2, 2] = 1
    return rows


@checked
def from_stroke3(
    rows: np.ndarray,
    word: str = "",
    start: tuple[Position, Position] = (0, 0),
    key_id: str | None = None,
    finished: bool | None = None,
) -> Drawing:
    """Stroke-3 rows (N, 3) to polylines whose first point is `start`; the inverse of `to_stroke3` up to `start`."""
    rows = _rows(rows, 3)
    if not len(rows):
        return Drawing((), word, key_id, finished)
    points = np.concatenate([np.zeros((1, 2), np.float32), np.cumsum(rows[:, :2], axis=0)]) + np.float32(start)
    ends = np.flatnonzero(rows[:-1, 2] > 0.5) + 2
    return Drawing(tuple(np.split(points, ends)), word, key_id, finished)


@checked
def to_stroke5(rows: np.ndarray) -> np.ndarray:
    """Stroke-3 (N, 3) to stroke-5 (N + 1, 5): dx, dy, p1, p2, p3, with an end row (0, 0, 0, 0, 1) appended.

    Source: Ha and Eck (2017), section 3.1. The last real point keeps its own pen state.
    """
    rows = _rows(rows, 3)
    out = np.zeros((len(rows) + 1, 5), np.float32)
    out[:-1, :2] = rows[:, :2]
    out[:-1, 2] = 1 - rows[:, 2]
    out[:-1, 3] = rows[:, 2]
    out[-1, 4] = 1
    return out


@checked
def from_stroke5(rows: np.ndarray) -> np.ndarray:
    """Stroke-5 (T, 5) to stroke-3 (N, 3), N the number of rows before the first p3 (all rows if there is none)."""
    rows = _rows(rows, 5)
    ends = np.flatnonzero(rows[:, 4] > 0.5)
    rows = rows[: ends[0]] if len(ends) else rows
    return np.column_stack([rows[:, :2], rows[:, 3]]).astype(np.float32)


@checked
def fit_to_box(drawing: Drawing, size: Length = BOX) -> Drawing:
    """Move a drawing's top left corner to the origin and scale its longer side to `size` data units."""
    if not drawing.strokes:
        return drawing
    points = fitted(np.concatenate(drawing.strokes, dtype=np.float64), [drawing.n_points], size)
    return replace(drawing, strokes=tuple(np.split(points, np.cumsum([len(stroke) for stroke in drawing.strokes])[:-1])))


@checked
def resample(stroke: Polyline, spacing: Length = 1.0) -> np.ndarray:
    """Points along one polyline (n, 2), `spacing` data units apart; both its end points are kept.

    Raises `DataError` for a spacing that would make more than a million points.
    """
    stroke = np.asarray(stroke, dtype=np.float64)
    position = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    if position[-1] == 0:
        return stroke[:1]
    if position[-1] / spacing > MOST:
        raise DataError(f"spacing {spacing:g} along {position[-1]:g} data units: more than {MOST} points; give a larger spacing")
    at = np.append(np.arange(0, position[-1], spacing), position[-1])
    return np.column_stack([np.interp(at, position, stroke[:, axis]) for axis in (0, 1)])


@checked
def simplify(drawing: Drawing, epsilon: Tolerance = RDP_EPSILON, side: Length | None = None) -> Drawing:
    """A raw drawing by the dataset's simplified recipe: fit to the box, resample at 1 unit, Ramer-Douglas-Peucker, round.

    `side`: for the beginning of a drawing, the longer side that the whole will have, which is fitted to the box; None for a whole drawing.

    Distances are measured to the infinite line through two points, as in the published files: a line that doubles back on itself loses
    its turn. A dot becomes two equal points, as there. Raises `DataError` as `simplify_all` does.
    Source: the Quick, Draw! dataset's description of its simplified files; what it leaves open is as pairs of both forms have it.

    >>> simplify(Drawing([[[0, 0], [0, 100], [0, 60]]])).strokes[0].tolist()
    [[0.0, 0.0], [0.0, 153.0]]
    """
    return simplify_all([drawing], epsilon, side)[0]


@checked
def simplify_all(drawings: Iterable[Drawing], epsilon: Tolerance = RDP_EPSILON, side: Length | None = None) -> list[Drawing]:
    """What `simplify` makes of each drawing; many at once are several times faster than one by one.

    Raises `DataError` for an `epsilon` that is no finite number of at least 0, a `side` that is not above 0, and for coordinates that are
    not finite.
    """
    drawings = list(drawings)
    strokes = [stroke for drawing in drawings for stroke in drawing.strokes]
    if not strokes:
        return drawings
    points = np.concatenate(strokes, dtype=np.float64)
    if not np.isfinite(points).all():
        raise DataError("a drawing to simplify has NaN or infinite coordinates; leave it out")
    points = fitted(points, [drawing.n_points for drawing in drawings if drawing.strokes], BOX, side)
    points, counts = spaced(points, np.array([len(stroke) for stroke in strokes]))
    keep = kept(points, counts, epsilon)
    ends = np.cumsum(np.add.reduceat(keep.astype(int), np.cumsum(counts) - counts))
    simple = iter(np.split(np.round(points[keep]), ends[:-1]))
    return [replace(drawing, strokes=tuple(islice(simple, len(drawing.strokes)))) for drawing in drawings]
