"""Publishing a run, and what another run must find again."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from test_sampling import ENDLESS, single

import sketchlib
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.metrics.likelihood import on_grid
from sketchlib.models import weights
from sketchlib.report import publish, stages, store
from sketchlib.report.folders import build_folder
from sketchlib.report.page import Page
from sketchlib.report.tables import Number
from sketchlib.svg import parse_svg


def executed(profile, **values):
    """What chapters of a run leave behind."""
    stages.data(profile)
    page = Page("06_router", profile.name)
    page.record({name: Number(name, value, "nats") for name, value in values.items()})
    results = build_folder(profile.name) / "results"
    results.mkdir(exist_ok=True)
    (results / "06_router.json").write_text(json.dumps(page.numbers))
    return page.numbers


def test_what_is_shipped_is_small_and_says_how_it_was_made():
    files = sorted((PROJECT / "weights").rglob("*.safetensors"))
    assert files and sum(path.stat().st_size for path in files) <= 50e6
    for path in files:
        card, model = json.loads(path.with_suffix(".json").read_text()), weights.read(path)
        config = json.loads(json.dumps(model.config()))  # a size that came since has its default, with which nothing changes
        assert {**config, **card["config"]} == config and card["made"]["commit"] and card["made"]["device"]
        assert {"settings", "steps", "seed", "valid", "licence", "train_seconds"} <= card.keys()
        assert abs(card["half_precision"]["costs"]) < 0.001
        assert all(card["data"]["source"]["files"][name]["sha256"] for name in model.classes)


def test_what_a_run_must_find_again_is_published():
    expected = yaml.safe_load((publish.RESULTS / "expected.yml").read_text())
    assert expected["equal"] and expected["close"] and not (set(expected["equal"]) | set(expected["close"])) - set(publish.published())


@pytest.fixture
def own(profile):
    """The tiny profile as one that may be published: it takes nothing from the published run."""
    return replace(profile, report=replace(profile.report, weights="own", results="own"))


@pytest.fixture
def profiles(profile, monkeypatch):
    monkeypatch.setattr("sketchlib.report.profile.load_profile", lambda name: profile)


@pytest.mark.slow
def test_published_weights_are_half_as_large_cost_next_to_nothing_and_load_in_one_line(own, monkeypatch, tmp_path):
    with store.building():
        paths = publish.publish_weights(own, tmp_path / "weights")
    assert [path.stem for path in paths] == ["single", "cat", "pig", "sun"]
    kept = build_folder("tiny") / "models" / "single.safetensors"
    assert paths[0].stat().st_size < 0.6 * kept.stat().st_size
    for path in paths:
        card = json.loads(path.with_suffix(".json").read_text())
        figures = card["half_precision"]
        assert abs(figures["costs"]) < 0.001 and figures["drawings"] > 0 and "CC BY 4.0" in card["licence"]
        assert (
            figures["costs"] == figures["grid_nats_per_point"] - figures["grid_nats_per_point_float32"]
            and figures["grid_nats_per_point"] > 0
        )
    rows = publish.shipped(tmp_path / "weights")
    assert [row[0] for row in rows] == ["`single.safetensors`", *(f"`router/{word}.safetensors`" for word in ("cat", "pig", "sun"))]
    assert len(rows[0]) == 7 and float(rows[0][6]) == pytest.approx(
        json.loads(paths[0].with_suffix(".json").read_text())["half_precision"]["costs"], abs=1e-6
    )
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    assert sketchlib.load("single").classes == ("cat", "pig", "sun") and sketchlib.load("router")["cat"].classes == ("cat",)


@pytest.mark.slow
def test_a_vaes_nats_a_point_are_its_cells_and_pen_states_over_the_points(profile):
    vae, valid = stages.train_vae(profile, "cat").model, stages.data(profile).splits.valid.only("cat")
    with torch.no_grad():
        vae.encoder.fc_log_var.weight.zero_()
        vae.encoder.fc_log_var.bias.fill_(-40)  # no noise in z, which would depend on the order
        batch = make_batch(valid, range(len(valid)), vae.scale)
        nats = float(on_grid(vae(batch, vae.encode(batch)[0]), batch, 1 / vae.scale).sum())
    assert publish.nats_per_point(vae, valid) == pytest.approx(nats / int(valid.lengths.sum()), rel=1e-5)


def test_a_card_that_says_no_nats_on_the_grid_has_a_dash(tmp_path):
    half = {"costs": 0.0, "nats_per_point": 0.5}
    card = {"half_precision": half, "data": {"counts": {"train": {"cat": 3}}}, "config": {"classes": ["cat"]}, "steps": 1, "best_step": 1}
    (tmp_path / "single.safetensors").write_bytes(b"")
    (tmp_path / "single.json").write_text(json.dumps(card))
    assert publish.shipped(tmp_path)[0][5] == "–"


def test_the_numbers_of_a_run_come_back_with_where_they_are_from(own, profiles, tmp_path):
    numbers = executed(own, loss=0.5, gain=2)
    (path,) = publish.publish_results(own, tmp_path / "results")
    kept = json.loads(path.read_text())
    assert kept["results"] == numbers == publish.published(tmp_path / "results")
    assert kept["provenance"]["torch"] and set(kept["drawings"]) == {"cat", "pig", "sun"} and kept["profile"] == own.values
    made = kept["provenance"]
    assert publish.about(tmp_path / "results") == [["6", "`tiny`", 0, f"`{made['commit'][:12]}`", made["date"], made["cpu"]]]
    assert publish.about(tmp_path) == []


def test_the_published_run_says_which_chapters_are_of_another_commit(tmp_path):
    for chapter, commit in (("04_a", "new"), ("09_b", "old"), ("14_c", "new")):
        made = {"cpu": "some processor", "device": "cpu", "date": "2026-01-02", "commit": commit}
        numbers = {"x": {"profile": "published", "seed": 0}}
        (tmp_path / f"{chapter}.json").write_text(json.dumps({"provenance": made, "results": numbers}))
    (tmp_path / "11_none.json").write_text(json.dumps({"provenance": made, "results": {}}))
    rest = ["2026-01-02", "some processor"]
    assert publish.about(tmp_path) == [["4, 14", "`published`", 0, "`new`", *rest], ["9", "`published`", 0, "`old`", *rest]]


def test_every_number_has_its_interval_and_the_digits_that_it_supports_in_both_runs():
    e = {"value": 97.4321, "low": 96.8, "high": 98.1, "unit": "percent", "n": 500, "chapter": "08_evaluation"}
    alone = {"value": 4, "unit": "", "n": None, "chapter": "08_evaluation"}
    rows = publish.every_number({"share": e, "count": alone}, {"share": {**e, "value": 96.1, "low": 90.0, "high": 99.0}})
    link = "[8](notebooks/08_evaluation)"
    assert publish.every_number({"x": {**alone, "chapter": "08b_likeness"}}, {})[0][-1] == "[8b](notebooks/08b_likeness)"
    assert rows[0] == ["`share`", "97.4 (96.8 to 98.1)", "96 (90 to 99)", "percent", "500", link]
    assert rows[1] == ["`count`", "4", "", "", "", link]


def test_a_run_without_chapters_is_not_published(own, tmp_path):
    with pytest.raises(DataError, match="make book PROFILE=tiny"):
        publish.publish_results(own, tmp_path)


@pytest.mark.parametrize("taken", ["weights", "results"])
@pytest.mark.parametrize("publishing", [publish.publish_results, publish.publish_weights])
def test_a_run_that_takes_from_the_published_one_does_not_overwrite_it(own, profiles, tmp_path, publishing, taken):
    kept = tmp_path / "to" / "08_evaluation.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    executed(own, loss=0.5)
    with pytest.raises(DataError, match=f"profile tiny is not published: its report.{taken} is published; .* own"):
        publishing(replace(own, report=replace(own.report, **{taken: "published"})), kept.parent)
    assert list(kept.parent.iterdir()) == [kept]


def test_no_published_number_is_lost_where_a_new_one_cannot_be_written(own, profiles, monkeypatch, tmp_path):
    (tmp_path / "08_evaluation.json").write_text("{}")
    executed(own, loss=0.5)
    with monkeypatch.context() as full, pytest.raises(OSError, match="No space"):

        def write(*_):
            raise OSError(28, "No space left on device")

        full.setattr(publish, "write_atomically", write)
        publish.publish_results(own, tmp_path)
    assert (tmp_path / "08_evaluation.json").exists()
    (path,) = publish.publish_results(own, tmp_path)
    assert sorted(tmp_path.glob("*.json")) == [path]


def test_what_differs_is_said_and_what_is_close_is_not():
    def run(**values):
        return {name: {"value": value, "unit": "nats"} for name, value in values.items()}

    mine, theirs = run(a=1, b=2.0, c=3.0), run(a=1, b=2.1, c=3.5, d=4)
    assert publish.differences(mine, theirs, ["a"], {"b": 0.2}) == []
    (sentence,) = publish.differences(mine, theirs, ["a"], {"b": 0.2, "c": 0.4})
    assert sentence == "c is 3; published 3.5, tolerance 0.4 nats"
    assert publish.differences(mine, theirs, ["b"], {}) != []
    assert publish.differences(mine, theirs, ["d"], {}) == ["d is not recorded by this run"]
    assert publish.differences(mine, theirs, ["e"], {}) == ["e is not recorded by this run"]
    assert publish.differences(run(a=float("nan")), theirs, ["a"], {}) != []


def test_a_run_is_checked_where_it_read_the_same_drawings_only(own, profiles, tmp_path):
    numbers, folder = executed(own, loss=0.5), tmp_path / "results"
    assert publish.check(own, numbers, folder) == []
    publish.publish_results(own, folder)
    (folder / "expected.yml").write_text("equal: [loss]\nclose: {gain: 1}\n", encoding="utf-8")
    other = {"loss": {"value": 0.6, "unit": ""}}
    asked = {name: replace(own, report=replace(own.report, compare=name)) for name in ("none", "equal", "close")}
    assert publish.check(asked["equal"], numbers, folder) == []
    assert [len(publish.check(one, other, folder)) for one in asked.values()] == [0, 1, 2]
    with (tmp_path / "drawings" / "cat.ndjson").open("a") as file:
        file.write((tmp_path / "drawings" / "cat.ndjson").read_text().splitlines()[0] + "\n")
    with store.building():
        stages.data(own)
    assert publish.check(asked["close"], other, folder) == []


def test_readmes_pictures_are_drawn_by_the_model_given(tmp_path):
    settings = SimpleNamespace(temperature=0.4, pen_temperature=0.8)
    png, gif, svg = publish.publish_pictures(single(pen=ENDLESS), settings, tmp_path)
    with Image.open(png) as picture, Image.open(gif) as film:
        assert (picture.format, film.format) == ("PNG", "GIF") and film.n_frames > 1
        assert np.asarray(picture.convert("L")).min() < 100  # something is drawn
    assert len(parse_svg(svg.read_bytes()).strokes) >= 2  # what was begun, and what was added


BY_HAND = ("networks.svg", "same_curve.svg")  # schemas, whose text is their source


def test_every_picture_in_the_tree_is_drawn_by_a_command_or_written_by_hand():
    images = PROJECT / "book" / "images"
    assert sorted(path.name for path in images.iterdir()) == sorted([*publish.PICTURES, *BY_HAND])
    for name in BY_HAND:
        assert (images / name).stat().st_size < 10_000
    for page in [PROJECT / "README.md", *(PROJECT / "book").rglob("*.md")]:
        shown = re.findall(r"images/([\w.-]+)", page.read_text(encoding="utf-8"))
        assert all((images / name).is_file() for name in shown), page


@pytest.mark.parametrize("which", ["best", "single", "router"])
def test_the_lines_in_readme_draw(which, monkeypatch, tmp_path):
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    assert f'sketchlib.load("{which}")' in code  # one in the line, the others in its comment
    monkeypatch.chdir(tmp_path)
    exec(code.replace('sketchlib.load("best")  #', f'sketchlib.load("{which}")  #'), {})
    with Image.open(tmp_path / "cats.gif") as film:
        assert film.n_frames > 10
