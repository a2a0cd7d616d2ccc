"""Several sketches on one canvas: absolute coordinates and an offset tracker that keeps them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..arguments import Length, Number, Pixels, checked
from ..errors import DataError
from ..files import write_atomically
from ..strokes import Drawing
from .animation import FRAME_MS, Film, check, film_svg, frames_of, save_film, scaled

GAP = 4.0  # least distance of two boxes, data units: the report's rule alone leaves none beside an upright line
WIDEST = 1.4  # a flat drawing is scaled to at most so many times the height, in width
MARGIN = 12  # white round a scene, pixels
ALIGN = {"top": 0.0, "middle": 0.5, "baseline": 1.0}  # the share of what a row is higher that is left above a drawing


@dataclass
class OffsetTracker:
    """Where the next drawing goes: to the right of the last, or at the left of a new row when the canvas is full.

    Source: report, VIII.2: next x = max_x + width * (spacing - 1), and y stays. Here also: the distance is at least
    `GAP`, and `canvas_width` (data units; None: no end) starts a new row below the tallest drawing of the last one,
    `spacing - 1` of its height apart. A drawing wider than the canvas has a row to itself.
    """

    spacing: float = 1.4
    canvas_width: float | None = None
    x: float = 0.0
    y: float = 0.0
    row: int = 0
    row_heights: list[float] = field(default_factory=lambda: [0.0])

    def place(self, width: float, height: float) -> tuple[float, float]:
        """The top left corner for a drawing of this size; moves on to the place after it."""
        if self.canvas_width is not None and self.x > 0 and self.x + width > self.canvas_width:
            self.start_row()
        corner = (self.x, self.y)
        self.x += width + self.distance(width)
        self.row_heights[self.row] = max(self.row_heights[self.row], height)
        return corner

    def start_row(self) -> None:
        """Go to the left end of a new row."""
        height = self.row_heights[self.row]
        self.x, self.y = 0.0, self.y + height + self.distance(height)
        self.row += 1
        self.row_heights.append(0.0)

    def distance(self, extent: float) -> float:
        """How far from a drawing of this width (or a row of this height) the next one starts."""
        return max(extent * (self.spacing - 1), GAP)


@dataclass(frozen=True, eq=False)
class Scene:
    """Drawings in absolute coordinates on one canvas, data units, y down; `rows`: the row of each."""

    drawings: tuple[Drawing, ...]
    rows: tuple[int, ...]

    @property
    def boxes(self) -> list[tuple[float, float, float, float]]:
        """The bounding box of each drawing: min x, min y, max x, max y, data units."""
        return [drawing.bounds() for drawing in self.drawings]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all drawings together, from the origin, data units."""
        return max(box[2] for box in self.boxes), max(box[3] for box in self.boxes)

    @checked
    def film(self, width: Pixels = 640) -> Film:
        """The scene as a film, one drawing after the other, `width` pixels wide (less if that would enlarge it)."""
        right, bottom = self.size
        scale = min((width - 2 * MARGIN) / max(right, 1), 1.0)
        placed = tuple(scaled(drawing, scale, MARGIN, MARGIN) for drawing in self.drawings)
        starts, lines = [], 0
        for drawing in placed:
            starts.append(lines)
            lines += Film(0, 0, (drawing,), (0,)).n_lines
        return Film(*(math.ceil(side * scale) + 2 * MARGIN for side in (right, bottom)), placed, tuple(starts))

    @checked
    def svg(self, width: Pixels = 640) -> str:
        """A still SVG at most `width` CSS pixels wide, on opaque white."""
        return film_svg(self.film(width))

    @checked
    def animated_svg(self, width: Pixels = 640, seconds: Length = 12.0, repeat: bool = True) -> str:
        """An SVG in which the drawings appear one after the other in `seconds`."""
        return film_svg(self.film(width), seconds, repeat)

    @checked
    def save(self, path: Path | str, width: Pixels = 640) -> Path:
        """Write the whole scene as a still .svg or .png, on opaque white; returns the path. `animate` shows it being drawn.

        Raises `DataError` for another suffix or a path that cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() == ".svg":
            text = self.svg(width)
            write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))
        elif path.suffix.lower() == ".png":
            (picture,) = frames_of(self.film(width), max_frames=1)
            write_atomically(path, lambda to: picture.save(to, format="PNG"))
        else:
            raise DataError(f"{path.name}: unknown suffix {path.suffix!r}; give a path that ends in .svg or .png")
        return path

    def _repr_html_(self) -> str:
        return self.svg()


@checked
def compose(
    drawings: Sequence[Drawing],
    spacing: Length = 1.4,
    canvas_width: Length | None = None,
    height: Length | None = 200.0,
    align: Literal["top", "middle", "baseline"] = "top",
) -> Scene:
    """Place drawings one after the other on a canvas so that no two bounding boxes overlap. Chapter 10.

    `spacing`: at least 1, the report's factor 1.3 to 1.5. `height`: what each drawing is scaled to, data units (flat
    ones so that they are at most `WIDEST` times as wide); None leaves sizes as they are. `align`: how the drawings of
    one row stand: "top" (the report's y = 0), "middle" or "baseline". Raises `DataError` for no drawing, an empty one,
    coordinates that are not finite, and arguments out of range.
    """
    drawings = list(drawings)
    _check_drawings(drawings, spacing)
    sized = [_resized(drawing, height) for drawing in drawings]
    extents = [(right - left, bottom - top) for left, top, right, bottom in (drawing.bounds() for drawing in sized)]
    tracker, corners, rows = OffsetTracker(spacing, canvas_width), [], []
    for extent in extents:
        corners.append(tracker.place(*extent))
        rows.append(tracker.row)
    placed = []
    for drawing, (_, high), (x, y), row in zip(sized, extents, corners, rows, strict=True):
        left, top, _, _ = drawing.bounds()
        down = ALIGN[align] * (tracker.row_heights[row] - high)
        placed.append(drawing.shifted(x - left, y + down - top))
    return Scene(tuple(placed), tuple(rows))


def _resized(drawing: Drawing, height: float | None) -> Drawing:
    if height is None:
        return drawing
    left, top, right, bottom = drawing.bounds()
    scale = min(height / max(bottom - top, 1e-6), WIDEST * height / max(right - left, 1e-6))
    # First to the origin: far from it float32 has few digits left for the shape.
    return scaled(drawing.shifted(-left, -top), scale if right > left or bottom > top else 1.0, 0, 0)


def _check_drawings(drawings: Sequence[Drawing], spacing: float) -> None:
    check(drawings)
    for number, drawing in enumerate(drawings):
        if not drawing.strokes:
            name = drawing.word or "no class"
            raise DataError(f"drawing {number} ({name}) is empty; draw it again with another seed")
    if spacing < 1:
        raise DataError(f"spacing {spacing}: expected a factor of at least 1 (the report uses 1.3 to 1.5)")


@checked
def animate_scene(
    scene: Scene,
    path: Path | str,
    width: Pixels = 640,
    max_frames: Number = 400,
    frame_ms: Number = FRAME_MS,
    repeat: bool = True,
) -> Path:
    """Write a scene being drawn, object after object on one canvas, as .gif or .svg; returns the path.

    Source: report, VIII.2 (up to 400 frames). Raises `DataError` for another suffix or a path that cannot be written.
    """
    return save_film(scene.film(width), path, max_frames, frame_ms, repeat)
