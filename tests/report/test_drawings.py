"""The drawings of a run: what tells one reading from another, what is counted, and what a training takes."""

import json
import os
from dataclasses import replace

import pytest

from sketchlib.errors import DataError
from sketchlib.report import drawings, store
from sketchlib.report.folders import build_folder
from sketchlib.report.recipes import Drawings


def stop(*_):
    raise KeyboardInterrupt


@pytest.fixture
def prepared(profile):
    return drawings.prepare(profile.name, profile.data)


def test_drawings_are_read_again_for_what_reading_depends_on_and_nothing_else(profile):
    key = drawings.data_key(profile.data)
    assert drawings.data_key(replace(profile.data, min_length=3, max_length=15, clamp=7.0, split_seed=5)) == key
    others = [dict(classes=("cat", "sun")), dict(per_class=30), dict(unrecognized=False)]
    assert len({key, *(drawings.data_key(replace(profile.data, **values)) for values in others)}) == 1 + len(others)


def test_every_drawing_is_counted_where_it_went(prepared):
    kept = {name: sum(prepared.counts[part][name] for part in ("train", "valid", "test")) for name in prepared.raw.classes}
    assert prepared.counts["kept"] == kept == prepared.kept.counts()
    assert prepared.counts["read"] == prepared.raw.counts() and set(prepared.source["files"]) == set(kept)


def test_what_the_pages_say_of_the_drawings_is_whole_or_as_it_was(profile, monkeypatch):
    drawings.data(profile)
    before = (build_folder("tiny") / "data.json").read_text()
    assert json.loads(before)["counts"]["read"] == dict.fromkeys(profile.data.classes, 40)
    monkeypatch.setattr(os, "replace", stop)
    with store.building(), pytest.raises(KeyboardInterrupt):
        drawings.data(replace(profile, data=replace(profile.data, max_length=20)))
    assert (build_folder("tiny") / "data.json").read_text() == before


def test_a_training_sees_the_classes_that_it_may_and_knows_the_others(profile, prepared):
    found = drawings.taken(Drawings(profile.data, ("cat", "sun"), seen=("sun",), per_class=5), prepared, seed=0)
    assert found.train.classes == ("cat", "sun") and found.train.counts() == {"cat": 0, "sun": 5}
    assert found.valid.counts() == {"cat": 0, "sun": prepared.counts["valid"]["sun"]}


def test_few_drawings_come_again_until_a_pass_is_as_long_as_asked(profile, prepared):
    few = Drawings(profile.data, ("cat",), per_class=5, repeated_to=12)
    found, plain = (drawings.taken(one, prepared, seed=0) for one in (few, replace(few, repeated_to=None)))
    rows = [{row.tobytes() for row in (part[i] for i in range(len(part)))} for part in (found.train, plain.train)]
    assert len(found.train) == 12 and rows[0] == rows[1] and found.scale == plain.scale


def test_n_max_is_that_of_the_classes_that_are_named(profile, prepared):
    longest = {name: drawings.taken(Drawings(profile.data, ("cat",), longest=(name,)), prepared, 0).n_max for name in ("cat", "pig", "sun")}
    assert longest == {name: prepared.kept.only(name).n_max for name in longest}


def test_a_class_that_is_not_there_is_named(profile, prepared):
    with pytest.raises(DataError, match="dog"):
        drawings.taken(Drawings(profile.data, ("cat", "dog")), prepared, 0)
