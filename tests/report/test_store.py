"""The artefact store: what is stopped is gone on with, and who may throw away what a run has."""

import json
import os
from dataclasses import replace

import pytest
import torch

from sketchlib.__main__ import main
from sketchlib.models import weights
from sketchlib.report import drawings, recipes, stages, store, training
from sketchlib.report.folders import build_folder


def stop(*_):
    raise KeyboardInterrupt


def shorter(profile):
    return replace(profile, single=replace(profile.single, steps=10))


def test_a_thing_whose_record_was_not_written_whole_is_not_done(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", stop)
        store.taken_or_made(tmp_path / "thing-1", lambda folder: {"n": 3}, None)
    assert not store.is_done(tmp_path / "thing-1")
    store.taken_or_made(tmp_path / "thing-1", lambda folder: {"n": 3}, None)
    assert store.record_of(tmp_path / "thing-1")["n"] == 3


def test_a_training_that_is_stopped_before_it_is_done_is_not_begun_anew(profile, monkeypatch):
    asked = shorter(profile)
    folder = recipes.folder_of("tiny", recipes.single(asked))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stages.data(asked)
        patch.setattr(store, "write_atomically", stop)
        training.keep(asked, recipes.single(asked), say=False)
    curves = (folder / "curves.jsonl").read_text()  # with the seconds that it took
    assert not store.is_done(folder) and (folder / training.MODEL).exists()
    trained = training.trained(asked, recipes.single(asked))
    assert (folder / "curves.jsonl").read_text() == curves and trained.card["steps"] == 10
    assert not [name for name in training.CHECKPOINTS if (folder / name).exists()]


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_readers_kernel_throws_away_and_rewrites_nothing_and_the_build_tidies_up(profile, monkeypatch):
    with store.building():
        stages.train_single(shorter(profile))
        stages.train_vaes(profile)
        stages.recogniser(profile)
    assert weights.router(build_folder("tiny") / "models" / "router").classes == ("cat", "pig", "sun")
    kept = files_of(build_folder("tiny"))
    fewer = replace(shorter(profile), data=replace(profile.data, classes=("cat", "sun"), max_length=20))
    for take in (stages.data, stages.train_single, stages.train_vaes, stages.recogniser):
        take(fewer)
    left = files_of(build_folder("tiny"))
    assert len(left) > len(kept) and {path: left[path] for path in kept} == kept
    monkeypatch.setenv("SKETCHLIB_RECORD", "numbers.json")
    for take in (stages.data, stages.train_single, stages.train_vaes, stages.recogniser):
        take(fewer)
    folders = [path.name.rpartition("-")[0] for path in (build_folder("tiny") / "artefacts").iterdir()]
    assert sorted(folders) == ["data", "recogniser", "single", "vae-cat", "vae-sun"]
    assert weights.router(build_folder("tiny") / "models" / "router").classes == ("cat", "sun")
    assert set(json.loads((build_folder("tiny") / "data.json").read_text())["files"]) == {"cat", "sun"}


@pytest.mark.slow
def test_the_command_line_keeps_a_run_as_the_build_does_and_only_while_it_runs(profile):
    main(["train", "router", "--profile", "tiny"])
    assert weights.router(build_folder("tiny") / "models" / "router").classes == ("cat", "pig", "sun")
    assert not store.builds()


def test_a_recipe_is_trained_on_the_drawings_that_it_names(profile):
    own = replace(profile.data, max_length=20, fractions=(0.5, 0.25, 0.25))
    recipe = recipes.single(shorter(replace(profile, data=own)))
    trained = training.trained(profile, recipe)
    prepared = drawings.prepare("tiny", own)
    assert prepared.counts["train"] != stages.data(profile).counts["train"]
    assert trained.card["data"]["counts"]["kept"] == prepared.counts["kept"]
    assert trained.card["data"]["counts"]["train"] == prepared.splits.train.counts()
    assert trained.model.n_max == prepared.n_max and torch.tensor(trained.model.scale) == torch.tensor(prepared.scale)
