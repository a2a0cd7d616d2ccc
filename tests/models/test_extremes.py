"""Numbers stay sane: loss and gradients of extreme drawings and extreme parameters, against the same in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sketchlib.data.batches import make_batch
from sketchlib.data.dataset import SketchSet, purify
from sketchlib.models.mixture import MAX_ATANH_RHO, MAX_LOG_SIGMA, pen_nll, split_parameters, stroke_nll
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.strokes import Drawing
from sketchlib.train import _runs_bfloat16

pytestmark = pytest.mark.numeric
CLAMP = 1000.0  # data units: what purification leaves
SIZES = dict(n_max=30, scale=20.0, n_mixtures=3)

# sigma and rho at their limits and past them, means on the point, near it and far away
means = st.sampled_from([0.0, 1.0, -1.0, 1.0000001, CLAMP / 20, 1e4])
sigmas = st.sampled_from([0.0, -MAX_LOG_SIGMA, MAX_LOG_SIGMA, -1e4, 1e4, -3.0])
rhos = st.sampled_from([0.0, MAX_ATANH_RHO, -MAX_ATANH_RHO, 1e4, -1e4, 0.5])
moves = st.tuples(*[st.sampled_from([0.0, 1.0, -1.0, CLAMP / 20, -CLAMP / 20, 1e-7])] * 2)


def one_component(mean_x, mean_y, sigma_x, sigma_y, rho):
    return torch.tensor([0.0, mean_x, mean_y, sigma_x, sigma_y, rho, 0.0, 1.0, -1.0])


def loss_and_gradient(raw, move, dtype):
    raw = raw.to(dtype).requires_grad_()
    mixture = split_parameters(raw)
    dx, dy = torch.tensor(move, dtype=torch.float32).to(dtype)
    loss = stroke_nll(mixture, dx, dy) + pen_nll(mixture, torch.tensor([0.0, 1.0, 0.0], dtype=dtype))
    (gradient,) = torch.autograd.grad(loss, raw)
    return loss.detach().double(), gradient.double()


@given(means, means, sigmas, sigmas, rhos, moves)
@hypothesis_settings(max_examples=200, deadline=None)
def test_one_component_costs_in_float32_what_it_costs_in_float64(mean_x, mean_y, sigma_x, sigma_y, rho, move):
    raw = one_component(mean_x, mean_y, sigma_x, sigma_y, rho)
    (loss, gradient), (exact, slope) = (loss_and_gradient(raw, move, dtype) for dtype in (torch.float32, torch.float64))
    assert torch.isfinite(gradient).all()
    assert loss == pytest.approx(float(exact), rel=1e-4, abs=1e-3)
    assert torch.allclose(gradient, slope, rtol=1e-3, atol=1e-3 * max(1.0, float(slope.abs().max())))


@given(st.lists(st.tuples(means, means, sigmas, sigmas, rhos), min_size=2, max_size=5), moves)
@hypothesis_settings(max_examples=100, deadline=None)
def test_several_components_cost_in_float32_what_they_cost_in_float64(components, move):
    parts = torch.tensor(components).T.flatten()
    raw = torch.cat([torch.linspace(-50, 50, len(components)), parts, torch.tensor([80.0, -80.0, 0.0])])  # some have no weight at all
    (loss, gradient), (exact, _) = (loss_and_gradient(raw, move, dtype) for dtype in (torch.float32, torch.float64))
    assert torch.isfinite(gradient).all()
    assert loss == pytest.approx(float(exact), rel=1e-4, abs=1e-3)


def extreme(name):
    """Twenty drawings of a kind that people do not draw."""
    there_and_back = [[0, 0], [CLAMP, -CLAMP], [0, 0], [CLAMP, CLAMP], [0, 0]]
    strokes = {
        "at the clamp": [there_and_back, there_and_back],
        "one-point strokes": [[[0, 0]]] * 12,
        "identical points": [[[7, 7]] * 12],
        "a hair's breadth": [[[0, 0], [1e-6, 0], [0, 1e-6], [0, 0], [1e-6, 1e-6]]],
    }[name]
    drawings = [Drawing(tuple(np.float32(stroke) for stroke in strokes), "cat")] * 20
    return purify(SketchSet.from_drawings({"cat": drawings}), 1, 100, CLAMP)


KINDS = ["at the clamp", "one-point strokes", "identical points", "a hair's breadth"]
MODELS = {
    "single": lambda: ConditionalDecoder(["cat"], hidden_size=16, embedding_size=4, **SIZES),
    "vae": lambda: SketchVAE(["cat"], encoder_size=8, decoder_size=16, latent_size=4, **SIZES),
}


@pytest.fixture
def once(monkeypatch):
    """Loss and all gradients of a batch, with the same codes in every precision, and in float64 from end to end."""

    def trained(make, sketches, dtype, autocast=False, collapsed=False):
        torch.manual_seed(0)
        model = collapse(make()) if collapsed else make()
        model, batch = model.to(dtype), make_batch(sketches, np.arange(len(sketches)), model.scale)
        noise = torch.zeros(len(batch), model.latent_size or 1, dtype=dtype)
        with monkeypatch.context() as patched, torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            patched.setattr(torch, "randn", lambda *shape, **how: noise)
            patched.setattr(torch.Tensor, "float", lambda tensor: tensor if tensor.dtype == torch.float64 else tensor.to(torch.float32))
            loss = model.loss(model.parts(replace(batch, x=batch.x.to(dtype))))
        loss.backward()
        return float(loss), torch.cat([p.grad.flatten().double() for p in model.parameters() if p.grad is not None])

    return trained


@torch.no_grad()
def collapse(model):
    """A model whose sigma and 1 - |rho| have gone to 0."""
    model.decoder.fc_params.bias[9:15] = -100.0
    model.decoder.fc_params.bias[15:18] = 100.0
    return model


@pytest.mark.parametrize("collapsed", [False, True], ids=["", "collapsed"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_extreme_drawings_cost_in_float32_what_they_cost_in_float64(name, kind, collapsed, once):
    sketches = extreme(kind)
    loss, gradient = once(MODELS[name], sketches, torch.float32, collapsed=collapsed)
    exact, slope = once(MODELS[name], sketches, torch.float64, collapsed=collapsed)
    assert torch.isfinite(gradient).all()
    assert loss == pytest.approx(exact, rel=1e-3, abs=1e-3)
    assert torch.nn.functional.cosine_similarity(gradient, slope, 0) > 0.999
    assert float(gradient.norm()) == pytest.approx(float(slope.norm()), rel=1e-2, abs=1e-6)


@pytest.mark.skipif(not _runs_bfloat16(torch.device("cpu")), reason="bfloat16 does not run here")
@pytest.mark.parametrize("collapsed", [False, True], ids=["", "collapsed"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_extreme_drawings_cost_in_bfloat16_about_what_they_cost_in_float64(name, kind, collapsed, once):
    sketches = extreme(kind)
    loss, gradient = once(MODELS[name], sketches, torch.float32, autocast=True, collapsed=collapsed)
    exact, _ = once(MODELS[name], sketches, torch.float64, collapsed=collapsed)
    assert np.isfinite(loss) and torch.isfinite(gradient).all()
    assert collapsed or loss == pytest.approx(exact, rel=0.1, abs=0.1)
