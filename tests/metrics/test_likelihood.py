"""Likelihoods: cells as scipy integrates them, a spike that gains nothing, bounds that are bounds, classes that match by name."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from synthetic import sketch_set

from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.metrics import likelihood
from sketchlib.models.decoder import reconstruction
from sketchlib.models.mixture import Mixture, split_parameters
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE

pytestmark = pytest.mark.numeric

SET = sketch_set()
CATS = SET.only("cat")


def means(*arguments, **more):
    return likelihood.costs(*arguments, **more).means()


@pytest.fixture
def single():
    torch.manual_seed(0)
    return ConditionalDecoder(("cat", "sun"), 12, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3)


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return SketchVAE(("cat",), 12, 15.0, encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)


# The bound on a linear Gaussian model, whose evidence is known: z ~ N(0, I), x | z ~ N(w z, s^2).

W, S, X = 1.5, 0.7, torch.tensor([[0.3], [-2.0], [1.1]], dtype=torch.float64)
EVIDENCE = torch.distributions.Normal(0.0, math.sqrt(W**2 + S**2)).log_prob(X)[:, 0].double()


def log_p_x_given_z(z):
    return torch.distributions.Normal(W * z, S).log_prob(X)[:, 0]


def noise(k, seed=0):
    return torch.randn(k, 3, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_with_the_true_posterior_every_sample_gives_the_evidence():
    variance = 1 / (1 + W**2 / S**2)
    mu, log_var = variance * W / S**2 * X, torch.full_like(X, math.log(variance))
    for k in (1, 5):
        assert torch.allclose(likelihood.importance_bound(log_p_x_given_z, mu, log_var, noise(k)), EVIDENCE, atol=1e-6)


def test_the_bound_of_one_sample_is_the_elbo_of_that_sample():
    mu, log_var, e = 0.4 * X, torch.full_like(X, -0.6), noise(1)
    z = mu + torch.exp(log_var / 2) * e[0]
    log_p, log_q = torch.distributions.Normal(0.0, 1.0).log_prob(z), torch.distributions.Normal(mu, torch.exp(log_var / 2)).log_prob(z)
    assert torch.allclose(likelihood.importance_bound(log_p_x_given_z, mu, log_var, e), log_p_x_given_z(z) + (log_p - log_q)[:, 0])


def mean_bound(k, repeats=3000):
    """The bound of K samples with the prior as q, averaged over many draws."""
    prior = torch.zeros_like(X)
    bounds = [likelihood.importance_bound(log_p_x_given_z, prior, prior, noise(k, seed)) for seed in range(repeats)]
    return torch.stack(bounds).mean(0)


def test_the_bound_tightens_with_k_towards_the_evidence():
    one, four, many = mean_bound(1), mean_bound(4), mean_bound(300, 60)
    assert (one < four).all() and (four < many).all() and (many < EVIDENCE + 0.05).all()
    assert (EVIDENCE - many < 0.2).all()


def test_one_sample_is_the_evidence_lower_bound():
    # E_q log p(x | z) with q the prior, in closed form; KL(q || p) is 0.
    closed = -0.5 * math.log(2 * math.pi * S**2) - (X[:, 0] ** 2 + W**2) / (2 * S**2)
    assert torch.allclose(mean_bound(1), closed, atol=0.35)


def test_the_vaes_bound_is_between_its_elbo_and_the_evidence_by_the_prior(vae):
    def iw(samples):
        return np.mean([means(vae, CATS, seed=s, samples=samples)["iw_per_sketch"] for s in range(3)])

    elbo = np.mean([means(vae, CATS, seed=s)["per_sketch"] for s in range(20)])
    one, few, many = iw(1), iw(8), iw(100)
    assert many < few < one
    assert "iw_per_sketch" not in means(vae, CATS)  # not asked for, so not made up
    assert abs(one - elbo) < 0.2 * (one - many) + 0.3


def test_the_bounds_of_a_vae_are_above_its_exact_cost_and_close_in_on_it():
    """Of a VAE with one unit of z the evidence is an integral over a line, which Gauss and Hermite's rule takes."""
    torch.manual_seed(0)
    vae, some = SketchVAE(("cat",), 12, 15.0, encoder_size=8, decoder_size=16, latent_size=1, n_mixtures=3).eval(), CATS.subset(range(6))
    batch, (at, weights) = make_batch(some, range(6), 15.0), np.polynomial.hermite_e.hermegauss(40)
    with torch.no_grad():
        vae.decoder.fc_init_hc.weight.mul_(4)
        nats = [likelihood.on_grid(vae(batch, torch.full((6, 1), float(z))), batch, 1 / 15.0) for z in at]
    log_weights = torch.from_numpy(np.log(weights / weights.sum()))
    exact = -torch.logsumexp(log_weights[:, None] - torch.stack(nats), 0).numpy()
    elbo = np.mean([likelihood.costs(vae, some, seed=seed).elbo for seed in range(60)], 0)
    iw = np.mean([likelihood.costs(vae, some, seed=seed, samples=32).iw for seed in range(8)], 0)
    assert exact.mean() - 0.1 < iw.mean() < elbo.mean() and np.abs(iw - exact).max() < 0.5


def test_a_vae_that_ignores_z_has_the_evidence_as_every_bound(vae):
    with torch.no_grad():
        for weight in (vae.encoder.fc_mu, vae.encoder.fc_log_var, vae.decoder.fc_init_hc):
            weight.weight.zero_()
            weight.bias.zero_()
        vae.decoder.lstm.weight_ih_l0[:, 5:].zero_()
    found = means(vae, CATS, samples=7)
    assert np.isclose(found["iw_per_sketch"], found["per_sketch"], atol=1e-4) and abs(found["l_kl"]) < 1e-9


# The models


def rectangle(mixture, at, side):
    """-log of the probability of a cell by scipy: the normal distribution function at its four corners."""
    total = 0.0
    for j in range(len(mixture.log_pi)):
        mean = [float(mixture.mu_x[j]), float(mixture.mu_y[j])]
        s_x, s_y, rho = float(mixture.log_sigma_x[j].exp()), float(mixture.log_sigma_y[j].exp()), math.tanh(mixture.atanh_rho[j])
        normal = multivariate_normal(mean, [[s_x**2, rho * s_x * s_y], [rho * s_x * s_y, s_y**2]], abseps=1e-9, releps=1e-9)
        total += float(mixture.log_pi[j].exp()) * normal.cdf(at + side / 2, lower_limit=at - side / 2)
    return -math.log(total)


def test_the_single_models_cost_is_that_of_the_cells_and_of_the_pen(single):
    one = CATS.subset([0])
    batch = make_batch(one, [0], single.scale)
    with torch.no_grad():
        raw = single(batch)
        mixture = split_parameters(raw)
        pen = reconstruction(raw, batch)[1]
    rows = [Mixture(*(part[0, t].double() for part in mixture)) for t in range(int(batch.lengths[0]))]
    cells = sum(rectangle(row, at, 1 / 15.0) for row, at in zip(rows, batch.x[0, 1:, :2].double().numpy(), strict=False))
    assert np.isclose(likelihood.costs(single, one).grid[0], cells + pen.item(), rtol=1e-5)


def test_of_the_single_model_every_bound_is_the_cost_and_the_papers_figure_is_a_density(single):
    batch = make_batch(SET, np.arange(len(SET)), single.scale)
    with torch.no_grad():
        stroke, pen = reconstruction(single(batch), batch)
    found = likelihood.costs(single, SET, batch_size=7, samples=2)
    assert np.allclose(found.l_r, (stroke + pen).numpy(), rtol=1e-4)
    assert np.array_equal(found.iw, found.grid) and np.array_equal(found.elbo, found.grid) and not found.l_kl.any()
    result = found.means()
    assert np.isclose(result["paper"], (stroke + pen).mean().item() / 12, rtol=1e-4)
    assert np.isclose(result["per_sketch"] / result["per_point"], SET.lengths.mean())
    assert result["iw_per_sketch"] == result["per_sketch"] and result["n"] == 60 and result["points"] == SET.lengths.sum()


def test_while_the_density_is_smooth_a_cell_costs_the_density_in_data_units(single):
    found = likelihood.costs(single, SET)
    assert np.allclose(found.grid, found.l_r + SET.lengths * math.log(15.0**2), rtol=1e-3)  # of deviations near 1 and cells of 1 / 15


def test_a_spike_on_the_grid_lowers_the_density_without_end_and_the_cells_only_to_nothing(single):
    """Drawings whose every movement is the same: the narrower the model, the better its density; a cell's probability stays below 1."""
    same = replace(SET, points=np.tile(np.array([[15, 0, 0]], SET.points.dtype), (len(SET.points), 1)))
    with torch.no_grad():
        head = single.decoder.fc_params
        head.weight.zero_()
        head.bias.zero_()
        head.bias[3:6] = 1.0  # mu_x, one normalised unit: 15 data units
        costs = []
        for log_sigma in (-2.0, -4.0, -6.0):
            head.bias[9:15] = log_sigma
            costs.append(likelihood.costs(single, same))
    points, pen = SET.lengths, math.log(3) * (SET.lengths + 1)
    for wide, narrow in zip(costs[:-1], costs[1:], strict=True):
        assert np.allclose(wide.l_r - narrow.l_r, 4 * points, rtol=1e-4)
    assert all((one.grid >= pen - 1e-4).all() for one in costs)
    assert np.allclose(costs[2].grid, pen, atol=1e-3)


def test_neither_scale_nor_unit_is_in_the_cost(single):
    """The same model in other normalised units: twice the scale, half the means and deviations. A cell is a cell."""
    double = replace(SET, points=SET.points * np.array([2, 2, 1], SET.points.dtype))
    once, single.scale = means(single, SET), 30.0
    twice = means(single, double)
    assert np.isclose(twice["paper"], once["paper"], rtol=1e-5)
    assert np.isclose(twice["per_point"] - once["per_point"], math.log(4), rtol=5e-3)  # four times as many cells to tell apart


def test_classes_match_by_name_and_not_by_number(single):
    turned = replace(SET, labels=1 - SET.labels, classes=("sun", "cat"))
    assert np.allclose(likelihood.costs(single, SET).grid, likelihood.costs(single, turned).grid, rtol=1e-5)
    with pytest.raises(DataError, match="knows cat, sun, not pig"):
        means(single, replace(SET, classes=("cat", "pig")))
    assert means(single, SET.subset(SET.labels == 1))["n"] == 30


def test_a_router_costs_each_drawing_under_its_own_class(vae):
    torch.manual_seed(1)
    sun = SketchVAE(("sun",), 20, 9.0, encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)
    whole = likelihood.costs(Router({"cat": vae, "sun": sun}), SET)
    cats = SET.labels == 0
    assert np.allclose(whole.grid[cats], likelihood.costs(vae, SET).grid[cats], rtol=1e-5)
    assert np.allclose(whole.grid[~cats], likelihood.costs(sun, SET).grid[~cats], rtol=1e-5)
    assert set(whole.n_max[cats]) == {12} and set(whole.n_max[~cats]) == {20}


def test_neither_batch_size_nor_training_mode_changes_a_figure():
    torch.manual_seed(0)
    vae = SketchVAE(("cat",), 12, 15.0, encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3, dropout=0.5).train()
    first, again = (likelihood.costs(vae, CATS, seed=1, batch_size=b, samples=3) for b in (4, 30))
    assert vae.training
    for name in ("grid", "l_kl", "iw", "l_r"):
        assert np.allclose(getattr(first, name), getattr(again, name), rtol=1e-4), name
    assert not np.allclose(first.grid, likelihood.costs(vae, CATS, seed=2).grid)


def test_bad_sets_are_refused(single):
    with pytest.raises(DataError, match="0 drawings"):
        means(single, SET.subset([]))
    with pytest.raises(DataError, match="samples is -1"):
        means(single, SET, samples=-1)
    lengths = np.append(SET.lengths, 0)
    hollow = replace(SET, offsets=np.concatenate([[0], np.cumsum(lengths)]), labels=np.append(SET.labels, 0))
    with pytest.raises(DataError, match="shortest of 0 rows"):
        means(single, hollow)
