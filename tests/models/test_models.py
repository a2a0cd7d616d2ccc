import itertools
import math

import numpy as np
import pytest
import torch
from synthetic import sketch_set, terms_of
from torch import nn
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl
from torch.nn.utils.rnn import pack_padded_sequence

from sketchlib.data.batches import Batch, make_batch
from sketchlib.errors import DataError, known
from sketchlib.models.decoder import reconstruction
from sketchlib.models.lstm import MULTIPLE, read_rows
from sketchlib.models.mixture import pen_nll, split_parameters, stroke_nll
from sketchlib.models.placed import ConditionalPlacedDecoder, place_features
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.transformer import ConditionalTransformer, attend
from sketchlib.models.vae import Encoder, SketchVAE, kl_divergence
from sketchlib.strokes import to_stroke5
from sketchlib.train import Settings, eta_at

pytestmark = pytest.mark.numeric

SCALE = 20.0


def single(seed=0, **sizes):
    torch.manual_seed(seed)
    return ConditionalDecoder(("cat", "sun"), 12, SCALE, **dict(hidden_size=8, embedding_size=3, n_mixtures=2) | sizes)


def vae(seed=0, **sizes):
    torch.manual_seed(seed)
    return SketchVAE(("cat",), 12, SCALE, **dict(encoder_size=6, decoder_size=8, latent_size=4, n_mixtures=2) | sizes)


def some_batch(index=(0, 7, 33, 41)):
    return make_batch(sketch_set(), index, SCALE)


def noise(seed=1):
    return torch.Generator().manual_seed(seed)


def transformer(seed=0, **sizes):
    torch.manual_seed(seed)
    sizes = dict(hidden_size=8, embedding_size=3, n_mixtures=2, layers=2, heads=2, dropout=0.0) | sizes
    return ConditionalTransformer(("cat", "sun"), 12, SCALE, **sizes)


def placed(seed=0, **sizes):
    torch.manual_seed(seed)
    return ConditionalPlacedDecoder(("cat", "sun"), 12, SCALE, **(dict(hidden_size=8, embedding_size=3, n_mixtures=2) | sizes))


both = pytest.mark.parametrize("make", [single, vae])
every = pytest.mark.parametrize("make", [single, vae, transformer, placed])


# --- sizes ---


def lstm_size(n_in, hidden):
    return 4 * hidden * (n_in + hidden + 2)  # torch keeps two biases


def decoder_size(condition, hidden, m):
    return (condition + 1) * 2 * hidden + lstm_size(5 + condition, hidden) + (hidden + 1) * (6 * m + 3)


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(("classes", "h", "e", "m"), [(2, 8, 3, 2), (1, 5, 1, 1), (10, 512, 64, 20)])
def test_parameters_of_the_single_model(classes, h, e, m):
    model = ConditionalDecoder([f"c{i}" for i in range(classes)], 9, 1.0, h, e, m)
    assert count(model) == classes * e + decoder_size(e, h, m)
    assert model(some_batch((0, 1))).shape[-1] == 6 * m + 3


@pytest.mark.parametrize(("enc", "dec", "nz", "m"), [(6, 8, 4, 2), (256, 512, 128, 20)])
def test_parameters_of_the_vae(enc, dec, nz, m):
    model = SketchVAE(("cat",), 9, 1.0, enc, dec, nz, m)
    assert count(model) == 2 * lstm_size(5, enc) + 2 * (2 * enc + 1) * nz + decoder_size(nz, dec, m)


def test_default_sizes_are_the_published_ones_and_no_other():
    published = 2_186_107  # facts: the paper's VAE, with one bias a gate where torch has two
    assert count(SketchVAE(("cat",), 200, 1.0)) == published + 2 * 4 * 256 + 4 * 512
    sizes = dict(hidden_size=512, embedding_size=64, n_mixtures=20, dropout=0.0, weight_dropout=0.0)
    assert ConditionalDecoder(("cat",), 200, 1.0).sizes == sizes


@every
def test_a_model_is_built_again_from_its_configuration(make):
    model = make(dropout=0.25)
    again = type(model)(**model.config())
    assert again.config() == model.config()
    assert {k: v.shape for k, v in again.state_dict().items()} == {k: v.shape for k, v in model.state_dict().items()}


# --- the loss ---


def with_constant_output(model, raw):
    """The model made to predict `raw` whatever it reads."""
    with torch.no_grad():
        model.decoder.fc_params.weight.zero_()
        model.decoder.fc_params.bias.copy_(raw)
    return model


def test_the_last_real_point_keeps_its_pen_state_and_one_end_row_is_decided():
    sketches, index = sketch_set(), [0, 7, 33]
    q = torch.tensor([0.5, 0.3, 0.2])
    model = with_constant_output(single(), torch.cat([torch.zeros(12), q.log()]))
    drawings = [sketches.drawing(i) for i in index]
    lifts = sum(len(d.strokes) for d in drawings)  # every stroke ends with a lift, the last one too
    points = sum(len(sketches[i]) for i in index)
    expected = -((points - lifts) * math.log(0.5) + lifts * math.log(0.3) + len(index) * math.log(0.2)) / points
    assert terms_of(model, make_batch(sketches, index, SCALE))["L_P"].item() == pytest.approx(expected, rel=1e-5)


def test_the_stroke_loss_counts_real_points_only():
    sketches, index = sketch_set(), [0, 7, 33]
    model = with_constant_output(single(), torch.zeros(15))  # a standard normal of both axes
    moves = np.concatenate([sketches[i][:, :2] for i in index]) / SCALE
    expected = (math.log(2 * math.pi) + (moves**2).sum(1) / 2).mean()
    assert terms_of(model, make_batch(sketches, index, SCALE))["L_S"].item() == pytest.approx(expected, rel=1e-5)


def alone(model, sketches, i, z=None):
    """L_S and L_P of one drawing, in nats, without a batch and without padding."""
    rows = torch.from_numpy(to_stroke5(sketches[i] / np.float32([SCALE, SCALE, 1])))[None]
    start = torch.tensor([[[0.0, 0, 1, 0, 0]]])
    condition = model.condition(torch.tensor([sketches.labels[i]])) if z is None else z
    mixture = split_parameters(model.decoder(torch.cat([start, rows[:, :-1]], 1), condition))
    stroke = stroke_nll(mixture, rows[..., 0], rows[..., 1])[:, :-1]
    return stroke.sum().item(), pen_nll(mixture, rows[..., 2:]).sum().item()


def test_the_single_model_averages_over_the_points_of_the_batch():
    sketches, index, model = sketch_set(), [0, 7, 33, 41], single()
    parts = np.array([alone(model, sketches, i) for i in index]).sum(0) / sketches.lengths[index].sum()
    terms = terms_of(model, make_batch(sketches, index, SCALE))
    assert [terms["L_S"].item(), terms["L_P"].item()] == pytest.approx(parts.tolist(), rel=1e-5)
    assert terms["loss"].item() == pytest.approx(parts.sum(), rel=1e-5)


def test_the_vae_divides_by_n_max_and_averages_over_drawings():
    sketches, index, model = sketch_set(), [0, 7, 12], vae()
    batch = make_batch(sketches, index, SCALE)
    mu, log_var = model.encode(batch)
    z = mu + torch.exp(log_var / 2) * torch.randn(mu.shape, generator=noise())
    parts = np.array([alone(model, sketches, i, z[k : k + 1]) for k, i in enumerate(index)]).sum(0) / 12 / 3
    terms = terms_of(model, batch, 0.3, noise())
    assert [terms["L_S"].item(), terms["L_P"].item()] == pytest.approx(parts.tolist(), rel=1e-5)
    kl = torch_kl(Normal(mu, torch.exp(log_var / 2)), Normal(0.0, 1.0)).sum().item() / 3 / 4  # a drawing, a dimension
    assert terms["L_KL"].item() == pytest.approx(kl, rel=1e-4)
    assert terms["loss"].item() == pytest.approx(parts.sum() + 0.3 * 0.5 * max(kl, 0.2), rel=1e-5)


def longer(batch, rows):
    end = torch.tensor([0.0, 0, 0, 0, 1]).expand(len(batch), rows, 5)
    return Batch(torch.cat([batch.x, end], 1), batch.lengths, batch.labels)


@every
@pytest.mark.parametrize("rows", [1, 50])
def test_padding_changes_no_term_and_no_gradient(make, rows):
    batch = some_batch((0, 7, 12))
    models = [make(kl_min=0.0) if make is vae else make() for _ in range(2)]
    terms = [terms_of(m, b, 1.0, noise()) for m, b in zip(models, (batch, longer(batch, rows)), strict=True)]
    for key in terms[0]:
        assert torch.allclose(terms[0][key], terms[1][key], rtol=1e-5)
    for term in terms:
        term["loss"].backward()
    for p, q in zip(*(m.parameters() for m in models), strict=True):
        assert torch.allclose(p.grad, q.grad, rtol=1e-4, atol=1e-6)


def test_reconstruction_of_a_drawing_does_not_depend_on_its_company():
    model, sketches = single(), sketch_set()
    together = make_batch(sketches, [0, 7, 33, 41], SCALE)
    stroke, pen = reconstruction(model(together), together)
    for k, i in enumerate([0, 7, 33, 41]):
        assert (stroke[k].item(), pen[k].item()) == pytest.approx(alone(model, sketches, i), rel=1e-4)


@every
def test_every_parameter_gets_a_gradient(make):
    model = make(kl_min=0.0) if make is vae else make()
    terms_of(model, some_batch((0, 33) if make is single else (0, 7)), 1.0, noise())["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@every
def test_a_clamped_movement_gives_a_finite_loss_and_gradient(make):
    sketches = sketch_set()
    sketches.points[:5, :2] = [[1000, -1000], [-1000, -1000], [0, 1000], [0, 0], [1000, 1000]]
    model = make()
    loss = terms_of(model, make_batch(sketches, [0, 1], 0.5), 1.0, noise())["loss"]
    loss.backward()
    assert loss.isfinite() and all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


# --- decoder and encoder ---


@every
def test_teacher_forcing_equals_the_decoder_unrolled_step_by_step(make):
    model, batch = make(), some_batch((0, 7, 12))
    condition = torch.randn(3, 4, generator=noise()) if make is vae else model.condition(batch.labels)
    forced = model.decoder(batch.x[:, :-1], condition)
    state, stepped = model.decoder.start(condition), []
    for row in batch.x[:, :-1].unbind(1):
        raw, state = model.decoder.step(row, state)
        stepped.append(raw)
    assert torch.allclose(forced, torch.stack(stepped, 1), atol=1e-5)


@pytest.mark.parametrize("make", [single, transformer])
def test_a_state_that_keeps_some_rows_is_the_state_of_these_rows(make):
    decoder, condition, rows = make().decoder, torch.randn(6, 3, generator=noise()), torch.randn(6, 2, 5, generator=noise(2))
    some = torch.tensor([4, 1])
    _, whole = decoder.step(rows[:, 0], decoder.start(condition))
    _, few = decoder.step(rows[some, 0], decoder.start(condition[some]))
    expected, _ = decoder.step(rows[:, 1], whole)
    for state in (whole.keep(some), few):
        assert torch.allclose(decoder.step(rows[some, 1], state)[0], expected[some], atol=1e-6)


def test_the_initial_state_is_tanh_of_the_condition():
    decoder, condition = single().decoder, torch.randn(4, 3, generator=noise())
    h, c = decoder.initial_state(condition)
    expected = torch.tanh(condition @ decoder.fc_init_hc.weight.T + decoder.fc_init_hc.bias)
    assert torch.allclose(torch.cat([h, c], -1), expected) and h.shape == c.shape == (4, 8)


@every
def test_a_prediction_does_not_see_the_rows_that_follow(make):
    model, batch = make(), some_batch((0, 7))
    condition = torch.randn(2, 4 if make is vae else 3, generator=noise())
    changed = batch.x.clone()
    changed[:, 4:] += 1
    before, after = (model.decoder(x[:, :-1], condition) for x in (batch.x, changed))
    assert torch.equal(before[:, :4], after[:, :4]) and not torch.allclose(before[:, 4], after[:, 4])


def test_the_condition_acts_at_the_start_and_at_every_step():
    model, batch = single(), some_batch((0, 7))
    one, two = model.condition(torch.tensor([0, 0])), model.condition(torch.tensor([1, 1]))
    rows, decoder = batch.x[:, :-1], model.decoder
    ways = [decoder(rows, each_step, at_start) for each_step, at_start in ((one, None), (two, one), (one, two), (two, None))]
    assert not any(torch.allclose(a, b) for a, b in itertools.combinations(ways, 2))
    assert torch.equal(decoder(rows, one, one), ways[0])
    with torch.no_grad():
        decoder.lstm.weight_ih_l0[:, 5:] = 0
    assert torch.equal(decoder(rows, one), decoder(rows, two, one))


@pytest.mark.parametrize("columns", [1, MULTIPLE - 1, MULTIPLE, MULTIPLE + 1])
@pytest.mark.parametrize("begun", [False, True])
def test_widened_rows_are_read_and_learned_from_as_torchs_lstm_does(columns, begun, monkeypatch):
    torch.manual_seed(0)
    lstm = nn.LSTM(columns, 6, batch_first=True)
    rows = torch.randn(3, 5, columns, requires_grad=True)
    state = (torch.randn(3, 6), torch.randn(3, 6)) if begun else None
    expected, _ = lstm(rows, (state[0][None], state[1][None]) if begun else None)
    widths, torchs = [], torch.lstm
    monkeypatch.setattr(torch, "lstm", lambda x, *rest: widths.append(x.shape[-1]) or torchs(x, *rest))
    read = read_rows(lstm, rows, state)
    assert widths == [math.ceil(columns / MULTIPLE) * MULTIPLE] and torch.allclose(read, expected, atol=1e-6)
    weight = torch.randn(3, 5, 6)
    own, theirs = (torch.autograd.grad((h * weight).sum(), [rows, *lstm.parameters()]) for h in (read, expected))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(own, theirs, strict=True))


def test_rows_are_read_with_other_recurrent_weights_which_get_the_gradient():
    torch.manual_seed(0)
    lstm, rows, other = nn.LSTM(7, 6, batch_first=True), torch.randn(3, 5, 7), torch.randn(24, 6, requires_grad=True)
    read = read_rows(lstm, rows, recurrent=other)
    (own,) = torch.autograd.grad(read.square().sum(), other)
    with torch.no_grad():
        lstm.weight_hh_l0.copy_(other)
    expected = lstm(rows)[0]
    (theirs,) = torch.autograd.grad(expected.square().sum(), lstm.weight_hh_l0)
    assert torch.allclose(read, expected, atol=1e-6) and torch.allclose(own, theirs, atol=1e-4)


def test_rows_of_another_width_are_refused_and_not_read_beyond_their_end():
    with pytest.raises(DataError, match="rows of 3 numbers: this LSTM reads 5"):
        read_rows(nn.LSTM(5, 4, batch_first=True), torch.zeros(1, 2, 3))
    with pytest.raises(DataError, match="rows of 6 numbers"):
        vae().encoder(torch.zeros(1, 2, 6), torch.tensor([2]))


@pytest.mark.parametrize(("precision", "within"), [(torch.float32, 1e-6), (torch.bfloat16, 0.03)])
def test_attention_is_a_softmax_over_the_rows_so_far_in_either_precision(precision, within):
    exact = [torch.randn(2, 3, 7, 4, generator=noise(seed), dtype=torch.float64, requires_grad=True) for seed in range(3)]
    weight = torch.randn(2, 3, 7, 4, generator=noise(4), dtype=torch.float64)
    queries, keys, values = exact
    so_far = [(queries[:, :, i : i + 1], keys[:, :, : i + 1], values[:, :, : i + 1]) for i in range(7)]
    seen = torch.cat([(q @ k.mT / 2).softmax(-1) @ v for q, k, v in so_far], 2)
    rounded = [part.detach().to(precision).requires_grad_() for part in exact]
    found = attend(*rounded)
    own, theirs = torch.autograd.grad((found.double() * weight).sum(), rounded), torch.autograd.grad((seen * weight).sum(), exact)
    assert found.dtype == precision
    for a, b in zip((found, *own), (seen, *theirs), strict=True):
        assert torch.allclose(a.double(), b, atol=within * float(b.detach().abs().max()))


def test_the_encoder_equals_a_bidirectional_lstm_on_packed_sequences():
    torch.manual_seed(0)
    encoder = Encoder(6, 4, 0.0)
    packed_lstm = nn.LSTM(5, 6, batch_first=True, bidirectional=True)
    for name, value in encoder.ahead.named_parameters():
        packed_lstm.get_parameter(name).data.copy_(value.data)
        packed_lstm.get_parameter(name + "_reverse").data.copy_(encoder.back.get_parameter(name).data)
    batch = some_batch()
    assert len(set(batch.lengths.tolist())) > 1
    rows, lengths = batch.x[:, 1:], batch.lengths + 1
    _, (h, _) = packed_lstm(pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False))
    state = torch.cat([h[0], h[1]], -1)
    mu, log_var = encoder(rows, lengths)
    assert torch.allclose(mu, encoder.fc_mu(state), atol=1e-6) and torch.allclose(log_var, encoder.fc_log_var(state), atol=1e-6)


@pytest.mark.parametrize(("row", "read"), [(0, False), (1, True), (-3, True), (-2, True), (-1, False)])
def test_the_vae_reads_the_points_and_the_end_row_but_neither_s0_nor_padding(row, read):
    model, batch = vae(), longer(some_batch((7,)), 1)  # rows: S_0, N points, the end row, one of padding
    changed = batch.x.clone()
    changed[:, row] += 1
    mu, other = model.encode(batch)[0], model.encode(Batch(changed, batch.lengths, batch.labels))[0]
    assert torch.allclose(mu, other) != read


@pytest.mark.parametrize("kind", ["dropout", "weight_dropout"])
def test_dropout_acts_in_training_and_only_there(kind):
    model, batch = single(**{kind: 0.5}), some_batch()
    torch.manual_seed(0)
    assert not torch.equal(model(batch), model(batch))
    model.eval()
    assert torch.equal(model(batch), model(batch))


# --- the KL term ---


def test_kl_divergence_equals_torch_distributions():
    mu, log_var = torch.randn(2, 5, 7, generator=noise()).double()
    expected = torch_kl(Normal(mu, torch.exp(log_var / 2)), Normal(torch.zeros(7).double(), 1.0)).sum(-1)
    assert torch.allclose(kl_divergence(mu, log_var), expected)
    assert torch.equal(kl_divergence(torch.zeros(2, 7), torch.zeros(2, 7)).abs(), torch.zeros(2))


@pytest.mark.parametrize(("kl_min", "blocked"), [(1e6, True), (0.0, False)])
def test_the_floor_stops_the_gradient_of_the_kl_below_kl_min(kl_min, blocked):
    gradients = []
    for eta in (0.0, 1.0):
        model = vae(kl_min=kl_min)
        terms_of(model, some_batch((0, 7)), eta, noise())["loss"].backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.encoder.parameters()]))
    assert torch.equal(*gradients) == blocked


def test_below_the_floor_the_loss_is_that_of_the_floor():
    terms = terms_of(vae(kl_min=3.0), some_batch((0, 7)), 0.7, noise())
    assert terms["L_KL"] < 3
    assert (terms["loss"] - terms["L_S"] - terms["L_P"]).item() == pytest.approx(0.7 * 0.5 * 3, rel=1e-5)


def test_eta_anneals_from_its_minimum_to_one_by_the_published_rule():
    settings = Settings(steps=1)
    assert eta_at(0, settings) == pytest.approx(0.01)
    for step in (1, 10_000, 50_000):
        assert eta_at(step, settings) == pytest.approx(1 - 0.99 * 0.99995**step)
    eta = settings.eta_min
    for _ in range(100):  # the recurrence of which the rule is the closed form
        eta = 1 - (1 - eta) * settings.R
    assert eta_at(100, settings) == pytest.approx(eta) and eta_at(10**6, settings) == pytest.approx(1)


def test_noise_of_z_comes_from_the_generator():
    model, batch = vae(), some_batch((0, 7))
    first, same, other = (terms_of(model, batch, 1.0, noise(seed))["L_S"] for seed in (1, 1, 2))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_a_vae_starts_as_the_single_models_decoder_of_its_class_and_then_learns_from_z():
    model, other, batch = vae(seed=3), single(seed=4), some_batch((0, 7))
    model.start_from(other)
    z = torch.randn(2, 4, generator=noise())
    raw, expected = model(batch, z), other.decoder(batch.x[:, :-1], other.embedding(torch.zeros(2, dtype=torch.long)))
    assert torch.allclose(raw, expected, atol=1e-6) and torch.allclose(model(batch, 0 * z), raw)
    terms_of(model, batch, 1.0, noise())["loss"].backward()
    assert model.decoder.fc_init_hc.weight.grad.abs().sum() > 0 and model.decoder.lstm.weight_ih_l0.grad[:, 5:].abs().sum() > 0


@pytest.mark.parametrize(
    ("make", "words"), [(lambda: vae(decoder_size=6), "give equal sizes"), (lambda: SketchVAE(("cow",), 12, SCALE, 6, 8, 4, 2), "cow")]
)
def test_a_vae_cannot_start_from_another_size_or_without_its_class(make, words):
    with pytest.raises(DataError, match=words):
        make().start_from(single())


def test_a_single_model_starts_as_one_that_knows_more_classes_in_another_order():
    torch.manual_seed(0)
    sizes = dict(n_max=12, scale=SCALE, hidden_size=8, embedding_size=3, n_mixtures=2)
    model, other = ConditionalDecoder(("sun", "cat"), **sizes), ConditionalDecoder(("cat", "pig", "sun"), **sizes)
    batch = some_batch((0, 7))
    model.start_from(other)
    expected = other.decoder(batch.x[:, :-1], other.embedding(torch.tensor([2, 0])))
    assert torch.equal(model.decoder(batch.x[:, :-1], model.embedding(torch.tensor([0, 1]))), expected)
    with pytest.raises(DataError, match="unknown class 'sun'"):
        model.start_from(ConditionalDecoder(("cat", "pig"), **sizes))


def test_a_decoder_that_sees_the_place_starts_as_one_that_does_not_and_not_the_other_way_round():
    other, model = single(1), placed(2)
    model.start_from(other)
    batch = some_batch()
    assert torch.allclose(model(batch), other(batch), atol=1e-5)
    assert model.started_from == "a single model of 2 classes"
    with pytest.raises(DataError, match="reads 5 numbers of a row cannot start as one that reads 28"):
        single().start_from(model)


@pytest.mark.parametrize(
    ("make", "size"), [(single, "embedding_size"), (transformer, "embedding_size"), (transformer, "layers"), (placed, "hidden_size")]
)
def test_a_single_model_cannot_start_from_another_size(make, size):
    with pytest.raises(DataError, match="give equal sizes"):
        make().start_from(make(**{size: 4}))


def test_a_transformer_starts_as_one_that_knows_more_classes():
    sizes = dict(n_max=12, scale=SCALE, hidden_size=8, embedding_size=3, n_mixtures=2, layers=2, heads=2)
    model, other = ConditionalTransformer(("sun",), **sizes).eval(), ConditionalTransformer(("cat", "pig", "sun"), **sizes).eval()
    model.start_from(other)
    rows = some_batch((0, 7)).x[:, :-1]
    assert torch.equal(model.decoder(rows, model.embedding.weight[[0, 0]]), other.decoder(rows, other.embedding.weight[[2, 2]]))


@pytest.mark.parametrize(("own", "theirs"), [(5, 12), (12, 5)])
def test_a_transformer_starts_as_one_whose_longest_drawing_was_another(own, theirs):
    sizes = dict(classes=("sun",), scale=SCALE, hidden_size=8, embedding_size=3, n_mixtures=2, layers=2, heads=2)
    model, other = (ConditionalTransformer(n_max=n_max, **sizes).eval() for n_max in (own, theirs))
    model.start_from(other)
    rows, condition = some_batch((0, 7)).x[:, : 6 if own < theirs else 10], other.embedding.weight[[0, 0]]
    assert torch.equal(model.decoder(rows, condition), other.decoder(rows, condition))


def test_a_transformer_cannot_start_as_an_lstm():
    with pytest.raises(DataError, match="cannot start as one that differs in .*order"):
        transformer().start_from(single())


@pytest.mark.parametrize("make", [transformer, placed])
def test_a_decoder_that_sees_the_place_sees_where_the_pen_is_and_which_stroke_it_draws(make):
    decoder, condition = make().decoder, torch.randn(1, 3, generator=noise())
    away = torch.tensor([[2.0, 1.0, 1, 0, 0], [-2.0, -1.0, 1, 0, 0]])
    lifts = away.clone()
    lifts[0, 2:] = torch.tensor([0.0, 1, 0])
    there_and_back = [torch.stack([rows[0], rows[1], rows[1]])[None] for rows in (away, lifts)]
    pens = torch.cat([there_and_back[0][..., :2], there_and_back[0][..., 3:4]], -1).cumsum(1)
    assert torch.equal(pens[0, 1], torch.zeros(3))  # the features are of the place reached, not of the movement
    first, second = place_features(pens[0, 1]), place_features(pens[0, 0])
    assert not torch.allclose(first, second)
    assert not torch.allclose(*(decoder(rows, condition)[0, -1] for rows in there_and_back))


def test_heads_must_divide_the_units():
    with pytest.raises(DataError, match="3 heads for 8 units"):
        transformer(heads=3)


def test_a_vae_starts_as_another_of_the_same_sizes_whatever_its_classes():
    model, other, batch = vae(seed=3), SketchVAE(("pig", "sun"), 12, SCALE, 6, 8, 4, 2), some_batch((0, 7))
    model.start_from(other)
    z = torch.randn(2, 4, generator=noise())
    assert torch.equal(model(batch, z), other(batch, z)) and torch.equal(model.encode(batch)[0], other.encode(batch)[0])
    assert "2 classes" in model.started_from
    with pytest.raises(DataError, match="another encoder_size and latent_size"):
        model.start_from(vae(encoder_size=5, latent_size=3))


def test_row_dropout_hides_rows_from_the_decoder_in_training_only_and_never_the_first():
    model, batch = vae(row_dropout=0.99), some_batch((0, 7))
    z = torch.randn(2, 4, generator=noise())
    hidden = torch.zeros_like(batch.x[:, :-1])
    hidden[:, 0] = batch.x[:, 0]
    torch.manual_seed(0)
    trained = model.train()(batch, z)
    assert torch.allclose(trained[:, :3], model.decoder(hidden, z)[:, :3])  # with this seed all of the first rows are hidden
    assert torch.equal(model.eval()(batch, z), model.decoder(batch.x[:, :-1], z))


# --- the router ---


def test_a_router_reads_a_model_when_it_is_first_asked_for_and_once(tmp_path):
    asked = []

    def read(path):
        asked.append(path)
        return vae()

    router = Router({"cat": tmp_path / "cat.safetensors", "sun": str(tmp_path / "sun"), "pig": (kept := vae())}, read)
    assert router.classes == ("cat", "sun", "pig") and router.loaded == ("pig",) and asked == []
    assert router["cat"] is router["cat"] and asked == [tmp_path / "cat.safetensors"]
    assert router.loaded == ("cat", "pig") and router["pig"] is kept


def test_an_unknown_class_is_answered_with_the_nearest():
    router = Router({name: vae() for name in ("cat", "car", "alarm clock")})
    with pytest.raises(DataError, match=r"'alarmclock': did you mean 'alarm clock'.*Known: cat, car, alarm clock"):
        router["alarmclock"]
    with pytest.raises(DataError, match="'cart': did you mean 'ca[rt]' or 'ca[rt]'"):
        known("cart", ("cat", "car", "sun"))
    with pytest.raises(DataError, match="nothing similar.*cat"):
        known("xyzzy", ("cat",))
    assert known("cat", ("cat",)) == "cat"
