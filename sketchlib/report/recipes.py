"""Recipes: each says how a model is made. What a profile trains, its pretraining too, is here; chapters 12 and 13 have more of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from ..settings import Settings
from . import store
from .profile import Data

SINGLE, VAE = "models.single.ConditionalDecoder", "models.vae.SketchVAE"
CONDITIONAL_VAE, PLACED = "models.conditional_vae.ConditionalVAE", "models.placed.ConditionalPlacedDecoder"
SIZES = {  # of the arguments of these classes, those that a profile says
    SINGLE: ("hidden_size", "embedding_size", "n_mixtures", "weight_dropout"),
    VAE: ("encoder_size", "decoder_size", "latent_size", "n_mixtures", "weight_dropout", "row_dropout", "w_kl", "kl_min", "w_gist"),
}
PUBLISHED_STEPS = 50_000  # for which R is stated


@dataclass(frozen=True)
class Drawings:
    """Which drawings a training takes, of those that are read, purified and split as `data` says."""

    data: Data
    classes: tuple[str, ...]  # that the model knows
    seen: tuple[str, ...] | None = None  # those of which it gets drawings; None: all that it knows
    among: tuple[str, ...] | None = None  # those among whose drawings the following numbers are chosen; None: all that it knows
    per_class: int | None = None  # training drawings of each class; None: all
    valid: int | None = None  # validation drawings of each class; None: all
    scale_of_all: bool = False  # the scale is that of all training drawings, not of the chosen ones
    longest: tuple[str, ...] | None = None  # those whose longest drawing gives N_max; None: all that it knows
    repeated_to: int | None = None  # training drawings of each class a pass: where there are fewer, they come again; None: each comes once
    others: bool = False  # the training part has all drawings of every other class of the data folder too, and the model knows these


@dataclass(frozen=True)
class Recipe:
    """How a model is made."""

    name: str  # what it is called, and its folder
    architecture: str  # its class in the package: "models.vae.SketchVAE"
    sizes: Mapping[str, float]  # the class's arguments, but for what follows from the drawings
    drawings: Drawings
    settings: Settings
    start: Recipe | None = None  # the model that it starts from; None: thrown weights
    centred: bool = False  # of a VAE that starts from another: its latent space is centred on its own drawings, before and after
    keep: str = "best"  # the weights of the best validation, or the last ones, where the loss on plain drawings is no guide


def chain(recipe: Recipe) -> list[Recipe]:
    """The recipes that a model needs, one after the other: those that it starts from, and its own."""
    return [*(chain(recipe.start) if recipe.start else []), recipe]


def key(recipe: Recipe) -> str:
    """What tells one state of a recipe from another: its values, the drawings, and the code that it runs."""
    from ..data import source

    steps, classes = chain(recipe), recipe.drawings.data.classes
    lists = [classes, *(source.other_classes(classes) for one in steps if one.drawings.others)]
    return store.key(["report.training.make", *(one.architecture for one in steps)], asdict(recipe), *lists)


def folder_of(run: str, recipe: Recipe) -> Path:
    """Where the artefact store of a run keeps a recipe's model."""
    return store.folder(run, recipe.name, key(recipe))


def settings_from(values: Mapping, seed: int, **more) -> Settings:
    """Training settings from a profile's section: what has the same name, the validations spread over the run."""
    named = {one.name: values[one.name] for one in fields(Settings) if one.name in values}
    return Settings(**{**named, "validate_every": max(1, values["steps"] // values["validations"]), "seed": seed, **more})


def single_from(name: str, values: Mapping, drawings: Drawings, seed: int, start: Recipe | None = None) -> Recipe:
    """A single model by the values of a section like `single`."""
    sizes = {size: values[size] for size in SIZES[SINGLE]}
    return Recipe(name, SINGLE, sizes, drawings, settings_from(values, seed), start, keep=values["keep"])


def vae_from(name: str, values: Mapping, drawings: Drawings, seed: int, start: Recipe | None = None, centred: bool = False) -> Recipe:
    """A VAE by the values of a section like `vae`; eta's R, stated for 50,000 steps, is compressed to the run's length."""
    sizes = {size: values[size] for size in SIZES[VAE]}
    settings = settings_from(values, seed, R=values["R"] ** (PUBLISHED_STEPS / values["steps"]))
    return Recipe(name, VAE, sizes, drawings, settings, start, centred, values["keep"])


def vae_settings(profile) -> Settings:
    """The settings of the profile's VAEs. Chapter 5."""
    return vae(profile, profile.data.classes[0]).settings


def pretraining(profile) -> Recipe:
    """What the profile's single model learns first, on all training drawings; where the profile says so, of every class at hand."""
    values = {**vars(profile.single), **vars(profile.pretraining)}
    return single_from("pretraining", values, _of_pretraining(profile, profile.pretraining), profile.seed)


def _of_pretraining(profile, section) -> Drawings:
    more = dict(scale_of_all=True, others=section.other_classes, repeated_to=section.repeated_to)
    return Drawings(profile.data, profile.data.classes, **more)


def vae_pretraining(profile) -> Recipe:
    """The conditional VAE from which the profile's VAEs start; where the profile says so, of every class at hand. Chapter 6."""
    values = {**vars(profile.vae), **vars(profile.vae_pretraining)}
    start = pretraining(profile) if profile.pretraining.steps else None
    made = vae_from("vae_pretraining", values, _of_pretraining(profile, profile.vae_pretraining), profile.seed, start)
    return replace(made, architecture=CONDITIONAL_VAE, sizes={**made.sizes, "embedding_size": profile.single.embedding_size})


def single(profile) -> Recipe:
    """The profile's single model. Chapter 4."""
    drawings = Drawings(profile.data, profile.data.classes, per_class=profile.single.per_class, scale_of_all=True)
    start = pretraining(profile) if profile.pretraining.steps else None
    return single_from("single", vars(profile.single), drawings, profile.seed, start)


def best(profile) -> Recipe:
    """The best model of this project: a single model whose decoder sees the pen's place, from the same start. Chapter 13b."""
    own = single(profile)
    values = {**vars(profile.single), **vars(profile.best)}
    return replace(single_from("best", values, own.drawings, profile.seed, own.start), architecture=PLACED)


def vae(profile, name: str) -> Recipe:
    """The profile's VAE of one class. Chapter 5."""
    drawings = Drawings(profile.data, (name,), per_class=profile.vae.per_class)
    start = vae_pretraining(profile) if profile.vae_pretraining.steps else single(profile) if profile.vae.from_single else None
    return vae_from(f"vae-{name}", vars(profile.vae), drawings, profile.seed, start, centred=bool(profile.vae_pretraining.steps))


def vaes(profile) -> dict[str, Recipe]:
    """The profile's VAEs, by class. Chapter 6."""
    return {name: vae(profile, name) for name in profile.data.classes}
