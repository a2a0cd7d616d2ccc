"""A hand that draws by rule: lines, curves and circles that shake, miss their places and do not close.

Shapes are polylines, arrays (n, 2) of x, y with y down, in a square of about -1..1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..strokes import resample

SPACING = 0.06  # distance of the points that a hand can move, in units of the square


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> np.ndarray:
    """Points (n, 2) of a piece of an ellipse; angles in degrees, 0 to the right, 90 down, -90 up."""
    angle = np.radians(np.linspace(start, end, 2 + int(abs(end - start) / 12)))
    return np.column_stack([x + rx * np.cos(angle), y + ry * np.sin(angle)])


def at(angle: float, radius: float) -> np.ndarray:
    """The point (2,) at an angle, as in `arc`, round the origin."""
    return arc(0, 0, radius, radius, angle, angle)[0]


def turn(angle: float) -> np.ndarray:
    """The matrix (2, 2) that turns rows x, y by an angle, as in `arc`."""
    return np.array([at(angle, 1), at(angle + 90, 1)])


def spline(points) -> np.ndarray:
    """Points (n, 2) of a smooth curve through `points` (Catmull-Rom); a point given twice is a corner."""
    p = np.array([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, 6, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = b + t * (c - a) / 2 + t**2 * (a - 2.5 * b + 2 * c - d / 2) + t**3 * (1.5 * (b - c) + (d - a) / 2)
    return np.concatenate([curve.swapaxes(0, 1).reshape(-1, 2), p[-1:]])


class Hand:
    """A hand with its own habits: how much it shakes and which way round it draws a circle."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.shake = 0.02 * np.exp(rng.normal(0, 0.4))
        self.clockwise = rng.random() < 0.25

    def maybe(self, chance: float) -> bool:
        """Whether something of this chance, 0 to 1, happens."""
        return self.rng.random() < chance

    def between(self, low: float, high: float) -> float:
        """A number between two others, all alike probable."""
        return low + (high - low) * self.rng.random()

    def pick(self, *ways, p=None):
        """One of several ways, with probabilities `p`; a way that is a function is called."""
        limits = np.cumsum(p or [1 / len(ways)] * len(ways))[:-1]
        way = ways[np.searchsorted(limits, self.rng.random(), "right")]
        return way() if callable(way) else way

    def both(self, one: Callable[[int], np.ndarray]) -> list[np.ndarray]:
        """Two strokes, `one(-1)` on the left and `one(1)` on the right, more often the left one first."""
        return [one(side) for side in ((1, -1) if self.maybe(0.25) else (-1, 1))]

    def pair(self, style: Callable, *points: tuple[float, float]) -> list[np.ndarray]:
        """A stroke of a style (`line` or `curve`) on the right and its mirror image on the left."""
        return self.both(lambda side: style(*np.array(points) * (side, 1)))

    def draw(self, *pieces) -> np.ndarray:
        """The pieces as one stroke (n, 2), bent by slow waves, roughened by a little noise, and not quite in place."""
        points = resample(np.concatenate(pieces), SPACING)
        n, rng = len(points), self.rng
        along = np.arange(n)[:, None, None] * SPACING
        waves = np.sin(along * rng.uniform(1, 5, (3, 2)) + rng.uniform(0, 2 * np.pi, (3, 2))).sum(1)
        size = min(1.0, 0.25 + n * SPACING / 2)
        return points + self.shake * (size * (0.6 * waves + rng.normal(size=2)) + 0.15 * rng.normal(size=(n, 2)))

    def line(self, *corners: tuple[float, float]) -> np.ndarray:
        """One stroke (n, 2) of straight pieces from corner to corner."""
        return self.draw(corners)

    def curve(self, *points: tuple[float, float]) -> np.ndarray:
        """One smooth stroke (n, 2) through the points."""
        return self.draw(spline(points))

    def circle(self, x, y, rx, ry=None, start=-90.0) -> np.ndarray:
        """A closed round: begun near `start`, lopsided, and left open or overshot at the end."""
        start, sweep = start + self.rng.normal(0, 25), 360 + self.between(-22, 25)
        points = arc(0, 0, 1, 1, start, start + (sweep if self.clockwise else -sweep))
        angle = np.arctan2(points[:, 1], points[:, 0])
        bumps = sum(self.rng.normal(0, 0.12 / k) * np.cos(k * angle + self.between(0, 6.3)) for k in (2, 3))
        drift = np.linspace(0, self.rng.normal(0, 0.05), len(points))
        return self.draw(points * (1 + bumps + drift)[:, None] * (rx, ry or rx) + (x, y))

    def dot(self, x, y, size=0.03) -> np.ndarray:
        """A tiny loop or tick."""
        tick = (x + self.between(-size, size), y + self.between(0.3, 1.5) * size)
        return self.circle(x, y, size) if self.maybe(0.3) else self.line((x, y), tick)

    def box(self, left, top, right, bottom) -> np.ndarray:
        """A rectangle in one stroke from its top left corner, which it may miss at the end."""
        corners = [(left, bottom), (right, bottom), (right, top)][:: -1 if self.clockwise else 1]
        return self.line((left, top), *corners, (left + self.between(-0.04, 0.08) * (right - left), top))

    def flap(self, x, y, dx, dy, width, style) -> np.ndarray:
        """An open shape that stands on (x, y) to (x + width, y), its tip moved by (dx, dy): a wing, an ear, a foot."""
        taper = 0 if style == "pointed" else self.between(0.2, 0.8) * width
        tip = [(x + dx, y + dy), (x + dx + taper, y + dy)]
        return (self.curve if style == "round" else self.line)((x, y), *tip, (x + width, y))

    def eyes(self, x, y, size) -> list[np.ndarray]:
        """Two eyes, as dots, strokes, rounds, or rounds with a pupil each."""
        style = self.pick("dot", "bar", "round", "pupil", p=(0.3, 0.15, 0.35, 0.2))
        if style == "bar":
            return self.pair(self.line, (x, y - size), (x, y + size))
        rounds = self.both(lambda s: self.circle(s * x, y, size * self.between(0.8, 1.2), size)) * (style != "dot")
        return rounds + self.both(lambda s: self.dot(s * x, y, size * 0.4)) * (style != "round")

    def smile(self, y, width, depth) -> np.ndarray:
        """A mouth from left to right, curved by `depth`."""
        return self.curve((-width, y), (-width / 2, y + 0.75 * depth), (width / 2, y + 0.75 * depth), (width, y))
