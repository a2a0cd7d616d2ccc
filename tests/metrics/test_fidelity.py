"""Distances between sets where the answer is known: equal sets, disjoint sets, Gaussians with a closed form; and what they refuse."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchlib.errors import DataError
from sketchlib.metrics import fidelity
from sketchlib.metrics.interval import bootstrap

pytestmark = pytest.mark.numeric

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(60, 4))
FAR = CLOUD + 1000


def scores(real, made, k=fidelity.NEIGHBOURS):
    """Precision, recall, density and coverage."""
    parts = fidelity.neighbourhood(real, made, k)
    return tuple(float(parts[name].mean()) for name in ("precision", "recall", "density", "coverage"))


def exact_gaussian(n, mean, covariance, seed=0):
    """n rows whose sample mean and covariance are exactly these."""
    rows = np.random.default_rng(seed).normal(size=(n, len(mean)))
    rows -= rows.mean(0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    return rows @ np.linalg.cholesky(covariance).T + mean


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.1, 3), st.floats(0.1, 3)), min_size=2, max_size=4))
def test_frechet_of_axis_aligned_gaussians_is_the_closed_form(axes):
    shift, s1, s2 = np.array(axes).T
    found = fidelity.frechet(exact_gaussian(30, 0 * shift, np.diag(s1**2)), exact_gaussian(40, shift, np.diag(s2**2), 1))
    assert np.isclose(found, (shift**2).sum() + ((s1 - s2) ** 2).sum(), atol=1e-6)


def test_frechet_agrees_with_the_matrix_square_root_where_that_is_stable():
    a, b = RNG.normal(size=(300, 5)) @ RNG.normal(size=(5, 5)), RNG.normal(size=(300, 5)) + 1
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    apart = a.mean(0) - b.mean(0)
    plain = apart @ apart + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2).real)
    assert np.isclose(fidelity.frechet(a, b), plain)


def test_frechet_of_a_set_to_itself_is_zero_also_with_fewer_rows_than_columns():
    few = RNG.normal(size=(10, 50))
    assert fidelity.frechet(few, few) < 1e-6
    assert np.isclose(fidelity.frechet(few, few + 2), 50 * 4)


def test_kid_is_the_sum_over_pairs_of_the_kernel():
    a, b = CLOUD[:5], CLOUD[5:12] + 0.5

    def k(x, y):
        return (x @ y / 4 + 1) ** 3

    within = [np.mean([k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (a, b)]
    assert np.isclose(fidelity.kid(a, b), sum(within) - 2 * np.mean([k(x, y) for x in a for y in b]))


def test_kid_of_like_sets_is_zero_on_average_and_of_others_is_not():
    rng = np.random.default_rng(2)
    like = [fidelity.kid(rng.normal(size=(40, 3)), rng.normal(size=(40, 3))) for _ in range(200)]
    assert abs(np.mean(like)) < 4 * np.std(like) / np.sqrt(200)
    assert min(like) < 0 < fidelity.kid(CLOUD, CLOUD + 2)


def test_a_set_beside_itself_scores_one_four_times():
    assert scores(CLOUD, CLOUD) == pytest.approx((1, 1, 1, 1))


def test_disjoint_sets_score_zero_four_times():
    assert scores(CLOUD, FAR) == (0, 0, 0, 0)


def test_a_model_that_draws_one_sketch_is_precise_and_covers_little():
    precision, recall, _, coverage = scores(CLOUD, np.repeat(CLOUD[:1], 60, axis=0) + 1e-9 * RNG.normal(size=(60, 4)))
    assert precision == 1 and recall <= 1 / 60 and coverage < 0.5


def test_half_the_mass_elsewhere_halves_precision_and_not_recall():
    assert scores(CLOUD, np.concatenate([CLOUD, FAR]))[:2] == (0.5, 1)


def test_neighbour_balls_on_a_line_by_hand():
    real, made = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [2.5], [9.0]])
    # k = 1: radii of the real points 1, 1, 2, of the made ones 2, 2, 6.5
    parts = fidelity.neighbourhood(real, made, k=1)
    assert parts["precision"].tolist() == [1, 1, 0]
    assert parts["density"].tolist() == [2, 1, 0]
    assert parts["coverage"].tolist() == [1, 1, 1]
    assert parts["recall"].tolist() == [1, 1, 1]


def test_rows_in_blocks_change_nothing(monkeypatch):
    whole = fidelity.neighbourhood(CLOUD, CLOUD[:30] + 0.3)
    monkeypatch.setattr("sketchlib.metrics.fidelity._ROWS", 7)
    for name, parts in fidelity.neighbourhood(CLOUD, CLOUD[:30] + 0.3).items():
        assert np.array_equal(parts, whole[name])


def test_compare_of_one_law_stands_near_its_floor_and_of_another_does_not():
    test, train, like = (RNG.normal(size=(150, 4)) for _ in range(3))
    near, off = (fidelity.compare(test, made, train, resamples=20) for made in (like, like + 3))
    for name, row in near.items():
        assert row["n"] == 150 and row["low"] <= row["high"], name
    assert off["frechet"]["value"] > 10 * max(near["frechet"]["value"], near["frechet"]["floor"])
    assert off["precision"]["value"] < 0.1 < near["precision"]["floor"]
    assert fidelity.compare(test, like, train, resamples=5, n=40)["kid"]["n"] == 40


def test_compare_repeats_itself():
    assert fidelity.compare(CLOUD, FAR, CLOUD, resamples=5, seed=1) == fidelity.compare(CLOUD, FAR, CLOUD, resamples=5, seed=1)


BROKEN = np.where(np.arange(60)[:, None] == 7, np.nan, CLOUD)
PAIRED = [fidelity.frechet, fidelity.kid, fidelity.neighbourhood]


@pytest.mark.parametrize("metric", PAIRED)
def test_features_that_cannot_be_compared_are_refused(metric):
    for real, made, message in (
        (CLOUD, BROKEN, r"1 rows are not finite \(numbers 7 "),
        (CLOUD[:1], CLOUD, "1 samples, at least"),
        (CLOUD, CLOUD[:, :2], "4 and 2 columns come from different recognisers"),
        (CLOUD, CLOUD[:, 0], "one row a sketch"),
    ):
        with pytest.raises(DataError, match=message):
            metric(real, made)


def test_fewer_samples_than_k_are_refused_with_the_number_needed():
    with pytest.raises(DataError, match="made features: 5 samples, at least 6 are needed"):
        fidelity.neighbourhood(CLOUD, CLOUD[:5], k=5)
    with pytest.raises(DataError, match="k is 0"):
        fidelity.neighbourhood(CLOUD, CLOUD, k=0)
    with pytest.raises(DataError, match="60 samples, at least 100"):
        fidelity.compare(CLOUD, CLOUD, CLOUD, n=100)


def test_a_centred_interval_holds_the_value_where_doubles_shift_the_statistic():
    def close(a, b):
        return bootstrap(fidelity.frechet, a, b, resamples=50, centred=True)

    found = close(CLOUD, RNG.normal(size=(60, 4)))
    assert found.low < found.value < found.high
