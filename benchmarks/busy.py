"""The library on a quiet machine against the library beside other work: a process at the lowest priority on every core."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from rows import TEMPERATURE, Row, drawing_model, single_model
from world import World

from sketchlib import sampling, train
from sketchlib.data.batches import make_batch
from sketchlib.metrics import recogniser

TARGETS = {"busy": 2.5}
SPIN = "import os\nstarter = os.getppid()\nwhile os.getppid() == starter:\n    sum(range(100_000))"  # ends with who started it


@cache
def others() -> list[subprocess.Popen]:
    """A process for every core, stopped, in sessions of their own as other people's work is: Linux shares cores between sessions first."""
    command = ["nice", "-n", "19", sys.executable, "-c", SPIN]
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(os.cpu_count() or 1)]
    tell(signal.SIGSTOP, processes)
    atexit.register(tell, signal.SIGKILL, processes)
    return processes


def tell(what: signal.Signals, processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.send_signal(what)


def beside_others(work: Callable):
    """What `work` returns, with all cores busy meanwhile."""
    tell(signal.SIGCONT, others())
    try:
        return work()
    finally:
        tell(signal.SIGSTOP, others())


@cache
def _work(name: str, folder: Path) -> Callable[[], int]:
    """The work of this name, kept by the process that does it; done once, to warm up."""
    work = WORK[name](World(folder))
    work()
    return work


def _do(name: str, folder: Path) -> int:
    return _work(name, folder)()


def row(what: str, unit: str, name: str, world: World) -> Row:
    """The same work by two processes, one started on the quiet machine and one on the busy one, which stands where the reference does."""

    def on(pool):
        return lambda: pool.apply(_do, (name, world.folder))

    def started():
        on(pool := get_context("spawn").Pool(1))()
        return pool

    quiet, beside = on(started()), on(beside_others(started))
    return Row(f"{what}: quiet, and all cores busy", unit, quiet, lambda: beside_others(beside), targets=TARGETS, memory=())


def sampled(world: World, n: int, times: int) -> Callable[[], int]:
    model, word = drawing_model(world), world.sketches.classes[0]

    def work():
        for seed in range(times):
            sampling.sample(model, word, n, TEMPERATURE, seed)
        return n * times

    return work


def trained(world: World) -> Callable[[], int]:
    """Steps of the single model at the published sizes."""
    order, run = world.batches(4), train.Run(single_model(world), train.Settings(steps=10**6), world.folder / "busy")

    def work():
        for index in order:
            train.train_step(run, make_batch(world.sketches, index, world.scale))
        return sum(map(len, order))

    return work


def judged(world: World) -> Callable[[], int]:
    """A pass of the recogniser's training over some drawings of each class, and the reading of them all."""
    some = {name: world.sketches.drawings(name, 50) for name in world.sketches.classes}
    drawings = [drawing for members in some.values() for drawing in members]

    def work():
        recogniser.train_recogniser(some, some, epochs=1)[0].predict(drawings)
        return len(drawings)

    return work


WORK = {"9": lambda world: sampled(world, 9, 5), "100": lambda world: sampled(world, 100, 2), "1000": lambda world: sampled(world, 1000, 1)}
WORK |= {"training": trained, "recogniser": judged}


def busy_9(world: World) -> Row:
    return row("sampling 9", "sketches", "9", world)


def busy_100(world: World) -> Row:
    return row("sampling 100", "sketches", "100", world)


def busy_1000(world: World) -> Row:
    return row("sampling 1,000", "sketches", "1000", world)


def busy_training(world: World) -> Row:
    return row("training step, single model", "sketches", "training", world)


def busy_recogniser(world: World) -> Row:
    return row("recogniser, trained on and read", "drawings", "recogniser", world)
