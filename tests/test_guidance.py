import math

import pytest
import torch
from test_sampling import MIXED, condition_of, noise, placed, same, single, vae

from sketchlib import sampling
from sketchlib.errors import DataError
from sketchlib.guidance import Noise, Rival, guided_draw
from sketchlib.models.decoder import Decoder
from sketchlib.models.mixture import Mixture, split_parameters, stroke_nll
from sketchlib.models.router import Router
from sketchlib.sampling import sample, sample_rows

pytestmark = pytest.mark.numeric

N = 4000


def spots(weights, xs, sigma=1e-3, n=N):
    """`n` times the same mixture of narrow spots at (x, 0)."""
    flat = torch.zeros(n, len(xs))
    log_pi, mu, spread = torch.tensor(weights).log(), torch.tensor(xs), torch.tensor(math.log(sigma))
    return Mixture(log_pi + flat, mu + flat, flat, spread + flat, spread + flat, flat, torch.tensor([1.0, 0.0, -1.0]).expand(n, 3))


def numbers(k, seed=0, n=N):
    generator = noise(seed)
    uniform = torch.rand(n, k + 2, generator=generator)
    return Noise(uniform[:, :k], torch.randn(n, k, 2, generator=generator), uniform[:, k], uniform[:, k + 1])


def share_right(guidance, rivals, k=8, own=(0.5, 0.5), temperature=1.0):
    moves, _ = guided_draw(spots(own, [-1.0, 1.0]), rivals, guidance, temperature, None, numbers(k))
    assert moves.shape == (N, 2)
    return float((moves[:, 0] > 0).float().mean())


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("k", [1, 2, 8])
def test_candidates_are_taken_by_the_ratio_of_densities(guidance, k):
    expected = expected_share((0.5 / 0.1) ** guidance, (0.5 / 0.9) ** guidance, k)
    assert share_right(guidance, [(spots([0.9, 0.1], [-1.0, 1.0]), 1.0)], k) == pytest.approx(expected, abs=0.03)


def expected_share(right, left, k=8, chance=0.5):
    """Of k candidates i lie right with a binomial chance; one is drawn with odds `right` or `left` each."""
    i = torch.arange(k + 1)
    many = torch.tensor([math.comb(k, j) * chance**j * (1 - chance) ** (k - j) for j in range(k + 1)])
    return float((many * i * right / (i * right + (k - i) * left)).sum())


def test_rivals_count_by_their_mean_density():
    two = [(spots([0.9, 0.1], [-1.0, 1.0]), 1.0), (spots([0.5, 0.5], [-1.0, 1.0]), 1.0)]  # in the mean 0.7 and 0.3
    expected = expected_share(0.5 / 0.3, 0.5 / 0.7)
    assert expected_share(0.5 / (0.1 * 0.5) ** 0.5, 0.5 / (0.9 * 0.5) ** 0.5) > expected + 0.04  # what the geometric mean would give
    assert share_right(1.0, two) == pytest.approx(expected, abs=0.02)


def test_densities_are_those_at_temperature_one_and_only_the_candidates_are_tempered():
    rival = [(spots([0.2, 0.8], [-1.0, 1.0]), 1.0)]  # at 0.5 the own odds of 3 : 2 become 9 : 4, the rival's stay 4 : 1
    expected = expected_share(0.6 / 0.8, 0.4 / 0.2, chance=9 / 13)
    tempered_too = expected_share((9 / 13) / (16 / 17), (4 / 13) / (1 / 17), chance=9 / 13)
    assert abs(tempered_too - expected) > 0.1
    assert share_right(1.0, rival, own=(0.4, 0.6), temperature=0.5) == pytest.approx(expected, abs=0.02)


def test_a_rival_in_other_units_says_the_same():
    own, plain = spots([0.5, 0.5], [-1.0, 1.0], 0.3), spots([0.7, 0.3], [-0.5, 1.5], 0.5)
    twice = plain._replace(mu_x=plain.mu_x * 2, log_sigma_x=plain.log_sigma_x + math.log(2), log_sigma_y=plain.log_sigma_y + math.log(2))
    wide = spots([0.5, 0.5], [-3.0, 3.0], 1.0)  # a second one, so that a density without its unit would count differently
    drawn = [guided_draw(own, [(rival, scale), (wide, 1.0)], 2.0, 0.7, None, numbers(8)) for rival, scale in ((plain, 1.0), (twice, 2.0))]
    assert float((drawn[0][0] - drawn[1][0]).abs().amax(1).gt(1e-6).float().mean()) < 0.001  # a rounding may tip one choice


def test_the_pen_is_not_guided():
    own, rival, pens = spots([0.5, 0.5], [-1.0, 1.0]), spots([0.9, 0.1], [-1.0, 1.0]), []
    for logits, guidance in ((torch.zeros(3), 0.5), (torch.tensor([9.0, 0.0, 0.0]), 5.0)):
        other = rival._replace(pen_logits=logits.expand(N, 3))
        pens.append(guided_draw(own, [(other, 1.0)], guidance, 1.0, 0.7, numbers(8))[1])
    assert torch.equal(*pens) and len(pens[0].unique()) == 3


def router():
    return Router({name: vae(seed, name=name, scale=10.0 * (seed + 1)) for seed, name in enumerate(("cat", "sun", "alarm clock"))})


several = pytest.mark.parametrize("make", [single, placed, router])


@several
def test_none_is_the_sampling_without_it_and_some_is_not(make):
    model = make()
    of_class, rows, generator = (model["cat"] if make is router else model), 40, noise(1)
    condition = torch.randn(20, of_class.latent_size, generator=generator) if make is router else condition_of(model, 20)[:1].expand(20, -1)
    moves, pens = sample_rows(of_class.decoder, condition, rows, 0.4, generator)  # knows no other class
    plain = sampling.to_drawings(moves, pens, of_class.scale, ["cat"] * 20)
    assert same(plain, sample(model, "cat", 20, 0.4, seed=1, guidance=0.0))
    guided = sample(model, "cat", 20, 0.4, seed=1, guidance=2.0)
    assert not same(plain, guided) and same(guided, sample(model, "cat", 20, 0.4, seed=1, guidance=2.0))
    assert not same(guided, sample(model, "cat", 20, 0.4, seed=2, guidance=2.0))


@several
def test_rows_that_leave_the_batch_change_nothing(make, monkeypatch):
    model, drawn = make(), []
    for every in (1, 5, 10**6):
        monkeypatch.setattr(sampling, "COMPACT_EVERY", every)
        drawn.append(sample(model, "cat", 30, 0.6, seed=2, guidance=1.0))
    assert len({len(one.stroke3) for one in drawn[0]}) > 2  # they end at different times
    assert all(same(drawn[0], other, 1e-4) for other in drawn[1:])


@pytest.mark.parametrize("n", [7, 8, 17])
def test_chunks_make_no_drawing_twice_and_lose_none(n, monkeypatch):
    monkeypatch.setattr(sampling, "CHUNK", 8)
    drawn = sample(router(), "sun", n, 1.0, guidance=1.0)
    assert len(drawn) == n and len({one.stroke3.tobytes() for one in drawn if one.strokes}) == sum(bool(one.strokes) for one in drawn)


def test_each_vae_is_fed_movements_in_its_own_unit(monkeypatch):
    model, fed, real = router(), {}, Decoder.step
    monkeypatch.setattr(Decoder, "step", lambda own, row, state: fed.setdefault(id(own), []).append(row.clone()) or real(own, row, state))
    sample(model, "sun", 5, 1.0, guidance=1.0)
    own, *others = ([row for row in rows[1:6]] for rows in fed.values())  # the drawing model steps first
    for rival, scale in zip(others, (10.0, 30.0), strict=True):
        for a, b in zip(own, rival, strict=True):
            assert torch.allclose(a[:, :2] * 20.0, b[:, :2] * scale, rtol=1e-5) and torch.equal(a[:, 2:], b[:, 2:])


def test_guided_drawings_are_likelier_for_their_class_than_for_others():
    model = single(pen=MIXED)
    condition = {name: model.condition(torch.full((200,), i)).detach() for i, name in enumerate(model.classes)}
    rivals = [Rival(model.decoder, condition[name]) for name in ("sun", "alarm clock")]

    def advantage(guidance):
        moves, pens = sample_rows(model.decoder, condition["cat"], 12, 1.0, noise(3), guidance=guidance, rivals=rivals)
        rows = torch.cat([moves, torch.nn.functional.one_hot(pens, 3).float()], -1)
        start = torch.tensor(sampling.START).expand(200, 1, 5)
        going = torch.cumsum(pens == 2, 1) == 0
        costs = []
        for name in model.classes:
            raw = model.decoder(torch.cat([start, rows[:, :-1]], 1), condition[name])
            costs.append((stroke_nll(split_parameters(raw), moves[..., 0], moves[..., 1]) * going).sum(1))
        own, *other = costs
        return float((torch.stack(other).mean(0) - own).mean().detach())

    assert advantage(4.0) > advantage(1.0) > advantage(0.0)


@pytest.mark.parametrize("guidance", [-0.1, math.nan, math.inf])
def test_a_guidance_below_zero_or_not_finite_is_refused(guidance):
    with pytest.raises(DataError, match="guidance.*(0 for none|a number)"):
        sample(single(), "cat", 1, guidance=guidance)


def test_one_class_alone_cannot_be_guided():
    for model in (vae(), Router({"cat": vae()})):
        with pytest.raises(DataError, match="knows only cat: give the router"):
            sample(model, "cat", 1, guidance=1.0)
        assert len(sample(model, "cat", 1, guidance=0)) == 1


def test_rows_are_not_guided_without_rivals():
    model = single()
    with pytest.raises(DataError, match="compares classes"):
        sample_rows(model.decoder, condition_of(model), 10, 0.4, noise(), guidance=1.0)


def test_greedy_drawing_cannot_be_guided():
    with pytest.raises(DataError, match="temperature above 0"):
        sample(single(), "cat", 1, temperature=0, guidance=1.0)
