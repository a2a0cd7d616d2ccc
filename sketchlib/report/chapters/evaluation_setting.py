"""How the recommended temperatures are chosen: those whose sketches are nearest to drawings of the validation part. Chapter 8b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...metrics import recogniser
from ...metrics.fidelity import frechet
from ...sampling import sample
from ..tables import Number, cell, table
from .evaluation import NOTHING, Sides, finite_mean

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the movements
PENS = (0.5, 0.7, 1.0)  # of the pen alone
PAIRS = tuple((t, pen) for t in TEMPERATURES for pen in PENS)
ENDS = ((0.4, 0.7), (1.0, 1.0))  # what a run that draws fewer than `ENOUGH` of each class tries
ENOUGH = 60  # sketches of a class for each pair: only their order is asked for


def setting_numbers(sides: Sides, judge: recogniser.Recogniser) -> dict[str, Number]:
    """The Fréchet distance of each model's sketches to validation drawings at every pair of temperatures, and its floor.

    No test drawing is looked at, and no judgement: what is recognised has no part in the choice.
    """
    n, pairs = min(ENOUGH, sides.n), PAIRS if sides.n >= ENOUGH else ENDS
    people, training = (_cloud(judge, {word: sides.drawings(part, word)[:n] for word in sides.classes}) for part in ("valid", "train"))
    out = {"s08_setting_floor": Number("Fréchet distance to validation drawings, floor", frechet(people, training), "", len(people))}
    for title, model in sides.models.items():
        for t, pen in pairs:
            made = {word: sample(model, word, n, t, sides.seed, pen_temperature=pen) for word in sides.classes}
            out[_name(title, t, pen)] = _distance(f"the same, {title}, temperature {t:g}, pen {pen:g}", people, _cloud(judge, made))
    return out


def _cloud(judge: recogniser.Recogniser, made: Mapping[str, Sequence]) -> np.ndarray:
    return np.concatenate([recogniser.drawn_features(judge, drawings)[0] for drawings in made.values()])


def _distance(what: str, people: np.ndarray, made: np.ndarray) -> Number:
    return Number(what, frechet(people, made) if len(made) > 1 else NOTHING, "", len(made))


def _name(title: str, temperature: float, pen: float) -> str:
    return f"s08_setting_{title}_{temperature:g}_pen_{pen:g}"


def mean_distances(found: Mapping[str, Number], titles: Sequence[str]) -> dict[tuple[float, float], float]:
    """(temperature, pen's temperature) -> the distance over the floor, mean over those of the models that were measured."""
    out = {}
    for pair in PAIRS:
        measured = [found[name].value for title in titles if (name := _name(title, *pair)) in found]
        if measured:
            out[pair] = finite_mean(measured) / found["s08_setting_floor"].value
    return out


def chosen(found: Mapping[str, Number], titles: Sequence[str]) -> tuple[float, float] | None:
    """The pair of temperatures of the smallest `mean_distances`; None where nothing was measured."""
    means = {pair: mean for pair, mean in mean_distances(found, titles).items() if np.isfinite(mean)}
    return min(means, key=means.get, default=None)


def setting_table(found: Mapping[str, Number], titles: Sequence[str], used: tuple[float, float]) -> str:
    """Distances by temperature (rows) and the pen's own (columns), a part a model, and the chosen pair beside the one in `used`.

    Where the run did not measure them, a sentence says so.
    """
    best = chosen(found, titles)
    if best is None:
        return f"The run did not measure this table. In use: {_said(used)}.\n"
    columns = [(title, pen) for title in titles for pen in PENS if any(_name(title, t, pen) in found for t in TEMPERATURES)]
    tried = [t for t in TEMPERATURES if any(_name(title, t, pen) in found for title, pen in columns)]
    rows = [[f"{t:g}", *(cell(found.get(_name(title, t, pen))) for title, pen in columns)] for t in tried]
    head = ["temperature", *(f"{title}, pen {pen:g}" for title, pen in columns)]
    floor = f"Floor: {cell(found['s08_setting_floor'])}."
    return f"{table(head, rows, numbers=len(columns))}\n{floor} Nearest, mean over models: {_said(best)}. In use: {_said(used)}.\n"


def _said(pair: tuple[float, float]) -> str:
    return f"temperature {pair[0]:g}, pen {pair[1]:g}"
