"""The latent space: clouds, codes that are worth something or nothing, reconstructions and walks whose score is known."""

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.errors import DataError
from sketchlib.metrics import latent
from sketchlib.metrics.likelihood import costs
from sketchlib.models.vae import SketchVAE
from sketchlib.sampling import encode
from sketchlib.strokes import Drawing

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


def test_paired_distance_by_hand():
    rows = np.array([[0.0], [4.0]])
    assert latent.paired_distance(rows, rows) == {"own": 0, "other": 4, "ratio": 0}
    assert latent.paired_distance(rows, rows[::-1])["own"] == 4
    assert latent.paired_distance(rows, np.full((2, 1), 2.0))["ratio"] == 1
    with pytest.raises(DataError, match="one for each"):
        latent.paired_distance(rows, np.zeros((3, 1)))


def test_the_clouds_are_the_encoders_in_the_sets_order_and_their_kl_is_the_models(vae):
    mu, variance = latent.latent_clouds(vae, CATS)
    assert mu.shape == variance.shape == (30, 4) and (variance > 0).all()
    assert np.allclose(mu, encode(vae, CATS.drawings()).numpy(), atol=1e-5)
    assert np.isclose(latent.kl_nats(mu, variance).mean(), costs(vae, CATS).means()["l_kl"], rtol=1e-5)


def test_the_kl_of_the_prior_itself_is_nothing_and_of_a_shift_half_its_square():
    assert latent.kl_nats(np.zeros((2, 3)), np.ones((2, 3))).tolist() == [0, 0]
    assert np.allclose(latent.kl_nats(np.full((2, 3), 2.0), np.ones((2, 3))), 6)


def test_clouds_that_fill_the_prior_are_at_no_distance_from_it_and_a_wide_one_is():
    """mu of variance 0.6 and clouds of 0.4 make 1; clouds of 1.4 make 2, whose KL from the prior has a closed form."""
    mu = RNG.normal(size=(4000, 3)) * np.sqrt(0.6)
    found = latent.aggregate(mu, np.full_like(mu, 0.4))
    assert found["kl"] < 0.02 and found["mean"] < 0.05 and 0.9 < found["least"] <= found["most"] < 1.1
    wide = latent.aggregate(mu + 3, np.full_like(mu, 1.4))
    assert np.isclose(wide["kl"], 3 * (0.5 * (1 - np.log(2)) + 4.5), rtol=0.03) and np.isclose(wide["mean"], 3, atol=0.05)


def deaf(vae):
    """The VAE with a decoder that does not heed z."""
    with torch.no_grad():
        vae.decoder.fc_init_hc.weight.zero_()
        vae.decoder.lstm.weight_ih_l0[:, 5:].zero_()
    return vae


def test_a_code_is_worth_nothing_where_the_decoder_does_not_heed_it(vae):
    own, other = latent.code_costs(deaf(vae), CATS)
    assert np.allclose(own, other) and (own > 0).all()
    assert abs(latent.code_worth(vae, CATS).value) < 1e-5


def test_a_code_is_worth_the_nats_that_another_costs_more(vae):
    with torch.no_grad():
        vae.encoder.fc_mu.weight.mul_(30)
    own, other = latent.code_costs(vae, CATS)
    worth = latent.code_worth(vae, CATS)
    assert np.isclose(worth.value, (other - own).mean()) and worth.low <= worth.value <= worth.high and worth.value != 0
    with pytest.raises(DataError, match="2 or more"):
        latent.code_costs(vae, CATS.subset([0]))


def test_what_is_told_and_what_telling_it_costs_make_the_bound(vae):
    with torch.no_grad():
        vae.encoder.fc_log_var.weight.zero_()
        vae.encoder.fc_log_var.bias.fill_(-40)  # no noise in z
    found = costs(vae, CATS)
    assert np.allclose(latent.code_costs(vae, CATS)[0], found.elbo - found.l_kl, rtol=1e-6)


def test_drawings_are_their_own_nearest_and_an_empty_one_is_near_to_none():
    cats = CATS.drawings()
    assert latent.among_nearest(cats, cats).all()
    turned = [*cats[1:], cats[0]]
    assert not latent.among_nearest(cats, turned, 1 / len(cats)).any()
    assert latent.among_nearest(cats, [Drawing(()), *cats[1:]]).tolist() == [False, *[True] * 29]
    with pytest.raises(DataError, match="30 drawings and 29 partners"):
        latent.among_nearest(cats, cats[1:])


def test_by_chance_a_share_of_the_drawings_is_among_the_nearest():
    cats, order = CATS.drawings(), np.random.default_rng(1)
    shares = [latent.among_nearest(cats, [cats[i] for i in order.permutation(30)], 0.2).mean() for _ in range(20)]
    assert abs(np.mean(shares) - 0.2) < 0.05


def test_a_blurred_picture_forgives_a_small_move_and_does_not_know_the_scale():
    square = Drawing((np.array([[0, 0], [40, 0], [40, 40], [0, 40], [0, 0]], np.float32),))
    bent = Drawing((np.array([[0, 0], [40, 0], [40, 40], [4, 38], [0, 0]], np.float32),))
    cross = Drawing((np.array([[0, 0], [40, 40]], np.float32), np.array([[0, 40], [40, 0]], np.float32)))
    large = Drawing((square.strokes[0] * 5,))
    near, same, far = latent.apart([square], [bent, large, cross])[0]
    assert same < 1e-4 < near < far / 3


@pytest.mark.parametrize("of", ["strokes", "points"])
def test_counts_that_agree_correlate_and_a_count_that_never_varies_does_not(of):
    cats = CATS.drawings()
    assert np.isclose(latent.together(cats, cats, of).mean(), 1)
    mixed = [cats[i] for i in np.random.default_rng(0).permutation(30)]
    counts = [[len(one.strokes) if of == "strokes" else one.n_points for one in side] for side in (cats, mixed)]
    assert np.isclose(latent.together(cats, mixed, of).mean(), np.corrcoef(counts)[0, 1])
    assert latent.together(cats, [cats[0]] * 30, of).mean() == 0
    with pytest.raises(DataError, match="of is 'colours'; allowed: 'strokes' or 'points'"):
        latent.together(cats, cats, "colours")


def never_ends(vae):
    with torch.no_grad():
        vae.decoder.fc_params.bias[-3:] = torch.tensor([5.0, 0.0, -20.0])
    return vae


def test_frames_of_one_z_are_drawn_alike_for_the_noise_is_the_same(vae):
    z = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    first, again = latent.walks(never_ends(vae), [z, z], temperature=1.0)
    assert [one.svg() for one in first] == [one.svg() for one in again] and first[0].svg() != first[1].svg()


def test_where_z_is_not_heeded_no_walk_keeps_both_its_ends(vae):
    cats = CATS.drawings()
    assert not latent.ends_kept(deaf(never_ends(vae)), [(cats[0], cats[1]), (cats[2], cats[3])]).any()  # the two ends are one drawing
    with pytest.raises(DataError, match=r"pairs is \[\]; allowed: .* not empty"):
        latent.ends_kept(vae, [])


def test_ends_that_are_their_drawings_are_kept(vae, monkeypatch):
    cats = CATS.drawings()
    monkeypatch.setattr(latent, "walks", lambda *_: [cats[0:4:2], cats[1:4:2]])
    pairs = [(cats[0], cats[1]), (cats[2], cats[3])]
    assert latent.ends_kept(vae, pairs).all() and not latent.ends_kept(vae, [pair[::-1] for pair in pairs]).any()
