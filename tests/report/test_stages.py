"""The artefact store: what makes a stage again, VAEs side by side, and which weights draw."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import yaml

import sketchlib
from sketchlib import train
from sketchlib.__main__ import main
from sketchlib.errors import DataError
from sketchlib.files import PACKAGE, PROJECT, trainings_before
from sketchlib.metrics import cost, latent
from sketchlib.models import weights
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report import cards, experiments, recipes, stages, store, sweep, training
from sketchlib.report.drawings import taken
from sketchlib.report.folders import build_folder
from sketchlib.sampling import sample


def changed(profile, section, **values):
    return replace(profile, **{section: replace(getattr(profile, section), **values)})


@pytest.fixture
def the_build():
    """As in the build's kernels."""
    with store.building():
        yield


def keys_of(profile):
    return {name: keys(profile) for name, keys in stages.KEYS.items()}


def test_a_stage_is_made_again_for_what_it_depends_on_and_nothing_else(profile):
    before, other = keys_of(profile), keys_of(changed(profile, "vae", steps=11))
    assert {name for name in before if before[name] != other[name]} == {"train_vae", "train_vaes", "router"}
    other = keys_of(changed(profile, "recogniser", epochs=7))
    assert {name for name in before if before[name] != other[name]} == {"recogniser", "recogniser_record"}


OTHER = {"classes": ("cat", "sun"), "per_class": 30, "min_length": 3, "max_length": 15, "clamp": 7.0, "fractions": (0.5, 0.25, 0.25)}
OTHER |= {"split_seed": 5, "unrecognized": False}


def test_every_setting_of_the_drawings_executes_the_chapters_that_take_them_again(profile):
    others = [changed(profile, "data", **{name: value}) for name, value in OTHER.items()]
    assert OTHER.keys() == asdict(profile.data).keys()
    keys = [stages.KEYS["data"](one) for one in (profile, *others)]
    assert len(set(map(tuple, keys))) == 1 + len(others)


@pytest.mark.parametrize("name", ["purify", "split"])
def test_what_purifies_and_splits_the_drawings_executes_the_chapters_that_take_them_again(name, profile, monkeypatch, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "sketchlib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("sketchlib.report.dependencies.PACKAGE", tmp_path / "sketchlib")
    before, path = stages.KEYS["data"](profile), tmp_path / "sketchlib" / "data" / "dataset.py"
    text = path.read_text()
    path.write_text(text.replace(f"\ndef {name}(", f"\ndef {name}(another=0, *, "))
    assert path.read_text() != text and stages.KEYS["data"](profile) != before


def test_other_drawings_make_every_stage_again(profile, tmp_path):
    before = keys_of(profile)
    with (tmp_path / "drawings" / "cat.ndjson").open("a") as file:
        file.write((tmp_path / "drawings" / "cat.ndjson").read_text().splitlines()[0] + "\n")
    after = keys_of(profile)
    assert not any(set(before[name]) & set(after[name]) for name in before)


def test_recipes_nest_and_have_a_key_for_each_value(profile):
    asked = changed(changed(profile, "pretraining", steps=20), "vae", from_single=True)
    vae = recipes.vae(asked, "cat")
    assert [one.name for one in recipes.chain(vae)] == ["pretraining", "single", "vae-cat"]
    first = replace(vae.start.start, settings=replace(vae.start.start.settings, lr=0.5))
    others = [
        replace(vae, start=replace(vae.start, start=first)), replace(vae, keep="last"), replace(vae, start=None),
        replace(vae, sizes={**vae.sizes, "kl_min": 0.3}), replace(vae, drawings=replace(vae.drawings, per_class=3)),
        replace(vae, drawings=replace(vae.drawings, data=replace(vae.drawings.data, clamp=9))), replace(vae, architecture=recipes.SINGLE),
        replace(vae, settings=replace(vae.settings, seed=1)),
    ]  # fmt: skip
    assert len({recipes.key(one) for one in (vae, *others)}) == 1 + len(others)


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def left(profile):
    return [name for name, recipe in recipes.vaes(profile).items() if not training.is_kept(profile, recipe)]


@pytest.mark.slow
def test_vaes_are_trained_once_and_the_same_alone_and_side_by_side(profile, the_build, monkeypatch, tmp_path):
    alone = stages.train_vae(profile, "pig")
    assert left(profile) == ["cat", "sun"]
    kept = recipes.folder_of("tiny", recipes.vae(profile, "pig")) / training.MODEL
    made = kept.stat().st_mtime_ns
    together = stages.train_vaes(profile)
    assert kept.stat().st_mtime_ns == made and left(profile) == []
    assert [one.card["steps"] for one in together.values()] == [10] * 3
    assert weights.router(build_folder("tiny") / "models" / "router").classes == ("cat", "pig", "sun")
    monkeypatch.setenv("SKETCHLIB_BUILD", str(tmp_path / "another"))
    assert same_weights(stages.train_vaes(profile)["pig"].model, alone.model)


@pytest.mark.slow
def test_what_other_states_left_is_removed_once_the_new_one_is_there(profile, the_build):
    before = recipes.folder_of("tiny", recipes.single(profile))
    stages.train_single(profile)
    other = changed(profile, "single", steps=10)
    stages.train_single(other)
    assert recipes.folder_of("tiny", recipes.single(other)).exists() and not before.exists()
    stages.train_vaes(profile)
    fewer = changed(profile, "data", classes=("cat", "sun"))
    stages.train_vaes(fewer)
    assert weights.router(build_folder("tiny") / "models" / "router").classes == ("cat", "sun")
    names = {path.name.rpartition("-")[0] for path in (build_folder("tiny") / "artefacts").iterdir()}
    assert names == {"data", "single", "vae-cat", "vae-sun"}


def ended_from_outside(profile, recipe):
    os.kill(os.getpid(), signal.SIGKILL)


SIDE_BY_SIDE = """
import os, time
from sketchlib.report.training import _pool

if __name__ == "__main__":
    with _pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell here who is at work")
def test_a_training_side_by_side_ends_with_the_process_that_began_it(tmp_path):
    (tmp_path / "begin.py").write_text(SIDE_BY_SIDE)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, tmp_path / "begin.py"], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        worker = int(parent.stdout.readline())
        assert Path(f"/proc/{worker}").exists()
        parent.kill()
    until = time.monotonic() + 60
    while is_at_work(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_at_work(worker)


def is_at_work(process):
    """Whether a process runs, and is not only waited for to be counted."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.slow
def test_a_process_that_is_killed_while_vaes_train_ends_the_others_and_is_told(profile, monkeypatch):
    monkeypatch.setattr(training, "_keep_on_one_processor", ended_from_outside)
    with pytest.raises(DataError, match=r"vae-\w+: a process that trained was ended from outside.*run the same again"):
        stages.train_vaes(profile)
    assert left(profile) == ["cat", "pig", "sun"]


@pytest.mark.slow
def test_vaes_that_start_from_the_single_model_are_made_again_with_it(profile):
    warm = changed(profile, "vae", from_single=True, decoder_size=profile.single.hidden_size, n_mixtures=profile.single.n_mixtures)
    with pytest.raises(SystemExit, match="train single --profile tiny"):
        main(["train", "router", "--profile", as_file(warm)])
    other = changed(warm, "single", steps=11)
    assert keys_of(warm)["train_vaes"] != keys_of(other)["train_vaes"]
    assert keys_of(profile)["train_vaes"] == keys_of(changed(profile, "single", steps=11))["train_vaes"]
    assert stages.train_vae(warm, "cat").card["started_from"] == "the single model"  # trains the single model first
    single, recipe = stages.train_single(warm), recipes.vae(warm, "cat")
    started = training.first_model(warm, recipe, taken(recipe.drawings, stages.data(warm), 0))
    assert torch.equal(started.decoder.lstm.weight_hh_l0, single.model.decoder.lstm.weight_hh_l0)
    assert started.scale == single.model.scale and single.card["started_from"] is None


def as_file(profile):
    """The name under which a profile is found."""
    (Path(os.environ["SKETCHLIB_PROFILES"]) / "tiny.yml").write_text(yaml.safe_dump(profile.values))
    return "tiny"


def test_a_model_that_is_missing_is_named_with_what_trains_it(profile):
    compared = next(iter(sweep.recipes(profile).values()))
    experiment = experiments.recipes(profile.experiments, profile.data, 0)["one class"]
    for recipe, command in [
        (recipes.single(profile), "sketchlib train single --profile tiny"),
        (recipes.best(changed(profile, "best", steps=1)), "sketchlib train best --profile tiny"),
        (recipes.vae(profile, "pig"), 'sketchlib train router --profile tiny --classes "pig"'),
        (experiment, "make book PROFILE=tiny"),
        (compared, "make book PROFILE=tiny"),
    ]:
        with pytest.raises(DataError, match=f"{recipe.name} of profile tiny is not trained yet: run `{command}`"):
            training.read_trained(profile, recipe)


def test_a_card_says_the_precision_that_was_used_and_the_one_asked_for(profile, monkeypatch):
    monkeypatch.setattr(train, "_runs_bfloat16", lambda device: False)
    card = stages.train_single(changed(profile, "single", steps=10, precision="bfloat16")).card
    assert card["precision"] == "float32" and card["settings"]["precision"] == "bfloat16"


@pytest.mark.slow
def test_vaes_start_from_one_of_all_classes_whose_decoder_starts_from_the_single_models_pretraining(profile):
    asked = changed(changed(profile, "pretraining", steps=4, other_classes=False), "vae_pretraining", steps=3, other_classes=False)
    recipe = recipes.vae(asked, "cat")
    assert [one.name for one in recipes.chain(recipe)] == ["pretraining", "vae_pretraining", "vae-cat"] and recipe.centred
    made = training.trained(asked, recipe)
    card, found = made.card, taken(recipe.drawings, stages.data(asked), 0)
    assert card["started_from"] == "a VAE of 3 classes"
    assert latent.aggregate(*latent.latent_clouds(made.model, found.train))["mean"] < 1e-3  # centred again after its last step
    assert card["valid"] == train.evaluate(made.model, found.valid) != made.curves[-1]["valid"]
    assert [(one["architecture"], one["steps"]) for one in trainings_before(card)] == [("ConditionalDecoder", 4), ("ConditionalVAE", 3)]
    assert [row[0] for row in cards.rows_of(card)] == [
        "its pretraining, 3 classes", "its pretraining as a conditional VAE, 3 classes", "VAE of cat",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_single_model_learns_from_every_class_first_and_its_card_says_so(profile, tmp_path):
    drawings = tmp_path / "drawings"
    asked = changed(changed(profile, "pretraining", steps=20, lr=0.01, other_classes=True), "single", steps=10)
    with pytest.raises(DataError, match="learns from other classes first, and the data folder has none"):
        stages.train_single(asked)
    for name in ("dog", "owl"):
        (drawings / f"{name}.ndjson").write_text((drawings / "cat.ndjson").read_text().replace('"cat"', f'"{name}"'))
    recipe = recipes.pretraining(asked)
    with pytest.raises(DataError, match="train single --profile tiny"):
        training.read_trained(asked, recipe)
    counts = taken(recipe.drawings, stages.data(asked), 0).train.counts()
    assert counts == {**stages.data(asked).splits.train.counts(), "dog": 40, "owl": 40}
    assert recipe.settings.lr == 0.01 and recipe.settings.batch_size == profile.single.batch_size
    trained = stages.train_single(asked)
    card, before = trained.card, training.read_trained(asked, recipe).card
    assert card["pretraining"]["classes"] == 5 and card["pretraining"]["drawings"] == sum(counts.values())
    assert card["pretraining"]["steps"] == before["steps"] == 20 and card["steps"] == 10
    assert set(before["data"]["source"]["files"]) == set(counts)
    assert cost.bill([trained.model], [card])["train_seconds"] == card["train_seconds"] + before["train_seconds"]
    assert stages.train_single(changed(profile, "single", steps=10)).card["pretraining"] is None


@pytest.mark.slow
def test_a_single_model_learns_its_own_classes_with_other_settings_first(profile):
    first = dict(steps=20, other_classes=False, weight_dropout=0.5, jitter=0.1)
    asked = changed(changed(profile, "pretraining", **first), "single", steps=10, weight_dropout=0.0, per_class=20)
    recipe, prepared = recipes.pretraining(asked), stages.data(asked)
    assert taken(recipe.drawings, prepared, 0).train.counts() == prepared.splits.train.counts()
    assert recipe.sizes["weight_dropout"] == 0.5 and recipe.settings.jitter == 0.1
    trained = stages.train_single(asked)
    before = training.read_trained(asked, recipe)
    assert trained.model.sizes["weight_dropout"] == 0 and trained.card["settings"]["jitter"] == 0
    assert trained.card["pretraining"]["classes"] == 3 and trained.card["pretraining"]["steps"] == 20
    assert trained.card["pretraining"]["weight_dropout"] == 0.5
    assert not torch.equal(trained.model.embedding.weight, before.model.embedding.weight)
    single = recipes.single(asked)
    started = training.first_model(asked, single, taken(single.drawings, prepared, 0))
    assert torch.equal(started.embedding.weight, before.model.embedding.weight)
    assert trained.card["data"]["counts"]["train"] == dict.fromkeys(("cat", "pig", "sun"), 20)
    assert before.card["data"]["counts"]["train"] == prepared.splits.train.counts()
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
    before, other = keys_of(asked), keys_of(changed(asked, "pretraining", lr=0.5))
    assert {name for name in before if before[name] != other[name]} == {"train_single", "single"}
    assert keys_of(profile) == keys_of(changed(profile, "pretraining", lr=0.5))

    def first(profile):
        return recipes.key(recipes.pretraining(profile))

    assert first(asked) == first(changed(asked, "single", steps=11)) == first(changed(asked, "single", per_class=11))
    own = changed(asked, "pretraining", other_classes=False)
    keys = first(asked), first(own)
    (tmp_path / "drawings" / "dog.ndjson").write_text((tmp_path / "drawings" / "cat.ndjson").read_text())
    assert first(asked) != keys[0] and first(own) == keys[1]


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
    assert drawer.model.sizes["hidden_size"] == 4 and len(drawer.cards) == 1
    router = stages.router(profile)
    assert router.model.classes == ("cat", "pig", "sun") and len(router.cards) == 3
    assert not training.is_kept(profile, recipes.single(profile))
    (tmp_path / "weights" / "router" / "._cat.safetensors").write_bytes(b"a system's own")
    assert [path.stem for path in stages.published(profile, "router")] == ["cat", "pig", "sun"]
    own = changed(profile, "report", weights="own")
    assert stages.published(own, "single") == [] and keys_of(own)["single"] != keys_of(profile)["single"]
    (tmp_path / "weights" / "single.json").unlink()
    with pytest.raises(DataError, match=r"single\.json, the card of single\.safetensors, cannot be read"):
        stages.single(profile)


def test_the_best_model_draws_where_there_is_one_of_the_same_classes(profile, monkeypatch, tmp_path):
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    publish(tmp_path / "weights", small("cat", "pig", "sun"), small("cat"), small("pig"), small("sun"))
    assert stages.best(profile) is None
    before = keys_of(profile)
    for suffix in (".safetensors", ".json"):
        shutil.copy(tmp_path / "weights" / f"single{suffix}", tmp_path / "weights" / f"best{suffix}")
    assert stages.best(profile).model.classes == ("cat", "pig", "sun") and len(stages.best(profile).cards) == 1
    assert {name for name, keys in keys_of(profile).items() if keys != before[name]} == {"best"}
    assert stages.best(changed(profile, "report", weights="own")) is None
    monkeypatch.setattr(stages, "_cards", lambda found: [{"config": {"classes": ["cat", "dog"]}}])
    assert stages.best(profile) is None


def test_a_best_model_of_a_runs_own_sees_the_pens_place_and_starts_where_the_single_model_does(profile):
    asked = changed(profile, "pretraining", steps=4, other_classes=False)
    asked = changed(changed(asked, "best", steps=5, stray=0.1, dequantise=True), "report", weights="own")
    trained = stages.train_best(asked)
    assert type(trained.model).__name__ == "ConditionalPlacedDecoder" == trained.card["architecture"]
    assert trained.card["settings"]["stray"] == 0.1 and trained.card["steps"] == 5
    assert trained.card["pretraining"]["architecture"] == "ConditionalDecoder"
    assert stages.best(asked).cards == [trained.card]
    other = changed(asked, "best", stray=0.2)
    assert {name for name, keys in keys_of(other).items() if keys != keys_of(asked)[name]} == {"best"}


@pytest.mark.slow
def test_published_weights_of_other_classes_do_not(profile, the_build, monkeypatch, tmp_path):
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    publish(tmp_path / "weights", small("cat", "dog"))
    drawer = stages.single(profile)
    assert drawer.model.classes == ("cat", "pig", "sun")
    card = json.loads((build_folder("tiny") / "models" / "single.json").read_text())
    assert card["settings"]["steps"] == 400


@pytest.mark.slow
def test_any_classes_make_a_book_names_with_blanks_and_capitals_too(profile, the_build, tmp_path):
    classes = ("The Eiffel Tower", "alarm clock", "Étoile")
    for old, new in zip(profile.data.classes, classes, strict=True):
        text = (tmp_path / "drawings" / f"{old}.ndjson").read_text()
        (tmp_path / "drawings" / f"{new}.ndjson").write_text(text.replace(f'"{old}"', f'"{new}"'), encoding="utf-8")
    small = replace(profile.comparison, drawings=(5, None), classes=classes[:2])
    asked = replace(changed(changed(profile, "data", classes=classes), "single", steps=10), comparison=small)
    single, router = stages.single(asked), stages.router(asked)
    assert single.model.classes == router.model.classes == stages.recogniser(asked).classes == classes
    assert all(len(sample(one.model, name, 2)) == 2 for one in (single, router) for name in classes)
    assert {part.name for part in stages.comparison(asked)} == {None, *classes[:2]}
    assert sketchlib.load(build_folder("tiny") / "models" / "router").classes == tuple(sorted(classes))
