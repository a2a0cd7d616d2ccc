"""Chapter 6's costs of both architectures."""

from types import SimpleNamespace

import pytest

from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report.chapters.bills import ITEMS, bills, bills_table

CLASSES = ("cat", "sun", "yurt")


def drawer(model, seconds, steps, **more):
    cards = [{"steps": steps, "train_seconds": seconds, **more}] * (len(CLASSES) if isinstance(model, Router) else 1)
    return SimpleNamespace(model=model, cards=cards)


@pytest.fixture
def single():
    return drawer(ConditionalDecoder(CLASSES, 9, 3.0, hidden_size=8, embedding_size=4, n_mixtures=2), 10.0, 5)


@pytest.fixture
def router():
    sizes = dict(encoder_size=4, decoder_size=8, latent_size=4, n_mixtures=2)
    return Router({name: SketchVAE((name,), 9, 3.0, **sizes) for name in CLASSES})


def test_a_ratio_is_the_routers_cost_over_the_single_models(single, router):
    found = bills(single, drawer(router, 2.0, 7))
    for key in ITEMS:
        assert found[f"s06_router_{key}"].value == pytest.approx(found[f"s06_ratio_{key}"].value * found[f"s06_single_{key}"].value)
    assert found["s06_router_memory_all"].value == len(CLASSES) * found["s06_router_memory_one_class"].value
    assert (found["s06_single_steps"].value, found["s06_vae_steps"].value) == (5, 7 * len(CLASSES))


@pytest.mark.parametrize(("start", "seconds"), [(None, 6.0), ("the single model", 16.0)])
def test_the_training_that_vaes_start_from_is_part_of_theirs(single, router, start, seconds):
    assert bills(single, drawer(router, 2.0, 7, started_from=start))["s06_router_train_seconds"].value == seconds


def test_the_table_has_a_row_for_each_cost_and_one_for_the_steps(single, router):
    found = bills(single, drawer(router, 2.0, 7))
    lines = bills_table(found).splitlines()
    assert len(lines) == 2 + len(ITEMS) + 1
    assert f"| {found['s06_single_parameters'].value:,} |" in lines[2] and lines[-1].startswith("| steps of training | 5 | 21 |")
