"""Chapter 12's measures on models that nobody trained and drawings so small that the answer is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.data.dataset import Splits
from sketchlib.metrics import recogniser
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report import ablations, experiments, training
from sketchlib.report.ablations import FILE, REPORT_CLASSES
from sketchlib.report.chapters import measured_claims, measured_points
from sketchlib.report.chapters.points import ENDS
from sketchlib.report.page import published_numbers
from sketchlib.report.profile import load_profile
from sketchlib.strokes import Drawing
from sketchlib.train import Settings

SECTION = SimpleNamespace(
    hidden_size=12, embedding_size=4, n_mixtures=3, encoder_size=6, latent_size=4, per_class=12, steps=4, vae_steps=4,
    batch_size=6, lr=0.01, validations=2, sketches=4,
)  # fmt: skip
DRAWINGS = sketch_set(12, classes=(*REPORT_CLASSES, "pig"), low=7, high=24)
TERMS = {"loss": 2.0, "L_S": 1.0, "L_P": 0.5, "L_KL": 0.25}
CURVES = [dict(step=2, eta=0.5, train={"loss": 1.0}, valid={**TERMS, "loss": 1.5}), dict(step=4, eta=0.9, train={"loss": 0.5}, valid=TERMS)]


def decoder():
    torch.manual_seed(1)
    model = ConditionalDecoder(DRAWINGS.classes, DRAWINGS.n_max + 4, 20.0, hidden_size=12, embedding_size=4, n_mixtures=3).eval()
    model.decoder.fc_params.bias.data[-1] -= 3  # so that most sketches have a point
    return model


def vae(name=FILE, **more):
    torch.manual_seed(1)
    sizes = dict(encoder_size=6, decoder_size=12, latent_size=4, n_mixtures=3)
    model = SketchVAE((name,), DRAWINGS.n_max + 4, 20.0, **sizes, **more).eval()
    model.decoder.fc_params.bias.data[-1] -= 3
    return model


@pytest.fixture(scope="module")
def material():
    by_class = {name: DRAWINGS.drawings(name) for name in DRAWINGS.classes}
    judge = recogniser.train_recogniser(by_class, by_class, size=16, epochs=1, width=4)[0]
    counts = {step: DRAWINGS.counts() for step in ("read", "kept")}
    prepared = SimpleNamespace(splits=Splits(DRAWINGS, DRAWINGS, DRAWINGS), kept=DRAWINGS, n_max=DRAWINGS.n_max, counts=counts)
    prepared.source, prepared.how = {}, SimpleNamespace(classes=DRAWINGS.classes)
    recipes = experiments.recipes(SECTION, prepared.how, seed=0)
    models = {name: training.untrained(recipe, prepared).eval() for name, recipe in recipes.items()}
    runs = {name: SimpleNamespace(model=model, curves=CURVES) for name, model in models.items()}
    router = Router({name: vae(name) for name in REPORT_CLASSES})
    return measured_points.Material(prepared, runs, judge, router, decoder(), SECTION, 0.4, 0)


def live(full):
    """The numbers that the page counts itself, whatever the profile."""
    once, often = (ablations.times_seen(500, 50, epochs, 0) for epochs in (1, 3))
    section = full.single
    settings = Settings(1, lr=section.lr, plateau_factor=section.plateau_factor, plateau_patience=section.plateau_patience)
    rates = ablations.plateau_rates(30, settings)
    return {
        **measured_points.dropout_same(True),
        **measured_points.plateau(rates, full.single),
        **measured_points.epochs(once, often, measured_points.epoch_counts(DRAWINGS.lengths, 7, 3, 0), 50, 3),
        **measured_points.flip(DRAWINGS.drawings(FILE, 2)),
        **measured_claims.settings(full),
        **measured_claims.code(decoder(), vae(), DRAWINGS),
    }


def test_a_run_measures_every_number_that_is_published(material):
    """So that what the page says of the published run, it can say of any."""
    full = load_profile("full")
    found = measured_points.measured(material) | measured_claims.measured(material) | live(full)
    ends = {f"s12_{key}_{end}" for key in [*ENDS.values(), "end_gap", "gain_start", "gain_step", "gain_both"] for end in ("low", "high")}
    counted = {name for name in published_numbers("12_claims") if name.startswith("s12_count_")} | {"s12_claims"}
    density = {"s12_order_valid_best", "s12_order_test_best"}  # not on the grid: published before
    assert set(published_numbers("12_claims")) - ends - counted - density == set(found) - {
        "s12_grid_valid_best", "s12_grid_test_best",
        "s12_dropout_same", "s12_same_place", "s12_far_plainly", "s12_padding_apart", "s12_router_loss", "s12_router_formula",
        "s12_scene_overlaps",
    }  # fmt: skip
    assert all(found[name].low is not None for name in (*(f"s12_{name}" for name in ENDS), "s12_end_gap", "s12_gain_both"))


def test_numbers_of_curves_are_those_of_the_curves(material):
    found = measured_points.dropout(material)
    assert [found[f"s12_drop_{part}"].value for part in ("best", "rise", "gap")] == [1.5, 0.5, 1.5]
    assert measured_claims.learning_rates(material)["s12_own_lr_loss"].value == 1.5


def test_an_embedding_that_was_not_trained_has_not_moved(material):
    found = measured_points.classes_asked(material)
    assert found["s12_embeddings_moved"].value == 0 and found["s12_embeddings"].value == len(REPORT_CLASSES)


def test_this_books_epochs_read_every_drawing_as_often():
    assert set(measured_points.epoch_counts(DRAWINGS.lengths, 7, 3, seed=1)) == {3}


def test_what_a_drawing_costs_by_row_is_even_where_the_head_says_nothing():
    model = vae()
    for parameter in model.decoder.parameters():
        parameter.data.zero_()
    costs = measured_points.pen_by_row(model, DRAWINGS.only(FILE), n_max=DRAWINGS.n_max + 20)
    assert costs.shape == measured_points.REACH.shape and np.allclose(costs, math.log(3))


def test_copies_do_not_vary_and_are_close_to_themselves(material):
    drawings = DRAWINGS.drawings("cat", 4)
    assert measured_points.variety(material.judge, drawings[:1] * 3) == pytest.approx(0, abs=1e-5)
    assert measured_points.variety(material.judge, drawings) > 0
    assert measured_points.closeness(material.judge, drawings, drawings) == pytest.approx(0, abs=1e-5)
    few = [Drawing(()), drawings[0]]
    assert math.isnan(measured_points.variety(material.judge, few))
    assert math.isnan(measured_points.closeness(material.judge, few, drawings[:2]))


@pytest.mark.parametrize(
    ("classes", "words"),
    [(("cat", "sun", "airplane"), ["airplane", "cat"]), (("dog", "bicycle"), ["dog", "bicycle"]), (tuple("abcdefg"), list("abcde"))],
)
def test_words_are_the_reports_or_the_first(classes, words):
    assert measured_points.report_words(classes) == words


@pytest.mark.parametrize("w_gist", [0.0, 3.0])
def test_what_is_so_of_the_code_is_so_of_any_model(w_gist):
    found = measured_claims.code(decoder(), vae(w_gist=w_gist), DRAWINGS)
    assert found["s12_padding_apart"].value < 1e-4 and found["s12_scene_overlaps"].value == 0
    assert found["s12_router_loss"].value == pytest.approx(found["s12_router_formula"].value, rel=1e-5)
    assert found["s12_far"].value == pytest.approx(100**2 / 2 + math.log(2 * math.pi), rel=1e-5)
    assert math.isinf(found["s12_far_plainly"].value)


def test_the_pair_that_the_page_trains_is_told_by_its_last_record():
    found = measured_points.watched({"annealed": CURVES, "frozen": CURVES[:1]}, n=7)
    assert found["s12_watched_annealed_kl"][1:4] == (0.25, "nats per dimension", 7) and found["s12_watched_frozen_l_r"].value == 1.5
