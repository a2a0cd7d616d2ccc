"""Many drawings at once: flat arrays with offsets, purification, the scale, the split, and batches by length."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from .distributed import ALONE, Ranks, Share
from .strokes import DataError, Drawing, from_stroke3, to_stroke3

MIN_DRAWINGS = 20  # usable drawings that a class needs


@dataclass(frozen=True, eq=False)
class SketchSet:
    """Drawings as one flat stroke-3 array.

    `points` (P, 3): dx, dy, lift in data units, int16 where all values are whole, else float32. `offsets` (n + 1,):
    drawing i is rows offsets[i]:offsets[i + 1]. `labels` (n,): index into `classes`.
    Memory is that of the points: nothing is padded. Chapter 2 builds one.
    """

    points: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    @classmethod
    def from_drawings(cls, drawings: Mapping[str, Iterable[Drawing]]) -> SketchSet:
        """Collect drawings by class; raises `DataError` where a coordinate is not finite."""
        rows, labels, keys = [], [], []
        for label, members in enumerate(drawings.values()):
            for drawing in members:
                rows.append(to_stroke3(drawing))
                labels.append(label)
                keys.append(drawing.key_id)
        offsets = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
        points = _compact(np.concatenate(rows) if rows else np.zeros((0, 3), np.float32))
        sketches = cls(points, offsets, np.asarray(labels, np.int64), tuple(drawings))
        _require_finite(sketches, keys)
        return sketches

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> np.ndarray:
        """Drawing i as float32 stroke-3 (N, 3) in data units."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"drawing {i} of {len(self)}")
        i %= len(self)
        return np.asarray(self.points[self.offsets[i] : self.offsets[i + 1]], np.float32)

    @property
    def lengths(self) -> np.ndarray:
        """N of every drawing: its stroke-3 rows, without S_0 and end row."""
        return np.diff(self.offsets)

    @property
    def n_max(self) -> int:
        """Rows of the longest drawing."""
        return int(self.lengths.max(initial=0))

    def drawing(self, i: int) -> Drawing:
        """Drawing i as polylines from the origin."""
        return from_stroke3(self[i], self.classes[self.labels[i]])

    def drawings(self, name: str | None = None, limit: int | None = None) -> list[Drawing]:
        """The drawings of one class (of all when None) as polylines, the first `limit` of them."""
        index = np.arange(len(self)) if name is None else np.flatnonzero(self.labels == self.label(name))
        return [self.drawing(i) for i in index[:limit]]

    def label(self, name: str) -> int:
        """The index of a class; raises `DataError` for one that is not in the set."""
        if name not in self.classes:
            raise DataError(f"class {name!r} is not in this set; it has {', '.join(self.classes)}")
        return self.classes.index(name)

    def counts(self) -> dict[str, int]:
        """Number of drawings by class."""
        return dict(zip(self.classes, np.bincount(self.labels, minlength=len(self.classes)).tolist(), strict=True))

    def subset(self, index) -> SketchSet:
        """The drawings at `index` (integers or a mask), in that order, in arrays of their own."""
        index = np.arange(len(self))[index]
        lengths = self.lengths[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(self.offsets[index] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return SketchSet(self.points[rows], offsets, self.labels[index], self.classes)

    def only(self, name: str) -> SketchSet:
        """The drawings of one class, as a set of that class alone."""
        chosen = self.subset(self.labels == self.label(name))
        return replace(chosen, labels=np.zeros(len(chosen), np.int64), classes=(name,))

    def joined(self, other: SketchSet) -> SketchSet:
        """These drawings and then those of other classes."""
        offsets = np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]])
        labels = np.concatenate([self.labels, len(self.classes) + other.labels])
        return SketchSet(np.concatenate([self.points, other.points]), offsets, labels, self.classes + other.classes)

    def save(self, folder: Path | str) -> None:
        """Write the arrays as .npy files into `folder`, for `load` to map."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("points", "offsets", "labels"):
            part = folder / f"{name}.part.npy"  # moved when whole: this set may be the one that is mapped from there
            np.save(part, getattr(self, name), allow_pickle=False)
            part.replace(folder / f"{name}.npy")
        (folder / "classes.json").write_text(json.dumps(self.classes), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> SketchSet:
        """Map a saved set into memory; raises `DataError` naming a missing or broken file."""
        folder = Path(folder)
        try:
            arrays = [np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in ("points", "offsets", "labels")]
            classes = tuple(json.loads((folder / "classes.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{folder} holds no saved drawings ({error}); delete it and run again") from error
        return cls(*arrays, classes)


def _compact(points: np.ndarray) -> np.ndarray:
    """Stroke-3 rows as int16 where that loses nothing."""
    with np.errstate(invalid="ignore"):  # NaN is left to be refused with its drawing's name
        small = np.clip(points, -32768, 32767).astype(np.int16)
    return small if np.array_equal(small, points) else points


def _require_finite(sketches: SketchSet, keys: list[str | None]) -> None:
    """Raises `DataError` naming the first drawing with a coordinate that is not finite."""
    broken = np.flatnonzero(~np.isfinite(sketches.points).all(1)) if sketches.points.dtype != np.int16 else ()
    if len(broken):
        i = int(np.searchsorted(sketches.offsets, broken[0], "right")) - 1
        name = sketches.classes[sketches.labels[i]]
        raise DataError(f"a drawing of class {name!r} (key_id {keys[i]}) has NaN or infinite coordinates; remove it from its file")


def purify(sketches: SketchSet, min_length: int = 10, max_length: int = 200, limit: float = 1000) -> SketchSet:
    """Keep drawings of min_length <= N <= max_length rows and clamp dx, dy to +-limit data units.

    Source: report, section IV.1. Raises `DataError` for a class left with fewer than 20 drawings. Chapter 2.
    """
    kept = sketches.subset((sketches.lengths >= min_length) & (sketches.lengths <= max_length))
    for name, count in kept.counts().items():
        if count < MIN_DRAWINGS:
            raise DataError(
                f"class {name!r}: {count} usable drawings of {sketches.counts()[name]} (N from {min_length} to {max_length}); "
                f"at least {MIN_DRAWINGS} are needed: add drawings or leave the class out"
            )
    points = np.array(kept.points)
    points[:, :2] = np.clip(points[:, :2], -limit, limit)
    return replace(kept, points=points)


def data_scale_factor(sketches: SketchSet) -> float:
    """Standard deviation of all dx and dy together, in data units: what one normalised unit is.

    Source: report, section IV.1; taken from the training part only, so that nothing of the other parts leaks.
    """
    scale = float(np.asarray(sketches.points[:, :2], np.float64).std())
    if not scale > 0:
        raise DataError(f"the {len(sketches)} drawings have no extent (standard deviation {scale}); check the data folder")
    return scale


@dataclass(frozen=True)
class Splits:
    """The three parts: `train` to fit, `valid` to choose, `test` to score once."""

    train: SketchSet
    valid: SketchSet
    test: SketchSet


def split(sketches: SketchSet, fractions: tuple[float, float, float] = (0.7, 0.15, 0.15), seed: int = 42) -> Splits:
    """Split each class in the same proportions; source: report, section IV.1."""
    from sklearn.model_selection import train_test_split  # here: it takes nearly as long as torch, and who draws needs none

    index = np.arange(len(sketches))
    train, rest = train_test_split(index, train_size=fractions[0], stratify=sketches.labels, random_state=seed)
    share = fractions[1] / (fractions[1] + fractions[2])
    valid, test = train_test_split(rest, train_size=share, stratify=sketches.labels[rest], random_state=seed)
    return Splits(*(sketches.subset(np.sort(part)) for part in (train, valid, test)))


def cap(sketches: SketchSet, per_class: int | None, seed: int = 42) -> SketchSet:
    """At most `per_class` drawings of every class, chosen by `seed`; all of them when None."""
    if per_class is None:
        return sketches
    order = np.random.default_rng(seed).permutation(len(sketches))
    rank = np.empty(len(sketches), np.int64)
    for label in range(len(sketches.classes)):
        members = order[sketches.labels[order] == label]
        rank[members] = np.arange(len(members))
    return sketches.subset(rank < per_class)


@dataclass(frozen=True, eq=False)
class Batch:
    """Drawings padded to the longest of this batch.

    `x` (B, T + 1, 5): stroke-5 in normalised units, S_0 first, then N rows, then end rows to the end.
    `lengths` (B,): N of each drawing. `labels` (B,): class indices. `share`: which part of a larger batch this is; None: a whole one.
    """

    x: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor
    share: Share | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device) -> Batch:
        """The same batch on a device."""
        return replace(self, **{name: sent(getattr(self, name), device) for name in ("x", "lengths", "labels")})

    def random(self, draw: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """The rows for these drawings of `draw(n)`, random numbers (n, ...) for all drawings of the batch, whatever share of it this is."""
        return draw(len(self)) if self.share is None else self.share.of(draw(self.share.whole))

    @property
    def drawn(self) -> torch.Tensor:
        """Mask (B, T) of the real points among the targets: where L_S counts."""
        return torch.arange(self.x.shape[1] - 1, device=self.x.device) < self.lengths[:, None]

    @property
    def decided(self) -> torch.Tensor:
        """Mask (B, T) of the real points and the one end row: where a pen state is decided."""
        return torch.arange(self.x.shape[1] - 1, device=self.x.device) <= self.lengths[:, None]


def sent(tensor: torch.Tensor, device) -> torch.Tensor:
    """The tensor on a device, without waiting for a GPU: what goes there is first put where it can fetch it by itself."""
    pinned = tensor.pin_memory() if torch.device(device).type == "cuda" and tensor.device.type == "cpu" else tensor
    return pinned.to(device, non_blocking=True)


def make_batch(sketches: SketchSet, index, scale: float) -> Batch:
    """The drawings at `index` as one `Batch`, deltas divided by `scale`; no Python loop over drawings."""
    index = np.asarray(index)
    lengths = sketches.lengths[index]
    steps = np.arange(lengths.max() + 1)
    real = steps < lengths[:, None]  # (B, T)
    rows = np.asarray(sketches.points[(sketches.offsets[index][:, None] + steps)[real]], np.float32)
    x = np.zeros((len(index), len(steps) + 1, 5), np.float32)
    x[:, 0, 2] = 1  # S_0
    body = x[:, 1:]
    body[real, :2] = rows[:, :2] / np.float32(scale)
    body[real, 2], body[real, 3] = 1 - rows[:, 2], rows[:, 2]
    body[~real, 4] = 1
    labels = np.ascontiguousarray(sketches.labels[index])
    return Batch(torch.from_numpy(x), torch.from_numpy(lengths.astype(np.int64)), torch.from_numpy(labels))


def batch_order(lengths: np.ndarray, batch_size: int, seed: int, epoch: int, pool: int = 50) -> list[np.ndarray]:
    """The batches of one epoch as index arrays: every drawing once, drawings of like length together.

    Drawings are shuffled, each pool of `pool` batches is sorted by length and cut, and the batches are shuffled:
    padding all but vanishes while a batch stays a random one. A function of (seed, epoch) alone, so that a resumed
    run goes on with the same batches.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), pool * batch_size):
        part = order[start : start + pool * batch_size]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def batches(
    sketches: SketchSet,
    scale: float,
    batch_size: int = 100,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = True,
    pool: int = 50,
    ranks: Ranks = ALONE,
) -> Iterator[Batch]:
    """One pass over a set in batches bucketed by length; without `shuffle`, all sorted by length. Of each, this rank's share."""
    if shuffle:
        order = batch_order(sketches.lengths, batch_size, seed, epoch, pool)
    else:
        by_length = np.argsort(sketches.lengths, kind="stable")
        order = [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
    for index in order:
        share = ranks.share(len(index))
        yield replace(make_batch(sketches, share.of(index), scale), share=share)


def augment(
    batch: Batch, generator: torch.Generator, stretch: float = 0.15, merge: float = 0.0, jitter: float = 0.0, longest: int = 0
) -> Batch:
    """Other drawings that a hand might have made as well.

    `merge`: the probability that a point inside a stroke is left out, its movement joined to the next. `jitter`: the standard deviation, in
    normalised units, by which each point is moved; the next movement goes on to where the following point is. `stretch`: x and y of
    every drawing are scaled by its own factors, uniform in 1 +- stretch. `longest`: rows for which random numbers are drawn (at least
    the batch's own), so that they do not depend on which share of a batch this is.
    Source: Ha and Eck (2017), section 4 (stretch), and their code (merge); jitter is this book's. Chapter 4.
    """
    rows, device = max(longest, batch.x.shape[1]), batch.x.device
    factors = sent(1 + stretch * (2 * batch.random(lambda n: torch.rand(n, 1, 2, generator=generator)) - 1), device)
    if merge:
        chance = sent(batch.random(lambda n: torch.rand(n, rows, generator=generator)), device)
        batch = _merged(batch, chance[:, : batch.x.shape[1]] < merge)
    x = batch.x.clone()
    if jitter:
        noise = sent(batch.random(lambda n: torch.randn(n, rows, 2, generator=generator)), device)[:, : x.shape[1]] * jitter
        at = torch.arange(x.shape[1], device=device)
        real = ((at > 0) & (at <= batch.lengths[:, None]))[..., None]
        x[..., :2] += torch.where(real, torch.diff(noise * real, dim=1, prepend=torch.zeros_like(noise[:, :1])), 0.0)
    x[:, :, :2] *= factors
    return replace(batch, x=x)


def _merged(batch: Batch, chosen: torch.Tensor) -> Batch:
    """The batch without those `chosen` (B, T + 1) points that lie inside a stroke: neither first nor last of it."""
    x, at = batch.x, torch.arange(batch.x.shape[1], device=batch.x.device)
    down = x[..., 2] > 0
    out = chosen & down & down.roll(1, 1) & (at > 1)
    order = torch.argsort(out.to(torch.int8), dim=1, stable=True)[..., None]  # those left out come last
    lengths = batch.lengths - out.sum(1)
    places, pens = x[..., :2].cumsum(1).gather(1, order.expand(-1, -1, 2)), x[..., 2:].gather(1, order.expand(-1, -1, 3))
    rest = torch.cat([torch.diff(places, dim=1, prepend=torch.zeros_like(places[:, :1])), pens], -1)
    end = torch.tensor([0, 0, 0, 0, 1.0], device=x.device)
    rest = torch.where((at <= lengths[:, None])[..., None], rest, end)
    return replace(batch, x=rest[:, : int(lengths.max()) + 2], lengths=lengths)
