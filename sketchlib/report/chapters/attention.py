"""What `benchmarks/quality.py` recorded, as chapter 13b shows it: tables, minutes to the report's best value, and who is ahead.

A record has runs, each with a name, a seed, curves and scores. A recipe that was not run is "not measured" everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from ..tables import Number, rounded, table
from .comparison import NEITHER

REPORT = "report"
FROM_NOTHING = ("lstm", "placed", "transformer")
AFTER_345 = tuple(f"{kind} after 345" for kind in FROM_NOTHING)
RECIPES = (REPORT, "short", *FROM_NOTHING, *AFTER_345)
GROUPS = {"from nothing": FROM_NOTHING, "after 345 classes": AFTER_345}
ONE, RECOMMENDED = "at 1", "at 0.4 / 0.7"  # the settings of the record: temperature 1; temperature and the pen's own
SETTINGS = {ONE: "temperature 1", RECOMMENDED: "temperature 0.4, pen 0.7"}
MEASURES = {  # of sketches -> words, and whether more is better (1), less (-1), or neither is: the more like people the better
    "recognised": ("recognised, %", 1),
    "hardest": ("of the hardest class, %", 1),
    "frechet": ("Fréchet distance", -1),
    "kid": ("kernel distance", -1),
    "precision": ("precision", 1),
    "recall": ("recall", 1),
    "density": ("density", 0),
    "coverage": ("coverage", 1),
    "near_copies": ("near-copies, %", 0),
    "ended": ("ended, %", 1),
}
GRID = ("grid", "")  # nats a point on the grid
DECIDES = ("frechet", ONE)  # where each of two is ahead in something
SEEDS = 2  # of each recipe, before one may be called better
BAR = 1 / 5  # of the report's time, in which its best value is to be reached
NOT_MEASURED, TOO_FEW = "not measured", "too few seeds"
SHOWN = ("steps", "batch_size", "lr", "schedule", "stretch", "merge", "jitter", "stray", "rotate", "dequantise", "ema", "precision")


# --- what was run ---


def runs_of(record: Mapping | None, name: str) -> list[dict]:
    """The runs of one recipe, by seed; none where it was not run, or nothing is recorded."""
    return sorted((run for run in (record or {"runs": []})["runs"] if run["name"] == name), key=lambda run: run["seed"])


def values(record: Mapping | None, name: str, what: tuple[str, str]) -> list[float]:
    """A measure of each run of a recipe, by seed; `what`: (measure, setting), or `GRID`."""
    measure, setting = what
    return [run["scores"][setting][measure] if setting else run["scores"][measure] for run in runs_of(record, name)]


def minutes(run: Mapping) -> float:
    """The minutes of a run's training, those of the training before it included."""
    return run["points"][-1][1]


def seeds_shown(numbers: Sequence[float]) -> str:
    """A number for each seed, as a table's cell; a dash for none."""
    return ", ".join(map(rounded, numbers)) or "–"


def recipe_table(record: Mapping | None) -> str:
    """Every recipe: its weights, steps and minutes, and what a point costs it in validation, a number a seed."""
    rows = []
    for name in RECIPES:
        found = runs_of(record, name)
        steps = f"{found[0]['settings']['steps']:,}" if found else "–"
        weights = rounded(found[0]["parameters"] / 1e6) if found else "–"
        before = seeds_shown([run["minutes_before"] for run in found if run["minutes_before"]])
        cells = [weights, steps, before, seeds_shown([minutes(run) for run in found]), seeds_shown(values(record, name, GRID))]
        rows.append([name, *cells] if found else [name, *cells[:-1], NOT_MEASURED])
    return table(["recipe", "million weights", "steps", "minutes before", "minutes in all", "nats a point"], rows, numbers=5)


def settings_table(record: Mapping | None, names: Sequence[str] = (REPORT, "lstm", "lstm after 345")) -> str:
    """In what the settings of some recipes differ."""
    known = {name: found[0]["settings"] for name in names if (found := runs_of(record, name))}
    rows = [[f"`{key}`", *(_plain(of.get(key)) for of in known.values())] for key in SHOWN]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    return table(["setting", *known], differing, numbers=len(known)) if differing else "*Fewer than two of these recipes were measured.*"


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, float) else "–" if value is None else str(value)


def score_table(record: Mapping | None, setting: str, names: Sequence[str]) -> str:
    """What the models of some recipes draw like in one of `SETTINGS`: a row a measure, a column a recipe, a number a seed."""
    rows = [[words, *(seeds_shown(values(record, name, (key, setting))) for name in names)] for key, (words, _) in MEASURES.items()]
    return table(["", *names], rows, numbers=len(names))


def numbers(record: Mapping | None) -> dict[str, Number]:
    """The main numbers of every run by name: s13b_grid_lstm_0 is of the recipe lstm with seed 0."""
    found = {}
    for run in (run for name in RECIPES for run in runs_of(record, name)):
        at, what = f"{run['name'].replace(' ', '_')}_{run['seed']}", f"{run['name']}, seed {run['seed']}"
        drawn = run["scores"][ONE]
        found |= {
            f"s13b_grid_{at}": Number(what, run["scores"]["grid"], "nats a point, on the grid"),
            f"s13b_minutes_{at}": Number(f"{what}: training", minutes(run), "minutes"),
            f"s13b_recognised_{at}": Number(f"{what}: recognised at temperature 1", drawn["recognised"], "percent"),
            f"s13b_frechet_{at}": Number(f"{what}: Fréchet distance at temperature 1", drawn["frechet"], "recogniser features"),
        }
    return found


# --- time to quality ---


class Best(NamedTuple):
    """The least that a point cost the report's recipe in validation, after how many minutes, and on what machine."""

    nats: float
    minutes: float
    machine: tuple


def machine_of(run: Mapping) -> tuple:
    """What minutes depend on: device, processor and threads."""
    made = run["made"]
    return made["device"], made["cpu"], made["threads"]


def report_best(record: Mapping | None) -> Best | None:
    """The best validation of the report's recipe, over its seeds; None where it was not run."""
    points = [Best(nats, at, machine_of(run)) for run in runs_of(record, REPORT) for _, at, nats in run["points"]]
    return min(points, default=None)


def minutes_to(run: Mapping, nats: float) -> float:
    """The minutes after which a run's validation first costs no more than `nats` a point; infinite where it never does."""
    return next((at for _, at, cost in run["points"] if cost <= nats), math.inf)


def time_table(record: Mapping | None) -> str:
    """How soon each recipe reaches the report's best value, and in what share of the report's minutes, a number a seed."""
    best, rows = report_best(record), []
    for name in RECIPES[1:]:
        taken = [minutes_to(run, best.nats) for run in runs_of(record, name)] if best else []
        shares = [one / best.minutes for one in taken] if taken else []
        rows.append([name, _reached(taken), _reached(shares), time_verdict(record, name)])
    head = ["recipe", "minutes to the report's best value", "share of the report's", "at most a fifth"]
    return table(head, rows)


def _reached(numbers: Sequence[float]) -> str:
    return ", ".join(rounded(one) if math.isfinite(one) else "never" for one in numbers) or "–"


def time_verdict(record: Mapping | None, name: str) -> str:
    """Whether every run of a recipe reaches the report's best value in at most a fifth of its time: minutes of one machine only."""
    best, found = report_best(record), runs_of(record, name)
    if best is None or not found:
        return NOT_MEASURED
    if any(machine_of(run) != best.machine for run in found):
        return "another machine"
    return "yes" if all(minutes_to(run, best.nats) <= BAR * best.minutes for run in found) else "no"


def time_said(record: Mapping | None) -> str:
    """The answer to the question of time, in a sentence."""
    best = report_best(record)
    if best is None:
        return "*The report's recipe was not measured, so nothing can be said of time.*"
    said = {name: time_verdict(record, name) for name in RECIPES[1:]}
    held = [name for name, verdict in said.items() if verdict == "yes"]
    missed = [name for name, verdict in said.items() if verdict == "no"]
    n, at = len(runs_of(record, REPORT)), f"{rounded(best.nats)} nats a point, after {rounded(best.minutes)} minutes"
    first = f"The report's recipe is at its best, {at} ({_count(n, 'seed')}). "
    return first + f"At most a fifth of that suffices, with each seed, for: {_list(held)}. It does not for: {_list(missed)}."


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


# --- who is ahead ---


def ahead(record: Mapping | None, one: str, other: str, what: tuple[str, str]) -> str:
    """Which of two recipes is ahead in a measure: each of its seeds before each of the other's; else "neither", or why none can be."""
    a, b = (values(record, name, what) for name in (one, other))
    if not a or not b:
        return NOT_MEASURED
    if min(len(a), len(b)) < SEEDS:
        return TOO_FEW
    sign = -1 if what == GRID else MEASURES[what[0]][1]
    gaps = [sign * (x - y) for x in a for y in b]
    return one if min(gaps) > 0 else other if max(gaps) < 0 else NEITHER


def voting() -> dict[tuple[str, str], str]:
    """The measures that can decide, (measure, setting) -> words: all but those of which neither more nor less is better."""
    sketches = {(key, setting): f"{words}, {SETTINGS[setting]}" for setting in SETTINGS for key, (words, sign) in MEASURES.items() if sign}
    return {GRID: "nats a point", **sketches}


class Duel(NamedTuple):
    """Two recipes: in what each is ahead, words of `voting`, and who wins by the rule of `duel`."""

    first: list[str]
    second: list[str]
    winner: str


def duel(record: Mapping | None, one: str, other: str) -> Duel:
    """Who wins: whoever is ahead in something and behind in nothing; where each is ahead in something, `DECIDES`; else "neither".

    Where a recipe was not run, or not with enough seeds, nobody wins, and `winner` says why.
    """
    found = {words: ahead(record, one, other, what) for what, words in voting().items()}
    first, second = ([words for words, who in found.items() if who == name] for name in (one, other))
    if why := {NOT_MEASURED, TOO_FEW} & set(found.values()):
        return Duel([], [], why.pop())
    if first and second:
        return Duel(first, second, ahead(record, one, other, DECIDES))
    return Duel(first, second, one if first else other if second else NEITHER)


def duel_table(record: Mapping | None, names: Sequence[str]) -> str:
    """Who is ahead in each measure, a column a pair of recipes, and at the end who wins by the rule."""
    pairs = list(combinations(names, 2))
    rows = [[words, *(_short(ahead(record, *pair, what)) for pair in pairs)] for what, words in voting().items()]
    rows.append(["by the rule", *(_short(duel(record, *pair).winner) for pair in pairs)])
    return table(["", *(" or ".join(map(_short, pair)) for pair in pairs)], rows)


def _short(name: str) -> str:
    return name.removesuffix(" after 345")


def said(record: Mapping | None, group: str) -> str:
    """What decided between the recipes of one of `GROUPS`, a line a pair."""
    lines = []
    for one, other in combinations(GROUPS[group], 2):
        found = duel(record, one, other)
        names = f"{_short(one)} or {_short(other)}, {group}"
        if found.winner in (NOT_MEASURED, TOO_FEW):
            lines.append(f"- {names}: {found.winner}.")
            continue
        parts = f"{_short(one)} is ahead in {_list(found.first)}; {_short(other)} in {_list(found.second)}"
        lines.append(f"- {names}: {parts}. By the rule: {_short(found.winner)}.")
    return "\n".join(lines) + "\n"


def terms_table(record: Mapping | None) -> str:
    """How equal the terms of each of `GROUPS` were: its longest training over its shortest, its largest model over its smallest."""
    rows = []
    for group, names in GROUPS.items():
        found = [run for name in names for run in runs_of(record, name)]
        measured = sum(bool(runs_of(record, name)) for name in names) > 1
        rows.append([group, *(_spread([of(run) for run in found]) if measured else NOT_MEASURED for of in (minutes, _weights))])
    return table(["", "longest training over shortest", "most weights over fewest"], rows, numbers=2)


def _weights(run: Mapping) -> float:
    return run["parameters"]


def _spread(numbers: Sequence[float]) -> str:
    return f"{max(numbers) / min(numbers):.2f}"
