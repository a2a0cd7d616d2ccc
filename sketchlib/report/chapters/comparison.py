"""Architectures side by side: what drawings cost them, what their sketches score, and which side a difference is for. Chapter 13."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...data import dataset
from ...errors import DataError
from ...metrics.diversity import spread
from ...metrics.fidelity import frechet
from ...metrics.interval import Interval, bootstrap
from ...metrics.likelihood import Costs, costs
from ...metrics.recognisability import recognisability
from ...metrics.recogniser import Recogniser, features
from ...sampling import sample
from ...strokes import Drawing
from ..tables import Number

NEITHER = "neither"


def drawn(model, classes: Sequence[str], n: int, temperature: float, seed: int) -> tuple[dict[str, list[Drawing]], float]:
    """`n` sketches of each class by one model or a router, and the seconds that one sketch took, all of a class drawn at once."""
    for name in classes:
        sample(model, name, 1, temperature, seed)  # loads, and warms up
    began = time.perf_counter()
    sketches = {name: sample(model, name, n, temperature, seed) for name in classes}
    return sketches, (time.perf_counter() - began) / (n * len(classes))


def costs_of(model, sketches: dataset.SketchSet, classes: Sequence[str], seed: int = 0, samples: int = 16) -> dict[str, Costs]:
    """The costs of a set's drawings by class: exact for a decoder, for a VAE with the importance-weighted bound of `samples` samples."""
    return {name: costs(model.for_class(name), sketches.only(name), seed, samples=samples) for name in classes}


def per_point(found: Sequence[Costs], other: Sequence[Costs] | None = None, seed: int = 0) -> Interval:
    """Nats a point on the grid, of a VAE the importance-weighted bound, less those of `other` on the same drawings, with an interval."""
    nats = np.concatenate([one.iw for one in found])
    if other is not None:
        nats = nats - np.concatenate([one.iw for one in other])
    rows = np.column_stack([nats, np.concatenate([one.points for one in found])])
    return bootstrap(lambda drawings: drawings[:, 0].sum() / drawings[:, 1].sum(), rows, seed=seed)


@dataclass(frozen=True, eq=False)
class Real:
    """What sketches are held against: a recogniser, and its features of `n` test and training drawings of each class, (n, d) each."""

    judge: Recogniser
    test: Mapping[str, np.ndarray]
    train: Mapping[str, np.ndarray]
    n: int

    @property
    def floor(self) -> float:
        """The Frechet distance of real training drawings to the test drawings."""
        return frechet(stacked(self.test), stacked(self.train))


def real(judge: Recogniser, splits: dataset.Splits, classes: Sequence[str], n: int) -> Real:
    """The first `n` real drawings of each class as what sketches are held against; raises `DataError` where a class has fewer."""
    for part in (splits.test, splits.train):
        counts = part.counts()
        if short := [name for name in classes if counts[name] < n]:
            raise DataError(f"{counts[short[0]]} drawings of {short[0]!r} in a part, {n} are compared: score fewer of each class")
    test, train = ({name: features(judge, part.drawings(name, n)) for name in classes} for part in (splits.test, splits.train))
    return Real(judge, test, train, n)


def stacked(by_class: Mapping[str, np.ndarray]) -> np.ndarray:
    """All classes' rows as one array."""
    return np.concatenate(list(by_class.values()))


@dataclass(frozen=True, eq=False)
class Score:
    """What a set of sketches scores.

    `n`: sketches; `recognised`: the share of these. `empty`: the share of empty sketches. `features`: class -> (n, d), of as many as
    there are real ones, the first that are not empty. `frechet`: to the test drawings. `diversity`: made over real, the mean over
    classes. Where a class has too few sketches that are not empty, `features` is None and the two distances are NaN: they compare at
    one n only.
    """

    n: int
    recognised: float
    empty: float
    features: Mapping[str, np.ndarray] | None = None
    frechet: float = float("nan")
    diversity: float = float("nan")


def score(against: Real, sketches: Mapping[str, Sequence[Drawing]]) -> Score:
    """Recognisability, Frechet distance and diversity of sketches by class; raises `DataError` for a class without sketches."""
    read = recognisability(against.judge, sketches)
    plain = Score(read["n"], read["accuracy"], read["empty"] / read["n"])
    whole = {name: [one for one in members if one.strokes][: against.n] for name, members in sketches.items()}
    if min(map(len, whole.values())) < against.n:
        return plain
    made = {name: features(against.judge, members) for name, members in whole.items()}
    ratio = float(np.mean([found["ratio"] for found in spread(against.test, made).values()]))
    return replace(plain, features=made, frechet=frechet(stacked(against.test), stacked(made)), diversity=ratio)


def recognised_more(one: Number, other: Number, seed: int = 0) -> Interval:
    """The percentage recognised of one set of sketches less that of the other, with an interval from the two shares and their n."""
    hits = [np.arange(side.n) < round(side.value * side.n / 100) for side in (one, other)]
    return bootstrap(lambda a, b: 100 * (a.mean() - b.mean()), *hits, seed=seed)


def farther(against: Real, one: Score, other: Score, seed: int = 0, resamples: int = 50) -> Interval | None:
    """The Frechet distance of one set of sketches less that of the other, with an interval; None where either has none."""
    if one.features is None or other.features is None:
        return None
    sides = (stacked(against.test), stacked(one.features), stacked(other.features))
    return bootstrap(lambda t, a, b: frechet(t, a) - frechet(t, b), *sides, resamples=resamples, seed=seed, centred=True)


def winner(difference: Interval | Number | None, below: str, above: str) -> str:
    """`below` where the whole interval of a difference lies below 0, `above` where above, else "neither"."""
    if difference is None or difference.low is None or difference.low <= 0 <= difference.high:
        return NEITHER
    return below if difference.high < 0 else above


def recommended(winners: Sequence[str], cheaper: str) -> str:
    """Who wins most of some measures; `cheaper` where the sides draw or no measure decides."""
    votes = [name for name in winners if name != NEITHER]
    best = max(map(votes.count, votes), default=0)
    leaders = {name for name in votes if votes.count(name) == best}
    return leaders.pop() if len(leaders) == 1 else cheaper
