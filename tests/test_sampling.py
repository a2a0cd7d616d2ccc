import math

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib import sampling
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.models.decoder import Decoder
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.sampling import decode, encode, interpolate, reconstruct, sample, sample_rows, slerp
from sketchlib.strokes import START, Drawing

pytestmark = pytest.mark.numeric

ENDLESS = (0.0, -1.0, -1e4)  # pen logits: the end never comes
MIXED = (1.0, 0.0, -1.0)  # an end in about ten rows


def single(seed=0, pen=MIXED, n_max=40, scale=20.0, kind=ConditionalDecoder):
    torch.manual_seed(seed)
    model = kind(("cat", "sun", "alarm clock"), n_max, scale, 8, 3, 2, dropout=0.5).eval()
    return with_pen(model, pen)


def placed(**how):
    return single(kind=ConditionalPlacedDecoder, **how)


def vae(seed=0, pen=MIXED, n_max=40, scale=20.0, name="cat"):
    torch.manual_seed(seed)
    return with_pen(SketchVAE((name,), n_max, scale, 6, 8, 4, 2, dropout=0.5).eval(), pen)


def with_pen(model, pen):
    with torch.no_grad():
        model.decoder.fc_params.weight.mul_(3)  # states that matter
        model.decoder.fc_params.bias[-3:] = torch.tensor(pen)
    return model


def same(a, b, tolerance=0.0):
    return len(a) == len(b) and all(
        x.finished == y.finished
        and x.word == y.word
        and x.stroke3.shape == y.stroke3.shape
        and np.allclose(x.stroke3, y.stroke3, rtol=tolerance, atol=tolerance)
        for x, y in zip(a, b, strict=True)
    )


def condition_of(model, n=12):
    return model.condition(torch.arange(n) % 3).detach()


def noise(seed=0):
    return torch.Generator().manual_seed(seed)


both = pytest.mark.parametrize("make", [single, vae])


# --- seeds ---


@both
@pytest.mark.parametrize("temperature", [0.2, 0.4, 1.0])
def test_the_seed_decides_the_drawings(make, temperature):
    model = make()
    first, again, other = (sample(model, "cat", 6, temperature, seed) for seed in (5, 5, 6))
    assert same(first, again) and not same(first, other)
    assert same(sample(model, "cat", 6, temperature, noise(5)), first)


@both
def test_drawing_leaves_the_global_generator_and_the_model_alone(make):
    model = make()
    random, before = torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    drawings = sample(model, "cat", 3)
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert same(sample(model.train(), "cat", 3), drawings)  # dropout or not


def test_greedy_drawing_ignores_the_seed_and_is_the_limit_of_the_temperature():
    model, z = vae(), torch.randn(3, 4, generator=noise())
    assert same(sample(single(), "sun", 1, 0, seed=1), sample(single(), "sun", 1, 0, seed=2))
    greedy = sample(model, "cat", 3, 0, seed=1, z=z)
    assert same(greedy, sample(model, "cat", 3, 0, seed=2, z=z))
    assert same(greedy, sample(model, "cat", 3, 1e-12, seed=3, z=z), 1e-3)


def test_without_z_a_vae_draws_from_the_prior():
    model = vae()
    generator = noise(4)
    z = torch.randn(5, 4, generator=generator)
    assert same(sample(model, "cat", 5, 0, seed=4), sample(model, "cat", 5, 0, z=z))


@pytest.mark.parametrize("temperature", [-0.1, -1, math.nan, math.inf])
def test_a_temperature_below_zero_or_not_finite_is_refused(temperature):
    for model in (single(), vae(), Router({"cat": vae()})):
        with pytest.raises(DataError, match="temperature.*(0 for greedy|a number)"):
            sample(model, "cat", 2, temperature)


# --- one batch, many drawings ---


def given_numbers(monkeypatch, uniform, normal):
    monkeypatch.setattr(sampling.torch, "rand", lambda *shape, generator: uniform[: shape[0]])
    monkeypatch.setattr(sampling.torch, "randn", lambda *shape, generator: normal[: shape[0]])


@pytest.mark.parametrize("temperature", [0, 0.4, 1.0])
@pytest.mark.parametrize("every", [1, 3, 10**6])
def test_a_batch_equals_one_at_a_time_with_the_same_random_numbers(temperature, every, monkeypatch):
    monkeypatch.setattr(sampling, "COMPACT_EVERY", every)
    model, n = single(), 12
    condition = condition_of(model, n)
    uniform, normal = torch.rand(40, n, 2, generator=noise(1)), torch.randn(40, n, 2, generator=noise(2))
    given_numbers(monkeypatch, uniform, normal)
    moves, pens = sample_rows(model.decoder, condition, 40, temperature, noise())
    assert len(set((pens == 2).sum(1).tolist())) > (2 if temperature else 0)  # they end at different times
    for i in range(n):
        given_numbers(monkeypatch, uniform[:, i : i + 1], normal[:, i : i + 1])
        move, pen = sample_rows(model.decoder, condition[i : i + 1], 40, temperature, noise())
        assert torch.equal(pen[0], pens[i]) and torch.allclose(move[0], moves[i], atol=1e-5)


@both
@pytest.mark.parametrize("temperature", [0, 0.4])
def test_rows_that_leave_the_batch_change_nothing(make, temperature, monkeypatch):
    model, drawn = make(), []
    for every in (1, 5, 8, 10**6):
        monkeypatch.setattr(sampling, "COMPACT_EVERY", every)
        drawn.append(sample(model, "cat", 30, temperature, seed=2))
    assert all(same(drawn[0], other, 1e-4) for other in drawn[1:])


def test_finished_rows_do_leave_the_batch(monkeypatch):
    sizes, real = [], Decoder.step
    monkeypatch.setattr(Decoder, "step", lambda decoder, row, state: sizes.append(len(row)) or real(decoder, row, state))
    monkeypatch.setattr(sampling, "COMPACT_EVERY", 1)
    sample(single(), "cat", 50, 1.0)
    assert sizes[0] == 50 and sizes[-1] < 10 and sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_chunks_make_no_drawing_twice_and_lose_none(n, monkeypatch):
    whole = sample(single(), "cat", 3, seed=3)
    monkeypatch.setattr(sampling, "CHUNK", 3)
    drawings = sample(single(), "cat", n, seed=3)
    assert len(drawings) == n and len({d.stroke3.tobytes() for d in drawings if len(d.stroke3)}) > n // 2
    if n >= 3:
        assert same(drawings[:3], whole)


def test_no_drawings_are_no_drawings():
    assert sample(single(), "cat", 0) == [] and sample(vae(), "cat", 0) == []


# --- drawings that are begun ---


def begun(model, condition, rows):
    """The first `rows` rows of greedy drawings as stroke-5, and all 20 of them as `sample_rows` gives them."""
    moves, pens = sample_rows(model.decoder, condition, 20, 0.0, noise())
    return torch.cat([moves, torch.nn.functional.one_hot(pens, 3).float()], -1)[:, :rows], moves, pens


@both
@pytest.mark.parametrize("rows", [0, 1, 7, 19])
def test_a_greedy_drawing_goes_on_from_its_own_beginning(make, rows):
    model = make(pen=ENDLESS)
    condition = model.draw_condition("cat", 5, noise(2))
    prefix, moves, pens = begun(model, condition, rows)
    more, state = sample_rows(model.decoder, condition, 20 - rows, 0.0, noise(9), prefix=prefix)
    assert torch.equal(state, pens[:, rows:]) and torch.allclose(more, moves[:, rows:], atol=1e-5)


def test_no_rows_before_are_no_prefix():
    model = single()
    plain, begun_nowhere = (
        sample_rows(model.decoder, condition_of(model), 40, 0.7, noise(), prefix=prefix) for prefix in (None, torch.zeros(12, 0, 5))
    )
    assert all(torch.equal(a, b) for a, b in zip(plain, begun_nowhere, strict=True))


@both
def test_the_state_after_a_prefix_is_that_of_teacher_forcing(make, monkeypatch):
    model, seen, real = make(), [], Decoder.step
    condition, prefix = model.draw_condition("cat", 4, noise(2)), torch.randn(4, 6, 5, generator=noise(3))
    prefix[..., 2:] = torch.tensor([0.0, 1.0, 0.0])
    monkeypatch.setattr(Decoder, "step", lambda *given: seen.append(real(*given)) or seen[-1])
    sample_rows(model.decoder, condition, 1, 0.0, noise(), prefix=prefix)
    rows = torch.cat([torch.tensor(START).expand(4, 1, 5), prefix], 1)
    raw = torch.stack([raw for raw, _ in seen], 1)
    assert torch.allclose(raw, model.decoder(rows, condition).detach(), atol=1e-5)  # what is drawn next follows from the last of them


def test_guides_read_the_prefix_too(monkeypatch):
    model, fed, real = Router({"cat": vae(), "sun": vae(2, name="sun", scale=10.0)}), {}, Decoder.step
    condition, other = (model[name].draw_condition(name, 3, noise()) for name in ("cat", "sun"))
    rivals, prefix = [sampling.Rival(model["sun"].decoder, other, 2.0)], torch.ones(3, 2, 5) * torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0])
    monkeypatch.setattr(Decoder, "step", lambda own, row, state: fed.setdefault(id(own), []).append(row) or real(own, row, state))
    sample_rows(model["cat"].decoder, condition, 3, 0.5, noise(), guidance=1.0, rivals=rivals, prefix=prefix)
    own, read = map(torch.stack, fed.values())
    assert torch.equal(own[1:3], prefix.transpose(0, 1)) and torch.equal(own * torch.tensor([2.0, 2, 1, 1, 1]), read)


@pytest.mark.parametrize("prefix", [torch.zeros(3, 5), torch.zeros(3, 2, 4), torch.zeros(2, 2, 5), torch.eye(5)[4].expand(3, 2, 5)])
def test_a_prefix_of_another_shape_or_with_an_end_is_refused(prefix):
    model = single()
    with pytest.raises(DataError, match=r"a prefix of shape .*expected \(3, P, 5\)"):
        sample_rows(model.decoder, condition_of(model, 3), 5, 0.4, noise(), prefix=prefix)


# --- where a drawing ends, and in which units ---


def test_a_drawing_stops_at_its_first_end_and_not_later():
    model = single(n_max=30)
    moves, pens = sample_rows(model.decoder, condition_of(model, 200), 30, 1.0, noise())
    assert moves.shape == (200, 30, 2) and pens.shape == (200, 30)
    ended = pens == 2
    assert 20 < ended.any(1).sum() < 200
    assert torch.equal(ended, ended.cummax(1).values)  # once ended, for ever
    assert (moves[ended] == 0).all() and (moves[~ended] != 0).all()
    drawings = sampling.to_drawings(moves, pens, 1.0, ["cat"] * 200)
    for drawing, stop in zip(drawings, ended, strict=True):
        assert drawing.finished == bool(stop.any())
        assert len(drawing.stroke3) == int((~stop).sum())


@both
@pytest.mark.parametrize("temperature", [0, 0.4])
def test_without_an_end_a_drawing_has_n_max_rows(make, temperature):
    model = make(pen=ENDLESS, n_max=17)
    for n_max, rows in ((None, 17), (5, 5), (33, 33)):
        for drawing in sample(model, "cat", 2, temperature, n_max=n_max):
            assert len(drawing.stroke3) == rows and drawing.finished is False


def test_a_drawing_that_ends_at_once_is_empty_and_finished():
    for drawing in sample(single(pen=(0.0, 0.0, 1e4)), "cat", 3):
        assert drawing.strokes == () and drawing.finished is True and drawing.word == "cat"


def test_an_end_in_the_last_row_counts_as_finished():
    pens = torch.tensor([[0, 0, 2], [0, 0, 0]])
    drawings = sampling.to_drawings(torch.ones(2, 3, 2), pens, 1.0, ["cat", "sun"])
    assert [(len(d.stroke3), d.finished, d.word) for d in drawings] == [(2, True, "cat"), (3, False, "sun")]


def test_pen_states_become_strokes():
    pens = torch.tensor([[0, 1, 0, 0, 2]])
    (drawing,) = sampling.to_drawings(torch.ones(1, 5, 2), pens, 10.0, ["cat"])
    assert [stroke.tolist() for stroke in drawing.strokes] == [[[0, 0], [10, 10], [20, 20]], [[30, 30], [40, 40]]]


@both
def test_drawings_are_in_data_units(make):
    one, five = make(scale=20.0), make(scale=100.0)
    for a, b in zip(sample(one, "cat", 5), sample(five, "cat", 5), strict=True):
        assert np.allclose(5 * a.stroke3[:, :2], b.stroke3[:, :2], atol=1e-2) and a.finished == b.finished


def test_y_is_not_flipped():
    model = single(pen=ENDLESS, n_max=10)
    with torch.no_grad():
        model.decoder.fc_params.weight.zero_()
        model.decoder.fc_params.bias[:12] = torch.tensor([0.0, 0, 0.5, 0.5, 2, 2, -7, -7, -7, -7, 0, 0])
    (drawing,) = sample(model, "cat", 1, 0)
    points = np.concatenate(drawing.strokes)
    assert np.allclose(points[-1], [10 * 0.5 * 20, 10 * 2 * 20]) and (np.diff(points[:, 1]) > 0).all()


def test_the_temperature_widens_the_drawings():
    model = single(pen=ENDLESS)
    with torch.no_grad():
        model.decoder.fc_params.weight.zero_()
    spread = [np.std([d.stroke3[:, :2] for d in sample(model, "cat", 50, tau, seed=1)]) for tau in (0.1, 0.4, 1.0)]
    assert spread[0] < spread[1] < spread[2]


@both
def test_the_pens_own_temperature_acts_on_the_pen_alone(make):
    model = make()
    assert same(sample(model, "cat", 20, 0.4, seed=1, pen_temperature=0.4), sample(model, "cat", 20, 0.4, seed=1))
    often = [len(d.stroke3) for d in sample(model, "cat", 100, 0.2, seed=1, pen_temperature=1.0)]
    seldom = [len(d.stroke3) for d in sample(model, "cat", 100, 0.2, seed=1)]
    assert np.mean(often) < np.mean(seldom)  # the end, which is rare, comes more often
    firsts = [sample(model, "cat", 20, 0.4, seed=1, pen_temperature=pen) for pen in (0.5, 1.0)]
    moves = [[tuple(d.stroke3[0, :2]) for d in row if len(d.stroke3)] for row in firsts]
    assert len(set(moves[0]) & set(moves[1])) > 10  # the first movement is the same


@pytest.mark.parametrize("pen", [0, -1, math.nan, math.inf])
def test_a_pen_temperature_not_above_zero_is_refused(pen):
    with pytest.raises(DataError, match="pen_temperature.*(above 0|a number)"):
        sample(single(), "cat", 1, 0.4, pen_temperature=pen)


# --- names ---


def test_an_unknown_class_is_answered_with_the_nearest():
    for model in (single(), Router({"cat": vae(), "alarm clock": vae()})):
        with pytest.raises(DataError, match="unknown class 'alarm clok': did you mean 'alarm clock'"):
            sample(model, "alarm clok")
    with pytest.raises(DataError, match="unknown class 'sun'"):
        sample(vae(), "sun")


def test_a_list_of_words_gives_n_of_each_in_order():
    drawings = sample(single(), ["sun", "cat", "sun"], 2, seed=1)
    assert [d.word for d in drawings] == ["sun", "sun", "cat", "cat", "sun", "sun"]
    assert same(drawings, sample(single(), ("sun", "cat", "sun"), 2, seed=1))
    assert not same(drawings[:2], drawings[4:])  # one stream of random numbers, not the same ones again
    assert same(drawings[:2], sample(single(), "sun", 2, seed=1)) and sample(single(), []) == []


def test_a_router_draws_with_the_model_of_the_class():
    router = Router({"cat": vae(1), "sun": vae(2, name="sun")})
    assert same(sample(router, "sun", 3), sample(vae(2, name="sun"), "sun", 3))
    assert [d.word for d in sample(router, ["sun", "cat"])] == ["sun", "cat"]


def test_the_class_changes_the_drawing():
    a, b = (sample(single(), name, 1, 0)[0].stroke3 for name in ("cat", "sun"))
    assert a.shape != b.shape or not np.allclose(a, b)


# --- the latent vector ---


@pytest.mark.parametrize("shape", [(4,), (2, 4), (3, 5), (1, 3, 4)])
def test_z_of_another_shape_is_refused(shape):
    with pytest.raises(DataError, match=r"z of shape .*expected \(3, 4\)"):
        sample(vae(), "cat", 3, z=torch.zeros(shape))


def test_a_model_without_a_latent_vector_takes_none_and_encodes_nothing():
    with pytest.raises(DataError, match=r"z of shape \(3, 4\).*has no latent vector"):
        sample(single(), "cat", 3, z=torch.zeros(3, 4))
    with pytest.raises(DataError, match="has no latent space"):
        encode(single(), sketch_set().drawings("cat", 2))


def test_encoding_gives_mu_of_each_drawing_whatever_its_company():
    model, drawings = vae(), sketch_set().drawings("cat", 5)
    together = encode(model, drawings)
    with torch.no_grad():  # with a gradient the LSTM runs in another kernel, whose last bits differ on some processors
        mu, _ = model.encode(make_batch(sketch_set(), np.arange(5), 20.0))
    assert torch.equal(together, mu) and not together.requires_grad
    for drawing, mu in zip(drawings, together, strict=True):
        assert torch.allclose(encode(model, [drawing])[0], mu, atol=1e-6)


def test_encoding_ignores_where_a_drawing_lies():
    model, drawing = vae(), sketch_set().drawing(0)
    assert torch.allclose(encode(model, [drawing]), encode(model, [drawing.shifted(50, -20)]), atol=1e-5)


@pytest.mark.parametrize("drawings", [[], [Drawing(())], [sketch_set().drawing(0), Drawing(())]])
def test_a_drawing_without_a_movement_cannot_be_encoded(drawings):
    with pytest.raises(DataError, match="without a movement"):
        encode(vae(), drawings)


def test_a_reconstruction_is_a_drawing_from_mu():
    model, drawings = vae(), sketch_set().drawings("cat", 4)
    z = encode(model, drawings)
    assert same(reconstruct(model, drawings), sample(model, "cat", 4, 0.2, pen_temperature=0.7, z=z))
    assert same(reconstruct(model, drawings, 0.0), sample(model, "cat", 4, 0, z=z))
    assert same(reconstruct(model, drawings, 0.0, seed=1), reconstruct(model, drawings, 0.0, seed=2))
    assert not same(reconstruct(model, drawings, 0.5, seed=1), reconstruct(model, drawings, 0.5, seed=2))


def test_the_ends_of_an_interpolation_are_the_reconstructions():
    model, (a, b) = vae(), sketch_set().drawings("cat", 2)
    way = interpolate(model, a, b, steps=5)
    assert len(way) == 5 and same([way[0], way[-1]], decode(model, encode(model, [a, b])), 1e-3)
    assert not same(way[:1], way[-1:], 1e-3)
    greedy = interpolate(model, a, b, 5, 0.0)
    assert same([greedy[0], greedy[-1]], reconstruct(model, [a, b], 0.0), 1e-3) and not same(way, greedy, 1e-3)


@pytest.mark.parametrize("temperature", [0.0, 0.6])
def test_a_walk_that_goes_nowhere_draws_the_same_in_every_frame(temperature):
    """All frames meet the same random numbers: what changes is z alone."""
    model, drawing = vae(), sketch_set().drawing(0)
    way = interpolate(model, drawing, drawing, 6, temperature, seed=3)
    assert same(way, way[:1] * 6, 1e-3)
    assert temperature == 0 or not same(way, interpolate(model, drawing, drawing, 6, temperature, seed=4))


def test_the_frames_of_a_walk_are_what_their_z_gives_alone():
    model, (a, b) = vae(), sketch_set().drawings("cat", 2)
    way, z = interpolate(model, a, b, 5, 0.7, seed=2), slerp(*encode(model, [a, b]), 5)
    assert same(way, [sketch for one in z for sketch in decode(model, one[None], temperature=0.7, seed=2)], 1e-3)
    assert same(decode(model, z, temperature=0.7, seed=2), way) and len({one.stroke3.tobytes() for one in way}) > 1


@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_drawings_that_meet_the_same_numbers_are_alike(guidance):
    model = single()
    condition, rivals = condition_of(model, 1).expand(4, -1), [sampling.Rival(model.decoder, condition_of(model, 2)[1:].expand(4, -1))]
    moves, pens = sample_rows(model.decoder, condition, 20, 0.8, noise(), guidance=guidance, rivals=rivals, alike=True)
    assert torch.allclose(moves, moves[:1].expand_as(moves), atol=1e-5) and torch.equal(pens, pens[:1].expand_as(pens))


def test_latent_vectors_are_plain_tensors_of_a_class():
    router = Router({"cat": vae(1), "sun": vae(2, name="sun")})
    cats, suns = sketch_set().drawings("cat", 3), sketch_set().drawings("sun", 3)
    z = encode(router, cats)
    assert torch.equal(z, encode(vae(1), cats)) and torch.equal(encode(router, suns), encode(router, suns, "sun"))
    assert {one.word for one in decode(router, z[:1] + z[1:2] - z[2:], "cat")} == {"cat"}
    assert same(decode(router, z, "cat", 0.0), reconstruct(router, cats, 0.0), 1e-3)
    for wrong in (lambda: decode(router, z), lambda: encode(router, cats + suns), lambda: encode(router, [])):
        with pytest.raises(DataError, match="say which is meant, word= one of cat, sun"):
            wrong()
    with pytest.raises(DataError, match="unknown class 'sunn'"):
        decode(router, z, "sunn")
    with pytest.raises(DataError, match=r"expected \(3, 4\)"):
        decode(router, torch.zeros(3, 5), "cat")
    with pytest.raises(DataError, match="has no latent space"):
        decode(single(), z, "cat")
    with pytest.raises(DataError, match="steps is 1; allowed: a whole number from 2"):
        interpolate(router, *cats[:2], steps=1)


def test_slerp_keeps_the_norm_and_turns_evenly():
    a, b = torch.nn.functional.normalize(torch.randn(2, 16, generator=noise()), dim=-1) * 3
    way = slerp(a, b, 9)
    assert torch.allclose(way[0], a, atol=1e-6) and torch.allclose(way[-1], b, atol=1e-6)
    assert torch.allclose(way.norm(dim=-1), torch.full((9,), 3.0))
    cosines = (way[1:] * way[:-1]).sum(-1) / 9
    assert torch.allclose(cosines, cosines[:1].expand(8), atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_slerp_between_parallel_opposite_or_zero_vectors_is_straight(factor):
    a = torch.randn(16, generator=noise())
    way = slerp(a, factor * a, 5)
    assert torch.allclose(way, torch.lerp(a[None], factor * a[None], torch.linspace(0, 1, 5)[:, None]), atol=1e-3)


@both
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_device_draws_the_same_with_the_same_seed(make):
    here, there = make(), make().to("cuda")
    assert same(sample(here, "cat", 8, seed=1), sample(there, "cat", 8, seed=1), 1e-2)
    if make is vae:
        a, b = sketch_set().drawings("cat", 2)
        assert same(interpolate(here, a, b), interpolate(there, a, b), 1e-2)
