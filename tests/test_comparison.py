"""A fair comparison: the same drawings for every kind of model, scores of one n, and words that follow from intervals alone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from files import line_of, ndjson
from synthetic import sketch_set

from sketchlib import comparison, dataset, stages, train
from sketchlib.comparison import Part
from sketchlib.interval import Interval
from sketchlib.likelihood import costs
from sketchlib.models import ConditionalDecoder, Router, SketchVAE
from sketchlib.recogniser import Recogniser
from sketchlib.report import PROJECT, load_profile
from sketchlib.strokes import DataError, Drawing

SET = sketch_set(60)


def prepared(sketches=SET):
    counts = {part: getattr(dataset.split(sketches), part).counts() for part in ("train", "valid", "test")}
    return stages.Prepared(sketches, sketches, dataset.split(sketches), 1.0, sketches.n_max, counts, {})


def drawings_of(sketches):
    return {row.tobytes() for row in (sketches[i] for i in range(len(sketches)))}


@pytest.fixture
def single():
    torch.manual_seed(0)
    return ConditionalDecoder(("cat", "sun"), 12, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3)


@pytest.fixture
def router():
    torch.manual_seed(0)
    sizes = dict(encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)
    return Router({name: SketchVAE((name,), 12, 15.0, **sizes) for name in ("cat", "sun")})


@pytest.fixture
def against():
    torch.manual_seed(0)
    return comparison.real(Recogniser(("cat", "sun"), 16, 4).eval(), dataset.split(SET), ("cat", "sun"), 8)


def test_the_parts_of_a_sweep_have_files_of_their_own():
    parts = comparison.parts([50, None], ["cat", "alarm clock"])
    assert len(parts) == 2 * (1 + 2 * 2) and [part.kind for part in parts[:3]] == ["single", "router", "router"]
    labels = [part.label for part in parts]
    assert len(set(labels)) == len(labels) and labels[0] == "single-50" and "alone-all-alarm_clock" in labels


def test_every_kind_sees_the_same_drawings_and_fewer_are_among_the_more():
    by_all = {n: comparison.fewer(prepared(), Part("single", n, None), 5, 0) for n in (10, 20, None)}
    by_cat = {n: comparison.fewer(prepared(), Part("router", n, "cat"), 5, 0) for n in (10, 20, None)}
    for n, found in by_all.items():
        assert drawings_of(found.splits.train.only("cat")) == drawings_of(by_cat[n].splits.train)
        assert drawings_of(found.splits.valid.only("cat")) == drawings_of(by_cat[n].splits.valid)
        assert by_cat[n].splits.train.classes == ("cat",) and by_cat[n].kept.classes == ("cat",)
        assert found.counts["train"] == {name: n or 42 for name in ("cat", "sun")} and found.counts["valid"]["cat"] == 5
        assert found.scale == dataset.data_scale_factor(found.splits.train)
    assert drawings_of(by_all[10].splits.train) < drawings_of(by_all[20].splits.train) < drawings_of(by_all[None].splits.train)


def test_costs_of_the_same_drawings_compare_pair_by_pair(single, router):
    exact = comparison.costs_of(single, SET, ("cat", "sun"))
    whole = comparison.per_point(list(exact.values()))
    assert np.isclose(whole.value, costs(single, SET).means()["per_point"]) and whole.low < whole.value < whole.high
    same = comparison.per_point([exact["cat"]], [exact["cat"]])
    assert same[:3] == (0, 0, 0)
    bound = comparison.costs_of(router, SET, ("cat",), samples=4)["cat"]
    assert np.isclose(comparison.per_point([bound]).value, costs(router["cat"], SET.only("cat"), samples=4).means()["iw_per_point"])


def test_the_weights_to_draw_one_class_are_one_models_of_a_router(single, router):
    parameters = sum(p.numel() for p in router["sun"].parameters())
    assert comparison.weights_in(router, "sun") == (parameters, 4 * parameters)
    assert comparison.weights_in(single, "sun") == comparison.weights_in(single, "cat")


def test_drawing_gives_every_class_its_sketches_again_with_the_same_seed(router):
    first, seconds = comparison.drawn(router, ("cat", "sun"), 3, 0.4, 1)
    again, _ = comparison.drawn(router, ("cat", "sun"), 3, 0.4, 1)
    assert {name: len(members) for name, members in first.items()} == {"cat": 3, "sun": 3} and seconds > 0
    assert all(a.svg() == b.svg() for name in first for a, b in zip(first[name], again[name], strict=True))


def test_the_test_drawings_themselves_score_no_distance_and_full_diversity(against):
    test = dataset.split(SET).test
    found = comparison.score(against, {name: test.drawings(name) for name in ("cat", "sun")})
    assert found.frechet < 1e-3 * against.floor and np.isclose(found.diversity, 1)
    assert found.recognised == found.hits.mean() and len(found.hits) == len(test) and found.empty == 0
    assert comparison.farther(against, found, found).value == 0


def test_too_many_empty_sketches_leave_the_distances_open(against):
    test = dataset.split(SET).test
    sketches = {"cat": test.drawings("cat"), "sun": test.drawings("sun", 7) + [Drawing(())] * 3}
    found = comparison.score(against, sketches)
    assert np.isnan(found.frechet) and np.isnan(found.diversity) and np.isclose(found.empty, 3 / (len(sketches["cat"]) + 10))
    assert comparison.farther(against, found, found) is None


def test_more_real_drawings_than_there_are_is_an_error(against):
    with pytest.raises(DataError, match="9 drawings of 'cat' in a part, 10 are compared: score fewer"):
        comparison.real(against.judge, dataset.split(SET), ("cat", "sun"), 10)


def test_a_difference_has_a_winner_only_if_its_whole_interval_has_one_sign():
    names = dict(below="single", above="router")
    assert comparison.winner(Interval(-1, -2, -0.5, 9), **names) == "single"
    assert comparison.winner(Interval(1, 0.5, 2, 9), **names) == "router"
    assert comparison.winner(Interval(1, -0.1, 2, 9), **names) == comparison.winner(None, **names) == "neither"
    more = comparison.recognised_more(SimpleNamespace(hits=np.ones(50)), SimpleNamespace(hits=np.zeros(50)))
    assert more.value == more.low == 1


@pytest.mark.parametrize(
    ("winners", "advised"),
    [
        (["router", "router", "single"], "router"),
        (["single", "neither", "neither"], "single"),
        (["single", "router", "neither"], "cheap"),
        (["neither"] * 3, "cheap"),
    ],
)
def test_the_advice_follows_the_measures_and_then_the_cost(winners, advised):
    assert comparison.recommended(winners, "cheap") == advised


def test_winners_are_told_in_runs_and_exceptions_by_name():
    found = {"50": "router", "100": "router", "200": "neither", "all": "single"}
    assert comparison.told(found) == "the router at 50 to 100; neither at 200; the single at all"
    assert comparison.exceptions({"likelihood": found, "recognised": {"50": "single"}}, "single") == "likelihood at 50, 100"
    assert comparison.exceptions({"likelihood": {"50": "neither"}}, "single") == "at no point of these sweeps"


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """A profile of small drawings with a comparison of six models."""
    (tmp_path / "drawings").mkdir()
    rng, classes = np.random.default_rng(0), ["cat", "sun"]
    for name in classes:
        lines = [[rng.integers(0, 256, (2, int(n))).tolist() for n in rng.integers(6, 12, 2)] for _ in range(40)]
        ndjson(tmp_path / "drawings" / f"{name}.ndjson", *(line_of(line, name, str(k)) for k, line in enumerate(lines)))
    values = yaml.safe_load((PROJECT / "profiles" / "smoke.yml").read_text())
    values["data"]["classes"] = classes
    values["comparison"] |= dict(drawings=[10, None], classes=["cat"], single=dict(hidden_size=8, steps=4, validations=2))
    values["comparison"] |= dict(vae=dict(encoder_size=4, decoder_size=8, steps=2, validations=1), alone=dict(steps=2))
    (tmp_path / "profiles").mkdir()
    for name in ("tiny", "full"):
        (tmp_path / "profiles" / f"{name}.yml").write_text(yaml.safe_dump(values))
    for name in ("profiles", "build"):
        monkeypatch.setenv(f"SKETCHLIB_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("SKETCHLIB_DATA", str(tmp_path / "drawings"))
    return load_profile("tiny")


def test_an_interrupted_comparison_goes_on_with_the_models_that_are_left(profile, monkeypatch):
    fit, began = train.fit, []

    def stopped_at_the_third(*arguments, **more):
        began.append(arguments)
        if len(began) == 3:
            raise KeyboardInterrupt
        return fit(*arguments, **more)

    monkeypatch.setattr(train, "fit", stopped_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        stages.comparison(profile)
    assert not stages.is_done("comparison", profile)
    found = stages.comparison(profile)
    assert len(began) == 7 and list(found) == comparison.parts([10, None], ["cat"])
    stages.comparison(profile)
    assert len(began) == 7, "a finished comparison is taken"
    decoder, vae, alone = (found[Part(kind, 10, None if kind == "single" else "cat")] for kind in comparison.KINDS)
    assert decoder.model.sizes == alone.model.sizes and decoder.card["steps"] == 4 and alone.card["steps"] == 2
    assert decoder.model.sizes["hidden_size"] == 8 == vae.model.sizes["decoder_size"]
    assert alone.model.classes == vae.model.classes == ("cat",) and alone.model.scale == vae.model.scale
    assert comparison.contender(found, "single", 10) is decoder.model
    assert comparison.contender(found, "router", 10)["cat"] is vae.model
    assert decoder.card["data"]["counts"]["train"] == {"cat": 10, "sun": 10} and alone.card["data"]["counts"]["train"] == {"cat": 10}
