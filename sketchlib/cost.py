"""What training and drawing cost: arithmetic counted from the weights, seconds measured, and the line that joins them. Chapter 11."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from .dataset import SketchSet, batch_order, make_batch
from .strokes import DataError

FORWARD, TRAINING = 2, 6  # operations a weight and a row: multiply and add; backward does it twice more, for input and weight


def weights_per_row(model: nn.Module) -> int:
    """Weights that every row of a drawing is multiplied with: those of the LSTMs and of the head, without biases."""
    parts = [m for m in model.modules() if isinstance(m, nn.LSTM)] + [model.decoder.fc_params]
    return sum(p.numel() for part in parts for p in part.parameters() if p.ndim == 2)


def training_flops(model: nn.Module, rows: int) -> int:
    """Floating point operations of one training step over `rows` real rows (the end rows counted too)."""
    return TRAINING * weights_per_row(model) * rows


def step_seconds(model: nn.Module, sketches: SketchSet, batch_size: int, steps: int = 4, seed: int = 0) -> tuple[float, float]:
    """(seconds, real rows) of a training step's forward and backward pass: medians over `steps` batches after one to warm up.

    Raises `DataError` where the set has too few drawings for these batches.
    """
    order = batch_order(sketches.lengths, batch_size, seed, 0)[: steps + 1]
    if len(order) <= steps:
        raise DataError(f"{len(sketches)} drawings make {len(order)} batches of {batch_size}; {steps + 1} are needed")
    seconds, rows = [], []
    for index in order:
        batch = make_batch(sketches, index, model.scale)
        began = time.perf_counter()
        model.terms(batch)["loss"].backward()
        seconds.append(time.perf_counter() - began)
        rows.append(int(batch.lengths.sum()) + len(batch))
        model.zero_grad(set_to_none=True)
    return float(np.median(seconds[1:])), float(np.median(rows[1:]))


def product_rate(batch: int, size: int = 512, repeats: int = 20) -> float:
    """Floating point operations a second of the product (batch, size) x (size, 4 size), the LSTM's, on this machine."""
    a, b = torch.ones(batch, size), torch.ones(size, 4 * size)
    a @ b
    began = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return 2 * batch * size * 4 * size * repeats / (time.perf_counter() - began)


def line(x, y) -> tuple[float, float]:
    """(slope, intercept) of the least-squares line through the points, relative errors weighed alike, neither below 0."""
    from scipy.optimize import nnls

    x, y = np.asarray(x, float), np.asarray(y, float)
    (slope, intercept), _ = nnls(np.stack([x / y, 1 / y], -1), np.ones(len(y)))
    return float(slope), float(intercept)
