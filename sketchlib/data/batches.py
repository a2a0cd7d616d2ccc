"""Batches of stroke-5 rows: made, ordered by length, altered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..distributed import ALONE, Ranks, Share
from .dataset import SketchSet

KEPT = 0.9  # the share of a point's straying that the next one has too: a hand comes back by and by


@dataclass(frozen=True, eq=False)
class Batch:
    """Drawings padded to the longest of this batch.

    `x` (B, T + 1, 5): stroke-5 in normalised units, S_0 first, then N rows, then end rows to the end.
    `lengths` (B,): N of each drawing. `labels` (B,): class indices. `share`: which part of a larger batch this is; None: a whole one.
    `astray` (B, T + 1, 2): how far off the drawing each point is that a decoder reads, normalised units; None: nowhere.
    """

    x: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor
    share: Share | None = None
    astray: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device) -> Batch:
        """The same batch on a device."""
        parts = {name: getattr(self, name) for name in ("x", "lengths", "labels", "astray")}
        return replace(self, **{name: sent(part, device) for name, part in parts.items() if part is not None})

    def random(self, draw: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """Random numbers for these drawings: `draw(n)` makes them, (n, ...), for n drawings.

        A share of a larger batch takes its rows from the numbers of the whole batch, so that these do not depend on how it was split.
        """
        return draw(len(self)) if self.share is None else self.share.of(draw(self.share.whole))

    @property
    def read(self) -> torch.Tensor:
        """The rows (B, T + 1, 5) that a decoder reads: those of the drawing, or, where it is led astray, of the points beside it."""
        return self.x if self.astray is None else _moved(self, self.astray).x

    @property
    def targets(self) -> torch.Tensor:
        """The rows (B, T, 5) to be predicted after each that is read: from a point that is astray on, and nearer the drawing."""
        if self.astray is None:
            return self.x[:, 1:]
        back = torch.where(self.drawn[..., None], (1 - KEPT) * self.astray[:, :-1], 0.0)
        return torch.cat([self.x[:, 1:, :2] - back, self.x[:, 1:, 2:]], -1)

    @property
    def drawn(self) -> torch.Tensor:
        """Mask (B, T) of the real points among the targets: where L_S counts."""
        return torch.arange(self.x.shape[1] - 1, device=self.x.device) < self.lengths[:, None]

    @property
    def decided(self) -> torch.Tensor:
        """Mask (B, T) of the real points and the one end row: where a pen state is decided."""
        return torch.arange(self.x.shape[1] - 1, device=self.x.device) <= self.lengths[:, None]


def sent(tensor: torch.Tensor, device) -> torch.Tensor:
    """The tensor on a device. What goes to a GPU is pinned first: then the copy runs while this process goes on."""
    pinned = tensor.pin_memory() if torch.device(device).type == "cuda" and tensor.device.type == "cpu" else tensor
    return pinned.to(device, non_blocking=True)


def make_batch(sketches: SketchSet, index, scale: float) -> Batch:
    """The drawings at `index` as one `Batch`, deltas divided by `scale`; no Python loop over drawings."""
    index = np.asarray(index)
    lengths = sketches.lengths[index]
    steps = np.arange(lengths.max() + 1)
    real = steps < lengths[:, None]  # (B, T)
    rows = np.asarray(sketches.points[(sketches.offsets[index][:, None] + steps)[real]], np.float32)
    x = np.zeros((len(index), len(steps) + 1, 5), np.float32)
    x[:, 0, 2] = 1  # S_0
    body = x[:, 1:]
    body[real, :2] = rows[:, :2] / np.float32(scale)
    body[real, 2], body[real, 3] = 1 - rows[:, 2], rows[:, 2]
    body[~real, 4] = 1
    labels = np.ascontiguousarray(sketches.labels[index])
    return Batch(torch.from_numpy(x), torch.from_numpy(lengths.astype(np.int64)), torch.from_numpy(labels))


def batch_order(lengths: np.ndarray, batch_size: int, seed: int, epoch: int, pool: int = 50) -> list[np.ndarray]:
    """The batches of one epoch as index arrays: every drawing once, drawings of like length together.

    Drawings are shuffled, each pool of `pool` batches is sorted by length and cut, and the batches are shuffled:
    padding all but vanishes while a batch stays a random one. A function of (seed, epoch) alone, so that a resumed
    run goes on with the same batches.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), pool * batch_size):
        part = order[start : start + pool * batch_size]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def batches(
    sketches: SketchSet,
    scale: float,
    batch_size: int = 100,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = True,
    pool: int = 50,
    ranks: Ranks = ALONE,
) -> Iterator[Batch]:
    """One pass over a set, in batches of drawings of like length (see `batch_order`).

    Without `shuffle` the whole set is sorted by length. On several `ranks`, this one gets its share of each batch.
    """
    if shuffle:
        order = batch_order(sketches.lengths, batch_size, seed, epoch, pool)
    else:
        by_length = np.argsort(sketches.lengths, kind="stable")
        order = [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
    for index in order:
        share = ranks.share(len(index))
        yield replace(make_batch(sketches, share.of(index), scale), share=share)


def augment(
    batch: Batch,
    generator: torch.Generator,
    stretch: float = 0.15,
    merge: float = 0.0,
    jitter: float = 0.0,
    longest: int = 0,
    rotate: float = 0.0,
    cell: float = 0.0,
    stray: float = 0.0,
) -> Batch:
    """Other drawings that a hand might have made as well.

    `merge`: the probability that a point inside a stroke is left out, its movement joined to the next. `jitter`: the standard deviation, in
    normalised units, by which each point is moved; the next movement goes on to where the following point is. `stretch`: x and y of
    every drawing are scaled by its own factors, uniform in 1 +- stretch. `rotate`: then it is turned by an angle of its own, uniform in +-
    rotate degrees. `cell`: the side of the square, in normalised units, in which each point is moved evenly, which undoes the rounding of
    the data's whole numbers where it is one data unit. `stray`: the points that are read leave the drawing by a random walk, each by `KEPT`
    times what the one before did and a normal random number more, whose deviation is uniform in 0 to `stray`, one a drawing; what is to be
    predicted after each leads back by the rest. `longest`: rows for which random numbers are drawn (at least
    the batch's own), so that they do not depend on which share of a batch this is.
    Source: Ha and Eck (2017), section 4 (stretch), and their code (merge); Theis et al. (2016), section 3.1 (cell); jitter, rotate and
    stray are this book's. Chapters 4 and 13b.
    """
    rows, device = max(longest, batch.x.shape[1]), batch.x.device
    factors = sent(1 + stretch * (2 * batch.random(lambda n: torch.rand(n, 1, 2, generator=generator)) - 1), device)
    if merge:
        chance = sent(batch.random(lambda n: torch.rand(n, rows, generator=generator)), device)
        batch = _merged(batch, chance[:, : batch.x.shape[1]] < merge)
    if jitter:
        noise = sent(batch.random(lambda n: torch.randn(n, rows, 2, generator=generator)), device)
        batch = _moved(batch, noise[:, : batch.x.shape[1]] * jitter)
    if cell:
        noise = sent(batch.random(lambda n: torch.rand(n, rows, 2, generator=generator)), device)
        batch = _moved(batch, (noise[:, : batch.x.shape[1]] - 0.5) * cell)
    x = batch.x.clone()
    x[:, :, :2] *= factors
    if rotate:
        angle = sent(math.radians(rotate) * (2 * batch.random(lambda n: torch.rand(n, 1, generator=generator)) - 1), device)
        cos, sin, (dx, dy) = torch.cos(angle), torch.sin(angle), x[..., :2].unbind(-1)
        x[..., :2] = torch.stack([cos * dx - sin * dy, sin * dx + cos * dy], -1)
    batch = replace(batch, x=x)
    if stray:
        deviation = sent(stray * batch.random(lambda n: torch.rand(n, 1, 1, generator=generator)), device)
        noise = sent(batch.random(lambda n: torch.randn(n, rows, 2, generator=generator)), device)[:, : x.shape[1]]
        steps, at = torch.where(_real(batch), deviation * noise, 0.0).unbind(1), [torch.zeros_like(noise[:, 0])]
        for step in steps[1:]:
            at.append(KEPT * at[-1] + step)
        batch = replace(batch, astray=torch.where(_real(batch), torch.stack(at, 1), 0.0))
    return batch


def _real(batch: Batch) -> torch.Tensor:
    # Mask (B, T + 1, 1) of the rows that are points of the drawing: neither S_0 nor those of the end.
    at = torch.arange(batch.x.shape[1], device=batch.x.device)
    return ((at > 0) & (at <= batch.lengths[:, None]))[..., None]


def _moved(batch: Batch, by: torch.Tensor) -> Batch:
    """The batch with its points, not the origin, moved by (B, T + 1, 2); the next movement goes on to where the following point is."""
    real = _real(batch)
    moves = batch.x[..., :2] + torch.where(real, torch.diff(by * real, dim=1, prepend=torch.zeros_like(by[:, :1])), 0.0)
    return replace(batch, x=torch.cat([moves, batch.x[..., 2:]], -1))


def _merged(batch: Batch, chosen: torch.Tensor) -> Batch:
    """The batch without those `chosen` (B, T + 1) points that lie inside a stroke: neither first nor last of it."""
    x, at = batch.x, torch.arange(batch.x.shape[1], device=batch.x.device)
    down = x[..., 2] > 0
    out = chosen & down & down.roll(1, 1) & (at > 1)
    order = torch.argsort(out.to(torch.int8), dim=1, stable=True)[..., None]  # those left out come last
    lengths = batch.lengths - out.sum(1)
    places, pens = x[..., :2].cumsum(1).gather(1, order.expand(-1, -1, 2)), x[..., 2:].gather(1, order.expand(-1, -1, 3))
    rest = torch.cat([torch.diff(places, dim=1, prepend=torch.zeros_like(places[:, :1])), pens], -1)
    end = torch.tensor([0, 0, 0, 0, 1.0], device=x.device)
    rest = torch.where((at <= lengths[:, None])[..., None], rest, end)
    return replace(batch, x=rest[:, : int(lengths.max()) + 2], lengths=lengths)
