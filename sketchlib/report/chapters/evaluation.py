"""Real drawings and the sketches of any number of models side by side, as chapters 8, 8b and 8c compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...data.dataset import Splits
from ...metrics import recogniser
from ...metrics.interval import bootstrap
from ...sampling import sample
from ...strokes import Drawing
from .. import stages
from ..page import Page
from ..tables import Number

# How a model draws, by the end of a side's name, and as tables say it: at the profile's temperature alone, with a temperature of the pen's
# own, which is the recommended setting, with that and guidance, and as the model believes, at temperature 1.
WAYS = {"": "", "_pen": ", pen", "_guided": ", guided", "_one": ", at 1"}
NOTHING = float("nan")  # what a number is where a short run drew too little for it


@dataclass(frozen=True, eq=False)
class Sides:
    """Real drawings and sketches, `n` of each class, each made when it is first asked for.

    A side is "real" (of the test part), "valid", "train" (all of that part), or a title of `models` and how it draws: "single" at the
    temperature of `settings` (the profile's section on sampling), "single_pen" with a temperature of the pen's own, "single_guided"
    with that and guidance, "single_one" at temperature 1.
    """

    splits: Splits
    models: Mapping[str, object]
    settings: object
    n: int
    seed: int = 0
    made: dict = field(default_factory=dict, repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the drawings."""
        return self.splits.test.classes

    @property
    def titles(self) -> tuple[str, ...]:
        """The models' titles."""
        return tuple(self.models)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The sides that models draw: each of them in each of its ways."""
        return drawn(self.titles)

    @property
    def total(self) -> int:
        """Drawings of a side, over all classes."""
        return self.n * len(self.classes)

    def sketches(self, side: str, word: str, n: int, temperature: float | None = None) -> list[Drawing]:
        """`n` sketches of a class as a side draws them, at another temperature where one is given."""
        title, _, way = side.partition("_")
        at = (1.0 if way == "one" else self.settings.temperature) if temperature is None else temperature
        pen, guided = {"pen_temperature": self.settings.pen_temperature}, {"guidance": self.settings.guidance}
        return sample(self.models[title], word, n, at, self.seed, **{"pen": pen, "guided": pen | guided}.get(way, {}))

    def drawings(self, side: str, word: str) -> list[Drawing]:
        """The drawings of a class on a side."""
        return self._once((side, word), lambda: self._drawings(side, word))

    def _drawings(self, side: str, word: str) -> list[Drawing]:
        if side in ("real", "valid", "train"):
            part = {"real": self.splits.test, "valid": self.splits.valid, "train": self.splits.train}[side]
            return part.drawings(word, None if side == "train" else self.n)
        return self.sketches(side, word, self.n)

    def all(self, side: str) -> dict[str, list[Drawing]]:
        """The drawings of a side by class."""
        return {word: self.drawings(side, word) for word in self.classes}

    def first(self, side: str, n: int = 8) -> dict[str, list[Drawing]]:
        """The first `n` of `all`."""
        return {word: members[:n] for word, members in self.all(side).items()}

    def beside(self, way: str, n: int = 4, real: int = 2) -> dict[str, list[Drawing | None]]:
        """The first real drawings, and the first `n` sketches of each model drawing in one way, with a gap between them, by class."""
        parts = {"real": real, **{title + way: n for title in self.titles}}
        rows = {word: [[*self.drawings(side, word)[:some], None] for side, some in parts.items()] for word in self.classes}
        return {word: sum(row, [])[:-1] for word, row in rows.items()}

    def whole(self, side: str, word: str) -> list[Drawing]:
        """The drawings of a class on a side that have a point."""
        return [one for one in self.drawings(side, word) if one.strokes]

    def lines(self, side: str) -> list[Drawing]:
        """The drawings of a side that have a point, at most `n` of each class."""
        return [one for word in self.classes for one in self.whole(side, word)[: self.n]]

    def features(self, judge: recogniser.Recogniser, side: str, word: str) -> np.ndarray:
        """The features (m, 128) of `whole`."""
        return self._once((judge, side, word), lambda: recogniser.drawn_features(judge, self.drawings(side, word))[0])

    def cloud(self, judge: recogniser.Recogniser, side: str) -> np.ndarray:
        """The features of a side, at most `n` of each class."""
        return np.concatenate([self.features(judge, side, word)[: self.n] for word in self.classes])

    def _once(self, key: tuple, make: Callable):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]


def drawers(profile) -> dict[str, stages.Drawer]:
    """What draws in these chapters, by title: the report's two models, and the best of this project where there is one."""
    found = {"single": stages.single(profile), "router": stages.router(profile), "best": stages.best(profile)}
    return {title: drawer for title, drawer in found.items() if drawer}


def sides(page: Page, models: Mapping[str, object], few: int) -> Sides:
    """Sides of a page's drawings: `few` of each class where scores are of the published run, else as many as the profile says."""
    profile, splits = page.profile, stages.data(page.profile).splits
    n = min(few if page.takes_published else profile.sampling.per_class, *splits.test.counts().values())
    return Sides(splits, models, profile.sampling, n, profile.seed)


def drawn(titles: Sequence[str], ways: Sequence[str] = tuple(WAYS)) -> tuple[str, ...]:
    """The sides of models of these titles in these ways."""
    return tuple(f"{title}{way}" for title in titles for way in ways)


def spoken(side: str) -> str:
    """A side as tables name it: "single, guided"."""
    title, mark, way = side.partition("_")
    return title + WAYS[mark + way]


def hits_of(read: Mapping) -> np.ndarray:
    """Which drawings were read right, all classes of a `recognisability` in one array (n,)."""
    return np.concatenate(list(read["hits"].values()))


def share(what: str, hits: np.ndarray) -> Number:
    """The share of hits, percent, with its interval."""
    return Number.measured(what, bootstrap(np.mean, hits), "percent", 100)


def finite_mean(values: Sequence[float]) -> float:
    """The mean of what is finite; where nothing is, NaN."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else NOTHING
