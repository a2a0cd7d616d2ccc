"""The published weights draw what they always drew: kept drawings of the single models and of a VAE, plain, greedy and guided.

What is kept is of the weights whose sums are kept with it; for other weights, write it anew by `python tests/test_golden.py` at a commit
whose sampling is trusted. Processors round differently, hence the tolerance; rows are few, for a rounding may tip a choice later on.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sketchlib.files import PROJECT
from sketchlib.models import weights
from sketchlib.sampling import sample

KEPT = Path(__file__).parent / "golden" / "drawings.npz"
N, ROWS = 6, 30
WAYS = {
    "greedy": dict(temperature=0.0, seed=0),
    "plain": dict(temperature=0.4, seed=1),
    "pen": dict(temperature=0.6, pen_temperature=1.0, seed=2),
    "guided": dict(temperature=0.4, guidance=1.0, seed=3),
}
MODELS = {"single": "cat", "router": "pig", "best": "sun"}


def drawn(model, way):
    """Stroke-3 rows of some drawings, one after the other, each with the number of its drawing before it."""
    drawings = sample(weights.load(model), MODELS[model], N, n_max=ROWS, **WAYS[way])
    return np.concatenate([np.column_stack([np.full(len(one.stroke3), i), one.stroke3]) for i, one in enumerate(drawings)])


def sums():
    """What the published weights are."""
    own = [PROJECT / "weights" / f"{name}.safetensors" for name in ("single", "best")]
    files = [*own, *sorted((PROJECT / "weights" / "router").glob("*.safetensors"))]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("way", WAYS)
def test_the_published_weights_draw_what_they_drew(model, way):
    kept = np.load(KEPT)
    assert kept["sums"].tolist() == sums(), "the published weights are others: see the top of this file"
    found = drawn(model, way)
    assert found.shape == kept[f"{model} {way}"].shape and np.allclose(found, kept[f"{model} {way}"], atol=0.01, rtol=1e-4)


if __name__ == "__main__":
    arrays = {f"{model} {way}": drawn(model, way).astype(np.float32) for model in MODELS for way in WAYS}
    np.savez_compressed(KEPT, sums=sums(), **arrays)
