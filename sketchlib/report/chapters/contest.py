"""The numbers of chapter 13 by name, and its tables: three kinds of model over numbers of drawings, two over temperatures.

A name ends in what was measured: `s13_grid_router_200` is of the router with 200 training drawings a class, `s13_recognised_router_tau_0.4`
of the router that the other chapters draw with, at temperature 0.4. Tables and plots are made from these numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tqdm.auto import tqdm

from ...data import dataset
from ...metrics import cost
from .. import sweep
from ..sweep import KINDS, Axes, name_of
from ..tables import Number, rounded, table
from . import comparison
from .comparison import Real, Score

SIDES = ("router", "single")
NATS, DASH = "nats a point, on the grid", rounded(math.nan)
CONDITIONS = {
    "all_classes": ("classes that the single model learns", "classes"),
    "fewest": ("training drawings of the scored class with the fewest", "drawings"),
    "most": ("training drawings of the scored class with the most", "drawings"),
    "most_of_any": ("training drawings of any class that the single model learns, at most", "drawings"),
    "models": ("models trained", "models"),
    "hidden": ("hidden units of each decoder", "units"),
    "temperature": ("temperature of the sketches", ""),
    "scored": ("test drawings, and sketches, that are scored", "drawings a class"),
    "distance_n": ("of these compared by distance and diversity", "drawings on each side"),
    "floor": ("FID of as many real training drawings", "recogniser features"),
}
RATIOS = {"parameters": "parameters", "training": "seconds of training", "ms": "milliseconds a sketch"}


def measure(axes: Axes, per_class: int, temperature: float, seed: int, prepared, judge, trained, drawers) -> dict[str, Number]:
    """Score all models of a comparison and return every number of the chapter by name.

    `per_class`: sketches and test drawings of a class that are scored, at most. `temperature`: of the sketches where it is not swept.
    `prepared`, `judge`, `trained`: the stages `data`, `recogniser` and `comparison`. `drawers`: "router" and "single", the models that
    the other chapters draw with. Takes minutes, with bars that show how far it is.
    """
    test, classes = prepared.splits.test, axes.classes
    scored = min(per_class, *(test.counts()[name] for name in classes))
    against = comparison.real(judge, prepared.splits, classes, 2 * scored // 3)  # some sketches may be empty, and distances need one n
    models = {(kind, n): sweep.contender(trained, kind, n) for n in axes.drawings for kind in KINDS}
    some = dataset.cap(test, scored, seed)
    costs = {at: comparison.costs_of(one, some, classes, seed) for at, one in tqdm(models.items(), desc="likelihood")}
    todo = {(kind, name_of(n)): (one, temperature) for (kind, n), one in models.items()}
    todo |= {(kind, f"tau_{t:g}"): (one, t) for t in axes.temperatures for kind, one in drawers.items()}
    judged = {}
    for at, (one, how_bold) in tqdm(todo.items(), desc="sketches"):
        sketches, seconds = comparison.drawn(one, classes, scored, how_bold, seed)
        judged[at] = Judged(comparison.score(against, sketches), seconds)
    return {
        **_conditions(axes, temperature, prepared, scored, against),
        **_trainings(trained, axes),
        **_likelihoods(costs, axes, seed),
        **_scores(judged, against, seed),
        **_bills(models, axes, trained, judged, len(prepared.kept.classes)),
    }


class Judged(NamedTuple):
    """What a model's sketches score, and the seconds that one of them took."""

    score: Score
    seconds: float


def slug(name: str) -> str:
    """A class as names of numbers have it."""
    return name.replace(" ", "_")


def _conditions(axes: Axes, temperature: float, prepared, scored: int, against: Real) -> dict[str, Number]:
    train, both = prepared.splits.train.counts(), against.n * len(axes.classes)
    own = [train[name] for name in axes.classes]
    values = {"all_classes": len(prepared.kept.classes), "fewest": min(own), "most": max(own), "most_of_any": max(train.values())}
    values |= {"temperature": temperature, "scored": scored, "distance_n": both}
    out = {f"s13_{name}": Number(CONDITIONS[name][0], value, CONDITIONS[name][1]) for name, value in values.items()}
    return {**out, "s13_floor": Number(CONDITIONS["floor"][0], against.floor, CONDITIONS["floor"][1], both)}


def _trainings(trained: Mapping, axes: Axes) -> dict[str, Number]:
    width = sweep.contender(trained, "single", axes.drawings[0]).sizes["hidden_size"]
    out = {
        "s13_models": Number("models trained", len(trained), "models"),
        "s13_hidden": Number("hidden units of a decoder", width, "units"),
    }
    for kind in KINDS:
        cards = [one.card for part, one in trained.items() if part.kind == kind]
        steps, batch = (cards[0]["settings"][name] for name in ("steps", "batch_size"))
        met, seconds = steps * batch / len(cards[0]["config"]["classes"]), sum(card["train_seconds"] for card in cards)
        out |= {
            f"s13_steps_{kind}": Number(f"{kind}, steps", steps, "steps"),
            f"s13_batch_{kind}": Number(f"{kind}, batch", batch, "drawings"),
            f"s13_met_{kind}": Number(f"{kind}, met of a class", met, "drawings of a class"),
            f"s13_seconds_{kind}": Number(f"{kind}, training of all models", seconds, "seconds", len(cards)),
        }
    return out


def _likelihoods(costs: Mapping, axes: Axes, seed: int) -> dict[str, Number]:
    # Nats of each kind, and of two kinds less those of the single model on the same drawings; of all classes together, and of each.
    def number(what: str, n, classes: Sequence[str], *kinds: str) -> Number:
        found = comparison.per_point(*([costs[kind, n][name] for name in classes] for kind in kinds), seed=seed)
        return Number.measured(f"{what}, {name_of(n)} drawings of {', '.join(classes)}", found, NATS)

    out, ends = {}, {"": axes.classes, **{f"_{slug(name)}": [name] for name in axes.classes}}
    for n in axes.drawings:
        for end, of in ends.items():
            out |= {f"s13_grid_{kind}_{name_of(n)}{end}": number(kind, n, of, kind) for kind in KINDS}
            out[f"s13_grid_worth_{name_of(n)}{end}"] = number("alone less single", n, of, "alone", "single")
        out[f"s13_grid_gap_{name_of(n)}"] = number("router less single", n, axes.classes, "router", "single")
    return out


def _scores(judged: Mapping, against: Real, seed: int) -> dict[str, Number]:
    out = {}
    for (kind, condition), (score, seconds) in judged.items():
        at, what = f"{kind}_{condition}", f"{kind} at {condition}"
        out |= {
            f"s13_recognised_{at}": Number(f"recognised, {what}", 100 * score.recognised, "percent", score.n),
            f"s13_frechet_{at}": Number(f"FID, {what}", score.frechet, "features", against.n * len(against.test)),
            f"s13_diversity_{at}": Number(f"diversity, {what}", score.diversity, "made over real", score.n),
            f"s13_ms_{at}": Number(f"drawing, {what}", 1e3 * seconds, "ms a sketch", score.n),
        }
    for condition in dict.fromkeys(condition for _, condition in judged):
        if found := comparison.farther(against, *(judged[kind, condition].score for kind in SIDES), seed):
            out[f"s13_gap_frechet_{condition}"] = Number.measured(f"FID, router less single at {condition}", found, "features")
    return out


def _bills(models: Mapping, axes: Axes, trained: Mapping, judged: Mapping, all_classes: int) -> dict[str, Number]:
    # Of all classes: what models of one class cost is scaled up from those that were trained.
    out, bills = {}, {}
    for (kind, n), model in models.items():
        own, share = [one.card for part, one in trained.items() if part[:2] == (kind, n)], all_classes / len(axes.classes)
        scale, at = 1 if kind == "single" else share, f"{kind}_{name_of(n)}"
        parameters, seconds = (scale * sum(card[what] for card in own) for what in ("parameters", "train_seconds"))
        kb = cost.memory(model.for_class(axes.classes[0])) / 1e3
        bills[kind] = [round(parameters), seconds, 1e3 * judged[kind, name_of(n)].seconds]  # of the last number of drawings
        out |= {
            f"s13_parameters_{at}": Number(f"parameters, {at}", round(parameters) / 1e3, "thousands"),
            f"s13_training_{at}": Number(f"training, {at}", seconds, "seconds"),
            f"s13_kb_{at}": Number(f"weights for one class, {at}", kb, "kB"),
        }
    for (name, what), *pair in zip(RATIOS.items(), *(bills[kind] for kind in SIDES), strict=True):
        out[f"s13_ratio_{name}"] = Number(f"{what}, router over single", pair[0] / pair[1], "router over single")
    return out


def known(found: Mapping[str, Number], name: str) -> Number:
    """A number by name; one that this run did not record is not a number, and a table shows a dash for it."""
    return found.get(name, Number(name, math.nan))


def digits(one: Number) -> str:
    """A number without its unit, as the book prints it."""
    return rounded(one.value, one.low, one.high)


def with_interval(one: Number) -> str:
    """A number and its interval as a table's cell: "0.302 (0.283 to 0.322)"."""
    return digits(one) + (f" ({one.interval})" if one.interval else "")


def duel(found: Mapping[str, Number], condition: str, seed: int = 0) -> dict[str, tuple[Number, str]]:
    """Measure -> the router's value less the single model's under one condition ("50", "all", "tau_0.4"), and who wins by it.

    A difference counts for a side only if its whole interval has one sign; one that is not known counts for neither.
    """
    nats, fid = (known(found, f"s13_{name}_{condition}") for name in ("grid_gap", "gap_frechet"))
    shares = [known(found, f"s13_recognised_{kind}_{condition}") for kind in SIDES]
    measured = all(math.isfinite(one.value) for one in shares)
    more = Number.measured("recognised", comparison.recognised_more(*shares, seed)) if measured else Number("recognised", math.nan)
    return {
        "likelihood": (nats, comparison.winner(nats, *SIDES)),
        "recognisability": (more, comparison.winner(more, *SIDES[::-1])),
        "FID": (fid, comparison.winner(fid, *SIDES)),
    }


def duel_table(found: Mapping[str, Number], conditions: Mapping[str, str], measures: Sequence[str], seed: int = 0) -> str:
    """Who wins where: a row a condition (name in results -> words), a column a measure with the difference, its interval and the winner.

    Conditions of which nothing is known are left out, and a sentence says so where none is left.
    """
    rows = []
    for condition, words in conditions.items():
        found_out = duel(found, condition, seed)
        rows.append([words, *(_cells(*found_out[measure]) for measure in measures)])
    return _table(["", *measures], rows)


def _table(head: list[str], rows: list[list], numbers: int = 0) -> str:
    rows = [row for row in rows if set(row[1:]) != {DASH}]
    return table(head, rows, numbers) if rows else "*The run that these numbers are from did not measure this.*"


def _cells(difference: Number, who: str) -> str:
    return f"{with_interval(difference)}: {who}" if math.isfinite(difference.value) else digits(difference)


def advised(found: Mapping[str, Number], condition: str, seed: int = 0) -> str:
    """Which of the two is for use: who wins by most measures under a condition; on a draw, who has fewer parameters for all classes."""
    cheaper = SIDES[1] if found["s13_ratio_parameters"].value >= 1 else SIDES[0]
    return comparison.recommended([who for _, who in duel(found, condition, seed).values()], cheaper)


def advice_table(found: Mapping[str, Number], condition: str, seed: int = 0) -> str:
    """How the advice comes about: the winner by each measure, the router's costs over the single model's, and the advice."""
    duels = duel(found, condition, seed).items()
    rows = [[f"winner by {measure}", who if math.isfinite(gap.value) else "–"] for measure, (gap, who) in duels]
    rows += [[f"{words}, router over single", digits(known(found, f"s13_ratio_{name}"))] for name, words in RATIOS.items()]
    return table(["", ""], [*rows, ["to be used", advised(found, condition, seed)]])


def conditions_table(found: Mapping[str, Number], axes: Axes) -> str:
    """What was swept, and under what conditions the models were trained and scored."""
    rows = [["training drawings of each class", ", ".join(map(name_of, axes.drawings))], ["scored classes", ", ".join(axes.classes)]]
    rows.append(["temperatures", ", ".join(f"{t:g}" for t in axes.temperatures)])
    return table(["", ""], rows + [[words, digits(known(found, f"s13_{name}"))] for name, (words, _) in CONDITIONS.items()])


def training_table(found: Mapping[str, Number]) -> str:
    """How each kind of model was trained: steps, batch, drawings of a class that it meets, seconds, and of how many models these are."""
    names, rows = ("steps", "batch", "met", "seconds"), []
    for kind in KINDS:
        numbers = [known(found, f"s13_{name}_{kind}") for name in names]
        rows.append([kind, *map(digits, numbers), numbers[-1].n])
    return table(["", "steps at most", "drawings a batch", "met of a class", "seconds", "models"], rows, numbers=5)


def score_table(found: Mapping[str, Number], axes: Axes) -> str:
    """What each kind of model scores, trained on each number of drawings."""
    rows = []
    for n in map(name_of, axes.drawings):
        for kind in KINDS:
            numbers = (known(found, f"s13_{name}_{kind}_{n}") for name in ("grid", "recognised", "frechet", "diversity"))
            rows.append([n, kind, *(digits(one) for one in numbers)])
    return table(["drawings", "model", "nats a point", "recognised, %", "FID", "diversity"], rows, numbers=4)


def bill_table(found: Mapping[str, Number], axes: Axes) -> str:
    """What each kind of model costs, with the last number of drawings."""
    names, n = ("parameters", "training", "ms", "kb"), name_of(axes.drawings[-1])
    rows = [[kind, *(digits(known(found, f"s13_{name}_{kind}_{n}")) for name in names)] for kind in KINDS]
    return table(["", "thousands of parameters", "seconds of training", "ms a sketch", "kB for one class"], rows, numbers=4)


def sharing_table(found: Mapping[str, Number], axes: Axes) -> str:
    """What sharing weights is worth, alone less single: a row a class that was measured and one for all, a column a number of drawings."""
    ends = {**{f"_{slug(name)}": name for name in axes.classes}, "": "together"}
    sizes = [name_of(n) for n in axes.drawings]
    rows = [[words, *(with_interval(known(found, f"s13_grid_worth_{n}{end}")) for n in sizes)] for end, words in ends.items()]
    return _table(["nats a point", *(f"{n} drawings" for n in sizes)], rows, numbers=len(sizes))


def places(found: Mapping[str, Number], axes: Axes) -> list[float]:
    """Where numbers of drawings stand on an axis: all, which differ by class, in the middle of the fewest and the most."""
    middle = math.sqrt(found["s13_fewest"].value * found["s13_most"].value)
    return [middle if n is None else n for n in axes.drawings]


def panels(found: Mapping[str, Number], measures: Mapping[str, str], kinds: Sequence[str], conditions: Sequence[str]) -> dict:
    """Numbers for `plots.sweep`: title -> kind -> the numbers under the conditions. `measures`: title -> name in results."""
    return {
        title: {kind: [known(found, f"s13_{name}_{kind}_{condition}") for condition in conditions] for kind in kinds}
        for title, name in measures.items()
    }
