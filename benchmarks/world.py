"""What the rows of the benchmark work on: the ten classes' drawings, and the same drawings as files of the dataset's four formats."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sketchlib.data import dataset, source
from sketchlib.data.batches import batch_order
from sketchlib.data.quickdraw import TEN_CLASSES
from sketchlib.strokes import resample

N_FILE, N_MANY, N_RAW = 10_000, 100_000, 1_000  # drawings in a file, in the large one, and in the one for the slow reader of raw drawings


@dataclass(frozen=True)
class World:
    """A folder that `prepare` has filled: the purified drawings, and the files to read."""

    folder: Path

    @cached_property
    def sketches(self) -> dataset.SketchSet:
        return dataset.SketchSet.load(self.folder / "sketches")

    @cached_property
    def scale(self) -> float:
        return dataset.data_scale_factor(self.sketches)

    @cached_property
    def arrays(self) -> list[np.ndarray]:
        """The drawings as normalised stroke-3 arrays, as the reference keeps them."""
        return [self.sketches[i] / np.float32([self.scale, self.scale, 1]) for i in range(len(self.sketches))]

    @cached_property
    def about(self) -> dict:
        return json.loads((self.folder / "about.json").read_text(encoding="utf-8"))

    def batches(self, n: int, batch_size: int = 100) -> list[np.ndarray]:
        """`n` batches of an epoch that stand for all: sorted by their points, one from the middle of each of `n` equal parts."""
        lengths = self.sketches.lengths
        order = batch_order(lengths, batch_size, seed=0, epoch=0)
        order = sorted((index for index in order if len(index) == batch_size), key=lambda index: lengths[index].sum())
        n = min(n, len(order))
        return [order[int((k + 0.5) * len(order) / n)] for k in range(n)]


def prepare(folder: Path, n: int = N_FILE, many: int = N_MANY) -> World:
    """Read the ten classes from where `sketchlib.data.source` finds them and write set and files into `folder`."""
    drawings, found = source.load_drawings(TEN_CLASSES)
    sketches = dataset.SketchSet.from_drawings(drawings)
    dataset.purify(sketches).save(folder / "sketches")
    order = np.random.default_rng(0).permutation(len(sketches))
    chosen = [boxed(sketches, i) for i in order[:n]]
    lines = [line_of(strokes) for strokes in chosen]
    write_lines(folder / "simplified.ndjson", lines, n)
    write_lines(folder / "many.ndjson", lines, many)
    raw = [line_of([as_raw(stroke) for stroke in strokes]) for strokes in chosen]
    write_lines(folder / "raw.ndjson", raw, n)
    write_lines(folder / "raw_few.ndjson", raw, min(N_RAW, n))
    (folder / "drawings.bin").write_bytes(b"".join(map(binary_of, chosen)))
    write_npz(folder / "drawings.npz", [sketches.points[sketches.offsets[i] : sketches.offsets[i + 1]] for i in order[:n]])
    about = {"where": found.where, "kind": found.kind, "drawings": len(sketches), "in a file": len(chosen)}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    return World(folder)


def boxed(sketches: dataset.SketchSet, i: int) -> list[np.ndarray]:
    """The strokes of a drawing, whole numbers (2, n) in the 0..255 box."""
    drawing = sketches.drawing(i)
    left, top, _, _ = drawing.bounds()
    return [np.clip(stroke - np.float32([left, top]), 0, 255).round().astype(int).T for stroke in drawing.strokes]


def as_raw(stroke: np.ndarray) -> np.ndarray:
    """A stroke as a canvas would record it: a point every three units, 2.5 pixels a unit, a time for each (3, n)."""
    points = resample(stroke.T, 3) * 2.5 + 100
    return np.vstack([points.T.round(2), np.arange(len(points)) * 16])


def line_of(strokes) -> str:
    """A drawing as a line of ndjson."""
    return json.dumps({"word": "drawing", "key_id": None, "recognized": True, "drawing": [stroke.tolist() for stroke in strokes]}) + "\n"


def write_lines(path: Path, lines: list[str], n: int) -> None:
    """`n` lines, over and over from the start where there are fewer."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, n, len(lines)):
            file.writelines(lines[: n - start])


def binary_of(strokes) -> bytes:
    """A drawing in the .bin format."""
    head = struct.pack("<Q2sbIH", 0, b"IN", 1, 0, len(strokes))
    return head + b"".join(struct.pack("<H", stroke.shape[1]) + stroke.astype(np.uint8).tobytes() for stroke in strokes)


def write_npz(path: Path, members: list[np.ndarray]) -> None:
    """A sketch-rnn file: 80 % train, 10 % valid, 10 % test."""
    eighty, ninety = len(members) * 8 // 10, len(members) * 9 // 10
    parts = {"train": members[:eighty], "valid": members[eighty:ninety], "test": members[ninety:]}
    for name, some in parts.items():
        parts[name] = np.empty(len(some), object)
        parts[name][:] = some
    np.savez_compressed(path, **parts)
