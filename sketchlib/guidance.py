"""Class guidance: of several movements that a model proposes, prefer those that it would not make for another class. Chapter 7."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .errors import DataError
from .models.mixture import Mixture, draw, invert, stroke_nll, temper

CANDIDATES = 8  # movements proposed at each step
STRONGEST = 1000  # the highest guidance


class Rival(NamedTuple):
    """A decoder with the condition (B, C) of another class; `scale`: the unit of the drawing model over the rival's, both in data units."""

    decoder: nn.Module
    condition: Tensor
    scale: float = 1.0


def check_guidance(guidance: float, temperature: float) -> None:
    """Raises `DataError` for a guidance below 0 or above `STRONGEST`, and for one at temperature 0."""
    if not (0 <= guidance <= STRONGEST):
        raise DataError(f"guidance {guidance}: give 0 for none or a number above it (1: as much as the densities say)")
    if guidance and temperature == 0:
        raise DataError("guidance chooses among movements drawn at random: give a temperature above 0, or guidance=0")


def check_rivals(rivals: Sequence, classes: Sequence[str]) -> None:
    """Raises `DataError` where there is no other class to be guided away from."""
    if not len(rivals):
        raise DataError(f"guidance compares classes, and this model knows only {', '.join(classes)}: give the router, or guidance=0")


class Noise(NamedTuple):
    """The random numbers of one step: `uniform` (B, n) and `normal` (B, n, 2) for n candidates, `choice` and `pen` (B,)."""

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
    softmax_temperature: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Movement (B, 2), in the units of `mixture`, and pen state index (B,); the pen is not guided.

    `mixture` (B, M) is the drawing model's; `rivals` are mixtures (B, M) with their scales, as in `Rival`, at least one. n candidates
    come from the mixture at these temperatures, see `mixture.temper`. One is drawn with odds (p / r)^guidance, where p is its density
    under the mixture and r its mean density under the rivals', both at temperature 1. Raises `DataError` for a temperature not above 0.
    Sources: Ho and Salimans (2022), a ratio of conditional and unconditional densities; Krause et al. (2021), a contrast of classes; Rubin
    (1988), drawing by weight from proposals. Chapter 7.
    """
    size, n = noise.uniform.shape
    tempered = temper(mixture, temperature, pen_temperature, softmax_temperature)
    several = Mixture(*(part.repeat_interleave(n, 0) for part in tempered))  # (B n, M)
    uniform = torch.stack([noise.uniform, noise.pen[:, None].expand(-1, n)], -1)  # (B, n, 2)
    moves, pens = draw(several, uniform.reshape(-1, 2), noise.normal.reshape(-1, 2))
    moves, pens = moves.view(size, n, 2), pens.view(size, n)[:, 0]
    of_rivals = torch.stack([_log_density(rival, moves * scale) + 2 * math.log(scale) for rival, scale in rivals])  # (C - 1, B, n)
    score = _log_density(mixture, moves) - torch.logsumexp(of_rivals, 0)  # (B, n); log p / r but for a constant, log (C - 1)
    taken = invert(F.log_softmax(guidance * score, -1), noise.choice)
    return moves[torch.arange(size, device=moves.device), taken], pens


def _log_density(mixture: Mixture, moves: Tensor) -> Tensor:
    """log p of movements (B, n, 2) under one mixture a row, (B, n)."""
    return -stroke_nll(Mixture(*(part[:, None] for part in mixture)), moves[..., 0], moves[..., 1])


def step_noise(steps: int, size: int, generator: torch.Generator, pen: Tensor) -> Noise:
    """The random numbers of all steps, each tensor with the step as its first axis, on the device of `pen` (steps, B)."""
    uniform = torch.rand(steps, size, CANDIDATES + 1, generator=generator).to(pen.device)
    normal = torch.randn(steps, size, CANDIDATES, 2, generator=generator).to(pen.device)
    return Noise(uniform[..., :-1], normal, uniform[..., -1], pen)
