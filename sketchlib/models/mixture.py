"""The density of the next point: M bivariate Gaussians for the pen's movement and three pen states.

Everything stays in log space: no probability is ever formed and then logged. Source: Ha and Eck (2017), equations 3 to 9;
Graves (2013), section 4.1. Chapter 3 derives it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import DataError

# sigma between 0.001 and 1100 normalised units and |rho| below 0.999: far outside what drawings need (the data's grid is about
# 0.03), yet every density stays finite in float32 even where a model collapses onto values that repeat exactly.
MAX_LOG_SIGMA = 7.0
MAX_ATANH_RHO = 3.8


class Mixture(NamedTuple):
    """Parameters of the density, each (..., M), and `pen_logits` (..., 3); sigma and rho as log sigma and atanh rho."""

    log_pi: Tensor
    mu_x: Tensor
    mu_y: Tensor
    log_sigma_x: Tensor
    log_sigma_y: Tensor
    atanh_rho: Tensor
    pen_logits: Tensor


def split_parameters(raw: Tensor) -> Mixture:
    """The head's output (..., 6M + 3) as a `Mixture`; raises `DataError` where its width is not 6M + 3."""
    n_mixtures, rest = divmod(raw.shape[-1] - 3, 6)
    if rest or n_mixtures < 1:
        raise DataError(f"a head of width {raw.shape[-1]}: expected 6 M + 3 with M at least 1")
    pi, mu_x, mu_y, s_x, s_y, rho, pen = raw.split([n_mixtures] * 6 + [3], dim=-1)
    s_x, s_y = (s.clamp(-MAX_LOG_SIGMA, MAX_LOG_SIGMA) for s in (s_x, s_y))
    return Mixture(F.log_softmax(pi, -1), mu_x, mu_y, s_x, s_y, rho.clamp(-MAX_ATANH_RHO, MAX_ATANH_RHO), pen)


def component_log_density(mixture: Mixture, dx: Tensor, dy: Tensor) -> Tensor:
    """log N(dx, dy | mu, sigma, rho) of each component, (..., M), for movements of shape (...).

    With r = atanh rho: 1 - rho^2 = 1 / cosh^2 r, so neither a square root nor a logarithm of 1 - rho^2 can fail.
    """
    z_x = (dx[..., None] - mixture.mu_x) * torch.exp(-mixture.log_sigma_x)
    z_y = (dy[..., None] - mixture.mu_y) * torch.exp(-mixture.log_sigma_y)
    rho = torch.tanh(mixture.atanh_rho)
    cosh = torch.cosh(mixture.atanh_rho)
    # (z_x - rho z_y)^2 + (1 - rho^2) z_y^2 is z_x^2 + z_y^2 - 2 rho z_x z_y written as a sum of squares: it cannot turn negative.
    distance = ((z_x - rho * z_y) * cosh) ** 2 + z_y**2
    return torch.log(cosh) - mixture.log_sigma_x - mixture.log_sigma_y - math.log(2 * math.pi) - distance / 2


def stroke_nll(mixture: Mixture, dx: Tensor, dy: Tensor) -> Tensor:
    """-log p(dx, dy) in nats at each point, shape (...): the terms of L_S, by log-sum-exp over the M components."""
    return -torch.logsumexp(mixture.log_pi + component_log_density(mixture, dx, dy), -1)


NODES = 4  # of the quadrature along x, Gauss and Legendre's: the probabilities of all cells sum to 1 within 1e-4


def cell_nll(mixture: Mixture, dx: Tensor, dy: Tensor, side: float) -> Tensor:
    """-log of the probability that the movement falls into the square of this `side` round (dx, dy), in nats, shape (...).

    The data's movements are whole numbers, so that with `side` one data unit (1 / scale) this is what a point on the data's grid costs. A
    probability is never above 1, so that other than with `stroke_nll` nothing is to be gained by a spike on each line of the grid.
    Computed in float64: along y in closed form, along x by quadrature over the share of the component that lies in the cell.
    """
    mixture = Mixture(*(part.double() for part in mixture))
    z_x, half_x = _standard(dx, mixture.mu_x, mixture.log_sigma_x, side)
    z_y, half_y = _standard(dy, mixture.mu_y, mixture.log_sigma_y, side)
    # Mirrored so that z_x <= 0: differences of the normal distribution are exact in its lower tail only.
    sign = torch.where(z_x > 0, -1.0, 1.0)
    z_x, rho = z_x * sign, torch.tanh(mixture.atanh_rho) * sign
    low, high = torch.special.ndtr(z_x - half_x), torch.special.ndtr(z_x + half_x)
    points, weights = (torch.from_numpy(part).to(z_x.device) for part in np.polynomial.legendre.leggauss(NODES))
    at = torch.special.ndtri(low[..., None] + (high - low)[..., None] * (points + 1) / 2)  # (..., M, NODES)
    cosh = torch.cosh(mixture.atanh_rho)[..., None]
    across = (z_y[..., None] - rho[..., None] * at) * cosh
    across, wide = -across.abs(), half_y[..., None] * cosh
    inside = torch.special.ndtr(across + wide) - torch.special.ndtr(across - wide)
    share = (high - low) * (torch.nan_to_num(inside) * weights / 2).sum(-1)
    # Some 37 sigma away all of this is 0: there the density at the cell's centre stands for the cell, which is less than the truth.
    far = component_log_density(mixture, dx.double(), dy.double()) + 2 * math.log(side)
    log_share = torch.where(share > 1e-250, torch.log(share.clamp(min=1e-250)), far)
    return -torch.logsumexp(mixture.log_pi + log_share, -1)


def _standard(at: Tensor, mu: Tensor, log_sigma: Tensor, side: float) -> tuple[Tensor, Tensor]:
    # A cell's centre and half its side along one axis, in deviations of each component, (..., M).
    return (at.double()[..., None] - mu) * torch.exp(-log_sigma), side / 2 * torch.exp(-log_sigma)


def pen_nll(mixture: Mixture, pen: Tensor) -> Tensor:
    """-log q of the pen state that happened, in nats, shape (...): the terms of L_P; `pen` (..., 3) is one-hot."""
    return -(pen * F.log_softmax(mixture.pen_logits, -1)).sum(-1)


def perplexity(mixture: Mixture) -> Tensor:
    """How many components are in use, shape (...): exp of the entropy of pi, 1 where one has all the weight, M where all are alike.

    Chapter 12.
    """
    return torch.exp(-(mixture.log_pi.exp() * mixture.log_pi).sum(-1))


def temper(mixture: Mixture, temperature: float, pen_temperature: float | None = None, softmax_temperature: float | None = None) -> Mixture:
    """The mixture at a temperature tau: logits of pi and q divided by tau, sigma^2 multiplied by tau.

    `softmax_temperature`: another one for the logits. `pen_temperature`: another one for q alone. Source: Ha and Eck (2017), equation 8.
    Raises `DataError` unless tau and that of q are above 0 (use `mode` for the limit 0). Chapter 7.
    """
    of_choices = temperature if softmax_temperature is None else softmax_temperature
    of_the_pen = of_choices if pen_temperature is None else pen_temperature
    if not (temperature > 0 and of_the_pen > 0):
        below = of_the_pen if temperature > 0 else temperature
        raise DataError(f"temperature {below}: it must be above 0 here (0 means greedy drawing, done by `mode`)")
    widen = math.log(temperature) / 2
    return mixture._replace(
        log_pi=F.log_softmax(mixture.log_pi / of_choices, -1),
        log_sigma_x=mixture.log_sigma_x + widen,
        log_sigma_y=mixture.log_sigma_y + widen,
        pen_logits=mixture.pen_logits / of_the_pen,
    )


def _pick(values: Tensor, component: Tensor) -> Tensor:
    return values.gather(-1, component[..., None]).squeeze(-1)


def draw(mixture: Mixture, uniform: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Movement (B, 2) and pen state index (B,) from given random numbers: `uniform` (B, 2) in [0, 1), `normal` (B, 2).

    Both choices invert a cumulative distribution and are clamped to the last index, so that rounding cannot step past it.
    """
    component = invert(mixture.log_pi, uniform[:, 0])
    pen = invert(F.log_softmax(mixture.pen_logits, -1), uniform[:, 1])
    rho = torch.tanh(_pick(mixture.atanh_rho, component))
    e_x, e_y = normal.unbind(-1)
    dx = _pick(mixture.mu_x, component) + torch.exp(_pick(mixture.log_sigma_x, component)) * e_x
    mixed = rho * e_x + torch.sqrt(1 - rho**2) * e_y
    dy = _pick(mixture.mu_y, component) + torch.exp(_pick(mixture.log_sigma_y, component)) * mixed
    return torch.stack([dx, dy], -1), pen


def invert(log_probability: Tensor, uniform: Tensor) -> Tensor:
    """The index (B,) at which the cumulative distribution of `log_probability` (B, M) passes `uniform` (B,), numbers in [0, 1)."""
    cumulative = log_probability.exp().cumsum(-1)
    # <= and not <: a uniform of exactly 0 must not pick a choice of probability 0.
    index = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(-1)
    return index.clamp(max=log_probability.shape[-1] - 1)


def mode(mixture: Mixture) -> tuple[Tensor, Tensor]:
    """The greedy choice: mean (B, 2) of the heaviest component and the likeliest pen state (B,); the limit of tau to 0."""
    component = mixture.log_pi.argmax(-1)
    movement = torch.stack([_pick(mixture.mu_x, component), _pick(mixture.mu_y, component)], -1)
    return movement, mixture.pen_logits.argmax(-1)
