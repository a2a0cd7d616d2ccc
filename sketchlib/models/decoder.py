"""The decoder: one LSTM that draws, given one condition vector a drawing."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.batches import Batch
from ..errors import DataError
from ..strokes import BOX
from .lstm import read_rows
from .mixture import pen_nll, split_parameters, stroke_nll


class State(NamedTuple):
    """How far the LSTM has come with each drawing of a batch: only `Decoder` looks into it, whoever draws may `keep` some rows.

    `h`, `c` (B, H). `bias` (B, 4H): the condition's share of the gates, the same at every step and so computed once. `from_row` (5, 4H)
    and `from_state` (H, 4H): the weights, laid out once for the product of a row.
    """

    h: Tensor
    c: Tensor
    bias: Tensor
    from_row: Tensor
    from_state: Tensor

    def keep(self, rows: Tensor) -> State:
        """The state of these rows of the batch only: indices (n,)."""
        return self._replace(h=self.h[rows], c=self.c[rows], bias=self.bias[rows])


class Decoder(nn.Module):
    """One-layer LSTM that draws, given one condition vector a drawing.

    The condition sets h_0 and c_0 (`fc_init_hc`, tanh as in Ha and Eck 2017, section 3.2) and is concatenated to the row of
    every step; `fc_params` maps each state to the 6M + 3 parameters of the next row. `dropout` acts on the states that the head reads,
    `weight_dropout` on the recurrent weights, one mask a batch (Merity et al. 2018, section 2): it keeps the fast LSTM kernel. Chapter 4.
    """

    row_size = 5  # numbers of a row that the LSTM reads
    box: float | None = BOX  # longer side of the drawings that it knows, data units; None: its file does not say

    def __init__(self, condition_size: int, hidden_size: int, n_mixtures: int, dropout: float, weight_dropout: float = 0.0):
        super().__init__()
        self.fc_init_hc = nn.Linear(condition_size, 2 * hidden_size)
        self.lstm = nn.LSTM(self.row_size + condition_size, hidden_size, batch_first=True)
        self.dropout, self.weight_dropout = nn.Dropout(dropout), weight_dropout
        self.fc_params = nn.Linear(hidden_size, 6 * n_mixtures + 3)

    def initial_state(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """h_0 and c_0, each (B, H), from the condition (B, C)."""
        return torch.tanh(self.fc_init_hc(condition)).chunk(2, dim=-1)

    def forward(self, rows: Tensor, condition: Tensor, at_start: Tensor | None = None) -> Tensor:
        """Parameters (B, T, 6M + 3) of the rows that follow `rows` (B, T, 5), given conditions (B, C).

        `at_start` (B, C): another condition for h_0 and c_0 alone.
        """
        state = self.initial_state(condition if at_start is None else at_start)
        repeated = condition[:, None].expand(-1, rows.shape[1], -1)
        dropped = F.dropout(self.lstm.weight_hh_l0, self.weight_dropout, self.training)
        states = read_rows(self.lstm, torch.cat([self.seen(rows), repeated], -1), state, dropped)
        return self.fc_params(self.dropout(states)).float()  # the density is computed in float32 under autocast too

    def seen(self, rows: Tensor) -> Tensor:
        """What the LSTM reads of rows (B, T, 5), (B, T, row_size): the rows themselves."""
        return rows

    def start(self, condition: Tensor) -> State:
        """The state before S_0 of drawings with these conditions (B, C)."""
        lstm = self.lstm
        constant = lstm.bias_ih_l0 + lstm.bias_hh_l0
        of_row, of_condition = lstm.weight_ih_l0.split([self.row_size, condition.shape[1]], 1)
        bias = torch.addmm(constant, condition, of_condition.T)
        return State(*self.initial_state(condition), bias, of_row.T.contiguous(), lstm.weight_hh_l0.T.contiguous())

    def step(self, row: Tensor, state: State) -> tuple[Tensor, State]:
        """Parameters (B, 6M + 3) of the row that follows `row` (B, 5), and the state after it: `forward`, one row at a time."""
        h, c, *constant = state
        bias, from_row, from_state = constant
        i, f, g, o = torch.addmm(bias, h, from_state).addmm_(row, from_row).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return self.fc_params(h), State(h, c, *constant)

    def softmax_temperature(self, temperature: float) -> float:
        """What the logits of pi and q are divided by at a temperature: the temperature itself, as in Ha and Eck (2017), equation 8."""
        return temperature

    @torch.no_grad()
    def copy_from(self, other: Decoder, condition: Tensor | None = None) -> None:
        """Take over the weights of another decoder of the same sizes; raises `DataError` where they differ.

        One that reads more of a row does not heed it yet. With a `condition` (C,), which is the end of the other's, draw as it does under
        that one: it is folded into the biases. What the other's condition has before it is the own condition, which is not heeded yet where
        there is nothing.
        """
        if condition is None:
            self._check_sizes(other, ["fc_params.weight", "fc_init_hc.weight"])
            self._copy_rest(other)
            for (weight, _), (theirs, _) in zip(self._condition_weights(), other._condition_weights(), strict=True):
                weight.copy_(theirs)
            return
        self._copy_rest(other)
        for (weight, bias), (theirs, _) in zip(self._condition_weights(), other._condition_weights(), strict=True):
            before = theirs.shape[1] - len(condition)
            weight.zero_()
            weight[:, :before] = theirs[:, :before]
            bias += theirs[:, before:] @ condition

    @torch.no_grad()
    def copy_below(self, other: Decoder) -> None:
        """Draw as another decoder does, given its condition at the end of the own one, of which what comes before is not heeded yet."""
        self._copy_rest(other)
        for (weight, _), (theirs, _) in zip(self._condition_weights(), other._condition_weights(), strict=True):
            weight.zero_()
            weight[:, -theirs.shape[1] :] = theirs

    def _condition_weights(self) -> list[tuple[Tensor, Tensor]]:
        # What the condition is multiplied with, for the first state and for the gates, and the biases that are added.
        return [(self.fc_init_hc.weight, self.fc_init_hc.bias), (self.lstm.weight_ih_l0[:, self.row_size :], self.lstm.bias_ih_l0)]

    def _copy_rest(self, other: Decoder) -> None:
        # All weights but those of the condition.
        self._check_sizes(other, ["fc_params.weight"])
        if other.row_size > self.row_size:
            raise DataError(f"a decoder that reads {self.row_size} numbers of a row cannot start as one that reads {other.row_size}")
        self.fc_params.load_state_dict(other.fc_params.state_dict())
        self.fc_init_hc.bias.copy_(other.fc_init_hc.bias)
        own, theirs = self.lstm, other.lstm
        own.weight_ih_l0[:, : self.row_size] = 0
        own.weight_ih_l0[:, : other.row_size] = theirs.weight_ih_l0[:, : other.row_size]
        for name in ("weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            getattr(own, name).copy_(getattr(theirs, name))

    @torch.no_grad()
    def read_through(self, matrix: Tensor, offset: Tensor) -> None:
        """From now on, draw for a condition c (C,) as it did for `matrix` (C, C) c + `offset` (C,)."""
        for weight, bias in self._condition_weights():
            bias += weight @ offset
            weight.copy_(weight @ matrix)

    def _check_sizes(self, other: Decoder, names: list[str]) -> None:
        own, theirs = ([tuple(one.get_parameter(name).shape) for name in names] for one in (self, other))
        if own != theirs:
            raise DataError(f"a decoder whose {' and '.join(names)} is {own} cannot start as one with {theirs}: give equal sizes")

    def weights_per_row(self) -> int:
        """Weights that every row of a drawing is multiplied with: those of the LSTM and of the head, without biases."""
        return matrix_weights(self.lstm, self.fc_params)


def matrix_weights(*parts: nn.Module) -> int:
    """Weights of some layers without their biases."""
    return sum(p.numel() for part in parts for p in part.parameters() if p.ndim == 2)


def reconstruction(raw: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Nats of each drawing, (B,) and (B,): L_S summed over its N points, L_P over these and the end row.

    `raw` (B, T, 6M + 3) are the predictions for the rows batch.targets. Rows of padding count in neither. The paper also sums L_P
    over the padding up to N_max; those terms teach nothing that drawing uses and are left out (chapter 3).
    """
    target = batch.targets
    mixture = split_parameters(raw)
    stroke = stroke_nll(mixture, target[..., 0], target[..., 1])
    pen = pen_nll(mixture, target[..., 2:])
    return (stroke * batch.drawn).sum(1), (pen * batch.decided).sum(1)
