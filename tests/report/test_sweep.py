"""A sweep is fair: every kind of model sees the same drawings; and its stage goes on where it was stopped."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from files import line_of, ndjson
from synthetic import sketch_set

from sketchlib import train
from sketchlib.data import dataset
from sketchlib.report import stages, sweep, training
from sketchlib.report.drawings import taken
from sketchlib.report.profile import load_profile
from sketchlib.report.sweep import Part

SET = sketch_set(60)


def prepared(sketches=SET):
    counts = {part: getattr(dataset.split(sketches), part).counts() for part in ("train", "valid", "test")}
    return stages.Prepared(sketches, sketches, dataset.split(sketches), 1.0, sketches.n_max, counts, {})


def drawings_of(sketches):
    return {row.tobytes() for row in (sketches[i] for i in range(len(sketches)))}


def test_the_parts_of_a_sweep_have_names_of_their_own(profile):
    parts = sweep.parts([50, None], ["cat", "alarm clock"])
    assert len(parts) == 2 * (1 + 2 * 2) and [part.kind for part in parts[:3]] == ["single", "router", "router"]
    found = sweep.recipes(profile)
    names = [recipe.name for recipe in found.values()]
    assert list(found) == sweep.parts([10, None], ["cat"]) and len(set(names)) == len(names)
    assert names[0] == "comparison-single-10" and "comparison-alone-all-cat" in names


def test_every_kind_sees_the_same_drawings_and_fewer_are_among_the_more(profile):
    asked = replace(profile, comparison=replace(profile.comparison, drawings=(10, 20, None), per_class=5))
    recipes, ready = sweep.recipes(asked), prepared()
    by_all = {n: taken(recipes[Part("single", n, None)].drawings, ready, 0) for n in (10, 20, None)}
    by_cat = {n: taken(recipes[Part("router", n, "cat")].drawings, ready, 0) for n in (10, 20, None)}
    for n, found in by_all.items():
        assert drawings_of(found.train.only("cat")) == drawings_of(by_cat[n].train)
        assert drawings_of(found.valid.only("cat")) == drawings_of(by_cat[n].valid)
        assert recipes[Part("alone", n, "cat")].drawings == recipes[Part("router", n, "cat")].drawings
        assert by_cat[n].train.classes == ("cat",) and by_cat[n].valid.classes == ("cat",)
        assert found.train.counts() == {name: n or 42 for name in ("cat", "sun")} and found.valid.counts()["cat"] == 5
        assert found.scale == dataset.data_scale_factor(found.train) and by_cat[n].scale == dataset.data_scale_factor(by_cat[n].train)
        assert found.n_max == ready.kept.n_max and by_cat[n].n_max == ready.kept.only("cat").n_max
    assert drawings_of(by_all[10].train) < drawings_of(by_all[20].train) < drawings_of(by_all[None].train)


def test_a_vae_that_starts_from_nothing_has_no_auxiliary_loss_of_the_profiles_vaes():
    published = load_profile("published")
    compared = [one for part, one in sweep.recipes(published).items() if part.kind == "router"]
    assert published.vae.w_gist and compared and not any(one.sizes["w_gist"] for one in compared)


def test_the_axes_are_those_of_the_run_that_was_measured():
    comparison = SimpleNamespace(drawings=[20, None], classes=["cat"], temperatures=[0.5], per_class=3)
    assert sweep.axes(comparison) == ((20, None), ("cat",), (0.5,))
    published = {"comparison": dict(drawings=[7], classes=["pig"], temperatures=[0.1, 1.2], alone={})}
    assert sweep.axes(comparison, {"profile": published}) == ((7,), ("pig",), (0.1, 1.2))


MORE = dict(weight_dropout=0.25, merge=0.125, jitter=0.0625, stray=0.03125, stop_after=5)
SINGLE = dict(hidden_size=8, steps=4, validations=2, lr=0.03, **MORE)
VAE = dict(encoder_size=4, decoder_size=8, steps=2, validations=1, batch_size=9, lr=0.02, w_gist=0.5, **MORE)


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """A profile of small drawings with a comparison of six models."""
    (tmp_path / "drawings").mkdir()
    rng, classes = np.random.default_rng(0), ["cat", "sun"]
    for name in classes:
        lines = [[rng.integers(0, 256, (2, int(n))).tolist() for n in rng.integers(6, 12, 2)] for _ in range(40)]
        ndjson(tmp_path / "drawings" / f"{name}.ndjson", *(line_of(line, name, str(k)) for k, line in enumerate(lines)))
    values = load_profile("smoke").values
    values["data"]["classes"] = classes
    values["comparison"] |= dict(drawings=[10, None], classes=["cat"], single=SINGLE)
    values["comparison"] |= dict(vae=VAE, alone=dict(steps=2, batch_size=7))
    (tmp_path / "profiles").mkdir()
    for name in ("tiny", "full"):
        (tmp_path / "profiles" / f"{name}.yml").write_text(yaml.safe_dump(values))
    for name in ("profiles", "build"):
        monkeypatch.setenv(f"SKETCHLIB_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("SKETCHLIB_DATA", str(tmp_path / "drawings"))
    return load_profile("tiny")


def test_an_interrupted_comparison_goes_on_with_the_models_that_are_left(profile, monkeypatch):
    fit, began = train.fit, []

    def stopped_at_the_third(*arguments, **more):
        began.append(arguments)
        if len(began) == 3:
            raise KeyboardInterrupt
        return fit(*arguments, **more)

    monkeypatch.setattr(train, "fit", stopped_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        stages.comparison(profile)
    assert [training.is_kept(profile, recipe) for recipe in sweep.recipes(profile).values()] == [True] * 2 + [False] * 4
    found = stages.comparison(profile)
    assert len(began) == 7 and list(found) == sweep.parts([10, None], ["cat"])
    stages.comparison(profile)
    assert len(began) == 7, "a finished comparison is taken"
    decoder, vae, alone = (found[Part(kind, 10, None if kind == "single" else "cat")] for kind in sweep.KINDS)
    for one, own in ((decoder, SINGLE), (alone, {**SINGLE, "batch_size": 7}), (vae, VAE)):
        asked, card = {**MORE, **{name: own[name] for name in ("lr", "batch_size") if name in own}}, one.card
        assert {name: {**card["settings"], **card["config"]}[name] for name in asked} == asked and card["keep"] == "best"
    assert decoder.model.sizes == alone.model.sizes and decoder.card["steps"] == 4 and alone.card["steps"] == 2
    assert decoder.model.sizes["hidden_size"] == 8 == vae.model.sizes["decoder_size"]
    assert alone.model.classes == vae.model.classes == ("cat",) and alone.model.scale == vae.model.scale
    assert sweep.contender(found, "single", 10) is decoder.model
    assert sweep.contender(found, "router", 10)["cat"] is vae.model
    assert decoder.card["data"]["counts"]["train"] == {"cat": 10, "sun": 10} and alone.card["data"]["counts"]["train"] == {"cat": 10}


def test_a_comparison_is_made_again_for_what_it_uses_and_nothing_else(profile):
    def with_value(section, name, value):
        return replace(profile, **{section: replace(getattr(profile, section), **{name: value})})

    alone = replace(profile.comparison.alone, steps=9)

    def keys(profile):
        return stages.KEYS["comparison"](profile)

    before = keys(profile)
    unused = [("single", "jitter", 9.0), ("single", "per_class", 9), ("single", "keep", "last"), ("vae", "from_single", True)]
    unused += [("pretraining", "steps", 9), ("comparison", "temperatures", [9.0])]
    used = [("single", "grad_clip", 9.0), ("vae", "latent_size", 9), ("comparison", "alone", alone), ("comparison", "per_class", 9)]
    assert all(keys(with_value(*change)) == before for change in unused)
    assert all(keys(with_value(*change)) != before for change in used)
