"""Diversity by hand and beside the real one's, and copies that are seen."""

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.metrics import diversity

CLOUD = np.random.default_rng(0).normal(size=(60, 4))


def test_diversity_by_hand():
    assert diversity.diversity(np.array([[0.0], [1.0], [3.0]])) == 2
    assert diversity.diversity(np.zeros((4, 2))) == 0
    with pytest.raises(DataError, match="1 samples, at least 2"):
        diversity.diversity(CLOUD[:1])


def test_spread_is_read_against_the_real_one_class_by_class():
    found = diversity.spread({"cat": CLOUD, "sun": CLOUD}, {"sun": CLOUD, "cat": 0.5 * CLOUD})
    assert np.isclose(found["cat"]["ratio"], 0.5) and np.isclose(found["sun"]["ratio"], 1)
    with pytest.raises(DataError, match="on one side only: sun, pig"):
        diversity.spread({"cat": CLOUD, "sun": CLOUD}, {"cat": CLOUD, "pig": CLOUD})


def test_nearest_names_the_neighbour():
    apart, index = diversity.nearest(np.array([[0.9], [5.0]]), np.array([[4.0], [1.0]]))
    assert np.allclose(apart, [0.1, 1]) and index.tolist() == [1, 0]


def test_a_model_that_copies_is_seen_and_one_that_does_not_scores_the_quantile():
    rng = np.random.default_rng(3)
    training, test, fresh = (rng.normal(size=(2000, 3)) for _ in range(3))
    copied = diversity.near_copies(training[:50], training, test)
    assert copied["share"] == 1 and np.array_equal(copied["index"], np.arange(50))
    assert abs(diversity.near_copies(fresh, training, test, quantile=0.1)["share"] - 0.1) < 0.04
    with pytest.raises(DataError, match="quantile 0"):
        diversity.near_copies(fresh, training, test, quantile=0)
