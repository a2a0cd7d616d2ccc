"""Chapter 13's numbers: all that its tables and plots need, of every kind, size and temperature; what is missing is a dash."""

import math
from types import SimpleNamespace

import pytest
import torch
from synthetic import sketch_set

from sketchlib.data import dataset
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report import page, stages, sweep
from sketchlib.report.chapters import contest
from sketchlib.report.tables import Number

CLASSES = ("cat", "alarm clock")
SET = sketch_set(60, CLASSES)
AXES = sweep.Axes((10, None), CLASSES, (0.5, 1.0))


def decoder(classes):
    return ConditionalDecoder(classes, 12, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3)


def vae(name):
    return SketchVAE((name,), 12, 15.0, encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)


def trained(part):
    """A model that was never trained, with the card of one that was."""
    model = vae(part.name) if part.kind == "router" else decoder(CLASSES if part.name is None else (part.name,))
    parameters = sum(p.numel() for p in model.parameters())
    card = dict(parameters=parameters, train_seconds=2.0, settings=dict(steps=9, batch_size=5), config=dict(classes=model.classes))
    return SimpleNamespace(model=model, card=card)


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    prepared = stages.Prepared(SET, SET, dataset.split(SET), 1.0, SET.n_max, {}, {})
    runs = {part: trained(part) for part in sweep.parts(AXES.drawings, AXES.classes)}
    drawers = {"router": Router({name: vae(name) for name in CLASSES}), "single": decoder(CLASSES)}
    return contest.measure(AXES, 8, 0.5, 0, prepared, Recogniser(CLASSES, 16, 4).eval(), runs, drawers)


def test_every_kind_has_its_numbers_at_every_size_and_the_drawers_at_every_temperature(found):
    for kind in sweep.KINDS:
        for size in ("10", "all"):
            for name in ("grid", "recognised", "frechet", "diversity", "ms", "parameters", "training", "kb"):
                assert f"s13_{name}_{kind}_{size}" in found
            assert f"s13_grid_{kind}_{size}_alarm_clock" in found
    assert {f"s13_recognised_{kind}_tau_{t}" for kind in ("router", "single") for t in ("0.5", "1")} <= found.keys()
    assert found["s13_models"].value == 2 * (1 + 2 * 2) and found["s13_met_single"].value == found["s13_met_alone"].value / 2
    assert all(one.value >= 0 for name, one in found.items() if name.split("_")[1] in ("parameters", "training", "ms", "kb", "ratio"))


def test_a_difference_is_that_of_its_two_sides(found):
    for size in ("10", "all"):
        for name, other in (("gap", "router"), ("worth", "alone")):
            less = found[f"s13_grid_{other}_{size}"].value - found[f"s13_grid_single_{size}"].value
            assert math.isclose(found[f"s13_grid_{name}_{size}"].value, less)
    ratio = found["s13_parameters_router_all"].value / found["s13_parameters_single_all"].value
    assert math.isclose(found["s13_ratio_parameters"].value, ratio)


TABLES = [contest.conditions_table, contest.score_table, contest.bill_table, contest.sharing_table]


def tables_of(found, axes):
    sizes = [sweep.name_of(n) for n in axes.drawings]
    texts = [one(found, axes) for one in TABLES] + [contest.training_table(found), contest.advice_table(found, sizes[-1])]
    at = {**{n: n for n in sizes}, **{f"tau_{t:g}": f"{t:g}" for t in axes.temperatures}}
    return [*texts, contest.duel_table(found, at, ["recognisability", "FID"])]


def test_tables_hold_all_and_a_dash_for_what_was_not_measured(found):
    assert all("–" not in text for text in tables_of(found, AXES) if "FID" not in text)
    gone = {name: one for name, one in found.items() if "_tau_" not in name and "alarm_clock" not in name}
    del gone["s13_recognised_single_10"]
    duels = contest.duel_table(gone, {"10": "ten", "tau_1": "τ = 1"}, ["likelihood", "recognisability"]).splitlines()
    assert len(duels) == 3 and duels[2].startswith("| ten |") and duels[2].endswith("| – |")
    assert "| winner by recognisability | – |" in contest.advice_table(gone, "10")
    assert "did not measure" in contest.duel_table(gone, {"tau_1": "τ = 1"}, ["recognisability", "FID"])
    assert [row.split(" | ")[0] for row in contest.sharing_table(gone, AXES).splitlines()[2:]] == ["| cat", "| together"]


def test_the_published_numbers_fill_the_tables():
    head = page.published_head("13_which_architecture")
    axes, found = sweep.axes(None, head), page.published_numbers("13_which_architecture")
    on_grid = "s13_grid_single_all" in found  # what was published before that has a dash there
    assert all(tables_of(found, axes)) and ("–" in contest.score_table(found, axes)) != on_grid
    assert (contest.duel(found, "all")["likelihood"][1] in ("router", "single")) == on_grid
    assert sorted(contest.places(found, axes)) == contest.places(found, axes)


def numbers(gap, recognised, parameters=2.0):
    at = {"s13_grid_gap_all": Number("gap", gap, "nats", 9, gap - 0.1, gap + 0.1), "s13_ratio_parameters": Number("ratio", parameters)}
    return at | {f"s13_recognised_{kind}_all": Number(kind, share, "percent", 100) for kind, share in recognised.items()}


@pytest.mark.parametrize(
    ("gap", "recognised", "parameters", "advised"),
    [
        (-1.0, dict(router=90.0, single=10.0), 2.0, "router"),
        (1.0, dict(router=50.0, single=50.0), 0.5, "single"),
        (1.0, dict(router=90.0, single=10.0), 2.0, "single"),  # a draw: the smaller one
        (1.0, dict(router=90.0, single=10.0), 0.5, "router"),
    ],
)
def test_the_advice_is_who_wins_by_most_measures_and_then_the_smaller(gap, recognised, parameters, advised):
    found = numbers(gap, recognised, parameters)
    assert contest.advised(found, "all") == advised and contest.advice_table(found, "all").splitlines()[-1] == f"| to be used | {advised} |"


def test_panels_hold_a_number_for_every_condition(found):
    panels = contest.panels(found, {"nats a point": "grid"}, sweep.KINDS, ["10", "all", "9"])
    values = [one.value for one in panels["nats a point"]["alone"]]
    assert values[0] == found["s13_grid_alone_10"].value and math.isnan(values[2])
