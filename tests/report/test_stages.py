"""The artefact store: what makes a stage again, VAEs side by side, and which weights draw."""

import json
from dataclasses import replace

import pytest
import torch

from sketchlib import train
from sketchlib.errors import DataError
from sketchlib.metrics import cost
from sketchlib.models import weights
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report import recipes, stages, store
from sketchlib.report.folders import build_folder


def changed(profile, section, **values):
    return replace(profile, **{section: replace(getattr(profile, section), **values)})


def test_a_stage_is_made_again_for_what_it_depends_on_and_nothing_else(profile):
    keys = {name: store.key(name, profile) for name in store.STAGES}
    other = {name: store.key(name, changed(profile, "vae", steps=11)) for name in store.STAGES}
    differ = {name for name in keys if keys[name] != other[name]}
    assert {"train_vae", "train_vaes", "router"} <= differ
    assert not {"data", "train_single", "single", "recogniser"} & differ


def test_other_drawings_make_every_stage_again(profile, tmp_path):
    before = {name: store.key(name, profile) for name in store.STAGES}
    with (tmp_path / "drawings" / "cat.ndjson").open("a") as file:
        file.write((tmp_path / "drawings" / "cat.ndjson").read_text().splitlines()[0] + "\n")
    assert all(store.key(name, profile) != before[name] for name in store.STAGES)


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.slow
def test_vaes_are_trained_once_and_the_same_alone_and_side_by_side(profile, monkeypatch, tmp_path):
    alone = stages.train_vae(profile, "pig")
    assert recipes.untrained_vaes(profile) == ["cat", "sun"] and not store.is_done("train_vaes", profile)
    made = (store.artefact_folder("train_vaes", profile) / "router" / "pig.safetensors").stat().st_mtime_ns
    together = stages.train_vaes(profile)
    assert (store.artefact_folder("train_vaes", profile) / "router" / "pig.safetensors").stat().st_mtime_ns == made
    assert [one.card["steps"] for one in together.values()] == [10] * 3
    assert weights.router(build_folder("tiny") / "models" / "router").classes == ("cat", "pig", "sun")
    monkeypatch.setenv("SKETCHLIB_BUILD", str(tmp_path / "another"))
    assert same_weights(stages.train_vaes(profile)["pig"].model, alone.model)


@pytest.mark.slow
def test_vaes_that_start_from_the_single_model_need_it_and_are_made_again_with_it(profile):
    warm = changed(profile, "vae", from_single=True, decoder_size=profile.single.hidden_size, n_mixtures=profile.single.n_mixtures)
    with pytest.raises(DataError, match="train single --profile tiny"):
        recipes.vae_training(warm, stages.data(warm), "cat")
    other = changed(warm, "single", steps=11)
    assert store.key("train_vaes", warm) != store.key("train_vaes", other)
    assert store.key("train_vaes", profile) == store.key("train_vaes", changed(profile, "single", steps=11))
    single = stages.train_single(warm).model
    started = recipes.vae_training(warm, stages.data(warm), "cat").model
    assert torch.equal(started.decoder.lstm.weight_hh_l0, single.decoder.lstm.weight_hh_l0) and started.scale == single.scale
    assert stages.train_vae(warm, "cat").card["started_from"] == "the single model"
    assert stages.train_single(warm).card["started_from"] is None


def test_a_card_says_the_precision_that_was_used_and_the_one_asked_for(profile, monkeypatch):
    monkeypatch.setattr(train, "_runs_bfloat16", lambda device: False)
    card = stages.train_single(changed(profile, "single", steps=10, precision="bfloat16")).card
    assert card["precision"] == "float32" and card["settings"]["precision"] == "bfloat16"


@pytest.mark.slow
def test_a_single_model_learns_from_every_class_first_and_its_card_says_so(profile, tmp_path):
    drawings = tmp_path / "drawings"
    asked = changed(changed(profile, "pretraining", steps=20, lr=0.01, other_classes=True), "single", steps=10)
    with pytest.raises(DataError, match="learns from other classes first, and the data folder has none"):
        stages.train_single(asked)
    for name in ("dog", "owl"):
        (drawings / f"{name}.ndjson").write_text((drawings / "cat.ndjson").read_text().replace('"cat"', f'"{name}"'))
    with pytest.raises(DataError, match="train single --profile tiny"):
        recipes.single_training(asked, stages.data(asked))
    training, _ = recipes.pretraining(asked, stages.data(asked))
    counts = training.train_set.counts()
    assert counts == {**stages.data(asked).splits.train.counts(), "dog": 40, "owl": 40}
    assert training.settings.lr == 0.01 and training.settings.batch_size == profile.single.batch_size
    trained = stages.train_single(asked)
    card = trained.card
    before = json.loads((store.artefact_folder("pretraining", asked) / "single.json").read_text())
    assert card["pretraining"]["classes"] == 5 and card["pretraining"]["drawings"] == sum(counts.values())
    assert card["pretraining"]["steps"] == before["steps"] == 20 and card["steps"] == 10
    assert set(before["data"]["source"]["files"]) == set(counts)
    assert cost.bill([trained.model], [card])["train_seconds"] == card["train_seconds"] + before["train_seconds"]
    assert stages.train_single(changed(profile, "single", steps=10)).card["pretraining"] is None


@pytest.mark.slow
def test_a_single_model_learns_its_own_classes_with_other_settings_first(profile):
    first = dict(steps=20, other_classes=False, weight_dropout=0.5, jitter=0.1)
    asked = changed(changed(profile, "pretraining", **first), "single", steps=10, weight_dropout=0.0, per_class=20)
    training, record = recipes.pretraining(asked, stages.data(asked))
    assert training.train_set.counts() == stages.data(asked).splits.train.counts() and record.source == stages.data(asked).source
    assert training.model.sizes["weight_dropout"] == 0.5 and training.settings.jitter == 0.1
    trained = stages.train_single(asked)
    before = recipes.pretrain(asked)
    assert trained.model.sizes["weight_dropout"] == 0 and trained.card["settings"]["jitter"] == 0
    assert trained.card["pretraining"]["classes"] == 3 and trained.card["pretraining"]["steps"] == 20
    assert trained.card["pretraining"]["weight_dropout"] == 0.5
    assert not torch.equal(trained.model.embedding.weight, before.model.embedding.weight)
    started = recipes.single_training(asked, stages.data(asked)).model  # as it is before its first step
    assert torch.equal(started.embedding.weight, before.model.embedding.weight)
    assert trained.card["data"]["counts"]["train"] == dict.fromkeys(("cat", "pig", "sun"), 20)
    assert before.card["data"]["counts"]["train"] == stages.data(asked).splits.train.counts()
    assert cost.bill([trained.model], [trained.card])["steps"] == 30


@pytest.mark.slow
def test_the_last_weights_are_kept_where_the_profile_says_so(profile):
    asked = changed(profile, "single", steps=200, validations=10, per_class=4, lr=0.05)  # learns these few by heart
    best, last = (stages.train_single(changed(asked, "single", keep=keep)) for keep in ("best", "last"))
    assert best.card["best_step"] < last.card["best_step"] == 200 and last.card["valid"] == last.curves[-1]["valid"]
    assert train.evaluate(last.model, stages.data(asked).splits.valid) == last.card["valid"]
    assert train.evaluate(best.model, stages.data(asked).splits.valid) == best.card["valid"]


def test_only_what_starts_from_a_pretraining_is_made_again_with_it(profile, tmp_path):
    asked = changed(profile, "pretraining", steps=20)
    other = changed(asked, "pretraining", lr=0.5)
    assert store.key("train_single", asked) != store.key("train_single", other)
    assert store.key("train_vaes", asked) == store.key("train_vaes", other)
    assert store.key("train_single", profile) == store.key("train_single", changed(profile, "pretraining", lr=0.5))
    assert store.key("pretraining", asked) == store.key("pretraining", changed(asked, "single", steps=11))
    assert store.key("pretraining", asked) == store.key("pretraining", changed(asked, "single", per_class=11))
    own = changed(asked, "pretraining", other_classes=False)
    keys = [store.key("pretraining", one) for one in (asked, own)]
    (tmp_path / "drawings" / "dog.ndjson").write_text((tmp_path / "drawings" / "cat.ndjson").read_text())
    assert store.key("pretraining", asked) != keys[0] and store.key("pretraining", own) == keys[1]


def publish(folder, *models):
    for model in models:
        path = folder / ("single" if len(model.classes) > 1 else f"router/{model.classes[0]}")
        card = dict(config=model.config(), profile="published", seed=0, steps=1, best_step=1, train_seconds=60.0, parameters=2)
        weights.save(model, path.with_suffix(".safetensors"), card)


def small(*classes):
    torch.manual_seed(1)
    if len(classes) > 1:
        return ConditionalDecoder(classes, 30, 20.0, 4, 2, 2)
    return SketchVAE(classes, 30, 20.0, 4, 4, 2, 2)


def test_published_weights_draw_where_they_know_the_classes(profile, monkeypatch, tmp_path):
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    publish(tmp_path / "weights", small("cat", "pig", "sun"), small("cat"), small("pig"), small("sun"))
    drawer = stages.single(profile)
    assert drawer.model.sizes["hidden_size"] == 4 and "published weights" in drawer.origin and len(drawer.cards) == 1
    router = stages.router(profile)
    assert router.model.classes == ("cat", "pig", "sun") and len(router.cards) == 3
    assert not store.is_done("train_single", profile)


@pytest.mark.slow
def test_published_weights_of_other_classes_do_not(profile, monkeypatch, tmp_path):
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    publish(tmp_path / "weights", small("cat", "dog"))
    drawer = stages.single(profile)
    assert "trained in this run" in drawer.origin and drawer.model.classes == ("cat", "pig", "sun")
    card = json.loads((build_folder("tiny") / "models" / "single.json").read_text())
    assert card["settings"]["steps"] == 400
