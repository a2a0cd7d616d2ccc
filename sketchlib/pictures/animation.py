"""Drawings stroke by stroke: a `Film` of one sketch, of a grid on one clock or of a scene, as GIF or animated SVG.

A frame adds only the lines that are new, so a film costs about what its last picture costs. y points down
from the start, so nothing is turned over at the end.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Protocol, runtime_checkable

import matplotlib
import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..arguments import Length, Number, Pixels, checked
from ..errors import DataError
from ..files import write_atomically
from ..strokes import Drawing
from ..svg import as_text, svg_path, view_box
from .draw import TEXT, color_of, require_finite, shape_of

FRAME_MS = 33  # milliseconds a frame, as in the report
LONGEST_MS = 60_000
MOST_PIXELS = 25_000_000  # of a GIF's picture: it is drawn in memory, enlarged
HOLD_MS = 1500  # how long the finished picture stays
LINE = 2.2  # line width, pixels
SHARP = 3  # lines are drawn so many times larger and averaged, which makes them smooth
LABEL = 18  # height of a label under a panel, pixels


@dataclass(frozen=True, eq=False)
class Film:
    """Drawings in pixels on one picture, and when each begins.

    `starts`: the time at which each drawing begins, in lines drawn: all zero on a shared clock (report, VIII.1),
    one after the other in a scene (VIII.2). `labels`: x (middle), y (top), text.
    """

    width: int
    height: int
    drawings: tuple[Drawing, ...]
    starts: tuple[int, ...]
    labels: tuple[tuple[float, float, str], ...] = ()

    @property
    def n_lines(self) -> int:
        """The time at which the last drawing is complete, in lines."""
        return max(start + len(segments_of(drawing)) for start, drawing in zip(self.starts, self.drawings, strict=True))


def segments_of(drawing: Drawing) -> np.ndarray:
    """The lines of a drawing in the order drawn, (S, 4): x0, y0, x1, y1; a dot is a line of no length."""
    lines = [np.hstack([s[:-1], s[1:]]) if len(s) > 1 else np.hstack([s, s]) for s in drawing.strokes]
    return np.concatenate(lines) if lines else np.zeros((0, 4), np.float32)


def steps_of(n_lines: int, max_frames: int) -> np.ndarray:
    """How many of `n_lines` are drawn after each frame, (F,): one more each time, or several where `max_frames` are too few."""
    if max_frames < 1:
        raise DataError(f"max_frames {max_frames}: expected at least 1")
    frames = max(1, min(n_lines, max_frames))
    return np.ceil(np.arange(1, frames + 1) * n_lines / frames).astype(int)  # (F,)


@checked
def check(drawings: Sequence[Drawing]) -> None:
    """Raise `DataError` for an empty list or a drawing with a coordinate that is not a finite number."""
    if not len(drawings):
        raise DataError("no drawing to animate; give at least one")
    require_finite(drawings)


def scaled(drawing: Drawing, scale: float, x: float, y: float) -> Drawing:
    """A drawing times `scale`, then moved by (x, y)."""
    return replace(drawing, strokes=tuple(stroke * np.float32(scale) + np.float32([x, y]) for stroke in drawing.strokes))


@checked
def grid_film(drawings: Sequence[Drawing], size: Pixels = 160, labels: Sequence[object] | None = None) -> Film:
    """Several drawings in panels of `size` pixels, each in its own limits, on one clock.

    Source: report, VIII.1. Chapter 9.
    `labels`: the text under each panel; by default the classes, and nothing under a single drawing.
    """
    drawings = list(drawings)
    check(drawings)
    rows, columns = shape_of(len(drawings))
    if labels is None:
        labels = [drawing.word for drawing in drawings] if len(drawings) > 1 else []
    labels = list(map(as_text, labels))
    high = size + (LABEL if any(labels) else 0)
    corners = [(number % columns * size, number // columns * high) for number in range(len(drawings))]
    placed = []
    for drawing, (left, top) in zip(drawings, corners, strict=True):
        x, y, side, _ = view_box(drawing)
        scale = size / side
        placed.append(scaled(drawing, scale, left - x * scale, top - y * scale))
    texts = tuple((left + size / 2, top + size, text) for (left, top), text in zip(corners, labels, strict=False))
    return Film(columns * size, rows * high, tuple(placed), (0,) * len(placed), texts)


class Ink:
    """One drawing on the page so far: the share of each pixel that its lines cover, kept `SHARP` times enlarged."""

    def __init__(self, drawing: Drawing, shades: Sequence[int]):
        self.lines, self.done, self.shades = segments_of(drawing), 0, shades
        left, top, right, bottom = drawing.bounds()
        self.corner = np.floor([left - LINE, top - LINE]).astype(int)
        extent = np.ceil([right + LINE, bottom + LINE]).astype(int) - self.corner
        self.mask = Image.new("L", tuple(map(int, extent * SHARP)))
        self.pen = ImageDraw.Draw(self.mask)

    def advance(self, page: Image.Image, upto: int) -> None:
        """Draw the lines that are new since the last frame; a finished drawing stays as it is."""
        new = self.lines[self.done : max(upto, 0)]
        if not len(new):
            return
        self.done += len(new)
        for line in ((new.reshape(-1, 2, 2) - self.corner) * SHARP).tolist():
            self._line(*line)
        points = new.reshape(-1, 2) - self.corner
        box = np.concatenate([np.floor(points.min(0) - LINE), np.ceil(points.max(0) + LINE)]).astype(int)
        box = np.clip(box, 0, np.tile(self.mask.size, 2) // SHARP)
        cover = self.mask.crop(tuple(map(int, box * SHARP))).reduce(SHARP)
        place = tuple(int(v) for v in box + np.tile(self.corner, 2))
        page.paste(cover.point(self.shades), place, cover.point(lambda value: 255 * (value >= 8)))

    def _line(self, start, end) -> None:
        radius = LINE * SHARP / 2
        self.pen.line((*start, *end), fill=255, width=round(2 * radius))
        for x, y in (start, end):  # round ends and joints
            self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _palette(colors: Sequence[str]) -> tuple[bytes, dict[str, list[int]]]:
    """White and some shades of each colour as one palette, and for each colour its table from coverage 0..255 to it."""
    n, palette, shades = min(15, 255 // len(colors)), {(255, 255, 255): 0}, {}
    for color in colors:
        indices = [0]
        for share in np.arange(1, n + 1) / n:
            shade = tuple(round(255 + (part - 255) * share) for part in ImageColor.getrgb(color))
            indices.append(palette.setdefault(shade, len(palette)))  # two colours may share a light shade
        shades[color] = [indices[round(value * n / 255)] for value in range(256)]
    return bytes(part for shade in palette for part in shade), shades


def _font(size: int = 12) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size)


def _write_labels(page: Image.Image, labels, shades: Sequence[int]) -> None:
    cover = Image.new("L", page.size)
    for x, y, text in labels:
        ImageDraw.Draw(cover).text((x, y + 1), text, fill=255, font=_font(), anchor="ma")
    page.paste(cover.point(shades))


@checked
def frames_of(film: Film, max_frames: Number = 300) -> Iterator[Image.Image]:
    """The frames of a film, palette images; the last one is the whole picture."""
    colors = list(dict.fromkeys([TEXT, *(color_of(drawing.word) for drawing in film.drawings)]))
    palette, shades = _palette(colors)
    page = Image.new("L", (film.width, film.height))
    _write_labels(page, film.labels, shades[TEXT])
    inks = [Ink(drawing, shades[color_of(drawing.word)]) for drawing in film.drawings]
    for step in steps_of(film.n_lines, max_frames):
        for ink, start in zip(inks, film.starts, strict=True):
            ink.advance(page, int(step) - start)
        frame = page.copy()
        frame.putpalette(palette)
        yield frame


@checked
def grid_frames(drawings: Sequence[Drawing], size: Pixels = 160, max_frames: Number = 300) -> list[Image.Image]:
    """The frames of `grid_film` as RGB images, to look at one by one. Chapter 9."""
    return [frame.convert("RGB") for frame in frames_of(grid_film(drawings, size), max_frames)]


@checked
def save_gif(film: Film, path: Path | str, max_frames: Number, frame_ms: Number = FRAME_MS, repeat: bool = True) -> None:
    """Write a film as a GIF, its last frame held.

    GIF counts in hundredths of a second: frames of 33 ms take 30 or 40, so that the sum is right.
    """
    if not 10 <= frame_ms <= LONGEST_MS:
        raise DataError(f"frame_ms {frame_ms}: a GIF needs 10 to {LONGEST_MS} milliseconds a frame")
    if film.width * film.height > MOST_PIXELS:
        raise DataError(f"{film.width} x {film.height} pixels: a GIF has at most {MOST_PIXELS}; make it smaller, or write an .svg")
    n = len(steps_of(film.n_lines, max_frames))
    durations = np.diff(np.round(np.arange(n + 1) * frame_ms / 10) * 10).astype(int).tolist()
    durations[-1] += HOLD_MS
    frames = frames_of(film, max_frames)
    first = next(frames)
    options = {"save_all": True, "append_images": frames, "duration": durations, "optimize": True}
    options["palette"] = bytes(first.getpalette())  # one for all frames: a third smaller
    if repeat:
        options["loop"] = 0
    first.save(made := io.BytesIO(), format="GIF", **options)  # not to the file: where all frames are one, Pillow leaves it open
    write_atomically(path, lambda to: to.write_bytes(made.getbuffer()))


@runtime_checkable
class Placed(Protocol):
    """Drawings that have their places on one canvas, as those of a scene."""

    def film(self, width: int) -> Film:
        """They as a film, one after the other, `width` pixels wide."""


@checked
def animate(
    drawings: Drawing | Sequence[Drawing] | Placed,
    path: Path | str,
    size: Pixels | None = None,
    max_frames: Number | None = None,
    frame_ms: Number = FRAME_MS,
    labels: Sequence[object] | None = None,
    repeat: bool = True,
) -> Path:
    """Write drawings appearing line by line, as a GIF or an animated SVG by the path's suffix; returns the path.

    A list is laid out as a grid on one clock (report, VIII.1; chapter 9). `size`: pixels a panel, 320 for one drawing
    and 160 in a grid. `max_frames`: 200 for one drawing and 300 for a grid, as in the report. A scene is drawn object after object on
    its one canvas, `size` pixels wide (640) in 400 frames. Raises `DataError` for an
    empty list, another suffix, coordinates that are not finite, or a path that cannot be written.

    >>> drawing = Drawing(([[0, 0], [30, 40]], [[10, 5]]), "cat")
    >>> animate([drawing, drawing], "cats.gif").name
    'cats.gif'
    """
    if isinstance(drawings, Placed):
        return save_film(drawings.film(size or 640), path, max_frames or 400, frame_ms, repeat)
    drawings = [drawings] if isinstance(drawings, Drawing) else list(drawings)
    one = len(drawings) == 1
    film = grid_film(drawings, size or (320 if one else 160), labels)
    return save_film(film, path, max_frames or (200 if one else 300), frame_ms, repeat)


@checked
def save_film(film: Film, path: Path | str, max_frames: Number, frame_ms: Number = FRAME_MS, repeat: bool = True) -> Path:
    """Write a film as .gif or .svg; returns the path. Raises `DataError` for another suffix."""
    path = Path(path)
    if path.suffix.lower() == ".gif":
        save_gif(film, path, max_frames, frame_ms, repeat)
    elif path.suffix.lower() == ".svg":
        seconds = len(steps_of(film.n_lines, max_frames)) * frame_ms / 1000
        text = film_svg(film, seconds, repeat)
        write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))
    else:
        raise DataError(f"{path.name}: unknown suffix {path.suffix!r}; give a path that ends in .gif or .svg")
    return path


@checked
def animated_svg(drawings: Drawing | Sequence[Drawing], size: Pixels = 200, seconds: Length | None = None, repeat: bool = True) -> str:
    """An SVG in which a drawing (or a grid of them) is drawn in `seconds`; who asks for less motion sees it whole.

    `seconds`: by default 33 ms a line, at most 200 of them for one drawing and 300 for a grid.
    """
    drawings = [drawings] if isinstance(drawings, Drawing) else list(drawings)
    film = grid_film(drawings, size)
    limit = 200 if len(drawings) == 1 else 300
    return film_svg(film, seconds or len(steps_of(film.n_lines, limit)) * FRAME_MS / 1000, repeat)


@checked
def film_svg(film: Film, seconds: Length | None = None, repeat: bool = True) -> str:
    """A film as SVG text on opaque white: still, or drawn in `seconds` by moving the one dash of each stroke."""
    name, groups, times = _name_of(film, seconds, repeat), [], []
    for drawing, start in zip(film.drawings, film.starts, strict=True):
        paths = []
        for stroke in drawing.strokes:
            end = start + max(len(stroke) - 1, 1)
            moving = f' pathLength="1" style="animation-name:{name}-{len(times)}"' if seconds else ""
            paths.append(f'<path d="{_path(stroke)}"{moving}/>')
            times.append((start / film.n_lines, end / film.n_lines))
            start = end
        groups.append(f'<g stroke="{color_of(drawing.word)}">{"".join(paths)}</g>')
    css = _css(name, times, seconds, repeat) if seconds else ""
    return _svg(film, name, css, "".join(groups))


def _name_of(film: Film, seconds: float | None, repeat: bool) -> str:
    # A style sheet holds for all of a page, which may show many films: each has a name of its own.
    points = b"".join(stroke.tobytes() for drawing in film.drawings for stroke in drawing.strokes)
    return f"film-{zlib.crc32(repr((film.starts, seconds, repeat)).encode() + points):08x}"


def _path(stroke: np.ndarray) -> str:
    # A path of no length has no dash to move: make it a dot.
    return svg_path([stroke if len(np.unique(stroke.round(1), axis=0)) > 1 else stroke[:1]])


def _css(name: str, times: Sequence[tuple[float, float]], seconds: float, repeat: bool) -> str:
    """The style sheet: each stroke's dash comes in between two times, shares of `seconds`; then all is held."""
    period = seconds + HOLD_MS / 1000
    rules = []
    for number, (start, end) in enumerate(np.array(times).reshape(-1, 2) * 100 * seconds / period):
        hidden, shown = f"0%,{start:.2f}%{{stroke-dashoffset:1.02}}", f"{end:.2f}%,100%{{stroke-dashoffset:0}}"
        rules.append(f"@keyframes {name}-{number}{{{hidden}{shown}}}")
    play = f"{period:g}s linear {'infinite' if repeat else '1'} both"
    return (
        f"<style>.{name} path{{stroke-dasharray:1.01 2;animation:{play}}}{''.join(rules)}"
        f"@media print,(prefers-reduced-motion:reduce){{.{name} path{{animation:none!important}}}}</style>"
    )


def _svg(film: Film, name: str, css: str, groups: str) -> str:
    title = escape(as_text(", ".join(dict.fromkeys(drawing.word for drawing in film.drawings if drawing.word))))
    texts = "".join(f'<text x="{x:g}" y="{y + 12:g}">{escape(text)}</text>' for x, y, text in film.labels)
    font = f'font-family="DejaVu Sans,Verdana,sans-serif" font-size="12" text-anchor="middle" fill="{TEXT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" width="{film.width}" height="{film.height}" '
        f'viewBox="0 0 {film.width} {film.height}" style="max-width:100%;height:auto" role="img">'
        f'<title>{title}</title>{css}<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<g fill="none" stroke-width="{LINE:g}" stroke-linecap="round" stroke-linejoin="round">{groups}</g>'
        + (f"<g {font}>{texts}</g></svg>" if texts else "</svg>")
    )
