"""A model of a new class from a few drawings of it, which starts from a trained one of other classes. Chapter 16."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .arguments import Draws, Number, Seed, Share, checked
from .data.dataset import SketchSet
from .errors import DataError
from .files import write_atomically
from .settings import Settings
from .strokes import Drawing

if TYPE_CHECKING:  # torch is loaded when something is trained, and not for the settings
    from torch import nn

MADE_FROM = "made_from.txt"  # beside the checkpoints: the hash of the drawings and of the start
FEWEST = 5  # drawings with which anything can be learnt and something held out
FEW = Settings(
    steps=300,
    batch_size=20,
    lr=3e-4,
    schedule="cosine",
    validate_every=10,
    stop_after=6,
    stretch=0.1,
    merge=0.1,
    rotate=5.0,
)  # few and small steps, and drawings that differ each time: what is few is soon known by heart


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A model as it was when it was best on the drawings held out, the records of its training, and the two parts of the drawings."""

    model: nn.Module
    curves: list[dict]
    train: SketchSet
    held_out: SketchSet

    @property
    def best(self) -> dict:
        """The record of the step whose weights are kept."""
        return min(self.curves, key=lambda record: record["valid"]["loss"])

    @property
    def best_step(self) -> int:
        """The step whose weights are kept."""
        return self.best["step"]

    def card(self, settings: Settings) -> dict:
        """What the .json beside its weights says of it."""
        counts = {"train": self.train.counts(), "valid": self.held_out.counts()}
        card = dict(architecture=type(self.model).__name__, config=self.model.config(), settings=asdict(settings))
        card |= dict(steps=self.curves[-1]["step"], best_step=self.best_step, valid=self.best["valid"], seed=settings.seed)
        return card | dict(started_from=self.model.started_from, data={"counts": counts})


@checked
def finetune(
    start: Draws,
    drawings: Sequence[Drawing],
    word: str,
    settings: Settings = FEW,
    held_out: Share = 0.2,
    folder: Path | str | None = None,
    progress: bool = False,
) -> FineTuned:
    """Teach a trained model a new class, from drawings in data units as `sketchlib.read` returns them.

    What comes back draws that class alone: it begins as `start`, with the mean of the classes known there, and is trained until a share
    `held_out` of the drawings, on which it is not trained, is no longer better explained. `folder`: where its checkpoints go, from which an
    interrupted training goes on as if it had not been; None: they are not kept. Drawings that are a dot, or longer than `start` draws, are
    left out. Raises `DataError` for a router, a blank word, fewer than 5 drawings, a share that holds out none or all, a folder in which
    other drawings are learnt or from another start, and as `train.fit` does. Chapter 16.

    >>> import sketchlib
    >>> from sketchlib.data.doodles import doodles
    >>> made = doodles(["sun"], n=6, seed=0)["sun"]
    >>> finetune(sketchlib.load("single"), made, "my sun", Settings(steps=1, batch_size=4)).model.classes
    ('my sun',)
    """
    from .train import fit, load_kept

    if not word.strip():
        raise DataError("the new class has no name; give one as word")
    model = start.for_new_class(word).to(next(start.parameters()).device)
    train_set, valid_set = parted(drawings, word, held_out, settings.seed, model.n_max)
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as where:
        _require_same(Path(where), model, train_set, valid_set)
        curves = fit(model, train_set, valid_set, settings, where, progress)
        return FineTuned(load_kept(model, where), curves, train_set, valid_set)


def _require_same(folder: Path, model: nn.Module, *parts: SketchSet) -> None:
    # A checkpoint knows its settings, and neither the drawings nor the weights that it started from: their hash lies beside it.
    made_from = hashlib.sha256()
    for values in (*model.state_dict().values(), *(values for part in parts for values in (part.points, part.lengths))):
        made_from.update(np.asarray(values).tobytes())
    path, digest = folder / MADE_FROM, made_from.hexdigest()
    if not path.exists():
        write_atomically(path, lambda to: to.write_text(digest, encoding="utf-8"))
    elif path.read_text(encoding="utf-8") != digest:
        raise DataError(f"{folder} has a training on other drawings, or from another start; delete it to start anew, or give another one")


@checked
def forget(folder: Path | str) -> None:
    """Remove what `finetune` keeps in a folder, and the folder if nothing else is in it."""
    for name in (MADE_FROM, "last.pt", "best.pt", "curves.jsonl"):
        (Path(folder) / name).unlink(missing_ok=True)
    with suppress(OSError):  # something else is in it
        Path(folder).rmdir()


@checked
def parted(
    drawings: Sequence[Drawing], word: str, held_out: Share = 0.2, seed: Seed = 0, longest: Number = 200
) -> tuple[SketchSet, SketchSet]:
    """The drawings as two sets of one class: those to train on, and a share that is held out, chosen by `seed`.

    Drawings of less than two or more than `longest` rows are left out. Raises `DataError` as `finetune` does.
    """
    whole = SketchSet.from_drawings({word: drawings})
    whole = whole.subset((whole.lengths > 1) & (whole.lengths <= longest))
    if len(whole) < FEWEST:
        found = f"{len(whole)} drawing{'s' * (len(whole) != 1)} of 2 to {longest} rows, of {len(drawings)} in all"
        raise DataError(f"{found}: at least {FEWEST} are needed, and 50 are better")
    n = round(held_out * len(whole))
    if not 0 < n < len(whole):
        raise DataError(f"held_out {held_out} of {len(whole)} drawings: give a share that holds out at least one, and not all")
    order = np.random.default_rng(seed).permutation(len(whole))
    return whole.subset(np.sort(order[n:])), whole.subset(np.sort(order[:n]))
