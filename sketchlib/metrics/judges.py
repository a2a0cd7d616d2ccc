"""A second judge of another kind: a support vector machine that reads how much line of which direction lies where. Chapter 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated

import numpy as np

from ..arguments import SOME, checked
from ..strokes import Drawing
from .raster import fit_to_frame, segments
from .recogniser import check_classes

CELLS, DIRECTIONS = 8, 6  # of the frame, along a side; of lines, over a half turn
PIECES = 2  # pieces of line a cell's side


@checked
def direction_histograms(drawings: Annotated[Sequence[Drawing], SOME]) -> np.ndarray:
    """How much line of each direction lies in each part of a drawing's frame: float32 (n, 486), of length 1.

    Lines are cut into short pieces; each counts with its length, shared between the nearest corners of 8 x 8 cells and the nearest
    of six directions. The roots of these sums are taken, so that long lines do not drown short ones. No pixels, no order of strokes.
    Source: Dalal and Triggs (2005), with lines in place of gradients. Raises `DataError` for a drawing without points, or NaN or
    infinite ones.
    """
    lines = segments(drawings)
    ends = fit_to_frame(lines, CELLS, margin=0.5)
    way = ends[:, 1] - ends[:, 0]
    length = np.hypot(*way.T)
    pieces = np.maximum(1, np.ceil(PIECES * length).astype(np.int64))
    line = np.repeat(np.arange(len(ends)), pieces)
    along = (np.arange(len(line)) - (np.cumsum(pieces) - pieces)[line] + 0.5) / pieces[line]
    at = ends[line, 0] + along[:, None] * way[line] - 0.5
    turn = (np.arctan2(way[:, 1], way[:, 0]) / np.pi % 1 * DIRECTIONS)[line]
    place = np.column_stack([at, turn])
    low = np.floor(place).astype(np.int64)
    weight = np.maximum(length, 0.1)[line] / pieces[line]  # a dot counts a little
    sums = np.zeros((lines.n, CELLS + 1, CELLS + 1, DIRECTIONS))
    for corner in product((0, 1), repeat=3):
        share = np.abs(1 - np.array(corner) - (place - low)).prod(1)
        x, y, direction = (low + corner).T
        cell = lines.owner[line], np.clip(y, 0, CELLS), np.clip(x, 0, CELLS), direction % DIRECTIONS
        np.add.at(sums, cell, weight * share)
    roots = np.sqrt(sums.reshape(lines.n, -1))
    return (roots / np.linalg.norm(roots, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class SecondJudge:
    """`classes`, and the machine that tells their `direction_histograms` apart; `drawings`: how many it has seen."""

    classes: tuple[str, ...]
    machine: object
    drawings: int

    @checked
    def predict(self, drawings: Sequence[Drawing]) -> np.ndarray:
        """(n, classes): 1 for the class that a drawing is read as, 0 for the others. This judge has no probabilities."""
        return np.eye(len(self.classes))[self.machine.predict(direction_histograms(drawings))]


@checked
def train_second_judge(train: Mapping[str, Sequence[Drawing]]) -> SecondJudge:
    """A second judge of the classes of `train` (class -> drawings). The same drawings give the same judge.

    Raises `DataError` for fewer than two classes, or an empty one.
    """
    from sklearn.svm import SVC

    check_classes(train, train)
    labels = np.repeat(np.arange(len(train)), [len(members) for members in train.values()])
    histograms = direction_histograms([one for members in train.values() for one in members])
    return SecondJudge(tuple(train), SVC(C=10, gamma=2).fit(histograms, labels), len(labels))
