"""What z must tell besides how to draw: where a drawing's ink is, and how many points and strokes it has. In training only; chapter 5."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..data.batches import Batch

SIDE, BLUR = 12, 0.8  # of the picture: fields a side, and deviation of the blur, fields
MARGIN = 0.05  # left free on each side, of the drawing's longer side
PARTS = 4  # of a line whose middles carry its ink
DARK = 3.0  # how dark a line is: ink of a length l, in longer sides, leaves exp(-DARK l) of a field white
OFF_INK, OFF_COUNTS = 0.3, 0.1  # deviations that are allowed for: of the ink of a field, of the logarithms of numbers
HIDDEN = 256
USUAL = (0.2, math.log(40), math.log(6))  # ink, points and strokes that are told of every drawing before anything is learned


def outline(batch: Batch) -> Tensor:
    """What is to be told of each drawing, (B, SIDE^2 + 2): the ink in 0 to 1 of each field, then the logarithms of two numbers.

    The drawing is fitted to the square, centred, aspect kept, and blurred, so that neither its size nor its place counts. The numbers
    are those of its points and of its strokes.
    """
    moves, lifted = batch.x[..., :2].float(), batch.x[..., 3].float()  # S_0 is where the first line begins
    real = torch.arange(moves.shape[1], device=moves.device) <= batch.lengths[:, None]
    places = moves.cumsum(1)
    low, high = (torch.where(real[..., None], places, sign * torch.inf) for sign in (1, -1))
    low, high = low.amin(1, keepdim=True), high.amax(1, keepdim=True)
    places = (places - (low + high) / 2) / (high - low).amax(2, keepdim=True).clamp(min=1e-6)  # within +- 1/2
    lines = places.diff(dim=1)
    drawn = lines.norm(dim=-1) * (real[:, 1:] & (lifted[:, :-1] < 0.5))  # lengths; 0 where the pen was lifted
    share = (torch.arange(PARTS, device=moves.device) + 0.5) / PARTS
    middles = (places[:, :-1, None] + lines[:, :, None] * share[:, None]).flatten(1, 2)  # (B, T * PARTS, 2)
    ink = (drawn / PARTS).repeat_interleave(PARTS, 1)
    fields = (1 + 2 * MARGIN) * ((torch.arange(SIDE, device=moves.device) + 0.5) / SIDE - 0.5)
    width = BLUR * (1 + 2 * MARGIN) / SIDE
    x, y = (torch.exp(-0.5 * ((middles[..., i, None] - fields) / width) ** 2) for i in (0, 1))
    picture = 1 - torch.exp(-DARK * torch.einsum("bn,bny,bnx->byx", ink, y, x).flatten(1))
    strokes = (lifted * real).sum(1).clamp(min=1)
    return torch.cat([picture, torch.log(torch.stack([batch.lengths, strokes], 1))], 1)


def pictures(outlines: Tensor) -> Tensor:
    """The ink of outlines (B, SIDE^2 + 2) as pictures (B, 1, SIDE, SIDE), ink 1 on paper 0."""
    return outlines[:, :-2].detach().clamp(0, 1).reshape(-1, 1, SIDE, SIDE)


class Outline(nn.Module):
    """Two layers that tell the `outline` of a drawing from what its decoder is told, (B, C)."""

    def __init__(self, condition_size: int):
        super().__init__()
        self.read, self.say = nn.Linear(condition_size, HIDDEN), nn.Linear(HIDDEN, SIDE**2 + 2)
        nn.init.zeros_(self.say.weight)  # a wild first guess would drive out of z what an encoder has learned to tell
        ink, *numbers = USUAL
        nn.init.constant_(self.say.bias, ink)
        self.say.bias.data[-2:] = torch.tensor(numbers)

    def forward(self, condition: Tensor) -> Tensor:
        """The outlines (B, SIDE^2 + 2) of conditions (B, C)."""
        return self.say(torch.relu(self.read(condition)))

    def nats(self, condition: Tensor, batch: Batch) -> Tensor:
        """How far off each drawing is told, (B,): nats of normal numbers of the deviations allowed for, but for a constant."""
        off = self(condition).float() - outline(batch)
        return 0.5 * ((off[:, :-2] / OFF_INK) ** 2).sum(1) + 0.5 * ((off[:, -2:] / OFF_COUNTS) ** 2).sum(1)

    @torch.no_grad()
    def copy_from(self, other: Outline, condition: Tensor | None = None) -> None:
        """Tell what another one does; with a `condition` (E,), the end of the other's, what it tells under that one."""
        weight, bias = other.read.weight, other.read.bias
        if condition is not None:
            weight, bias = weight[:, : -len(condition)], bias + weight[:, -len(condition) :] @ condition
        self.read.weight.copy_(weight)
        self.read.bias.copy_(bias)
        self.say.load_state_dict(other.say.state_dict())

    @torch.no_grad()
    def read_through(self, matrix: Tensor, offset: Tensor) -> None:
        """From now on, tell for a condition c (C,) what was told for `matrix` (C, C) c + `offset` (C,)."""
        self.read.bias += self.read.weight @ offset
        self.read.weight.copy_(self.read.weight @ matrix)
