"""Numbers that judge sketches: recognisability, diversity, coherence against real drawings, and likelihood. Chapter 8."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from .dataset import SketchSet, batches
from .models import SketchVAE, kl_divergence, reconstruction
from .recogniser import Recogniser, predict
from .strokes import DataError, Drawing


def recognisability(model: Recogniser, drawings: Mapping[str, Sequence[Drawing]]) -> dict:
    """How a recogniser reads drawings of known classes.

    Returns `accuracy`, `by_class` (class -> accuracy), `confidence` (mean probability of the right class) and `confusion`
    (classes, classes): row the class asked for, column the class read, as shares. Raises `DataError` for a class it does not know.
    """
    unknown = set(drawings) - set(model.classes)
    if unknown:
        raise DataError(f"the recogniser knows {', '.join(model.classes)}, not {', '.join(sorted(unknown))}; train one on these classes")
    confusion = np.zeros((len(model.classes),) * 2)
    confidence, by_class, hits, total = 0.0, {}, 0, 0
    for name, members in drawings.items():
        label, probability = model.classes.index(name), predict(model, members)
        guesses = probability.argmax(1)
        confusion[label] = np.bincount(guesses, minlength=len(model.classes)) / len(members)
        by_class[name] = float(confusion[label, label])
        confidence += float(probability[:, label].sum())
        hits, total = hits + int((guesses == label).sum()), total + len(members)
    return dict(accuracy=hits / total, by_class=by_class, confidence=confidence / total, confusion=confusion)


def diversity(features: np.ndarray) -> float:
    """Mean Euclidean distance between all pairs of feature rows (n, d); raises `DataError` for fewer than two."""
    check_features(features, 2)
    n = len(features)
    return float(pairwise_distances(features).sum() / (n * (n - 1)))


def check_features(features: np.ndarray, least: int) -> None:
    """Raises `DataError` for fewer than `least` rows or values that are not finite."""
    if len(features) < least:
        raise DataError(f"{len(features)} samples: at least {least} are needed")
    if not np.isfinite(features).all():
        raise DataError("features are not finite; check the drawings they come from")


def nearest_distance(features: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Distance (n,) of each feature row to the nearest training row: small ones point at near-copies."""
    check_features(features, 1)
    check_features(training, 1)
    return NearestNeighbors(n_neighbors=1).fit(training).kneighbors(features)[0][:, 0]


def traits(drawing: Drawing) -> dict[str, float]:
    """What can be measured on one drawing: strokes, points per stroke, line length, pen-up travel (data units), aspect (width/height)."""
    strokes = drawing.strokes
    left, top, right, bottom = drawing.bounds()
    jumps = [b[0] - a[-1] for a, b in zip(strokes[:-1], strokes[1:], strict=True)]
    return {
        "strokes": len(strokes),
        "points per stroke": drawing.n_points / max(len(strokes), 1),
        "line length": float(sum(np.hypot(*np.diff(s, axis=0).T).sum() for s in strokes if len(s) > 1)),
        "pen-up travel": float(sum(np.hypot(*jump) for jump in jumps)),
        "aspect": (right - left + 1) / (bottom - top + 1),
    }


def coherence(drawings: Sequence[Drawing], real: Sequence[Drawing]) -> dict[str, float]:
    """Wasserstein distance of each trait's distribution to that of real drawings, in the trait's unit; raises `DataError` for none."""
    if not drawings or not real:
        raise DataError("coherence needs at least one drawing on each side")
    ours, theirs = ([traits(d) for d in side] for side in (drawings, real))
    return {name: float(wasserstein_distance([t[name] for t in ours], [t[name] for t in theirs])) for name in ours[0]}


def ended_rate(drawings: Sequence[Drawing]) -> float:
    """Share of generated drawings that ended by themselves (p3) rather than at N_max."""
    return float(np.mean([bool(drawing.finished) for drawing in drawings]))


@torch.no_grad()
def likelihood(model, sketches: SketchSet, seed: int = 0, batch_size: int = 250) -> dict[str, float]:
    """What a set costs under a model, in nats: `per_sketch`, `per_point`, and `paper` (L_R divided by the model's N_max).

    In data units: a density over normalised units is divided by scale^2, so log(scale^2) a point is added and the scale drops out.
    `paper` stays in normalised units. For a VAE the figures are the negative ELBO, L_R + L_KL unweighted: an upper bound of the
    true cost; `paper` is L_R alone.
    """
    generator = torch.Generator().manual_seed(seed)
    cost = paper = points = 0.0
    for batch in batches(sketches, model.scale, batch_size, shuffle=False):
        l_r, l_kl = _nats(model, batch, generator)
        per_point = 2 * math.log(model.scale) * float(batch.lengths.sum())
        cost += float((l_r + l_kl).double().sum()) + per_point
        paper += float(l_r.double().sum()) / model.n_max
        points += float(batch.lengths.sum())
    return {"per_sketch": cost / len(sketches), "per_point": cost / points, "paper": paper / len(sketches)}


def _nats(model, batch, generator) -> tuple[torch.Tensor, torch.Tensor]:
    if not isinstance(model, SketchVAE):
        stroke, pen = reconstruction(model(batch), batch)
        return stroke + pen, torch.zeros_like(stroke)
    mu, log_var = model.encode(batch)
    z = mu + torch.exp(log_var / 2) * torch.randn(mu.shape, generator=generator)
    stroke, pen = reconstruction(model(batch, z), batch)
    return stroke + pen, kl_divergence(mu, log_var)
