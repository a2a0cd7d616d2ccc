"""A paper in JupyterLab on which a model draws and the reader too: the live page's script, with models from the kernel's memory."""

from __future__ import annotations

import anywidget
import numpy as np
import traitlets

from ..arguments import Draws, checked
from ..errors import DataError
from ..strokes import Drawing
from . import live

SHOWN = 4  # sketches of the still picture


class Panel(anywidget.AnyWidget):
    """What `panel` returns: the model draws one class after another until the reader takes the pen.

    `drawing`: what the reader drew. `completed`: that and how the network went on. `word`: its class, empty where it is not known.
    """

    _esm = live.module()
    models = traitlets.Dict().tag(sync=True)  # name -> classes, bytes
    strokes = traitlets.List().tag(sync=True)  # the reader's, points [x, y] on a paper of 255 units
    continuation = traitlets.List().tag(sync=True)  # the network's
    word = traitlets.Unicode().tag(sync=True)

    def __init__(self, model, models: dict, drawing: Drawing | None = None):
        self._model = model
        super().__init__(models=models, strokes=[] if drawing is None else _on_paper(drawing))
        self.on_msg(self._answer)

    def _answer(self, _, content: dict, buffers) -> None:
        name = content.get("load")
        try:
            found = self._model.for_class(self.models[name]["classes"][0])
            self.send({"name": name, "packed": live.packed(found)})
        except (DataError, KeyError, OSError) as error:
            self.send({"name": name, "error": str(error)})

    @property
    def drawing(self) -> Drawing:
        """What the reader drew, in units of the paper, whose side is 255 as the data's; without strokes where nothing is drawn."""
        return Drawing(tuple(np.float32(stroke) for stroke in self.strokes), self.word)

    @property
    def completed(self) -> Drawing:
        """What the reader drew and how the network went on, once it has ended."""
        return Drawing(tuple(np.float32(stroke) for stroke in [*self.strokes, *self.continuation]), self.word)

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "text/html": self._still()}, metadata

    def _still(self) -> str:
        """Pictures for where no kernel answers: the first sketches of the first class."""
        from ..sampling import sample

        return "".join(one.svg() for one in sample(self._model, self._model.classes[0], SHOWN) if one.strokes)


def _on_paper(drawing: Drawing) -> list:
    """Strokes as the paper holds them: halves of a unit; raises `DataError` for coordinates that are not finite."""
    if not all(np.isfinite(stroke).all() for stroke in drawing.strokes):
        raise DataError("the drawing to put on the paper has NaN or infinite coordinates; leave these points out")
    return [(np.round(stroke * 2) / 2).tolist() for stroke in drawing.strokes]


@checked
def panel(model: Draws, drawing: Drawing | None = None) -> Panel:
    """A paper on which `model` draws and the reader too; `drawing`: what is on it at first, in the data's box of 255 units. Chapter 7.

    The model is any that `sketchlib.load` gives, or one that was just trained; it is sent to the browser when it first draws. What the
    reader draws is `panel.drawing`. Raises `DataError` for a drawing whose coordinates are not finite.
    """
    from torch import nn

    if isinstance(model, nn.Module):
        models = {"this model": live.about(model)}
    else:  # a router: one model a class, each read when it is first asked for
        models = {name: {"classes": [name], "bytes": 0, "latent": 0} for name in model.classes}
    return Panel(model, models, drawing)
