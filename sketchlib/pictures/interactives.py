"""What a reader takes hold of in a chapter: one script for the page and for JupyterLab, and a still picture for paper."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import anywidget
import traitlets

from ..arguments import Length, Seed, checked
from ..data.doodles import CLASSES, doodles
from ..errors import DataError
from ..files import write_atomically
from ..strokes import Drawing
from . import live

OWN = "interactives/"
COMMON = ("strokes", "paper", "controls", OWN + "handles")
OF_MODELS = ("library", "widget")  # what loads a model on a page and in a notebook
PARTS = {  # name -> the files of its script
    "rows": (*COMMON, OWN + "rows"),
    "hills": (*COMMON, OWN + "mixture", OWN + "hills"),
    "temperature": ("strokes", "engine", *COMMON[1:], *OF_MODELS, "watch", OWN + "temperature"),
    "plane": ("strokes", "engine", *COMMON[1:], *OF_MODELS, "between", OWN + "plane"),
}
NAMES = {  # what tests call of each script
    "rows": ("placesOf",),
    "hills": ("nll", "shares", "gradient", "cellNll", "stepped"),
    "plane": ("principalPlane",),
    "temperature": ("whole", "build", "Sketcher", "drawn", "seeded"),
}
MARK = re.compile(r'data-interactive="(\w+)"')


def script(name: str) -> str:
    """The script of one interactive: it defines one name, `sketch_` and this, and loads nothing by itself."""
    read = {path: (live.SOURCE / path).read_text(encoding="utf-8") for path in ("style.css", OWN + "style.css")}
    parts = [(live.SOURCE / f"{part}.js").read_text(encoding="utf-8") for part in (*PARTS[name], OWN + "mount")]
    given = f"const NAME = {json.dumps(name)}, VIEW = {name}, STYLE = {json.dumps(''.join(read.values()))};"
    body = "\n".join([*parts, given, f"return {{ {', '.join((*NAMES[name], 'startWhenReady', 'render'))} }};"])
    lines = (line.strip() for line in body.splitlines())
    kept = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f'var sketch_{name} = (() => {{\n"use strict";\n{kept}\n}})();\n'


def module(name: str) -> str:
    """The same script as an anywidget loads it."""
    return f"{script(name)}export default {{ render: sketch_{name}.render }};\n"


@checked
def write(folder: Path | str, models: Mapping[str, live.Model], sizes: Mapping[str, int]) -> dict[str, int]:
    """Write the interactives' scripts beside those of the live pages; returns the bytes of each file.

    `models` and `sizes`: what `write_live` was given and what it returned. Raises `DataError` for a model whose script has no size there.
    """
    if lacking := [name for name in models if f"{name}.js" not in sizes]:
        raise DataError(f"sizes has no {', '.join(f'{name}.js' for name in lacking)}; give what write_live returned for these models")
    said = {name: {"file": f"{name}.js", **live.about(one, sizes[f"{name}.js"])} for name, one in models.items()}
    text, written = json.dumps(said, separators=(",", ":")), {}
    for name in PARTS:
        path = Path(folder) / f"{name}.js"
        whole = f"{script(name)}sketch_{name}.startWhenReady({text});\n"
        write_atomically(path, lambda to, whole=whole: to.write_text(whole, encoding="utf-8"))
        written[path.name] = path.stat().st_size
    return written


def on_page(still: str, base: str = "../live/") -> str | None:
    """A widget's still picture as a page shows it, its script beside it; None where it is no interactive's."""
    found = MARK.search(still)
    return f'{still}<script src="{base}{found[1]}.js"></script>' if found else None


class Interactive(anywidget.AnyWidget):
    """What the functions of this file return: a notebook's widget with a still picture for where no kernel answers."""

    given = traitlets.Dict().tag(sync=True)  # what its script is given
    models = traitlets.Dict().tag(sync=True)  # name -> classes, bytes, latent

    def __init__(self, name: str, still: str, model: live.Model | None = None, **given):
        self._model = model
        self._still = f'<div data-interactive="{name}" data-given="{html.escape(json.dumps(given))}">{still}</div>'
        super().__init__(given=given, models={} if model is None else {"this model": live.about(model)}, _esm=module(name))
        self.on_msg(self._answer)

    def _answer(self, _, content: dict, buffers) -> None:
        if "load" in content:
            self.send({"name": content["load"], "packed": live.packed(self._model)})

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "text/html": self._still}, metadata


def _svg(figure) -> str:
    """A matplotlib figure as an SVG element, and closed."""
    import io

    import matplotlib.pyplot as plt

    written = io.StringIO()
    figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    plt.close(figure)
    found = written.getvalue().partition("<!DOCTYPE")[2].partition(">")[2].strip()
    found = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", found, count=1, flags=re.DOTALL)  # it would hold for the whole page
    return found.replace("<svg ", '<svg style="max-width: 100%; height: auto; stroke-linejoin: round" ', 1)


HEAD = [(10, 115), (18, 0), (84, 48), (170, 46), (240, 2), (255, 118), (205, 214), (132, 243), (55, 218), (0, 148)]
CAT = Drawing((HEAD, [(78, 108), (82, 138)], [(178, 106), (175, 137)], [(104, 172), (130, 188), (156, 170)]), "cat")


@checked
def rows(drawing: Drawing | None = None) -> Interactive:
    """A drawing whose points can be moved, beside its rows of stroke-3 and stroke-5. Chapter 1.

    `drawing`: coordinates are rounded to whole data units; without one, a cat's head of the project's own. Raises `DataError` for a drawing
    without a movement.
    """
    drawing = CAT if drawing is None else drawing
    if not len(drawing.stroke3):
        raise DataError("the drawing whose rows are to be shown has no movement; give one of two points or more")
    return Interactive("rows", _rows(drawing), strokes=[one.round().astype(int).tolist() for one in drawing.strokes])


def _rows(drawing: Drawing) -> str:
    """The drawing, and its rows as a table."""
    from ..strokes import to_stroke5

    numbers = [[f"{value:.0f}" for value in row] for row in to_stroke5(drawing.stroke3)]
    lines = "".join(f"<tr>{''.join(f'<td>{one}</td>' for one in (i, *row))}</tr>" for i, row in enumerate(numbers, 1))
    head = "".join(f"<th>{one}</th>" for one in ("i", "Δx", "Δy", "p₁", "p₂", "p₃"))
    return f"{drawing.svg(240)}<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


HILLS = ((0.5, -1.0, 0.0, 0.8, 0.5, 0.7), (0.3, 1.5, -1.0, 0.3, 0.9, 0.0), (0.2, 0.5, 1.5, 0.6, 0.6, -0.8))  # chapter 3's; as in hills.js
WENT = (0.9, 0.4)


@checked
def hills(scale: Length = 30.0) -> Interactive:
    """Three Gaussian hills to move, bend and weigh, and what they say of the place to which the pen went. Chapter 3.

    `scale`: data units to one of the plane's, which gives the side of the grid's cells.
    """
    return Interactive("hills", _svg(_hills()), side=1 / scale)


def _hills():
    """The hills as the script shows them at first."""
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.patches import Ellipse

    from . import draw

    draw.style()
    figure, ax = plt.subplots(figsize=(5.6, 4.4), layout="constrained")
    for number, ((_, x, y, a, b, rho), color) in enumerate(zip(HILLS, (draw.BLUE, "#b44b23", "#2d7554"), strict=True), 1):
        spread, turned = np.linalg.eigh([[a * a, rho * a * b], [rho * a * b, b * b]])
        angle = np.degrees(np.arctan2(*turned[::-1, 1]))
        for deviations in (2, 4):  # diameters
            ax.add_patch(Ellipse((x, y), *deviations * np.sqrt(spread[::-1]), angle=angle, fill=False, color=color))
        ax.text(x, y, number, color="white", weight="bold", ha="center", va="center", bbox=dict(boxstyle="circle", fc=color, ec="white"))
    ax.plot(*WENT, "x", color=draw.ACCENT, ms=9, mew=2.5)
    ax.set(xlim=(-4, 4), ylim=(3.2, -3.2), aspect="equal", xlabel="Δx (normalised units)", ylabel="Δy (normalised units)")
    return figure


TEMPERATURES = (0.1, 0.3, 0.6, 1.0, 1.5)  # of the still picture


@checked
def temperature(model: live.Model, word: str | None = None, seed: Seed = 0) -> Interactive:
    """One drawing at every temperature, made of the same random numbers, and the pen's probabilities along it. Chapter 7.

    `model` draws in a notebook; on a page of the book the published single model does. Raises `DataError` for a class that it does not
    draw.
    """
    from ..sampling import sample
    from . import draw

    word = model.classes[0] if word is None else word
    shown = {f"{at:g}": sample(model, word, 1, at, seed)[0] for at in TEMPERATURES}
    still = draw.grid(list(shown.values()), columns=len(shown), titles=list(shown))
    return Interactive("temperature", _svg(still), model, word=word)


EXAMPLES, SIDE = 16, 5  # drawings that span the plane, and those along a side of its still picture


@checked
def plane(model: live.Model, drawings: Sequence[Drawing] = ()) -> Interactive:
    """A map of the plane of latent vectors in which drawings of a class differ most, and what a VAE draws there. Chapter 5.

    `drawings`: what spans the plane; without any, doodles of the class, or the model's own where there are none. `model` draws in a
    notebook; on a page of the book the published VAE of the class does. Raises `DataError` for a model without a latent space, and for
    fewer than three drawings.
    """
    from . import draw

    word = model.classes[0]
    if not model.latent_size:
        raise DataError(f"the model of {', '.join(model.classes)} has no latent space; give a VAE, such as router.for_class('cat')")
    shown = list(drawings) or _spanning(model, word)
    if len(shown) < 3:
        raise DataError(f"{len(shown)} drawings span no plane; give three or more")
    still = draw.grid(_on_plane(model, shown), columns=SIDE)
    examples = [[stroke.round().astype(int).tolist() for stroke in one.strokes] for one in shown]
    return Interactive("plane", _svg(still), model, word=word, examples=examples)


def _spanning(model: live.Model, word: str) -> list[Drawing]:
    """Drawings of a class that are the project's own."""
    from ..sampling import sample

    made = doodles([word], EXAMPLES, seed=0)[word] if word in CLASSES else sample(model, word, EXAMPLES, 0.5, seed=0)
    return [one for one in made if len(one.stroke3)]


def _on_plane(model: live.Model, drawings: Sequence[Drawing]) -> list[Drawing]:
    """Drawings at places of the plane, row by row, from two deviations below the middle to two above."""
    import numpy as np

    from ..sampling import decode, encode

    z = np.asarray(encode(model, list(drawings)))
    _, spreads, axes = np.linalg.svd(z - z.mean(0), full_matrices=False)
    steps = np.linspace(-2, 2, SIDE)
    x, y = (spreads[k] / len(z) ** 0.5 * axes[k] for k in range(2))
    return decode(model, np.float32([z.mean(0) + a * x + b * y for b in steps for a in steps]), temperature=0.1, pen_temperature=0.7)
