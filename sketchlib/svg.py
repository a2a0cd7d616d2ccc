"""Drawings as SVG, and the strokes of SVG files, which are read without following anything that they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from math import ceil, sqrt
from pathlib import Path

import numpy as np

from .arguments import Length, checked
from .errors import DataError, needing
from .limits import most, read_whole, too_large
from .strokes import BOX, Drawing, simplify

DOT = 0.01  # length of the line that stands for a dot, data units: a line of no length is not drawn everywhere
TOLERANCE = 0.25  # how far a line may be from the curve that it stands for, in units of the 255 box
OURS = "quickdraw"  # what `data-units` says in our own files: coordinates are in data units, and no drawing has to be simplified
SHAPES = {"path", "line", "polyline", "polygon", "rect", "circle", "ellipse"}
GROUPS = {"svg", "g", "a", "switch", "use"}
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML
FINITE = 1e30  # user units; differences of larger coordinates overflow float32
DEEPEST = 50  # `use` in what a `use` names, and so on


def svg_path(strokes, decimals: int | None = 1) -> str:
    """The `d` attribute of an SVG path through all strokes; a stroke of one point becomes a dot. `decimals` None: as many as there are."""

    def number(value):
        if decimals is None:
            return np.format_float_positional(value, trim="-")
        text = f"{value:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if decimals else text

    def one(stroke):
        points = [f"{number(x)} {number(y)}" for x, y in stroke]
        return f"M{points[0]}" + (f"L{' '.join(points[1:])}" if len(points) > 1 else f"h{DOT}")

    return "".join(one(stroke) for stroke in strokes)


def view_box(drawing: Drawing, margin: float = 0.06) -> tuple[float, float, float, float]:
    """A square x, y, width, height round a drawing with `margin` (a share of its longer side), data units."""
    left, top, right, bottom = drawing.bounds()
    side = max(right - left, bottom - top, 1.0) * (1 + 2 * margin)
    return (left + right - side) / 2, (top + bottom - side) / 2, side, side


def still_svg(drawing: Drawing, size: int = 160, color: str = "#222222", width: float = 2.0, decimals: int | None = 1) -> str:
    """A still SVG of one drawing, one `path` a stroke in the order drawn; see `Drawing.svg`. A moving one: `animation.animated_svg`."""
    x, y, side, _ = view_box(drawing)
    paths = "".join(f'<path d="{svg_path([stroke], decimals)}"/>' for stroke in drawing.strokes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" data-units="{OURS}" '
        f'viewBox="{x:.2f} {y:.2f} {side:.2f} {side:.2f}" role="img"><title>{escape(as_text(drawing.word))}</title>'
        f'<rect x="{x:.2f}" y="{y:.2f}" width="100%" height="100%" fill="#ffffff"/>'
        f'<g fill="none" stroke="{color}" stroke-width="{width * side / size:.2f}" '
        f'stroke-linecap="round" stroke-linejoin="round">{paths}</g></svg>'
    )


def as_text(value: object) -> str:
    """A name, a number or None as the text of a label: None is blank, and the characters that XML forbids are left out."""
    return UNPRINTABLE.sub("", "" if value is None else str(value))


@checked
def read_svg(path: Path | str, tolerance: Length = TOLERANCE, simplified: bool = False) -> Drawing:
    """The drawing in an SVG file; needs the extra `svg`. What becomes a stroke, and what is raised: `parse_svg`.

    >>> _ = Path("cat.svg").write_text(Drawing(([[0, 0], [30, 40]], [[10, 5]]), "cat").svg())
    >>> [stroke.tolist() for stroke in read_svg("cat.svg").strokes]
    [[[0.0, 0.0], [30.0, 40.0]], [[10.0, 5.0]]]
    """
    try:
        with open(path, "rb") as file:
            data = read_whole(file, path, 256)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); allow it or give another file") from error
    try:
        return parse_svg(data, Path(path).stem, tolerance, simplified)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


@checked
def parse_svg(data: bytes | str, word: str = "", tolerance: Length = TOLERANCE, simplified: bool = False) -> Drawing:
    """The strokes of an SVG in drawing order, in the units of its view box, y down; its word is its title, else `word`.

    A stroke is a piece of a path, a line, polyline, polygon, rectangle, circle or ellipse, moved as `transform` says, also where a
    `use` shows it. They are those that have a line; where nothing has one, the outlines of what is filled. Curves become lines that are
    nowhere farther than `tolerance` from them, in units of a box of 255. `simplified`: as the dataset simplifies raw drawings, unless
    the file is one of ours. Nothing outside the file is read. Raises `DataError` for what is not SVG, has entities, names another file,
    draws nothing, or is larger than `limits.most` allows.
    """
    root = _tree(data)
    pieces = _pieces(root)
    if not pieces:
        raise DataError("nothing in it is a line; give an SVG with paths, lines, polylines, rectangles, circles or ellipses")
    title = next((one.text for one in root if _tag(one) == "title" and one.text and one.text.strip()), word)
    drawing = Drawing(_flat(pieces, tolerance), title.strip())
    return simplify(drawing) if simplified and root.get("data-units") != OURS else drawing


def _tree(data: bytes | str):
    with needing("svg"):
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    try:
        root = fromstring(data)  # a document type may stand there, as many programs write it; nothing that it names is fetched
    except DefusedXmlException as error:
        raise DataError(f"it declares entities or names other files ({error}), which is refused; save it as plain SVG") from None
    except (ParseError, ValueError, LookupError) as error:  # the last two for an encoding that is not known
        raise DataError(f"it is not SVG ({error}); give an .svg file, or get it again") from error
    if _tag(root) != "svg":
        raise DataError(f"it holds <{_tag(root):.40}> where <svg> is expected; give an .svg file")
    return root


def _tag(element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


@dataclass(frozen=True)
class _Place:
    """Where an element is drawn, and what it inherits: the transform, paints, and by how many `use` it is shown."""

    matrix: object
    stroke: str = "none"
    fill: str = "black"
    shown: bool = True
    uses: int = 0


def _pieces(root) -> list[list[np.ndarray]]:
    # The pieces of all strokes: of those that have a line, else of those that are filled. A piece: control points (2, 3 or 4, 2).
    found, n = {"stroke": [], "fill": []}, 0
    box = _view_box(root)
    for element, place in _placed(root, box):
        kind = "stroke" if place.stroke != "none" else "fill" if place.fill != "none" else None
        if place.shown and kind:
            strokes = _strokes(element, place.matrix, box)
            n += sum(map(len, strokes))
            if n > most(1024):
                raise too_large("what it draws", most(1024), "pieces of lines and curves")
            found[kind] += strokes
    return found["stroke"] or found["fill"]


def _view_box(root) -> tuple[float, float]:
    # Width and height that percentages are of.
    numbers = [float(one) for one in NUMBER.findall(root.get("viewBox", ""))]
    if len(numbers) == 4:
        return numbers[2], numbers[3]
    return tuple(_length(root.get(name), 0) for name in ("width", "height"))


def _placed(root, box) -> Iterator[tuple]:
    # Every shape that is drawn, in drawing order, with its place.
    from svgelements import Matrix

    names, seen = None, 0
    stack = [(root, _Place(Matrix()))]
    while stack:
        element, above = stack.pop()
        seen += 1
        if seen > most(2**15):
            raise too_large("what it draws", most(2**15), "elements")
        place, tag = _place(element, above, element is root, box), _tag(element)
        if tag in SHAPES:
            yield element, place
        elif tag in GROUPS and place is not None:
            stack += [(child, place) for child in reversed(element)]
        if tag == "use" and place is not None:
            names = names or {one.get("id"): one for one in root.iter() if one.get("id")}
            stack.append(_used(element, place, names))


def _place(element, above: _Place, is_root: bool, box) -> _Place | None:
    # None where neither the element nor what is in it is drawn.
    style = dict(part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    style = {name.strip(): value.replace("!important", "").strip() for name, value in style.items()}

    def says(name, inherited):
        value = (style.get(name) or element.get(name) or "inherit").strip()
        return inherited if value == "inherit" else "none" if value == "transparent" else value

    if says("display", "inline") == "none":
        return replace(above, shown=False, stroke="none", fill="none") if _tag(element) in SHAPES else None
    shown = says("visibility", "visible" if above.shown else "hidden") == "visible"
    matrix = above.matrix if is_root else _matrix(element, style, box, above.matrix)
    return _Place(matrix, says("stroke", above.stroke), says("fill", above.fill), shown, above.uses)


def _matrix(element, style, box, matrix):
    # From the element's units to the root's; `matrix`: from those around it.
    from svgelements import Matrix

    try:
        if text := style.get("transform") or element.get("transform"):
            matrix = Matrix(text) * matrix
        return _viewport(element, box) * matrix if _tag(element) in ("use", "svg") else matrix
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
        raise DataError(f"<{_tag(element)}> has a transform that cannot be read ({error}); correct it") from error


def _viewport(element, box):
    # An <svg> within another one, or a <use>: from the units in it to those of its own place.
    from svgelements import Matrix, Viewbox

    x, y = _length(element.get("x"), box[0]), _length(element.get("y"), box[1])
    inner = [float(one) for one in NUMBER.findall(element.get("viewBox", ""))] if _tag(element) == "svg" else []
    if len(inner) != 4:
        return Matrix(1, 0, 0, 1, x, y)
    outer = [_length(element.get(name, "100%"), size) for name, size in zip(("width", "height"), box, strict=True)]
    return Matrix(Viewbox.viewbox_transform(x, y, *outer, *inner, element.get("preserveAspectRatio", "xMidYMid meet")))


def _used(element, place: _Place, names: dict) -> tuple:
    # What a `use` shows, and its place.
    name = element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or ""
    if name[:1] != "#" or name[1:] not in names:
        raise DataError(f"<use> names {name!r:.80}, which is not in the file; nothing else is read: put it in, or leave it out")
    if place.uses >= DEEPEST:
        raise DataError(f"<use> shows {name!r:.80} within itself, or is nested more than {DEEPEST} deep; correct it")
    return names[name[1:]], replace(place, uses=place.uses + 1)


def _length(text: str | None, whole: float) -> float:
    from svgelements import Length

    if text is None:
        return 0.0
    try:
        return float(Length(text).value(ppi=96, relative_length=whole, font_size=16))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise DataError(f"{text!r:.40} is not a length ({error}); correct it") from error


def _strokes(element, matrix, box) -> list[list[np.ndarray]]:
    """The strokes of one shape, each a list of pieces, in the units of the root."""
    tag = _tag(element)
    linear = np.array([[matrix.a, matrix.b], [matrix.c, matrix.d]])

    def outside(points) -> np.ndarray:
        return np.asarray(points, float).reshape(-1, 2) @ linear + (matrix.e, matrix.f)

    with np.errstate(all="ignore"):  # what is not finite is refused when all is known
        if tag in ("line", "polyline", "polygon") or (tag == "rect" and not {"rx", "ry"} & set(element.keys())):
            corners = outside(_corners(element, tag, box))
            return [[np.stack(ends) for ends in zip(corners[:-1], corners[1:], strict=True)]] if len(corners) > 1 else []
        return [[outside(piece) for piece in pieces] for pieces in _curved(element, tag, box)]


def _corners(element, tag: str, box) -> list:
    def length(name, axis):
        return _length(element.get(name), box[axis])

    if tag == "line":
        return [(length("x1", 0), length("y1", 1)), (length("x2", 0), length("y2", 1))]
    if tag == "rect":
        x, y, width, height = length("x", 0), length("y", 1), length("width", 0), length("height", 1)
        across, down = (x + width, y), (x, y + height)
        return [(x, y), across, (x + width, y + height), down, (x, y)] if width > 0 and height > 0 else []
    numbers = [float(one) for one in NUMBER.findall(element.get("points", ""))]
    numbers = numbers[: len(numbers) // 2 * 2]
    return numbers + numbers[:2] if tag == "polygon" else numbers


def _curved(element, tag: str, box) -> list[list[list]]:
    """The strokes of a path, or of a shape that is round, in the element's own units."""
    from svgelements import Path as SvgPath

    try:
        path = SvgPath(element.get("d", "")) if tag == "path" else SvgPath(_round(element, tag, box))
        return list(_subpaths(path))
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
        raise DataError(f"a <{tag}> cannot be read ({error!r}), {element.get('d', '')!r:.60}; correct it or leave it out") from error


def _round(element, tag: str, box):
    from svgelements import Circle, Ellipse, Rect

    def length(name, whole):
        return _length(element.get(name), whole)

    if tag == "rect":
        rx, ry = (_length(element.get(one, element.get(other)), size) for one, other, size in (("rx", "ry", box[0]), ("ry", "rx", box[1])))
        return Rect(length("x", box[0]), length("y", box[1]), length("width", box[0]), length("height", box[1]), rx, ry)
    x, y = length("cx", box[0]), length("cy", box[1])
    if tag == "circle":
        return Circle(x, y, length("r", sqrt((box[0] ** 2 + box[1] ** 2) / 2)))
    return Ellipse(x, y, length("rx", box[0]), length("ry", box[1]))


def _subpaths(path) -> Iterator[list[list]]:
    # A move begins a stroke; a close draws a line to its beginning, unless the pen is there.
    pieces = []
    for segment in path:
        kind = type(segment).__name__
        if kind == "Move":
            yield from [pieces] if pieces else []
            pieces = []
        elif kind == "Arc":
            pieces += [_controls(cubic) for cubic in segment.as_cubic_curves()]
        elif kind != "Close" or not pieces or segment.start != segment.end:
            pieces.append(_controls(segment))
    yield from [pieces] if pieces else []


def _controls(segment) -> list:
    points = {"QuadraticBezier": ("control",), "CubicBezier": ("control1", "control2")}.get(type(segment).__name__, ())
    return [(point.x, point.y) for point in (segment.start, *(getattr(segment, name) for name in points), segment.end)]


def _flat(strokes: list[list[np.ndarray]], tolerance: float) -> tuple[np.ndarray, ...]:
    """Curves as lines; `tolerance` in units of a box of 255 round all control points."""
    points = np.concatenate([piece for pieces in strokes for piece in pieces])
    if not (np.abs(points) < FINITE).all():
        raise DataError("a coordinate is not a finite number, or beyond all measure; correct it or leave it out")
    near = tolerance * (points.max(0) - points.min(0)).max() / BOX
    steps = [[_steps(piece, near) for piece in pieces] for pieces in strokes]
    if sum(map(sum, steps)) > most(1024):
        raise too_large("what it draws", most(1024), "points; a larger tolerance takes fewer")
    return tuple(_line(pieces, n) for pieces, n in zip(strokes, steps, strict=True))


def _steps(piece: np.ndarray, near: float) -> int:
    # A chord over 1/n of a curve is at most max |second derivative| / 8n^2 away from it.
    degree = len(piece) - 1
    if degree == 1:
        return 1
    bend = degree * (degree - 1) * np.hypot(*np.diff(piece, n=2, axis=0).T).max()
    return max(1, ceil(sqrt(bend / (8 * near)))) if near else 1


def _line(pieces: list[np.ndarray], steps: list[int]) -> np.ndarray:
    points = np.concatenate([pieces[0][:1], *(_points(piece, n) for piece, n in zip(pieces, steps, strict=True))])
    return points[:1] if len(points) == 2 and 0 < np.hypot(*(points[1] - points[0])) < 1.5 * DOT else points


def _points(piece: np.ndarray, n: int) -> np.ndarray:
    # n points along a Bezier curve, its start left out, by de Casteljau.
    if n == 1:
        return piece[-1:]
    t = (np.arange(1, n + 1) / n)[:, None, None]
    level = np.broadcast_to(piece, (n, *piece.shape))
    while level.shape[1] > 1:
        level = level[:, :-1] * (1 - t) + level[:, 1:] * t
    return level[:, 0]
