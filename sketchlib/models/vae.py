"""Sketch-RNN, the variational autoencoder of one class. Chapter 5."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..data.batches import Batch, sent
from ..data.dataset import SketchSet
from ..errors import DataError, known
from .decoder import Decoder, matrix_weights, reconstruction
from .gist import GistHead
from .lstm import read_rows
from .single import ConditionalDecoder


class Encoder(nn.Module):
    """Bidirectional LSTM whose two last states give mu and sigma-hat of z; source: Ha and Eck (2017), equations 1 and 2."""

    def __init__(self, hidden_size: int, latent_size: int, dropout: float):
        super().__init__()
        self.ahead = nn.LSTM(5, hidden_size, batch_first=True)
        self.back = nn.LSTM(5, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.fc_mu = nn.Linear(2 * hidden_size, latent_size)
        self.fc_log_var = nn.Linear(2 * hidden_size, latent_size)

    def forward(self, rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma^2, each (B, N_z), of rows (B, T, 5) of which `lengths` (B,) each count."""
        state = self.state(rows, lengths)
        return self.fc_mu(state).float(), self.fc_log_var(state).float()  # float32 under autocast too

    def state(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """The last states of both directions (B, 2H), from which z is told; arguments as in `forward`.

        Two passes with each drawing reversed in place: packed sequences would leave the fast CPU kernel.
        """
        steps = torch.arange(rows.shape[1], device=rows.device)
        reverse = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)  # (B, T)
        backwards = rows.gather(1, reverse[..., None].expand_as(rows))
        at = torch.arange(rows.shape[0], device=rows.device)  # not len: an exporter keeps a shape open
        ends = [read_rows(lstm, x)[at, lengths - 1] for lstm, x in ((self.ahead, rows), (self.back, backwards))]
        return self.dropout(torch.cat(ends, -1))

    def weights_per_row(self) -> int:
        """Weights that every row of a drawing is multiplied with: those of the two LSTMs, without biases."""
        return matrix_weights(self.ahead, self.back)


class SketchVAE(nn.Module):
    """Sketch-RNN for one class: encoder to z, decoder conditioned on z at the start and at every step. Chapter 5.

    Defaults are the paper's and the report's: encoder 256 a direction, decoder 512, N_z 128, M 20, w_KL 0.5, KL_min 0.2. Dropout 0:
    the report's 0.9 (or 0.4) never acted in its one-layer LSTMs. `w_gist`: the weight of the auxiliary loss of `gist.py`; 0: there is none.
    `started_from`: what its first weights were, for its card; None where they were thrown.
    """

    decoder_kind = Decoder
    started_from: str | None = None

    def __init__(
        self,
        classes,
        n_max: int,
        scale: float,
        encoder_size: int = 256,
        decoder_size: int = 512,
        latent_size: int = 128,
        n_mixtures: int = 20,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
        row_dropout: float = 0.0,
        w_kl: float = 0.5,
        kl_min: float = 0.2,
        w_gist: float = 0.0,
    ):
        super().__init__()
        self.classes, self.n_max, self.scale = tuple(classes), int(n_max), float(scale)
        self.sizes = dict(encoder_size=encoder_size, decoder_size=decoder_size, latent_size=latent_size)
        self.sizes |= dict(n_mixtures=n_mixtures, dropout=dropout, weight_dropout=weight_dropout, w_kl=w_kl, kl_min=kl_min)
        if row_dropout:  # it came later: files of before stay as they were
            self.sizes["row_dropout"] = row_dropout
        if w_gist:
            self.sizes["w_gist"] = w_gist
        self.latent_size, self.row_dropout, self.w_kl, self.kl_min, self.w_gist = latent_size, row_dropout, w_kl, kl_min, w_gist
        self.encoder = Encoder(encoder_size, latent_size, dropout)
        self.decoder = self.decoder_kind(latent_size, decoder_size, n_mixtures, dropout, weight_dropout)
        self.gist = GistHead(latent_size) if w_gist else None

    def config(self) -> dict:
        """The constructor's arguments."""
        return dict(classes=list(self.classes), n_max=self.n_max, scale=self.scale, **self.sizes)

    @torch.no_grad()
    def start_from(self, other: SketchVAE | ConditionalDecoder) -> None:
        """Begin as a VAE of the same sizes, or let the decoder begin as a single model's, which heeds no z yet.

        What the other is told of the class is folded into the biases. Raises `DataError` if the class is unknown there or the sizes differ.
        """
        (word,) = self.classes
        if other.latent_size:
            self._check_sizes(other)
            self.encoder.load_state_dict(other.encoder.state_dict())
            self._take_gist(other, other.class_condition(word))
        self.decoder.copy_from(other.decoder, other.class_condition(word))
        self.started_from = f"a VAE of {len(other.classes)} classes" if other.latent_size else "the single model"  # which its card will say

    def _take_gist(self, other: SketchVAE, condition: Tensor | None = None) -> None:
        # Where both have a head; else the own one begins anew.
        if self.gist and other.gist:
            self.gist.copy_from(other.gist, condition)

    def _check_sizes(self, other: SketchVAE) -> None:
        if differ := [
            name for name in ("encoder_size", "decoder_size", "latent_size", "n_mixtures") if self.sizes[name] != other.sizes[name]
        ]:
            raise DataError(f"a VAE cannot start as one of another {' and '.join(differ)}: give equal sizes")

    def class_condition(self, word: str) -> Tensor | None:
        """What the decoder is told of the class besides z: nothing."""
        return None

    @torch.no_grad()
    def centre_on(self, batch: Batch) -> None:
        """Move and stretch the latent space so that the cloud of z of these drawings has mean 0 and covariance I, as the prior.

        What is drawn for a drawing's own mu stays as it was; log sigma^2 is fitted by least squares, since stretched clouds lie across the
        units. For a VAE that starts from one of more classes, of whose space a class fills a corner. Chapter 5.
        """
        state = self.encoder.state(batch.x[:, 1:], batch.lengths + 1)
        mu, variance = self.encoder.fc_mu(state), torch.exp(self.encoder.fc_log_var(state))
        mean, covariance = mu.mean(0), torch.cov(mu.T) + torch.diag(variance.mean(0))
        values, vectors = torch.linalg.eigh(covariance)
        root, back = (vectors @ torch.diag(values**power) @ vectors.T for power in (0.5, -0.5))
        self.encoder.fc_mu.weight.copy_(back @ self.encoder.fc_mu.weight)
        self.encoder.fc_mu.bias.copy_(back @ (self.encoder.fc_mu.bias - mean))
        _fit(self.encoder.fc_log_var, state, torch.log(variance @ (back**2).T))
        for part in filter(None, (self.decoder, self.gist)):
            part.read_through(root, mean)

    def for_new_class(self, word: str) -> SketchVAE:
        """A model of another class that begins as this one. Chapter 16."""
        made = type(self)(**{**self.config(), "classes": [word]})
        made.start_from(self)
        return made

    def for_class(self, name: str) -> SketchVAE:
        """The model for a class: this one, whatever the class."""
        return self

    def draw_condition(self, name: str, n: int, generator: torch.Generator, z: Tensor | None = None) -> Tensor:
        """The conditions (n, N_z) of `n` drawings of the class: `z` where it is given, else thrown from N(0, I) with `generator`.

        Raises `DataError` for an unknown class, and for a `z` of another shape.
        """
        known(name, self.classes)
        if z is None:
            z = torch.randn(n, self.latent_size, generator=generator)
        if z.shape != (n, self.latent_size):
            raise DataError(f"z of shape {tuple(z.shape)}: expected ({n}, {self.latent_size}), one row a drawing")
        return z.to(next(self.parameters()).device)

    def as_known(self, sketches: SketchSet) -> SketchSet:
        """The set as this model reads it: as it is, for it looks at no class."""
        return sketches

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """mu and log sigma^2 of q(z | drawing), each (B, N_z); S_0 and padding are not read, the end row is."""
        return self.encoder(batch.x[:, 1:], batch.lengths + 1)

    def forward(self, batch: Batch, z: Tensor) -> Tensor:
        """Parameters (B, T, 6M + 3) of every row after S_0, given z (B, N_z)."""
        return self.decoder(self._left(batch.read[:, :-1]), self.condition(batch, z))

    def condition(self, batch: Batch, z: Tensor) -> Tensor:
        """What the decoder is told of each drawing, (B, C), given z (B, N_z): z alone."""
        return z

    def _left(self, rows: Tensor) -> Tensor:
        """In training, the rows (B, T, 5) with a share of them, never S_0, set to 0; source: Bowman et al. (2016), section 3.1."""
        if not (self.training and self.row_dropout):
            return rows
        kept = torch.rand(rows.shape[:2], device=rows.device) >= self.row_dropout
        kept[:, 0] = True
        return rows * kept[..., None]

    def parts(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """L_S and L_P, summed over a drawing and divided by N_max, and L_KL = -(1 / 2 N_z) sum(1 + log sigma^2 - mu^2 - sigma^2).

        Where `w_gist` is not 0, L_G too: the nats of `gist.GistHead`, divided by N_max. All averaged over the batch. z = mu + sigma e, with
        e from `generator`. Source: Ha and Eck (2017), equations 9 and 10; for L_G `gist.py`.
        """
        mu, log_var = self.encode(batch)
        source = generator.device if generator else mu.device
        noise = batch.random(lambda n: torch.randn(n, self.latent_size, generator=generator, device=source))
        z = mu + torch.exp(log_var / 2) * sent(noise, mu.device)
        stroke, pen = reconstruction(self(batch, z), batch)
        l_kl = kl_divergence(mu, log_var).mean() / self.latent_size
        out = {"L_S": stroke.mean() / self.n_max, "L_P": pen.mean() / self.n_max, "L_KL": l_kl}
        if self.gist:
            out["L_G"] = self.gist.nats(self.condition(batch, z), batch).mean() / self.n_max
        return out

    def loss(self, parts: Mapping[str, Tensor], eta: float = 1.0) -> Tensor:
        """loss = L_R + eta w_KL max(L_KL, KL_min), L_R = L_S + L_P; source: Ha and Eck (2017), equation 11; report, section IV.2.

        And w_G L_G where there is an auxiliary head; source: see `gist.py`.
        """
        l_g = self.w_gist * parts["L_G"] if self.gist else 0.0
        return parts["L_S"] + parts["L_P"] + eta * self.w_kl * parts["L_KL"].clamp(min=self.kl_min) + l_g

    def averaged_over(self, batch: Batch) -> int:
        """How many things `parts` are averages over: the batch's drawings."""
        return len(batch)

    def clipped_parts(self) -> list[nn.Module]:
        """The parts of which each has its gradient's norm clipped by itself: encoder, decoder, and the auxiliary head, if any."""
        return [part for part in (self.encoder, self.decoder, self.gist) if part]

    def weights_per_row(self) -> int:
        """Weights that every row of a drawing is multiplied with, without biases."""
        return self.encoder.weights_per_row() + self.decoder.weights_per_row()


def _fit(layer: nn.Linear, inputs: Tensor, wanted: Tensor, ridge: float = 1e-2) -> None:
    """Set a layer to the least-squares fit from inputs (n, A) to what is wanted (n, B); `ridge` keeps its weights small."""
    centre, mean = inputs - inputs.mean(0), wanted.mean(0)
    square = centre.T @ centre / len(inputs) + ridge * torch.eye(inputs.shape[1])
    layer.weight.copy_(torch.linalg.solve(square, centre.T @ (wanted - mean) / len(inputs)).T)
    layer.bias.copy_(mean - layer.weight @ inputs.mean(0))


def kl_divergence(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(q || N(0, I)) in nats, (B,), summed over the latent dimensions of mu and log sigma^2 (B, N_z)."""
    return -0.5 * (1 + log_var - mu**2 - torch.exp(log_var)).sum(-1)
