"""Whether a model that saw few drawings knows them by heart. Chapter 16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from ..arguments import Share, checked
from ..data.dataset import SketchSet
from ..errors import DataError
from ..strokes import Drawing
from ..train import evaluate
from .diversity import near_copies
from .raster import rasterise

SIDE = 32  # pixels of the pictures that are compared
THICK = 3.0  # width of their lines, pixels: a line that is moved by one still covers most of the other
QUANTILE = 0.1  # of the drawings held out, how many are as near to a training drawing as what is called a near-copy


@dataclass(frozen=True, eq=False)
class ByHeart:
    """Two signs that drawings are known by heart.

    `train`, `held_out`: the loss on either part, nats a point, without augmentation; one that is much lower on what was trained on has
    learnt these drawings and not the class. `copies`: the share of sketches that are nearer to a training drawing than all but a
    `quantile` of the drawings held out are; a model that copies nothing has about that share. `index`: for each sketch the number of its
    nearest training drawing.
    """

    train: float
    held_out: float
    copies: float
    quantile: float
    index: np.ndarray

    @property
    def gap(self) -> float:
        """How much more a point of a drawing held out costs than one of a training drawing, nats."""
        return self.held_out - self.train


@checked
def pixels(drawings: Sequence[Drawing]) -> np.ndarray:
    """Pictures of drawings as rows (n, 1024), in which near ones have most ink in common; no recogniser knows a class of one's own."""
    return rasterise(drawings, SIDE, THICK).flatten(1).numpy()


@checked
def by_heart(model: nn.Module, train: SketchSet, held_out: SketchSet, sketches: Sequence[Drawing], quantile: Share = QUANTILE) -> ByHeart:
    """Compare the loss on both parts of the drawings, and sketches of the model with its training drawings.

    Raises `DataError` for a part or sketches without a drawing, and for sketches that have no point. Chapter 16.
    """
    if not len(train) or not len(held_out) or not len(sketches):
        raise DataError(f"{len(train)} drawings, {len(held_out)} held out, {len(sketches)} sketches: at least one of each is needed")
    shown = pixels(train.drawings())
    found = near_copies(pixels(sketches), shown, pixels(held_out.drawings()), quantile)
    losses = [evaluate(model, part)["loss"] for part in (train, held_out)]
    return ByHeart(*losses, found["share"], quantile, found["index"])
