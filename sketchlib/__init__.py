"""sketchlib: how a network draws, stroke by stroke.

    model = sketchlib.load("single")
    sketches = sketchlib.sample(model, "cat", n=9, pen_temperature=0.7)
    sketchlib.animate(sketches, "cats.gif")

Names are imported when they are first used, so that `import sketchlib` costs next to nothing.
"""

import os
import sys
import time
from importlib import import_module
from pathlib import Path

_HOME = {
    "DataError": "errors",
    "Drawing": "strokes",
    "TEN_CLASSES": "data.quickdraw",
    "convert": "data.formats",
    "read": "data.formats",
    "write": "data.formats",
    "load": "models.weights",
    "sample": "sampling",
    "complete": "completion",
    "encode": "sampling",
    "decode": "sampling",
    "interpolate": "sampling",
    "animate": "pictures.animation",
    "scene": "pictures.sentence",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"

_SLEEP = "Passive"  # OpenMP reads any case: so spelled, it is taken for our own choice, and a child process chooses anew


def _others_at_work() -> int:
    """Processes and threads, this one not counted, that all of several looks find at work; 0 where the system does not tell."""
    found, path = [], Path("/proc/loadavg")
    for _ in range(5 if path.exists() else 0):
        time.sleep(0.002)  # what starts and stops within this is no hindrance
        found.append(int(path.read_text().split()[3].partition("/")[0]) - 1)
    return min(found, default=0)


def _choose_waiting() -> None:
    """On a busy machine, let torch's threads sleep and not spin while they wait for each other; how is read when torch is loaded.

    Spinning is faster where no one else needs the cores, and many times slower where someone does: see LOG.md. A user's choice
    stays, but for `OMP_WAIT_POLICY=Passive`, so spelled, which is taken for our own: who wants it always writes PASSIVE.
    """
    if os.environ.get("OMP_WAIT_POLICY", _SLEEP) != _SLEEP or "GOMP_SPINCOUNT" in os.environ or "torch" in sys.modules:
        return
    os.environ.pop("OMP_WAIT_POLICY", None)
    if _others_at_work():
        os.environ["OMP_WAIT_POLICY"] = _SLEEP


_choose_waiting()


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'sketchlib' has no attribute {name!r}")
    return getattr(import_module(f"sketchlib.{_HOME[name]}"), name)


def __dir__():
    return [*__all__, "__version__"]  # what is completed after `sketchlib.`, before any of it is imported
