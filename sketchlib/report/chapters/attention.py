"""What `benchmarks/quality.py` recorded, as chapter 13b shows it: tables, minutes to the report's best value, and who is ahead.

A record has runs, each with a name, a seed, curves and scores. A recipe that was not run is "not measured" everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...data.batches import KEPT, Batch
from ...models.placed import place_features
from ..tables import Number, rounded, table
from .comparison import NEITHER

REPORT = "report"
FROM_NOTHING = ("lstm", "placed", "transformer")
AFTER_345 = tuple(f"{kind} after 345" for kind in FROM_NOTHING)
OURS = ("short", "plain")  # other recipes of the LSTM from nothing
RECIPES = (REPORT, *OURS, *FROM_NOTHING, *AFTER_345)
GROUPS = {"from nothing": FROM_NOTHING, "after 345 classes": AFTER_345}
ONE, RECOMMENDED = "at 1", "at 0.4 / 0.7"  # the settings of the record: temperature 1; temperature and the pen's own
SETTINGS = {ONE: "temperature 1", RECOMMENDED: "temperature 0.4, pen 0.7"}
AT = {ONE: "at temperature 1", RECOMMENDED: "at 0.4 / 0.7"}
MEASURES = {  # of sketches -> words, unit, decimals, and whether more is better (1), less (-1), or neither: the more like people the better
    "recognised": ("recognised", ", %", 1, 1),
    "hardest": ("recognised of the hardest class", ", %", 1, 1),
    "frechet": ("Fréchet distance", "", 2, -1),
    "kid": ("kernel distance", "", 4, -1),
    "precision": ("precision", "", 3, 1),
    "recall": ("recall", "", 3, 1),
    "density": ("density", "", 3, 0),
    "coverage": ("coverage", "", 3, 1),
    "near_copies": ("near-copies", ", %", 1, 0),
    "ended": ("ended by themselves", ", %", 1, 1),
}
GRID = ("grid", "")  # nats a point on the grid
SHARPNESS = 2.0  # of the attention that is built from waves
MARGIN = 3  # measures by which a recipe must lead another
SEEDS = 2  # of each recipe, before one may be called better
BAR = 1 / 5  # of the report's time, in which its best value is to be reached
NOT_MEASURED, TOO_FEW = "not measured", "too few seeds"
NOTHING = "*Not measured: the record has none of these recipes, or only one.*\n"
SETTLED = (REPORT, "plain", "lstm", "transformer", "lstm after 345", "transformer after 345")  # recipes whose settings are shown
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


def seeds_shown(numbers: Sequence[float], decimals: int) -> str:
    """A number for each seed, as a table's cell; a dash for none, and for what is not finite."""
    return ", ".join(f"{one:,.{decimals}f}" if math.isfinite(one) else "–" for one in numbers) or "–"


def recipe_table(record: Mapping | None) -> str:
    """Every recipe: its weights, steps and minutes, and what a point costs it in validation, a number a seed."""
    rows = []
    for name in RECIPES:
        found = runs_of(record, name)
        steps = f"{found[0]['settings']['steps']:,}" if found else "–"
        weights = rounded(found[0]["parameters"] / 1e6) if found else "–"
        before = seeds_shown([run["minutes_before"] for run in found if run["minutes_before"]], 1)
        cells = [weights, steps, before, seeds_shown([minutes(run) for run in found], 1), seeds_shown(values(record, name, GRID), 3)]
        rows.append([name, *cells] if found else [name, *cells[:-1], NOT_MEASURED])
    return table(["recipe", "million weights", "steps", "minutes before", "minutes in all", "nats a point"], rows, numbers=5)


def settings_table(record: Mapping | None) -> str:
    """In what the settings of the recipes differ; those of `placed` are those of `lstm`."""
    known = {name: found[0]["settings"] for name in SETTLED if (found := runs_of(record, name))}
    rows = [[f"`{key}`", *(_plain(of.get(key)) for of in known.values())] for key in SHOWN]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    return table(["setting", *known], differing, numbers=len(known)) if differing else NOTHING


def strayed(record: Mapping | None) -> str:
    """Which recipes of the record let the points that are read stray, in a sentence."""
    names = [name for name in RECIPES if any(run["settings"].get("stray") for run in runs_of(record, name))]
    return f"\nRecipes of the record that let points stray: {_list(names)}.\n"


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, float) else "–" if value is None else str(value)


def score_table(record: Mapping | None, setting: str, names: Sequence[str]) -> str:
    """What the models of some recipes draw like in one of `SETTINGS`: a row a measure, a column a recipe, a number a seed."""
    if not any(runs_of(record, name) for name in names):
        return NOTHING
    rows = []
    for key, (words, unit, decimals, _) in MEASURES.items():
        rows.append([words + unit, *(seeds_shown(values(record, name, (key, setting)), decimals) for name in names)])
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
    """What minutes depend on: device, processor and threads of the run in which steps were timed."""
    made = run["timed"]
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
    return "; ".join(names) if names else "none"


# --- who is ahead ---


def ahead(record: Mapping | None, one: str, other: str, what: tuple[str, str]) -> str:
    """Which of two recipes is ahead in a measure; else "neither", or why nothing can be said.

    Each of its seeds must be ahead of each of the other's, by more than the seeds of either lie apart.
    """
    a, b = (values(record, name, what) for name in (one, other))
    if not a or not b:
        return NOT_MEASURED
    if min(len(a), len(b)) < SEEDS:
        return TOO_FEW
    sign, apart = -1 if what == GRID else MEASURES[what[0]][-1], max(max(a) - min(a), max(b) - min(b))
    gaps = [sign * (x - y) for x in a for y in b]
    if not all(map(math.isfinite, gaps)):
        return NEITHER
    return one if min(gaps) > apart else other if max(gaps) < -apart else NEITHER


def ahead_by_chance(n: int = SEEDS, times: int = 20_000, seed: int = 0) -> tuple[float, float]:
    """How often, in percent, one of two equal recipes is ahead with each of its n seeds, and how often by `ahead`: values are normal."""
    draws = np.random.default_rng(seed).normal(size=(2, times, n))
    (low, other_low), (high, other_high) = draws.min(2), draws.max(2)
    gap, apart = np.maximum(low - other_high, other_low - high), np.maximum(high - low, other_high - other_low)
    return 100 * float((gap > 0).mean()), 100 * float((gap > apart).mean())


def voting() -> dict[tuple[str, str], str]:
    """The measures that count, (measure, setting) -> words: all but those of which neither more nor less is better."""
    counted = {key: words for key, (words, *_, sign) in MEASURES.items() if sign}
    return {GRID: "nats a point", **{(key, setting): f"{words} {AT[setting]}" for setting in SETTINGS for key, words in counted.items()}}


class Duel(NamedTuple):
    """Two recipes: in what each is ahead, words of `voting`, and who wins by the rule of `duel`."""

    first: list[str]
    second: list[str]
    winner: str


def duel(record: Mapping | None, one: str, other: str) -> Duel:
    """Who wins: whoever is ahead in at least `MARGIN` measures more than the other, of all that count; else "neither".

    Where a recipe was not run, or not with enough seeds, nobody wins, and `winner` says why.
    """
    found = {words: ahead(record, one, other, what) for what, words in voting().items()}
    first, second = ([words for words, who in found.items() if who == name] for name in (one, other))
    if why := {NOT_MEASURED, TOO_FEW} & set(found.values()):
        return Duel([], [], why.pop())
    lead = len(first) - len(second)
    return Duel(first, second, one if lead >= MARGIN else other if lead <= -MARGIN else NEITHER)


def duel_table(record: Mapping | None, group: str) -> str:
    """Who is ahead in each measure, a column a pair of the recipes of one of `GROUPS`, and at the end who wins by the rule."""
    pairs = list(combinations(GROUPS[group], 2))
    if all(duel(record, *pair).winner == NOT_MEASURED for pair in pairs):
        return NOTHING
    rows = [[words, *(_short(ahead(record, *pair, what)) for pair in pairs)] for what, words in voting().items()]
    rows.append(["by the rule", *(_short(duel(record, *pair).winner) for pair in pairs)])
    return table([group, *(" or ".join(map(_short, pair)) for pair in pairs)], rows)


def _short(name: str) -> str:
    return name.removesuffix(" after 345")


def said(record: Mapping | None) -> str:
    """What decided, a line a pair of recipes of each of `GROUPS`."""
    return "".join(f"- *{group}*, {_said(record, *pair)}\n" for group, names in GROUPS.items() for pair in combinations(names, 2))


def _said(record: Mapping | None, one: str, other: str) -> str:
    found, (first, second) = duel(record, one, other), map(_short, (one, other))
    if found.winner in (NOT_MEASURED, TOO_FEW):
        return f"{first} or {second}: {found.winner}."
    parts = f"{first} is ahead in {len(found.first)} ({_list(found.first)}), {second} in {len(found.second)} ({_list(found.second)})"
    return f"{first} or {second}: {parts}; by the rule, {_short(found.winner)}."


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


# --- what an LSTM remembers of the place ---


class Walk(NamedTuple):
    """A single model's memory along drawings: `memory` (n, H') after each row, the pen's `places` (n, 2) in data units, `rows` (n,)."""

    memory: Tensor
    places: Tensor
    rows: Tensor

    def after(self, row: int) -> Tensor:
        """The places after one row, (m, 2), of the drawings that have it."""
        return self.places[self.rows == row]


@torch.no_grad()
def walk(model, batch: Batch, longest: int) -> Walk:
    """Let a single model with an LSTM read the drawings of a batch, row by row, and keep what it remembers after each of the first rows."""
    state, memory = model.decoder.start(model.condition(batch.labels)), []
    for row in batch.x[:, : longest + 1].unbind(1):
        _, state = model.decoder.step(row, state)
        memory.append(torch.cat([state.h, state.c], 1))
    places = model.scale * batch.x[:, 1 : longest + 1, :2].cumsum(1)
    real = batch.drawn[:, :longest]
    return Walk(torch.stack(memory[1:], 1)[real], places[real], torch.arange(1, places.shape[1] + 1).expand(len(batch), -1)[real])


def read_places(learned: Walk, asked: Walk, weight: float = 10.0) -> Tensor:
    """Where the pen is by a linear reading of the memory (n, 2): least squares on one walk, `weight` on its squares, used on another."""
    x, mean, centre = learned.memory, learned.memory.mean(0), learned.places.mean(0)
    gram = (x - mean).T @ (x - mean) + weight * torch.eye(x.shape[1])
    reader = torch.linalg.solve(gram, (x - mean).T @ (learned.places - centre))
    return (asked.memory - mean) @ reader + centre


def place_errors(learned: Walk, asked: Walk) -> dict[str, list[float]]:
    """How far off the pen's place is after each row, median over drawings, data units: read from the memory, and as the mean place."""
    off = torch.linalg.norm(read_places(learned, asked) - asked.places, dim=1)
    rows = range(1, int(min(learned.rows.max(), asked.rows.max())) + 1)
    guessed = [torch.linalg.norm(asked.after(row) - learned.after(row).mean(0), dim=1).median() for row in rows]
    return {
        "read from the memory": [float(off[asked.rows == row].median()) for row in rows],
        "mean place after that row": list(map(float, guessed)),
    }


# --- looking up by place, and coming back ---


def looked_up(pen: Tensor, sharpness: float = SHARPNESS) -> Tensor:
    """Shares (T, T) of attention whose queries and keys are the waves of the pen's place (T, 3) after each row: built, not learned."""
    waves = place_features(pen)[:, 3:]  # without the place as it is
    later = torch.ones(len(pen), len(pen), dtype=torch.bool).triu(1)
    return (sharpness * waves @ waves.T).masked_fill(later, -torch.inf).softmax(-1)


def farthest_return(pen: Tensor, long_ago: int = 8) -> tuple[int, float]:
    """The row that finds its place again after the farthest way, and how far that was: share times way, normalised units."""
    shares, apart = looked_up(pen).tril(-long_ago), torch.cdist(pen[:, :2], pen[:, :2])
    found = shares.argmax(1).tolist()
    ways = [float(shares[row].sum() * apart[row, found[row] : row + 1].max()) for row in range(len(pen))]
    return int(np.argmax(ways)), max(ways)


def longest_stroke(rows: np.ndarray) -> slice:
    """Which rows of stroke-3 (n, 3) lead to the points of the drawing's longest stroke."""
    ends = np.append(np.flatnonzero(rows[:-1, 2]) + 1, len(rows))
    starts = np.append(0, ends[:-1])
    longest = int(np.argmax(ends - starts))
    return slice(int(starts[longest]), int(ends[longest]))


def coming_back(drawn: np.ndarray, off: np.ndarray) -> np.ndarray:
    """The points (n, 2) of a hand that is `off` (2,) at the first of those drawn and then does what `augment`'s targets say."""
    return drawn + off * KEPT ** np.arange(len(drawn))[:, None]
