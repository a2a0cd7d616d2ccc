"""Shares, confidence and confusion counted by hand, with a recogniser whose reading is known."""

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.metrics.interval import bootstrap
from sketchlib.metrics.recognisability import recognisability
from sketchlib.strokes import Drawing


def sketch(*strokes):
    return Drawing(tuple(np.array(s, np.float32) for s in strokes))


CROSS = sketch([[0, 0], [30, 40]], [[30, 0], [15, 20], [0, 40]])


class Oracle:
    """A judge that reads a drawing by its number of strokes."""

    classes = ("one", "two")

    def predict(self, drawings):
        return np.array([[0.9, 0.1] if len(one.strokes) == 1 else [0.2, 0.8] for one in drawings])


@pytest.fixture
def oracle():
    return Oracle()


def test_recognisability_by_hand(oracle):
    one, two = sketch([[0, 0], [1, 1]]), CROSS
    found = recognisability(oracle, {"one": [one, one, two, one], "two": [two, one]})
    assert found["accuracy"] == 4 / 6 and found["by_class"] == {"one": 0.75, "two": 0.5} and found["n"] == 6
    assert np.isclose(found["confidence"], (3 * 0.9 + 0.2 + 0.8 + 0.1) / 6)
    assert found["confusion"].tolist() == [[0.75, 0.25], [0.5, 0.5]]
    assert bootstrap(np.mean, np.concatenate(list(found["hits"].values()))).value == found["accuracy"]


def test_an_empty_sketch_is_missed_also_where_its_class_comes_first(oracle):
    found = recognisability(oracle, {"one": [sketch(), sketch([[0, 0], [1, 1]])]})
    assert found["accuracy"] == 0.5 and found["empty"] == 1
    assert found["confusion"].sum() == 0.5 and np.isclose(found["confidence"], 0.45)
    assert recognisability(oracle, {"one": [sketch()]})["accuracy"] == 0


def test_recognisability_refuses_classes_it_was_not_trained_on(oracle):
    with pytest.raises(DataError, match="trained on one, two, not on cat; train one on these classes"):
        recognisability(oracle, {"cat": [CROSS]})
    with pytest.raises(DataError, match="no drawings of two"):
        recognisability(oracle, {"one": [CROSS], "two": []})
    with pytest.raises(DataError, match="no classes"):
        recognisability(oracle, {})
