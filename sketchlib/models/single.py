"""The single model: one conditional decoder for all classes. Chapter 4."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..data.batches import Batch
from ..errors import known
from .decoder import Decoder, reconstruction


class ConditionalDecoder(nn.Module):
    """The single model: one decoder for all classes, conditioned on an embedding of the class. Chapter 4.

    Defaults are the report's: hidden_size 512, embedding_size 64, n_mixtures 20. Its notebook asked for dropout 0.5, which a one-layer
    LSTM ignores, so what it trained had none: both dropouts are 0 unless asked for. `scale` is data_scale_factor.
    """

    def __init__(
        self,
        classes,
        n_max: int,
        scale: float,
        hidden_size: int = 512,
        embedding_size: int = 64,
        n_mixtures: int = 20,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ):
        super().__init__()
        self.classes, self.n_max, self.scale = tuple(classes), int(n_max), float(scale)
        self.sizes = dict(hidden_size=hidden_size, embedding_size=embedding_size, n_mixtures=n_mixtures)
        self.sizes |= dict(dropout=dropout, weight_dropout=weight_dropout)
        self.embedding = nn.Embedding(len(self.classes), embedding_size)
        self.decoder = Decoder(embedding_size, hidden_size, n_mixtures, dropout, weight_dropout)

    def config(self) -> dict:
        """The constructor's arguments."""
        return dict(classes=list(self.classes), n_max=self.n_max, scale=self.scale, **self.sizes)

    @torch.no_grad()
    def start_from(self, other: ConditionalDecoder) -> None:
        """Begin as a model of the same sizes that knows these classes, or more; raises `DataError` for a class unknown there."""
        rows = [other.classes.index(known(name, other.classes)) for name in self.classes]
        self.embedding.weight.copy_(other.embedding.weight[rows])
        self.decoder.load_state_dict(other.decoder.state_dict())
        self.started_from = f"a single model of {len(other.classes)} classes"  # which its card will say

    def condition(self, labels: Tensor) -> Tensor:
        """The condition vectors (B, E) of class indices (B,)."""
        return self.embedding(labels)

    def forward(self, batch: Batch) -> Tensor:
        """Parameters (B, T, 6M + 3) of every row after S_0."""
        return self.decoder(batch.x[:, :-1], self.condition(batch.labels))

    def parts(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """L_S and L_P in nats per real point, averaged over the points of the batch; source: report, section IV.1 (loss).

        `generator` is for the VAE's sake and does nothing here, nor does `eta` below.
        """
        stroke, pen = reconstruction(self(batch), batch)
        points = batch.lengths.sum()
        return {"L_S": stroke.sum() / points, "L_P": pen.sum() / points}

    def loss(self, parts: Mapping[str, Tensor], eta: float = 1.0) -> Tensor:
        """loss = L_S + L_P."""
        return parts["L_S"] + parts["L_P"]

    def terms(self, batch: Batch, eta: float = 1.0, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """The loss and its parts."""
        parts = self.parts(batch, generator)
        return {"loss": self.loss(parts, eta), **parts}
