"""Class guidance: of several movements that a model proposes, prefer those that it would not make for another class. Chapter 7."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .mixture import Mixture, draw, invert, stroke_nll, temper
from .strokes import DataError

CANDIDATES = 8  # movements proposed at each step


class Rival(NamedTuple):
    """A decoder with the condition (B, C) of another class; `scale`: the unit of the drawing model over the rival's, both in data units."""

    decoder: object
    condition: Tensor
    scale: float = 1.0


def check_guidance(guidance: float, temperature: float, classes: Sequence[str]) -> None:
    """Raises `DataError` for a guidance below 0 or not finite, one without other classes, and one at temperature 0."""
    if not (0 <= guidance < float("inf")):
        raise DataError(f"guidance {guidance}: give 0 for none or a number above it (1: as much as the densities say)")
    if guidance and len(classes) < 2:
        raise DataError(f"guidance compares classes, and this model knows only {', '.join(classes)}: give the router, or guidance=0")
    if guidance and temperature == 0:
        raise DataError("guidance chooses among movements drawn at random: give a temperature above 0, or guidance=0")


class Noise(NamedTuple):
    """The random numbers of one step: `uniform` (B, K) and `normal` (B, K, 2) for the candidates, `choice` and `pen` (B,)."""

    uniform: Tensor
    normal: Tensor
    choice: Tensor
    pen: Tensor


def guided_draw(
    mixture: Mixture,
    rivals: Sequence[tuple[Mixture, float]],
    guidance: float,
    temperature: float,
    pen_temperature: float | None,
    noise: Noise,
) -> tuple[Tensor, Tensor]:
    """Movement (B, 2) and pen state index (B,); the pen is not guided.

    K candidates come from the mixture at a temperature. One is taken with weights (p / r)^guidance, where p is its density under the
    mixture and r its mean density under the rivals' (mixtures with their scales, as in `Rival`), both at temperature 1. Sources: Ho and
    Salimans (2022), classifier-free guidance, and Krause et al. (2021), who contrast classes in sequences of words; the candidates, which
    continuous movements need, are this library's. Chapter 7.
    """
    size, k = noise.uniform.shape
    several = Mixture(*(part.repeat_interleave(k, 0) for part in temper(mixture, temperature, pen_temperature)))
    uniform = torch.stack([noise.uniform, noise.pen[:, None].expand(-1, k)], -1)
    moves, pens = draw(several, uniform.reshape(-1, 2), noise.normal.reshape(-1, 2))
    moves, pens = moves.view(size, k, 2), pens.view(size, k)[:, 0]
    of_rivals = torch.stack([_log_density(rival, moves * scale) + 2 * math.log(scale) for rival, scale in rivals])
    score = _log_density(mixture, moves) - torch.logsumexp(of_rivals, 0) + math.log(len(rivals))
    taken = invert(F.log_softmax(guidance * score, -1), noise.choice)
    return moves[torch.arange(size, device=moves.device), taken], pens


def _log_density(mixture: Mixture, moves: Tensor) -> Tensor:
    """log p of movements (B, K, 2) under one mixture a row, (B, K)."""
    return -stroke_nll(Mixture(*(part[:, None] for part in mixture)), moves[..., 0], moves[..., 1])


def step_noise(steps: int, size: int, generator: torch.Generator, pen: Tensor) -> Noise:
    """The random numbers of all steps, each tensor with the step as its first axis, on the device of `pen` (steps, B)."""
    uniform = torch.rand(steps, size, CANDIDATES + 1, generator=generator).to(pen.device)
    normal = torch.randn(steps, size, CANDIDATES, 2, generator=generator).to(pen.device)
    return Noise(uniform[..., :-1], normal, uniform[..., -1], pen)
