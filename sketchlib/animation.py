"""Drawings stroke by stroke: GIFs of one sketch or of a grid on one clock, and animated SVGs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .draw import color_of
from .strokes import DataError, Drawing, svg_path, view_box
from .weights import write_atomically

FRAME_MS = 33  # milliseconds a frame, as in the report
HOLD_MS = 1500  # how long the finished picture stays
INK = 2  # line width, pixels


def segments_of(drawing: Drawing) -> np.ndarray:
    """The lines of a drawing in the order drawn, (S, 4): x0, y0, x1, y1; a stroke of one point is a line of no length."""
    lines = [np.hstack([s[:-1], s[1:]]) if len(s) > 1 else np.hstack([s, s]) for s in drawing.strokes]
    return np.concatenate(lines) if lines else np.zeros((0, 4), np.float32)


def steps_of(drawings: Sequence[Drawing], max_frames: int) -> np.ndarray:
    """How many lines are drawn after each frame, one clock for all: the longest drawing sets it, at most `max_frames` frames."""
    longest = max(len(segments_of(drawing)) for drawing in drawings)
    frames = max(1, min(longest, max_frames))
    return np.ceil(np.arange(1, frames + 1) * longest / frames).astype(int)


class Panel:
    """A place on the picture where one drawing appears: its lines in pixels, and how many are there already."""

    def __init__(self, drawing: Drawing, left: float, top: float, side: float, box=None):
        x, y, extent, _ = box or view_box(drawing)
        scale = side / extent
        corner = np.array([x, y, x, y])
        self.lines = (segments_of(drawing) - corner) * scale + np.array([left, top, left, top])
        self.color, self.done = color_of(drawing.word), 0

    def advance(self, pen: ImageDraw.ImageDraw, upto: int) -> None:
        """Draw the lines that are new since the last frame; a finished drawing stays as it is."""
        for x0, y0, x1, y1 in self.lines[self.done : upto]:
            pen.line((x0, y0, x1, y1), fill=self.color, width=INK)
            if (x0, y0) == (x1, y1):
                pen.ellipse((x0 - INK / 2, y0 - INK / 2, x0 + INK / 2, y0 + INK / 2), fill=self.color)
        self.done = max(self.done, min(upto, len(self.lines)))


def grid_shape(n: int) -> tuple[int, int]:
    """Rows and columns for n panels: 1x1, 1x2, 2x2, 2x3, ..., as square as it gets."""
    columns = math.ceil(math.sqrt(n))
    return math.ceil(n / columns), columns


def grid_frames(drawings: Sequence[Drawing], size: int = 160, max_frames: int = 300) -> list[Image.Image]:
    """Frames of several drawings side by side, each in its own limits, on one clock. Source: report, VIII.1. Chapter 9."""
    _check(drawings)
    rows, columns = grid_shape(len(drawings))
    label = 16 if len(drawings) > 1 else 0
    picture = Image.new("RGB", (columns * size, rows * (size + label)), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    panels = []
    for number, drawing in enumerate(drawings):
        left, top = number % columns * size, number // columns * (size + label)
        panels.append(Panel(drawing, left, top, size))
        if label:
            pen.text((left + size / 2, top + size), drawing.word, fill="#555555", font=font, anchor="ma")
    return _play(picture, panels, steps_of(drawings, max_frames))


def _play(picture: Image.Image, panels: Sequence[Panel], steps: np.ndarray) -> list[Image.Image]:
    pen, frames = ImageDraw.Draw(picture), []
    for upto in steps:
        for panel in panels:
            panel.advance(pen, int(upto))
        frames.append(picture.copy())
    return frames


def _check(drawings: Sequence[Drawing]) -> None:
    if not drawings:
        raise DataError("no drawing to animate; give at least one")


def save_gif(frames: Sequence[Image.Image], path: Path | str, frame_ms: int = FRAME_MS) -> None:
    """Write frames as a looping GIF, the last one held, in the colours of the last frame."""
    palette = frames[-1].quantize(32, dither=Image.Dither.NONE)
    images = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [frame_ms] * (len(images) - 1) + [HOLD_MS]
    options = dict(format="GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    write_atomically(path, lambda to: images[0].save(to, **options))


def animate(
    drawings: Drawing | Sequence[Drawing], path: Path | str, size: int = 160, max_frames: int | None = None, frame_ms: int = FRAME_MS
) -> Path:
    """Write drawings appearing point by point, as a GIF or an animated SVG by the path's suffix; returns the path.

    A list is laid out as a grid on one clock (chapter 9). At most `max_frames` frames: 200 for one drawing, 300 for a grid, as in
    the report. Raises `DataError` for an empty list, another suffix, or a path that cannot be written.
    """
    drawings = [drawings] if isinstance(drawings, Drawing) else list(drawings)
    _check(drawings)
    path = Path(path)
    if path.suffix == ".gif":
        limit = max_frames or (200 if len(drawings) == 1 else 300)
        save_gif(grid_frames(drawings, size, limit), path, frame_ms)
    elif path.suffix == ".svg" and len(drawings) == 1:
        write_atomically(path, lambda to: to.write_text(animated_svg(drawings[0], size), encoding="utf-8"))
    else:
        raise DataError(f"{path.name}: give a path ending in .gif, or in .svg for one drawing")
    return path


def animated_svg(drawing: Drawing, size: int = 200, seconds: float = 3.0, repeat: bool = True) -> str:
    """An SVG whose strokes are drawn one after the other in `seconds`; readers who ask for less motion see it whole."""
    _check([drawing])
    x, y, side, _ = view_box(drawing)
    lengths = [max(float(np.hypot(*np.diff(s, axis=0).T).sum()), 1.0) for s in drawing.strokes]
    ends = np.cumsum(lengths) / max(sum(lengths), 1e-9)
    parts, start = [], 0.0
    for stroke, end in zip(drawing.strokes, ends, strict=True):
        times = f"0;{start * 0.8:.4f};{end * 0.8:.4f};1"
        parts.append(
            f'<path d="{svg_path([stroke])}" pathLength="1" stroke-dasharray="1 1"><animate attributeName="stroke-dashoffset" '
            f'values="1;1;0;0" keyTimes="{times}" dur="{seconds:g}s" repeatCount="{"indefinite" if repeat else 1}" fill="freeze"/></path>'
        )
        start = float(end)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="{x:.2f} {y:.2f} {side:.2f} {side:.2f}">'
        "<style>@media (prefers-reduced-motion: reduce){path{stroke-dasharray:none}}</style>"
        f'<rect x="{x:.2f}" y="{y:.2f}" width="100%" height="100%" fill="#ffffff"/>'
        f'<g fill="none" stroke="{color_of(drawing.word)}" stroke-width="{2 * side / size:.2f}" stroke-linecap="round" '
        f'stroke-linejoin="round">{"".join(parts)}</g></svg>'
    )
