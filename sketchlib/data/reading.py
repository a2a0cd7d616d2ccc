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
from numbers import Integral
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from ..errors import DataError
from ..strokes import Drawing

FINITE = np.float64(1e30)  # data units; differences of larger coordinates overflow float32
# what zipfile, numpy's header and pickle may raise on broken input
BROKEN = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
BROKEN += (SyntaxError, struct.error, zlib.error, zipfile.BadZipFile, tokenize.TokenError)
# cat.ndjson, and the same file as the dataset's pages hand it out: full_simplified_cat.ndjson, sketchrnn_cat.full.npz, alarm%20clock.bin
NAME = re.compile(r"(?:(full_(?:simplified|raw|binary)|sketchrnn)_)?(.+?)(?:\.full)?(\.ndjson|\.csv|\.npz|\.bin)(?:\.gz)?", re.I)


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
    found = NAME.fullmatch(unquote(path.name))
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
