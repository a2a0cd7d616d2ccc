"""What models cost: weights, arithmetic counted from them, seconds measured, and what a GPU would take. Chapters 6 and 11."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import nn

from ..arguments import SOME, Number, Seed, checked
from ..data.batches import batch_order, make_batch
from ..data.dataset import SketchSet
from ..errors import DataError
from ..files import trainings_before
from ..models.weights import save
from ..settings import Range, between

TRAINING = 6  # operations a weight and a row: multiply and add; backward does it twice more, for input and weight
DAY = 86_400  # seconds
Amount = Annotated[float, Range(lambda value: 0 < value < 1e30, "above 0 and below 1e30")]  # of drawings seen, also on many GPUs
Small = Annotated[int, between(1, 10_000)]
Positive = Annotated[np.ndarray, Range(lambda a: a.ndim == 1 and len(a) > 0 and ((a > 0) & (a < 1e30)).all(), "of one axis, all above 0")]


@checked
def parameters(part: nn.Module) -> int:
    """Parameters of a model or of a part of one."""
    return sum(p.numel() for p in part.parameters())


@checked
def memory(part: nn.Module) -> int:
    """Bytes that the parameters take in memory."""
    return sum(p.numel() * p.element_size() for p in part.parameters())


@checked
def on_disk(model: nn.Module, half: bool = False) -> int:
    """Bytes of the file that keeps a model, in float32 or in half precision."""
    with tempfile.TemporaryDirectory() as folder:
        save(model, path := Path(folder) / "model.safetensors", half=half)
        return path.stat().st_size


@checked
def bill(models: Annotated[Sequence[nn.Module], SOME], cards: Sequence[Mapping]) -> dict[str, float]:
    """What an architecture of one or more models costs: parameters, bytes on disk and in memory; and steps and seconds of training.

    What they started from is counted in, once where it is the same for several.
    """
    before = list({json.dumps(one, sort_keys=True): one for card in cards for one in trainings_before(card)}.values())
    return {
        "parameters": sum(map(parameters, models)),
        "steps": sum(one["steps"] for one in [*cards, *before]),
        "train_seconds": sum(one["train_seconds"] for one in [*cards, *before]),
        "disk": sum(map(on_disk, models)),
        "disk_half": sum(on_disk(model, half=True) for model in models),
        "memory_one_class": memory(models[0]),
        "memory_all": sum(map(memory, models)),
    }


@checked
def training_flops(model: nn.Module, rows: Number) -> int:
    """Floating point operations of one training step over `rows` real rows (the end rows counted too)."""
    return TRAINING * model.weights_per_row() * rows


@checked
def step_seconds(model: nn.Module, sketches: SketchSet, batch_size: Number, steps: Number = 4, seed: Seed = 0) -> tuple[float, float]:
    """(seconds, real rows) of a training step's forward and backward pass: medians over `steps` batches after one to warm up.

    A small set is gone through more than once. Raises `DataError` for a set without drawings.
    """
    if not len(sketches):
        raise DataError("no drawings to time a training step with: give a set with at least one")
    batches = (index for epoch in count() for index in batch_order(sketches.lengths, batch_size, seed, epoch))
    seconds, rows = [], []
    for index in islice(batches, steps + 1):
        batch = make_batch(sketches, index, model.scale)
        began = time.perf_counter()
        model.loss(model.parts(batch)).backward()
        seconds.append(time.perf_counter() - began)
        rows.append(int(batch.lengths.sum()) + len(batch))
        model.zero_grad(set_to_none=True)
    return float(np.median(seconds[1:])), float(np.median(rows[1:]))


@checked
def product_rate(batch: Small, size: Small = 512, repeats: Small = 20) -> float:
    """Floating point operations a second of the product (batch, size) x (size, 4 size), the LSTM's, on this machine."""
    a, b = torch.ones(batch, size), torch.ones(size, 4 * size)
    a @ b
    began = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return 2 * batch * size * 4 * size * repeats / (time.perf_counter() - began)


@checked
def line(x: Positive, y: Positive) -> tuple[float, float]:
    """(slope, intercept) of the least-squares line through the points, relative errors weighed alike, neither below 0."""
    from scipy.optimize import nnls

    if len(x) != len(y):
        raise DataError(f"{len(x)} places and {len(y)} values: give one for each")

    x, y = np.asarray(x, float), np.asarray(y, float)
    (slope, intercept), _ = nnls(np.stack([x / y, 1 / y], -1), np.ones(len(y)))
    return float(slope), float(intercept)


@dataclass(frozen=True)
class Gpu:
    """What is assumed of a GPU: operations a second that it reaches, seconds that a row of a batch waits for the one before, and bytes a
    second between two GPUs."""

    rate: float
    row: float
    link: float

    @checked
    def seconds(self, model: nn.Module, drawings: Amount, rows: Amount, batch: Number, gpus: Number = 1) -> float:
        """Seconds to train on `drawings` of `rows` rows each, in batches of `batch` split over `gpus`.

        Three floors, added: the arithmetic; the rows of a batch, one after the other; the gradients, exchanged once a step.
        """
        arithmetic = training_flops(model, 1) * rows * drawings / (self.rate * gpus)
        exchange = 2 * (gpus - 1) / gpus * memory(model) / self.link
        return arithmetic + drawings / batch * (rows * self.row + exchange)
