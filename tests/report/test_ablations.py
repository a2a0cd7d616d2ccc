"""Each experiment on drawings so small that the answer is known, and pairs that differ in nothing but what they say."""

from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib import train
from sketchlib.data.batches import make_batch
from sketchlib.data.dataset import Splits
from sketchlib.errors import DataError
from sketchlib.metrics.likelihood import costs
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report import ablations, experiments, stages, training
from sketchlib.report.ablations import FILE, PAIRS, REPORT_CLASSES
from sketchlib.report.drawings import taken
from sketchlib.sampling import reconstruct, sample
from sketchlib.strokes import Drawing, to_stroke3

SECTION = SimpleNamespace(
    hidden_size=12, embedding_size=4, n_mixtures=3, encoder_size=6, latent_size=4, per_class=12, steps=4, vae_steps=4,
    batch_size=6, lr=0.01, validations=2, sketches=4,
)  # fmt: skip
DRAWINGS = sketch_set(20, classes=("pig", *REPORT_CLASSES))
FIVE = ablations.of_classes(DRAWINGS, REPORT_CLASSES)


@pytest.fixture
def plans():
    """Model as it is before its first step, what it takes, and its settings, of each run by name."""
    prepared = SimpleNamespace(splits=Splits(DRAWINGS, DRAWINGS, DRAWINGS), kept=DRAWINGS, source={})
    found = experiments.recipes(SECTION, SimpleNamespace(classes=DRAWINGS.classes), seed=0)
    return {
        name: SimpleNamespace(
            model=training.untrained(recipe, prepared), settings=recipe.settings, taken=taken(recipe.drawings, prepared, 0)
        )
        for name, recipe in found.items()
    }


def decoder(kind=ConditionalDecoder, **more):
    torch.manual_seed(1)
    return kind(REPORT_CLASSES, DRAWINGS.n_max, 20.0, hidden_size=16, embedding_size=4, n_mixtures=3, **more).eval()


def vae(kind=SketchVAE, n_max=DRAWINGS.n_max):
    torch.manual_seed(1)
    return kind((FILE,), n_max, 20.0, encoder_size=6, decoder_size=12, latent_size=4, n_mixtures=3).eval()


def test_a_relabelled_batch_ends_in_its_last_point_and_moves_as_before():
    batch = make_batch(FIVE, range(8), 20.0)
    other = ablations.relabelled(batch)
    assert torch.equal(other.decided, batch.drawn) and torch.equal(other.x[..., :2], batch.x[..., :2])
    for row, before, n in zip(other.x, batch.x, batch.lengths, strict=True):
        assert row[n, 2:].tolist() == [0, 0, 1] and torch.equal(row[:n], before[:n])
    assert batch.x[0, batch.lengths[0], 2:].tolist() == [0, 1, 0]  # the batch given stays as it was
    ours, report = decoder().parts(batch), decoder(ablations.RelabelledDecoder).parts(batch)
    assert torch.equal(ours["L_S"], report["L_S"]) and not torch.equal(ours["L_P"], report["L_P"])


def test_a_padded_batch_counts_the_end_again_and_again():
    batch = make_batch(FIVE, range(8), 20.0)
    other = ablations.padded(batch, 40)
    assert other.x.shape == (8, 41, 5) and other.decided.all() and torch.equal(other.drawn.sum(1), batch.lengths)
    assert (other.x[:, batch.x.shape[1] :, 4] == 1).all() and torch.equal(other.x[:, : batch.x.shape[1]], batch.x)
    longest = ablations.padded(make_batch(FIVE, [0], 20.0), int(FIVE.lengths[0]))  # its end row is read by the encoder, and not counted
    assert longest.decided.sum() == FIVE.lengths[0] and longest.x[0, -1, 4] == 1
    with pytest.raises(DataError, match="padded to 3"):
        ablations.padded(batch, 3)
    with torch.no_grad():
        ours, paper = (vae(kind).parts(batch, torch.Generator().manual_seed(0)) for kind in (SketchVAE, ablations.PaddedVAE))
    assert torch.allclose(ours["L_S"], paper["L_S"]) and torch.equal(ours["L_KL"], paper["L_KL"]) and paper["L_P"] > ours["L_P"]


@pytest.mark.parametrize("model", [decoder(ablations.RelabelledDecoder), vae(ablations.PaddedVAE)])
def test_plain_is_the_librarys_class_with_the_same_weights(model):
    twin = ablations.plain(model)
    assert type(twin) in (ConditionalDecoder, SketchVAE) and type(twin) is not type(model)
    assert all(torch.equal(a, b) for a, b in zip(twin.parameters(), model.parameters(), strict=True))


def test_of_classes_keeps_order_and_drawings():
    some = ablations.of_classes(DRAWINGS, ("cat", "airplane"))
    assert some.classes == ("cat", "airplane") and some.counts() == {"cat": 20, "airplane": 20}
    assert np.array_equal(some.only("cat").points, DRAWINGS.only("cat").points)
    with pytest.raises(DataError, match="'dog' is not in this set"):
        ablations.of_classes(DRAWINGS, ("cat", "dog"))


def test_the_runs_of_a_pair_differ_in_what_the_pair_says(plans):
    settings = {1: set(), 3: {"R", "eta_min"}, 4: set(), 6: set(), 8: set(), 14: {"lr", "steps", "stop_above"}}
    assert {name for pair in PAIRS.values() for name in (pair.ours, pair.report)} == plans.keys()
    for number, pair in PAIRS.items():
        ours, report = plans[pair.ours], plans[pair.report]
        mine, theirs = asdict(ours.settings), asdict(report.settings)
        assert {name for name in mine if mine[name] != theirs[name]} == settings[number]
        weights = zip(ours.model.parameters(), report.model.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in weights) and ours.model.scale == report.model.scale
        assert np.array_equal(ours.taken.valid.points, report.taken.valid.points) == (number != 4)
        same_data = np.array_equal(ours.taken.train.points, report.taken.train.points)
        assert same_data == (number != 4) and (type(ours.model) is type(report.model)) == (number not in (6, 8))
    assert plans["one class"].taken.train.counts() == {name: 12 * (name == FILE) for name in REPORT_CLASSES}


def test_eta_is_frozen_at_its_first_value_in_one_run_and_grows_as_published_in_the_other(plans):
    frozen, annealed = ([train.eta_at(step, plans[name].settings) for step in range(5)] for name in ("frozen", "annealed"))
    assert np.allclose(frozen, 1 - 0.99 * 0.99995, atol=1e-12)
    assert annealed[0] == pytest.approx(0.01) and annealed[4] == pytest.approx(1 - 0.99 * 0.99995**50_000)


def test_classes_without_a_drawing_keep_the_embedding_that_they_were_born_with(plans, tmp_path):
    plan = plans["one class"]
    before = plan.model.embedding.weight.detach().clone()
    train.fit(plan.model, plan.taken.train, plan.taken.valid, plan.settings, tmp_path, progress=False)
    moved = (plan.model.embedding.weight != before).any(1)
    assert moved.tolist() == [name == FILE for name in REPORT_CLASSES]


@pytest.mark.slow
def test_the_stage_trains_once_and_returns_the_last_weights(profile, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="this run has no airplane, alarm clock, apple, candle: say `results: published`"):
        stages.experiments(profile)
    for name in REPORT_CLASSES:
        text = (tmp_path / "drawings" / "cat.ndjson").read_text()
        (tmp_path / "drawings" / f"{name}.ndjson").write_text(text.replace('"cat"', f'"{name}"'))
    section = replace(profile.experiments, **vars(SECTION))
    asked = replace(profile, experiments=section, data=replace(profile.data, classes=("sun", *REPORT_CLASSES)))
    runs, recipes = stages.experiments(asked), experiments.recipes(section, asked.data, asked.seed)
    assert {name: run.curves[-1]["step"] for name, run in runs.items()} == {name: one.settings.steps for name, one in recipes.items()}
    assert {name: type(run.model).__name__ for name, run in runs.items() if type(run.model) in ablations.PLAIN} == {
        "relabelled": "RelabelledDecoder", "all rows": "PaddedVAE"
    }  # fmt: skip
    assert all(run.card["best_step"] == run.card["steps"] and not run.model.training for run in runs.values())
    monkeypatch.delattr(train, "fit")
    again = stages.experiments(asked)
    assert all(torch.equal(a, b) for a, b in zip(again["frozen"].model.parameters(), runs["frozen"].model.parameters(), strict=True))


def test_dropout_of_one_layer_acts_nowhere_and_of_two_between_them():
    same, said = ablations.lstm_dropout(0.5, layers=1)
    assert same and any("dropout" in warning for warning in said)
    same, said = ablations.lstm_dropout(0.5, layers=2)
    assert not same and not said


@pytest.mark.parametrize("patience", [0, 2, 10])
def test_the_first_cut_comes_after_patience_and_two_validations(patience):
    settings = train.Settings(steps=1, lr=0.8, plateau_patience=patience)
    rates = ablations.plateau_rates(patience + 2, settings)
    assert rates == [0.8] * (patience + 1) + [0.4]


def test_drawings_seen_with_replacement():
    assert ablations.times_seen(10, 10, epochs=3).tolist() == [3] * 10
    counts = ablations.times_seen(20_000, 100, epochs=1)
    assert counts.sum() == 20_000 and abs((counts == 0).mean() - (1 - 100 / 20_000) ** 200) < 0.01


@pytest.mark.parametrize("kind", [ConditionalDecoder, ablations.RelabelledDecoder])
def test_pen_costs_add_up_to_the_loss(kind):
    model, batch = decoder(kind), make_batch(FIVE, np.arange(len(FIVE)), 20.0)
    whole, last = ablations.pen_costs(model, FIVE)
    assert np.isclose(whole.sum() / FIVE.lengths.sum(), model.parts(batch)["L_P"].item(), rtol=1e-5)
    assert (last > 0).all() and (last < whole).all()


def test_drawing_from_a_certain_code_is_reconstruction():
    model, drawings = vae(), FIVE.drawings(FILE, 5)
    torch.nn.init.zeros_(model.encoder.fc_log_var.weight)
    torch.nn.init.constant_(model.encoder.fc_log_var.bias, -60.0)
    again, code = reconstruct(model, drawings, 0.0), ablations.drawn_from(model, drawings, 0.0)
    assert all(np.allclose(to_stroke3(a), to_stroke3(b), atol=1e-3) for a, b in zip(again, code, strict=True))
    torch.nn.init.constant_(model.encoder.fc_log_var.bias, 2.0)
    wide = ablations.drawn_from(model, drawings, 0.0)
    assert not all(len(a.stroke3) == len(b.stroke3) and np.allclose(a.stroke3, b.stroke3) for a, b in zip(again, wide, strict=True))


def test_one_by_one_at_a_low_temperature_is_greedy_drawing():
    model = decoder()
    model.decoder.fc_params.bias.data[-1] -= 2  # so that it draws before it ends
    greedy = to_stroke3(sample(model, "cat", 1, temperature=0)[0])
    drawings = ablations.one_by_one(model, "cat", 3, temperature=1e-8)
    assert len(greedy) > 2 and all(np.allclose(to_stroke3(one), greedy, atol=0.05) for one in drawings)
    with pytest.raises(DataError, match="temperature -1"):
        ablations.one_by_one(model, "cat", 1, temperature=-1)


def test_one_by_one_ends_as_often_as_its_pen_says():
    model = decoder()
    for parameter in model.parameters():
        parameter.data.zero_()  # the three pen states are equally likely at each step
    points = [len(to_stroke3(one)) for one in ablations.one_by_one(model, "cat", 400, temperature=1.0)]
    assert abs(np.mean(np.array(points) == 0) - 1 / 3) < 0.08 and abs(np.mean(np.array(points) == 1) - 2 / 9) < 0.08


def test_turning_a_picture_over_is_drawing_with_y_down():
    drawing = Drawing((np.array([[0, 0], [30, 5], [12, 40]], np.float32), np.array([[3, 50], [25, 60]], np.float32)))
    ours, report = (picture.astype(int) for picture in ablations.flipped_pictures(drawing, 100))
    assert ours.min() < 60 and np.abs(ours - report).max() <= 2 and np.abs(ours - np.flipud(report)).max() > 100


def test_class_costs_agree_with_the_likelihood_and_a_class_that_says_nothing_costs_nothing():
    model = decoder()
    found = ablations.class_costs(model, FIVE)
    assert np.allclose(found["both"], costs(model, FIVE).l_r, rtol=1e-4)
    assert not np.allclose(found["start"], found["both"]) and not np.allclose(found["step"], found["both"])
    model.embedding.weight.data[:] = model.embedding.weight.data[0]
    found = ablations.class_costs(model, FIVE)
    assert all(np.array_equal(found[way], found["both"]) for way in ("start", "step", "neither"))
