"""Drawings that are begun: the beginning stays as it is, the class follows by Bayes from what rows cost, and bad beginnings are refused."""

import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import rows, sketch_set
from test_sampling import ENDLESS, MIXED, noise, placed, same, single, vae, with_pen

from sketchlib import completion
from sketchlib.completion import Beginning, Source, begin, beginning_of, class_posterior, complete, complete_all, forced_nats, log_evidence
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.metrics.likelihood import costs
from sketchlib.models import magenta_json
from sketchlib.models.decoder import Decoder, reconstruction
from sketchlib.models.magenta import MagentaGen
from sketchlib.models.router import Router
from sketchlib.sampling import sample, sample_rows
from sketchlib.strokes import Drawing, from_stroke3, to_stroke3

pytestmark = pytest.mark.numeric
CLASSES = ("cat", "sun", "alarm clock")
HOOK = Drawing([[[10, 10], [110, 10], [110, 90]], [[30, 40], [60, 70]]])


def router():
    return Router({name: vae(seed, name=name, scale=15.0 + seed) for seed, name in enumerate(CLASSES)})


models = pytest.mark.parametrize("make", [single, placed, router])


def corner(drawing, size=255.0, pen_down=False):
    return begin(drawing, size, pen_down)


# --- what comes back ---


@models
@pytest.mark.parametrize("pen_down", [False, True])
@pytest.mark.parametrize("size", [None, 255, 1000.0])
def test_the_beginning_is_bit_identical_and_new_strokes_start_at_the_pen(make, pen_down, size):
    found = complete(make(), HOOK, 5, 1.0, seed=2, size=size, pen_down=pen_down)
    assert len(found.completions) == 5 and any(len(one.strokes) > 2 for one in found.completions)
    for one in found.completions:
        assert all(own is given for own, given in zip(one.strokes, HOOK.strokes, strict=False)) and one.word == found.word
        if pen_down and len(one.strokes) > 2:
            assert np.array_equal(one.strokes[2][0], HOOK.strokes[-1][-1])
    assert found.size == size or found.size in [100 * growth for growth in completion.GROWTHS]


@models
def test_a_prefix_equals_teacher_forcing(make):
    model, begun = make(), corner(HOOK)
    (drawn,) = complete_all(model, [begun], ["sun"], 3, 0.7, noise(4), z="prior")
    one, generator = model.for_class("sun"), noise(4)
    condition = one.draw_condition("sun", 3, generator)
    prefix = torch.tensor(begun.rows)
    prefix = torch.column_stack([prefix[:, :2] / one.scale, 1 - prefix[:, 2], prefix[:, 2], torch.zeros(len(prefix))])
    moves, pens = sample_rows(one.decoder, condition, one.n_max - len(prefix), 0.7, generator, prefix=prefix.expand(3, -1, 5))
    for drawing, move, pen in zip(drawn, moves.numpy() * one.scale, pens.numpy(), strict=True):
        n = int((pen != 2).sum())
        new = np.concatenate([to_stroke3(HOOK), np.column_stack([move[:n], pen[:n] == 1])])
        assert np.allclose(to_stroke3(drawing)[:, :2], new[:, :2], atol=1e-3) and drawing.finished == (n < len(pen))


@models
def test_any_units_give_the_same_drawing_in_these_units(make):
    def scaled(k, x):
        return Drawing(tuple(stroke * np.float32(k) + np.float32(x) for stroke in HOOK.strokes))

    small, large = (complete(make(), scaled(k, x), 4, 0.5, size=None) for k, x in ((1, 0), (16, 512)))
    assert small.word == large.word and np.allclose(list(small.posterior.values()), list(large.posterior.values()))
    for a, b in zip(small.completions, large.completions, strict=True):
        assert [len(s) for s in a.strokes] == [len(s) for s in b.strokes]
        assert all(np.allclose(s * 16 + 512, t, atol=0.05) for s, t in zip(a.strokes, b.strokes, strict=True))


@models
def test_the_seed_decides_the_completions(make):
    model = make()
    first, again, other = (complete(model, HOOK, 4, 0.8, seed=seed).completions for seed in (1, 1, 2))
    assert same(first, again) and not same(first, other)


@models
def test_no_completion_is_longer_than_n_max(make):
    model = make(**({"pen": ENDLESS} if make is single else {}))
    for one in complete(model, HOOK, 6, 1.0, size=255, n_max=9).completions:
        assert len(to_stroke3(one)) <= 9
    begun = [corner(HOOK), corner(Drawing([[[0, 0], [50, 50]]]))]
    for drawings in complete_all(single(pen=ENDLESS), begun, ["cat", "cat"], 2, 1.0, n_max=11):
        assert [(len(to_stroke3(one)), one.finished) for one in drawings] == [(11, False)] * 2


def test_an_end_at_once_adds_nothing():
    found = complete(single(pen=(0.0, 0.0, 1e4)), HOOK, 2, size=255)
    assert all(len(one.strokes) == 2 and one.finished for one in found.completions)


@models
def test_beginnings_of_several_lengths_are_as_each_alone(make):
    model = make()
    begun = [beginning_of(one, share) for one in sketch_set(3, CLASSES).drawings("cat") for share in (0.2, 0.6, 1.0)]
    words = ["cat", "sun", "cat"] * 3
    many = complete_all(model, begun, words, 1, 0.0, z="encoder" if make is single else "prior", n_max=30)
    one = complete_all(model, [begun[1]], ["sun"], 1, 0.0, n_max=30) if make is single else None
    assert len(many) == 9 and (one is None or same(one[0], many[1], 1e-3))
    assert np.allclose(class_posterior(model, begun, seed=3)[0], class_posterior(model, begun[:1], seed=3)[0]) or make is router


def test_the_random_numbers_of_a_short_beginning_are_those_of_its_own_rows():
    model = single()
    condition = model.draw_condition("cat", 2, noise())
    prefix = torch.randn(2, 6, 5, generator=noise(1))
    prefix[..., 2:] = torch.tensor([1.0, 0.0, 0.0])
    together = sample_rows(model.decoder, condition, 12, 0.8, noise(5), prefix=prefix, begun=torch.tensor([2, 6]))
    alone = sample_rows(model.decoder, condition, 12, 0.8, noise(5), prefix=prefix[:, :2])
    assert torch.allclose(together[0][0], alone[0][0], atol=1e-5) and torch.equal(together[1][0], alone[1][0])
    alone = sample_rows(model.decoder, condition, 12, 0.8, noise(5), prefix=prefix)
    room = 12 - 4  # a whole has as many rows, whatever was drawn of it before
    assert torch.allclose(together[0][1][:room], alone[0][1][:room], atol=1e-5)
    assert torch.equal(together[1][1][:room], alone[1][1][:room]) and (together[1][1][room:] == 2).all()


def test_guidance_acts_on_what_is_drawn_alone():
    plain, guided = (complete(single(), HOOK, 4, 0.8, "cat", size=255, guidance=g).completions for g in (0.0, 3.0))
    assert not same(plain, guided) and all(one.strokes[1] is HOOK.strokes[1] for one in guided)


# --- Bayes ---


def test_the_posterior_is_exactly_bayes_from_costs():
    model, sketches = single(), sketch_set(4, CLASSES)
    cost = np.stack([costs(model, relabelled(sketches, name)).l_r for name in CLASSES], 1)
    whole = [Beginning(sketches.drawing(i), sketches[i]) for i in range(len(sketches))]
    found = class_posterior(model, whole, ended=True)
    assert np.allclose(found, np.exp(-cost) / np.exp(-cost).sum(1, keepdims=True), atol=1e-5)


def relabelled(sketches, name):
    return type(sketches)(sketches.points, sketches.offsets, np.full(len(sketches), CLASSES.index(name)), CLASSES)


@models
@pytest.mark.parametrize("z", get_args(Source))
def test_posteriors_sum_to_one(make, z):
    model = make()
    found = complete(model, HOOK, 1, z=z)
    assert math.isclose(sum(found.posterior.values()), 1, abs_tol=1e-6) and tuple(found.posterior) == CLASSES
    assert found.posterior[found.word] == max(found.posterior.values())
    begun = [beginning_of(one, 0.5) for one in sketch_set(4, CLASSES).drawings()]
    assert np.allclose(class_posterior(model, begun, z).sum(1), 1)


def test_a_class_that_is_given_is_certain_and_no_other_is_asked():
    model = router()
    found = complete(model, HOOK, 1, word="sun")
    assert found.posterior == {"sun": 1.0} and found.word == "sun" and {one.word for one in found.completions} == {"sun"}


def test_models_in_other_units_compare_by_the_same_density():
    """A VAE whose scale is doubled and whose head halves its movements says the same of every drawing."""
    one, other = vae(3, name="cat"), vae(3, name="sun")
    begun = [beginning_of(drawing, 1.0) for drawing in sketch_set(3).drawings()]
    assert np.allclose(class_posterior(Router({"cat": one, "sun": other}), begun, tries=300), 0.5, atol=0.15)
    with torch.no_grad():
        other.scale *= 2
        other.decoder.lstm.weight_ih_l0[:, :2] *= 2
        m = 2
        other.decoder.fc_params.weight[m : 3 * m] /= 2
        other.decoder.fc_params.bias[m : 3 * m] /= 2
        other.decoder.fc_params.bias[3 * m : 5 * m] -= math.log(2)
    assert np.allclose(class_posterior(Router({"cat": one, "sun": other}), begun, tries=300), 0.5, atol=0.15)


@pytest.mark.parametrize("z", ["prior", "encoder"])
def test_a_vaes_evidence_is_an_average_over_z_that_the_encoder_does_not_bias(z):
    model = vae(1)
    begun = [beginning_of(drawing, 0.6) for drawing in sketch_set(4).drawings("cat")]
    exact = log_evidence(model, begun, ("cat",), "prior", noise(7), 4000)
    assert torch.allclose(log_evidence(model, begun, ("cat",), z, noise(8), 4000), exact, atol=0.3)


def test_rows_cost_what_the_whole_pass_says_whatever_their_lengths():
    model, sketches = single(), sketch_set(5, CLASSES, 3, 30)
    batch = make_batch(sketches, range(len(sketches)), model.scale)
    nats = forced_nats(model.decoder, model.condition(batch.labels), batch.x[:, 1:], batch.lengths + 1)
    stroke, pen = reconstruction(model(batch), batch)
    assert torch.allclose(nats.sum(1).float(), (stroke + pen).detach(), rtol=1e-4)
    assert (nats == 0).sum() >= (batch.lengths.max() - batch.lengths).sum()


def test_z_that_explains_a_beginning_is_taken(monkeypatch):
    """Of a few latent vectors, the one under which the beginning is far likelier than under the others."""
    model, begun = vae(2), [corner(HOOK)]
    seen, real = [], Decoder.start
    monkeypatch.setattr(Decoder, "start", lambda decoder, condition: seen.append(condition) or real(decoder, condition))
    costs_of = torch.tensor([[50.0] * 5 + [0.0] + [50.0] * 10])
    monkeypatch.setattr(completion, "forced_nats", lambda *given: costs_of.flatten()[:, None])
    complete_all(model, begun, ["cat"], 3, 0.5, noise(1))
    expected = torch.randn(1, completion.TRIES, model.latent_size, generator=noise(1))[0, 5]
    assert torch.allclose(seen[-1], expected.expand(3, -1))


# --- how a beginning is read ---


@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_a_part_of_a_drawing_is_its_first_rows_and_points(seed, share):
    whole = from_stroke3(rows(np.random.default_rng(seed), 12), "cat", start=(5, 7))
    part = beginning_of(whole, share)
    n = len(part.rows)
    assert 1 <= n <= 12 and np.array_equal(part.rows, to_stroke3(whole)[:n])
    points = np.concatenate(whole.strokes)[: n + 1]
    assert np.array_equal(np.concatenate(part.drawing.strokes)[-1], points[-1])


@pytest.mark.parametrize("pen_down", [False, True])
def test_the_last_row_says_whether_the_pen_is_down(pen_down):
    assert corner(HOOK, pen_down=pen_down).rows[-1, 2] == (not pen_down)
    dotted = Drawing((*HOOK.strokes, [[80, 80]]))
    assert len(corner(dotted, pen_down=pen_down).rows) == len(corner(HOOK).rows) + 2 - pen_down


def test_a_size_says_how_large_a_data_unit_is():
    assert np.allclose(corner(HOOK, 255).rows[:, :2], to_stroke3(HOOK)[:, :2])
    assert np.allclose(corner(HOOK, 510).rows[:, :2], to_stroke3(HOOK)[:, :2] / 2, atol=1)
    assert corner(HOOK, 510).unit == 2


def test_many_points_are_simplified():
    angle = np.linspace(0, 6, 5000)
    ring = Drawing([np.column_stack([np.cos(angle), np.sin(angle)]) * 400 + 900])
    found = complete(single(n_max=60), ring, 2)
    assert found.completions[0].strokes[0] is ring.strokes[0] and found.completions[0].n_points > 5000


# --- bad beginnings ---


@pytest.mark.parametrize(
    ("drawing", "more", "message"),
    [
        (Drawing(()), {}, "the drawing is empty.*draw a line first"),
        (Drawing([[[4, 4]]]), {}, "a single dot"),
        (Drawing([[[4, 4], [4, 4]], [[4, 4]]]), {"size": 255}, "a single dot"),
        (Drawing([[[0, 0], [math.nan, 4]]]), {}, "NaN or infinite"),
        (Drawing([[[0, 0], [math.inf, 4]]]), {"size": 255}, "NaN or infinite"),
        (HOOK, {"word": "alarm clok"}, "unknown class 'alarm clok': did you mean 'alarm clock'"),
        (HOOK, {"size": 0}, "size is 0; allowed: a number above 0"),
        (HOOK, {"size": math.nan}, "size is nan"),
        (HOOK, {"size": "large"}, "size is 'large'"),
        (HOOK, {"size": 99}, "the beginning alone is 100 long"),
        (HOOK, {"n": 0}, "n is 0; allowed: a whole number from 1"),
        (HOOK, {"z": "encode"}, "z is 'encode'; allowed: 'posterior' or 'encoder' or 'prior'"),
        (HOOK, {"temperature": -1}, "temperature -1"),
        (HOOK, {"n_max": 3}, "has 4 points once it is simplified, and the whole may have 3"),
        (Drawing([np.random.default_rng(0).uniform(0, 255, (5000, 2))]), {}, "points once it is simplified, and the whole may have 40"),
    ],
)
@models
def test_a_bad_beginning_is_refused_in_a_sentence(make, drawing, more, message):
    with pytest.raises(DataError, match=message):
        complete(make(), drawing, **more)


@pytest.mark.parametrize(("drawing", "share"), [(Drawing(()), 0.5), (HOOK, 0), (HOOK, 1.5), (HOOK, math.nan)])
def test_a_part_that_is_none_is_refused(drawing, share):
    with pytest.raises(DataError, match="a share above 0|allowed: a number from 0 to 1"):
        beginning_of(drawing, share)


def test_a_drawing_of_a_model_can_be_begun_again():
    (sketch,) = sample(single(pen=MIXED), "cat", 1, 0.8, seed=5)
    assert len(complete(single(), sketch, 2).completions) == 2


# --- models of another canvas ---


def magenta_model(scale=60.0):
    torch.manual_seed(0)
    return with_pen(MagentaGen(("cat",), 40, scale, 8, 0, 20).eval(), MIXED)


def test_a_model_of_sketch_rnn_js_is_asked_how_large_its_drawings_are():
    assert completion.box_of([single(), vae()]) == 255
    small, large = (completion.box_of([magenta_model(scale)]) for scale in (60.0, 120.0))
    assert small > 0 and large == pytest.approx(2 * small, rel=1e-5)


@pytest.mark.parametrize("size", [150.0, 900.0])
def test_a_beginning_is_read_in_the_units_of_the_model_s_canvas(size):
    """A box of 1000 units is four times one of 250: the same lines, four times as finely."""
    coarse, fine = (begin(HOOK, size, box=box) for box in (250.0, 1000.0))
    assert coarse.unit == 4 * fine.unit == size / 250
    ends = [one.rows[:, :2].sum(0) * one.unit for one in (coarse, fine)]
    assert np.allclose(*ends, atol=coarse.unit)


def test_such_a_model_goes_on_with_a_drawing_in_units_of_the_drawing():
    model, twice = magenta_model(), Drawing([2 * stroke for stroke in HOOK.strokes])
    one, other = (complete(model, drawing, 3, 1.0, seed=1) for drawing in (HOOK, twice))
    assert other.size == 2 * one.size
    for a, b in zip(one.completions, other.completions, strict=True):
        assert len(a.strokes) == len(b.strokes) and all(np.allclose(2 * p, q, rtol=1e-4) for p, q in zip(a.strokes, b.strokes, strict=True))


PEERS = sorted((Path(__file__).resolve().parents[2] / "shared" / "peers" / "magenta").glob("*.gen.json"))


@pytest.mark.slow
@pytest.mark.skipif(not PEERS, reason="no files of sketch-rnn-js are at hand")
@pytest.mark.parametrize("path", PEERS, ids=lambda path: path.name)
def test_a_published_model_goes_on_with_half_a_drawing_of_its_own_as_large_as_its_drawings_are(path):
    model = magenta_json.read(path)
    box, whole = completion.box_of([model]), [one for one in sample(model, model.classes[0], 8, 0.25, seed=5) if one.n_points > 8]
    assert 500 < box < 1300  # pixels of its canvas
    grown = []
    for drawing in whole:
        part = beginning_of(drawing, 0.5).drawing
        small = Drawing([stroke / 7 for stroke in part.strokes])  # in other units
        found = complete(model, small, 1, 0.25, seed=2, size=max(box / 7, 1.01 * _side(small))).completions[0]
        grown.append(_side(found) / _side(small))
    assert 1 <= np.median(grown) < 3


def _side(drawing):
    left, top, right, bottom = drawing.bounds()
    return max(right - left, bottom - top)
