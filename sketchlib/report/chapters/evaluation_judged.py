"""What chapter 8's two judges recognise: numbers under the names by which the chapter records them, and tables of such numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...metrics.coherence import ended_rate
from ...metrics.judges import SecondJudge, train_second_judge
from ...metrics.recognisability import recognisability
from ...metrics.recogniser import Recogniser
from ..tables import Number, beside, cell, composed
from .evaluation import Sides, hits_of, share, spoken

TEMPERATURES = (0.2, 0.7, 1.0)  # beside the profile's own
WIDTHS = (1.0, 3.0)  # of the lines that the judge is shown, pixels


def drawn_numbers(sides: Sides) -> dict[str, Number]:
    """How the scored sketches were drawn, how many there are, and how many are empty."""
    settings, out = sides.settings, {}
    for name in ("temperature", "pen_temperature", "guidance"):
        out[f"s08_{name}"] = Number(name.replace("_", " "), getattr(settings, name))
    out |= {"s08_n": Number("drawings of each class", sides.n), "s08_sketches": Number("drawings of each set", sides.total)}
    for title in sides.titles:
        empty = sum(not one.strokes for members in sides.all(title).values() for one in members)
        out[f"s08_empty_{title}"] = Number(f"empty sketches, {title}", 100 * empty / sides.total, "percent", sides.total)
    return out


def exam_numbers(sides: Sides, judge: Recogniser, exam: Mapping, made: Mapping) -> dict[str, Number]:
    """How the judge was trained (`made`, its record in the store), and what it reads right (`exam`, of all real test drawings)."""
    hits, by_class = hits_of(exam), exam["by_class"]
    worst = min(by_class, key=by_class.get)
    out = {
        "s08_judge_drawings": Number("training", made["drawings"], "drawings"),
        "s08_judge_passes": Number("over them", len(made["curves"]), "passes"),
        "s08_judge_seconds": Number("this took", made["seconds"], "seconds"),
        "s08_judge_accuracy": share("real test drawings read right", hits),
        "s08_judge_by_class": Number("mean over classes", 100 * np.mean(list(by_class.values())), "percent", hits.size),
        "s08_judge_worst_accuracy": Number("its hardest class", 100 * by_class[worst], "percent", len(exam["hits"][worst])),
    }
    for width in WIDTHS:
        out[f"s08_judge_width_{width:g}"] = share(f"of the set shown here, line width {width:g} px", _read_in(sides, judge, width))
    return out


def _read_in(sides: Sides, judge: Recogniser, width: float) -> np.ndarray:
    read = [judge.predict(members, width).argmax(1) == label for label, members in enumerate(sides.all("real").values())]
    return np.concatenate(read)


def shares(read: Mapping[str, Mapping]) -> dict[str, Number]:
    """The share that is recognised of each side that was read: side -> `recognisability` of its drawings."""
    return {f"s08_recognised_{side}": share(f"recognised, {spoken(side)}", hits_of(found)) for side, found in read.items()}


def recognised_numbers(sides: Sides, judge: Recogniser) -> dict[str, Number]:
    """What the judge recognises of the real drawings and of each way to draw, with its confidence, and how many sketches end."""
    read = {side: recognisability(judge, sides.all(side)) for side in ("real", *sides.drawn)}
    out = shares(read)
    for side, found in read.items():
        hardest = min(found["by_class"], key=found["by_class"].get)
        out[f"s08_least_{side}_share"] = share(f"of the hardest class, {spoken(side)}", found["hits"][hardest])
    for side in ("real", *sides.titles):
        out[f"s08_confidence_{side}"] = Number(f"confidence, {side}", 100 * read[side]["confidence"], "percent", read[side]["n"])
    for side in sides.drawn:
        ended = [ended_rate([one]) for members in sides.all(side).values() for one in members]
        out[f"s08_ended_{side}"] = share(f"ended by themselves, {spoken(side)}", np.array(ended))
    return out | _at_temperatures(sides, judge)


def _at_temperatures(sides: Sides, judge: Recogniser) -> dict[str, Number]:
    out, own = {}, sides.settings.temperature
    for title in sides.titles:
        made = {1.0: f"{title}_one", own: title}  # these there are
        for t in sorted({own, *TEMPERATURES}):
            sketches = sides.all(made[t]) if t in made else {word: sides.sketches(title, word, sides.n, t) for word in sides.classes}
            hits = hits_of(recognisability(judge, sketches))
            out[f"s08_recognised_{title}_at_{t:g}"] = share(f"recognised, {title}, at temperature {t:g}", hits)
    return out


def second_numbers(sides: Sides, judge: Recogniser, per_class: int) -> dict[str, Number]:
    """What a second judge, which has seen `per_class` training drawings of each class, recognises, and how often both judges agree."""
    second = train_second_judge({word: sides.splits.train.drawings(word, per_class) for word in sides.classes})
    test = hits_of(recognisability(second, {word: sides.splits.test.drawings(word) for word in sides.classes}))
    out = {
        "s08_second_drawings": Number("drawings that the second judge has seen", second.drawings),
        "s08_second_accuracy": share("real test drawings read right by the second judge", test),
    }
    for side in ("real", *sides.drawn):
        out[f"s08_second_{side}"] = share(
            f"recognised by the second judge, {spoken(side)}", hits_of(recognisability(second, sides.all(side)))
        )
    return out | {f"s08_agree_{side}": _agreed(sides, side, judge, second) for side in ("real", *sides.titles)}


def _agreed(sides: Sides, side: str, judge: Recogniser, second: SecondJudge) -> Number:
    one, other = (hits_of(recognisability(who, sides.all(side))) for who in (judge, second))
    return share(f"both judges agree, {side}", one == other)


def drawn_table(found: Mapping[str, Number], titles: Sequence[str], here: int) -> str:
    """What was drawn for the scores; `here`: the sketches of each class that this page draws."""
    head = ["temperature", "drawn here, each class", "scored, each class", "scored, all", *(f"empty, {title}, %" for title in titles)]
    names = ["here", "s08_n", "s08_sketches", *(f"s08_empty_{title}" for title in titles)]
    return composed({**found, "here": Number("", here)}, head, {cell(found.get("s08_temperature")): names})


def exam_table(examined: Mapping[str, Number], published: Mapping[str, Number]) -> str:
    """What the judge reads right of real drawings, on this page and in the published run; how it was trained is left out."""
    return beside({name: one for name, one in examined.items() if one.unit == "percent"}, published)


def confidence_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """What the judge recognises, how sure it is, and the share that ended by itself, without and with a temperature of the pen's own."""
    head = ["percent", "recognised", "the judge's confidence", "ended by themselves", "ended, pen at its own temperature"]
    rows = {
        side: [f"s08_{what}_{side}" for what in ("recognised", "confidence", "ended")] + [f"s08_ended_{side}_pen"]
        for side in ("real", *titles)
    }
    return composed(found, head, rows)


def over_temperature(found: Mapping[str, Number], titles: Sequence[str]) -> dict[str, dict[float, Number]]:
    """What is recognised at each temperature, title -> temperature -> percent."""
    out = {title: {} for title in titles}
    for name, one in found.items():
        side, at, temperature = name.removeprefix("s08_recognised_").partition("_at_")
        if at and side in out:
            out[side][float(temperature)] = one
    return {side: dict(sorted(points.items())) for side, points in out.items()}


def second_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """Percent recognised by either judge, and how often the two agree."""
    head = ["percent", "first judge", "second judge", "both agree"]
    rows = {"all real test drawings": ["s08_judge_accuracy", "s08_second_accuracy", ""]}
    rows |= {side: [f"s08_{what}_{side}" for what in ("recognised", "second", "agree")] for side in ("real", *titles)}
    return composed(found, head, rows)
