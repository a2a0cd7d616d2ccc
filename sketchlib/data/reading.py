"""What all readers of drawings share: limits, and the errors that broken files raise."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice

import numpy as np

from ..errors import DataError
from ..strokes import Drawing

FINITE = np.float64(1e30)  # data units; differences of larger coordinates overflow float32
# what zipfile, numpy's header and pickle may raise on broken input
BROKEN = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
BROKEN += (SyntaxError, struct.error, zlib.error, zipfile.BadZipFile, tokenize.TokenError)


def first(drawings: Iterator[Drawing], limit: int | None) -> Iterator[Drawing]:
    """The first `limit` drawings, all of them for None; raises `DataError` for a limit below 0."""
    if limit is not None and limit < 0:
        raise DataError(f"limit is {limit}; give the number of drawings wanted, or None for all")
    return islice(drawings, limit)


def finite(values: np.ndarray) -> bool:
    """Whether an array holds numbers only, none of them NaN, infinite or too large for float32."""
    return values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool((np.abs(values) < FINITE).all()))
