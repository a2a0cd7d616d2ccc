"""The latent space: units that vary, paths by hand, and the scores of a VAE whose pen is known."""

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.errors import DataError
from sketchlib.metrics import latent
from sketchlib.metrics.likelihood import costs
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models.vae import SketchVAE

pytestmark = pytest.mark.numeric

RNG = np.random.default_rng(0)
CATS = sketch_set().only("cat")


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return SketchVAE(("cat",), 12, 15.0, encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)


def test_active_units_are_those_that_vary():
    mu = np.stack([RNG.normal(size=100), np.full(100, 3.0), 0.01 * RNG.normal(size=100)], 1)
    assert latent.active_units(mu).tolist() == [True, False, False]


def test_smoothness_by_hand():
    straight = np.linspace([0, 0], [6, 8], 6)
    assert np.allclose(list(latent.smoothness(straight).values()), 1)
    jumping = np.array([[0.0], [0.0], [0.0], [5.0]])
    assert latent.smoothness(jumping) == {"jump": 3, "detour": 1}
    there_and_back = latent.smoothness(np.array([[0.0], [1.0], [0.0]]))
    assert there_and_back["jump"] == 1 and np.isnan(there_and_back["detour"])
    with pytest.raises(DataError, match="at least 3"):
        latent.smoothness(straight[:2])


def test_paired_distance_by_hand():
    rows = np.array([[0.0], [4.0]])
    assert latent.paired_distance(rows, rows) == {"own": 0, "other": 4, "ratio": 0}
    assert latent.paired_distance(rows, rows[::-1])["own"] == 4
    assert latent.paired_distance(rows, np.full((2, 1), 2.0))["ratio"] == 1
    with pytest.raises(DataError, match="one for each"):
        latent.paired_distance(rows, np.zeros((3, 1)))


def test_latent_means_are_the_encoders_and_their_kl_is_the_models(vae):
    mu, kl = latent.latent_means(vae, CATS)
    assert mu.shape == kl.shape == (30, 4) and (kl >= 0).all()
    assert np.isclose(kl.sum(1).mean(), costs(vae, CATS).means()["l_kl"], rtol=1e-5)


def test_interpolations_and_reconstructions_are_scored(vae):
    torch.manual_seed(0)
    judge = Recogniser(("cat", "sun"), 16, 4)
    with torch.no_grad():
        vae.decoder.fc_params.bias[-3:] = torch.tensor([5.0, 0.0, -20.0])  # a pen that never ends: no empty sketch
    cats = CATS.drawings()
    found = latent.interpolation_smoothness(vae, judge, [(cats[0], cats[1]), (cats[2], cats[3])], steps=5)
    assert found["jump"] >= 1 and found["detour"] >= 1 and found["broken"] == 0 and found["n"] == 2
    again = latent.reconstruction_distance(vae, judge, cats[:6])
    assert again["empty"] == 0 and again["own"] >= 0 and again["ratio"] > 0


def test_a_vae_that_draws_nothing_is_refused(vae):
    judge, cats = Recogniser(("cat", "sun"), 16, 4), CATS.drawings()
    with torch.no_grad():
        vae.decoder.fc_params.bias[-3:] = torch.tensor([0.0, 0.0, 50.0])
    with pytest.raises(DataError, match="none without an empty sketch"):
        latent.interpolation_smoothness(vae, judge, [(cats[0], cats[1])])
    with pytest.raises(DataError, match="no pairs"):
        latent.interpolation_smoothness(vae, judge, [])
    with pytest.raises(DataError, match="0 of 6 reconstructions"):
        latent.reconstruction_distance(vae, judge, cats[:6])


def test_a_code_is_worth_nothing_where_the_decoder_does_not_heed_it(vae):
    with torch.no_grad():
        vae.decoder.fc_init_hc.weight.zero_()
        vae.decoder.lstm.weight_ih_l0[:, 5:].zero_()
    found = latent.code_worth(vae, CATS)
    assert found["worth"] == 0 and found["own"] == found["other"] > 0


def test_a_code_is_worth_the_nats_that_another_costs_more(vae):
    with torch.no_grad():
        vae.encoder.fc_mu.weight.mul_(30)
    found = latent.code_worth(vae, CATS)
    assert found["worth"] == found["other"] - found["own"] != 0
    with pytest.raises(DataError, match="2 or more"):
        latent.code_worth(vae, CATS.subset([0]))
