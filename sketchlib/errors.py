"""What goes wrong with data, and the nearest name to one that is not known."""

from __future__ import annotations

import difflib


class DataError(ValueError):
    """Data or an argument that cannot be used; the message says what was found, where, and what to do."""


def known(name: str, classes) -> str:
    """`name` if it is among `classes`; raises `DataError` with the nearest known names otherwise."""
    if name in classes:
        return name
    near = difflib.get_close_matches(str(name), classes, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "nothing similar is known."
    raise DataError(f"unknown class {name!r}: {hint} Known: {', '.join(classes)}")
