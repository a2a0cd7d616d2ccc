"""sketchlib: how a network draws, stroke by stroke.

    model = sketchlib.load("single")
    sketches = sketchlib.sample(model, "cat", n=9, guidance=2, pen_temperature=0.8)
    sketchlib.animate(sketches, "cats.gif")

Names are imported when they are first used, so that `import sketchlib` costs nothing.
"""

from importlib import import_module

_HOME = {
    "DataError": "errors",
    "Drawing": "strokes",
    "TEN_CLASSES": "data.quickdraw",
    "load": "models.weights",
    "sample": "sampling",
    "animate": "pictures.animation",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'sketchlib' has no attribute {name!r}")
    return getattr(import_module(f"sketchlib.{_HOME[name]}"), name)
