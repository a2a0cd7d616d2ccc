"""What a step costs: the count against torch's own counter, and the line through measured points."""

import numpy as np
import pytest
import torch
from synthetic import sketch_set, terms_of
from torch.utils.flop_counter import FlopCounterMode

from sketchlib.data import dataset
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.files import trainings_before
from sketchlib.metrics import cost
from sketchlib.models import weights
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE


def counted(model, batch):
    """Operations of a training step by torch's counter, with the LSTM in plain matrix products."""
    with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        terms_of(model, batch)["loss"].backward()
    return counter.get_total_flops()


def test_the_count_is_torchs_own():
    sketches = sketch_set(n=8, classes=("cat",), low=9, high=9)
    model = ConditionalDecoder(("cat",), 9, 3.0, hidden_size=32, embedding_size=11, n_mixtures=4)  # rows of 16: no zeros widen them
    batch = make_batch(sketches, range(8), model.scale)
    once = 6 * 8 * model.decoder.fc_init_hc.weight.numel()  # not a row's, a drawing's
    assert counted(model, batch) == cost.training_flops(model, 8 * 10) + once


def test_the_vaes_encoder_counts_too():
    sizes = dict(encoder_size=6, decoder_size=16, latent_size=4, n_mixtures=3)
    model = SketchVAE(("cat",), 9, 3.0, **sizes)
    assert model.weights_per_row() == 2 * 4 * 6 * (5 + 6) + 4 * 16 * (5 + 4 + 16) + 16 * (6 * 3 + 3)


def test_the_line_through_exact_points_is_found():
    x = np.array([1e5, 1e6, 1e7])
    assert cost.line(x, 3e-12 * x + 2e-6) == pytest.approx((3e-12, 2e-6))


def test_a_step_is_measured_on_real_rows():
    sketches = sketch_set(n=30, classes=("cat",), low=9, high=9)
    model = ConditionalDecoder(("cat",), 9, 3.0, hidden_size=8, embedding_size=2, n_mixtures=2)
    seconds, rows = cost.step_seconds(model, sketches, 5)
    assert seconds > 0 and rows == 5 * 10
    assert all(p.grad is None for p in model.parameters())


def test_a_small_set_is_gone_through_again_and_an_empty_one_is_an_error():
    model = ConditionalDecoder(("cat",), 12, 3.0, hidden_size=8, embedding_size=2, n_mixtures=2)
    sketches = sketch_set(n=8, classes=("cat",), low=9, high=9)
    assert cost.step_seconds(model, sketches, 8)[1] == 8 * 10
    with pytest.raises(DataError, match="at least one"):
        cost.step_seconds(model, dataset.cap(sketches, 0, 0), 8)


def test_a_bill_adds_up(tmp_path):
    models = [ConditionalDecoder(("cat",), 9, 3.0, hidden_size=8, embedding_size=2, n_mixtures=2) for _ in range(2)]
    before = {"train_seconds": 0.5, "steps": 100}
    found = cost.bill(models, [{"train_seconds": 1.5, "steps": 10, "pretraining": before}, {"train_seconds": 3.0, "steps": 1}])
    count = sum(p.numel() for p in models[0].parameters())
    assert found["parameters"] == 2 * count and found["train_seconds"] == 5.0 and found["steps"] == 111
    assert found["memory_all"] == 2 * found["memory_one_class"] == 8 * count
    for entry, half in (("disk", False), ("disk_half", True)):
        weights.save(models[0], tmp_path / entry, half=half)
        assert found[entry] == 2 * (tmp_path / entry).stat().st_size
    assert found["disk_half"] < found["disk"]


def test_what_several_models_started_from_is_counted_once():
    first = {"train_seconds": 0.25, "steps": 7}
    shared = {"train_seconds": 0.5, "steps": 100, "pretraining": first}
    cards = [{"train_seconds": 1.0, "steps": 10, "pretraining": one} for one in (shared, dict(shared), first)]
    assert trainings_before(cards[0]) == [first, shared] and trainings_before({"pretraining": None}) == []
    models = [ConditionalDecoder(("cat",), 9, 3.0, hidden_size=8, embedding_size=2, n_mixtures=2)]
    found = cost.bill(models, cards)
    assert found["train_seconds"] == 3.75 and found["steps"] == 137


def test_a_gpu_computes_waits_and_exchanges():
    model = ConditionalDecoder(("cat",), 9, 3.0, hidden_size=8, embedding_size=2, n_mixtures=2)
    flops, size = cost.training_flops(model, 1), cost.memory(model)
    gpu = cost.Gpu(rate=flops * 10.0, row=0.5, link=float(size))
    assert gpu.seconds(model, drawings=100, rows=3, batch=10) == pytest.approx(100 * 3 / 10 + 10 * 3 * 0.5)
    assert gpu.seconds(model, drawings=100, rows=3, batch=10, gpus=2) == pytest.approx(100 * 3 / 20 + 10 * (3 * 0.5 + 1.0))
