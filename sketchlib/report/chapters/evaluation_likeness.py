"""How like real drawings the models' sketches are: fidelity, diversity and coherence, as numbers by name and tables. Chapter 8b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...metrics import coherence, diversity, fidelity
from ...metrics.interval import bootstrap
from ...metrics.recogniser import Recogniser
from ...strokes import Drawing
from ..tables import Number, composed
from .evaluation import NOTHING, Sides, drawn, finite_mean, spoken

NEAR = 0.05  # share of real drawings that are as near to a training drawing as a near-copy
METRICS = {"frechet": "Fréchet distance", "kid": "kernel distance", **{m: m for m in ("precision", "recall", "density", "coverage")}}
UNITS = {"line length": " (data units)", "pen-up travel": " (data units)", "aspect": ", w / (w + h)"}
TRAITS = {trait: trait + UNITS.get(trait, "") for trait in coherence.TRAITS}  # as axes name them


def fidelity_numbers(sides: Sides, judge: Recogniser) -> dict[str, Number]:
    """The six metrics of fidelity and coverage of the validation part and of each way to draw, and the floor of each.

    A side with too few sketches that have a point gets numbers that are not finite.
    """
    out = {"s08_k": Number("neighbours", fidelity.NEIGHBOURS)}
    for side in ("valid", *sides.drawn):
        for metric, found in _compared(sides, judge, side).items():
            what, ends = f"{METRICS[metric]}, {spoken(side)}", (found["low"], found["high"])
            out[f"s08_{metric}_{side}"] = Number(what, found["value"], "", found["n"], *ends)
            if side == "valid":
                out[f"s08_{metric}_floor"] = Number(f"{METRICS[metric]}, floor", found["floor"], "", found["n"])
    return out | {"s08_fidelity_n": Number("drawings on each side", out["s08_frechet_valid"].n)}


def _compared(sides: Sides, judge: Recogniser, side: str) -> dict[str, dict]:
    clouds = [sides.cloud(judge, one) for one in ("real", side, "train")]
    if min(map(len, clouds)) <= fidelity.NEIGHBOURS:
        return dict.fromkeys(METRICS, dict.fromkeys(("value", "low", "high", "floor"), NOTHING) | {"n": len(clouds[1])})
    return fidelity.compare(*clouds, resamples=sides.settings.resamples, seed=sides.seed)


def fidelity_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """The six metrics: floor, validation part, and each model."""
    rows = {label: [f"s08_{metric}_{side}" for side in ("floor", "valid", *titles)] for metric, label in METRICS.items()}
    return composed(found, ["", "floor", "validation part", *titles], rows)


def fidelity_panels(found: Mapping[str, Number], titles: Sequence[str]) -> dict[str, tuple[Number | None, dict[str, Number]]]:
    """The numbers of `fidelity_table` as `scores.beside_floors` draws them."""
    sides = ("valid", *titles)
    scores = {metric: {side: found[name] for side in sides if (name := f"s08_{metric}_{side}") in found} for metric in METRICS}
    return {METRICS[metric]: (found.get(f"s08_{metric}_floor"), scores[metric]) for metric in METRICS}


def diversity_numbers(sides: Sides, judge: Recogniser) -> dict[str, Number]:
    """How varied each way draws, made over real, and how many of its sketches are near-copies of training drawings; means over classes.

    The same of the validation part, whose drawings are nobody's copies.
    """
    out = {"s08_training_drawings": Number("training drawings", len(sides.splits.train))}
    for side in ("valid", *sides.drawn):
        made = {word: found for word in sides.classes if len(found := sides.features(judge, side, word)) > 1}
        real, train = ({word: sides.features(judge, part, word) for word in made} for part in ("real", "train"))
        ratios = [one["ratio"] for one in diversity.spread(real, made).values()]
        copies = [_copies(made[word], train[word], real[word]) for word in made]
        n = sum(map(len, made.values()))
        out[f"s08_diversity_{side}"] = Number(f"diversity, {spoken(side)}", finite_mean(ratios), "made over real, mean over classes", n)
        out[f"s08_near_copies_{side}"] = _near_copies(f"near-copies, {spoken(side)}", copies)
    return out


def _copies(made: np.ndarray, train: np.ndarray, real: np.ndarray) -> np.ndarray:
    found = diversity.near_copies(made, train, real, NEAR)
    return found["distance"] <= found["threshold"]


def _near_copies(what: str, copies: Sequence[np.ndarray]) -> Number:
    unit = "percent, mean over classes"
    if not copies:
        return Number(what, NOTHING, unit, 0)
    # Each class counts alike, however many of its sketches have a point; the interval is of all sketches together.
    weighed = [hits * (sum(map(len, copies)) / len(copies) / len(hits)) for hits in copies]
    return Number.measured(what, bootstrap(np.mean, np.concatenate(weighed)), unit, 100)


def nearest_pairs(sides: Sides, judge: Recogniser, side: str, words: Sequence[str], each: int) -> tuple[list[Drawing], list[Drawing]]:
    """Of each class the `each` sketches that come nearest to a training drawing of it, the nearest first, and these training drawings."""
    made, training = [], []
    for word in words:
        found = sides.features(judge, side, word)
        apart, index = diversity.nearest(found, sides.features(judge, "train", word)) if len(found) else ([], [])
        order = np.argsort(apart, kind="stable")[:each]
        made += [sides.whole(side, word)[i] for i in order]
        training += [sides.whole("train", word)[index[i]] for i in order]
    return made, training


def diversity_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """The diversity ratio and the share of near-copies of real drawings and of each model."""
    labels = {"valid": "validation part", **{title: title for title in titles}}
    rows = {label: [f"s08_diversity_{side}", f"s08_near_copies_{side}"] for side, label in labels.items()}
    return composed(found, ["", "diversity ratio", "near-copies, percent"], rows)


def cost_of_guidance(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """What both judges recognise, what ends, fidelity, diversity and near-copies, without guidance and with it, values alone."""
    values = {name: one._replace(low=None, high=None) for name, one in found.items()}
    labels = {"recognised": "first judge, %", "second": "second judge, %", "ended": "ended, %", **METRICS}
    labels |= {"diversity": "diversity ratio", "near_copies": "near-copies, %"}
    sides = drawn(titles, ("", "_pen", "_guided"))
    rows = {label: [f"s08_{measure}_{side}" for side in sides] for measure, label in labels.items()}
    return composed(values, ["", *map(spoken, sides)], rows)


def coherence_numbers(sides: Sides) -> dict[str, Number]:
    """How far each trait's distribution is from that of real test drawings: of training drawings, the floor, of the validation part, and
    of each way to draw."""
    named = {"real": "real", "floor": "train", **{side: side for side in ("valid", *sides.drawn)}}
    drawings = {name: sides.lines(side) for name, side in named.items()}
    tables = {name: coherence.trait_table(some) for name, some in drawings.items() if len(some) > 1}
    out = {}
    for name in [name for name in named if name != "real"]:
        for trait in coherence.TRAITS:
            out[of_trait(name, trait)] = _apart(f"Wasserstein distance, {trait}, {spoken(name)}", trait, tables.get(name), tables["real"])
    return out


def _apart(what: str, trait: str, made: Mapping[str, np.ndarray] | None, real: Mapping[str, np.ndarray]) -> Number:
    unit = "real standard deviations"
    if made is None:
        return Number(what, NOTHING, unit, 0)
    spread = coherence.deviation(real[trait])  # of the real drawings, not of each resample
    found = bootstrap(lambda a, b: coherence.distance(a, b, spread), made[trait], real[trait], centred=True)
    return Number.measured(what, found, unit)


def of_trait(side: str, trait: str) -> str:
    """The name of a trait's distance on a side."""
    return f"s08_{side}_{trait.replace(' ', '_').replace('-', '_')}"


def coherence_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """How far each trait's distribution is from the real one: floor and each model."""
    sides = ("floor", *titles)
    return composed(found, ["trait", *sides], {trait: [of_trait(side, trait) for side in sides] for trait in coherence.TRAITS})
