"""Whether a VAE's latent space is alive: what z is worth, what reconstructions and walks keep of their drawings. Chapters 5 and 8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from torch import Tensor

from ..arguments import SOME, Seed, Share, Tolerance, checked
from ..data.batches import Batch, make_batch
from ..data.dataset import SketchSet
from ..errors import DataError
from ..models.vae import SketchVAE
from ..sampling import encode, sample
from ..settings import Range, between
from ..strokes import Drawing
from .fidelity import check_features, check_pair
from .interval import Interval, bootstrap
from .likelihood import evaluating, on_grid
from .raster import Side, rasterise

SIZE, BLUR = 32, 2.0  # of the pictures that are compared: side, and deviation of the blur, pixels
NEAREST = 0.1  # share of the class among which a reconstruction's own drawing should be
TEMPERATURE = 0.2  # of reconstructions and walks: near greedy, yet lines do not lock up as greedy ones do
Filled = Annotated[SketchSet, SOME]
Means = Annotated[np.ndarray, Range(lambda mu: mu.ndim == 2 and np.isfinite(mu).all(), "of shape (n, N_z), all finite")]
Variances = Annotated[
    np.ndarray, Range(lambda v: v.ndim == 2 and bool((v > 0).all() and np.isfinite(v).all()), "of shape (n, N_z), all above 0 and finite")
]
Codes = Annotated[Tensor, Range(lambda z: z.ndim == 2 and bool(z.isfinite().all()), "of shape (n, N_z), all finite")]
Pairs = Annotated[Sequence[tuple[Drawing, Drawing]], SOME]


@checked
@torch.no_grad()
def latent_clouds(vae: SketchVAE, sketches: Filled) -> tuple[np.ndarray, np.ndarray]:
    """mu and sigma^2 of q(z | drawing), both (n, N_z), in the set's order."""
    mu, variance = (np.empty((len(sketches), vae.latent_size)) for _ in range(2))
    with evaluating(vae):
        for index, batch in _batches(vae, sketches):
            at, log_var = vae.encode(batch)
            mu[index], variance[index] = at.double().cpu(), torch.exp(log_var.double()).cpu()
    return mu, variance


def _batches(vae: SketchVAE, sketches: SketchSet, size: int = 250) -> Iterator[tuple[np.ndarray, Batch]]:
    # Drawings of like length together; each batch with the places of its drawings in the set.
    device, order = next(vae.parameters()).device, np.argsort(sketches.lengths, kind="stable")
    for index in np.split(order, range(size, len(order), size)):
        yield index, make_batch(sketches, index, vae.scale).to(device)


@checked
def kl_nats(mu: Means, variance: Variances) -> np.ndarray:
    """KL(q || N(0, I)) of each drawing, nats (n,), from `latent_clouds`. At a floor it proves nothing."""
    _check_clouds(mu, variance)
    return 0.5 * (variance + mu**2 - 1 - np.log(variance)).sum(1)


def _check_clouds(mu: np.ndarray, variance: np.ndarray) -> None:
    if mu.shape != variance.shape:
        raise DataError(f"means of shape {mu.shape} and variances of shape {variance.shape}: give both of the same clouds")


@checked
def active_units(mu: np.ndarray, threshold: Tolerance = 0.01) -> np.ndarray:
    """Mask (N_z,) of the units in use: those whose mean varies over drawings with a variance above `threshold`.

    `mu` (n, N_z): the encoder's means. Raises `DataError` for fewer than two drawings. Source: Burda et al. (2016), section 5.
    """
    return check_features(mu, 2, "latent means").var(0, ddof=1) > threshold


@checked
def aggregate(mu: Means, variance: Variances) -> dict[str, float]:
    """How far the clouds of all drawings together are from the prior N(0, I) that sketches are drawn from.

    `mean`: the root mean square of the units' means, 0 for the prior. `least`, `most`: the smallest and the largest variance of a unit, 1
    for the prior. `kl`: nats from the Gaussian with the clouds' mean and covariance to the prior; with few drawings for N_z it is too
    high. Raises `DataError` for fewer than two drawings. `mu`, `variance` (n, N_z): of `latent_clouds`.
    """
    _check_clouds(mu := check_features(mu, 2, "latent means"), variance)
    mean, covariance = mu.mean(0), np.atleast_2d(np.cov(mu, rowvar=False)) + np.diag(variance.mean(0))
    kl = 0.5 * (np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1])
    spread = np.diag(covariance)
    return {"mean": float(np.sqrt((mean**2).mean())), "least": float(spread.min()), "most": float(spread.max()), "kl": float(kl)}


@checked
@torch.no_grad()
def costs_told(vae: SketchVAE, sketches: Filled, z: Means) -> np.ndarray:
    """Nats (n,) on the grid of drawings whose z (n, N_z) the decoder is told; what telling it costs, L_KL, is left out."""
    if z.shape != (shape := (len(sketches), vae.latent_size)):
        raise DataError(f"z of shape {z.shape}: expected {shape}, one row a drawing")
    out = np.empty(len(sketches))
    with evaluating(vae):
        for index, batch in _batches(vae, sketches):
            told = torch.as_tensor(z[index], dtype=batch.x.dtype, device=batch.x.device)
            out[index] = on_grid(vae(batch, told), batch, 1 / vae.scale).cpu()
    return out


@checked
def code_costs(vae: SketchVAE, sketches: SketchSet) -> tuple[np.ndarray, np.ndarray]:
    """Nats (n,) on the grid of each drawing with its own mu, and with that of the drawing before it in the set.

    Alike where the decoder does not heed z. A decoder may also pay for another's z without gaining by its own, so hold the first beside
    what a model without z asks for the same drawings. Raises `DataError` for fewer than two drawings.
    """
    if len(sketches) < 2:
        raise DataError(f"{len(sketches)} drawings: 2 or more are needed, to give each the code of another")
    mu, _ = latent_clouds(vae, sketches)
    return costs_told(vae, sketches, mu), costs_told(vae, sketches, np.roll(mu, 1, axis=0))


@checked
def code_worth(vae: SketchVAE, sketches: SketchSet, seed: Seed = 0) -> Interval:
    """What a drawing's own z saves over another's, nats a drawing on the grid, with an interval; see `code_costs`. Chapters 5, 8, 12."""
    own, other = code_costs(vae, sketches)
    return bootstrap(np.mean, other - own, seed=seed)


@checked
def blurred(drawings: Sequence[Drawing], size: Side = SIZE, sigma: Annotated[float, between(0, 100)] = BLUR) -> np.ndarray:
    """Drawings as blurred pictures (n, size^2), each fitted to the frame; `sigma`: deviation of the blur, pixels. NaN for an empty one."""
    out, whole = np.full((len(drawings), size * size), np.nan), [i for i, one in enumerate(drawings) if one.strokes]
    pictures = rasterise([drawings[i] for i in whole], size).numpy()[:, 0]
    out[whole] = gaussian_filter(pictures, (0, sigma, sigma)).reshape(len(whole), size * size)
    return out


@checked
def apart(drawings: Sequence[Drawing], others: Sequence[Drawing]) -> np.ndarray:
    """Distances (n, m) of blurred pictures; infinite where a drawing is empty."""
    return np.nan_to_num(cdist(blurred(drawings), blurred(others)), nan=np.inf)


@checked
def among_nearest(drawings: Sequence[Drawing], again: Sequence[Drawing], share: Share = NEAREST) -> np.ndarray:
    """Whether each reconstruction's own drawing is among the nearest `share` of all the `drawings`, bool (n,); by chance a `share` is.

    By distance of blurred pictures; an empty reconstruction is near to none. Raises `DataError` for sides of other lengths.
    """
    _check_partners(drawings, again)
    distances = apart(again, drawings)
    own, places = np.diag(distances), max(1, int(share * len(drawings) + 1e-9))
    return np.isfinite(own) & ((distances < own[:, None]).sum(1) < places)


def _check_partners(drawings: Sequence, again: Sequence) -> None:
    if len(drawings) != len(again):
        raise DataError(f"{len(drawings)} drawings and {len(again)} partners: give one for each")


@checked
def together(drawings: Sequence[Drawing], again: Sequence[Drawing], of: Literal["strokes", "points"]) -> np.ndarray:
    """What each pair of a drawing and its reconstruction adds to the correlation of a count, (n,): the mean is Pearson's coefficient.

    `of`: which number. 0 where either side's count does not vary. Raises `DataError` for sides of other lengths.
    """
    _check_partners(drawings, again)
    sides = [np.array([len(one.strokes) if of == "strokes" else one.n_points for one in side], float) for side in (drawings, again)]
    return np.prod([(side - side.mean()) / (side.std() or 1.0) for side in sides], axis=0)


@checked
def walks(vae: SketchVAE, frames: Sequence[Codes], temperature: float = TEMPERATURE, seed: Seed = 0) -> list[list[Drawing]]:
    """Each of some frames z (n, N_z) drawn with the same noise, so that row i changes from frame to frame by z alone."""
    return [sample(vae, vae.classes[0], len(z), temperature, seed, z=z) for z in frames]


@checked
def ends_kept(vae: SketchVAE, pairs: Pairs, temperature: float = TEMPERATURE, seed: Seed = 0) -> np.ndarray:
    """Whether both ends of the walk between two drawings look more like their own drawing than like the other one, bool (pairs,).

    Both ends of a pair are drawn with the same noise. By distance of blurred pictures; by chance a quarter of the pairs do. Raises
    `DataError` for no pairs.
    """
    sides = list(zip(*pairs, strict=True))
    ends = walks(vae, [encode(vae, side) for side in sides], temperature, seed)
    nearer = [np.diag(apart(ends[i], sides[i])) < np.diag(apart(ends[i], sides[1 - i])) for i in (0, 1)]
    return nearer[0] & nearer[1]


@checked
def paired_distance(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Mean feature distance of row i to row i, and the same to all the other rows.

    `own`: between partners. `other`: between rows that do not belong together. `ratio`: own over other, 0 for a perfect
    reconstruction and 1 for one that ignores its drawing. Raises `DataError` for fewer than two rows, or sides of other lengths.
    """
    first, second = check_pair(first, second, 2)
    _check_partners(first, second)
    distances = np.linalg.norm(first[:, None] - second[None], axis=-1)
    own, n = float(np.trace(distances)), len(first)
    other = float(distances.sum() - own) / (n * (n - 1))
    return {"own": own / n, "other": other, "ratio": own / n / other if other > 0 else float("nan")}
