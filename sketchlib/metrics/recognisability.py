"""Whether sketches are read as what they were asked to be, by a recogniser that knows real drawings only. Chapter 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from ..arguments import checked
from ..errors import DataError
from ..strokes import Drawing


@runtime_checkable
class Judge(Protocol):
    """What reads drawings: a recogniser, the second judge."""

    classes: tuple[str, ...]

    def predict(self, drawings: Sequence[Drawing]) -> np.ndarray:
        """What each drawing is read as, (n, classes)."""


@checked
def recognisability(model: Judge, drawings: Mapping[str, Sequence[Drawing]]) -> dict:
    """How a recogniser, or the second judge, reads drawings of known classes.

    Returns `accuracy`, `by_class` (class -> accuracy), `confidence` (mean probability of the right class), `confidence_by_class`,
    `confusion` (classes, classes; row the class asked for, column the class read, as shares), `hits` (class -> bool array, for
    `bootstrap`), `n`, and `empty`, the number of sketches without a point: these are read as nothing, so they count as missed,
    with confidence 0 and in no column. Raises `DataError` for a class that the recogniser was not trained on, or one without
    drawings. Chapter 8.
    """
    _check_asked(model, drawings)
    size = len(model.classes)
    confusion, hits, sure, empty = np.zeros((size, size)), {}, {}, 0
    for name, members in drawings.items():
        label, drawn = model.classes.index(name), np.array([bool(one.strokes) for one in members])
        probability = np.zeros((len(members), size))
        if drawn.any():
            some = [one for one in members if one.strokes]
            probability[drawn] = model.predict(some)
        guesses = np.where(drawn, probability.argmax(1), -1)
        confusion[label] = np.bincount(guesses[drawn], minlength=size) / len(members)
        hits[name], sure[name], empty = guesses == label, probability[:, label], empty + int((~drawn).sum())
    return {
        "accuracy": float(np.concatenate(list(hits.values())).mean()),
        "by_class": {name: float(found.mean()) for name, found in hits.items()},
        "confidence": float(np.concatenate(list(sure.values())).mean()),
        "confidence_by_class": {name: float(found.mean()) for name, found in sure.items()},
        "confusion": confusion,
        "hits": hits,
        "n": sum(map(len, hits.values())),
        "empty": empty,
    }


def _check_asked(model: Judge, drawings: Mapping[str, Sequence[Drawing]]) -> None:
    if unknown := sorted(set(drawings) - set(model.classes)):
        knows = ", ".join(model.classes)
        raise DataError(f"the recogniser was trained on {knows}, not on {', '.join(unknown)}; train one on these classes")
    if not drawings:
        raise DataError("no classes to recognise: give class -> drawings")
    if bare := [name for name, members in drawings.items() if not len(members)]:
        raise DataError(f"no drawings of {', '.join(bare)}: give at least one of every class, or leave the class out")
