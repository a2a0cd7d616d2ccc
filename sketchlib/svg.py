"""Drawings as SVG."""

from __future__ import annotations

from html import escape

from .strokes import Drawing


def svg_path(strokes, decimals: int = 1) -> str:
    """The `d` attribute of an SVG path through all strokes; a stroke of one point becomes a dot."""

    def number(value):
        text = f"{value:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if decimals else text

    def one(stroke):
        points = [f"{number(x)} {number(y)}" for x, y in stroke]
        return f"M{points[0]}" + (f"L{' '.join(points[1:])}" if len(points) > 1 else "h0.01")

    return "".join(one(stroke) for stroke in strokes)


def view_box(drawing: Drawing, margin: float = 0.06) -> tuple[float, float, float, float]:
    """A square x, y, width, height round a drawing with `margin` (a share of its longer side), data units."""
    left, top, right, bottom = drawing.bounds()
    side = max(right - left, bottom - top, 1.0) * (1 + 2 * margin)
    return (left + right - side) / 2, (top + bottom - side) / 2, side, side


def still_svg(drawing: Drawing, size: int = 160, color: str = "#222222", width: float = 2.0) -> str:
    """A still SVG of one drawing; see `Drawing.svg`."""
    x, y, side, _ = view_box(drawing)
    title = escape(drawing.word)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="{x:.2f} {y:.2f} {side:.2f} {side:.2f}" role="img"><title>{title}</title>'
        f'<rect x="{x:.2f}" y="{y:.2f}" width="100%" height="100%" fill="#ffffff"/>'
        f'<path d="{svg_path(drawing.strokes)}" fill="none" stroke="{color}" stroke-width="{width * side / size:.2f}" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
