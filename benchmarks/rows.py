"""The rows of the benchmark: for each, the library's way and the reference's way to the same result."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import reference
import reference_pictures
import torch
from world import N_MANY, World

from sketchlib import completion, sampling, train
from sketchlib.data import dataset, quickdraw
from sketchlib.data.batches import make_batch
from sketchlib.data.npz import read_npz
from sketchlib.metrics import cost
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.pictures import animation

TEMPERATURE = 0.4
N_BATCHES = 20  # of an epoch, for the rows of training


@dataclass(frozen=True)
class Row:
    """`library` and `reference` do their work once and return how many `unit`s it was; `check` returns by how much their results differ.

    `flops`: arithmetic of one call of `library`, on real points only. `targets`: what the project set out for, by kind: "ratio",
    "rate", "seconds" (at most), "share" of the matrix-product rate.
    """

    what: str
    unit: str
    library: Callable[[], int]
    reference: Callable[[], int] | None = None
    check: Callable[[], float] | None = None
    flops: float = 0.0
    targets: dict[str, float] = field(default_factory=dict)
    memory: tuple[str, ...] = ("library", "reference")


def single_model(world: World) -> ConditionalDecoder:
    """The single model at the published sizes, as initialised."""
    torch.manual_seed(0)
    return ConditionalDecoder(world.sketches.classes, world.sketches.n_max, world.scale)


def vae_model(world: World) -> SketchVAE:
    """The VAE at the published sizes, as initialised."""
    torch.manual_seed(0)
    return SketchVAE(("ten classes",), world.sketches.n_max, world.scale)


def reference_batch(world: World, index):
    """Rows and lengths of the drawings at `index`, padded to N_max."""
    return reference.make_batch([world.arrays[i] for i in index], world.sketches.n_max)


def train_single(world: World) -> Row:
    """A step of the single model: make the batch, loss, gradient, clip, Adam."""
    model, order = single_model(world), world.batches(N_BATCHES)
    other, rng = reference.Single(model), np.random.default_rng(0)
    optimiser = torch.optim.Adam(other.parameters(), lr=1e-3)
    run = train.Run(model, train.Settings(steps=10**6), world.folder / "single")

    def library():
        for index in order:
            train.train_step(run, make_batch(world.sketches, index, world.scale))
        return sum(map(len, order))

    def reported():
        batch = reference.random_batch(world.arrays, world.sketches.labels, world.sketches.n_max, 100, rng)
        reference.step([other], [optimiser], other.loss(*batch))
        return 100

    def check():
        batch = make_batch(world.sketches, order[0], world.scale)
        return abs(model.loss(model.parts(batch)) - other.loss(*reference_batch(world, order[0]), batch.labels)).item()

    points = sum(int(world.sketches.lengths[index].sum()) + len(index) for index in order)
    flops = cost.training_flops(model, points)
    return Row("training step, single model", "sketches", library, reported, check, flops, {"ratio": 3, "share": 0.7})


def train_vae(world: World) -> Row:
    """A step of the VAE: make the batch, loss, gradient, clip both parts, Adam."""
    model, order = vae_model(world), world.batches(N_BATCHES)
    other, rng = reference.VAE(model), np.random.default_rng(0)
    parts = [other.encoder, other.decoder]
    optimisers = [torch.optim.Adam(part.parameters(), lr=1e-3) for part in parts]
    run = train.Run(model, train.Settings(steps=10**6, schedule="exponential"), world.folder / "vae")

    def library():
        for index in order:
            train.train_step(run, make_batch(world.sketches, index, world.scale))
        return sum(map(len, order))

    def reported():
        rows, lengths, _ = reference.random_batch(world.arrays, world.sketches.labels, world.sketches.n_max, 100, rng)
        reference.step(parts, optimisers, other.loss(rows, lengths, 0.01))
        return 100

    def check():
        mine = model.loss(model.parts(make_batch(world.sketches, order[0], world.scale), torch.Generator().manual_seed(1)), 0.5)
        theirs = other.loss(*reference_batch(world, order[0]), 0.5, torch.Generator().manual_seed(1), epsilon=0.0)
        return abs(mine - theirs).item()

    points = sum(int(world.sketches.lengths[index].sum()) + len(index) for index in order)
    flops = cost.training_flops(model, points)
    return Row("training step, VAE", "sketches", library, reported, check, flops, {"ratio": 5})


@cache
def _own(folder: Path) -> Row:
    """The VAE of a process that has one thread."""
    torch.set_num_threads(1)
    return train_vae(World(folder))


def _steps(folder: Path) -> int:
    return _own(folder).library()


def train_vaes(world: World) -> Row:
    """As the router is trained: VAEs side by side, one on each processor, against one after the other on all."""
    alone, processors = train_vae(world), os.cpu_count() or 1
    pool = get_context("spawn").Pool(processors)
    pool.map(_steps, [world.folder] * processors, chunksize=1)  # to build and to warm up

    def library():
        return sum(pool.map(_steps, [world.folder] * processors, chunksize=1))

    what = "training steps of VAEs, one on each processor"
    return Row(what, "sketches", library, alone.reference, alone.check, processors * alone.flops, {"ratio": 5}, memory=())


def evaluate_single(world: World) -> Row:
    """The loss of the single model over a part of the drawings, without gradient."""
    model, lengths = single_model(world).eval(), world.sketches.lengths
    some = np.random.default_rng(0).choice(len(lengths), min(2000, len(lengths)), replace=False)
    other, part = reference.Single(model), world.sketches.subset(some)

    @torch.no_grad()
    def loss(index):
        return float(other.loss(*reference_batch(world, index), torch.from_numpy(world.sketches.labels[index])))

    def library():
        train.evaluate(model, part)
        return len(part)

    def reported():
        loss(some[:100])
        return 100

    def check():
        hundreds = [some[i : i + 100] for i in range(0, min(500, len(some)), 100)]
        points = [lengths[index].sum() for index in hundreds]
        mine = train.evaluate(model, world.sketches.subset(np.concatenate(hundreds)))["loss"]
        return abs(mine - np.average([loss(index) for index in hundreds], weights=points))

    flops = cost.training_flops(model, int(lengths[some].sum() + len(some))) / 3  # forward only
    return Row("evaluation, single model", "sketches", library, reported, check, flops)


def drawing_model(world: World) -> ConditionalDecoder:
    """The single model with the pen's end made as rare as drawings are long, so that sketches have the real mean length."""
    model = single_model(world).eval()
    end = 1 / (world.sketches.lengths.mean() + 1)
    with torch.no_grad():
        model.decoder.fc_params.bias[-1] = TEMPERATURE * math.log(2 * end / (1 - end))
    return model


def sample_row(world: World, n: int, n_reference: int, targets: dict[str, float]) -> Row:
    """`n` sketches at a time; the reference draws one at a time, `n_reference` of them."""
    model, word = drawing_model(world), world.sketches.classes[0]
    other, rng, generator = reference.Single(model), np.random.default_rng(0), torch.Generator().manual_seed(0)
    times = 10 if n == 1 else 1

    def library():
        for _ in range(times):
            sampling.sample(model, word, n, TEMPERATURE, generator)
        return n * times

    def reported():
        for _ in range(n_reference):
            reference.sample_one(other, 0, TEMPERATURE, rng)
        return n_reference

    def check():
        mine = sampling.sample(model, word, 1, 0.0, 0)[0].stroke3
        theirs = reference.sample_one(other, 0, 1e-12, rng)
        same = min(len(mine), len(theirs), 20)
        return float(np.abs(mine[:same] - theirs[:same]).max())

    return Row(f"sampling {n:,} at a time", "sketches", library, reported, check, targets=targets)


def sample_1(world: World) -> Row:
    return sample_row(world, 1, 10, {})


def sample_100(world: World) -> Row:
    return sample_row(world, 100, 40, {"ratio": 15})


def sample_1000(world: World) -> Row:
    return sample_row(world, 1000, 40, {"rate": 800})


def complete_100(world: World) -> Row:
    """A hundred drawings of one class, of which the first half is given, gone on with; the reference goes on with one at a time."""
    model, word, members = drawing_model(world), world.sketches.classes[0], np.flatnonzero(world.sketches.labels == 0)[:100]
    begun = [completion.beginning_of(world.sketches.drawing(int(i)), 0.5) for i in members]
    other, rng, generator = reference.Single(model), np.random.default_rng(0), torch.Generator().manual_seed(0)

    def library():
        return len(completion.complete_all(model, begun, [word] * len(begun), 1, TEMPERATURE, generator))

    def reported():
        for one in begun[:20]:
            reference.sample_one(other, 0, TEMPERATURE, rng, one.rows)
        return len(begun[:20])

    def check():
        mine = completion.complete_all(model, begun[:1], [word], 1, 0.0)[0][0].stroke3[len(begun[0].rows) :]
        theirs = reference.sample_one(other, 0, 1e-12, rng, begun[0].rows)
        same = min(len(mine), len(theirs), 20)
        return float(np.abs(mine[:same] - theirs[:same]).max(initial=0))

    return Row("completing 100 half drawings", "sketches", library, reported, check)


def prepared(reader, path):
    """The library's way from a file to purified drawings and their scale."""
    kept = dataset.purify(dataset.SketchSet.from_drawings({"drawing": reader(path)}))
    return kept, dataset.data_scale_factor(kept)


def load_row(what: str, world: World, name: str, reader, other, few: str | None = None, **more) -> Row:
    """A file of drawings read and preprocessed; the reference reads `few` where it is too slow for all."""
    path, small = world.folder / name, world.folder / (few or name)

    def count(file):
        return world.about["in a file"] if file == path else min(1000, world.about["in a file"])

    def library():
        prepared(reader, path)
        return count(path)

    def reported():
        reference.preprocess(other(small))
        return count(small)

    def check():
        (kept, mine), (arrays, theirs) = prepared(reader, small), reference.preprocess(other(small))
        return max(abs(mine / theirs - 1), abs(len(kept) / len(arrays) - 1))

    return Row(f"read and preprocess, {what}", "drawings", library, reported, check, **more)


def load_npz(world: World) -> Row:
    return load_row("npz", world, "drawings.npz", read_npz, reference.load_npz)


def load_ndjson(world: World) -> Row:
    return load_row("simplified ndjson", world, "simplified.ndjson", quickdraw.read_simplified, reference.load_ndjson)


def load_binary(world: World) -> Row:
    return load_row("bin", world, "drawings.bin", quickdraw.read_binary, reference.load_binary)


def load_raw(world: World) -> Row:
    few = dict(few="raw_few.ndjson", memory=("library",))
    return load_row("raw ndjson", world, "raw.ndjson", quickdraw.read_raw, reference_pictures.load_raw, **few)


def load_many(world: World) -> Row:
    """Ten times the drawings, to see that time and memory grow with the data and no faster."""
    path = world.folder / "many.ndjson"
    with path.open("rb") as file:
        n = sum(1 for _ in file)

    def library():
        prepared(quickdraw.read_simplified, path)
        return n

    targets = {"seconds": 20} if n == N_MANY else {}  # a quick run reads fewer
    return Row(f"read and preprocess, simplified ndjson, {n:,}", "drawings", library, targets=targets, memory=("library",))


def animate(world: World) -> Row:
    """A GIF of the longest drawing of each of four classes, in 100 frames."""
    lengths, labels = world.sketches.lengths, world.sketches.labels
    drawings = [world.sketches.drawing(int(np.argmax(lengths * (labels == k)))) for k in range(4)]

    def library():
        animation.save_gif(animation.grid_film(drawings), world.folder / "library.gif", 100)
        return 1

    def reported():
        reference_pictures.animate(drawings, world.folder / "reference.gif", 100)
        return 1

    return Row("GIF of four panels", "GIFs", library, reported, targets={"seconds": 3})
