"""A small convolutional network that names a drawing: the judge of the evaluation chapter, trained on real drawings only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from ..arguments import SOME, Count, Length, Number, Seed, checked
from ..errors import DataError
from ..files import read_model
from ..strokes import Drawing
from .raster import SIZE, WIDTH, Segments, Side, Width, rasterise, segments

FEATURES = 128  # width of the last hidden layer
WIDTHS = (0.8, 3.0)  # line widths met in training, pixels: thinner and thicker lines read the same
_CHUNK = 4096  # drawings made pictures at a time


class Recogniser(nn.Module):
    """Four convolutions and two linear layers on pictures of `size` pixels, a multiple of 8 (`DataError` otherwise).

    `classes` names the outputs; `width` is the number of channels of the first convolution. Chapter 8.
    """

    @checked
    def __init__(self, classes: Annotated[Sequence[str], SOME], size: Side = SIZE, width: Side = 24):
        super().__init__()
        if size < 16 or size % 8:
            raise DataError(f"pictures of {size} pixels: three poolings need a multiple of 8, from 16 on (32 is enough)")
        self.classes, self.size, self.width = tuple(classes), size, width
        self.body = nn.Sequential(
            *self._block(1, width),
            *self._block(width, 2 * width),
            *self._block(2 * width, 4 * width, pool=1),
            *self._block(4 * width, 4 * width),
            nn.Flatten(),
            nn.Linear(4 * width * (size // 8) ** 2, FEATURES),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, len(self.classes)))
        self.to(memory_format=torch.channels_last)  # a third faster on the CPU, nothing else changes

    @staticmethod
    def _block(before: int, after: int, pool: int = 2) -> list[nn.Module]:
        # Pooled before normalisation: a quarter of the work there.
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        return [convolution, nn.MaxPool2d(pool), nn.BatchNorm2d(after), nn.ReLU()]

    def features(self, pictures: Tensor) -> Tensor:
        """The last hidden layer, (n, 128), of pictures (n, 1, size, size)."""
        return self.body(pictures)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (n, classes) of pictures (n, 1, size, size)."""
        return self.head(self.features(pictures))

    @checked
    def predict(self, drawings: Sequence[Drawing], line_width: Width = WIDTH) -> np.ndarray:
        """Probabilities (n, classes), float32, of drawings in lines of `line_width` pixels.

        Raises `DataError` for no drawings, one without points, or NaN or infinite points.
        """
        return torch.softmax(_read(self, drawings, line_width, "forward"), -1).numpy()

    def config(self) -> dict:
        """The constructor's arguments."""
        return dict(classes=list(self.classes), size=self.size, width=self.width)


@checked
def random_warps(n: Count, size: Side, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Affine maps (n, 2, 3) and line widths (n,) for training pictures: turned up to 10 degrees, stretched by 0.83 to 1.07
    along each axis, sheared by up to 0.1, moved by up to 6 % of the side.

    They act on the lines and not on pixels, so the picture stays sharp and its line width is the one asked for. Nothing is
    mirrored: a class may have a left and a right.
    """
    u = rng.uniform(-1, 1, (n, 6))
    cos, sin = np.cos(np.radians(10) * u[:, 0]), np.sin(np.radians(10) * u[:, 0])
    wide, high = 0.95 + 0.12 * u[:, 1], 0.95 + 0.12 * u[:, 2]
    rows = [[cos * wide, 0.1 * u[:, 3] - sin * high, 0.06 * size * u[:, 4]], [sin * wide, cos * high, 0.06 * size * u[:, 5]]]
    return np.stack([np.stack(row, 1) for row in rows], 1), rng.uniform(*WIDTHS, n)


@checked
def train_recogniser(
    train: Mapping[str, Sequence[Drawing]],
    valid: Mapping[str, Sequence[Drawing]],
    size: Side = SIZE,
    epochs: Number = 20,
    seed: Seed = 0,
    batch_size: Number = 64,
    lr: Length = 3e-3,
    width: Side = 24,
) -> tuple[Recogniser, list[dict]]:
    """Train a recogniser on `train`, class -> drawings. Returns it as it was at its best accuracy on `valid`, and a record of each epoch.

    AdamW with a one-cycle learning rate and label smoothing 0.05; every epoch draws the lines anew with other warps and widths. Same
    seed, same weights to the last bit on one machine; the global random state is left alone. A record holds `epoch`, `loss` (nats a
    drawing) and `valid_accuracy`. Raises `DataError` for fewer than two classes, an empty class, other classes in `valid`, or a
    drawing without points. Chapter 8.
    """
    check_classes(train, valid)
    (lines, labels), (shown, truth) = _labelled(train), _labelled({name: valid[name] for name in train})
    shown = rasterise(shown, size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, rng = Recogniser(tuple(train), size, width), np.random.default_rng(seed)
        optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
        steps = epochs * -(-lines.n // batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=max(steps, 2))
        curves, kept = [], None
        progress = tqdm(range(1, epochs + 1), unit="epoch", desc="recogniser")
        for epoch in progress:
            loss = _epoch(model, lines, labels, optimiser, schedule, batch_size, rng)
            accuracy = float((_outputs(model, shown).argmax(1) == truth).float().mean())
            progress.set_postfix(valid=f"{accuracy:.3f}")
            if accuracy > max((record["valid_accuracy"] for record in curves), default=-1):
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            curves.append({"epoch": epoch, "loss": loss, "valid_accuracy": accuracy})
    model.load_state_dict(kept or model.state_dict())
    return model.eval(), curves


@checked
def check_classes(train: Mapping[str, Sequence], valid: Mapping[str, Sequence]) -> None:
    """Raises `DataError` unless both sides hold the same two or more classes, none of them empty."""
    if len(train) < 2:
        raise DataError(f"a recogniser needs two classes at least to tell apart; found {len(train)}")
    if set(train) != set(valid):
        only = ", ".join(sorted(set(train) ^ set(valid)))
        raise DataError(f"training and validation drawings must be of the same classes; on one side only: {only}")
    for part, side in (("training", train), ("validation", valid)):
        if empty := [name for name, members in side.items() if not len(members)]:
            raise DataError(f"no {part} drawings of {', '.join(empty)}: every class needs at least one")


def _labelled(drawings: Mapping[str, Sequence]) -> tuple[Segments, Tensor]:
    labels = np.repeat(np.arange(len(drawings)), [len(members) for members in drawings.values()])
    return segments([one for members in drawings.values() for one in members]), torch.from_numpy(labels)


def _epoch(model, lines, labels, optimiser, schedule, batch_size, rng) -> float:
    """One pass over the drawings in a new order with new warps; returns the mean loss."""
    model.train()
    chunk, total, order = max(1, _CHUNK // batch_size) * batch_size, 0.0, rng.permutation(lines.n)
    for part in np.split(order, range(chunk, lines.n, chunk)):
        warps, widths = random_warps(len(part), model.size, rng)
        pictures = rasterise(lines.take(part), model.size, widths, warp=warps)
        for x, y in zip(pictures.split(batch_size), labels[part].split(batch_size), strict=True):
            loss = F.cross_entropy(model(x), y, label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(y)
    return total / lines.n


@torch.no_grad()
def _outputs(model: Recogniser, pictures: Tensor, layer: str = "forward") -> Tensor:
    model.eval()
    return torch.cat([getattr(model, layer)(part) for part in pictures.split(500)])


def _read(model: Recogniser, drawings: Sequence, line_width: float, layer: str) -> Tensor:
    if not len(drawings):
        raise DataError("no drawings to read: give at least one")
    parts = [drawings[i : i + _CHUNK] for i in range(0, len(drawings), _CHUNK)]
    return torch.cat([_outputs(model, rasterise(part, model.size, line_width), layer) for part in parts])


@checked
def features(model: Recogniser, drawings: Sequence[Drawing], line_width: Width = WIDTH) -> np.ndarray:
    """Features (n, 128), float32, of drawings: the last hidden layer, in which Frechet distance and its kin are measured.

    Raises `DataError` as `Recogniser.predict` does. Chapter 8.
    """
    return _read(model, drawings, line_width, "features").numpy()


@checked
def drawn_features(model: Recogniser, drawings: Sequence[Drawing], line_width: Width = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """`features` (m, 128) of the drawings that have a point, and the numbers (m,) of these in the list; both empty where none has.

    Raises `DataError` for NaN or infinite points. Chapter 12.
    """
    index = np.flatnonzero([bool(one.strokes) for one in drawings])
    some = [drawings[i] for i in index]
    return features(model, some, line_width) if some else np.zeros((0, FEATURES), np.float32), index


@checked
def load(path: Path | str, classes: Sequence[str] | None = None) -> Recogniser:
    """The recogniser in a .safetensors file, in evaluation mode.

    Raises `DataError` as `files.read_model` does and, where `classes` is given, for a recogniser of other ones.
    """
    model = read_model(path, {"Recogniser": Recogniser})
    if classes is not None and tuple(classes) != model.classes:
        wanted = ", ".join(classes)
        raise DataError(f"{path} was trained on {', '.join(model.classes)}; expected {wanted}: train a recogniser on these")
    return model
