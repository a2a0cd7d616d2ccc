"""The decoder: one LSTM that draws, given one condition vector a drawing."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ..data.batches import Batch
from .mixture import pen_nll, split_parameters, stroke_nll


class Decoder(nn.Module):
    """One-layer LSTM that draws, given one condition vector a drawing.

    The condition sets h_0 and c_0 (`fc_init_hc`, tanh as in Ha and Eck 2017, section 3.2) and is concatenated to the row of
    every step; `fc_params` maps each state to the 6M + 3 parameters of the next row. `dropout` acts on the states that the head reads,
    `weight_dropout` on the recurrent weights, one mask a batch (Merity et al. 2018, section 2): it keeps the fast LSTM kernel. Chapter 4.
    """

    def __init__(self, condition_size: int, hidden_size: int, n_mixtures: int, dropout: float, weight_dropout: float = 0.0):
        super().__init__()
        self.fc_init_hc = nn.Linear(condition_size, 2 * hidden_size)
        self.lstm = nn.LSTM(5 + condition_size, hidden_size, batch_first=True)
        self.dropout, self.weight_dropout = nn.Dropout(dropout), weight_dropout
        self.fc_params = nn.Linear(hidden_size, 6 * n_mixtures + 3)

    def initial_state(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """h_0 and c_0, each (B, H), from the condition (B, C)."""
        return torch.tanh(self.fc_init_hc(condition)).chunk(2, dim=-1)

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        """Parameters (B, T, 6M + 3) of the rows that follow `rows` (B, T, 5)."""
        h, c = self.initial_state(condition)
        repeated = condition[:, None].expand(-1, rows.shape[1], -1)
        dropped = F.dropout(self.lstm.weight_hh_l0, self.weight_dropout, self.training)
        inputs = torch.cat([rows, repeated], -1), (h[None].contiguous(), c[None].contiguous())
        states, _ = functional_call(self.lstm, {"weight_hh_l0": dropped}, inputs)
        return self.fc_params(self.dropout(states)).float()  # the density is computed in float32 under autocast too


def reconstruction(raw: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Nats of each drawing, (B,) and (B,): L_S summed over its N points, L_P over these and the end row.

    `raw` (B, T, 6M + 3) are the predictions for the rows batch.x[:, 1:]. Rows of padding count in neither. The paper also sums L_P
    over the padding up to N_max; those terms teach nothing that drawing uses and are left out (chapter 3).
    """
    target = batch.x[:, 1:]
    mixture = split_parameters(raw)
    stroke = stroke_nll(mixture, target[..., 0], target[..., 1])
    pen = pen_nll(mixture, target[..., 2:])
    return (stroke * batch.drawn).sum(1), (pen * batch.decided).sum(1)
