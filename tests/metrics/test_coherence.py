"""Traits measured by hand, and the distance of their distributions."""

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.metrics import coherence
from sketchlib.strokes import Drawing


def sketch(*strokes, finished=None):
    return Drawing(tuple(np.array(s, np.float32) for s in strokes), finished=finished)


CROSS = sketch([[0, 0], [30, 40]], [[30, 0], [15, 20], [0, 40]])


def test_traits_by_hand():
    assert coherence.traits(CROSS) == {
        "strokes": 2,
        "points per stroke": 2.5,
        "line length": 100,
        "pen-up travel": 40,
        "aspect": 30 / 70,
    }
    assert coherence.traits(sketch([[5, 5]])) == {"strokes": 1, "points per stroke": 1, "line length": 0, "pen-up travel": 0, "aspect": 0.5}


def test_coherence_of_a_set_to_itself_is_zero_and_of_a_shifted_trait_its_shift():
    assert set(coherence.coherence([CROSS] * 3, [CROSS] * 2).values()) == {0}
    double = Drawing(tuple(2 * s for s in CROSS.strokes))
    found = coherence.coherence([double], [CROSS])
    assert found["line length"] == 100 and found["pen-up travel"] == 40 and found["strokes"] == found["aspect"] == 0


def test_relative_coherence_is_in_real_standard_deviations():
    real = [sketch([[0, 0], [length, 0]]) for length in (10, 30)]
    found = coherence.coherence([sketch([[0, 0], [30, 0]])] * 2, real, relative=True)
    assert np.isclose(found["line length"], 10 / 10) and found["strokes"] == 0


def test_the_distance_of_one_trait_is_in_the_unit_that_is_given_and_a_trait_that_does_not_vary_has_its_own():
    real, made = np.array([10.0, 30.0]), np.array([30.0, 30.0])
    assert coherence.deviation(real) == 10 and coherence.deviation(made) == 1
    assert coherence.distance(made, real) == 10 and coherence.distance(made, real, unit=coherence.deviation(real)) == 1


def test_ended_rate_counts_real_drawings_as_ended():
    assert coherence.ended_rate([sketch([[0, 0]], finished=True), sketch([[0, 0]], finished=False)]) == 0.5
    assert coherence.ended_rate([CROSS]) == 1
    with pytest.raises(DataError):
        coherence.ended_rate([])


def test_empty_sketches_are_refused_by_number():
    with pytest.raises(DataError, match=r"1 of 2 drawings are empty \(numbers 1 "):
        coherence.coherence([CROSS, sketch()], [CROSS])
    with pytest.raises(DataError, match="at least one drawing on each side"):
        coherence.coherence([CROSS], [])
    with pytest.raises(DataError, match="not finite"):
        coherence.coherence([CROSS], [sketch([[0, np.inf], [1, 1]])])
