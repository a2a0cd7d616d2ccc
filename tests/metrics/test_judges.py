"""Histograms of directions counted by hand, and a machine that tells shapes apart."""

import numpy as np
import pytest

from sketchlib.data.doodles import doodles
from sketchlib.errors import DataError
from sketchlib.metrics.judges import CELLS, DIRECTIONS, direction_histograms, train_second_judge
from sketchlib.metrics.recognisability import recognisability
from sketchlib.strokes import Drawing

pytestmark = pytest.mark.numeric


def sketch(*strokes):
    return Drawing(tuple(np.array(s, np.float32) for s in strokes))


def histogram(drawing):
    return direction_histograms([drawing])[0].reshape(CELLS + 1, CELLS + 1, DIRECTIONS)


def test_a_level_line_is_found_in_its_rows_and_its_direction_only():
    found = histogram(sketch([[0, 0], [100, 0]])) ** 2
    assert np.isclose(found.sum(), 1) and np.isclose(found[:, :, 0].sum(), 1)
    rows = found.sum((1, 2))  # in the middle of the frame, between two rows of corners
    assert np.isclose(rows[3], 0.5) and np.isclose(rows[4], 0.5)
    columns = found.sum((0, 2))
    assert np.allclose(columns[1:7], columns[1]) and columns[8] == 0


def test_a_slanting_line_is_shared_between_two_directions():
    found = (histogram(sketch([[0, 0], [100, 100]])) ** 2).sum((0, 1))  # 45 degrees lie half-way between 30 and 60
    assert np.allclose(found, [0, 0.5, 0.5, 0, 0, 0])


@pytest.mark.parametrize("change", [lambda p: p[::-1], lambda p: 3 * p + 50])
def test_the_way_of_the_pen_size_and_place_do_not_count(change):
    points = np.array([[0, 0], [40, 10], [70, 90]])
    assert np.allclose(histogram(sketch(points)) ** 2, histogram(sketch(change(points))) ** 2, atol=1e-4)


def test_a_longer_line_weighs_more_and_a_dot_still_counts():
    both = histogram(sketch([[0, 0], [100, 0]], [[0, 100], [0, 75]])) ** 2
    assert np.isclose(both[:, :, 0].sum(), 0.8) and np.isclose(both[:, :, 3].sum(), 0.2)
    assert np.isclose((histogram(sketch([[5, 5]])) ** 2).sum(), 1)


@pytest.mark.parametrize(("drawing", "words"), [(sketch(), "without points"), (sketch([[0, 0], [np.nan, 1]]), "NaN or infinite")])
def test_drawings_that_cannot_be_read_are_refused(drawing, words):
    with pytest.raises(DataError, match=words):
        direction_histograms([drawing])


def test_it_tells_shapes_apart_and_is_the_same_each_time():
    classes = ("airplane", "sun", "face")
    train, test = (doodles(classes, 30, seed=seed) for seed in (0, 1))
    judge = train_second_judge(train)
    found = recognisability(judge, test)
    assert found["accuracy"] > 0.9 and found["confidence"] == found["accuracy"] and judge.drawings == 90
    again = train_second_judge(train)
    assert all(np.array_equal(judge.predict(members), again.predict(members)) for members in test.values())


def test_it_needs_two_classes_with_drawings():
    with pytest.raises(DataError, match="two classes at least"):
        train_second_judge({"sun": [sketch([[0, 0], [1, 1]])]})
    with pytest.raises(DataError, match="no training drawings of cat"):
        train_second_judge({"sun": [sketch([[0, 0], [1, 1]])], "cat": []})
