"""Which models a comparison over numbers of training drawings trains, and what each of them may see. Chapter 13.

Three kinds of model: "single" (one decoder for all classes), "router" (a VAE for each class) and "alone" (the single model's decoder,
trained on one class only), which differs from the first in nothing but what it shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import NamedTuple

from .recipes import Drawings, Recipe, single_from, vae_from

KINDS = ("single", "router", "alone")


class Axes(NamedTuple):
    """What a comparison goes through: training `drawings` of each class (None: all), `classes`, `temperatures`."""

    drawings: tuple[int | None, ...]
    classes: tuple[str, ...]
    temperatures: tuple[float, ...]


def axes(comparison, head: Mapping | None = None) -> Axes:
    """The axes of a comparison: those of the published run's `head` (`page.published_head`), or, without one, of a profile's section."""
    if head is not None:
        comparison = SimpleNamespace(**head["profile"]["comparison"])
    return Axes(*(tuple(getattr(comparison, name)) for name in Axes._fields))


def name_of(drawings: int | None) -> str:
    """A number of training drawings in words: "50", or "all"."""
    return str(drawings or "all")


class Part(NamedTuple):
    """One model to train: its `kind`, the training `drawings` of each class (None: all), and its class (None: all of them)."""

    kind: str
    drawings: int | None
    name: str | None


def parts(drawings: Sequence[int | None], classes: Sequence[str]) -> list[Part]:
    """The models of a sweep: at each number of drawings the single model, then of each class its VAE and its decoder alone."""
    own = [(kind, name) for kind in KINDS[1:] for name in classes]
    return [Part(kind, n, name) for n in drawings for kind, name in [("single", None), *own]]


def recipes(profile) -> dict[Part, Recipe]:
    """How each model of a comparison is made: as the profile's `single` or `vae` says, but for what `comparison` says.

    All kinds see the same drawings, and fewer are among the more. The scale is that of these drawings alone, and nothing is learnt before.
    """
    section = profile.comparison
    single = {**vars(profile.single), **vars(section.single), "keep": "best"}
    values = {
        "single": single,
        "alone": {**single, **vars(section.alone)},
        "router": {**vars(profile.vae), **vars(section.vae), "keep": "best"},
    }

    def recipe(part: Part) -> Recipe:
        classes = (part.name,) if part.name else profile.data.classes
        drawings = Drawings(profile.data, classes, among=profile.data.classes, per_class=part.drawings, valid=section.per_class)
        name = "-".join(["comparison", part.kind, name_of(part.drawings), *([part.name] if part.name else [])])
        return (vae_from if part.kind == "router" else single_from)(name, values[part.kind], drawings, profile.seed)

    return {part: recipe(part) for part in parts(section.drawings, section.classes)}


def contender(trained: Mapping[Part, object], kind: str, drawings: int | None):
    """The trained model of a kind at a number of drawings: the single model itself, else a router over the classes' own models."""
    from ..models.router import Router

    found = {part.name: one.model for part, one in trained.items() if part[:2] == (kind, drawings)}
    return found[None] if kind == "single" else Router(found)
