"""What drawings cost under a model, in nats: exact for the single model, bounded for the VAEs. Chapter 8."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ..arguments import Count, Number, Seed, checked
from ..data.batches import Batch, make_batch
from ..data.dataset import SketchSet
from ..errors import DataError
from ..models.decoder import reconstruction
from ..models.router import Router
from ..models.vae import kl_divergence


@dataclass(frozen=True, eq=False)
class Costs:
    """Nats of every drawing of a set, (n,) each, in the set's order.

    `l_r`: L_S + L_P summed over the drawing, in normalised units. `l_kl`: L_KL, 0 for the single model. `iw`: the negative
    importance-weighted bound in normalised units, NaN where no samples were asked for, l_r for the single model. `points`: N.
    `unit`: log(scale^2) a point, which turns normalised units to data units. `n_max`: the model's.
    """

    l_r: np.ndarray
    l_kl: np.ndarray
    iw: np.ndarray
    points: np.ndarray
    unit: np.ndarray
    n_max: np.ndarray

    @checked
    def in_data_units(self, bound: Literal["elbo", "iw"] = "elbo") -> np.ndarray:
        """Nats (n,) in data units: `bound` "elbo" for L_R + L_KL, "iw" for the importance-weighted bound."""
        return (self.iw if bound == "iw" else self.l_r + self.l_kl) + self.points * self.unit

    def means(self) -> dict[str, float]:
        """Means over the drawings, or over their points, in nats.

        `per_sketch`, `per_point`: L_R + L_KL in data units, in which the scale factor does not matter. `per_sketch_scaled`,
        `per_point_scaled`: the same in normalised units. `paper`: L_R divided by N_max, in normalised units, as the paper prints
        it. `l_kl`: L_KL a sketch. `n`, `points`: the numbers averaged over. `iw_per_sketch`, `iw_per_point`: the importance-weighted
        bound in data units, where it was asked for. Chapter 8.
        """
        n, points = len(self.points), float(self.points.sum())
        scaled, data = float((self.l_r + self.l_kl).sum()), float(self.in_data_units().sum())
        out = {"per_sketch": data / n, "per_point": data / points}
        out |= {"per_sketch_scaled": scaled / n, "per_point_scaled": scaled / points}
        out |= {"paper": float((self.l_r / self.n_max).mean()), "l_kl": float(self.l_kl.mean()), "n": n, "points": int(points)}
        if np.isfinite(self.iw).all():
            iw = float(self.in_data_units("iw").sum())
            out |= {"iw_per_sketch": iw / n, "iw_per_point": iw / points}
        return out


@checked
def costs(model: nn.Module | Router, sketches: SketchSet, seed: Seed = 0, batch_size: Number = 250, samples: Count = 0) -> Costs:
    """The cost of every drawing of a set under a model; `samples` K > 0 also gives the importance-weighted bound of a VAE.

    For the single model the cost is exact; for a VAE L_R + L_KL bounds it from above, and the importance-weighted bound lies between.
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
    out.points[index], out.unit[index], out.n_max[index] = sketches.lengths[index], 2 * math.log(model.scale), model.n_max
    index = index[np.argsort(sketches.lengths[index], kind="stable")]
    with torch.no_grad(), evaluating(model):
        for part in np.split(index, range(batch_size, len(index), batch_size)):
            batch = make_batch(sketches, part, model.scale).to(device)
            draws = _noise(seed, part, max(samples, 1), model.latent_size) if model.latent_size else None
            found = _nats(model, batch, None if draws is None else draws.to(device), samples)
            out.l_r[part], out.l_kl[part], out.iw[part] = (value.double().cpu().numpy() for value in found)


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


def _nats(model, batch: Batch, noise: Tensor | None, samples: int) -> tuple[Tensor, Tensor, Tensor]:
    def cost(z=None):
        stroke, pen = reconstruction(model(batch) if z is None else model(batch, z), batch)
        return stroke.double() + pen.double()

    if noise is None:
        exact = cost()
        return exact, torch.zeros_like(exact), exact
    mu, log_var = model.encode(batch)
    l_r = cost(mu + torch.exp(log_var / 2) * noise[0])
    iw = -importance_bound(lambda z: -cost(z), mu, log_var, noise) if samples else torch.full_like(l_r, math.nan)
    return l_r, kl_divergence(mu.double(), log_var.double()), iw


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
