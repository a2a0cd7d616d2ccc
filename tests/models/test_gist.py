"""The gist of a drawing: what it is, and that a model that starts from one which tells it tells the same."""

import numpy as np
import pytest
import torch
from synthetic import sketch_set, terms_of

from sketchlib.data.batches import augment, make_batch
from sketchlib.data.dataset import SketchSet
from sketchlib.metrics.raster import rasterise
from sketchlib.models.conditional_vae import ConditionalVAE
from sketchlib.models.gist import MARGIN, SIDE, SIGMA_COUNTS, SIGMA_INK, gist_of, images
from sketchlib.models.vae import SketchVAE
from sketchlib.strokes import Drawing
from sketchlib.train import Settings, fit

SET = sketch_set()
SIZES = dict(encoder_size=6, decoder_size=10, latent_size=4, n_mixtures=3)


def batch_of(*drawings):
    return make_batch(SketchSet.from_drawings({"cat": drawings}), range(len(drawings)), 20.0)


def picture(told):
    return told[:-2].reshape(SIDE, SIDE)


def vae(kind=SketchVAE, classes=("cat",), seed=0, learned=True, **more):
    torch.manual_seed(seed)
    model = kind(classes, SET.n_max, 20.0, **{**SIZES, **more}).eval()
    if model.gist and learned:  # a head begins by telling of all the same
        torch.nn.init.normal_(model.gist.say.weight, std=0.3)
    return model


def conditional(**more):
    return vae(ConditionalVAE, SET.classes, embedding_size=5, **{"w_gist": 1.0, **more})


def test_ink_lies_where_the_raster_has_it():
    told, pictures = gist_of(make_batch(SET, range(20), 20.0)), rasterise(SET.drawings()[:20], SIDE, margin=MARGIN * SIDE)
    own, other = ([np.corrcoef(picture(told[i]).flatten(), pictures[i - shift].flatten())[0, 1] for i in range(20)] for shift in (0, 1))
    assert min(own) > 0.7 and np.mean(own) > 0.85 > np.mean(other) + 0.2


def test_up_is_up_and_a_lifted_pen_leaves_no_ink():
    lying = Drawing([np.array([[0, 0], [10, 0]]), np.array([[0, 8], [10, 8]])])  # two lines, and a way between them
    (told,) = gist_of(batch_of(lying))
    by_row = picture(told).sum(1)
    assert by_row[0] < by_row[2] > by_row[SIDE // 2] and by_row[SIDE // 2] < 0.05 * by_row.max()
    hook = Drawing([np.array([[0, 0], [10, 0], [10, 10]])])  # along the top, down the right side
    (told,) = gist_of(batch_of(hook))
    assert picture(told)[:3].sum() > 10 * picture(told)[-3:, :6].sum() and picture(told)[:, -3:].sum() > 10 * picture(told)[-6:, :3].sum()


def test_neither_size_nor_place_nor_padding_counts_and_numbers_do():
    one = Drawing([np.array([[0, 0], [4, 0], [4, 6]]), np.array([[1, 1], [2, 2]])])
    large = Drawing([5 * stroke + 30 for stroke in one.strokes])
    (told,), (same,) = gist_of(batch_of(one)), gist_of(batch_of(large))
    assert torch.allclose(told, same, atol=1e-5)
    beside, _ = gist_of(batch_of(one, Drawing([np.arange(22).reshape(11, 2)])))
    assert torch.allclose(told, beside, atol=1e-5)
    assert told[-2:].exp().tolist() == pytest.approx([4, 2])  # rows after the first point, as a batch counts them, and strokes


def test_a_drawing_of_one_place_has_a_finite_gist_of():
    assert gist_of(batch_of(Drawing([np.zeros((3, 2))]))).isfinite().all()


def test_what_is_read_astray_is_not_told():
    batch = make_batch(SET, range(6), 20.0)
    strayed = augment(batch, torch.Generator().manual_seed(0), stretch=0.0, stray=0.5)
    assert strayed.astray is not None and torch.equal(gist_of(strayed), gist_of(batch))


@torch.no_grad()
def test_its_nats_are_those_of_normal_numbers_and_the_loss_has_them_with_their_weight():
    model, without, batch = vae(w_gist=0.5), vae(), make_batch(SET, range(6), 20.0)
    z = torch.randn(6, 4)
    at, sure = model.gist(z), torch.tensor([SIGMA_INK] * SIDE**2 + [SIGMA_COUNTS] * 2)
    far, exact = (-torch.distributions.Normal(at, sure).log_prob(x).sum(1) for x in (gist_of(batch), at))
    assert torch.allclose(model.gist.nats(z, batch), far - exact, rtol=1e-4)
    terms, fewer = (terms_of(one, batch, 1.0, torch.Generator().manual_seed(1)) for one in (model, without))
    assert set(terms) - set(fewer) == {"L_G"} and terms["L_G"] > 0
    for name in ("L_S", "L_P", "L_KL"):  # the weights that both have begin alike
        assert torch.equal(terms[name], fewer[name])
    assert terms["loss"] == pytest.approx(float(fewer["loss"] + 0.5 * terms["L_G"]), rel=1e-5)


@torch.no_grad()
def test_who_starts_from_it_tells_what_it_does():
    whole, cats, z = conditional(), SET.only("cat"), torch.randn(5, 4)
    batch, known = (make_batch(some, range(5), 20.0) for some in (cats, conditional().as_known(cats)))
    told = whole.gist(whole.condition(known, z))
    assert (told - told[0])[1:].abs().amax(1).min() > 0.1  # it tells of each something else
    one, again = vae(seed=1, w_gist=1.0), vae(seed=4, w_gist=1.0)
    one.start_from(whole)
    again.start_from(one)
    some = vae(ConditionalVAE, ("cat",), seed=2, embedding_size=5, w_gist=1.0)
    some.start_from(whole)
    for made in (one, again, some, one.for_new_class("dog")):
        assert torch.allclose(made.gist(made.condition(batch, z)), told, atol=1e-5)


@torch.no_grad()
def test_a_centred_one_tells_of_a_drawing_what_it_told():
    one, batch = vae(w_gist=1.0), make_batch(SET.only("cat"), range(5), 20.0)
    mu = one.encode(batch)[0]
    told = one.gist(mu)
    one.centre_on(batch)
    assert not torch.allclose(one.encode(batch)[0], mu, atol=1e-3)
    assert torch.allclose(one.gist(one.encode(batch)[0]), told, atol=1e-4) and not torch.allclose(one.gist(mu), told, atol=1e-3)


def test_one_that_tells_starts_from_one_that_does_not_and_the_other_way_round():
    for first, second in ((0.0, 1.0), (1.0, 0.0)):
        made = vae(seed=1, w_gist=second)
        made.start_from(vae(w_gist=first))
        assert (made.gist is not None) == bool(second)
    assert "w_gist" not in vae().config() and vae(w_gist=2.0).config()["w_gist"] == 2.0


def test_training_tells_more_than_what_is_common_to_all(tmp_path):
    cats = SET.only("cat")
    model = vae(w_gist=1.0, latent_size=8, kl_min=1.0, learned=False)
    curves = fit(model, cats, cats, Settings(steps=200, batch_size=30, lr=0.01, validate_every=100), tmp_path, progress=False)
    of_all = gist_of(make_batch(cats, range(len(cats)), 20.0))
    off = (of_all - of_all.mean(0)) / torch.tensor([SIGMA_INK] * SIDE**2 + [SIGMA_COUNTS] * 2)
    assert curves[-1]["valid"]["L_G"] * SET.n_max < 0.6 * float(0.5 * (off**2).sum(1).mean())


def test_before_the_first_step_it_tells_of_all_the_same():
    model = vae(w_gist=1.0, learned=False)
    assert torch.equal(*model.gist(torch.randn(2, 4)))


def test_a_picture_is_the_ink_without_the_numbers():
    told = gist_of(make_batch(SET, range(4), 20.0))
    shown = images(told)
    assert shown.shape == (4, 1, SIDE, SIDE) and torch.equal(shown.flatten(1), told[:, :-2])
    assert images(10 * torch.randn(3, SIDE**2 + 2)).min() >= 0 and images(torch.full((1, SIDE**2 + 2), 7.0)).max() == 1
