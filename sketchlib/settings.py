"""Settings: frozen dataclasses whose fields have a type, a range and, beside them, what they mean. They are checked when one is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from .errors import DataError, did_you_mean


class Range(NamedTuple):
    """Which values of a type are allowed: a test, and how an error says it. `whole`: the test is of a list, not of each of its entries."""

    holds: Callable[[Any], bool]
    says: str
    whole: bool = False

    def __repr__(self) -> str:  # as the library reference shows it beside an argument
        return repr(self.says)


def at_least(low: float) -> Range:
    """Values from `low` on."""
    return Range(lambda value: value >= low, f"of at least {low}")


def above(low: float) -> Range:
    """Values above `low`."""
    return Range(lambda value: value > low, f"above {low}")


def between(low: float, high: float) -> Range:
    """Values from `low` to `high`, both allowed."""
    return Range(lambda value: low <= value <= high, f"from {low} to {high}")


PROBABILITY = Range(lambda value: 0 <= value < 1, "from 0 to below 1")  # of what is left out: not of everything
FACTOR = Range(lambda value: 0 < value < 1, "above 0 and below 1")
DECAY = Range(lambda value: 0 < value <= 1, "above 0 and at most 1")
SEED = between(0, 2**32 - 1)  # what torch, numpy and scikit-learn all take


def ranged(allowed: Range, default: Any = MISSING):
    """A field of settings whose values are in a range."""
    return field(default=default, metadata={"range": allowed})


def settings(kind: type) -> type:
    """Make a class a frozen dataclass that raises `DataError` for a field whose value has another type or is out of its range."""
    kind.__post_init__ = _check
    return dataclass(frozen=True)(kind)


def _check(made) -> None:
    hints = get_type_hints(type(made))
    for one in fields(made):
        object.__setattr__(made, one.name, _read(getattr(made, one.name), hints[one.name], one.metadata.get("range"), one.name))


def from_mapping(kind: type, values: Mapping, **more):
    """Settings from the entries of a file, in which a section is settings too; raises `DataError` naming the entry, `single.lr`."""
    wanted = {one.name: one for one in fields(kind) if one.name not in more}
    for name in values.keys() - wanted.keys():
        raise DataError(f"{name} is not known: {did_you_mean(name, wanted)} Known: {', '.join(wanted)}")
    for name in [name for name, one in wanted.items() if one.default is MISSING and name not in values]:
        raise DataError(f"{name} is missing")
    return kind(**values, **more)


def _read(value, hint, allowed: Range | None, name: str):
    if is_dataclass(hint):
        return _section(value, hint, name)
    try:
        return _typed(value, hint, allowed)
    except (TypeError, OverflowError):
        raise DataError(f"{name} is {value!r}; allowed: {_words(hint, allowed)}") from None


def _section(value, kind: type, name: str):
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise DataError(f"{name} is {value!r}; allowed: a section with {', '.join(one.name for one in fields(kind))}")
    try:
        return from_mapping(kind, value)
    except DataError as error:
        raise DataError(f"{name}.{error}") from None


def _typed(value, hint, allowed: Range | None):
    # The value as its type has it; a TypeError for one of another type or out of range.
    if get_origin(hint) is UnionType:
        return None if value is None and NoneType in get_args(hint) else _typed(value, _meant(value, get_args(hint)), allowed)
    if get_origin(hint) is tuple:
        each = None if allowed and allowed.whole else allowed
        found = tuple(_typed(one, get_args(hint)[0], each) for one in _required(value, isinstance(value, list | tuple)))
        return _required(found, not allowed or each or allowed.holds(found))
    found = plain(value, hint)
    return _required(found, not allowed or allowed.holds(found))


def _meant(value, kinds: tuple):
    # Which kind of a union a value is meant to be: the list for a list, else the first.
    lists = [kind for kind in kinds if get_origin(kind) is tuple and isinstance(value, list | tuple)]
    return (lists or kinds)[0]


def plain(value, hint):
    """A value as a number, text, truth value or one of some names, as `hint` says; a TypeError for one of another type."""
    if get_origin(hint) is Literal:
        return _required(value, value in get_args(hint))
    if hint in (int, float):
        number = isinstance(value, Real) and not isinstance(value, bool) and (isinstance(value, Integral) or math.isfinite(value))
        return hint(_required(value, number and (hint is float or value == int(value))))
    return _required(value, isinstance(value, hint))


def _required(value, fits: bool):
    if not fits:
        raise TypeError
    return value


NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "null"}


def _words(hint, allowed: Range | None) -> str:
    # What is allowed, in words.
    says = f" {allowed.says}" if allowed else ""
    if get_origin(hint) is UnionType:
        return ", or ".join(_words(kind, None if kind is NoneType else allowed) for kind in get_args(hint))
    if get_origin(hint) is tuple:
        (kind, *_), whole = get_args(hint), allowed and allowed.whole
        return f"a list{says}, each {_words(kind, None)}" if whole else f"a list, each {_words(kind, allowed)}"
    return " or ".join(map(str, get_args(hint))) if get_origin(hint) is Literal else NAMES[hint] + says


# --- of a training ---


@settings
class Settings:
    """What a training does; the defaults are the report's single model, and chapters 4 and 5 tell where each comes from."""

    steps: int = ranged(at_least(1))  # optimiser steps; report: 20 epochs, and 50,000 steps of a VAE
    batch_size: int = ranged(at_least(1), 100)  # drawings a step; report
    lr: float = ranged(above(0), 1e-3)  # learning rate, at first; report
    grad_clip: float = ranged(above(0), 1.0)  # the largest norm of a gradient; report
    schedule: Literal["plateau", "exponential", "cosine"] = "plateau"  # see `train.make_schedule`
    plateau_factor: float = ranged(FACTOR, 0.5)  # of plateau: what lr is multiplied by; report: halved
    plateau_patience: int = ranged(at_least(0), 10)  # of plateau: validations without a new best before that
    lr_decay: float = ranged(DECAY, 0.9999)  # of exponential: what lr is multiplied by at each step; report, VAE
    min_lr: float = ranged(at_least(0), 1e-5)  # of exponential and cosine: how far lr falls; report, VAE
    validate_every: int = ranged(at_least(1), 100)  # steps
    eta_min: float = ranged(between(0, 1), 0.01)  # the KL weight at first; paper
    R: float = ranged(DECAY, 0.99995)  # a step, in the KL weight eta = 1 - (1 - eta_min) R^step; paper
    stretch: float = ranged(PROBABILITY, 0.0)  # augmentation: each axis scaled by 1 +- this; paper 0.15, report none
    merge: float = ranged(PROBABILITY, 0.0)  # augmentation: probability that a point inside a stroke is left out; paper 0.1, report none
    jitter: float = ranged(at_least(0), 0.0)  # augmentation: deviation by which each point is moved, normalised units; this book's
    stray: float = ranged(at_least(0), 0.0)  # augmentation: largest deviation of the points that are read, targets lead back; this book's
    rotate: float = ranged(between(0, 90), 0.0)  # augmentation: each drawing turned by up to this to either side, degrees; this book's
    dequantise: bool = False  # points moved evenly within their cell of one data unit, see `batches.augment`; this book's
    ema: float = ranged(PROBABILITY, 0.0)  # decay, a step, of the moving average of the weights that is scored and kept; 0: the weights
    stop_after: int | None = ranged(at_least(1), None)  # validations without a new best after which the run ends early; None: never
    stop_above: float = ranged(above(0), 1000.0)  # a loss above this, nats, ends the run with an error: it does not learn
    precision: Literal["float32", "bfloat16"] = "float32"  # of matrix products where the machine can, see `train.precision_on`
    seed: int = ranged(SEED, 0)  # of batches, noise and dropout


def eta_at(step: int, settings: Settings) -> float:
    """The KL weight after `step` steps: eta = 1 - (1 - eta_min) R^step; source: Ha and Eck (2017), section 3.3."""
    return 1 - (1 - settings.eta_min) * settings.R**step
