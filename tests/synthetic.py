"""Small synthetic drawings for the tests of the core: whole coordinates, pens lifted here and there."""

import numpy as np

from sketchlib.data.dataset import SketchSet
from sketchlib.strokes import from_stroke3


def rows(rng, n, reach=30):
    """Stroke-3 (n, 3) of whole steps up to `reach` with about one lift in five; the pen is up at the end."""
    out = np.column_stack([rng.integers(-reach, reach + 1, (n, 2)), rng.random(n) < 0.2]).astype(np.float32)
    out[-1, 2] = 1
    return out


def terms_of(model, batch, eta=1.0, generator=None):
    """The loss of a batch and its parts."""
    parts = model.parts(batch, generator)
    return {"loss": model.loss(parts, eta), **parts}


def sketch_set(n=30, classes=("cat", "sun"), low=4, high=12, seed=0):
    """A `SketchSet` of `n` drawings a class, of `low` to `high` stroke-3 rows each."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(low, high + 1, (len(classes), n))
    members = [[from_stroke3(rows(rng, k), name) for k in row] for name, row in zip(classes, lengths, strict=True)]
    return SketchSet.from_drawings(dict(zip(classes, members, strict=True)))
