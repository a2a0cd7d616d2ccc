"""What a VAE does with its latent space: units in use, smoothness on the way between two drawings, reconstruction. Chapter 8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch

from ..arguments import SOME, Number, Seed, Tolerance, checked
from ..data.batches import batches, make_batch
from ..data.dataset import SketchSet
from ..errors import DataError
from ..models.decoder import reconstruction
from ..models.vae import SketchVAE
from ..sampling import encode, reconstruct, sample, slerp
from ..strokes import Drawing
from .fidelity import check_features, check_pair
from .likelihood import evaluating
from .recogniser import Recogniser, features


@checked
@torch.no_grad()
def latent_means(vae: SketchVAE, sketches: Annotated[SketchSet, SOME], batch_size: Number = 250) -> tuple[np.ndarray, np.ndarray]:
    """mu of q(z | drawing), and what each of its units adds to L_KL, both (n, N_z), for the drawings of a set sorted by length."""
    device, found = next(vae.parameters()).device, []
    with evaluating(vae):
        for batch in batches(sketches, vae.scale, batch_size, shuffle=False):
            mu, log_var = vae.encode(batch.to(device))
            found.append((mu, -0.5 * (1 + log_var - mu**2 - torch.exp(log_var))))
    mu, kl = (torch.cat(part).double().cpu().numpy() for part in zip(*found, strict=True))
    return mu, kl


@checked
def active_units(mu: np.ndarray, threshold: Tolerance = 0.01) -> np.ndarray:
    """Mask (N_z,) of the units in use: those whose mean varies over drawings with a variance above `threshold`.

    `mu` (n, N_z): the encoder's means. Raises `DataError` for fewer than two drawings. Source: Burda et al. (2016), section 5.
    """
    return check_features(mu, 2, "latent means").var(0, ddof=1) > threshold


@checked
def smoothness(path: np.ndarray) -> dict[str, float]:
    """How evenly features (steps, d) move along a path.

    `jump`: the longest step over the mean step, 1 where all are equal and steps - 1 where one does it all. `detour`: the length
    of the path over the distance of its ends, 1 on a straight line. NaN where nothing moves (`jump`) or the path returns to its
    start (`detour`). Raises `DataError` for fewer than three steps.
    """
    path = check_features(path, 3, "path")
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    apart = np.linalg.norm(path[-1] - path[0])
    jump = steps.max() / steps.mean() if steps.any() else np.nan
    return {"jump": float(jump), "detour": float(steps.sum() / apart) if apart > 0 else float("nan")}


@checked
def interpolation_smoothness(
    vae: SketchVAE, judge: Recogniser, pairs: Sequence[tuple[Drawing, Drawing]], steps: Number = 9, seed: Seed = 0
) -> dict[str, float]:
    """`smoothness` in a recogniser's features, averaged over interpolations between the drawings of `pairs`.

    Spherical interpolation between the means of z, drawn greedily in `steps` sketches. `jump` and `detour`: means over the paths
    where they are defined. `broken`: the share of paths with an empty sketch on the way, left out of both. Raises `DataError` for no
    pairs, or where every path is broken. Chapter 8.
    """
    if not pairs:
        raise DataError("no pairs to interpolate between: give at least one")
    ends = encode(vae, [drawing for pair in pairs for drawing in pair])
    z = torch.cat([slerp(a, b, steps) for a, b in zip(ends[::2], ends[1::2], strict=True)])
    drawn = sample(vae, vae.classes[0], len(z), 0.0, seed, z=z)
    paths = [drawn[start : start + steps] for start in range(0, len(drawn), steps)]
    found = [smoothness(features(judge, path)) for path in paths if all(drawing.strokes for drawing in path)]
    if not found:
        raise DataError(f"{len(pairs)} interpolations, none without an empty sketch: train the model longer or give more pairs")
    means = {name: float(np.nanmean([one[name] for one in found])) for name in found[0]}
    return {**means, "broken": 1 - len(found) / len(pairs), "n": len(pairs)}


@checked
@torch.no_grad()
def code_worth(vae: SketchVAE, sketches: SketchSet) -> dict[str, float]:
    """What a drawing's code tells the decoder that the true rows, which it is given too, do not.

    `own`: L_R in nats a drawing with its own mu. `other`: with the mu of the drawing before it in the set. `worth`: their difference, 0
    where the decoder does not heed the code. Raises `DataError` for fewer than two drawings. Chapters 5 and 12.
    """
    if len(sketches) < 2:
        raise DataError(f"{len(sketches)} drawings: 2 or more are needed, to give each the code of another")
    batch = make_batch(sketches, np.arange(len(sketches)), vae.scale).to(next(vae.parameters()).device)
    with evaluating(vae):
        mu, _ = vae.encode(batch)
        own, other = (float(sum(reconstruction(vae(batch, z), batch)).mean()) for z in (mu, mu.roll(1, 0)))
    return {"own": own, "other": other, "worth": other - own}


@checked
def paired_distance(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Mean feature distance of row i to row i, and the same to all the other rows.

    `own`: between partners. `other`: between rows that do not belong together. `ratio`: own over other, 0 for a perfect
    reconstruction and 1 for one that ignores its drawing. Raises `DataError` for fewer than two rows, or sides of other lengths.
    """
    first, second = check_pair(first, second, 2)
    if len(first) != len(second):
        raise DataError(f"{len(first)} drawings and {len(second)} partners: give one for each")
    apart = np.linalg.norm(first[:, None] - second[None], axis=-1)
    own, n = float(np.trace(apart)), len(first)
    other = float(apart.sum() - own) / (n * (n - 1))
    return {"own": own / n, "other": other, "ratio": own / n / other if other > 0 else float("nan")}


@checked
def reconstruction_distance(vae: SketchVAE, judge: Recogniser, drawings: Sequence[Drawing], seed: Seed = 0) -> dict[str, float]:
    """`paired_distance` of drawings to their greedy reconstructions in a recogniser's features.

    `empty`: the share of reconstructions without a point, left out. Raises `DataError` where fewer than two remain. Chapter 8.
    """
    again = reconstruct(vae, drawings, seed=seed)
    kept = [(a, b) for a, b in zip(drawings, again, strict=True) if b.strokes]
    if len(kept) < 2:
        raise DataError(f"{len(kept)} of {len(drawings)} reconstructions have a point; at least 2 are needed: train the model longer")
    found = paired_distance(*(features(judge, side) for side in zip(*kept, strict=True)))
    return {**found, "empty": 1 - len(kept) / len(drawings), "n": len(drawings)}
