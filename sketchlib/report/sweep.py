"""Which models a comparison over numbers of training drawings trains, and what each of them may see. Chapter 13.

Three kinds of model: "single" (one decoder for all classes), "router" (a VAE for each class) and "alone" (the single model's decoder,
trained on one class only), which differs from the first in nothing but what it shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

from ..data import dataset
from ..models.router import Router

KINDS = ("single", "router", "alone")


class Axes(NamedTuple):
    """What a comparison goes through: training `drawings` of each class (None: all), `classes`, `temperatures`."""

    drawings: tuple[int | None, ...]
    classes: tuple[str, ...]
    temperatures: tuple[float, ...]


def axes(comparison, data, head: Mapping | None = None) -> Axes:
    """The axes of a comparison: of the published run's `head` (`page.published_head`), or, without one, of a profile's two sections."""
    if head is not None:
        comparison, data = (SimpleNamespace(**head["profile"][section]) for section in ("comparison", "data"))
    return Axes(tuple(comparison.drawings), tuple(comparison.classes or data.classes), tuple(comparison.temperatures))


def name_of(drawings: int | None) -> str:
    """A number of training drawings in words: "50", or "all"."""
    return str(drawings or "all")


class Part(NamedTuple):
    """One model to train: its `kind`, the training `drawings` of each class (None: all), and its class (None: all of them)."""

    kind: str
    drawings: int | None
    name: str | None

    @property
    def label(self) -> str:
        """What its files are called."""
        return "-".join([self.kind, name_of(self.drawings), *([self.name.replace(" ", "_")] if self.name else [])])


def parts(drawings: Sequence[int | None], classes: Sequence[str]) -> list[Part]:
    """The models of a sweep: at each number of drawings the single model, then of each class its VAE and its decoder alone."""
    own = [(kind, name) for kind in KINDS[1:] for name in classes]
    return [Part(kind, n, name) for n in drawings for kind, name in [("single", None), *own]]


def fewer(prepared, part: Part, chosen: int, seed: int):
    """The prepared drawings as a part may see them: at most its number of training drawings, and `chosen` validation ones, of a class.

    All kinds see the same drawings, and fewer are among the more. The scale is that of these drawings alone. Raises `DataError` for
    an unknown class.
    """
    train, valid = dataset.cap(prepared.splits.train, part.drawings, seed), dataset.cap(prepared.splits.valid, chosen, seed)
    kept = prepared.kept
    if part.name is not None:
        train, valid, kept = (one.only(part.name) for one in (train, valid, kept))
    counts = {**prepared.counts, "train": train.counts(), "valid": valid.counts()}
    splits, scale = replace(prepared.splits, train=train, valid=valid), dataset.data_scale_factor(train)
    return replace(prepared, kept=kept, splits=splits, scale=scale, n_max=kept.n_max, counts=counts)


def contender(trained: Mapping[Part, object], kind: str, drawings: int | None):
    """The trained model of a kind at a number of drawings: the single model itself, else a router over the classes' own models."""
    found = {part.name: one.model for part, one in trained.items() if part[:2] == (kind, drawings)}
    return found[None] if kind == "single" else Router(found)
