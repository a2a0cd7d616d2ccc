"""The gist of a drawing, which z may be taught to tell: a coarse picture, and how many points and strokes. An auxiliary loss; chapter 5."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..data.batches import Batch

SIDE, BLUR = 12, 0.8  # of the picture: pixels a side, and deviation of the blur, pixels
MARGIN = 0.05  # left free on each side, of the drawing's longer side
PARTS = 4  # of a line, in whose middles its ink lies: a line across the whole picture is a row of four blots
DARK = 3.0  # ink of a length l, in longer sides, leaves exp(-DARK l) of a pixel white
SIGMA_INK, SIGMA_COUNTS = 0.3, 0.1  # standard deviations of the auxiliary loss: of a pixel's ink, of the logarithms of the counts
HIDDEN = 256
USUAL = (0.2, math.log(40), math.log(6))  # ink, rows and strokes that are told of every drawing before anything is learned


def gist_of(batch: Batch) -> Tensor:
    """The gist of each drawing, (B, SIDE^2 + 2): the ink in 0 to 1 of each pixel, then the logarithms of two counts.

    The drawing is fitted to the square, centred, aspect kept, and blurred, so that neither its size nor its place counts. The counts
    are those of its rows and of its strokes.
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
    pixels = (1 + 2 * MARGIN) * ((torch.arange(SIDE, device=moves.device) + 0.5) / SIDE - 0.5)
    width = BLUR * (1 + 2 * MARGIN) / SIDE
    x, y = (torch.exp(-0.5 * ((middles[..., i, None] - pixels) / width) ** 2) for i in (0, 1))
    picture = 1 - torch.exp(-DARK * torch.einsum("bn,bny,bnx->byx", ink, y, x).flatten(1))
    strokes = (lifted * real).sum(1).clamp(min=1)
    return torch.cat([picture, torch.log(torch.stack([batch.lengths, strokes], 1))], 1)


def images(gists: Tensor) -> Tensor:
    """The ink of gists (B, SIDE^2 + 2) as pictures (B, 1, SIDE, SIDE), ink 1 on paper 0."""
    return gists[:, :-2].detach().clamp(0, 1).reshape(-1, 1, SIDE, SIDE)


class GistHead(nn.Module):
    """Two layers that tell the gist of a drawing from its condition, (B, C): the auxiliary head of a VAE. Drawing does not use it.

    Source: Lucas and Verbeek (2017) for an auxiliary loss that keeps a latent vector from being ignored; what is told is this
    book's.
    """

    def __init__(self, condition_size: int):
        super().__init__()
        self.read, self.say = nn.Linear(condition_size, HIDDEN), nn.Linear(HIDDEN, SIDE**2 + 2)
        nn.init.zeros_(self.say.weight)  # a wild first guess would drive out of z what an encoder has learned to tell
        ink, *counts = USUAL
        nn.init.constant_(self.say.bias, ink)
        self.say.bias.data[-2:] = torch.tensor(counts)

    def forward(self, condition: Tensor) -> Tensor:
        """The gists (B, SIDE^2 + 2) of conditions (B, C)."""
        return self.say(torch.relu(self.read(condition)))

    def nats(self, condition: Tensor, batch: Batch) -> Tensor:
        """The negative log-likelihood of each drawing's gist, (B,): Gaussians of fixed standard deviations, but for a constant."""
        off = self(condition).float() - gist_of(batch)
        return 0.5 * ((off[:, :-2] / SIGMA_INK) ** 2).sum(1) + 0.5 * ((off[:, -2:] / SIGMA_COUNTS) ** 2).sum(1)

    @torch.no_grad()
    def copy_from(self, other: GistHead, condition: Tensor | None = None) -> None:
        """Tell what another head does; with a `condition` (E,), the end of the other's, what it tells under that one."""
        weight, bias = other.read.weight, other.read.bias
        if condition is not None:
            before = weight.shape[1] - len(condition)
            weight, bias = weight[:, :before], bias + weight[:, before:] @ condition
        self.read.weight.copy_(weight)
        self.read.bias.copy_(bias)
        self.say.load_state_dict(other.say.state_dict())

    @torch.no_grad()
    def read_through(self, matrix: Tensor, offset: Tensor) -> None:
        """From now on, tell for a condition c (C,) what was told for `matrix` (C, C) c + `offset` (C,)."""
        self.read.bias += self.read.weight @ offset
        self.read.weight.copy_(self.read.weight @ matrix)
