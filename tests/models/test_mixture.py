import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal
from torch.nn import functional as F

from sketchlib.errors import DataError
from sketchlib.models.mixture import cell_nll, draw, mode, pen_nll, perplexity, split_parameters, stroke_nll, temper

pytestmark = pytest.mark.numeric

LARGEST_UNIFORM = 1 - 2**-24  # the largest value that torch.rand returns in float32
seeds = st.integers(0, 2**31)


def raw_parameters(seed, shape=(), n_mixtures=4, size=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(*shape, 6 * n_mixtures + 3, generator=generator, dtype=dtype)


def reference(mixture):
    """The same density by torch.distributions."""
    s_x, s_y = mixture.log_sigma_x.exp(), mixture.log_sigma_y.exp()
    cross = torch.tanh(mixture.atanh_rho) * s_x * s_y
    covariance = torch.stack([torch.stack([s_x**2, cross], -1), torch.stack([cross, s_y**2], -1)], -2)
    means = torch.stack([mixture.mu_x, mixture.mu_y], -1)
    return MixtureSameFamily(Categorical(logits=mixture.log_pi), MultivariateNormal(means, covariance))


@pytest.mark.parametrize("seed", range(3))
def test_the_density_integrates_to_one(seed):
    mixture = split_parameters(raw_parameters(seed, n_mixtures=3).clamp(-1, 1))
    assert mixture.atanh_rho.abs().max() > 0.3  # correlated
    axis = torch.linspace(-20, 20, 401, dtype=torch.float64)
    x, y = torch.meshgrid(axis, axis, indexing="ij")
    spread = type(mixture)(*(p.expand(*x.shape, -1) for p in mixture))
    assert torch.exp(-stroke_nll(spread, x, y)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-6)


@given(seeds, st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_the_density_equals_torch_distributions(seed, n_mixtures):
    mixture = split_parameters(raw_parameters(seed, (2, 3), n_mixtures))
    moves = 3 * torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = -reference(mixture).log_prob(moves)
    assert torch.allclose(stroke_nll(mixture, moves[..., 0], moves[..., 1]), expected, rtol=1e-9, atol=1e-9)


# --- cells of the data's grid ---


def over_cells(raw, side, half_width):
    """A mixture laid over all cells of this side round the origin, and the cells' centres."""
    axis = side * torch.arange(-half_width, half_width + 1, dtype=torch.float64)
    x, y = torch.meshgrid(axis, axis, indexing="ij")
    mixture = split_parameters(raw)
    return type(mixture)(*(p.expand(*x.shape, -1) for p in mixture)), x, y


@pytest.mark.parametrize(("seed", "side", "size"), [(0, 1.0, 1.0), (1, 0.5, 0.7), (2, 2.0, 2.0), (3, 1.0, 3.0)])
def test_the_probabilities_of_all_cells_sum_to_one(seed, side, size):
    raw = raw_parameters(seed, n_mixtures=3, size=size).clamp(-1.5, 1.5)
    assert torch.exp(-cell_nll(*over_cells(raw, side, 40), side)).sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_a_cell_holds_what_scipy_finds_in_the_rectangle(seed):
    mixture = split_parameters(raw_parameters(seed, n_mixtures=3))
    at, side = np.array([0.4, -0.7]), 1.0
    total = 0.0
    for pi, mu_x, mu_y, s_x, s_y, rho in zip(*(part.exp() if i in (0, 3, 4) else part for i, part in enumerate(mixture[:6])), strict=True):
        cross = float(torch.tanh(rho) * s_x * s_y)
        covariance = [[float(s_x) ** 2, cross], [cross, float(s_y) ** 2]]
        normal = multivariate_normal([float(mu_x), float(mu_y)], covariance, abseps=1e-9, releps=1e-9)
        total += float(pi) * normal.cdf(at + side / 2, lower_limit=at - side / 2)
    assert cell_nll(mixture, *torch.tensor(at), side).item() == pytest.approx(-math.log(total), abs=1e-3)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_a_small_cell_costs_the_density_over_its_area(seed):
    mixture = split_parameters(raw_parameters(seed, (20,)))
    moves = torch.randn(20, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    side = 1e-4  # smaller ones lose digits where a component is far away
    small = cell_nll(mixture, *moves.unbind(-1), side) + 2 * math.log(side)
    density = stroke_nll(mixture, *moves.unbind(-1))
    near = density < 20  # the quadrature loses digits where all components are far away
    assert near.any() and torch.allclose(small[near], density[near], atol=5e-3)


@given(seeds, st.floats(0.01, 2.0))
@settings(max_examples=20, deadline=None)
def test_no_cell_is_cheaper_than_nothing_however_narrow_the_mixture(seed, side):
    raw = raw_parameters(seed, (30,), size=20.0)
    moves = torch.randn(30, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = cell_nll(split_parameters(raw), *moves.unbind(-1), side)
    assert torch.isfinite(found).all() and (found > -1e-6).all()


def test_a_spike_gains_without_end_as_a_density_and_nothing_as_a_cell():
    zero = torch.zeros(9, dtype=torch.float64)
    densities, cells = [], []
    for log_sigma in (-3.0, -5.0, -7.0):
        narrow = zero.clone()
        narrow[3:5] = log_sigma
        mixture = split_parameters(narrow)
        densities.append(stroke_nll(mixture, zero[0], zero[0]).item())
        cells.append(cell_nll(mixture, zero[0], zero[0], 1.0).item())
    assert np.allclose(np.diff(densities), -4) and np.allclose(cells, 0, atol=1e-6)


# --- numbers ---


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_float32_agrees_with_float64(seed):
    raw, move = raw_parameters(seed, (50,)), torch.tensor([1.5, -0.5], dtype=torch.float64).expand(50, 2)
    double = stroke_nll(split_parameters(raw), *move.unbind(-1))
    single = stroke_nll(split_parameters(raw.float()), *move.float().unbind(-1))
    assert torch.allclose(single.double(), double, rtol=1e-3, atol=1e-3)


@given(seeds, st.sampled_from([0.0, 1.0, 30.0, 1e4]), st.sampled_from([0.0, 1.0, 2000.0]), st.sampled_from([-1.0, 1.0]))
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_finite_for_any_output_and_any_movement(seed, size, reach, sign):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(-1, 2, (20, 6 * 5 + 3), generator=generator) + 0.0  # -1, 0, 1: the corners as well
    raw = (sign * size * noise).requires_grad_()
    moves = reach * (2 * torch.rand(20, 2, generator=generator) - 1)
    moves[0] = reach  # 2000 is a clamped movement of 1000 at a scale of 0.5
    mixture = split_parameters(raw)
    pen = F.one_hot(torch.randint(0, 3, (20,), generator=generator), 3)
    loss = stroke_nll(mixture, *moves.unbind(-1)) + pen_nll(mixture, pen)
    loss.sum().backward()
    assert loss.isfinite().all() and raw.grad.isfinite().all()
    assert torch.isfinite(raw.grad.norm())  # else clipping by the norm would erase the step


def test_a_movement_on_the_mean_of_the_narrowest_component_is_finite():
    raw = torch.full((1, 9), -1e4)
    raw[0, 1:3] = 0.0
    zero = torch.zeros(1)
    raw.requires_grad_()
    nll = stroke_nll(split_parameters(raw), zero, zero)
    nll.sum().backward()
    assert nll.isfinite().all() and nll < -10 and raw.grad.isfinite().all()


def test_pen_nll_is_cross_entropy_summed_over_the_three_states():
    mixture = split_parameters(raw_parameters(0, (5, 7), size=2.0))
    happened = torch.randint(0, 3, (5, 7), generator=torch.Generator().manual_seed(1))
    expected = F.cross_entropy(mixture.pen_logits.reshape(-1, 3), happened.reshape(-1), reduction="none").reshape(5, 7)
    assert torch.allclose(pen_nll(mixture, F.one_hot(happened, 3).double()), expected)


def test_a_pen_that_knows_nothing_costs_log_three():
    raw = torch.zeros(9)
    assert pen_nll(split_parameters(raw), torch.tensor([0.0, 1.0, 0.0])) == pytest.approx(math.log(3))


@pytest.mark.parametrize("width", [0, 1, 3, 8, 10, 122, 124])
def test_a_head_of_another_width_is_refused(width):
    with pytest.raises(DataError, match=rf"width {width}: expected 6 M \+ 3"):
        split_parameters(torch.zeros(2, width))


@pytest.mark.parametrize("n_mixtures", [1, 2, 20])
def test_the_parts_come_in_the_published_order(n_mixtures):
    raw = torch.arange(6.0 * n_mixtures + 3) / 100
    mixture = split_parameters(raw)
    parts = [mixture.mu_x, mixture.mu_y, mixture.log_sigma_x, mixture.log_sigma_y, mixture.atanh_rho, mixture.pen_logits]
    assert torch.allclose(torch.cat(parts), raw[n_mixtures:])
    assert torch.allclose(mixture.log_pi.exp().sum(), torch.tensor(1.0))


def test_perplexity_counts_the_components_in_use():
    raw = torch.zeros(3, 6 * 4 + 3)
    raw[1, 0], raw[2, :2] = 50.0, 50.0
    assert torch.allclose(perplexity(split_parameters(raw)), torch.tensor([4.0, 1.0, 2.0]))


# --- temperature ---


def test_temperature_one_changes_nothing():
    mixture = split_parameters(raw_parameters(0, (6,)))
    for before, after in zip(mixture, temper(mixture, 1.0), strict=True):
        assert torch.allclose(before, after)


@pytest.mark.parametrize("tau", [0.1, 0.4, 2.0])
def test_temperature_raises_probabilities_to_its_inverse_and_scales_the_variance(tau):
    mixture = split_parameters(raw_parameters(0, (6,)))
    hot = temper(mixture, tau)
    for before, after in ((mixture.log_pi, hot.log_pi), (mixture.pen_logits.log_softmax(-1), hot.pen_logits.log_softmax(-1))):
        power = before.exp() ** (1 / tau)
        assert torch.allclose(after.exp(), power / power.sum(-1, keepdim=True))
    for before, after in ((mixture.log_sigma_x, hot.log_sigma_x), (mixture.log_sigma_y, hot.log_sigma_y)):
        assert torch.allclose(after.exp() ** 2, tau * before.exp() ** 2)
    assert all(torch.equal(getattr(mixture, k), getattr(hot, k)) for k in ("mu_x", "mu_y", "atanh_rho"))


def test_the_pen_may_have_a_temperature_of_its_own():
    mixture = split_parameters(raw_parameters(0, (6,)))
    hot, pen = temper(mixture, 0.4, 0.7), temper(mixture, 0.7)
    assert torch.equal(hot.pen_logits, pen.pen_logits) and torch.equal(hot.log_pi, temper(mixture, 0.4).log_pi)
    with pytest.raises(DataError, match="temperature 0: it must be above 0"):
        temper(mixture, 0.4, 0)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_temperature_to_zero_is_the_mode(seed):
    mixture = split_parameters(raw_parameters(seed, (30,)))
    generator = torch.Generator().manual_seed(seed)
    uniform, normal = torch.rand(30, 2, generator=generator), torch.randn(30, 2, generator=generator)
    move, pen = draw(temper(mixture, 1e-12), uniform, normal)
    sure, choice = mode(mixture)
    assert torch.allclose(move, sure, atol=1e-3) and torch.equal(pen, choice)


@given(seeds, st.sampled_from([1e-20, 1e-6, 0.01, 0.4, 10.0, 1e6]))
@settings(max_examples=40, deadline=None)
def test_temperature_makes_no_nan_however_small_a_probability_is(seed, tau):
    raw = raw_parameters(seed, (10,), size=1e4, dtype=torch.float32)
    hot = temper(split_parameters(raw), tau)
    assert not any(part.isnan().any() for part in hot)
    generator = torch.Generator().manual_seed(seed)
    move, pen = draw(hot, torch.rand(10, 2, generator=generator), torch.randn(10, 2, generator=generator))
    assert move.isfinite().all() and ((pen >= 0) & (pen < 3)).all()


@pytest.mark.parametrize("tau", [0, -0.1, math.nan])
def test_temperature_must_be_above_zero(tau):
    with pytest.raises(DataError, match="must be above 0"):
        temper(split_parameters(torch.zeros(9)), tau)


# --- drawing ---


def test_drawn_moments_and_frequencies_are_those_of_the_density():
    n = 40_000
    raw = raw_parameters(3, n_mixtures=3).clamp(-1, 1)
    generator = torch.Generator().manual_seed(0)
    mixture = split_parameters(raw.expand(n, -1))
    uniform = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    move, pen = draw(mixture, uniform, torch.randn(n, 2, generator=generator, dtype=torch.float64))
    one = split_parameters(raw)
    mean, parts = reference(one).mean, reference(one).component_distribution
    pi = one.log_pi.exp()[:, None, None]
    off = (parts.mean - mean)[..., None]
    covariance = (pi * (parts.covariance_matrix + off @ off.mT)).sum(0)
    deviation = covariance.diagonal().sqrt()
    assert ((move.mean(0) - mean).abs() < 5 * deviation / math.sqrt(n)).all()
    assert torch.allclose(move.T.cov(), covariance, atol=0.05 * float(covariance.max()))
    share = torch.bincount(pen, minlength=3) / n
    assert torch.allclose(share.double(), one.pen_logits.softmax(-1), atol=5 * 0.5 / math.sqrt(n))


def test_correlation_has_the_sign_of_rho():
    raw = torch.zeros(2000, 9)
    raw[:, 5] = -1.0
    generator = torch.Generator().manual_seed(0)
    move, _ = draw(split_parameters(raw), torch.rand(2000, 2, generator=generator), torch.randn(2000, 2, generator=generator))
    assert move.T.corrcoef()[0, 1] == pytest.approx(math.tanh(-1.0), abs=0.05)


@given(seeds, st.integers(1, 20), st.sampled_from([0.1, 1.0, 5.0, 1e4]), st.sampled_from([0.0, LARGEST_UNIFORM]))
@settings(max_examples=80, deadline=None)
def test_the_ends_of_the_uniform_pick_a_choice_that_exists_and_is_possible(seed, n_mixtures, size, u):
    raw = raw_parameters(seed, (50,), n_mixtures, size, torch.float32)
    raw[:, n_mixtures : 2 * n_mixtures] = torch.arange(n_mixtures)  # mu_x tells which component was picked
    mixture = split_parameters(raw)
    move, pen = draw(mixture, torch.full((50, 2), u), torch.zeros(50, 2))
    component = move[:, :1].long()
    assert ((component >= 0) & (component < n_mixtures)).all() and ((pen >= 0) & (pen < 3)).all()
    assert (mixture.log_pi.gather(1, component).exp() > 0).all()
    assert (mixture.pen_logits.softmax(-1).gather(1, pen[:, None]) > 0).all()


def test_mode_is_the_mean_of_the_heaviest_component_and_the_likeliest_pen():
    raw = torch.tensor([[0.0, 2.0, 10.0, 20.0, 30.0, 40.0, 5.0, 5.0, 5.0, 5.0, 0.0, 0.0, -1.0, 3.0, 1.0]])
    move, pen = mode(split_parameters(raw))
    assert move.tolist() == [[20.0, 40.0]] and pen.tolist() == [1]
