"""A small convolutional network that names a drawing: the judge of the evaluation chapter, trained on real drawings only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from .strokes import DataError, Drawing, view_box
from .weights import write_atomically


def rasterise(drawings: Sequence[Drawing], size: int = 48, spacing: float = 0.5) -> Tensor:
    """Drawings as pictures, float32 (n, 1, size, size), 0 paper and 1 ink, each fitted to the frame.

    Every line is sampled each `spacing` pixels and spread over the four pixels round each sample. Raises `DataError` for an
    empty drawing.
    """
    return torch.from_numpy(np.stack([_raster(drawing, size, spacing) for drawing in drawings])[:, None])


def _raster(drawing: Drawing, size: int, spacing: float) -> np.ndarray:
    if not drawing.strokes:
        raise DataError("an empty drawing cannot be made a picture; leave it out or count it as not recognised")
    x, y, side, _ = view_box(drawing)
    picture = np.zeros((size + 1, size + 1), np.float32)
    points = _along(drawing, spacing * side / (size - 1))
    at = np.clip((points - (x, y)) / side * (size - 1), 0, size - 1 - 1e-3)
    low = at.astype(int)
    share = at - low
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - share[:, 0]) * np.abs(1 - dy - share[:, 1])
            np.maximum.at(picture, (low[:, 1] + dy, low[:, 0] + dx), weight)
    return np.minimum(1.5 * picture[:size, :size], 1)


def _along(drawing: Drawing, spacing: float) -> np.ndarray:
    """Points (n, 2) along all lines of a drawing, about `spacing` apart."""
    lines = [(s[:-1], s[1:]) if len(s) > 1 else (s, s) for s in drawing.strokes]
    start, end = (np.concatenate(part) for part in zip(*lines, strict=True))
    n = np.ceil(np.hypot(*(end - start).T) / spacing).astype(int) + 1
    which = np.repeat(np.arange(len(n)), n)
    share = (np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)) / np.maximum(n - 1, 1)[which]
    return start[which] + share[:, None] * (end - start)[which]


class Recogniser(nn.Module):
    """Three convolutions and two linear layers; `classes` names its outputs, `size` is the side of its pictures in pixels."""

    def __init__(self, classes: Sequence[str], size: int = 48, width: int = 24):
        super().__init__()
        self.classes, self.size, self.width = tuple(classes), size, width
        channels = (1, width, 2 * width, 4 * width)
        blocks = [self._block(a, b) for a, b in zip(channels[:-1], channels[1:], strict=True)]
        self.body = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(4 * width * (size // 8) ** 2, 128), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(128, len(self.classes)))

    @staticmethod
    def _block(channels_in: int, channels_out: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU(), nn.MaxPool2d(2))

    def features(self, pictures: Tensor) -> Tensor:
        """The last hidden layer, (n, 128), of pictures (n, 1, size, size)."""
        return self.body(pictures)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (n, classes) of pictures (n, 1, size, size)."""
        return self.head(self.features(pictures))

    def config(self) -> dict:
        """The constructor's arguments."""
        return dict(classes=list(self.classes), size=self.size, width=self.width)


def jitter(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture turned, scaled, moved and thickened a little, so that the network does not read line width or place."""
    n = len(pictures)
    u = torch.rand(n, 5, generator=generator) * 2 - 1
    angle, scale = 0.2 * u[:, 0], 1 + 0.15 * u[:, 1]
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([torch.stack([cos, -sin, 0.12 * u[:, 2]], -1), torch.stack([sin, cos, 0.12 * u[:, 3]], -1)], 1)
    moved = F.grid_sample(pictures, F.affine_grid(theta, list(pictures.shape), align_corners=False), align_corners=False)
    thick = F.max_pool2d(moved, 3, 1, 1)
    return torch.where((u[:, 4] > 0.4)[:, None, None, None], thick, moved)


def train_recogniser(
    train: Mapping[str, Sequence[Drawing]],
    valid: Mapping[str, Sequence[Drawing]],
    size: int = 48,
    epochs: int = 6,
    seed: int = 0,
    batch_size: int = 100,
    lr: float = 2e-3,
) -> Recogniser:
    """A recogniser of the classes of `train` (class -> drawings), the state of the best accuracy on `valid`.

    Adam with a one-cycle learning rate and jittered pictures; seeded, so the same numbers on the same machine.
    """
    torch.manual_seed(seed)
    model = Recogniser(tuple(train), size)
    pictures, labels = _pictures(train, size)
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr)
    steps = epochs * -(-len(pictures) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps)
    best, kept = -1.0, None
    for _ in tqdm(range(epochs), unit="epoch", desc="recogniser"):
        for index in torch.randperm(len(pictures), generator=order).split(batch_size):
            loss = F.cross_entropy(model.train()(jitter(pictures[index], order)), labels[index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        accuracy = _accuracy(model, valid)
        if accuracy > best:
            best, kept = accuracy, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)
    return model.eval()


def _pictures(drawings: Mapping[str, Sequence[Drawing]], size: int) -> tuple[Tensor, Tensor]:
    pictures = torch.cat([rasterise(members, size) for members in drawings.values()])
    return pictures, torch.cat([torch.full((len(m),), i) for i, m in enumerate(drawings.values())])


def _accuracy(model: Recogniser, drawings: Mapping[str, Sequence[Drawing]]) -> float:
    guesses = [predict(model, members).argmax(1) == model.classes.index(name) for name, members in drawings.items()]
    return float(np.concatenate(guesses).mean())


@torch.no_grad()
def predict(model: Recogniser, drawings: Sequence[Drawing]) -> np.ndarray:
    """Probabilities (n, classes); an empty drawing gets the same for all classes."""
    model.eval()
    out = np.full((len(drawings), len(model.classes)), 1 / len(model.classes), np.float32)
    drawn = [i for i, drawing in enumerate(drawings) if drawing.strokes]
    for part in np.array_split(drawn, max(1, len(drawn) // 500)) if drawn else ():
        out[part] = torch.softmax(model(rasterise([drawings[i] for i in part], model.size)), -1).numpy()
    return out


@torch.no_grad()
def features(model: Recogniser, drawings: Sequence[Drawing]) -> np.ndarray:
    """Features (n, 128) of drawings, none of them empty."""
    model.eval()
    parts = [drawings[i : i + 500] for i in range(0, len(drawings), 500)]
    return np.concatenate([model.features(rasterise(part, model.size)).numpy() for part in parts])


def save(model: Recogniser, path: Path | str) -> None:
    """Write a recogniser as safetensors with its configuration in the header."""
    header = {"architecture": "Recogniser", "config": json.dumps(model.config())}
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_atomically(path, lambda to: save_file(tensors, to, metadata=header))


def load(path: Path | str) -> Recogniser:
    """The recogniser in a safetensors file; raises `DataError` for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is not a readable safetensors file ({error})") from error
    if header.get("architecture") != "Recogniser":
        raise DataError(f"{path} holds architecture {header.get('architecture')!r}; expected Recogniser")
    model = Recogniser(**json.loads(header["config"]))
    model.load_state_dict(tensors)
    return model.eval()
