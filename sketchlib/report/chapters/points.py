"""What chapter 12 says of its ten points: for each a verdict of one sentence that follows from the numbers, and these folded below it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from ...errors import DataError
from ..tables import Number, table

# Shares whose ends are numbers of their own in results that were published before a number had an interval: share -> key of its ends.
ENDS = {f"{key}_recognised": key for key in ("five", "one", "single")}
ENDS |= {f"{key}_share": key for key in ("encoded", "prior", "frozen_encoded", "frozen_prior")}


class Figures:
    """The chapter's numbers by name, without the prefix of the chapter; one that a run could not measure is not finite."""

    def __init__(self, numbers: Mapping[str, Number]):
        self.numbers = numbers

    def __getitem__(self, name: str) -> Number:
        one = self.numbers.get(f"s12_{name}", Number("not measured", math.nan))
        if one.low is not None or name not in ENDS:
            return one
        ends = [self.numbers.get(f"s12_{ENDS[name]}_{end}") for end in ("low", "high")]
        return one if None in ends else one._replace(low=ends[0].value, high=ends[1].value)

    def value(self, name: str) -> float:
        """The value alone."""
        return self[name].value

    def shown(self, name: str) -> str:
        """Value and unit, and the interval where there is one: "78 % (75 to 81)"."""
        one = self[name]
        return f"{one} ({one.interval})" if one.interval else str(one)

    def plain(self, name: str) -> str:
        """The value without its unit, where the text around it says the unit."""
        return str(self[name]._replace(unit=""))


def about(numbers: Mapping[str, Number]) -> str:
    """How large the runs of the pairs are, in a sentence or two."""
    f = Figures(numbers)
    return (
        f"The single models of these pairs have {f.plain('hidden')} hidden units and train for {f['steps']}, the VAEs for "
        f"{f['vae_steps']}, on at most {f.plain('per_class')} drawings of each class. Sketches are scored at temperature "
        f"{f.plain('tau')}, {f.plain('n')} of each class."
    )


class Finding(NamedTuple):
    """The verdict of a point, one sentence, and what is folded below it: further sentences, and a table."""

    verdict: str
    more: str = ""
    table: str = ""


def finding(point: int, numbers: Mapping[str, Number]) -> str:
    """The verdict of a point as Markdown, its numbers folded; raises `DataError` for a point that there is not."""
    if point not in POINTS:
        raise DataError(f"point {point}: there are {min(POINTS)} to {max(POINTS)}")
    found = POINTS[point](Figures(numbers))
    inside = "\n\n".join(filter(None, (found.table.rstrip("\n"), found.more)))
    folded = f"\n```{{dropdown}} The numbers of point {point}\n{inside}\n```\n" if inside else ""
    return f"*Verdict.* {found.verdict}\n{folded}"


def bars(point: int, numbers: Mapping[str, Number]) -> dict[str, dict[str, float]]:
    """What a figure of a pair shows: quantity -> run -> value; raises `DataError` for a point without one."""
    if point not in BARS:
        raise DataError(f"point {point} has no bars: expected one of {', '.join(map(str, BARS))}")
    f, (runs, ends) = Figures(numbers), BARS[point]
    return {what: {run: sum(f.value(f"{key}_{end}") for end in some) for run, key in runs.items()} for what, some in ends.items()}


def _sides(f: Figures, head: list[str], keys: tuple[str, ...], rows: Mapping[str, str]) -> str:
    """A row of `rows` (end of the name -> what it is) for each of the sides `keys`, in a column each."""
    lines = [[what, *(f"{f.plain(f'{key}_{end}')}" for key in keys)] for end, what in rows.items()]
    return table(head, lines, numbers=len(keys))


# Point -> its two runs, as tables say them and as names begin, and quantity -> the ends of the names whose values it is the sum of.
BARS = {
    1: ({"no dropout": "drop_none", "dropout that acts": "drop"}, {"best": ("best",), "at the end": ("best", "rise")}),
    6: ({"end row": "end_row", "relabelled": "relabelled"}, {"from the last point on": ("last",), "all other rows": ("before",)}),
    8: ({"up to the end row": "end", "all rows": "all"}, {"where the pen decides": ("pen",), "in the padding": ("after",)}),
}


def dropout(f: Figures) -> Finding:
    """Point 1."""
    rows = {"best": "best value", "rise": "rise from there to the end", "gap": "validation less training, at the end"}
    shown = _sides(f, ["validation loss, nats per point", "no dropout", "dropout that acts"], ("drop_none", "drop"), rows)
    same = "is, bit for bit, the LSTM without it" if f.value("dropout_same") else "differs from the LSTM without it"
    lower = "lowers" if f.value("drop_best") < f.value("drop_none_best") else "does not lower"
    return Finding(
        f"The report's LSTM with dropout {same}.",
        f"Dropout that acts {lower} the best validation loss: {f.plain('drop_best')} against {f.plain('drop_none_best')} nats per point.",
        shown,
    )


def plateau(f: Figures) -> Finding:
    """Point 2."""
    acted = "was cut" if f.value("lr_after_one") < f.value("lr") else "stayed what it was"
    return Finding(
        f"With a patience of {f.plain('patience')} no cut can come before validation {f.plain('first_cut')}, and the report's run "
        f"validated once: the learning rate {acted}.",
        f"It was {f.plain('lr')} before and {f.plain('lr_after_one')} after.",
    )


def annealing(f: Figures) -> Finding:
    """Point 3."""
    rows = {"eta": r"weight $\eta$ at the end", "kl": "$L_{KL}$, nats per latent dimension", "nats": "the same, nats a drawing"}
    rows |= {"units": "latent dimensions in use", "l_r": r"$L_R$, nats over $N_{max}$", "recognised": "from the prior: recognised, %"}
    shown = _sides(f, ["on test airplanes", "annealed", "frozen"], ("annealed", "frozen"), rows)
    lower = "lowers" if f.value("annealed_kl") < f.value("frozen_kl") else "does not lower"
    better = "better" if f.value("annealed_recognised") > f.value("frozen_recognised") else "no better"
    return Finding(
        f"Annealing {lower} the divergence ({f.plain('annealed_kl')} against {f.plain('frozen_kl')}, floor {f.plain('kl_min')}), and "
        f"sketches from the prior are read {better} for it: {f['annealed_recognised']} against {f['frozen_recognised']}.",
        table=shown,
    )


def classes_asked(f: Figures) -> Finding:
    """Point 4."""
    what = {"airplanes": "asked for an airplane: read right", "recognised": "asked for one of the other four: read right"}
    what |= {"flying": "asked for one of the other four: read as an airplane"}
    rows = [[text, *(f.shown(f"{key}_{end}") for key in ("five", "one"))] for end, text in what.items()]
    shown = table(["", "trained on five classes", "on airplanes alone"], rows, numbers=2)
    some = "something" if f["one_recognised"].low > f.value("chance") else "nothing"
    return Finding(
        f"What the report's executed run shows of class conditioning is {some}: {f['one_recognised']} of the other four are read right, "
        f"where {f['chance']} would be chance.",
        f"Of {f.plain('embeddings')} rows of its embedding, training moved {f.plain('embeddings_moved')}.",
        shown,
    )


def epochs(f: Figures) -> Finding:
    """Point 5."""
    left, least, most = f.value("unseen_often"), f.plain("order_ours_low"), f.plain("order_ours_high")
    worth = f"{left:,} drawings are never read" if left else "no drawing is left unread"
    ours = f"each {least} times" if least == most else f"{least} to {most} times"
    return Finding(
        f"One epoch leaves {f['unseen_once']} of {f.plain('order_n')} drawings unread; over {f.plain('order_epochs')} epochs {worth}.",
        f"$(1 - B/n)^{{\\lceil n/B \\rceil}}$ is {f.plain('unseen_expected')} %. Drawings are read {f.plain('order_low')} to "
        f"{f.plain('order_high')} times, in this book's order {ours}.",
    )


def end_row(f: Figures) -> Finding:
    """Point 6."""
    rows = {"last": "pen, from the last point on, nats a drawing", "before": "pen, all other rows, nats a drawing"}
    rows |= {"printed": "$L_P$ as it is printed, nats per point", "points": "points of a sketch"}
    shown = _sides(f, ["on test airplanes", "end row", "relabelled"], ("end_row", "relabelled"), rows)
    gap = f["end_gap"]
    if gap.low > 0:
        says = "The end row costs more than the relabelled point"
    else:
        says = "The end row costs less than the relabelled point" if gap.high < 0 else "The end costs no more in one way than in the other"
    return Finding(
        f"{says}: a difference of {f.shown('end_gap')} from the last point on.",
        f"Real drawings have {f.plain('real_points')} points on average, and {f['lifted']} of the training drawings lift the pen after "
        "their last point.",
        shown,
    )


def generation(f: Figures) -> Finding:
    """Point 7."""
    what = {"share": "recognised, %", "diversity": "diversity over the real one", "closeness": "closeness to the training drawing"}
    keys = {"encoded": "router, from a drawing", "prior": "router, from the prior"}
    keys |= {"frozen_encoded": "frozen weight, from a drawing", "frozen_prior": "frozen weight, from the prior"}
    shown = _sides(f, ["", *keys.values()], tuple(keys), what)
    return Finding(
        f"{_lends(f, 'The router', '')}; {_lends(f, 'the frozen weight', 'frozen_')}.",
        f"The code alone, told the true rows, is worth {f['code_worth']} to the router and {f['frozen_code_worth']} with the frozen "
        "weight.",
        shown,
    )


def _lends(f: Figures, who: str, key: str) -> str:
    drawn, thrown = f[f"{key}encoded_share"], f[f"{key}prior_share"]
    how = "draws better from training drawings" if drawn.low > thrown.high else "needs no training drawing"
    return f"{who} {how}: {drawn} recognised, from the prior {thrown}"


def padding(f: Figures) -> Finding:
    """Point 8."""
    rows = {"pen": "pen, nats per decided row", "stroke": "movement, nats per point", "after": "pen in the padding, nats a row"}
    rows |= {"printed": "$L_P$ as it is printed, nats over $N_{max}$"}
    shown = _sides(f, ["on test airplanes", "up to the end row", "all rows"], ("end", "all"), rows)
    return Finding(
        f"Where the pen still has to decide, it costs {f.plain('all_pen')} nats a row, and {f.plain('end_pen')} if the padding is left out "
        "of the training.",
        f"{f['padding']} of all rows are padding. Trained on them, the pen costs {f.plain('all_after')} nats a row there, where no sampler "
        "asks it anything.",
        shown,
    )


def sampler(f: Figures) -> Finding:
    """Point 9."""
    rows = {"ended": "ended by themselves, %", "ms": "ms a sketch"}
    lines = [[what, f.plain(f"{key}_slow"), f.plain(f"{key}_fast")] for key, what in rows.items()]
    smallest = min(f.value("ks_points"), f.value("ks_length"))
    speaks = "speaks against" if smallest < 0.01 else "says nothing against"
    return Finding(
        f"Kolmogorov and Smirnov's test {speaks} their being of one distribution: $p$ is {f.plain('ks_points')} for the number of points "
        f"and {f.plain('ks_length')} for the length of the lines, of {f['ks_points'].n:,} sketches each.",
        table=table(["", "one by one, numpy", "all at once, torch"], lines, numbers=2),
    )


def flip(f: Figures) -> Finding:
    """Point 10."""
    same = "are the same but for rounding" if f.value("flip_apart") <= 2 else "are not the same"
    return Finding(
        f"Drawn downwards, and drawn upwards and turned over, {f.plain('flip_n')} pictures {same}: no pixel differs by more than "
        f"{f.plain('flip_apart')} of 255 grey values.",
        f"Without the turn it would be {f.plain('flip_not')}.",
    )


POINTS = {1: dropout, 2: plateau, 3: annealing, 4: classes_asked, 5: epochs, 6: end_row, 7: generation, 8: padding, 9: sampler, 10: flip}
