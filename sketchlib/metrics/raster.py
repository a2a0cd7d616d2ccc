"""Drawings as small grey pictures: an anti-aliased line rasteriser without a graphics library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from ..arguments import checked
from ..errors import DataError
from ..settings import Range, between
from ..strokes import Drawing

SIZE = 32  # side of a picture, pixels
WIDTH = 1.5  # line width, pixels of the picture
MARGIN = 2.0  # white left free on each side, pixels
Side = Annotated[int, between(1, 1024)]
Width = Annotated[float, Range(lambda value: 0 < value <= 1024, "above 0 and at most 1024")]
Widths = Annotated[np.ndarray, Range(lambda a: bool(((a > 0) & (a <= 1024)).all()), "all above 0 and at most 1024")]
Finite = Annotated[np.ndarray, Range(lambda a: bool((np.abs(a) < 1e6).all()), "all finite")]
Margin = Annotated[float, between(0, 1024)]
_AT_ONCE = 1_500_000  # pixels computed at a time; bounds the memory, changes nothing else


@dataclass(frozen=True)
class Segments:
    """Many drawings as one flat list of straight lines.

    `ends`: float32 (S, 2, 2), the two ends x, y of each line in data units; `owner`: int64 (S,), the drawing that a
    line belongs to, ascending; `n`: number of drawings. A stroke of one point is a line of length 0, which draws a dot.
    """

    ends: np.ndarray
    owner: np.ndarray
    n: int

    def take(self, index: np.ndarray) -> Segments:
        """The segments of the drawings `index` (m,), renumbered 0..m-1 in that order."""
        index = np.asarray(index, dtype=np.int64)
        starts = np.searchsorted(self.owner, np.arange(self.n + 1))
        counts = starts[index + 1] - starts[index]
        rows = np.repeat(starts[index] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        return Segments(self.ends[rows], np.repeat(np.arange(len(index)), counts), len(index))


@checked
def segments(drawings: Sequence[Drawing]) -> Segments:
    """Flatten drawings to `Segments`; raises `DataError` for a drawing without points or with NaN or infinite ones."""
    strokes = [stroke for drawing in drawings for stroke in drawing.strokes]
    per_drawing = np.array([len(drawing.strokes) for drawing in drawings], dtype=np.int64)
    _refuse("without points", per_drawing == 0, "leave empty sketches out, and report how many there were")
    if not strokes:
        return Segments(np.zeros((0, 2, 2), np.float32), np.zeros(0, np.int64), 0)
    lengths = np.array([len(stroke) for stroke in strokes])
    points, stroke_of = np.concatenate(strokes), np.repeat(np.arange(len(strokes)), lengths)
    drawing_of = np.repeat(np.arange(len(per_drawing)), per_drawing)
    bad = np.unique(drawing_of[stroke_of[~np.isfinite(points).all(1)]])
    _refuse("with NaN or infinite points", np.isin(np.arange(len(per_drawing)), bad), "purify them first")
    alone = lengths[stroke_of] == 1
    first = np.flatnonzero(alone | (np.append(stroke_of[1:], -1) == stroke_of))
    second = np.where(alone[first], first, first + 1)
    ends = np.stack([points[first], points[np.minimum(second, len(points) - 1)]], axis=1)
    return Segments(ends, drawing_of[stroke_of[first]], len(per_drawing))


def _refuse(what, bad, remedy):
    if bad.any():
        some = ", ".join(map(str, np.flatnonzero(bad)[:5]))
        raise DataError(f"{bad.sum()} of {len(bad)} drawings are {what} (numbers {some} ...): {remedy}")


@checked
def fit_to_frame(lines: Segments, size: Side = SIZE, margin: Margin = MARGIN, warp: np.ndarray | None = None) -> np.ndarray:
    """Ends (S, 2, 2) in pixels of a `size` x `size` frame: each drawing fills it up to `margin`, centred, aspect kept.

    `warp` (n, 2, 3): an affine map applied after the fit, about the frame's centre, the shift in pixels.
    """
    starts = np.searchsorted(lines.owner, np.arange(lines.n))
    low = np.minimum.reduceat(lines.ends.min(1), starts)
    high = np.maximum.reduceat(lines.ends.max(1), starts)
    scale = (size - 2 * margin) / np.maximum((high - low).max(1), 1e-6)
    ends = (lines.ends - ((low + high) / 2)[lines.owner, None]) * scale[lines.owner, None, None]
    if warp is not None:
        by_line = warp[lines.owner].astype(np.float32)
        ends = np.einsum("sij,spj->spi", by_line[:, :, :2], ends) + by_line[:, None, :, 2]
    return (ends + size / 2).astype(np.float32)


@checked
def rasterise(
    drawings: Sequence[Drawing] | Segments,
    size: Side = SIZE,
    width: Width | Widths = WIDTH,
    margin: Margin = MARGIN,
    warp: Finite | None = None,
) -> torch.Tensor:
    """Pictures of drawings, float32 (n, 1, size, size), ink 1 on paper 0, anti-aliased round lines.

    Each drawing is fitted to the frame, so its scale does not matter. `width`: of the lines in pixels, one for all or
    (n,); a pixel's ink is width / 2 + 1/2 - its centre's distance to the nearest line, held to 0..1. `warp`: see `fit_to_frame`.
    Raises `DataError` for a drawing without points or with NaN or infinite ones. Chapter 8.
    """
    lines = drawings if isinstance(drawings, Segments) else segments(drawings)
    if np.ndim(width) and np.shape(width) != (lines.n,) or warp is not None and warp.shape != (lines.n, 2, 3):
        raise DataError(f"widths or warps that are not one for each of {lines.n} drawings: give widths (n,) and warps (n, 2, 3)")
    picture = torch.zeros(lines.n * size * size)
    if lines.n:
        radius = np.broadcast_to(np.asarray(width, np.float32) / 2, (lines.n,))[lines.owner]
        ends = fit_to_frame(lines, size, margin, warp)
        steps = _columns(ends, radius)[1]
        cost = np.cumsum(steps * (2 * _reach(radius.max()) + 1))
        for part in np.split(np.arange(len(ends)), np.searchsorted(cost, np.arange(_AT_ONCE, cost[-1], _AT_ONCE))):
            _ink(picture, ends[part], radius[part], lines.owner[part], size)
    return picture.reshape(lines.n, 1, size, size)


def _columns(ends, radius):
    """Along each line's longer axis: the first pixel, the number of pixels to visit (round caps included), and the axis."""
    major = np.abs(ends[:, 1] - ends[:, 0]).argmax(1)[:, None]
    along = np.take_along_axis(ends, major[:, :, None], 2)[:, :, 0]
    first = np.floor(along.min(1) - radius - 0.5)
    return first, (np.floor(along.max(1) + radius + 0.5) - first + 1).astype(np.int64), major[:, 0]


def _reach(radius):
    """Pixels to each side of a line's own pixel that its ink can touch: |slope| <= 1, so it is sqrt(2) times as thick across at most."""
    return int(np.floor(2**0.5 * (radius + 0.5) + 0.5))


def _ink(picture, ends, radius, owner, size):
    """Darken the pixels that lie within reach of the lines; the darkest line at a pixel counts."""
    if not len(ends):
        return
    first, steps, major = _columns(ends, radius)
    line = np.repeat(np.arange(len(ends)), steps)
    u = first[line] + (np.arange(len(line)) - (np.cumsum(steps) - steps)[line]).astype(np.float32)
    ends = np.where(major[:, None, None] == 1, ends[:, :, ::-1], ends)  # now each line is longer along its first axis
    start, way = ends[:, 0], ends[:, 1] - ends[:, 0]
    slope = way[:, 1] / np.where(way[:, 0] == 0, 1, way[:, 0])
    at = np.clip(u + 0.5, ends[:, :, 0].min(1)[line], ends[:, :, 0].max(1)[line]) - start[line, 0]
    reach = _reach(radius.max())
    v = np.floor(start[line, 1] + at * slope[line])[:, None] + np.arange(-reach, reach + 1, dtype=np.float32)
    px, py = (u + 0.5 - start[line, 0])[:, None], v + 0.5 - start[line, 1][:, None]
    dx, dy = way[line, 0][:, None], way[line, 1][:, None]
    nearest = np.clip((px * dx + py * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0, 1)
    shade = np.clip(radius[line][:, None] + 0.5 - np.hypot(px - nearest * dx, py - nearest * dy), 0, 1)
    u = np.broadcast_to(u[:, None], v.shape)
    seen = (shade > 0) & (u >= 0) & (u < size) & (v >= 0) & (v < size)
    swapped = np.broadcast_to(major[line][:, None] == 1, v.shape)[seen]
    u, v = u[seen].astype(np.int64), v[seen].astype(np.int64)
    row, column = np.where(swapped, u, v), np.where(swapped, v, u)
    base = np.broadcast_to((owner[line] * size * size)[:, None], shade.shape)[seen]
    place = torch.from_numpy(base + row * size + column)
    picture.scatter_reduce_(0, place, torch.from_numpy(shade[seen].astype(np.float32)), "amax")
