"""Learning by heart is found where it is done, and is not where it is not."""

import numpy as np
import pytest
import torch

from sketchlib.data.dataset import SketchSet
from sketchlib.data.doodles import doodles
from sketchlib.errors import DataError
from sketchlib.finetuning import parted
from sketchlib.metrics.memorisation import by_heart, pixels
from sketchlib.models.single import ConditionalDecoder

SUNS = doodles(["sun"], 60, seed=0)["sun"]
LEARNT, HELD_OUT = parted(SUNS[:40], "sun", 0.5)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ConditionalDecoder(["sun"], 200, 40.0, hidden_size=8, embedding_size=4, n_mixtures=2).eval()


def test_copies_are_all_found_and_each_with_its_original(model):
    found = by_heart(model, LEARNT, HELD_OUT, LEARNT.drawings())
    assert found.copies == 1 and found.index.tolist() == list(range(len(LEARNT)))


def test_sketches_like_those_held_out_are_near_copies_as_rarely(model):
    found = by_heart(model, LEARNT, HELD_OUT, HELD_OUT.drawings(), quantile=0.1)
    assert found.copies == pytest.approx(0.1, abs=0.06)
    assert by_heart(model, LEARNT, HELD_OUT, SUNS[40:]).copies < 0.5


def test_the_gap_is_that_of_the_two_losses_and_none_between_equal_parts(model):
    found = by_heart(model, LEARNT, LEARNT, SUNS[40:])
    assert found.train == found.held_out and found.gap == 0
    assert by_heart(model, LEARNT, HELD_OUT, SUNS[40:]).gap != 0


def test_a_copy_that_is_moved_and_enlarged_is_one_still():
    one = SUNS[0]
    moved = type(one)(tuple(2 * stroke + 7 for stroke in one.strokes))
    assert np.allclose(*pixels([one, moved]), atol=1e-3)


@pytest.mark.parametrize("empty", range(3))
def test_nothing_to_compare_is_refused(model, empty):
    none = SketchSet.from_drawings({"sun": []})
    parts = [LEARNT, HELD_OUT, SUNS]
    parts[empty] = [] if empty == 2 else none
    with pytest.raises(DataError, match="at least one of each"):
        by_heart(model, *parts)
