"""Many drawings at once: flat arrays with offsets, purification, the scale, the split, and batches by length."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from ..arguments import SOME, Count, Length, Seed, checked
from ..errors import DataError
from ..settings import Range
from ..strokes import Drawing, from_stroke3, to_stroke3

MIN_DRAWINGS = 20  # usable drawings that a class needs
Part = Annotated[float, Range(lambda value: 0 < value < 1, "above 0 and below 1")]
Fractions = Annotated[tuple[Part, Part, Part], Range(lambda parts: math.isclose(sum(parts), 1), "that sum to 1")]


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
    @checked
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

    @checked
    def drawings(self, name: str | None = None, limit: Count | None = None) -> list[Drawing]:
        """The drawings of one class (of all when None) as polylines, the first `limit` of them."""
        index = np.arange(len(self)) if name is None else np.flatnonzero(self.labels == self.label(name))
        return [self.drawing(i) for i in index[:limit]]

    @checked
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

    @checked
    def only(self, name: str) -> SketchSet:
        """The drawings of one class, as a set of that class alone."""
        chosen = self.subset(self.labels == self.label(name))
        return replace(chosen, labels=np.zeros(len(chosen), np.int64), classes=(name,))

    @checked
    def are_of(self, names: Sequence[str]) -> np.ndarray:
        """Mask (n,) of the drawings of some classes; raises `DataError` for a class that is not there."""
        return np.isin(self.labels, [self.label(name) for name in names])

    @checked
    def joined(self, other: SketchSet) -> SketchSet:
        """These drawings and then those of other classes."""
        offsets = np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]])
        labels = np.concatenate([self.labels, len(self.classes) + other.labels])
        return SketchSet(np.concatenate([self.points, other.points]), offsets, labels, self.classes + other.classes)

    @checked
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
    @checked
    def load(cls, folder: Path | str) -> SketchSet:
        """Map a saved set into memory; raises `DataError` naming a missing or broken file."""
        folder = Path(folder)
        try:
            arrays = [np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in ("points", "offsets", "labels")]
            classes = tuple(json.loads((folder / "classes.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{folder} holds no saved drawings ({error}); delete it and run again") from error
        return cls(*arrays, classes)


@checked
def of_classes(sketches: SketchSet, names: Annotated[Sequence[str], SOME]) -> SketchSet:
    """The drawings of some classes, as a set of these, in this order; raises `DataError` for a class that is not there."""
    order = np.array([sketches.label(name) for name in names])
    chosen = sketches.subset(sketches.are_of(names))
    return replace(chosen, labels=(chosen.labels[:, None] == order).argmax(1), classes=tuple(names))


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


@checked
def purify(sketches: SketchSet, min_length: Count = 10, max_length: Count = 200, limit: Length = 1000) -> SketchSet:
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


@checked
def data_scale_factor(sketches: SketchSet) -> float:
    """Standard deviation of all dx and dy together, in data units: what one normalised unit is.

    Source: report, section IV.1; taken from the training part only, so that nothing of the other parts leaks.
    """
    scale = float(np.asarray(sketches.points[:, :2], np.float64).std()) if len(sketches.points) else 0.0
    if not scale > 0:
        raise DataError(f"the {len(sketches)} drawings have no extent (standard deviation {scale}); check the data folder")
    return scale


@dataclass(frozen=True)
class Splits:
    """The three parts: `train` to fit, `valid` to choose, `test` to score once."""

    train: SketchSet
    valid: SketchSet
    test: SketchSet


@checked
def split(sketches: SketchSet, fractions: Fractions = (0.7, 0.15, 0.15), seed: Seed = 42) -> Splits:
    """Split each class in the same proportions; source: report, section IV.1. Raises `DataError` where a part lacks a class."""
    try:
        parts = [sketches.subset(np.sort(part)) for part in _split(sketches.labels, fractions, seed)]
        few = [name for part in parts for name, count in part.counts().items() if not count]
    except ValueError:  # scikit-learn's, in its own words: a class, or all of them, would have less than one drawing in a part
        few = [min(sketches.classes, key=sketches.counts().get)]
    if few:
        raise DataError(
            f"data.fractions {list(fractions)} leave a part without drawings of class {few[0]!r}, of which there are "
            f"{sketches.counts()[few[0]]}: make the smallest fraction larger, or add drawings (data.per_class)"
        )
    return Splits(*parts)


def _split(labels: np.ndarray, fractions: tuple[float, float, float], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the drawings of each part."""
    from sklearn.model_selection import train_test_split  # here: it takes nearly as long as torch, and who draws needs none

    train, rest = train_test_split(np.arange(len(labels)), train_size=fractions[0], stratify=labels, random_state=seed)
    share = fractions[1] / (fractions[1] + fractions[2])
    valid, test = train_test_split(rest, train_size=share, stratify=labels[rest], random_state=seed)
    return train, valid, test


@checked
def repeated(sketches: SketchSet, size: Count | None) -> SketchSet:
    """The set with the drawings of a class that has fewer than `size` coming again, in turn, until there are so many; None: as it is."""
    if size is None:
        return sketches
    members = [np.flatnonzero(sketches.labels == label) for label in range(len(sketches.classes))]
    return sketches.subset(np.concatenate([np.resize(one, max(len(one), size)) if len(one) else one for one in members]))


@checked
def cap(sketches: SketchSet, per_class: Count | None, seed: Seed = 42) -> SketchSet:
    """At most `per_class` drawings of every class, chosen by `seed`; all of them when None."""
    if per_class is None:
        return sketches
    order = np.random.default_rng(seed).permutation(len(sketches))
    rank = np.empty(len(sketches), np.int64)
    for label in range(len(sketches.classes)):
        members = order[sketches.labels[order] == label]
        rank[members] = np.arange(len(members))
    return sketches.subset(rank < per_class)
