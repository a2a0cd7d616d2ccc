"""The numbers of chapters 8 to 8c: invariants where the answer is known, the names of the published run, and tables without holes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.data import dataset
from sketchlib.metrics.diversity import near_copies
from sketchlib.metrics.recognisability import recognisability
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report.chapters import evaluation_judged as judged
from sketchlib.report.chapters import evaluation_likeness as likeness
from sketchlib.report.chapters import evaluation_models as models_beside
from sketchlib.report.chapters import evaluation_nats as nats
from sketchlib.report.chapters import evaluation_setting as setting
from sketchlib.report.chapters import listening
from sketchlib.report.chapters.evaluation import Sides, drawn
from sketchlib.report.page import published_numbers
from sketchlib.report.tables import Number

CLASSES = ("cat", "sun")
SPLITS = dataset.split(sketch_set(60, CLASSES))
SETTINGS = SimpleNamespace(temperature=0.4, pen_temperature=0.7, guidance=2.0, resamples=4)
CHAPTERS = ("08_evaluation", "08b_likeness", "08c_likelihood")
LIVE = "s08_judge"  # of the judge that the page trains itself
TITLES = ("single", "router", "best")
SIDES = drawn(TITLES)


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    sizes = dict(encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)
    single, best = (ConditionalDecoder(CLASSES, 12, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3) for _ in range(2))
    return {"single": single, "router": Router({name: SketchVAE((name,), 12, 15.0, **sizes) for name in CLASSES}), "best": best}


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Recogniser(CLASSES, 16, 4).eval()


@pytest.fixture(scope="module")
def sides(models):
    return Sides(SPLITS, models, SETTINGS, 8)


def all_published():
    """The published numbers of the three chapters."""
    return {name: one for chapter in CHAPTERS for name, one in published_numbers(chapter).items()}


def standing_in(models, part):
    """Sides whose sketches, however they are drawn, are real drawings of a part."""
    made = {(side, word): part.drawings(word, 8) for side in SIDES for word in CLASSES}
    return Sides(SPLITS, models, SETTINGS, 8, made=made)


@pytest.fixture(scope="module")
def measured(sides, judge):
    """All that the chapter measures, by name."""
    found = judged.drawn_numbers(sides) | judged.recognised_numbers(sides, judge) | judged.second_numbers(sides, judge, 10)
    found |= likeness.fidelity_numbers(sides, judge) | likeness.diversity_numbers(sides, judge) | likeness.coherence_numbers(sides)
    return found | nats.likelihood_numbers(sides) | models_beside.listening_numbers(sides)


def test_every_side_has_n_drawings_of_each_class_and_is_made_once(sides):
    for side in ("real", "valid", *sides.drawn):
        assert {word: len(members) for word, members in sides.all(side).items()} == dict.fromkeys(CLASSES, 8)
    assert len(sides.drawings("train", "cat")) == SPLITS.train.counts()["cat"]
    assert sides.drawings("single", "cat") is sides.drawings("single", "cat")
    assert {word: len(members) for word, members in sides.first("real", 3).items()} == dict.fromkeys(CLASSES, 3)


def test_each_way_of_drawing_is_one_of_its_own(models, sides):
    again = Sides(SPLITS, models, SETTINGS, 8)
    made = {side: [one.svg() for one in sides.drawings(side, "cat")] for side in SIDES}
    assert made == {side: [one.svg() for one in again.drawings(side, "cat")] for side in SIDES}
    assert len(set(map(tuple, made.values()))) == len(SIDES) == 12
    hot = [one.svg() for one in sides.sketches("single", "cat", 8, 1.0)]
    assert hot == made["single_one"] != made["single"]


def test_the_published_run_knows_every_name_and_no_other(measured):
    published = all_published()
    if "s08_grid_single" not in published:
        pytest.skip("published before likelihood was counted on the grid")
    best = set() if "s08_grid_best" in published else {name for name in measured if "_best" in name}
    assert {name for name in set(measured) - best if "_at_" not in name} == {
        name for name in published if "_at_" not in name and not name.startswith((LIVE, "s08_setting_"))
    }
    assert judged.over_temperature(measured, TITLES[:2]).keys() == judged.over_temperature(published, TITLES[:2]).keys()


def test_the_published_run_tried_every_pair_of_temperatures_or_none():
    published = all_published()
    tried = {name for name in published if name.startswith("s08_setting_")}
    every = {setting._name(title, *pair) for title in TITLES if f"s08_grid_{title}" in published for pair in setting.PAIRS}
    assert not tried or tried == every | {"s08_setting_floor"}


TABLES = [
    lambda found, titles: judged.drawn_table(found, titles, 8),
    *(judged.confidence_table, judged.second_table),
    *(likeness.fidelity_table, likeness.diversity_table, likeness.cost_of_guidance, likeness.coherence_table),
    *(nats.likelihood_table, nats.gap_table),
    *(lambda found, titles, way=way: models_beside.models_table(found, titles, way) for way in ("_pen", "_one")),
    lambda found, titles: models_beside.listening_table(found, ["router"]),
]
OPEN = {"confidence_table": 1, "second_table": 1}  # what real drawings have none of: an end of their own, a second exam


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("titles", [TITLES[:2], TITLES])
def test_every_table_holds_any_number_of_models(table, titles, measured):
    exam = {name: measured["s08_recognised_real"] for name in ("s08_judge_accuracy",)}
    rows = table(measured | exam, titles).splitlines()
    assert {line.count("|") for line in rows} == {rows[0].count("|")}
    holes = [line for line in rows if "–" in line]
    assert len(holes) <= OPEN.get(table.__name__, 0) or "floor" in rows[0]


@pytest.mark.parametrize("table", TABLES)
def test_what_was_published_before_is_shown_with_dashes_for_what_it_lacks(table, measured):
    rows = table(all_published(), TITLES).splitlines()
    assert len(rows) == len(table(measured, TITLES).splitlines()) or "asked" in table(measured, TITLES)
    assert not any(line.replace("|", "").replace("–", "").strip() == "" for line in rows)


def test_real_drawings_and_the_floor_stand_beside_the_models(measured):
    rows = [line.split(" | ") for line in models_beside.models_table(measured, TITLES, "_one").splitlines()[2:]]
    by_row = {row[0].removeprefix("| "): row[1:] for row in rows}
    assert all("–" not in cell for row in by_row.values() for cell in row[2:])
    assert by_row["Fréchet distance"][1] != "–" and by_row["strokes"][0] != "–" and by_row["recognised by the first judge, %"][0] != "–"


def test_what_is_asked_of_the_best_model_stands_in_the_rows_that_it_is_asked_of(measured):
    for way, asked in models_beside.ASKED.items():
        table = models_beside.models_table(measured, TITLES, way)
        assert all(f"| {bar} |" in table for bar in asked.values()) and table.splitlines()[0].endswith(" | best | asked |")
        assert "best" not in models_beside.models_table(measured, TITLES[:2], way)
    none = {name: one for name, one in measured.items() if "_one" not in name}
    assert models_beside.models_table(none, TITLES, "_one").startswith("The run did not measure")


def test_near_copies_are_counted_class_by_class_and_lie_in_their_interval(measured, sides, judge):
    for side in ("valid", *SIDES):
        one = measured[f"s08_near_copies_{side}"]
        parts = [[sides.features(judge, part, word) for part in (side, "train", "real")] for word in CLASSES]
        shares = [near_copies(*part, likeness.NEAR)["share"] for part in parts]
        assert np.isclose(one.value, 100 * np.mean(shares)) and one.low <= one.value <= one.high


def test_a_short_run_tries_two_settings_and_a_long_one_all_of_them(sides, judge):
    found = setting.setting_numbers(sides, judge)
    assert len(found) == 1 + len(setting.ENDS) * len(TITLES) and setting.chosen(found, TITLES) in setting.ENDS
    assert set(setting.ENDS) <= set(setting.PAIRS)
    rows = setting.setting_table(found, TITLES, (0.4, 0.7)).splitlines()
    assert len(rows) == 2 + len(setting.ENDS) + 2 and rows[-1].endswith("In use: temperature 0.4, pen 0.7.")


def test_the_chosen_setting_is_the_nearest_on_average_over_the_models():
    def distances(title, values):
        return {f"s08_setting_{title}_{t:g}_pen_{pen:g}": Number("", value) for (t, pen), value in zip(setting.PAIRS, values, strict=True)}

    one, other = np.linspace(3, 9, len(setting.PAIRS)), np.full(len(setting.PAIRS), 5.0)
    other[4] = 2.5
    found = {"s08_setting_floor": Number("", 2.0), **distances("single", one), **distances("router", other)}
    assert setting.chosen(found, ["single"]) == setting.PAIRS[0] and setting.chosen(found, TITLES) == setting.PAIRS[4]
    assert np.isclose(setting.mean_distances(found, ["router"])[setting.PAIRS[4]], 1.25)
    assert setting.chosen({}, TITLES) is None and "did not measure" in setting.setting_table({}, TITLES, (0.4, 0.7))


def test_what_is_recognised_is_what_the_judge_reads_right(sides, judge, measured):
    for side in ("real", *SIDES):
        found = measured[f"s08_recognised_{side}"]
        assert np.isclose(found.value, 100 * recognisability(judge, sides.all(side))["accuracy"]) and found.n == sides.total
        assert found.low <= found.value <= found.high
    own = judged.over_temperature(measured, TITLES)["single"][SETTINGS.temperature]
    assert own.value == measured["s08_recognised_single"].value


def test_the_exam_counts_every_test_drawing_and_names_the_hardest_class(sides, judge):
    exam = recognisability(judge, {word: SPLITS.test.drawings(word) for word in CLASSES})
    found = judged.exam_numbers(sides, judge, exam, {"drawings": 7, "curves": [1, 2], "seconds": 3.0})
    assert found["s08_judge_accuracy"].n == len(SPLITS.test) and found["s08_judge_passes"].value == 2
    assert found["s08_judge_worst_accuracy"].value == 100 * min(exam["by_class"].values())


def test_real_drawings_in_the_place_of_sketches_are_at_no_distance(models, judge):
    same = standing_in(models, SPLITS.test)
    found = likeness.fidelity_numbers(same, judge) | likeness.diversity_numbers(same, judge) | likeness.coherence_numbers(same)
    for side in TITLES:
        assert found[f"s08_frechet_{side}"].value < 1e-6 * (1 + found["s08_frechet_floor"].value)
        assert all(found[f"s08_{metric}_{side}"].value == 1 for metric in ("precision", "recall", "density", "coverage"))
        assert np.isclose(found[f"s08_diversity_{side}"].value, 1) and found[f"s08_{side}_strokes"].value == 0
    assert found["s08_floor_strokes"].value > 0


def test_training_drawings_in_the_place_of_sketches_are_all_copies_and_are_found(models, judge):
    heart = standing_in(models, SPLITS.train)
    found = likeness.diversity_numbers(heart, judge)
    assert all(found[f"s08_near_copies_{side}"].value == 100 for side in SIDES)
    made, training = likeness.nearest_pairs(heart, judge, "single", CLASSES, 3)
    assert len(made) == 6 and [one.word for one in made] == ["cat"] * 3 + ["sun"] * 3
    assert all(np.allclose(a.bounds(), b.bounds()) for a, b in zip(made, training, strict=True))


def test_an_axis_names_every_trait_that_is_counted():
    assert [name.partition(" (")[0].partition(",")[0] for name in likeness.TRAITS.values()] == list(likeness.TRAITS)


def test_every_cost_has_a_row_of_its_own(measured):
    assert len(nats.likelihood_table(measured, TITLES).splitlines()) == 2 + len(nats.COSTS)


def test_the_gap_is_that_of_the_two_costs(measured):
    apart = measured["s08_grid_iw_per_sketch_router"].value - measured["s08_grid_per_sketch_single"].value
    assert np.isclose(measured["s08_grid_gap_router"].value, apart) and measured["s08_l_kl_single"].value == 0
    assert measured["s08_scored"].value == 16 and 0 <= measured["s08_grid_dearer_router"].value <= 100
    assert np.isclose(measured["s08_grid_router"].value, measured["s08_grid_iw_per_point_router"].value)


def test_what_draws_too_little_has_a_dash_and_no_result(models, judge):
    none = Sides(SPLITS, models, SETTINGS, 8, made={(side, word): [] for side in SIDES for word in CLASSES})
    found = likeness.fidelity_numbers(none, judge) | likeness.diversity_numbers(none, judge) | likeness.coherence_numbers(none)
    assert math.isnan(found["s08_frechet_single"].value) and math.isfinite(found["s08_frechet_valid"].value)
    assert likeness.diversity_table(found, TITLES).count("–") == 6 and likeness.coherence_table(found, TITLES).count("–") == 15


def test_what_shows_a_live_z_is_of_every_class_and_of_the_weakest(measured, models):
    classes = nats.scored(Sides(SPLITS, models, SETTINGS, 8))
    heard = {word: listening.listen(models["router"][word], models["single"], classes.only(word)) for word in CLASSES}
    alone = {word: listening.numbers("x", [one]) for word, one in heard.items()}
    worths = [alone[word]["x_worth"].value for word in CLASSES]
    assert np.isclose(measured["s08_z_router_worth"].value, np.mean(worths)) and np.isclose(
        measured["s08_z_router_worth_least"].value, min(worths)
    )
    assert measured["s08_z_router_walks"].n == 8 and measured["s08_z_router_near"].n == 16
    assert {name.removeprefix("s08_z_router_") for name in measured if name.startswith("s08_z_")} == set(listening.ROWS)


def test_what_is_asked_stands_beside_every_figure(measured):
    rows = models_beside.listening_table(measured, ["router"]).splitlines()
    assert rows[0].endswith("| asked |") and sum("at least" in line for line in rows) == 9 and not any("–" in line for line in rows)
