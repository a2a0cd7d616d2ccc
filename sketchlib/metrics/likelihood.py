"""What drawings cost under a model on the data's grid, in nats: exact for the single model, bounded for the VAEs. Chapters 3 and 8."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..arguments import Count, Number, Seed, checked
from ..data.batches import Batch, make_batch
from ..data.dataset import SketchSet
from ..errors import DataError
from ..models.decoder import reconstruction
from ..models.mixture import Mixture, cell_nll, pen_nll, split_parameters
from ..models.router import Router
from ..models.vae import kl_divergence


@dataclass(frozen=True, eq=False)
class Costs:
    """Nats of every drawing of a set, (n,) each, in the set's order.

    `grid`: what its movements cost on the data's grid, each the cell of one data unit that it lies in, and its pen states. `l_kl`: L_KL, 0
    for the single model. `iw`: the negative importance-weighted bound on the grid, NaN where no samples were asked for, `grid` for the
    single model. `l_r`: L_S + L_P as a density in normalised units, for the paper's figure alone. `points`: N. `n_max`: the model's.
    """

    grid: np.ndarray
    l_kl: np.ndarray
    iw: np.ndarray
    l_r: np.ndarray
    points: np.ndarray
    n_max: np.ndarray

    @property
    def elbo(self) -> np.ndarray:
        """The cost (n,) on the grid, of a VAE its bound by one z: `grid` + `l_kl`."""
        return self.grid + self.l_kl

    def means(self) -> dict[str, float]:
        """Means over the drawings, or over their points, in nats.

        `per_sketch`, `per_point`: `elbo`, on the grid. `l_kl`: L_KL a sketch. `paper`: L_R divided by N_max, a density in normalised
        units, as the paper prints it. `n`, `points`: the numbers averaged over. `iw_per_sketch`, `iw_per_point`: the importance-weighted
        bound on the grid, where it was asked for. Chapter 8c.
        """
        n, points = len(self.points), float(self.points.sum())
        elbo, iw = float(self.elbo.sum()), float(self.iw.sum())
        out = {"per_sketch": elbo / n, "per_point": elbo / points, "l_kl": float(self.l_kl.mean())}
        out |= {"paper": float((self.l_r / self.n_max).mean()), "n": n, "points": int(points)}
        return out | ({"iw_per_sketch": iw / n, "iw_per_point": iw / points} if math.isfinite(iw) else {})


def on_grid(raw: Tensor, batch: Batch, side: float) -> Tensor:
    """Nats (B,) of each drawing on the data's grid: `cell_nll` of its N points, and L_P of these and the end row, in float64.

    `raw` (B, T, 6M + 3): predictions for the rows batch.x[:, 1:]. `side`: of a cell in normalised units, 1 / scale.
    """
    target, mixture, drawn = batch.x[:, 1:], split_parameters(raw), batch.drawn
    pen = (pen_nll(mixture, target[..., 2:]).double() * batch.decided).sum(1)
    cells = cell_nll(Mixture(*(part[drawn] for part in mixture)), *target[drawn][:, :2].unbind(-1), side)  # padding costs time too
    return pen.index_add(0, drawn.nonzero()[:, 0], cells)


@checked
def costs(model: nn.Module | Router, sketches: SketchSet, seed: Seed = 0, batch_size: Number = 250, samples: Count = 0) -> Costs:
    """The cost of every drawing of a set under a model; `samples` K > 0 also gives the importance-weighted bound of a VAE.

    For the single model the cost is exact; for a VAE `elbo` bounds it from above, and the importance-weighted bound lies between.
    Classes are matched by name. A Router costs each drawing under its own class's model; a single VAE costs whatever it is given.
    Raises `DataError` for an unknown class, no drawings, an empty one, or K below 0. Source: Ha and Eck (2017), equation 9;
    Burda et al. (2016), equation 8.
    """
    if samples < 0 or not len(sketches) or sketches.lengths.min() < 1:
        shortest = int(sketches.lengths.min(initial=0))
        found = f"{len(sketches)} drawings, the shortest of {shortest} rows, K = {samples}"
        raise DataError(f"{found}: expected at least one drawing, none empty, and K of 0 or more; purify the set first")
    out = Costs(*(np.full(len(sketches), np.nan) for _ in range(6)))
    for one, index in _owners(model, sketches):
        _fill(out, one, sketches, index, seed, batch_size, samples)
    return out


def _owners(model, sketches: SketchSet):
    """(model, drawings that it scores): each class's drawings go to its model, all to the one where there is but one."""
    of_label = {label: model.for_class(sketches.classes[label]) for label in np.unique(sketches.labels)}
    labels = {one: [label for label, other in of_label.items() if other is one] for one in of_label.values()}
    return [(one, np.flatnonzero(np.isin(sketches.labels, own))) for one, own in labels.items()]


def _fill(out: Costs, model, sketches: SketchSet, index: np.ndarray, seed: int, batch_size: int, samples: int) -> None:
    sketches = model.as_known(sketches)
    device = next(model.parameters()).device
    out.points[index], out.n_max[index] = sketches.lengths[index], model.n_max
    index = index[np.argsort(sketches.lengths[index], kind="stable")]
    with torch.no_grad(), evaluating(model):
        for part in np.split(index, range(batch_size, len(index), batch_size)):
            batch = make_batch(sketches, part, model.scale).to(device)
            draws = _noise(seed, part, max(samples, 1), model.latent_size) if model.latent_size else None
            found = _nats(model, batch, None if draws is None else draws.to(device), samples)
            out.grid[part], out.l_kl[part], out.iw[part], out.l_r[part] = (value.double().cpu().numpy() for value in found)


def _noise(seed: int, index: np.ndarray, samples: int, latent_size: int) -> Tensor:
    """Standard normal (K, B, N_z), each drawing's from a stream of its own, so that the batch size does not matter."""
    streams = (np.random.default_rng([seed, int(i)]) for i in index)
    rows = [stream.standard_normal((samples, latent_size), dtype=np.float32) for stream in streams]
    return torch.from_numpy(np.stack(rows, axis=1))


@contextmanager
def evaluating(model):
    """The model in evaluation mode (no dropout) for a while."""
    training = model.training
    model.eval()
    try:
        yield model
    finally:
        model.train(training)


def _nats(model, batch: Batch, noise: Tensor | None, samples: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # Grid, L_KL, the importance-weighted bound, and L_R.
    if noise is None:
        raw = model(batch)
        exact = on_grid(raw, batch, 1 / model.scale)
        return exact, torch.zeros_like(exact), exact, sum(reconstruction(raw, batch))
    mu, log_var = model.encode(batch)
    raw = model(batch, mu + torch.exp(log_var / 2) * noise[0])
    grid = on_grid(raw, batch, 1 / model.scale)
    iw = torch.full_like(grid, math.nan)
    if samples:
        iw = -importance_bound(lambda z: -on_grid(model(batch, z), batch, 1 / model.scale), mu, log_var, noise)
    return grid, kl_divergence(mu.double(), log_var.double()), iw, sum(reconstruction(raw, batch))


def importance_bound(log_likelihood: Callable[[Tensor], Tensor], mu: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x), (B,), with z_k = mu + sigma * noise_k: a lower bound of log p(x) on average.

    `log_likelihood`: z (B, N_z) -> log p(x | z) (B,). `mu`, `log_var` (B, N_z): q. `noise` (K, B, N_z): standard normal. K = 1 is the
    evidence lower bound on average; it tightens with K. Source: Burda et al. (2016), equation 8.
    """
    weights = []
    for e in noise:
        z = mu + torch.exp(log_var / 2) * e
        # log p(z) - log q(z | x); the two terms (N_z / 2) log 2 pi cancel.
        ratio = 0.5 * (e.double() ** 2 + log_var.double() - z.double() ** 2).sum(-1)
        weights.append(log_likelihood(z).double() + ratio)
    return torch.logsumexp(torch.stack(weights), 0) - math.log(len(noise))
