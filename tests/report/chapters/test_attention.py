"""Chapter 13b: who is ahead by what rule, minutes of one machine, what was not measured, places read from a memory, and coming back."""

import math
from copy import deepcopy

import numpy as np
import pytest
import quality as benchmark
import torch
from matplotlib.figure import Figure
from synthetic import sketch_set

from sketchlib.data.batches import KEPT, augment, make_batch
from sketchlib.models.placed import pen_after
from sketchlib.models.single import ConditionalDecoder
from sketchlib.report.chapters import attention, attention_plots

MADE = dict(commit="0" * 40, cpu="some", threads=2, device="cpu", date="2026-01-01")
SKETCHES = {"recognised": 80.0, "hardest": 50.0, "frechet": 9.0, "kid": 0.01, "precision": 0.8, "recall": 0.8} | dict.fromkeys(
    ("density", "coverage"), 0.9
)
SKETCHES |= {"near_copies": 5.0, "ended": 95.0}


def run(name, seed, grid, before=0.0, length=10.0, **better):
    """A made-up run: nats fall to `grid` in three validations."""
    points = [[k, before + k * length / 3, grid + 3 - k] for k in (1, 2, 3)]
    scores = {"grid": grid} | {setting: SKETCHES | better for setting in attention.SETTINGS}
    kind = name.split()[0] if name.split()[0] in ("placed", "transformer") else "lstm"
    settings = dict(steps=10, lr=0.001 if name == "report" else 0.004, stray=0.0)
    about = dict(name=name, seed=seed, kind=kind, parameters=1_000_000, settings=settings, minutes_before=before)
    return dict(**about, points=points, scores=scores, made=MADE, timed=MADE)


@pytest.fixture
def record():
    """The report's recipe in 60 minutes; lstm and placed in 10, placed better; one seed of a transformer."""
    runs = [run("report", seed, 8.0 + seed / 100, length=60.0) for seed in (0, 1)]
    for seed in (0, 1):
        shaken = seed / 1000
        runs.append(run("lstm", seed, 7.8 + shaken))
        better = dict(recognised=90.0 + shaken, frechet=7.0 + shaken, kid=0.001, recall=0.9)
        runs.append(run("placed", seed, 7.7 + shaken, **better))
        runs.append(run("placed after 345", seed, 7.5, before=30.0))
    return dict(scored=60, drawn=200, runs=[*runs, run("transformer", 0, 7.0)])


def test_the_chapter_knows_every_recipe_and_setting_of_the_benchmark():
    assert tuple(benchmark.runs()) == attention.RECIPES and list(benchmark.SETTINGS) == list(attention.SETTINGS)
    assert all(hasattr(run.settings, name) for run in benchmark.runs().values() for name in attention.SHOWN)


def test_what_a_recipe_learns_of_345_classes_first_is_a_run_of_its_own():
    firsts = {name: benchmark.first_of(run) for name, run in benchmark.runs().items() if run.after}
    assert tuple(firsts) == attention.AFTER_345
    assert firsts["placed after 345"] == firsts["lstm after 345"]  # as the best model starts as the single model's start
    assert len(set(firsts.values())) == 2  # that equal ones are timed once


def test_a_transformer_takes_half_the_steps_with_weights_averaged_over_as_much_of_the_run():
    settings = benchmark.runs()["lstm"].settings
    halved = benchmark.for_transformer(settings)
    assert (halved.steps, halved.lr) == (settings.steps // 2, settings.lr / 2)
    assert halved.steps * (1 - halved.ema) == pytest.approx(settings.steps * (1 - settings.ema))


def with_values(first, second):
    """A record of two recipes whose nats are these, a number a seed."""
    sides = zip(("lstm", "placed"), (first, second), strict=True)
    return dict(runs=[run(name, seed, grid) for name, side in sides for seed, grid in enumerate(side)])


@pytest.mark.parametrize(
    ("first", "second", "who"),
    [
        ([7.0, 7.1], [7.5, 7.6], "lstm"),
        ([7.5, 7.6], [7.0, 7.1], "placed"),
        ([7.0, 7.1], [7.15, 7.2], "neither"),  # each seed ahead, by less than seeds lie apart
        ([7.0, 7.6], [7.5, 7.7], "neither"),
        ([7.0, 7.0], [7.0, 7.0], "neither"),
        ([7.0], [7.5, 7.6], attention.TOO_FEW),
        ([], [7.5, 7.6], attention.NOT_MEASURED),
    ],
)
def test_a_recipe_is_ahead_where_all_its_seeds_are_by_more_than_seeds_lie_apart(first, second, who):
    assert attention.ahead(with_values(first, second), "lstm", "placed", attention.GRID) == who


def test_of_distances_less_is_better_and_of_shares_more(record):
    for what in (("frechet", attention.ONE), ("recognised", attention.ONE), attention.GRID):
        assert attention.ahead(record, "lstm", "placed", what) == attention.ahead(record, "placed", "lstm", what) == "placed"


def test_who_is_ahead_in_enough_more_measures_wins(record):
    found = attention.duel(record, "lstm", "placed")
    assert (found.first, len(found.second), found.winner) == ([], 9, "placed")
    assert attention.duel(record, "placed", "lstm").winner == "placed"
    close = deepcopy(record)
    for one in close["runs"]:
        for setting in attention.SETTINGS:
            one["scores"][setting] = SKETCHES
    assert attention.duel(close, "lstm", "placed") == attention.Duel([], ["nats a point"], "neither")


def test_measures_without_a_better_side_do_not_count():
    counted = {key for key, _ in attention.voting()}
    assert counted == {"grid", *SKETCHES} - {"density", "near_copies"}


def test_one_seed_wins_nothing_and_one_that_was_not_run_is_not_measured(record):
    assert attention.duel(record, "lstm", "transformer").winner == attention.TOO_FEW
    assert attention.duel(record, "lstm after 345", "placed after 345").winner == attention.NOT_MEASURED


def test_equal_recipes_are_seldom_called_apart():
    plain, strict = attention.ahead_by_chance()
    assert abs(plain - 100 / 3) < 2  # of the six orders of two pairs, two
    assert strict < plain / 2 and attention.ahead_by_chance(3)[1] < strict


def test_time_is_till_the_first_validation_that_is_no_worse_than_the_reports_best(record):
    best = attention.report_best(record)
    assert (best.nats, best.minutes) == (8.0, 60.0)
    lstm = attention.runs_of(record, "lstm")[0]
    assert attention.minutes_to(lstm, 8.0) == 10.0 and attention.minutes_to(lstm, 8.8) == pytest.approx(20 / 3)
    assert math.isinf(attention.minutes_to(lstm, 7.0))
    assert attention.time_verdict(record, "lstm") == "yes"
    assert attention.time_verdict(record, "placed after 345") == "no"  # the minutes before count
    assert attention.time_verdict(record, "short") == attention.NOT_MEASURED


def test_minutes_of_another_machine_decide_nothing(record):
    attention.runs_of(record, "lstm")[1]["timed"] = MADE | {"cpu": "another"}
    assert attention.time_verdict(record, "lstm") == "another machine"
    assert "lstm" not in attention.time_said(record)


def test_one_seed_that_misses_the_time_is_a_miss(record):
    attention.runs_of(record, "lstm")[1]["points"] = [[1, 13.0, 7.0]]
    assert attention.time_verdict(record, "lstm") == "no"


def tables_of(record):
    tables = [attention.recipe_table, attention.settings_table, attention.terms_table, attention.time_table, attention.time_said]
    texts = [one(record) for one in [*tables, attention.said, attention.strayed]]
    texts += [attention.duel_table(record, group) for group in attention.GROUPS]
    return texts + [attention.score_table(record, setting, names) for setting in attention.SETTINGS for names in attention.GROUPS.values()]


def test_tables_hold_a_number_for_each_seed(record):
    assert "| lstm | 1 | 10 | – | 10.0, 10.0 | 7.800, 7.801 |" in attention.recipe_table(record)
    assert "| recognised, % | 80.0, 80.0 | 90.0, 90.0 | 80.0 |" in attention.score_table(record, attention.ONE, attention.FROM_NOTHING)
    assert attention.settings_table(record).count("\n") == 3 and "`lr`" in attention.settings_table(record)
    assert "placed in 9 (nats a point; " in attention.said(record) and "by the rule, placed." in attention.said(record)
    assert attention.terms_table(record).splitlines()[2] == "| from nothing | 1.00 | 1.00 |"
    assert attention.terms_table(record).splitlines()[3].count(attention.NOT_MEASURED) == 2


@pytest.mark.parametrize("nothing", [None, dict(runs=[])])
def test_without_a_record_every_table_says_so_and_nothing_is_recorded(nothing):
    assert attention.numbers(nothing) == {} and attention.report_best(nothing) is None
    assert all(re in text for text in tables_of(nothing)[:1] for re in (attention.NOT_MEASURED,))
    assert all("not measured" in text.lower() or "none" in text for text in tables_of(nothing))


def test_what_could_not_be_computed_is_a_dash_and_decides_nothing(record):
    attention.runs_of(record, "lstm")[1]["scores"][attention.ONE] = SKETCHES | {"frechet": math.nan}
    assert "| Fréchet distance | 9.00, – |" in attention.score_table(record, attention.ONE, ("lstm",))
    assert attention.ahead(record, "lstm", "placed", ("frechet", attention.ONE)) == "neither"


def test_any_run_may_be_missing(record):
    for missing in range(len(record["runs"])):
        left = dict(runs=record["runs"][:missing] + record["runs"][missing + 1 :])
        assert all(tables_of(left)) and isinstance(attention_plots.curves(left), Figure)


def test_recorded_numbers_have_names_of_their_own(record):
    found = attention.numbers(record)
    assert len(found) == 4 * len(record["runs"]) and found["s13b_grid_placed_after_345_0"].value == 7.5
    assert all(name.startswith("s13b_") for name in found)


def test_the_curves_are_a_line_a_run_and_one_that_is_the_reports_best(record):
    (ax,) = attention_plots.curves(record).axes
    assert len(ax.lines) == len(record["runs"]) + 1 and ax.lines[-1].get_ydata()[0] == 8.0
    (ax,) = attention_plots.curves(None).axes
    assert not ax.lines and ax.texts[0].get_text() == "not measured"


# --- memory, attention by place, straying ---

CLASSES = ("cat", "alarm clock")
SET = sketch_set(60, CLASSES)
BATCH = make_batch(SET, range(40), 15.0)


def model():
    torch.manual_seed(0)
    return ConditionalDecoder(CLASSES, SET.n_max, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3)


def test_a_walk_has_every_real_row_and_where_the_pen_is():
    one = model()
    found = attention.walk(one, BATCH, 5)
    assert len(found.rows) == len(found.places) == len(found.memory) == int(BATCH.lengths.clamp(max=5).sum())
    assert found.memory.shape[1] == 2 * 16
    third = one(BATCH)[BATCH.lengths >= 3, 3]  # what is said after S_0 and three rows
    assert torch.allclose(one.decoder.fc_params(found.memory[found.rows == 3, :16]), third, atol=1e-5)
    first = 15.0 * BATCH.x[:, 1, :2]
    assert torch.allclose(found.after(1), first)
    assert torch.allclose(found.places[found.rows == 3], 15.0 * BATCH.x[BATCH.lengths >= 3, 1:4, :2].sum(1), atol=1e-4)


def test_places_that_a_memory_holds_are_read_from_it_and_others_are_not():
    torch.manual_seed(0)
    places, rows = 50 * torch.randn(400, 2), torch.arange(1, 5).repeat(100)
    holds = attention.Walk(torch.cat([places / 50 @ torch.randn(2, 6), torch.randn(400, 3)], 1), places, rows)
    error = attention.place_errors(holds, holds)["read from the memory"]
    assert max(error) < 5
    noise = attention.Walk(torch.randn(400, 3), places, rows)
    assert min(attention.place_errors(noise, noise)["read from the memory"]) > 30


def test_attention_by_place_finds_the_same_place_and_never_looks_ahead():
    pen = torch.tensor([[0.0, 0, 0], [3.0, 0, 0], [3.3, 2.7, 0], [0.0, 0, 1]])
    shares = attention.looked_up(pen)
    assert torch.allclose(shares.sum(1), torch.ones(4)) and float(shares.triu(1).abs().max()) == 0
    assert float(shares[3, 0]) == pytest.approx(0.5, abs=0.01) and float(shares[2, 2]) > 0.9
    row, way = attention.farthest_return(pen, 2)
    assert row == 3 and way == pytest.approx(0.5 * math.hypot(3.3, 2.7), rel=0.05)


def test_the_longest_stroke_of_a_drawing():
    rows = np.array([[1, 0, 0], [1, 0, 1], [5, 5, 0], [1, 0, 0], [1, 0, 0], [1, 0, 1], [9, 9, 1]])
    assert attention.longest_stroke(rows) == slice(2, 6)
    assert attention.longest_stroke(rows[:2]) == slice(0, 2)


def test_a_hand_that_obeys_the_targets_comes_back_as_the_chapter_says():
    led = augment(BATCH, torch.Generator().manual_seed(0), stretch=0.0, stray=0.5)
    n = int(BATCH.lengths[0])
    drawn, read = (of[0, 1 : n + 1, :2].cumsum(0) for of in (BATCH.x, led.read))
    leads = (read + led.targets[0, 1 : n + 1, :2])[:-1]
    back = attention.coming_back(drawn[:2].numpy(), (read - drawn)[0].numpy())
    assert np.allclose(back[0], read[0], atol=1e-5) and np.allclose(back[1], leads[0], atol=1e-5)
    long = attention.coming_back(np.zeros((20, 2)), np.ones(2))
    assert np.allclose(long[:, 0], KEPT ** np.arange(20))


def test_figures_of_the_chapter_are_drawn():
    pen = pen_after(BATCH.x[0, 1:6]).cumsum(0)
    flat = pen[:, :2].numpy()
    figures = [
        attention_plots.by_row({"a": [1.0, 2.0], "b": [2.0, 2.0]}, "off"),
        attention_plots.looked_up([flat], flat, attention.looked_up(pen).numpy(), 4),
        attention_plots.straying(flat, flat + 1, flat[:-1] + 2, flat),
        attention_plots.waves(np.linspace(-1, 1, 5), np.ones(5)),
    ]
    assert all(one.axes for one in figures)
