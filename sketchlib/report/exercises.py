"""Exercises that check themselves: what a reader's function returns, beside what it should return, with a hint where they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from ..errors import DataError

TOLERANCE = 1e-6  # of the size of the expected number


class WrongAnswer(AssertionError):
    """An answer that a check refused; in a notebook it is shown without the lines of the check."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this.
        return [f"Not yet right. {self}"]


def check(answer: Callable, cases: Sequence[tuple[Sequence, Any, str]]) -> None:
    """Call a reader's function on each case, and print whether it is right.

    `cases`: (arguments, what the function should return, a hint). Numbers and arrays may differ by rounding, everything else not at all.
    A function that still returns nothing is not answered yet, which is printed and is no error, so that a chapter with open exercises
    runs to its end. Raises `WrongAnswer` at the first case that fails, with its hint, and `DataError` where there is no case.

        >>> check(lambda a: 2 * a, [((3,), 6, "Twice, please.")])
        Right: <lambda> passes its check.
    """
    name = getattr(answer, "__name__", "the answer")
    if not cases:
        raise DataError(f"no cases to check {name} with: give at least one (arguments, expected, hint)")
    for arguments, expected, hint in cases:
        found = answer(*deepcopy(arguments))  # an answer may spoil what it is given
        if found is None:
            print(f"Not answered yet: {name} returns nothing. In JupyterLab, write your lines in place of the dots and run the cell again.")
            return
        if not _agree(found, expected):
            raise WrongAnswer(f"{_beside(name, arguments, found, expected)}\nHint: {hint}")
    print(f"Right: {name} passes its check.")


def _beside(name: str, arguments: Sequence, found: Any, expected: Any) -> str:
    given = "\n".join(map(_brief, arguments))
    return f"Given\n{given}\n{name} returned\n{_brief(found)}\nwhere this was expected:\n{_brief(expected)}"


def _agree(found: Any, expected: Any) -> bool:
    numbers = _numbers(found), _numbers(expected)
    if any(one is None for one in numbers):
        return type(found) is type(expected) and found == expected
    return numbers[0].shape == numbers[1].shape and np.allclose(*numbers, rtol=TOLERANCE, atol=TOLERANCE)


def _numbers(value: Any) -> np.ndarray | None:
    # An array of what is made of numbers; None for anything else, words and rows of unequal length included.
    try:
        array = np.asarray(value)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError, RuntimeError):
        return None


def _brief(value: Any) -> str:
    return np.array2string(value, precision=4, threshold=60) if isinstance(value, np.ndarray) else str(value)[:400]
