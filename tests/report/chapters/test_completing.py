"""Chapter 15's numbers: invariants where the answer is known, and tables without holes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from synthetic import sketch_set

from sketchlib.completion import beginning_of
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report.chapters import completing

CLASSES = ("cat", "sun")
TEST = sketch_set(8, CLASSES, 6, 14)
SETTINGS = SimpleNamespace(temperature=0.4, pen_temperature=0.7)
HOW = SimpleNamespace(per_class=4, each=3, tries=2)


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    sizes = dict(encoder_size=8, decoder_size=16, latent_size=4, n_mixtures=3)
    single = ConditionalDecoder(CLASSES, 40, 15.0, hidden_size=16, embedding_size=4, n_mixtures=3)
    return {"single": single, "router": Router({name: SketchVAE((name,), 40, 15.0, **sizes) for name in CLASSES})}


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Recogniser(CLASSES, 16, 4).eval()


@pytest.fixture(scope="module")
def found(models, judge):
    return completing.measure(judge, models, TEST, SETTINGS, HOW, 1)


def test_the_same_seed_finds_the_same_numbers(found, models, judge):
    assert completing.measure(judge, models, TEST, SETTINGS, HOW, 1) == found


def test_every_number_is_finite_and_shares_lie_in_their_intervals(found):
    assert all(np.isfinite(one.value) for one in found.values())
    for name, one in found.items():
        assert one.unit != "percent" or 0 <= one.value <= 100, name
        assert one.low is None or one.low <= one.value <= one.high, name


def test_the_best_model_has_its_column_where_it_was_measured(found):
    assert completing.measured(found) == ["single", "router"] and "best" not in completing.bar_table(found)
    more = {**found, **{name.replace("_single_", "_best_"): one for name, one in found.items() if "_single_" in name}}
    assert completing.measured(more) == ["single", "router", "best"]
    assert all("best" in table(more) for table in TABLES[1:5]) and "best" in completing.panels(more)["class guessed (%)"]


TABLES = [completing.setting_table, completing.recognised_table, completing.bar_table, completing.guess_table]
TABLES += [completing.variety_table, completing.size_table]


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_no_holes(table, found):
    rows = table(found).splitlines()
    assert {row.count("|") for row in rows} == {rows[0].count("|")}
    assert "".join(rows).count("–") == (2 if table is completing.recognised_table else 0)  # the whole drawings are not completed


def test_the_known_size_is_missed_by_nothing_and_the_beginnings_own_by_what_is_still_to_come(found):
    for part in completing.SHARES:
        given = f"{100 * part:g}"
        assert found[f"s15_off_known_{given}"].value == 1 and found[f"s15_off_judged_{given}"].value >= 1


def test_panels_have_a_number_for_each_share(found):
    for lines in completing.panels(found).values():
        assert {len(numbers) for numbers in lines.values()} == {len(completing.SHARES)}


@pytest.mark.parametrize(("ratio", "met"), [(0.97, "yes"), (0.5, "no")])
def test_a_bar_is_met_where_it_is_reached(found, ratio, met):
    at = {name: one._replace(value=ratio, low=ratio - 0.01, high=ratio + 0.01) for name, one in found.items()}
    rows = completing.bar_table(at).splitlines()[2:]
    assert len(rows) == 4 and all(row.split("|")[-2].strip() == met for row in rows)


def test_completions_that_are_all_one_have_no_variety(judge):
    drawings = [drawing for name in CLASSES for drawing in TEST.drawings(name, 3)]
    begun = [beginning_of(one, 0.5) for one in drawings]
    alike = [[one] * 3 for one in drawings]
    others = [[*drawings[i:], *drawings[:i]][:2] for i in range(len(drawings))]
    assert completing._variety(judge, begun, alike) < 1e-3 < completing._variety(judge, begun, others)
