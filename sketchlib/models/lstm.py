"""One pass of an LSTM over all rows of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import DataError

MULTIPLE = 8  # of which rows get columns on a CPU: there bfloat16 pays up to three quarters more for an odd number (LOG.md)


def read_rows(lstm: nn.LSTM, rows: Tensor, state: tuple[Tensor, Tensor] | None = None, recurrent: Tensor | None = None) -> Tensor:
    """h (B, T, H) after each of the rows (B, T, C), by an LSTM of one layer that reads one way: what `lstm` itself gives.

    It begins with `state`, h and c, (B, H) each; None: zeros. `recurrent` (4H, H) takes the place of its recurrent weights. On a CPU
    columns of zeros widen the rows and the weights of the rows, which changes no sum. Raises `DataError` for rows of another width.
    """
    if rows.shape[-1] != lstm.input_size:
        raise DataError(f"rows of {rows.shape[-1]} numbers: this LSTM reads {lstm.input_size}")
    h, c = state or [rows.new_zeros(rows.shape[0], lstm.hidden_size)] * 2
    of_rows, recurrent = lstm.weight_ih_l0, lstm.weight_hh_l0 if recurrent is None else recurrent
    if missing := -lstm.input_size % MULTIPLE * (rows.device.type == "cpu"):
        rows, of_rows = F.pad(rows, (0, missing)), F.pad(of_rows, (0, missing))
    weights = [of_rows, recurrent, lstm.bias_ih_l0, lstm.bias_hh_l0]
    layers, dropout, both_ways, batch_first = 1, 0.0, False, True
    first = h[None].contiguous(), c[None].contiguous()
    return torch.lstm(rows, first, weights, True, layers, dropout, lstm.training, both_ways, batch_first)[0]
