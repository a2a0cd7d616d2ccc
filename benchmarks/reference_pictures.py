"""The report's own way with raw drawings and with pictures; see reference.py."""

from __future__ import annotations

import json

import numpy as np
from reference import to_rows


def rdp(points, epsilon: float):
    """Ramer-Douglas-Peucker by recursion, (n, 2) to fewer."""
    if len(points) < 3:
        return points
    start, end = points[0], points[-1]
    chord = end - start
    length = np.hypot(*chord)
    away = points - start
    distance = np.hypot(*away.T) if length == 0 else np.abs(chord[0] * away[:, 1] - chord[1] * away[:, 0]) / length
    k = int(np.argmax(distance))
    if distance[k] <= epsilon:
        return np.array([start, end])
    return np.concatenate([rdp(points[: k + 1], epsilon)[:-1], rdp(points[k:], epsilon)])


def resampled(x, y):
    """A polyline with a point every unit, found segment by segment."""
    points, rest = [(x[0], y[0])], 0.0
    for x0, y0, x1, y1 in zip(x[:-1], y[:-1], x[1:], y[1:], strict=True):
        length = float(np.hypot(x1 - x0, y1 - y0))
        at = 1.0 - rest
        while at <= length:
            points.append((x0 + (x1 - x0) * at / length, y0 + (y1 - y0) * at / length))
            at += 1.0
        rest = length - (at - 1.0)
    if rest > 0:
        points.append((x[-1], y[-1]))
    return np.array(points, np.float64)


def load_raw(path):
    """All drawings of a raw file by the simplified recipe: box, a point every unit, Ramer-Douglas-Peucker."""
    drawings = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            strokes = [np.array(stroke[:2], np.float64) for stroke in json.loads(line)["drawing"]]
            corner = np.min([stroke.min(1) for stroke in strokes], axis=0)
            scale = 255 / max(np.max([stroke.max(1) for stroke in strokes], axis=0) - corner)
            simple = []
            for stroke in strokes:
                x, y = (stroke - corner[:, None]) * scale
                simple.append(np.round(rdp(resampled(x, y), 2.0)).T)
            drawings.append(to_rows(simple))
    return drawings


def animate(drawings, path, frames: int = 100) -> None:
    """A GIF of four panels: the whole figure is cleared, drawn and turned over for every frame (report, section VIII.1)."""
    import matplotlib.pyplot as plt
    from PIL import Image, ImageOps

    figure, axes = plt.subplots(2, 2, figsize=(3.2, 3.56), dpi=100)
    longest = max(drawing.n_points for drawing in drawings)
    images = []
    for frame in range(1, frames + 1):
        upto = -(-frame * longest // frames)
        for ax, drawing in zip(axes.flat, drawings, strict=True):
            ax.clear()
            left, top, right, bottom = drawing.bounds()
            seen = 0
            for stroke in drawing.strokes:
                part = stroke[: max(0, upto - seen)]
                ax.plot(part[:, 0], part[:, 1], color="black", linewidth=2)
                seen += len(stroke)
            ax.set_xlim(left - 10, right + 10)
            ax.set_ylim(top - 10, bottom + 10)
            ax.set_aspect("equal")
            ax.axis("off")
        figure.canvas.draw()
        images.append(ImageOps.flip(Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")))
    plt.close(figure)
    images[0].save(path, save_all=True, append_images=images[1:], duration=33, loop=0)
