"""What can be measured on the lines of a sketch, and how far its distribution is from that of real drawings. Chapter 8b."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from scipy.stats import wasserstein_distance

from ..arguments import Length, checked
from ..errors import DataError
from ..settings import Range
from ..strokes import Drawing

TRAITS = ("strokes", "points per stroke", "line length", "pen-up travel", "aspect")
Values = Annotated[np.ndarray, Range(lambda a: a.ndim == 1 and len(a) > 0 and bool(np.isfinite(a).all()), "of shape (n,), all finite")]


@checked
def traits(drawing: Drawing) -> dict[str, float]:
    """The measures of one drawing.

    `strokes`: their number. `points per stroke`: the mean. `line length` and `pen-up travel`: of all strokes and of all moves
    between them, data units. `aspect`: width / (width + height), 1/2 for a square or a dot. Raises `DataError` for an empty drawing.
    """
    strokes = drawing.strokes
    if not strokes:
        raise DataError("an empty drawing has no traits: leave empty sketches out, and report how many there were")
    left, top, right, bottom = drawing.bounds()
    width, height = right - left, bottom - top
    jumps = [np.hypot(*(after[0] - before[-1])) for before, after in zip(strokes[:-1], strokes[1:], strict=True)]
    return {
        "strokes": float(len(strokes)),
        "points per stroke": drawing.n_points / len(strokes),
        "line length": float(sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes)),
        "pen-up travel": float(sum(jumps)),
        "aspect": width / (width + height) if width + height > 0 else 0.5,
    }


@checked
def trait_table(drawings: Sequence[Drawing]) -> dict[str, np.ndarray]:
    """Each trait as an array (n,) over drawings; raises `DataError` for none, an empty one, or one that is not finite."""
    if not drawings:
        raise DataError("coherence needs at least one drawing on each side")
    empty = [i for i, drawing in enumerate(drawings) if not drawing.strokes]
    if empty:
        some = ", ".join(map(str, empty[:5]))
        raise DataError(
            f"{len(empty)} of {len(drawings)} drawings are empty (numbers {some} ...): leave them out, and report how many there were"
        )
    rows = [traits(drawing) for drawing in drawings]
    table = {name: np.array([row[name] for row in rows]) for name in TRAITS}
    for name, values in table.items():
        if not np.isfinite(values).all():
            raise DataError(f"{name} of {np.sum(~np.isfinite(values))} drawings is not finite; check their points")
    return table


@checked
def deviation(real: Values) -> float:
    """The standard deviation of a real trait (n,), by which distances of traits compare; 1 where the trait does not vary."""
    return float(real.std()) or 1.0


@checked
def distance(made: Values, real: Values, unit: Length = 1.0) -> float:
    """Wasserstein distance of the distributions of one trait, (m,) and (n,), divided by `unit`; source: Ramdas et al. (2017)."""
    return float(wasserstein_distance(made, real) / unit)


@checked
def coherence(drawings: Sequence[Drawing], real: Sequence[Drawing], relative: bool = False) -> dict[str, float]:
    """Wasserstein distance of each trait's distribution to that of real drawings: 0 where they agree, in the trait's unit.

    `relative`: in standard deviations of the real trait, so that traits compare (where it does not vary, in its unit). Raises
    `DataError` as `trait_table` does. Chapter 8b.
    """
    ours, theirs = trait_table(drawings), trait_table(real)
    return {name: distance(ours[name], theirs[name], deviation(theirs[name]) if relative else 1.0) for name in TRAITS}


@checked
def ended_rate(drawings: Sequence[Drawing]) -> float:
    """Share of sketches that ended by themselves (p3) rather than at N_max; a real drawing counts as ended.

    Raises `DataError` for no drawings.
    """
    if not drawings:
        raise DataError("the rate of ended sketches needs at least one sketch")
    return float(np.mean([drawing.finished is not False for drawing in drawings]))
