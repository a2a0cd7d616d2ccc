"""Many polylines at once, fitted to a box, resampled and simplified: numpy goes over all their points, for loops over them are slow.

Polylines lie one after the other in an array `points` (P, 2); `counts` says how many points each has, at least one.
"""

from __future__ import annotations

import numpy as np

TIE = 1e-9  # distances that differ by less are equal, so that the same point is taken whatever a processor rounds


def fitted(points: np.ndarray, counts, size: float, side: float | None = None) -> np.ndarray:
    """Move the top left corner of each polyline, or of each drawing if `counts` are theirs, to the origin; its longer side gets `size`.

    `side`: another length that gets `size`, as where a drawing is a part of one that is so large.
    """
    starts = np.cumsum(counts) - counts
    corner, far = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    side = np.maximum((far - corner).max(1) if side is None else np.full(len(starts), side, float), TIE)
    return (points - np.repeat(corner, counts, 0)) * size / np.repeat(side, counts)[:, None]


def spaced(points: np.ndarray, counts) -> tuple[np.ndarray, np.ndarray]:
    """Points one unit apart along each polyline, from its first to its last, and their counts; a polyline without length gets two.

    Of those on a straight piece only the first and the last are made: farther from any line than both is none between them.
    """
    last = np.cumsum(counts) - 1
    first = last - counts + 1
    step = np.diff(points, axis=0, append=points[-1:])
    step[last] = 0
    length = np.hypot(*step.T)
    end = np.concatenate([np.cumsum(part) for part in np.split(length, first[1:])])  # by itself: no polyline's rounding depends on others
    begin = np.append(0, end[:-1])
    begin[first] = 0
    at = np.column_stack([np.ceil(begin), np.floor(end)])
    made = np.column_stack([at[:, 0] <= at[:, 1], at[:, 0] < at[:, 1]])
    at[last] = begin[last, None]
    made[last] = np.column_stack([counts == 1, np.ones(len(last), bool)])
    piece, which = np.nonzero(made)
    share = (at[piece, which] - begin[piece]) / np.where(length, length, 1)[piece]
    return points[piece] + step[piece] * share[:, None], np.add.reduceat(made.sum(1), first)


def kept(points: np.ndarray, counts, epsilon: float) -> np.ndarray:
    """Which points (P,) Ramer-Douglas-Peucker keeps, measured to the infinite line through the ends of a part, not to the segment.

    Every round halves all parts of all polylines that have a point farther than `epsilon` at the first of the farthest.
    """
    last = np.cumsum(counts) - 1
    first = last - counts + 1
    keep = np.zeros(len(points), bool)
    keep[first] = keep[last] = True
    while len(first):
        first, last = first[last - first > 1], last[last - first > 1]
        farthest, distance = _farthest(points, first, last) if len(first) else (first, first)
        split = distance > epsilon + TIE
        middle = farthest[split]
        keep[middle] = True
        first, last = np.append(first[split], middle), np.append(middle, last[split])
    return keep


def _farthest(points: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The point between `first` and `last` of each part that is farthest from the line through these two, and its distance."""
    n = last - first - 1
    starts = np.cumsum(n) - n
    index = np.arange(n.sum()) + np.repeat(first + 1 - starts, n)
    along, (x, y) = points[last] - points[first], (points[index] - np.repeat(points[first], n, 0)).T
    (dx, dy), length = np.repeat(along, n, 0).T, np.repeat(np.hypot(*along.T), n)
    closed = length == 0  # there is no line: the distance is that to the point
    distance = np.where(closed, np.hypot(x, y), np.abs(x * dy - y * dx) / np.where(closed, 1, length))
    most = np.maximum.reduceat(distance, starts)
    near = np.flatnonzero(distance >= np.repeat(most - TIE, n))
    return index[near[np.searchsorted(near, starts)]], most
