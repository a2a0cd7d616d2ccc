"""A VAE of many classes: what it takes over, and what is taken over from it."""

from dataclasses import replace

import pytest
import torch
from synthetic import sketch_set

from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.models.conditional_vae import ConditionalVAE
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.sampling import sample

SET = sketch_set()
SIZES = dict(encoder_size=6, decoder_size=10, latent_size=4, n_mixtures=3)


def conditional(seed=0, **more):
    torch.manual_seed(seed)
    return ConditionalVAE(SET.classes, SET.n_max, 20.0, embedding_size=5, **{**SIZES, **more}).eval()


def batch_of(name, model):
    return make_batch(model.as_known(SET.only(name)), range(5), model.scale)


def test_from_a_single_model_it_draws_as_that_whatever_z():
    torch.manual_seed(1)
    single = ConditionalDecoder(SET.classes, SET.n_max, 20.0, hidden_size=10, embedding_size=5, n_mixtures=3).eval()
    made = conditional()
    made.start_from(single)
    batch = make_batch(SET, range(8), 20.0)
    assert torch.allclose(made(batch, torch.randn(8, 4)), single(batch), atol=1e-6)


@pytest.mark.parametrize("name", SET.classes)
def test_a_vae_of_one_class_from_it_reads_and_draws_as_it_does(name):
    whole, one = conditional(), SketchVAE([name], SET.n_max, 20.0, **SIZES).eval()
    one.start_from(whole)
    batch, z = batch_of(name, whole), torch.randn(5, 4)
    assert torch.equal(one.encode(batch)[0], whole.encode(batch)[0])
    assert torch.allclose(one(batch, z), whole(batch, z), atol=1e-6)
    (drawn,), (same,) = (sample(model, name, 1, 0.5, seed=2) for model in (one, whole))
    assert len(drawn.strokes) == len(same.strokes)


def test_the_class_and_z_both_count():
    model, z = conditional(), torch.randn(5, 4)
    batch = batch_of("cat", model)
    other = replace(batch, labels=(batch.labels + 1) % len(SET.classes))
    assert not torch.allclose(model(batch, z), model(batch, z + 1))
    conditions = [model.draw_condition(name, 1, torch.Generator().manual_seed(0)) for name in SET.classes[:2]]
    assert torch.equal(conditions[0][:, :4], conditions[1][:, :4]) and not torch.equal(*conditions)
    assert not torch.allclose(model(batch, z), model(other, z))


def test_another_of_fewer_classes_and_one_of_a_new_class_begin_as_it():
    whole, some = conditional(), ConditionalVAE(SET.classes[1:], SET.n_max, 20.0, embedding_size=5, **SIZES).eval()
    some.start_from(whole)
    assert torch.equal(some.embedding.weight, whole.embedding.weight[1:])
    new = whole.for_new_class("unicorn")
    assert some.started_from == new.started_from == f"a conditional VAE of {len(SET.classes)} classes"
    for made in (some, new):
        assert torch.equal(made.encoder.fc_mu.weight, whole.encoder.fc_mu.weight)
        assert torch.equal(made.decoder.fc_params.weight, whole.decoder.fc_params.weight)
    assert new.classes == ("unicorn",) and torch.allclose(new.embedding.weight[0], whole.embedding.weight.mean(0))


def test_a_class_that_it_does_not_know_and_other_sizes_are_errors():
    with pytest.raises(DataError, match="unicorn"):
        SketchVAE(["unicorn"], SET.n_max, 20.0, **SIZES).start_from(conditional())
    with pytest.raises(DataError, match="latent_size"):
        SketchVAE([SET.classes[0]], SET.n_max, 20.0, **{**SIZES, "latent_size": 6}).start_from(conditional())
    single = ConditionalDecoder(SET.classes, SET.n_max, 20.0, hidden_size=10, embedding_size=4, n_mixtures=3)
    for other in (single, ConditionalVAE(SET.classes, SET.n_max, 20.0, embedding_size=4, **SIZES)):
        with pytest.raises(DataError, match="embedding_size is 5 cannot start from one of 4"):
            conditional().start_from(other)
