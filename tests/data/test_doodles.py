"""Procedural doodles: what any data source must hold, and that the ten classes can be told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from sketchlib.data.doodles import CLASSES, doodle, doodles
from sketchlib.data.hand import Hand, arc, spline, turn
from sketchlib.data.quickdraw import TEN_CLASSES
from sketchlib.errors import DataError
from sketchlib.strokes import BOX, fit_to_box, resample

SET = doodles(TEN_CLASSES, 150, seed=0)


def same(a, b):
    return [d.word for d in a] == [d.word for d in b] and all(
        len(x.strokes) == len(y.strokes) and all(map(np.array_equal, x.strokes, y.strokes)) for x, y in zip(a, b, strict=True)
    )


def raster(drawing, size=20):
    """Ink on a coarse grid, blurred a little, so that a plain classifier can tell drawings apart."""
    points = np.concatenate([resample(stroke, 4) for stroke in fit_to_box(drawing).strokes])
    middle = (BOX - points.max(0)) / 2
    picture = np.histogram2d(*(points + middle).T, bins=size, range=[(0, BOX + 1)] * 2)[0] > 0
    padded = np.pad(picture.astype(float), 1)
    return sum(padded[i : i + size, j : j + size] for i in range(3) for j in range(3)).ravel() / 9


def test_the_classes_are_the_projects_ten():
    assert tuple(CLASSES) == TEN_CLASSES


@pytest.mark.parametrize("word", TEN_CLASSES)
def test_obeys_the_simplified_recipe(word):
    for drawing in SET[word]:
        points = np.concatenate(drawing.strokes)
        assert drawing.word == word
        assert points.min() >= 0 and points.max() <= BOX
        assert np.array_equal(points, np.round(points))
        assert np.ptp(points, axis=0).max() >= BOX - 6  # the longer side fills the box, up to epsilon at each end
        assert all(len(stroke) >= 2 for stroke in drawing.strokes)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEN_CLASSES), st.integers(0, 2**32 - 1))
def test_every_length_passes_purification(word, seed):
    assert 10 <= len(doodle(word, np.random.default_rng(seed)).stroke3) <= 200


@pytest.mark.parametrize("word", TEN_CLASSES)
def test_drawings_of_a_class_vary(word):
    assert len({len(drawing.strokes) for drawing in SET[word]}) >= 3
    assert len({drawing.stroke3.tobytes() for drawing in SET[word]}) == len(SET[word])
    starts = np.array([drawing.strokes[0][0] for drawing in SET[word]])
    assert starts.std(0).min() > 5


def test_stroke_order_varies():
    first_is_largest = [np.argmax([np.ptp(s, axis=0).sum() for s in d.strokes]) == 0 for d in SET["face"]]
    assert 0.6 < np.mean(first_is_largest) < 1


def test_a_seed_gives_the_same_drawings_whatever_else_is_asked_for():
    assert same(doodles(["pig", "cat"], 5, seed=3)["cat"], doodles(["cat"], 5, seed=3)["cat"])
    assert same(doodles(["sun"], 3, seed=3)["sun"], doodles(["sun"], 8, seed=3)["sun"][:3])
    assert same([doodle("car", np.random.default_rng(1))], [doodle("car", np.random.default_rng(1))])


def test_another_seed_gives_other_drawings():
    for word in TEN_CLASSES:
        assert not any(same([a], [b]) for a in SET[word][:5] for b in doodles([word], 5, seed=1)[word])


def test_does_not_touch_the_global_generator():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    doodles(["cat"], 2, seed=0)
    assert np.array_equal(before, np.random.get_state()[1])


def test_a_plain_classifier_tells_the_classes_apart():
    pictures = np.array([raster(drawing) for word in TEN_CLASSES for drawing in SET[word]])
    labels = np.repeat(np.arange(len(TEN_CLASSES)), 150)
    test = np.arange(len(labels)) % 3 == 0
    model = SVC(C=5).fit(pictures[~test], labels[~test])
    assert model.score(pictures[test], labels[test]) > 0.9


@pytest.mark.parametrize(("word", "near"), [("cta", "'cat'"), ("alarmclock", "'alarm clock'"), ("Radio", "'radio'")])
def test_an_unknown_class_is_answered_with_the_nearest(word, near):
    with pytest.raises(DataError, match=f"did you mean {near}"):
        doodles([word], 1, seed=0)


def test_a_class_like_no_other_is_answered_with_all():
    with pytest.raises(DataError, match="airplane, alarm clock, .* sun"):
        doodle("xyzzy", np.random.default_rng(0))


def test_a_curve_passes_through_its_points():
    points = np.array([(0, 0), (1, 0.5), (0.5, 2), (-1, 1)], float)
    assert all(np.abs(spline(points) - point).sum(1).min() < 1e-12 for point in points)


def test_angles_run_from_the_right_downward():
    assert np.allclose(arc(1, 2, 3, 4, 0, 90)[[0, -1]], [(4, 2), (1, 6)])
    assert np.allclose(np.array([(1, 0), (0, 1)]) @ turn(90), [(0, 1), (-1, 0)])


def test_a_pair_is_a_stroke_and_its_mirror_image():
    hand = Hand(np.random.default_rng(0))
    hand.shake = 0.0
    left, right = sorted(hand.pair(hand.line, (0.5, 0), (1, 1)), key=lambda stroke: stroke[0, 0])
    assert np.allclose(left, right * (-1, 1))


def test_pick_follows_its_probabilities():
    hand = Hand(np.random.default_rng(0))
    picks = [hand.pick("a", "b", lambda: "c", p=(0.2, 0.5, 0.3)) for _ in range(2000)]
    assert np.allclose([picks.count(way) / 2000 for way in "abc"], (0.2, 0.5, 0.3), atol=0.04)
