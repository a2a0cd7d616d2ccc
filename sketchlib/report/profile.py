"""Profiles: the sizes and durations of a run. Each section of profiles/NAME.yml is a dataclass here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import yaml

from ..errors import DataError, known
from ..files import profile_file, profiles_folder
from ..settings import DECAY, FACTOR, PROBABILITY, SEED, Range, above, at_least, between, from_mapping, ranged, settings

COUNT = at_least(1)
NAMES = Range(lambda names: names and len(set(names)) == len(names) and all(map(str.strip, names)), "of at least one, each once", True)
SHARES = Range(lambda shares: len(shares) == 3 and min(shares) > 0 and abs(sum(shares) - 1) < 1e-6, "of three above 0 that sum to 1", True)
SIDE = Range(lambda size: size >= 16 and size % 8 == 0, "of at least 16 that 8 divides")
SOME = Range(lambda some: NAMES.holds(some) if isinstance(some, tuple) else some >= 1, "of at least one, each once", True)


@settings
class Report:
    """What the book of a run shows."""

    weights: Literal["published", "own"]  # draw with the shipped weights, where they know the classes, or with this run's
    results: Literal["published", "own"]  # chapters on results: numbers of the published run, or of this one
    compare: Literal["none", "equal", "close"]  # which lists of book/results/expected.yml must hold: none, the first, both


@settings
class Data:
    """Which drawings there are: how they are read, purified and split."""

    classes: tuple[str, ...] = ranged(NAMES)  # the report's ten, or any others
    per_class: int | None = ranged(COUNT)  # drawings read of each class, which a download brings; null: all there are
    unrecognized: bool  # also those that the game did not recognise
    min_length: int = ranged(COUNT)  # points of the shortest drawing that is kept
    max_length: int = ranged(COUNT)  # and of the longest
    clamp: float = ranged(above(0))  # the largest delta, data units
    fractions: tuple[float, ...] = ranged(SHARES)  # for training, validation, test
    split_seed: int = ranged(SEED)  # of the split


@settings
class Pretraining:
    """Of the single model, before what `single` says, on all training drawings. What is not said here, but per_class, is as there."""

    steps: int = ranged(at_least(0))  # 0: there is none
    other_classes: bool  # also of every other class of the data folder
    repeated_to: int | None = ranged(COUNT)  # drawings of each of the profile's classes a pass: fewer come again; null: each once
    lr: float = ranged(above(0))  # learning rate, at first
    min_lr: float = ranged(at_least(0))  # how far lr falls
    weight_dropout: float = ranged(PROBABILITY)  # of the recurrent weights
    merge: float = ranged(PROBABILITY)  # augmentation, as in single
    jitter: float = ranged(at_least(0))  # augmentation, as in single
    stray: float = ranged(at_least(0))  # augmentation, as in single
    rotate: float = ranged(between(0, 90))  # augmentation, as in single
    dequantise: bool  # as in single
    ema: float = ranged(PROBABILITY)  # as in single
    keep: Literal["best", "last"]  # the weights of the best validation, or the last
    validations: int = ranged(COUNT)  # over the run


@settings
class VaePretraining(Pretraining):
    """Of the conditional VAE from which the VAEs start. What is not said here, but per_class, is as in `vae`."""

    row_dropout: float = ranged(PROBABILITY)  # of the rows that the decoder reads
    w_kl: float = ranged(at_least(0))  # the weight of L_KL
    kl_min: float = ranged(at_least(0))  # nats a latent dimension that are free
    w_gist: float = ranged(at_least(0))  # the weight of the auxiliary loss L_G: the gist that z must tell; 0: none
    eta_min: float = ranged(between(0, 1))  # the KL weight's factor at first


@settings
class Training:
    """What the single model's training and the VAEs' have in common; `settings.Settings` says more of each."""

    per_class: int | None = ranged(COUNT)  # training drawings of each class; null: all there are
    steps: int = ranged(COUNT)  # optimiser steps
    batch_size: int = ranged(COUNT)  # drawings a step
    lr: float = ranged(above(0))  # learning rate, at first
    grad_clip: float = ranged(above(0))  # the largest norm of a gradient
    weight_dropout: float = ranged(PROBABILITY)  # of the recurrent weights
    stretch: float = ranged(PROBABILITY)  # augmentation: each axis scaled by 1 +- this
    merge: float = ranged(PROBABILITY)  # augmentation: probability that a point inside a stroke is left out
    jitter: float = ranged(at_least(0))  # augmentation: deviation by which each point is moved, normalised units
    stray: float = ranged(at_least(0))  # augmentation: largest deviation of the points that are read, targets lead back, normalised units
    rotate: float = ranged(between(0, 90))  # augmentation: each drawing turned by up to this to either side, degrees
    dequantise: bool  # points moved evenly within their cell of one data unit, for the score too
    ema: float = ranged(PROBABILITY)  # decay, a step, of the moving average of the weights that is kept; 0: the weights themselves
    precision: Literal["float32", "bfloat16"]  # of the matrix products
    schedule: Literal["plateau", "exponential", "cosine"]  # of lr
    validations: int = ranged(COUNT)  # over the run
    keep: Literal["best", "last"]  # the weights of the best validation, or the last


@settings
class Single(Training):
    """The single model. Chapter 4."""

    hidden_size: int = ranged(COUNT)  # of the decoder
    embedding_size: int = ranged(COUNT)  # of a class
    n_mixtures: int = ranged(COUNT)  # M
    plateau_factor: float = ranged(FACTOR)  # what lr is multiplied by on a plateau
    plateau_patience: int = ranged(at_least(0))  # validations without a new best before that


@settings
class Vae(Training):
    """The VAE of each class. Chapter 5."""

    encoder_size: int = ranged(COUNT)  # a direction
    decoder_size: int = ranged(COUNT)  # units
    latent_size: int = ranged(COUNT)  # N_z
    n_mixtures: int = ranged(COUNT)  # M
    lr_decay: float = ranged(DECAY)  # of the exponential schedule, a step
    min_lr: float = ranged(at_least(0))  # how far lr falls
    from_single: bool  # the decoder starts as that of the single model
    row_dropout: float = ranged(PROBABILITY)  # of the rows that the decoder reads, so that z must tell what they would
    w_kl: float = ranged(at_least(0))  # the weight of L_KL
    kl_min: float = ranged(at_least(0))  # nats a latent dimension that are free
    w_gist: float = ranged(at_least(0))  # the weight of the auxiliary loss L_G: the gist that z must tell; 0: none
    eta_min: float = ranged(between(0, 1))  # the KL weight's factor at first
    R: float = ranged(DECAY)  # a step, for 50,000 steps; shorter runs compress it to their length
    stop_after: int | None = ranged(COUNT)  # validations without a new best after which a run ends; null: never


@settings
class Best:
    """The best model of this project: a single model whose decoder sees the pen's place. What is not said here is as in `single`."""

    steps: int = ranged(at_least(0))  # 0: there is none
    weight_dropout: float = ranged(PROBABILITY)  # of the recurrent weights
    jitter: float = ranged(at_least(0))  # augmentation, as in single
    stray: float = ranged(at_least(0))  # augmentation, as in single
    rotate: float = ranged(between(0, 90))  # augmentation, as in single
    dequantise: bool  # as in single


@settings
class Recogniser:
    """The judge. Chapter 8."""

    size: int = ranged(SIDE)  # side of a picture, pixels
    per_class: int | None = ranged(COUNT)  # training drawings of each class
    epochs: int = ranged(COUNT)  # passes over them


@settings
class SecondJudge:
    """A judge of another kind. Chapter 8."""

    per_class: int = ranged(COUNT)  # training drawings of each class that it sees


@settings
class Sampling:
    """How sketches are drawn, and how many."""

    temperature: float = ranged(above(0))  # tau; chapters 7 and 8 guide, which is a choice among several draws
    guidance: float = ranged(at_least(0))  # of guided sketches, chapters 7, 8 and 14
    pen_temperature: float = ranged(above(0))  # of these, and where the pen has a temperature of its own
    grid: int = ranged(COUNT)  # columns of a grid of sketches of one class
    per_class: int = ranged(COUNT)  # sketches of a class that are scored
    resamples: int = ranged(at_least(2))  # of the bootstrap intervals of chapter 8


@settings
class Completion:
    """Drawings that are begun. Chapter 15."""

    per_class: int = ranged(COUNT)  # test drawings of each class that are begun
    each: int = ranged(at_least(2))  # completions of each beginning
    tries: int = ranged(COUNT)  # latent vectors that stand for all, where a VAE judges a beginning


@settings
class Experiments:
    """The runs of chapter 12."""

    hidden_size: int = ranged(COUNT)  # of all decoders
    embedding_size: int = ranged(COUNT)  # of a class
    n_mixtures: int = ranged(COUNT)  # M
    encoder_size: int = ranged(COUNT)  # a direction
    latent_size: int = ranged(COUNT)  # N_z
    per_class: int = ranged(COUNT)  # training drawings of each class
    steps: int = ranged(COUNT)  # of a single model
    vae_steps: int = ranged(COUNT)  # of a VAE
    batch_size: int = ranged(COUNT)  # drawings a step
    lr: float = ranged(above(0))  # learning rate, at first
    validations: int = ranged(COUNT)  # over a run
    sketches: int = ranged(COUNT)  # of a class that are scored


@settings
class ComparedTraining:
    """What the single models and the VAEs of chapter 13 have in common, where it differs from the sections `single` and `vae`."""

    steps: int = ranged(COUNT)  # optimiser steps
    lr: float = ranged(above(0))  # learning rate, at first
    validations: int = ranged(COUNT)  # over a run
    stop_after: int | None = ranged(COUNT)  # validations without a new best after which a run ends; null: never
    weight_dropout: float = ranged(PROBABILITY)  # of the recurrent weights
    merge: float = ranged(PROBABILITY)  # augmentation, as in single
    jitter: float = ranged(at_least(0))  # augmentation, as in single
    stray: float = ranged(at_least(0))  # augmentation, as in single


@settings
class ComparedSingle(ComparedTraining):
    """The single models of chapter 13."""

    hidden_size: int = ranged(COUNT)  # of the decoder


@settings
class ComparedVae(ComparedTraining):
    """The VAEs of chapter 13, which start from nothing."""

    encoder_size: int = ranged(COUNT)  # a direction
    decoder_size: int = ranged(COUNT)  # units
    batch_size: int = ranged(COUNT)  # drawings a step
    w_gist: float = ranged(at_least(0))  # the weight of the auxiliary loss, as in vae


@settings
class ComparedAlone:
    """The single model's decoder for one class."""

    steps: int = ranged(COUNT)  # optimiser steps
    batch_size: int = ranged(COUNT)  # drawings a step


@settings
class Comparison:
    """Both architectures at several numbers of drawings. Chapter 13."""

    drawings: tuple[int | None, ...] = ranged(COUNT)  # training drawings of each class; null: all there are
    classes: int | tuple[str, ...] | None = ranged(SOME)  # that get models of their own; a number: at most so many; null: all
    temperatures: tuple[float, ...] = ranged(above(0))  # at which both draw
    per_class: int = ranged(COUNT)  # drawings of a class that choose a model, and that score it
    single: ComparedSingle
    vae: ComparedVae
    alone: ComparedAlone


@settings
class OwnDrawings:
    """The models of chapter 16, which start from the single model."""

    counts: tuple[int, ...] = ranged(at_least(5))  # drawings of the new class
    steps: int = ranged(COUNT)  # optimiser steps, at most
    batch_size: int = ranged(COUNT)  # drawings a step
    lr: float = ranged(above(0))  # learning rate, at first
    validations: int = ranged(COUNT)  # over a run
    sketches: int = ranged(COUNT)  # looked at for near-copies


@settings
class Profile:
    """The sizes and durations of a run: `profile.single.hidden_size`."""

    name: str
    seed: int = ranged(SEED)
    report: Report
    data: Data
    pretraining: Pretraining
    single: Single
    vae_pretraining: VaePretraining
    vae: Vae
    best: Best
    recogniser: Recogniser
    second_judge: SecondJudge
    sampling: Sampling
    completion: Completion
    experiments: Experiments
    comparison: Comparison
    own_drawings: OwnDrawings

    @property
    def values(self) -> dict:
        """All values but the name, as a file has them."""
        return {name: value for name, value in json.loads(json.dumps(asdict(self))).items() if name != "name"}

    def section(self, name: str) -> dict:
        """The values of one section."""
        return self.values[name]


def load_profile(name: str) -> Profile:
    """The profile profiles/NAME.yml, which says in what it differs from full.yml: the one beside it, else the shipped one.

    Raises `DataError` naming file and entry for one that is not known, missing, of another type or out of its range.
    """
    folder, path = profiles_folder(), profile_file(name)
    if not path.is_file():
        names = ", ".join(sorted(one.stem for one in folder.glob("[!.]*.yml")))
        raise DataError(f"profile {name!r} is not known; {f'expected one of {names}' if names else 'no profile is'} in {folder}")
    full = _read_yaml(profile_file("full"))
    _made(full, "full", "full.yml")
    return _made(_joined(full, _read_yaml(path)), name, path.name)


def _made(values: dict, name: str, file: str) -> Profile:
    try:
        made = from_mapping(Profile, values, name=name)
        if made.data.min_length > made.data.max_length:
            raise DataError(f"data.min_length is {made.data.min_length}, above max_length, which is {made.data.max_length}")
        return replace(made, comparison=replace(made.comparison, classes=_compared(made.comparison.classes, made.data.classes)))
    except DataError as error:
        raise DataError(f"{file}: {error}") from None


def _compared(some: int | tuple[str, ...] | None, classes: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(known(name, classes) for name in some) if isinstance(some, tuple) else classes[:some]
    except DataError as error:
        raise DataError(f"comparison.classes: {error}") from None


def _joined(values: dict, differences: dict) -> dict:
    def one(name):
        before, after = values.get(name), differences[name]
        return _joined(before, after) if isinstance(before, dict) and isinstance(after, dict) else after

    return {**values, **{name: one(name) for name in differences}}


MOST_ENTRIES = 100_000  # of a profile


class _Loader(yaml.SafeLoader):
    """YAML that takes 1e-3 for a number, as YAML 1.2 does, and refuses a name that stands twice in a section."""

    def construct_mapping(self, node, deep=False):
        names = [key.value for key, _ in node.value]
        if twice := [key for key, _ in node.value if names.count(key.value) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[-1].value} stands here twice", twice[-1].start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789"))


def _check_size(values, path: Path) -> None:
    # Aliases let a small file stand for lists without end, which an error would write out.
    todo, n = [values], 0
    while todo:
        one, n = todo.pop(), n + 1
        if isinstance(one, Mapping | list | tuple | set):
            n += len(one)
            if n > MOST_ENTRIES:
                raise DataError(f"{path.name} holds more than {MOST_ENTRIES} entries, or some within themselves; expected a profile")
            todo += one.values() if isinstance(one, Mapping) else one


def _read_yaml(path: Path) -> dict:
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", getattr(error, "reason", error))
        problem = " ".join(str(problem).split())[:200]
        raise DataError(f"{path.name}{f', line {mark.line + 1}' if mark else ''}: not YAML ({problem})") from error
    _check_size(values, path)
    if not isinstance(values or {}, Mapping):
        raise DataError(f"{path.name} holds {str(values)[:40]!r}; expected sections with entries, as full.yml has them")
    return values or {}


def origins(profile: Profile, section: str, why: dict[str, str]) -> list[list]:
    """Rows for the table of a section's values: name, published value (profile full), this run's, and where the published one is from.

    Raises `DataError` for a name that the section does not have.
    """
    published, own = load_profile("full").section(section), profile.section(section)
    if unknown := why.keys() - own.keys():
        raise DataError(f"section {section!r} has no {', '.join(sorted(unknown))}; it has {', '.join(own)}")
    return [[f"`{name}`", published[name], own[name], reason] for name, reason in why.items()]
