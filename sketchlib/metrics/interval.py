"""How far a number would move with other drawings: bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arguments import Number, Seed, Share, checked
from ..errors import DataError


class Interval(NamedTuple):
    """A value, the ends of its interval, and the size of the (smallest) sample it was computed from."""

    value: float
    low: float
    high: float
    n: int


@checked
def bootstrap(
    statistic: Callable[..., float],
    *samples: np.ndarray,
    resamples: Number = 200,
    level: Share = 0.95,
    seed: Seed = 0,
    centred: bool = False,
) -> Interval:
    """The bootstrap interval of `statistic(*samples)`, each sample's rows drawn anew with replacement.

    `centred`: move the replicates so that their mean is the value. Needed where drawing a row twice shifts the statistic by
    itself (Frechet and kernel distance): then the interval says how much the value scatters and not what the doubles add.
    Raises `DataError` for a sample of fewer than two rows or a level outside 0..1. Source: Efron (1979). Chapter 8.
    """
    samples = [np.asarray(sample) for sample in samples]
    n = min((len(sample) for sample in samples), default=0)
    if n < 2:
        raise DataError(f"a bootstrap interval of {n} samples: at least 2 are needed")
    if not 0 < level < 1 or resamples < 2:
        raise DataError(f"level {level}, {resamples} resamples: give a level between 0 and 1 and 2 resamples or more")
    try:
        rng, value = np.random.default_rng(seed), float(statistic(*samples))
    except TypeError as error:
        raise DataError(
            f"the statistic cannot be taken of these samples ({error}); give a function of them that returns a number"
        ) from error
    again = [statistic(*(s[rng.integers(0, len(s), len(s))] for s in samples)) for _ in range(resamples)]
    shift = value - np.mean(again) if centred else 0.0
    low, high = np.quantile(again, [(1 - level) / 2, (1 + level) / 2]) + shift
    return Interval(value, float(low), float(high), n)
