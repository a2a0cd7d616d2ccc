"""The human study: real drawings and sketches by models on one grid, shuffled, as a page that asks which is which and counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..arguments import Number, Pixels, Seed, checked
from ..errors import DataError
from ..strokes import Drawing, fit_to_box

PERSON = "person"


class Trial(NamedTuple):
    """One question of the study: a drawing, its class `drawing.word`, and who drew it: "person" or an architecture."""

    drawing: Drawing
    by: str


@checked
def rounded(drawing: Drawing) -> Drawing:
    """A drawing fitted to the box of 255 data units and rounded to whole ones, as the dataset's own drawings are.

    So neither size, position nor fractions tell who drew it.
    """
    fitted = fit_to_box(drawing)
    return replace(fitted, strokes=tuple(np.round(stroke) for stroke in fitted.strokes), key_id=None, finished=None)


@checked
def trials(
    real: Mapping[str, Sequence[Drawing]], made: Mapping[str, Mapping[str, Sequence[Drawing]]], each: Number = 1, seed: Seed = 0
) -> list[Trial]:
    """The questions of a study in an order shuffled by `seed`, half of them real drawings.

    Of every class, `each` sketches by every architecture and as many real drawings. `real`: class -> drawings, from which `seed` chooses.
    `made`: architecture -> class -> sketches, the first of which are taken. Empty ones are passed over. Raises `DataError` where a class
    has too few.
    """
    rng, out = np.random.default_rng(seed), []
    for word, members in real.items():
        sides = {by: list(sketches[word]) for by, sketches in made.items()}
        sides[PERSON] = [members[i] for i in rng.permutation(len(members))]
        for by, drawings in sides.items():
            wanted, drawn = each * (len(made) if by == PERSON else 1), [one for one in drawings if one.strokes]
            if len(drawn) < wanted:
                found = f"{len(drawn)} drawings of {word!r} by {by!r} are not empty"
                raise DataError(f"{found}, {wanted} are needed: give more, or ask for fewer of each")
            out += [Trial(replace(rounded(one), word=word), by) for one in drawn[:wanted]]
    return [out[i] for i in rng.permutation(len(out))]


@checked
def page(questions: Sequence[Trial], script: str, size: Pixels = 260) -> str:
    """The study as HTML that needs nothing else: the questions as data, pictures of `size` CSS pixels, and the script that asks."""
    data = [{"word": one.drawing.word, "by": one.by, "svg": one.drawing.svg(size)} for one in questions]
    text = json.dumps(data).replace("</", "<\\/")  # nothing in the data may end the element it stands in
    return (
        '<div id="study"><noscript>This page asks its questions with JavaScript, which is switched off here.</noscript></div>\n'
        f'<script type="application/json" id="study-data">{text}</script>\n<script>\n{script.strip()}\n</script>\n'
    )
