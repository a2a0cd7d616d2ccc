"""Two architectures side by side: what drawings cost them, what their sketches score, and which side a difference is for. Chapter 13."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from ..data import dataset
from ..errors import DataError
from ..metrics.diversity import spread
from ..metrics.fidelity import frechet
from ..metrics.interval import Interval, bootstrap
from ..metrics.likelihood import Costs, costs
from ..metrics.recognisability import recognisability
from ..metrics.recogniser import Recogniser, features
from ..sampling import sample
from ..strokes import Drawing

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
    """Nats a point in data units, of a VAE the importance-weighted bound, less those of `other` on the same drawings, with an interval."""
    nats = np.concatenate([one.in_data_units("iw") for one in found])
    if other is not None:
        nats = nats - np.concatenate([one.in_data_units("iw") for one in other])
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

    `hits`: whether each was recognised; `recognised`: their share. `empty`: the share of empty sketches. `features`: class -> (n, d),
    of the first n that are not empty. `frechet`: to the test drawings. `diversity`: made over real, the mean over classes. Where a
    class has fewer than n sketches that are not empty, `features` is None and the two distances are NaN: they compare at one n only.
    """

    hits: np.ndarray
    recognised: float
    empty: float
    features: Mapping[str, np.ndarray] | None = None
    frechet: float = float("nan")
    diversity: float = float("nan")


def score(against: Real, sketches: Mapping[str, Sequence[Drawing]]) -> Score:
    """Recognisability, Frechet distance and diversity of sketches by class; raises `DataError` for a class without sketches."""
    read = recognisability(against.judge, sketches)
    plain = Score(np.concatenate(list(read["hits"].values())), read["accuracy"], read["empty"] / read["n"])
    whole = {name: [one for one in members if one.strokes][: against.n] for name, members in sketches.items()}
    if min(map(len, whole.values())) < against.n:
        return plain
    made = {name: features(against.judge, members) for name, members in whole.items()}
    ratio = float(np.mean([found["ratio"] for found in spread(against.test, made).values()]))
    return replace(plain, features=made, frechet=frechet(stacked(against.test), stacked(made)), diversity=ratio)


def recognised_more(one: Score, other: Score, seed: int = 0) -> Interval:
    """The share recognised of one set of sketches less that of the other, with an interval."""
    return bootstrap(lambda a, b: a.mean() - b.mean(), one.hits, other.hits, seed=seed)


def farther(against: Real, one: Score, other: Score, seed: int = 0, resamples: int = 50) -> Interval | None:
    """The Frechet distance of one set of sketches less that of the other, with an interval; None where either has none."""
    if one.features is None or other.features is None:
        return None
    sides = (stacked(against.test), stacked(one.features), stacked(other.features))
    return bootstrap(lambda t, a, b: frechet(t, a) - frechet(t, b), *sides, resamples=resamples, seed=seed, centred=True)


def winner(difference: Interval | None, below: str, above: str) -> str:
    """`below` where the whole interval of a difference lies below 0, `above` where above, else "neither"."""
    if difference is None or difference.low <= 0 <= difference.high:
        return NEITHER
    return below if difference.high < 0 else above


def recommended(winners: Sequence[str], cheaper: str) -> str:
    """Who wins most of some measures; `cheaper` where the sides draw or no measure decides."""
    votes = [name for name in winners if name != NEITHER]
    best = max(map(votes.count, votes), default=0)
    leaders = {name for name in votes if votes.count(name) == best}
    return leaders.pop() if len(leaders) == 1 else cheaper


def told(winners: Mapping[str, str]) -> str:
    """Winners along a sweep in words, like neighbours together: "the router from 50 to 100; neither at 200"."""
    groups = [(who, [where for where, _ in members]) for who, members in groupby(winners.items(), key=lambda item: item[1])]
    names = [(NEITHER if who == NEITHER else f"the {who}", at) for who, at in groups]
    return "; ".join(f"{who} at {at[0]}" if len(at) == 1 else f"{who} from {at[0]} to {at[-1]}" for who, at in names)


def exceptions(findings: Mapping[str, Mapping[str, str]], advised: str) -> str:
    """Where another than the advised one wins: measure -> (condition -> winner), in words."""
    lost = {measure: [at for at, who in found.items() if who not in (advised, NEITHER)] for measure, found in findings.items()}
    return "; ".join(f"{measure} at {', '.join(at)}" for measure, at in lost.items() if at) or "nowhere in these sweeps"
