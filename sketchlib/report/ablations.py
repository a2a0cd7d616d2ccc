"""The report against itself: models that differ from the library's in one thing, and counts that need no run. Chapter 12."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ..data.batches import Batch, make_batch
from ..data.dataset import SketchSet, of_classes
from ..errors import DataError
from ..models.decoder import reconstruction
from ..models.mixture import pen_nll, split_parameters, temper
from ..models.single import ConditionalDecoder
from ..models.vae import SketchVAE
from ..sampling import as_generator, check_temperature, sample
from ..strokes import START, Drawing, from_stroke3
from ..train import Settings, make_schedule
from .experiments import FILE, PAIRS, REPORT_CLASSES, TABLE_LR
from .recipes import PUBLISHED_STEPS

__all__ = ["FILE", "PAIRS", "PUBLISHED_STEPS", "REPORT_CLASSES", "TABLE_LR", "of_classes"]  # and what is defined here

FILE_DRAWINGS, EPOCHS = 52_500, 20  # of the class FILE, for training; and the passes that the report's notebook made


class Relabelled(Batch):
    """A batch without end rows: the pen state of each drawing's last point reads "the end", as in the report's notebook."""

    @property
    def decided(self) -> Tensor:
        """Mask (B, T): the real points, and nothing after them."""
        return self.drawn


@dataclass(frozen=True, eq=False)
class Padded(Batch):
    """A batch in which the pen state of each of `rows` rows counts, as in the paper: after a drawing's end, the end again and again."""

    rows: int = 0

    @property
    def decided(self) -> Tensor:
        """Mask (B, T): the first `rows` rows, which is all but the end row of a drawing as long as that."""
        return (torch.arange(self.x.shape[1] - 1, device=self.x.device) < self.rows).expand(len(self), -1)


def relabelled(batch: Batch) -> Relabelled:
    """The batch with "the end" in place of the last real point's own pen state; point 6. Chapter 12."""
    x = batch.x.clone()
    x[torch.arange(len(x)), batch.lengths, 2:] = torch.tensor([0.0, 0.0, 1.0], device=x.device)
    return Relabelled(x, batch.lengths, batch.labels, batch.share)


def padded(batch: Batch, n_max: int) -> Padded:
    """The batch with end rows up to `n_max` rows after S_0; point 8. Raises `DataError` for a longer drawing. Chapter 12."""
    missing = n_max + 1 - batch.x.shape[1]
    if int(batch.lengths.max()) > n_max:
        raise DataError(f"a drawing of {int(batch.lengths.max())} points in a batch padded to {n_max}: purify the set first")
    end = torch.tensor([0.0, 0, 0, 0, 1], device=batch.x.device).expand(len(batch), max(missing, 0), 5)
    return Padded(torch.cat([batch.x, end], 1), batch.lengths, batch.labels, batch.share, rows=n_max)


class RelabelledDecoder(ConditionalDecoder):
    """The single model trained on `relabelled` batches."""

    def parts(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """L_S and L_P, without an end row."""
        return super().parts(relabelled(batch), generator)


class PaddedVAE(SketchVAE):
    """The VAE trained on `padded` batches."""

    def parts(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """L_S over real points, L_P over all N_max rows, and L_KL."""
        return super().parts(padded(batch, self.n_max), generator)


PLAIN = {RelabelledDecoder: ConditionalDecoder, PaddedVAE: SketchVAE}  # the classes above, and which class of the library each is


def plain(model: nn.Module) -> nn.Module:
    """The same weights in the library's own class, which counts real points and one end row."""
    twin = PLAIN.get(type(model), type(model))(**model.config())
    twin.load_state_dict(model.state_dict())
    return twin.eval()


def lstm_dropout(rate: float, layers: int, seed: int = 0) -> tuple[bool, list[str]]:
    """Whether nn.LSTM(dropout=rate) in training mode returns, bit for bit, what it returns without; and torch's warnings. Point 1."""
    outputs, said = [], []
    for p in (0.0, rate):
        torch.manual_seed(seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lstm = nn.LSTM(5, 16, num_layers=layers, dropout=p, batch_first=True).train()
        said += [str(one.message) for one in caught]
        torch.manual_seed(seed)
        outputs.append(lstm(torch.randn(4, 12, 5))[0])
    return torch.equal(*outputs), said


def plateau_rates(validations: int, settings: Settings) -> list[float]:
    """The learning rate after each of so many validations none of which is a new best but the first. Point 2."""
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=settings.lr)
    schedule, rates = make_schedule(optimiser, replace(settings, schedule="plateau")), []
    for number in range(validations):
        schedule.step(float(number))
        rates.append(optimiser.param_groups[0]["lr"])
    return rates


def times_seen(n: int, batch_size: int, epochs: int, seed: int = 0) -> np.ndarray:
    """How often (n,) each drawing is read where every batch is chosen anew from all drawings. Point 5."""
    rng, counts = np.random.default_rng(seed), np.zeros(n, np.int64)
    for _ in range(epochs * math.ceil(n / batch_size)):
        counts[rng.choice(n, min(batch_size, n), replace=False)] += 1
    return counts


@torch.no_grad()
def pen_costs(model: ConditionalDecoder, sketches: SketchSet) -> tuple[np.ndarray, np.ndarray]:
    """Nats (n,) each of the pen states of every drawing: of all of them, and from the last real point on. Point 6."""
    batch = make_batch(sketches, np.arange(len(sketches)), model.scale)
    if isinstance(model, RelabelledDecoder):
        batch = relabelled(batch)
    nats = pen_nll(split_parameters(model(batch)), batch.x[:, 1:, 2:]) * batch.decided
    last = torch.arange(nats.shape[1]) >= batch.lengths[:, None] - 1
    return nats.sum(1).double().numpy(), (nats * last).sum(1).double().numpy()


@torch.no_grad()
def drawn_from(vae: SketchVAE, drawings: Sequence[Drawing], temperature: float, seed: int | torch.Generator = 0) -> list[Drawing]:
    """The report's "generation": encode a training drawing, throw z ~ q(z | drawing), and draw from it. Point 7."""
    sketches, generator = SketchSet.from_drawings({vae.classes[0]: drawings}), as_generator(seed)
    mu, log_var = vae.encode(make_batch(sketches, np.arange(len(sketches)), vae.scale))
    z = mu + torch.exp(log_var / 2) * torch.randn(mu.shape, generator=generator)
    return sample(vae, vae.classes[0], len(drawings), temperature, generator, z=z)


@torch.no_grad()
def one_by_one(model: ConditionalDecoder, word: str, n: int, temperature: float, seed: int = 0) -> list[Drawing]:
    """`n` sketches, one after another, each step's parameters taken to numpy and drawn there, as the report does. Point 9."""
    check_temperature(temperature)
    rng, drawings = np.random.default_rng(seed), []
    condition = model.draw_condition(word, 1, torch.Generator())
    for _ in range(n):
        state, row, rows = model.decoder.start(condition), torch.tensor([START]), []
        while len(rows) < model.n_max:
            raw, state = model.decoder.step(row, state)
            move, pen = _numpy_choice([part.double().numpy()[0] for part in temper(split_parameters(raw), temperature)], rng)
            if pen == 2:
                break
            rows.append([*(move * model.scale), pen])
            row = torch.tensor([[*move, pen == 0, pen == 1, 0]], dtype=torch.float32)
        drawings.append(from_stroke3(np.array(rows, np.float32).reshape(-1, 3), word, finished=len(rows) < model.n_max))
    return drawings


def _numpy_choice(mixture: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, int]:
    log_pi, mu_x, mu_y, log_x, log_y, atanh_rho, logits = mixture
    weights, q = np.exp(log_pi), np.exp(logits - logits.max())
    k = rng.choice(len(weights), p=weights / weights.sum())
    s_x, s_y, rho = np.exp(log_x[k]), np.exp(log_y[k]), np.tanh(atanh_rho[k])
    move = rng.multivariate_normal([mu_x[k], mu_y[k]], [[s_x**2, rho * s_x * s_y], [rho * s_x * s_y, s_y**2]])
    return move, int(rng.choice(3, p=q / q.sum()))


def flipped_pictures(drawing: Drawing, side: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures (side, side) of a drawing, grey values: y down from the start; and y up, then turned over. Point 10."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    low, high = np.split(np.array(drawing.bounds()), 2)
    reach = 0.55 * float((high - low).max() or 1.0)
    (left, top), (right, bottom) = (low + high) / 2 - reach, (low + high) / 2 + reach
    pictures = []
    for limits in ((bottom, top), (top, bottom)):
        figure = Figure(figsize=(1, 1), dpi=side, facecolor="white")
        ax = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=limits)
        ax.set_axis_off()
        for stroke in drawing.strokes:
            ax.plot(*stroke.T, color="black", lw=1.5, snap=False)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pictures.append(np.asarray(canvas.buffer_rgba())[..., 0])
    return pictures[0], np.flipud(pictures[1])


@torch.no_grad()
def class_costs(model: ConditionalDecoder, sketches: SketchSet) -> dict[str, np.ndarray]:
    """Nats (n,) a drawing by where the class is told rightly: `both`, at the `start` only, at each `step` only, `neither`.

    Where it is not told rightly, the next class's embedding is given. Source: report, section IV.1 (conditioning mechanism).
    """
    batch = make_batch(sketches, np.arange(len(sketches)), model.scale)
    right, wrong = model.condition(batch.labels), model.condition((batch.labels + 1) % len(model.classes))
    ways = {"both": (right, right), "start": (right, wrong), "step": (wrong, right), "neither": (wrong, wrong)}
    out = {}
    for way, (at_start, each_step) in ways.items():
        out[way] = sum(reconstruction(model.decoder(batch.x[:, :-1], each_step, at_start), batch)).double().numpy()
    return out
