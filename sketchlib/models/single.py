"""The single model: one conditional decoder for all classes. Chapter 4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ..data.batches import Batch
from ..data.dataset import SketchSet
from ..errors import DataError, known
from .decoder import Decoder, reconstruction


class ConditionalDecoder(nn.Module):
    """The single model: one decoder for all classes, conditioned on an embedding of the class. Chapter 4.

    Defaults are the report's: hidden_size 512, embedding_size 64, n_mixtures 20. Its notebook asked for dropout 0.5, which a one-layer
    LSTM ignores, so what it trained had none: both dropouts are 0 unless asked for. `scale` is data_scale_factor.
    `latent_size`: 0, there is no z. `started_from`: what its first weights were, for its card; None where they were thrown.
    """

    decoder_kind = Decoder  # another decoder makes another single model: a subclass that names it
    latent_size = 0
    started_from: str | None = None

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
        # As nn.Embedding begins, but quick also where only sizes are asked for, without memory: see `files.read_model`.
        self.embedding = nn.Embedding.from_pretrained(torch.randn(len(self.classes), embedding_size), freeze=False)
        self.decoder = self.decoder_kind(embedding_size, hidden_size, n_mixtures, dropout, weight_dropout)

    def config(self) -> dict:
        """The constructor's arguments."""
        return dict(classes=list(self.classes), n_max=self.n_max, scale=self.scale, **self.sizes)

    def start_from(self, other: ConditionalDecoder) -> None:
        """Begin as a model of the same sizes that knows these classes, or more; raises `DataError` for a class unknown there."""
        self._begin_as(other, other.embedding.weight[[other.label(name) for name in self.classes]])

    def for_new_class(self, word: str) -> ConditionalDecoder:
        """A model of another class alone that begins as this one; its embedding is the mean of those that are known here. Chapter 16."""
        made = type(self)(**{**self.config(), "classes": [word]})
        made._begin_as(self, self.embedding.weight.mean(0, keepdim=True))
        return made

    @torch.no_grad()
    def _begin_as(self, other: ConditionalDecoder, embeddings: Tensor) -> None:
        # As another model, but for the embeddings (classes, E).
        self.decoder.copy_from(other.decoder)
        self.embedding.weight.copy_(embeddings)
        self.started_from = f"a single model of {len(other.classes)} classes"  # which its card will say

    def label(self, name: str) -> int:
        """The index of a class; raises `DataError` naming the nearest classes for an unknown one."""
        return self.classes.index(known(name, self.classes))

    def condition(self, labels: Tensor) -> Tensor:
        """The condition vectors (B, E) of class indices (B,)."""
        return self.embedding(labels)

    def class_condition(self, word: str) -> Tensor:
        """What the decoder is told of a class, (E,): its embedding."""
        return self.embedding.weight[self.label(word)]

    def for_class(self, name: str) -> ConditionalDecoder:
        """The model for a class: this one, whatever the class."""
        return self

    @torch.no_grad()
    def draw_condition(self, name: str, n: int, generator: torch.Generator, z: Tensor | None = None) -> Tensor:
        """The conditions (n, E) of `n` drawings of a class: its embedding each; nothing is thrown, so `generator` does nothing.

        Raises `DataError` for an unknown class, and for a `z`, which this model has not.
        """
        label = self.label(name)
        if z is not None:
            raise DataError(f"z of shape {tuple(z.shape)}: a {type(self).__name__} has no latent vector; leave z out, or give a VAE")
        return self.condition(torch.full((n,), label, device=self.embedding.weight.device))

    def as_known(self, sketches: SketchSet) -> SketchSet:
        """The set with its classes counted as this model counts them; raises `DataError` for drawings of a class that it does not know."""
        if tuple(sketches.classes) == self.classes:
            return sketches
        present = {sketches.classes[label] for label in np.unique(sketches.labels)}
        if unknown := sorted(present - set(self.classes)):
            raise DataError(f"the model knows {', '.join(self.classes)}, not {', '.join(unknown)}; leave these drawings out")
        table = np.array([self.classes.index(name) if name in self.classes else -1 for name in sketches.classes])
        return replace(sketches, labels=table[sketches.labels], classes=self.classes)

    def forward(self, batch: Batch) -> Tensor:
        """Parameters (B, T, 6M + 3) of every row after S_0."""
        return self.decoder(batch.read[:, :-1], self.condition(batch.labels))

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

    def averaged_over(self, batch: Batch) -> int:
        """How many things `parts` are averages over: the batch's points."""
        return int(batch.lengths.sum())

    def clipped_parts(self) -> list[nn.Module]:
        """The parts of which each has its gradient's norm clipped by itself: the whole, as in the report."""
        return [self]

    def weights_per_row(self) -> int:
        """Weights that every row of a drawing is multiplied with, without biases."""
        return self.decoder.weights_per_row()
