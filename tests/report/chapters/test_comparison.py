"""A comparison: costs pair by pair, scores of one n, and words that follow from intervals alone."""

import math

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.data import dataset
from sketchlib.errors import DataError
from sketchlib.metrics.interval import Interval
from sketchlib.metrics.likelihood import costs
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report.chapters import comparison
from sketchlib.report.tables import Number
from sketchlib.strokes import Drawing

SET = sketch_set(60)


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


def test_costs_of_the_same_drawings_compare_pair_by_pair(single, router):
    exact = comparison.costs_of(single, SET, ("cat", "sun"))
    whole = comparison.per_point(list(exact.values()))
    assert np.isclose(whole.value, costs(single, SET).means()["per_point"]) and whole.low < whole.value < whole.high
    same = comparison.per_point([exact["cat"]], [exact["cat"]])
    assert same[:3] == (0, 0, 0)
    bound = comparison.costs_of(router, SET, ("cat",), samples=4)["cat"]
    assert np.isclose(comparison.per_point([bound]).value, costs(router["cat"], SET.only("cat"), samples=4).means()["iw_per_point"])


def test_drawing_gives_every_class_its_sketches_again_with_the_same_seed(router):
    first, seconds = comparison.drawn(router, ("cat", "sun"), 3, 0.4, 1)
    again, _ = comparison.drawn(router, ("cat", "sun"), 3, 0.4, 1)
    assert {name: len(members) for name, members in first.items()} == {"cat": 3, "sun": 3} and seconds > 0
    assert all(a.svg() == b.svg() for name in first for a, b in zip(first[name], again[name], strict=True))


def test_the_test_drawings_themselves_score_no_distance_and_full_diversity(against):
    test = dataset.split(SET).test
    found = comparison.score(against, {name: test.drawings(name) for name in ("cat", "sun")})
    assert found.frechet < 1e-3 * against.floor and np.isclose(found.diversity, 1)
    assert 0 <= found.recognised <= 1 and found.n == len(test) and found.empty == 0
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
    assert comparison.winner(Number("not measured", math.nan), **names) == "neither"


def test_shares_and_their_n_tell_how_much_more_is_recognised():
    all_of, none_of, some = (Number("recognised", value, "percent", 50) for value in (100.0, 0.0, 42.0))
    assert comparison.recognised_more(all_of, none_of)[:3] == (100, 100, 100)
    more = comparison.recognised_more(some, none_of)
    assert np.isclose(more.value, 42) and 0 < more.low < 42 < more.high < 100


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
