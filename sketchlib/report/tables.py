"""Numbers and Markdown tables as the book prints them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

MILLION = 1e6


class Number(NamedTuple):
    """One result: `what` it is in words, its value and unit, the `n` drawings (or whatever) it is of, and the ends of its 95 % interval."""

    what: str
    value: float
    unit: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def measured(cls, what: str, interval, unit: str = "", factor: float = 1.0) -> Number:
        """A number from an `interval.Interval`, times `factor`."""
        return cls(what, factor * interval.value, unit, interval.n, factor * interval.low, factor * interval.high)

    def __str__(self) -> str:
        """Value and unit, with the digits that the interval supports: "97.4 %"."""
        text = rounded(self.value, self.low, self.high)
        return f"{text} {'%' if self.unit == 'percent' else self.unit}".strip()

    @property
    def interval(self) -> str:
        """The ends of the interval with the digits of the value: "96.8 to 98.0"; empty where there is none."""
        if self.low is None:
            return ""
        return " to ".join(rounded(end, self.low, self.high) for end in (self.low, self.high))


def rounded(value: float, low: float | None = None, high: float | None = None) -> str:
    """A number as the book prints it: whole ones in full, others with the digits that the interval supports, without one with three.

    Where these are millions, in millions. A dash for what is not finite: this run could not measure it.
    """
    if not math.isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if low is not None and low < high:
        return _decimals(value, _supported(low, high))
    if abs(value) >= MILLION:
        return f"{rounded(value / MILLION)} million"
    text = _decimals(value, 2 - math.floor(math.log10(abs(value)))) if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _supported(low: float, high: float) -> int:
    """Decimals down to the first digit of half the interval's width."""
    return -math.floor(math.log10((high - low) / 2))


def _decimals(value: float, decimals: int) -> str:
    decimals = max(0, decimals)
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0: no minus before a zero


def number_table(numbers: Mapping[str, Number]) -> str:
    """Numbers as a Markdown table: what, value, and, where any number has them, 95 % interval and n."""
    rows = [[one.what, str(one), one.interval, "" if one.n is None else f"{one.n:,}"] for one in numbers.values()]
    head = ["", "value", "95 % interval", "n"]
    used = [0, 1, *(column for column in (2, 3) if any(row[column] for row in rows))]
    return table([head[c] for c in used], [[row[c] for c in used] for row in rows], numbers=len(used) - 1)


def composed(found: Mapping[str, Number], head: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A Markdown table of numbers by name: a row's label -> the names of its numbers.

    Values without their units, in brackets the interval where there is one, and a dash for what the run does not have.
    """
    lines = [[label, *(cell(found.get(name)) for name in names)] for label, names in rows.items()]
    return table(list(head), lines, numbers=len(head) - 1)


def cell(one: Number | None) -> str:
    """A number without its unit and, in brackets, its interval; a dash for none."""
    if one is None:
        return "–"
    interval = f" ({one.interval})" if one.interval else ""
    return rounded(one.value, one.low, one.high) + interval


def beside(here: Mapping[str, Number], published: Mapping[str, Number]) -> str:
    """This page's numbers as a Markdown table, with the published ones of the same names beside them where there are any."""
    also = [published] if published else []
    head = ["", "on this page", *["in the published run"] * len(also)]
    rows = [[one.what, shown(one), *(shown(numbers.get(name)) for numbers in also)] for name, one in here.items()]
    return table(head, rows, numbers=len(head) - 1)


def shown(one: Number | None) -> str:
    """A number with its unit and, in brackets, its interval: "97.4 % (96.8 to 98.0)"; a dash for none."""
    if one is None:
        return "–"
    return f"{one} ({one.interval})" if one.interval else str(one)


def table(head: list[str], rows: list[list], numbers: int = 0) -> str:
    """A Markdown table; the last `numbers` columns are set flush right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in [head, rule, *rows]) + "\n"
