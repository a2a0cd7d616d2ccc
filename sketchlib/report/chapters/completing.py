"""The numbers of chapter 15 by name, and its tables: drawings of which the first part is given, gone on with and guessed.

A name ends in the share that is given, in percent: `s15_completed_router_25`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...completion import Beginning, begin, beginning_of, class_posterior, complete_all, log_evidence, readings
from ...data.dataset import SketchSet
from ...metrics.coherence import ended_rate
from ...metrics.diversity import diversity
from ...metrics.interval import bootstrap
from ...metrics.recogniser import Recogniser, drawn_features
from ...sampling import as_generator
from ...strokes import BOX, Drawing
from ..tables import Number, composed, rounded, table
from .evaluation import finite_mean, share

MODELS = ("single", "router", "best")  # those that there are complete
SHARES = (0.1, 0.25, 0.5, 0.75)
BARS = {0.5: 0.95, 0.25: 0.9}  # share given -> what completions are to be recognised, of what the whole drawings are
SIZED = {"known": "the whole's size is known", "judged": "judged by the model", "filled": "taken for that of the beginning"}


def measure(judge: Recogniser, models: Mapping[str, object], test: SketchSet, settings, how, seed: int = 0) -> dict[str, Number]:
    """Begin test drawings, let each model guess and complete them, and return every number of the chapter by name.

    `models`: "single" and others of `MODELS`. `settings`: the profile's section `sampling`, used without guidance;
    `how`: its section `completion`.
    """
    whole = [drawing for word in test.classes for drawing in test.drawings(word, how.per_class)]
    right = read_right(judge, whole)
    out = {
        "s15_drawings": Number("drawings that are begun", len(whole)),
        "s15_each": Number("completions of each", how.each),
        "s15_tries": Number("latent vectors that stand for all, where the router judges", how.tries),
        "s15_temperature": Number("temperature", settings.temperature),
        "s15_pen_temperature": Number("temperature of the pen", settings.pen_temperature),
        "s15_whole": share("recognised, whole drawings", right),
    }
    for part in SHARES:
        begun = [beginning_of(drawing, part) for drawing in whole]
        out[_name("read", part)] = share(f"recognised, the first {part:.0%} alone", read_right(judge, [one.drawing for one in begun]))
        for by, model in models.items():
            out |= _guessed(by, model, begun, part, how.tries, seed)
            out |= _completed(by, model, judge, begun, right, part, settings, how, seed)
        out |= _sized(models["single"], judge, begun, part, settings, seed)
    return out


def read_right(judge: Recogniser, drawings: Sequence[Drawing]) -> np.ndarray:
    """Which drawings (n,) the recogniser reads as the class that they are of."""
    return judge.predict(drawings).argmax(1) == [judge.classes.index(one.word) for one in drawings]


def _name(what: str, part: float) -> str:
    return f"s15_{what}_{100 * part:g}"


def _guessed(by: str, model, begun: Sequence[Beginning], part: float, tries: int, seed: int) -> dict[str, Number]:
    """How often a model's likeliest class is the drawing's, and how sure it is of that class."""
    posterior = class_posterior(model, begun, seed=seed, tries=tries)
    labels = np.array([model.classes.index(one.drawing.word) for one in begun])
    sure = 100 * float(posterior[np.arange(len(labels)), labels].mean())
    return {
        _name(f"guessed_{by}", part): share(f"class guessed from {part:.0%}, {by}", posterior.argmax(1) == labels),
        _name(f"sure_{by}", part): Number(f"probability of the class, from {part:.0%}, {by}", sure, "percent", len(labels)),
    }


def _completed(by: str, model, judge, begun, right: np.ndarray, part: float, settings, how, seed: int) -> dict[str, Number]:
    """What is recognised of completions with the class given, also over that of the whole drawings, how varied they are, how many end."""
    made = completions(model, begun, how.each, settings, seed, how.tries)
    hits = np.array([read_right(judge, some) for some in made])  # (drawings, each)
    both, flat = np.column_stack([hits.mean(1), right]), [one for some in made for one in some]
    return {
        _name(f"completed_{by}", part): Number.measured(
            f"recognised, completed from {part:.0%}, {by}", bootstrap(np.mean, hits.mean(1)), "percent", 100
        ),
        _name(f"ratio_{by}", part): Number.measured(f"over that of the whole drawings, from {part:.0%}, {by}", bootstrap(_ratio, both)),
        _name(f"varied_{by}", part): Number(f"variety of completions from {part:.0%}, {by}", _variety(judge, begun, made), "", len(flat)),
        _name(f"ended_{by}", part): Number(f"ended, from {part:.0%}, {by}", 100 * ended_rate(flat), "percent", len(flat)),
    }


def _ratio(both: np.ndarray) -> float:
    return both[:, 0].mean() / both[:, 1].mean() if both[:, 1].any() else math.nan


def completions(model, begun: Sequence[Beginning], n: int, settings, seed: int, tries: int) -> list[list[Drawing]]:
    """`n` completions of each beginning, the class given, at the recommended setting."""
    words = [one.drawing.word for one in begun]
    how = dict(pen_temperature=settings.pen_temperature, tries=tries)
    return complete_all(model, begun, words, n, settings.temperature, seed, **how)


def _variety(judge: Recogniser, begun: Sequence[Beginning], made: Sequence[Sequence[Drawing]]) -> float:
    """Mean distance of two completions of one beginning, over that of two completions of the class whatever their beginning."""
    within, across = [], []
    for word in dict.fromkeys(one.drawing.word for one in begun):
        clouds = [drawn_features(judge, some)[0] for one, some in zip(begun, made, strict=True) if one.drawing.word == word]
        within += [diversity(cloud) for cloud in clouds if len(cloud) > 1]
        firsts = np.stack([cloud[0] for cloud in clouds])
        across += [diversity(firsts)] if len(firsts) > 1 else []
    between = finite_mean(across)
    return finite_mean(within) / between if between > 0 else math.nan


def _sized(model, judge: Recogniser, begun: Sequence[Beginning], part: float, settings, seed: int) -> dict[str, Number]:
    """What is recognised of one completion each where the size of the whole is known, judged, or taken for the beginning's."""
    begun = [one for one in begun if _extent(one)]  # a dot has none
    out = {}
    for way, sizes in {"known": lambda one: BOX, "judged": None, "filled": _extent}.items():
        found = _judged(model, begun, seed) if sizes is None else [sizes(one) for one in begun]
        again = [begin(one.drawing, size, not one.rows[-1, 2]) for one, size in zip(begun, found, strict=True)]
        made = [some[0] for some in completions(model, again, 1, settings, seed, 1)]
        out[_name(f"sized_{way}", part)] = share(f"recognised, completed from {part:.0%}, size {way}", read_right(judge, made))
        off = 2 ** float(np.median(np.abs(np.log2(np.array(found) / BOX))))
        out[_name(f"off_{way}", part)] = Number(f"median factor by which the size is missed, from {part:.0%}, {way}", off, "", len(begun))
    return out


def _extent(one: Beginning) -> float:
    return float(np.ptp(np.concatenate(one.drawing.strokes), axis=0).max())


def _judged(model, begun: Sequence[Beginning], seed: int) -> list[float]:
    """The size of the whole, of each beginning, that is likeliest for its class."""
    found = [0.0] * len(begun)
    for word in dict.fromkeys(one.drawing.word for one in begun):
        index = [i for i, one in enumerate(begun) if one.drawing.word == word]
        read = [readings(begun[i].drawing, not begun[i].rows[-1, 2]) for i in index]
        every = [one for some in read for one in some.values()]
        evidence = log_evidence(model, every, (word,), "prior", as_generator(seed)).view(len(index), -1)
        for i, some, best in zip(index, read, evidence.argmax(1).tolist(), strict=True):
            found[i] = list(some)[best]
    return found


def setting_table(found: Mapping[str, Number]) -> str:
    """How many drawings were begun, and how they were gone on with."""
    names = ("drawings", "each", "tries", "temperature", "pen_temperature")
    return table(["", ""], [[found[f"s15_{name}"].what, rounded(found[f"s15_{name}"].value)] for name in names], numbers=1)


def measured(found: Mapping[str, Number]) -> list[str]:
    """Those of `MODELS` whose completions were measured."""
    return [by for by in MODELS if _name(f"completed_{by}", SHARES[0]) in found]


def recognised_table(found: Mapping[str, Number]) -> str:
    """What the recogniser reads right, percent: a row a share that is given, and one for the whole drawings."""
    rows = {f"{part:.0%}": [_name("read", part), *(_name(f"completed_{by}", part) for by in measured(found))] for part in SHARES}
    rows["all"] = ["s15_whole", "", ""]
    return composed(found, ["given", "the beginning alone", *(f"completed, {by}" for by in measured(found))], rows)


def bar_table(found: Mapping[str, Number]) -> str:
    """The bars: completions with the class given, over the whole drawings, and whether they reach what they are to reach."""
    rows = []
    for part, bar in BARS.items():
        for by in measured(found):
            one = found[_name(f"ratio_{by}", part)]
            met = "yes" if one.value >= bar else "no"
            shown = f"{rounded(one.value, one.low, one.high)} ({one.interval})"
            rows.append([f"from {part:.0%}, {by}", shown, f"{bar:g}", met if math.isfinite(one.value) else rounded(math.nan)])
    return table(["recognised, over the whole drawings", "found", "bar", "met"], rows, numbers=3)


def guess_table(found: Mapping[str, Number]) -> str:
    """How often the class is named right from a beginning, percent: by the recogniser, and by Bayes' rule with each model."""
    rows = {f"{part:.0%}": [_name("read", part), *(_name(f"guessed_{by}", part) for by in measured(found))] for part in SHARES}
    return composed(found, ["given", "the recogniser", *(f"{by}, by Bayes' rule" for by in measured(found))], rows)


def variety_table(found: Mapping[str, Number]) -> str:
    """How much completions of one beginning differ, over those of different beginnings of the class; and the share that ended."""
    columns: dict[str, Callable] = {f"{what}, {by}": (what, by) for what in ("varied", "ended") for by in measured(found)}
    rows = {f"{part:.0%}": [_name(f"{what}_{by}", part) for what, by in columns.values()] for part in SHARES}
    return composed(found, ["given", *(name.replace("ended", "ended %") for name in columns)], rows)


def size_table(found: Mapping[str, Number]) -> str:
    """Percent recognised where the size of the whole is known, judged or taken for the beginning's, and by which factor it is missed."""
    rows = {f"{part:.0%}": [_name(f"{what}_{way}", part) for way in SIZED for what in ("sized", "off")] for part in SHARES}
    return composed(found, ["given", *(head for words in SIZED.values() for head in (f"{words}: %", "factor"))], rows)


def panels(found: Mapping[str, Number]) -> dict[str, dict[str, list[Number]]]:
    """Numbers for `plots.sweep`: title -> line -> a number a share."""
    guessed = {"the recogniser": "read", **{by: f"guessed_{by}" for by in measured(found)}}
    done = {"the recogniser": "read", **{by: f"completed_{by}" for by in measured(found)}}
    titles = {"class guessed (%)": guessed, "recognised (%)": done}
    return {title: {line: [found[_name(name, part)] for part in SHARES] for line, name in lines.items()} for title, lines in titles.items()}
