"""The claims of the report: each with the rule that tests it, what this run found, and a verdict. Chapter 12."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...errors import DataError
from .. import tables

VERDICTS = ("reproduced", "reproduced with a correction", "not reproduced", "cannot be tested")


def verdict(holds: bool | None, correction: str = "") -> str:
    """What a table says of a claim: whether the rule stated beside it held, None for one that no run can decide."""
    if holds is None:
        return "cannot be tested"
    if not holds:
        return "not reproduced"
    return "reproduced with a correction" if correction else "reproduced"


def decided(holds: bool, *values: float) -> bool | None:
    """`holds`, or None where a value that it rests on is not finite: too little was drawn to decide."""
    return holds if all(map(math.isfinite, values)) else None


class Claim(NamedTuple):
    """A claim of a part of the report, the rule and the figure that decide it, the verdict, and a note on it."""

    part: str
    text: str
    rule: str
    figure: str
    verdict: str
    note: str


class Claims:
    """Claims by part of the report, in the order in which they are added."""

    def __init__(self):
        self.kept: list[Claim] = []

    def __len__(self) -> int:
        return len(self.kept)

    def add(self, part: str, text: str, rule: str, figure: str, holds: bool | None, note: str = "") -> None:
        """Keep a claim with its `verdict`: `holds` is what came of the rule, `note` what had to be put right, or why nothing came of it.

        Raises `DataError` for a claim that the part has already.
        """
        if any((part, text) == (one.part, one.text) for one in self.kept):
            raise DataError(f"claim {text!r} is in part {part!r} already: add each claim once")
        self.kept.append(Claim(part, text, rule, figure, verdict(holds, note), note))

    def settle(self, text: str, total: dict[str, float]) -> None:
        """Give a claim whose figure is not known the verdict that the others leave over of the `total` of each verdict.

        Where they do not leave exactly one, the claim stays undecided.
        """
        where = next(number for number, one in enumerate(self.kept) if one.text == text)
        others = [one.verdict for number, one in enumerate(self.kept) if number != where]
        left = [name for name in VERDICTS if total[name] != others.count(name)]
        found, note = self.kept[where].verdict, "its figure was not recorded"
        if len(left) == 1 and total[left[0]] == others.count(left[0]) + 1:
            found, note = left[0], f"{note}; of the recorded numbers of verdicts, this one is left over"
        self.kept[where] = self.kept[where]._replace(verdict=found, note=note)

    def table(self) -> str:
        """All claims as one Markdown table, those that were not reproduced first; the page filters it by the column of verdicts."""
        reproduced, corrected, missed, untested = VERDICTS
        order = (missed, corrected, reproduced, untested)
        rows = [
            [one.verdict, one.part, one.text, one.rule, "; ".join(filter(None, (one.figure, one.note)))]
            for one in sorted(self.kept, key=lambda one: order.index(one.verdict))
        ]
        return tables.table(["verdict", "part", "claim", "rule", "found"], rows)

    def counts(self) -> dict[str, dict[str, int]]:
        """Part -> verdict -> number of claims, all four verdicts in the order of `VERDICTS`."""
        out = {one.part: dict.fromkeys(VERDICTS, 0) for one in self.kept}
        for one in self.kept:
            out[one.part][one.verdict] += 1
        return out
