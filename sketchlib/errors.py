"""What goes wrong with data, the nearest name to one that is not known, and what to install where a package is missing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class DataError(ValueError):
    """Data or an argument that cannot be used; the message says what was found, where, and what to do."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """For the end of an error: which of `names` are like one that is not among them; case, blanks and underscores do not count.

    >>> did_you_mean("alarm_clok", ["alarm clock", "apple"])
    "did you mean 'alarm clock'?"
    """
    plain = {_plain(one): one for one in names}
    wanted = _plain(str(name))
    near = [wanted] if wanted in plain else difflib.get_close_matches(wanted, plain)
    return f"did you mean {' or '.join(repr(plain[one]) for one in near)}?" if near else "nothing similar is known."


def _plain(name: str) -> str:
    return name.replace("_", " ").strip().lower()


def known(name: str, classes) -> str:
    """`name` if it is among `classes`; raises `DataError` with the nearest known names otherwise."""
    if name in classes:
        return name
    raise DataError(f"unknown class {name!r}: {did_you_mean(name, classes)} Known: {', '.join(classes)}")


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Imports of packages that only an extra of this one installs; where one is missing, the error says which extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error.name} is not installed: pip install 'sketchlib[{extra}]'", name=error.name) from None
