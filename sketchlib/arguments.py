"""What public functions take: kinds of values by name, and `checked`, which lets a function refuse what is not of the kind it asks for.

A signature says what is allowed: `n: Count`, `drawings: Sequence[Drawing]`, `path: Path | str`. What runs once a row or a batch is not
checked: it gets what a checked function has looked at.
"""

from __future__ import annotations

import inspect
import os
import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial, wraps
from itertools import chain, repeat
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints, runtime_checkable

import numpy as np

from .errors import DataError
from .settings import NAMES, SEED, Range, between, plain

MOST = 1_000_000  # of things asked for at a time: more is a slip of the pen, and the machine would stand still
LARGEST = 1e9  # lengths and factors: what single precision multiplies without overflow

Count = Annotated[int, between(0, MOST)]  # how many, none allowed
Number = Annotated[int, between(1, MOST)]  # how many, one at least
Pixels = Annotated[int, between(1, 10_000)]
Inches = Annotated[float, Range(lambda value: 0 < value <= 100, "above 0 and at most 100")]
Length = Annotated[float, Range(lambda value: 0 < value <= LARGEST, f"above 0 and at most {LARGEST:g}")]
Position = Annotated[float, between(-LARGEST, LARGEST)]
Share = Annotated[float, between(0, 1)]
Tolerance = Annotated[float, between(0, LARGEST)]
Seed = Annotated[int, SEED]
Polyline = Annotated[np.ndarray, Range(lambda rows: rows.shape[1:] == (2,) and np.isfinite(rows).all(), "of shape (n, 2), all finite")]
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]+|(rgb|hsl)a?\([\d\s.,%/]+\)")  # what SVG and CSS take, and what ends no attribute
Color = Annotated[str, Range(COLOR.fullmatch, "that names a colour, as '#1a83f9' or 'black'")]
SOME = Range(len, "that is not empty")


@runtime_checkable
class Draws(Protocol):
    """A model of some classes, or a router."""

    classes: tuple[str, ...]

    def for_class(self, name: str):
        """The model that draws a class."""


def checked(function: Callable) -> Callable:
    """Make a function raise `DataError`, before it does anything, for an argument that is not as its signature says.

    The error names the argument, what was found, and what is allowed. Paths begin with the home folder where they begin with `~`;
    numbers of other libraries become plain ones. A default is not looked at.

    >>> @checked
    ... def doubled(n: Count) -> int:
    ...     return 2 * n
    >>> doubled(np.int64(3))
    6
    """

    @cache  # at the first call: a hint may name what its module defines later
    def readers():
        found, hints = inspect.signature(function).parameters, get_type_hints(function, include_extras=True)
        each = {name: partial(_argument, f"{function.__qualname__}: {name}", hints.get(name, Any)) for name in found}
        rest = [each[name] for name, one in found.items() if one.kind is one.VAR_POSITIONAL]
        placed = [each[name] for name, one in found.items() if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        return placed, repeat(*rest or [_as_it_is]), each

    @wraps(function)
    def run(*given, **named):
        placed, rest, each = readers()
        given = [read(value) for value, read in zip(given, chain(placed, rest), strict=False)]
        return function(*given, **{name: each.get(name, _as_it_is)(value) for name, value in named.items()})

    return run


def _argument(name: str, hint, value):
    try:
        return _reader(hint)(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise DataError(f"{name} is {_found(value)}; allowed: {_words(hint)}") from None


def _found(value) -> str:
    shape = getattr(value, "shape", None)
    return reprlib.repr(value) if shape is None else f"of type {type(value).__name__} and shape {tuple(shape)}"


@cache
def _reader(hint) -> Callable:
    """What makes a value of a kind out of one that was given, or raises TypeError where it is of another."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return partial(_ranged, _reader(inside[0]), inside[1])
    if origin in (UnionType, Union):
        return partial(_any_of, [_reader(one) for one in inside if one is not str or Path not in inside])
    if origin is Literal or hint in (int, float):
        return partial(plain, hint=hint)
    if origin is tuple and Ellipsis not in inside:
        return partial(_tuple, [_reader(one) for one in inside])
    if origin in (Sequence, tuple, list) or hint is Sequence:
        return partial(_list, _reader(inside[0] if inside else Any))
    if origin is Iterable:
        return partial(_stream, inside[0])
    if Mapping in (origin, hint):
        return partial(_mapping, *map(_reader, inside or (Any, Any)))
    if Callable in (origin, hint):
        return partial(_instance, Callable)
    return SPECIAL.get(hint) or partial(_instance, hint)


def _as_it_is(value):
    return value


def _instance(kind: type, value):
    if not isinstance(value, kind):
        raise TypeError
    return value


def _ranged(read: Callable, allowed: Range, value):
    value = read(value)
    if not allowed.holds(value):
        raise TypeError
    return value


def _any_of(readers: Sequence[Callable], value):
    for read in readers[:-1]:
        try:
            return read(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            continue
    return readers[-1](value)


def _truth(value) -> bool:
    return bool(_instance((bool, np.bool_), value))


def _path(value) -> Path:
    path = Path(_instance((str, Path), value)).expanduser()
    if value == "" or "\0" in str(path) or any(len(os.fsencode(part)) > 255 for part in path.parts):
        raise ValueError  # which no file system takes
    return path


def _array(value) -> np.ndarray:
    rows = np.asarray(value)
    if rows.dtype.kind not in "iufb" or not rows.ndim:
        raise TypeError
    return rows


def _several(value) -> Iterable:
    # What holds several values: a text is one value, and so is a mapping.
    if isinstance(value, str | bytes | Mapping):
        raise TypeError
    return _instance(Iterable, value)


def _list(read: Callable, value):
    given = value if isinstance(_several(value), Sequence) else list(value)
    found = [read(one) for one in given]
    return given if all(one is other for one, other in zip(found, given, strict=True)) else found


def _tuple(readers: Sequence[Callable], value) -> tuple:
    return tuple(read(one) for read, one in zip(readers, _several(value), strict=True))


def _stream(hint, value):
    # What is read as it comes is looked at as it comes.
    if isinstance(_several(value), Collection):
        return _list(_reader(hint), value)
    return map(partial(_argument, "what was given one after the other", hint), value)


def _mapping(key: Callable, read: Callable, value) -> dict:
    return {key(name): read(one) for name, one in _instance(Mapping, value).items()}


SPECIAL = {bool: _truth, Path: _path, np.ndarray: _array, Any: _as_it_is, object: _as_it_is}
NAMED = {
    **NAMES,
    Path: "a path",
    np.ndarray: "an array of numbers",
    Any: "anything",
    object: "anything",
    NoneType: "None",
    Sequence: "a list",
    Mapping: "a dict",
    bytes: "bytes",
    Draws: "a model, or a router",
}


def _words(hint) -> str:
    # What is allowed, in words.
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{_words(inside[0])} {inside[1].says}"
    if origin in (UnionType, Union):
        return ", or ".join(_words(one) for one in inside if one is not str or Path not in inside)
    if origin is Literal:
        return " or ".join(map(repr, inside))
    if origin is tuple and Ellipsis not in inside:
        return f"{len(inside)} values: {', '.join(map(_words, inside))}"
    if origin in (Sequence, Iterable, tuple, list):
        return f"a list, each {_words(inside[0])}"
    if origin is Mapping:
        return f"a dict, each key {_words(inside[0])}, each value {_words(inside[1])}"
    return "a function" if Callable in (origin, hint) else NAMED.get(hint) or f"a {hint.__name__}"
