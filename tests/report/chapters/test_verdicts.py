"""Points and verdicts follow from the chapter's numbers, published ones and others alike."""

import math
import re

import pytest

from sketchlib.errors import DataError
from sketchlib.report.chapters import measured_claims, points, verdicts
from sketchlib.report.page import published_numbers
from sketchlib.report.profile import load_profile
from sketchlib.report.tables import Number

FULL = load_profile("full")
COUNTED = {"s12_dropout_same": 1, "s12_padding_apart": 0.0, "s12_far_plainly": math.inf, "s12_scene_overlaps": 0}
COUNTED |= {"s12_router_loss": 0.5, "s12_router_formula": 0.5}


def numbers(**other):
    """The published numbers, with those that every page counts itself, and `other` values in place of some."""
    found = published_numbers("12_claims") | measured_claims.settings(FULL)
    found |= {name: Number(name, value) for name, value in COUNTED.items()}
    return found | {f"s12_{name}": found.get(f"s12_{name}", Number(name, 0))._replace(value=value) for name, value in other.items()}


def verdict_of(text, **other):
    (found,) = (one.verdict for one in verdicts.claims(numbers(**other), FULL).kept if text in one.text)
    return found


def test_the_published_numbers_give_the_published_verdicts():
    found, published = verdicts.counts(verdicts.claims(numbers(), FULL)), published_numbers("12_claims")
    assert {name: one.value for name, one in found.items()} == {name: published[name].value for name in found}


def test_the_published_run_has_every_figure_that_the_page_says_but_one(monkeypatch):
    asked, one = set(), points.Figures.__getitem__
    monkeypatch.setattr(points.Figures, "__getitem__", lambda self, name: asked.add(name) or one(self, name))
    verdicts.claims(numbers(), FULL), verdicts.errata(numbers()), points.about(numbers())
    [points.finding(point, numbers()) for point in points.POINTS]
    assert {f"s12_{name}" for name in asked} - numbers().keys() == {"s12_same_place"} and len(asked) > 80


@pytest.mark.parametrize("point", points.POINTS)
def test_a_point_has_a_verdict_of_one_sentence_and_its_numbers_are_folded(point):
    verdict, _, rest = points.finding(point, numbers()).partition("\n")
    assert verdict.startswith("*Verdict.* ") and verdict.endswith(".") and re.findall(r"[.!?] [A-Z]", verdict[len("*Verdict.* ") :]) == []
    assert rest.startswith(f"\n```{{dropdown}} The numbers of point {point}\n") and rest.endswith("```\n")


@pytest.mark.parametrize("point", points.BARS)
def test_the_bars_of_a_point_are_the_values_of_its_table(point):
    found = points.bars(point, numbers())
    assert len({tuple(runs) for runs in found.values()}) == 1
    assert all(math.isfinite(value) and value >= 0 for runs in found.values() for value in runs.values())
    with pytest.raises(DataError, match="point 2 has no bars: expected one of 1, 6, 8"):
        points.bars(2, numbers())


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("as the report's executed notebook trained it", {"one_low": 10.1}, "reproduced"),
        ("draws sketches that depend on the class", {"five_low": 9.9}, "not reproduced"),
        ("Recognisable, step-by-step", {"poorest_recognised": 40.0}, "not reproduced"),
        ("Recognisability", {"single_low": 40.0}, "not reproduced"),
        ("Coherent stroke", {"worst_trait": 0.4}, "reproduced with a correction"),
        ("Coherent stroke", {"worst_trait": math.nan}, "cannot be tested"),
        ("Diversity", {"variety_0.4": 0.4}, "not reproduced"),
        ("Temperature moves", {"variety_0.7": 2.0}, "not reproduced"),
        ("Validation loss guided", {"first_cut": 1}, "reproduced"),
        ("better generalisation", {"same_place": 3}, "not reproduced"),
        ("better generalisation", {"same_place": 4}, "reproduced"),
        ("prevents overfitting", {"dropout_same": 0}, "reproduced"),
        ("annealing rate", {"annealed_kl": 4.0}, "not reproduced"),
        ("`lr`: 0.9999", {"table_lr_loss": 1.0}, "reproduced"),
        ("50,000, router", {"epochs_meant": 50_000.0}, "reproduced"),
        ("are discarded", {"kept": 100.0}, "not reproduced"),
        ("entire dataset", {"scale_all": 60.0}, "not reproduced"),
        ("Stratified", {"split_train": 72.0}, "not reproduced"),
        ("Batches are padded", {"padding_apart": 0.1}, "not reproduced"),
        ("at the start and at every step", {"gain_step": 40.0}, "not reproduced"),
        ("multi-modal", {"components": 1.2}, "not reproduced"),
        ("Plateau scheduling", {"lr_after_one": 0.0005}, "reproduced"),
        ("Log-sum-exp", {"far": math.inf}, "not reproduced"),
        ("Generation stops", {"ended": 40.0}, "not reproduced"),
        ("loss is $L_R", {"router_loss": 0.6}, "not reproduced"),
        ("given a class name", {"prior_low": 9.0}, "not reproduced"),
        ("is flipped", {"flip_apart": 90}, "not reproduced"),
        ("do not overlap", {"scene_overlaps": 1}, "not reproduced"),
    ],
)
def test_a_verdict_turns_with_its_figure(text, other, expected):
    assert verdict_of(text, **other) == expected


def test_the_low_end_of_a_share_follows_from_its_hits():
    low = verdicts.low_of_share(Number("share", 50.0, "percent", 400))
    assert low == pytest.approx(50 - 1.96 * 2.5, abs=1)  # the normal interval of so many
    assert verdicts.low_of_share(Number("share", 100.0, "percent", 20)) == 100
    assert low < verdicts.low_of_share(Number("share", 50.0, "percent", 4000))


def test_diversity_is_read_by_temperature_coldest_first():
    found = verdicts.diversity({"s12_variety_1": Number("", 3.0), "s12_variety_0.4": Number("", 2.0), "s12_n": Number("", 1)})
    assert list(found.items()) == [(0.4, 2.0), (1.0, 3.0)]


def test_a_share_has_its_ends_wherever_they_were_recorded():
    apart = {"s12_five_recognised": Number("", 80.0, "percent"), "s12_five_low": Number("", 75.0), "s12_five_high": Number("", 85.0)}
    whole = {"s12_five_recognised": Number("", 80.0, "percent", None, 75.0, 85.0)}
    assert points.Figures(apart)["five_recognised"] == points.Figures(whole)["five_recognised"]
    assert points.Figures(apart).shown("five_recognised") == "80 % (75 to 85)" and points.Figures({}).plain("five_recognised") == "–"


@pytest.mark.parametrize(
    ("point", "other", "before", "after"),
    [
        (1, {"drop_best": 9.0}, "acts lowers", "acts does not lower"),
        (1, {"dropout_same": 0}, "is, bit for bit", "differs from"),
        (2, {"lr_after_one": 0.0005}, "stayed what it was", "was cut"),
        (3, {"annealed_kl": 9.0}, "Annealing lowers", "Annealing does not lower"),
        (3, {"annealed_recognised": 1.0}, "read better", "read no better"),
        (4, {"one_low": 20.0}, "is nothing", "is something"),
        (5, {"unseen_often": 3}, "no drawing is left", "3 drawings are never read"),
        (5, {"order_ours_high": 21}, "each 20 times", "20 to 21 times"),
        (6, {"end_gap_low": 0.1}, "no more in one way", "costs more than"),
        (6, {"end_gap_high": -0.1}, "no more in one way", "costs less than"),
        (7, {"encoded_low": 99.0}, "The router needs no", "The router draws better"),
        (9, {"ks_length": 0.001}, "says nothing against", "speaks against"),
        (10, {"flip_apart": 9}, "are the same", "are not the same"),
    ],
)
def test_what_is_said_of_a_point_turns_with_its_figure(point, other, before, after):
    changed = numbers(**other)
    if point == 6:  # the ends are in the number itself
        gap = changed["s12_end_gap"]
        ends = {name: changed[f"s12_end_gap_{name}"].value for name in ("low", "high")}
        changed["s12_end_gap"] = gap._replace(**ends)
    assert before in points.finding(point, numbers()) and after not in points.finding(point, numbers())
    assert after in points.finding(point, changed) and before not in points.finding(point, changed)


def test_each_point_has_one_verdict_and_a_run_that_measured_nothing_a_dash():
    assert all(points.finding(point, numbers()).count("*Verdict.*") == 1 for point in points.POINTS) and len(points.POINTS) == 10
    assert "| – | – |" in points.finding(8, {})
    with pytest.raises(DataError, match="point 11: there are 1 to 10"):
        points.finding(11, numbers())


def test_errata_have_a_row_for_each_point():
    rows = [line.split(" | ")[0].removeprefix("| ") for line in verdicts.errata(numbers()).splitlines()[2:]]
    assert {str(point) for point in points.POINTS} <= set(rows)
