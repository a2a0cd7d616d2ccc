"""What all readers of drawings share: limits, files' names and wrappings, and the errors that broken files raise."""

from __future__ import annotations

import gzip
import re
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from numbers import Integral, Real
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from ..errors import DataError
from ..limits import most, too_large
from ..strokes import Drawing, from_stroke5

FINITE = np.float64(1e30)  # data units; differences of larger coordinates overflow float32
# what zipfile, numpy's header and pickle may raise on broken input
BROKEN = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
BROKEN += (SyntaxError, AssertionError, struct.error, zlib.error, zipfile.BadZipFile, tokenize.TokenError)
# cat.ndjson, and the same file as the dataset's pages hand it out: full_simplified_cat.ndjson, sketchrnn_cat.full.npz, alarm%20clock.bin
NAME = r"(?:(full_(?:simplified|raw|binary)|sketchrnn)_)?(.+?)(?:\.full|\.stroke5)?(\.ndjson|\.csv|\.npz|\.bin|\.json)(?:\.gz)?"


def first(drawings: Iterator[Drawing], limit: int | None) -> Iterator[Drawing]:
    """The first `limit` drawings, all of them for None; raises `DataError` for a limit that is no whole number of at least 0."""
    if limit is not None and (not isinstance(limit, Integral) or isinstance(limit, bool) or limit < 0):
        raise DataError(f"limit is {limit!r}; give the number of drawings wanted, or None for all")
    return islice(drawings, None if limit is None else min(limit, sys.maxsize))


def finite(values: np.ndarray) -> bool:
    """Whether an array holds numbers only, none of them NaN, infinite or too large for float32."""
    return values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool((np.abs(values) < FINITE).all()))


def parts_of(path: Path) -> tuple[str | None, str, str] | None:
    """What a file's name says: the kind of file, if it does, the class, and the ending; None for a name that no file of drawings has."""
    found = re.fullmatch(NAME, unquote(path.name), re.I)
    return found and (found[1] and found[1].lower().removeprefix("full_"), found[2], found[3].lower())


def class_of(path: Path) -> str:
    """The class that a file's name says."""
    parts = parts_of(path)
    return parts[1] if parts else path.stem


def opened(path: Path):
    """The file's bytes, unpacked where it is a gzip file."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def lines_of(file) -> Iterator[bytes]:
    """The lines of an open file; raises `DataError` for one that is longer than `limits.most` allows."""
    allowed = most(16)  # JSON takes some ten times its size when it is read
    while line := file.readline(allowed + 1):
        if len(line) > allowed:
            raise too_large("the line", allowed)
        yield line


def stroke3_of(member) -> np.ndarray:
    """A drawing, an array or a list of rows in stroke-3 or stroke-5, as stroke-3 (N, 3); raises `DataError` with what is wrong with it."""
    rows = member if isinstance(member, np.ndarray) else _array_of(member)
    if not rows.size:
        return np.zeros((0, 3), np.float32)
    if rows.ndim != 2 or rows.shape[1] not in (3, 5) or not finite(rows):
        raise DataError(f"is {rows.dtype} of shape {rows.shape}; expected finite numbers, stroke-3 (N, 3) or stroke-5 (N, 5)")
    pens = rows[:, 2:]
    known = ((pens == 0) | (pens == 1)).all(1) & ((pens.sum(1) == 1) | (rows.shape[1] == 3))
    if not known.all():
        row = int(known.argmin())
        raise DataError(f"has the pen {pens[row].tolist()} in row {row}; expected 0 or 1, in stroke-5 one 1 among three")
    return from_stroke5(rows) if rows.shape[1] == 5 else rows


def _array_of(rows) -> np.ndarray:
    # A list of rows as an array. Lengths are looked at first: a small file can hold one long list a great many times.
    try:
        if not all(len(row) in (3, 5) and all(isinstance(value, Real) for value in row) for row in rows):
            raise TypeError("rows of 3 or 5 numbers are needed")
        return np.array([list(row) for row in rows])
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"is {type(rows).__name__} and not stroke-3 or stroke-5 ({error})") from None
