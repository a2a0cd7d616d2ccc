"""Chapter 8's numbers: invariants where the answer is known, the names of the published run, and tables without holes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.data import dataset
from sketchlib.metrics.recognisability import recognisability
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report.chapters import evaluation_judged as judged
from sketchlib.report.chapters import evaluation_likeness as likeness
from sketchlib.report.chapters import evaluation_nats as nats
from sketchlib.report.chapters.evaluation import ARCHITECTURES, WAYS, Sides
from sketchlib.report.page import published_numbers

CLASSES = ("cat", "sun")
SPLITS = dataset.split(sketch_set(60, CLASSES))
SETTINGS = SimpleNamespace(temperature=0.4, pen_temperature=0.7, guidance=2.0, resamples=4)
LIVE = "s08_judge"  # of the judge that the page trains itself


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    sizes = dict(encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)
    single = ConditionalDecoder(CLASSES, 12, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3)
    return {"single": single, "router": Router({name: SketchVAE((name,), 12, 15.0, **sizes) for name in CLASSES})}


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Recogniser(CLASSES, 16, 4).eval()


@pytest.fixture(scope="module")
def sides(models):
    return Sides(SPLITS, models, SETTINGS, 8)


def standing_in(models, part):
    """Sides whose sketches, however they are drawn, are real drawings of a part."""
    made = {(side, word): part.drawings(word, 8) for side in WAYS for word in CLASSES}
    return Sides(SPLITS, models, SETTINGS, 8, made=made)


@pytest.fixture(scope="module")
def measured(sides, judge):
    """All that the chapter measures, by name."""
    found = judged.drawn_numbers(sides) | judged.recognised_numbers(sides, judge) | judged.second_numbers(sides, judge, 10)
    found |= likeness.fidelity_numbers(sides, judge) | likeness.diversity_numbers(sides, judge) | likeness.coherence_numbers(sides)
    return found | nats.likelihood_numbers(sides) | nats.latent_numbers(sides, judge)


def test_every_side_has_n_drawings_of_each_class_and_is_made_once(sides):
    for side in ("real", "valid", *WAYS):
        assert {word: len(members) for word, members in sides.all(side).items()} == dict.fromkeys(CLASSES, 8)
    assert len(sides.drawings("train", "cat")) == SPLITS.train.counts()["cat"]
    assert sides.drawings("single", "cat") is sides.drawings("single", "cat")
    assert {word: len(members) for word, members in sides.first("real", 3).items()} == dict.fromkeys(CLASSES, 3)


def test_each_way_of_drawing_is_one_of_its_own(models, sides):
    again = Sides(SPLITS, models, SETTINGS, 8)
    drawn = {side: [one.svg() for one in sides.drawings(side, "cat")] for side in WAYS}
    assert drawn == {side: [one.svg() for one in again.drawings(side, "cat")] for side in WAYS}
    assert len(set(map(tuple, drawn.values()))) == len(WAYS)
    hot = [one.svg() for one in sides.sketches("single", "cat", 8, 1.0)]
    assert hot != drawn["single"]


def test_the_published_run_knows_every_name_and_no_other(measured):
    published = published_numbers("08_evaluation")
    ends = {f"{name}{end}" for name in published for end in ("_low", "_high")}
    kept = {name for name in published if name not in ends and not name.startswith(LIVE)}
    assert {name for name in measured if "_at_" not in name} == {name for name in kept if "_at_" not in name}
    assert judged.over_temperature(measured).keys() == judged.over_temperature(published).keys()


TABLES = [
    lambda found: judged.drawn_table(found, 8),
    *(judged.pen_table, judged.guided_table),
    *(likeness.fidelity_table, likeness.diversity_table, likeness.cost_of_guidance, likeness.coherence_table),
    *(nats.likelihood_table, nats.gap_table, nats.latent_table),
]


@pytest.mark.parametrize("table", TABLES)
def test_the_published_numbers_fill_every_table(table, measured):
    rows = table(published_numbers("08_evaluation")).splitlines()
    assert "–" not in "".join(rows) and len(rows) == len(table(measured).splitlines())
    assert {line.count("|") for line in rows} == {rows[0].count("|")}


def test_real_drawings_have_no_end_of_their_own_and_no_second_exam_beside_the_first(measured):
    assert judged.confidence_table(measured).count("–") == 1 and judged.second_table(published_numbers("08_evaluation")).count("–") == 1


def test_what_is_recognised_is_what_the_judge_reads_right(sides, judge, measured):
    for side in ("real", *WAYS):
        found = measured[f"s08_recognised_{side}"]
        assert np.isclose(found.value, 100 * recognisability(judge, sides.all(side))["accuracy"]) and found.n == sides.total
        assert found.low <= found.value <= found.high
    own = judged.over_temperature(measured)["single"][SETTINGS.temperature]
    assert own.value == measured["s08_recognised_single"].value


def test_the_exam_counts_every_test_drawing_and_names_the_hardest_class(sides, judge):
    exam = recognisability(judge, {word: SPLITS.test.drawings(word) for word in CLASSES})
    found = judged.exam_numbers(sides, judge, exam, {"drawings": 7, "curves": [1, 2], "seconds": 3.0})
    assert found["s08_judge_accuracy"].n == len(SPLITS.test) and found["s08_judge_passes"].value == 2
    assert found["s08_judge_worst_accuracy"].value == 100 * min(exam["by_class"].values())


def test_real_drawings_in_the_place_of_sketches_are_at_no_distance(models, judge):
    same = standing_in(models, SPLITS.test)
    found = likeness.fidelity_numbers(same, judge) | likeness.diversity_numbers(same, judge) | likeness.coherence_numbers(same)
    for side in ARCHITECTURES:
        assert found[f"s08_frechet_{side}"].value < 1e-6 * (1 + found["s08_frechet_floor"].value)
        assert all(found[f"s08_{metric}_{side}"].value == 1 for metric in ("precision", "recall", "density", "coverage"))
        assert np.isclose(found[f"s08_diversity_{side}"].value, 1) and found[f"s08_{side}_strokes"].value == 0
    assert found["s08_floor_strokes"].value > 0


def test_training_drawings_in_the_place_of_sketches_are_all_copies_and_are_found(models, judge):
    heart = standing_in(models, SPLITS.train)
    found = likeness.diversity_numbers(heart, judge)
    assert all(found[f"s08_near_copies_{side}"].value == 100 for side in WAYS)
    made, training = likeness.nearest_pairs(heart, judge, "single", CLASSES, 3)
    assert len(made) == 6 and [one.word for one in made] == ["cat"] * 3 + ["sun"] * 3
    assert all(np.allclose(a.bounds(), b.bounds()) for a, b in zip(made, training, strict=True))


def test_an_axis_names_every_trait_that_is_counted():
    assert [name.partition(" (")[0].partition(",")[0] for name in likeness.TRAITS.values()] == list(likeness.TRAITS)


def test_the_gap_is_that_of_the_two_costs(measured):
    apart = measured["s08_iw_per_sketch_router"].value - measured["s08_per_sketch_single"].value
    assert np.isclose(measured["s08_gap"].value, apart) and measured["s08_l_kl_single"].value == 0
    assert measured["s08_scored"].value == 16 and 0 <= measured["s08_cheaper_single"].value <= 100


def test_what_draws_too_little_has_a_dash_and_no_result(models, judge, capsys):
    none = Sides(SPLITS, models, SETTINGS, 8, made={(side, word): [] for side in WAYS for word in CLASSES})
    found = likeness.fidelity_numbers(none, judge) | likeness.diversity_numbers(none, judge) | likeness.coherence_numbers(none)
    assert math.isnan(found["s08_frechet_single"].value) and math.isfinite(found["s08_frechet_valid"].value)
    assert likeness.diversity_table(found).count("–") == 4 and likeness.coherence_table(found).count("–") == 10
    assert likeness.nearest_pairs(none, judge, "single", CLASSES, 3) == ([], [])
    few = nats.latent_numbers(Sides(SPLITS, models, SETTINGS, 1), judge)
    assert math.isnan(few["s08_latent_ratio"].value) and few["s08_latent_ratio"].n == 0 and "cat: " in capsys.readouterr().out
    assert few["s08_active_units"].n == 2
