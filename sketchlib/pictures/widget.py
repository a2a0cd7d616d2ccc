"""A panel for JupyterLab: choose a class, a temperature and a seed, and draw."""

from __future__ import annotations

from typing import Annotated, Protocol, runtime_checkable

import ipywidgets as widgets

from ..arguments import checked
from ..settings import between
from .animation import animated_svg


@runtime_checkable
class Draws(Protocol):
    """A model of some classes, or a router."""

    classes: tuple[str, ...]

    def for_class(self, name: str):
        """The model that draws a class."""


@checked
def panel(model: Draws, n: Annotated[int, between(1, 100)] = 4) -> widgets.Widget:
    """Controls and a picture of `n` sketches that `model` draws, stroke by stroke, when the button is pressed. Chapter 7."""
    from ..sampling import sample

    word = widgets.Dropdown(options=model.classes, description="class")
    temperature = widgets.FloatSlider(0.4, min=0.0, max=1.2, step=0.1, description="temperature")
    seed = widgets.BoundedIntText(0, min=0, max=10**6, description="seed")
    button, picture = widgets.Button(description="draw"), widgets.HTML()

    def redraw(_=None):
        drawings = sample(model, word.value, n, temperature.value, seed.value)
        picture.value = "".join(animated_svg(d, 150, repeat=False) if d.strokes else "(an empty drawing)" for d in drawings)

    button.on_click(redraw)
    redraw()
    return widgets.VBox([widgets.HBox([word, temperature, seed, button]), picture])
