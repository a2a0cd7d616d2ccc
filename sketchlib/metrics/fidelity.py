"""How near a set of generated sketches is to a set of real ones, in the recogniser's features. Chapter 8b.

Every function takes features (n, d), one row a sketch. A figure depends on the features and on n, so state both. Beside it belongs its
floor: what real training drawings score against real test drawings at the same n.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import eigh, eigvalsh
from scipy.spatial.distance import cdist

from ..arguments import Number, Seed, checked
from ..errors import DataError
from .interval import bootstrap

NEIGHBOURS = 5  # as Naeem et al. (2020) take
FINITE = 1e30  # larger features would overflow where they are squared and cubed
_ROWS = 500  # rows of a distance matrix held at a time


@checked
def check_features(features: np.ndarray, least: Number = 1, name: str = "features") -> np.ndarray:
    """The features as float64 (n, d); raises `DataError` for fewer than `least` rows, another shape, or values not finite."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2:
        raise DataError(f"{name} of shape {features.shape}: expected (n, d), one row a sketch")
    if len(features) < least:
        raise DataError(f"{name}: {len(features)} samples, at least {least} are needed; draw more sketches")
    fine = np.abs(features) < FINITE
    if not fine.all():
        bad = np.flatnonzero(~fine.all(1))
        some = ", ".join(map(str, bad[:5]))
        raise DataError(f"{name}: {len(bad)} rows are not finite (numbers {some} ...); check the sketches they come from")
    return features


@checked
def check_pair(real: np.ndarray, made: np.ndarray, least: Number) -> tuple[np.ndarray, np.ndarray]:
    """Both sides checked as in `check_features`; raises `DataError` also where they differ in width."""
    real, made = check_features(real, least, "real features"), check_features(made, least, "made features")
    if real.shape[1] != made.shape[1]:
        widths = f"{real.shape[1]} and {made.shape[1]}"
        raise DataError(f"features of {widths} columns come from different recognisers; take both from one")
    return real, made


@checked
def frechet(real: np.ndarray, made: np.ndarray) -> float:
    """Frechet distance of the Gaussians fitted to both sides: `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`, squared feature units.

    It shrinks as n grows, so compare it at one n only. Raises `DataError` for fewer than two rows. Source: Heusel et al. (2017).
    """
    real, made = check_pair(real, made, 2)
    c1, c2 = (np.atleast_2d(np.cov(side, rowvar=False)) for side in (real, made))
    # tr (C1 C2)^(1/2) through C1^(1/2) C2 C1^(1/2), which is symmetric: stable where n < d and sqrtm(C1 C2) is not.
    values, vectors = eigh(c1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(eigvalsh(root @ c2 @ root), 0)).sum()
    apart = real.mean(0) - made.mean(0)
    return float(max(apart @ apart + np.trace(c1) + np.trace(c2) - 2 * cross, 0.0))


@checked
def kid(real: np.ndarray, made: np.ndarray) -> float:
    """Kernel distance: the unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

    It is 0 on average for two sets of one distribution, so that it may be below 0. Raises `DataError` for fewer than two rows.
    Source: Binkowski et al. (2018).
    """
    real, made = check_pair(real, made, 2)

    def kernel(a, b):
        k = a @ b.T / a.shape[1] + 1
        return k * k * k  # numpy's power is ten times as slow

    def within(a):
        k = kernel(a, a)
        return (k.sum() - np.trace(k)) / (len(a) * (len(a) - 1))

    return float(within(real) + within(made) - 2 * kernel(real, made).mean())


def _distances(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    # cdist and not the faster x^2 + y^2 - 2 x.y: equal rows must be exactly 0 apart.
    for start in range(0, len(a), _ROWS):
        yield slice(start, start + _ROWS), cdist(a[start : start + _ROWS], b)


@checked
def radii(features: np.ndarray, k: Number = NEIGHBOURS) -> np.ndarray:
    """Distance (n,) of each row to its k-th nearest other row; raises `DataError` for k or fewer rows."""
    features = check_features(features, k + 1)
    return np.concatenate([np.partition(d, k, axis=1)[:, k] for _, d in _distances(features, features)])


@checked
def neighbourhood(real: np.ndarray, made: np.ndarray, k: Number = NEIGHBOURS) -> dict[str, np.ndarray]:
    """What each sketch adds to four metrics, whose values are the means of these arrays.

    `precision` (made): it lies in the k-neighbour ball of some real one. `recall` (real): in the ball of some made one. `density`
    (made): the number of real balls round it, over k. `coverage` (real): its own ball holds a made one. Balls are open, so equal
    sets score exactly 1 four times. Raises `DataError` unless k >= 1 and both sides have more than k rows.
    Source: Kynkaanniemi et al. (2019); Naeem et al. (2020).
    """
    real, made = check_pair(real, made, k + 1)
    r_real, r_made = radii(real, k), radii(made, k)
    around, recall, coverage = np.zeros(len(made)), np.zeros(len(real)), np.zeros(len(real))
    for rows, apart in _distances(real, made):
        inside = apart < r_real[rows, None]
        around += inside.sum(0)
        coverage[rows] = inside.any(1)
        recall[rows] = (apart < r_made).any(1)
    return {"precision": (around > 0).astype(float), "recall": recall, "density": around / k, "coverage": coverage}


@checked
def compare(
    test: np.ndarray,
    made: np.ndarray,
    train: np.ndarray,
    k: Number = NEIGHBOURS,
    resamples: Number = 100,
    seed: Seed = 0,
    n: Number | None = None,
) -> dict[str, dict[str, float]]:
    """All six metrics of made sketches against real test ones: metric -> `value`, `low`, `high`, `n`, `floor`.

    All three sides are cut to the same `n` rows (the smallest side's, if not given), chosen by `seed`; `floor` is what real
    training drawings score against the same test ones. Intervals at 95 %: distances by the centred bootstrap, the other four
    over sketches with the balls fixed. Raises `DataError` for k or fewer rows, or fewer rows than `n`. Chapter 8b.
    """
    sides = [check_features(side, k + 1, name) for side, name in ((test, "test"), (made, "made"), (train, "train"))]
    n = n or min(map(len, sides))
    rng = np.random.default_rng(seed)
    test, made, train = (rng.permutation(check_features(side, n))[:n] for side in sides)
    out = {}
    for name, distance in (("frechet", frechet), ("kid", kid)):
        found = bootstrap(distance, test, made, resamples=resamples, seed=seed, centred=True)
        out[name] = {**found._asdict(), "floor": distance(test, train)}
    floor = neighbourhood(test, train, k)
    for name, parts in neighbourhood(test, made, k).items():
        found = bootstrap(np.mean, parts, resamples=resamples, seed=seed)
        out[name] = {**found._asdict(), "floor": float(floor[name].mean())}
    return out
