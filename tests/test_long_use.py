"""What is used for long stays small: memory while many sketches are sampled, and no figure left open. Small versions of long runs."""

import gc
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sketchlib.models.single import ConditionalDecoder
from sketchlib.pictures import draw
from sketchlib.sampling import sample
from sketchlib.strokes import Drawing

MODEL = ConditionalDecoder(["cat"], 10, 10.0, hidden_size=8, embedding_size=4, n_mixtures=2).eval()
CAT = Drawing(([[0, 0], [30, 40]],), "cat")


def kept_after(rounds):
    """Bytes that Python keeps after so many rounds of sampling, beside the sketches, which are let go; and tensors that are alive."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for seed in range(rounds):
        sample(MODEL, "cat", 50, 0.5, seed)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.slow)])  # 10,000 sketches
def test_memory_stays_flat_while_sketches_are_sampled(rounds):
    tracemalloc.start()
    try:
        kept_after(5)  # what is kept once, of imports and caches
        assert kept_after(rounds) < 100_000  # one sketch in a hundred, left behind, would be more
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_figure_is_left_open(n, tmp_path):
    plt.close("all")
    for number in range(n):
        draw.grid([CAT], titles=[number], size=0.5)
        if number % 10 == 0:
            draw.save_png(CAT, tmp_path / "cat.png", dpi=20)
            draw.beside({"a": [CAT]}), draw.class_grid({"a": [CAT]}), draw.compare([CAT], [CAT])
    assert plt.get_fignums() == []


def test_every_picture_of_the_library_closes_its_figure():
    from sketchlib.pictures import plots, scores

    plt.close("all")
    one = type("One", (), dict(value=1.0, low=0.5, high=2.0))()
    plots.curves([{"step": 1, "train": {"a": 1.0}, "valid": {"a": 1.0}}], {"a": "a"}, "nats")
    plots.sweep({"p": {"a": [one]}}, [1.0], "x", {"a": "#123456"})
    plots.boxes([CAT], [(0, 0, 30, 40)]), plots.moments([np.zeros((4, 4))] * 3)
    scores.along({"real": {1.0: one}}, ("m", 1.0), ("x", "y")), scores.beside_floors({"p": (None, {"real": one})})
    assert plt.get_fignums() == []
