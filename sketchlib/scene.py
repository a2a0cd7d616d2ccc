"""Several sketches on one canvas: absolute coordinates and an offset tracker that keeps them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from .animation import Panel, save_gif, steps_of
from .draw import color_of
from .strokes import DataError, Drawing, fit_to_box, svg_path


@dataclass
class OffsetTracker:
    """Where the next drawing goes: to the right of the last, or at the left of a new row when the canvas is full.

    Source: report, VIII.2: next x = max_x + width * (spacing - 1), y stays. Here a row's height is the tallest drawing in it, and
    `canvas_width` (data units; None: no end) starts a new row below, `spacing - 1` of that height apart.
    """

    spacing: float = 1.4
    canvas_width: float | None = None
    x: float = 0.0
    y: float = 0.0
    row_height: float = 0.0

    def place(self, width: float, height: float) -> tuple[float, float]:
        """The top left corner for a drawing of this size; moves on to the place after it."""
        if self.canvas_width is not None and self.x > 0 and self.x + width > self.canvas_width:
            self.x, self.y = 0.0, self.y + self.row_height * self.spacing
            self.row_height = 0.0
        corner = (self.x, self.y)
        self.x += width * self.spacing
        self.row_height = max(self.row_height, height)
        return corner


@dataclass(frozen=True, eq=False)
class Scene:
    """Drawings in absolute coordinates on one canvas; `boxes`: min x, min y, max x, max y of each."""

    drawings: tuple[Drawing, ...]

    @property
    def boxes(self) -> list[tuple[float, float, float, float]]:
        """The bounding box of each drawing, data units."""
        return [drawing.bounds() for drawing in self.drawings]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all drawings together, from the origin, data units."""
        boxes = self.boxes
        return max(box[2] for box in boxes), max(box[3] for box in boxes)

    def svg(self, width: int = 640) -> str:
        """A still SVG `width` CSS pixels wide, on opaque white."""
        right, bottom = self.size
        margin = 0.03 * max(right, bottom)
        view = f"{-margin:.1f} {-margin:.1f} {right + 2 * margin:.1f} {bottom + 2 * margin:.1f}"
        unit = (right + 2 * margin) / width
        paths = "".join(f'<path d="{svg_path(d.strokes)}" stroke="{color_of(d.word)}"/>' for d in self.drawings)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" viewBox="{view}"><rect x="{-margin:.1f}" y="{-margin:.1f}" '
            f'width="100%" height="100%" fill="#ffffff"/><g fill="none" stroke-width="{2 * unit:.2f}" stroke-linecap="round" '
            f'stroke-linejoin="round">{paths}</g></svg>'
        )

    def _repr_html_(self) -> str:
        return self.svg()


def compose(
    drawings: Sequence[Drawing], spacing: float = 1.4, canvas_width: float | None = None, height: float | None = 200.0
) -> Scene:
    """Place drawings one after the other on a canvas so that no two bounding boxes overlap. Chapter 10.

    `spacing`: at least 1, the report's factor 1.3 to 1.5. `height`: the longer side that each drawing is scaled to, data units; None
    leaves sizes as they are. Raises `DataError` for no drawing, an empty one, or a spacing below 1.
    """
    if not drawings or any(not drawing.strokes for drawing in drawings):
        raise DataError("a scene needs at least one drawing, and none of them empty; draw again with another seed")
    if not spacing >= 1:
        raise DataError(f"spacing {spacing}: expected a factor of at least 1 (the report uses 1.3 to 1.5)")
    tracker, placed = OffsetTracker(spacing, canvas_width), []
    for drawing in drawings:
        drawing = fit_to_box(drawing, height) if height else drawing
        left, top, right, bottom = drawing.bounds()
        x, y = tracker.place(max(right - left, 1.0), max(bottom - top, 1.0))
        placed.append(drawing.shifted(x - left, y - top))
    return Scene(tuple(placed))


def scene_frames(scene: Scene, width: int = 640, max_frames: int = 400) -> list[Image.Image]:
    """Frames of a scene drawn object after object on one canvas; at most `max_frames`, as in the report."""
    right, bottom = scene.size
    margin = 0.03 * max(right, bottom)
    box = (-margin, -margin, right + 2 * margin, right + 2 * margin)
    picture = Image.new("RGB", (width, round(width * (bottom + 2 * margin) / (right + 2 * margin))), "white")
    pen, frames = ImageDraw.Draw(picture), []
    panels = [Panel(drawing, 0, 0, width, box) for drawing in scene.drawings]
    whole = Drawing(tuple(stroke for drawing in scene.drawings for stroke in drawing.strokes))
    for upto in steps_of([whole], max_frames):
        for panel in panels:
            panel.advance(pen, max(0, int(upto)))
            upto -= len(panel.lines)
        frames.append(picture.copy())
    return frames


def animate_scene(scene: Scene, path: Path | str, width: int = 640, max_frames: int = 400) -> Path:
    """Write a scene's drawing as a GIF; returns the path. Raises `DataError` for another suffix."""
    path = Path(path)
    if path.suffix != ".gif":
        raise DataError(f"{path.name}: give a path ending in .gif")
    save_gif(scene_frames(scene, width, max_frames), path)
    return path
