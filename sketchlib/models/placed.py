"""The single model whose LSTM also sees where the pen is: rows alone say only how it moves. Chapter 13b."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .decoder import Decoder
from .decoder import State as LSTMState
from .single import ConditionalDecoder

WAVELENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)  # of the waves that tell a place, normalised units; a drawing is some 8 wide
STROKES = 8.0  # the number of strokes that counts as 1
PLACE_SIZE = 3 + 4 * len(WAVELENGTHS)


def pen_after(rows: Tensor) -> Tensor:
    """How each row (..., 5) moves the pen on, (..., 3): x and y, and strokes ended. Summed over the rows: where the pen is."""
    return torch.cat([rows[..., :2], rows[..., 3:4]], -1)


def place_features(pen: Tensor) -> Tensor:
    """Features (..., 23) of the pen's place and the number of the stroke (..., 3): as they are, and waves of the place."""
    x_y, strokes = pen[..., :2], pen[..., 2:]
    angles = torch.cat([2 * math.pi / length * x_y for length in WAVELENGTHS], -1)
    return torch.cat([x_y / WAVELENGTHS[-1], strokes / STROKES, torch.sin(angles), torch.cos(angles)], -1)


class State(NamedTuple):
    """The LSTM's state, as in `decoder.State`, and the pen (B, 3): x and y, normalised units, and strokes ended."""

    h: Tensor
    c: Tensor
    bias: Tensor
    from_row: Tensor
    from_state: Tensor
    pen: Tensor

    def keep(self, rows: Tensor) -> State:
        """The state of these rows of the batch only: indices (n,)."""
        return self._replace(h=self.h[rows], c=self.c[rows], bias=self.bias[rows], pen=self.pen[rows])


class PlacedDecoder(Decoder):
    """The LSTM decoder, which reads with each row where the pen is after it, and how many strokes have ended."""

    row_size = 5 + PLACE_SIZE

    def seen(self, rows: Tensor) -> Tensor:
        """What the LSTM reads of rows (B, T, 5), (B, T, 28): each row and the place to which it leads."""
        return torch.cat([rows, place_features(pen_after(rows).cumsum(1))], -1)

    def start(self, condition: Tensor) -> State:
        """The state before S_0 of drawings with these conditions (B, C)."""
        return State(*super().start(condition), condition.new_zeros(condition.shape[0], 3))

    def step(self, row: Tensor, state: State) -> tuple[Tensor, State]:
        """Parameters (B, 6M + 3) of the row that follows `row` (B, 5), and the state after it: `forward`, one row at a time."""
        *lstm, pen = state
        pen = pen + pen_after(row)
        raw, after = super().step(torch.cat([row, place_features(pen)], -1), LSTMState(*lstm))
        return raw, State(*after, pen)


class ConditionalPlacedDecoder(ConditionalDecoder):
    """The single model with a `PlacedDecoder`; arguments and defaults as in `ConditionalDecoder`. Chapter 13b."""

    decoder_kind = PlacedDecoder
