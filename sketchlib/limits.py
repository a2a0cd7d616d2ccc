"""How much of a file from elsewhere is taken in one piece, so that a small or a lying one cannot fill the memory."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import DataError

BYTES = 2**30  # what one piece may take: a part of an .npz, or all that is unpacked of a file
VARIABLE = "SKETCHLIB_MAX_BYTES"


def most(share: int = 1) -> int:
    """How many bytes, or of what takes `share` bytes each, may be read at once: 1 GiB, or what SKETCHLIB_MAX_BYTES says.

    Raises `DataError` where that is no whole number above 0.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given and not (given.isascii() and given.isdigit() and 0 < len(given) < 19 and int(given)):
        raise DataError(f"{VARIABLE} is {given!r:.40}; set it to a number of bytes, or unset it")
    return max(1, int(given or BYTES) // share)


def too_large(what: str, allowed: int, unit: str = "bytes") -> DataError:
    """The error for what would take more than is allowed; `what` names it and its file."""
    return DataError(f"{what} takes more than {allowed} {unit}; if you trust where it comes from, set {VARIABLE} to more than {most()}")


def read_whole(file, path: Path | str, share: int = 1) -> bytes:
    """All bytes of an open file; raises `DataError` for one of more than `most(share)`."""
    allowed = most(share)
    data = file.read(allowed + 1)
    if len(data) > allowed:
        raise too_large(str(path), allowed)
    return data
