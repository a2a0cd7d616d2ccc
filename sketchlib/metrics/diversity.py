"""How much sketches of a class differ from each other, and whether they are copies of training drawings. Chapter 8b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.neighbors import NearestNeighbors

from ..arguments import Share, checked
from ..errors import DataError
from .fidelity import check_features, check_pair


@checked
def same_classes(real: Mapping[str, Sequence], made: Mapping[str, Sequence]) -> tuple[str, ...]:
    """The classes of both sides, in the order of `real`; raises `DataError` naming those on one side only."""
    if lone := [name for name in (*real, *made) if (name in real) != (name in made)]:
        raise DataError(f"on one side only: {', '.join(lone)}; both need drawings of the same classes")
    return tuple(real)


@checked
def diversity(features: np.ndarray) -> float:
    """Mean Euclidean distance between all pairs of feature rows (n, d); raises `DataError` for fewer than two. Chapter 8b."""
    return float(pdist(check_features(features, 2)).mean())


@checked
def spread(real: Mapping[str, np.ndarray], made: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Diversity within each class beside the real one's: class -> `real`, `made` and `ratio` (made over real; 1 is as diverse).

    `real`, `made`: class -> features (n, d). Raises `DataError` for a class on one side only or of fewer than two sketches.
    """
    out = {}
    for name in same_classes(real, made):
        people, model = diversity(real[name]), diversity(made[name])
        out[name] = {"real": people, "made": model, "ratio": model / people if people > 0 else float("nan")}
    return out


@checked
def nearest(features: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (n,) of each feature row to the nearest training row, and that row's number (n,).

    Raises `DataError` for an empty side, other widths, or values not finite.
    """
    training, features = check_pair(training, features, 1)
    apart, index = NearestNeighbors(n_neighbors=1).fit(training).kneighbors(features)
    return apart[:, 0], index[:, 0]


@checked
def near_copies(made: np.ndarray, training: np.ndarray, test: np.ndarray, quantile: Share = 0.01) -> dict:
    """How many sketches are near-copies of a training drawing.

    Near is a distance that only a share `quantile` of real test drawings has to its nearest training drawing: the `threshold` returned.
    `share`: of the sketches, how many are as near; a model that does not memorise scores about `quantile`. `distance`, `index`: of every
    sketch, how far its nearest training drawing is, and its number, for pictures side by side. A model that draws only typical sketches
    scores above `quantile` without copying, so look at the pictures. Raises `DataError` for an empty side or a quantile outside 0..1.
    Chapter 8b.
    """
    if not 0 < quantile < 1:
        raise DataError(f"quantile {quantile}: give one between 0 and 1, such as 0.01")
    threshold = float(np.quantile(nearest(test, training)[0], quantile))
    distance, index = nearest(made, training)
    share = float((distance <= threshold).mean())
    return {"share": share, "quantile": quantile, "threshold": threshold, "distance": distance, "index": index}
