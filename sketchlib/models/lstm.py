"""One pass of an LSTM over all rows of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MULTIPLE = 8  # of which the numbers of a row are made one: bfloat16 reads an odd width up to twice as slowly (LOG.md)


def read_rows(lstm: nn.LSTM, rows: Tensor, state: tuple[Tensor, Tensor] | None = None, recurrent: Tensor | None = None) -> Tensor:
    """h (B, T, H) of a one-layer LSTM after each of the rows (B, T, C), from `state` h and c, each (B, H): `lstm` itself, faster.

    Columns of zeros widen the rows and what they are multiplied with, which changes no sum. `state` None: zeros. `recurrent` (4H, H):
    in place of the weights of h.
    """
    h, c = state or [rows.new_zeros(rows.shape[0], lstm.hidden_size)] * 2
    missing = -lstm.input_size % MULTIPLE
    recurrent = lstm.weight_hh_l0 if recurrent is None else recurrent
    weights = [F.pad(lstm.weight_ih_l0, (0, missing)), recurrent, lstm.bias_ih_l0, lstm.bias_hh_l0]
    layers, dropout, both_ways, batch_first = 1, 0.0, False, True
    first = h[None].contiguous(), c[None].contiguous()
    return torch.lstm(F.pad(rows, (0, missing)), first, weights, True, layers, dropout, lstm.training, both_ways, batch_first)[0]
