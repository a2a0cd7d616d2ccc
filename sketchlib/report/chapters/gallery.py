"""The numbers of chapter 14 by name: what a recogniser reads of the first sketches of each class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...metrics.recognisability import recognisability
from ...strokes import Drawing
from ..tables import Number, number_table, rounded, table

SIDES = {"real": "real", "single model": "single", "router": "router", "best model": "best"}  # in words -> in names of numbers
SETTING = {
    "temperature": "temperature",
    "pen_temperature": "temperature of the pen",
    "guidance": "guidance",
    "each": "sketches of each class",
}


def measure(judge, shown: Mapping[str, Mapping[str, Sequence[Drawing]]], settings) -> dict[str, Number]:
    """What a recogniser reads right, in percent, of each side's drawings by class, and the setting they were drawn with.

    `shown`: those of `SIDES` that there are -> class -> drawings. `settings`: the profile's section `sampling`, used without guidance.
    """
    values = {"temperature": settings.temperature, "pen_temperature": settings.pen_temperature, "guidance": 0.0}
    values["each"] = max(map(len, shown["real"].values()))
    out = {f"s14_{name}": Number(SETTING[name], value) for name, value in values.items()}
    for by, drawings in shown.items():
        read = recognisability(judge, drawings)
        out[_name(by)] = Number(f"read right, {by}", 100 * read["accuracy"], "percent", read["n"])
        for word, share in read["by_class"].items():
            out[_name(by, word)] = Number(f"read right, {by}, {word}", 100 * share, "percent", len(drawings[word]))
    return out


def _name(by: str, word: str = "") -> str:
    return "_".join(["s14", SIDES[by], *([word.replace(" ", "_")] if word else [])])


def reading_table(found: Mapping[str, Number], words: Sequence[str]) -> str:
    """What is read right, in whole percent: a row a class and one for all, a column a side; a dash for what was not measured."""
    sides = [by for by in SIDES if _name(by) in found]
    rows = [[word or "all", *(_percent(found.get(_name(by, word))) for by in sides)] for word in [*words, ""]]
    return table(["read right, %", *sides], rows, numbers=len(sides))


def _percent(one: Number | None) -> str:
    return rounded(math.nan if one is None else round(one.value))


def setting_table(found: Mapping[str, Number]) -> str:
    """The setting with which the sketches that were read were drawn."""
    return number_table(
        {name: found[f"s14_{name}"]._replace(what=words, unit="") for name, words in SETTING.items() if f"s14_{name}" in found}
    )
