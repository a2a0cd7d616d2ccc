"""The single model with attention: a causal Transformer that sees every row drawn so far, and where the pen is. Chapter 13b."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import DataError
from ..strokes import BOX
from .decoder import matrix_weights
from .placed import PLACE_SIZE, pen_after, place_features
from .single import ConditionalDecoder


class State(NamedTuple):
    """What the Transformer remembers of each drawing of a batch: only its decoder looks into it, whoever draws may `keep` some rows.

    `keys`, `values` (B, layers, heads, t, size): of the rows read. `pen` (B, 3): x and y of the pen, normalised units, and strokes ended.
    `bias` (B, H): the condition's share of every row.
    """

    keys: Tensor
    values: Tensor
    pen: Tensor
    bias: Tensor

    def keep(self, rows: Tensor) -> State:
        """The state of these rows of the batch only: indices (n,)."""
        return State(*(part[rows] for part in self))


class Layer(nn.Module):
    """Attention to the rows read so far, then a small network for each row by itself; source: Vaswani et al. (2017), normalised first."""

    def __init__(self, hidden_size: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_network = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.to_heads = nn.Linear(hidden_size, 3 * hidden_size)
        self.from_heads = nn.Linear(hidden_size, hidden_size)
        self.widen, self.narrow = nn.Linear(hidden_size, 4 * hidden_size), nn.Linear(4 * hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, heads, T, size) of x (B, T, H)."""
        parts = self.to_heads(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, size)
        return parts.permute(2, 0, 3, 1, 4).unbind(0)

    def join(self, x: Tensor, seen: Tensor) -> Tensor:
        """What the layer makes of x (B, T, H) and of what its heads have seen (B, heads, T, size)."""
        x = x + self.dropout(self.from_heads(seen.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.narrow(F.gelu(self.widen(self.before_network(x)))))


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Causal attention: what each row sees of the rows up to itself, (B, heads, T, size) as all three arguments.

    By torch's fused function, but for bfloat16 on a CPU: there plain products, which hold all scores (B, heads, T, T), take a quarter of
    its time, forward and backward (LOG.md). Source: Vaswani et al. (2017), equation 1.
    """
    if queries.dtype != torch.bfloat16 or queries.device.type != "cpu":
        return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    scores = (queries / queries.shape[-1] ** 0.5) @ keys.transpose(-1, -2)
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill(later, -torch.inf).softmax(-1) @ values


class TransformerDecoder(nn.Module):
    """Causal Transformer that draws, given one condition vector a drawing. A row is read with the pen's place and the stroke's number.

    `longest`: how many rows have a place in the order of their own; later ones share the last.
    """

    box: float | None = BOX  # as in `Decoder`

    def __init__(self, condition_size: int, hidden_size: int, n_mixtures: int, dropout: float, layers: int, heads: int, longest: int):
        super().__init__()
        if hidden_size % heads:
            raise DataError(f"{heads} heads for {hidden_size} units: expected a number of heads that divides the number of units")
        self.from_row = nn.Linear(5 + PLACE_SIZE, hidden_size)
        self.from_condition = nn.Linear(condition_size, hidden_size, bias=False)
        self.order = nn.Parameter(0.02 * torch.randn(longest, hidden_size))
        self.layers = nn.ModuleList(Layer(hidden_size, heads, dropout) for _ in range(layers))
        self.last_norm, self.dropout = nn.LayerNorm(hidden_size), nn.Dropout(dropout)
        self.fc_params = nn.Linear(hidden_size, 6 * n_mixtures + 3)

    def _read(self, rows: Tensor, pen: Tensor, bias: Tensor, first: int) -> Tensor:
        # Rows (B, T, 5), of which the first is number `first`, as vectors (B, T, H); `pen` (B, T, 3) after each, `bias` (B, H).
        at = torch.arange(first, first + rows.shape[1], device=rows.device).clamp(max=len(self.order) - 1)
        vectors = self.from_row(torch.cat([rows, place_features(pen)], -1)) + bias[:, None] + self.order[at]
        return self.dropout(vectors)

    def _head(self, x: Tensor) -> Tensor:
        return self.fc_params(self.last_norm(x)).float()  # the density is computed in float32 under autocast too

    def forward(self, rows: Tensor, condition: Tensor) -> Tensor:
        """Parameters (B, T, 6M + 3) of the rows that follow `rows` (B, T, 5), given conditions (B, C)."""
        x = self._read(rows, pen_after(rows).cumsum(1), self.from_condition(condition), 0)
        for layer in self.layers:
            queries, keys, values = layer.split(x)
            x = layer.join(x, attend(queries, keys, values))
        return self._head(x)

    def start(self, condition: Tensor) -> State:
        """The state before S_0 of drawings with these conditions (B, C)."""
        heads, hidden = self.layers[0].heads, self.order.shape[1]
        nothing = condition.new_zeros(condition.shape[0], len(self.layers), heads, 0, hidden // heads)
        return State(nothing, nothing, condition.new_zeros(condition.shape[0], 3), self.from_condition(condition))

    def step(self, row: Tensor, state: State) -> tuple[Tensor, State]:
        """Parameters (B, 6M + 3) of the row that follows `row` (B, 5), and the state after it: `forward`, one row at a time."""
        pen = state.pen + pen_after(row)
        x = self._read(row[:, None], pen[:, None], state.bias, state.keys.shape[3])
        all_keys, all_values = [], []
        for number, layer in enumerate(self.layers):
            queries, keys, values = layer.split(x)
            keys, values = torch.cat([state.keys[:, number], keys], 2), torch.cat([state.values[:, number], values], 2)
            x = layer.join(x, F.scaled_dot_product_attention(queries, keys, values))
            all_keys.append(keys)
            all_values.append(values)
        return self._head(x)[:, 0], State(torch.stack(all_keys, 1), torch.stack(all_values, 1), pen, state.bias)

    def softmax_temperature(self, temperature: float) -> float:
        """What the logits of pi and q are divided by at a temperature: the temperature itself, as in Ha and Eck (2017), equation 8."""
        return temperature

    @torch.no_grad()
    def copy_from(self, other: TransformerDecoder) -> None:
        """Take over the weights of another decoder of the same sizes, whatever `longest` is; raises `DataError` where they differ.

        Rows beyond the other's `longest` begin with the place in the order that the other gives them: its last.
        """
        taken = dict(other.state_dict())
        if "order" in taken:
            taken["order"] = taken["order"][torch.arange(len(self.order)).clamp(max=len(taken["order"]) - 1)]
        own, theirs = ({name: tuple(part.shape) for name, part in some.items()} for some in (self.state_dict(), taken))
        if own != theirs:
            names = ", ".join(sorted(name for name in own.keys() | theirs.keys() if own.get(name) != theirs.get(name)))
            raise DataError(f"a decoder cannot start as one that differs in {names}: give equal sizes")
        self.load_state_dict(taken)

    def weights_per_row(self) -> int:
        """Weights that every row of a drawing is multiplied with, without biases; attention itself has none."""
        return matrix_weights(self.from_row, self.layers, self.fc_params)


class ConditionalTransformer(ConditionalDecoder):
    """The single model with a Transformer for its decoder, conditioned on an embedding of the class. Chapter 13b.

    Everything but the decoder is as in `ConditionalDecoder`. Source: the report's outlook (section IX); Vaswani et al. (2017).
    """

    def __init__(
        self,
        classes,
        n_max: int,
        scale: float,
        hidden_size: int = 192,
        embedding_size: int = 64,
        n_mixtures: int = 20,
        layers: int = 6,
        heads: int = 6,
        dropout: float = 0.1,
    ):
        nn.Module.__init__(self)
        self.classes, self.n_max, self.scale = tuple(classes), int(n_max), float(scale)
        self.sizes = dict(hidden_size=hidden_size, embedding_size=embedding_size, n_mixtures=n_mixtures)
        self.sizes |= dict(layers=layers, heads=heads, dropout=dropout)
        # As nn.Embedding begins, but quick also where only sizes are asked for, without memory: see `files.read_model`.
        self.embedding = nn.Embedding.from_pretrained(torch.randn(len(self.classes), embedding_size), freeze=False)
        self.decoder = TransformerDecoder(embedding_size, hidden_size, n_mixtures, dropout, layers, heads, self.n_max + 1)
