"""Bootstrap intervals: as wide as theory says, repeatable, and refusing what cannot be resampled."""

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.metrics.interval import bootstrap

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(60, 4))


def test_the_interval_of_a_mean_is_the_normal_one():
    found = bootstrap(np.mean, RNG.normal(3, 2, 4000), resamples=400, seed=1)
    assert found.n == 4000 and found.low < found.value < found.high
    assert np.isclose(found.high - found.low, 2 * 1.96 * 2 / np.sqrt(4000), rtol=0.15)


def test_a_constant_has_an_interval_of_no_width():
    assert bootstrap(np.mean, np.full(9, 0.25)) == (0.25, 0.25, 0.25, 9)


def test_the_same_seed_gives_the_same_interval():
    first, again, other = (bootstrap(np.mean, CLOUD, seed=seed) for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("sample, more", [([1.0], {}), ([], {}), ([1.0, 2.0], {"level": 1.0}), ([1.0, 2.0], {"resamples": 1})])
def test_intervals_refuse_too_little(sample, more):
    with pytest.raises(DataError):
        bootstrap(np.mean, np.array(sample), **more)
