"""One VAE for many classes, whose decoder is told the class besides z. The VAEs of single classes start from it. Chapter 6."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data.batches import Batch
from ..errors import DataError
from .gist import GistHead
from .single import ConditionalDecoder
from .vae import SketchVAE


class ConditionalVAE(SketchVAE):
    """A VAE of many classes: z is left what the class does not tell. Chapter 6.

    Its decoder's condition is z and behind it an embedding of the class, as in the single model, from which the decoder can start. On
    hundreds of classes such a decoder knows no drawing by heart, so that z has something to tell. Arguments and defaults as in
    `SketchVAE` and `ConditionalDecoder`.
    """

    def __init__(self, classes, n_max: int, scale: float, embedding_size: int = 64, **sizes):
        super().__init__(classes, n_max, scale, **sizes)
        own = self.sizes
        # Anew, for a longer condition; the other one is thrown away, so that a seed goes on giving the first weights that it gave.
        size = own["latent_size"] + embedding_size
        self.decoder = self.decoder_kind(size, own["decoder_size"], own["n_mixtures"], own["dropout"], own["weight_dropout"])
        self.gist = GistHead(size) if self.w_gist else None
        own["embedding_size"] = embedding_size
        self.embedding = nn.Embedding.from_pretrained(torch.randn(len(self.classes), embedding_size), freeze=False)

    def start_from(self, other: ConditionalVAE | ConditionalDecoder) -> None:
        """Begin as such a VAE of these classes, or more; or let the decoder begin as that of a single model, which heeds no z yet.

        Raises `DataError` for a class unknown there, and for other sizes.
        """
        self._begin_as(other, torch.stack([other.class_condition(name) for name in self.classes]))

    @torch.no_grad()
    def _begin_as(self, other: ConditionalVAE | ConditionalDecoder, embeddings: Tensor) -> None:
        # As another model, but for the embeddings (classes, E).
        own, theirs = self.embedding.weight.shape[1], embeddings.shape[1]
        if own != theirs:
            raise DataError(f"a conditional VAE whose embedding_size is {own} cannot start from one of {theirs}: give equal sizes")
        if other.latent_size:
            self._check_sizes(other)
            self.encoder.load_state_dict(other.encoder.state_dict())
            self.decoder.copy_from(other.decoder)
            self._take_gist(other)
        else:
            self.decoder.copy_below(other.decoder)
        self.embedding.weight.copy_(embeddings)
        kind = "a conditional VAE" if other.latent_size else "a single model"
        self.started_from = f"{kind} of {len(other.classes)} classes"

    # Of classes it knows what the single model does.
    label, class_condition, as_known = ConditionalDecoder.label, ConditionalDecoder.class_condition, ConditionalDecoder.as_known
    for_new_class = ConditionalDecoder.for_new_class

    def draw_condition(self, name: str, n: int, generator: torch.Generator, z: Tensor | None = None) -> Tensor:
        """The conditions (n, N_z + E) of `n` drawings of a class: z, as in `SketchVAE`, and the class's embedding."""
        z = super().draw_condition(name, n, generator, z)
        return torch.cat([z, self.class_condition(name).detach().expand(n, -1)], -1)

    def condition(self, batch: Batch, z: Tensor) -> Tensor:
        """What the decoder is told of each drawing, (B, N_z + E), given z (B, N_z): z, and the class's embedding."""
        return torch.cat([z, self.embedding(batch.labels)], -1)

    def clipped_parts(self) -> list[nn.Module]:
        """The parts of which each has its gradient's norm clipped by itself: encoder, decoder, the auxiliary head if any, embedding."""
        return [*super().clipped_parts(), self.embedding]
