"""Numbers are kept once, finite, with what is needed to read them."""

import json
import shutil
from dataclasses import replace

import pytest

from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.metrics.interval import Interval
from sketchlib.report.folders import build_folder
from sketchlib.report.page import Page, banner, merge_results, published_numbers
from sketchlib.report.provenance import provenance
from sketchlib.report.tables import Number, beside, composed, rounded, table


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    """A copy of the profiles that may be spoilt, and a build folder of its own."""
    folder = tmp_path / "profiles"
    shutil.copytree(PROJECT / "profiles", folder)
    monkeypatch.setenv("SKETCHLIB_PROFILES", str(folder))
    monkeypatch.setenv("SKETCHLIB_BUILD", str(tmp_path / "build"))
    return folder


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """The file to which a build lets chapters write, as dodo.py does."""
    path = tmp_path / "one.json"
    monkeypatch.setenv("SKETCHLIB_RECORD", str(path))
    return path


def test_a_number_is_kept_with_what_is_needed_to_read_it(profiles, recorded):
    page = Page("one", "smoke")
    shown = page.record({"loss": Number("the loss", 0.123456, "nats", 7), "count": Number("drawings", 12345)})
    assert shown.data.splitlines()[2:] == ["| the loss | 0.123 nats | 7 |", "| drawings | 12,345 |  |"]
    run = dict(profile="smoke", seed=page.profile.seed, chapter="one")
    kept = json.loads(recorded.read_text())
    assert kept["loss"] == dict(what="the loss", value=0.123456, unit="nats", n=7, **run)
    results = build_folder("smoke") / "results"
    results.mkdir(parents=True)
    shutil.copy(recorded, results)
    assert merge_results("smoke", ["one", "two"]) == kept == json.loads((build_folder("smoke") / "results.json").read_text())


def test_a_cell_may_be_run_again_with_other_values(profiles, recorded):
    page = Page("one", "smoke")
    page.record({"loss": Number("the loss", 1.0), "gain": Number("the gain", 2.0)})
    page.record({"loss": Number("the loss", 3.0)})
    assert {name: one["value"] for name, one in json.loads(recorded.read_text()).items()} == {"gain": 2.0, "loss": 3.0}


def test_a_number_that_a_chapter_no_longer_records_is_forgotten(profiles, recorded):
    Page("one", "smoke").record({"loss": Number("the loss", 1.0)})
    Page("one", "smoke")
    assert json.loads(recorded.read_text()) == {}


def test_what_a_reader_runs_leaves_the_numbers_of_the_build_alone(profiles, monkeypatch):
    monkeypatch.delenv("SKETCHLIB_RECORD", raising=False)
    kept = build_folder("smoke") / "results" / "one.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    before = [path.stat().st_mtime_ns for path in kept.parent.parent.rglob("*")]
    Page("one", "smoke").record({"loss": Number("the loss", 1.0)})
    assert [path.stat().st_mtime_ns for path in kept.parent.parent.rglob("*")] == before and kept.read_text() == "{}"


def test_two_chapters_may_not_use_one_name(profiles):
    results = build_folder("smoke") / "results"
    results.mkdir(parents=True)
    for name in ("one", "two"):
        (results / f"{name}.json").write_text(json.dumps({"loss": {"chapter": name}}))
    with pytest.raises(DataError, match="one and by two"):
        merge_results("smoke", ["one", "two"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_a_run_cannot_give_is_a_dash_and_no_result(profiles, value):
    page = Page("one", "smoke")
    assert "| – |" in page.record({"loss": Number("the loss", value, n=3)}).data and page.numbers == {}


def test_an_interval_is_recorded_and_shown_with_both_ends(profiles):
    page = Page("one", "smoke")
    shown = page.record({"share": Number.measured("recognised", Interval(0.5, 0.25, 0.75, 8), "percent", 100)})
    assert "| recognised | 50 % | 25 to 75 | 8 |" in shown.data
    assert {key: page.numbers["share"][key] for key in ("value", "low", "high", "n")} == dict(value=50.0, low=25.0, high=75.0, n=8)


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [(97.4321, 96.8, 98.1, "97.4"), (52.19, 49.0, 55.0, "52"), (0.9954, 0.98, 1.01, "1.00"), (1234.56, 1100.0, 1300.0, "1,235")]
    + [(0.56321, None, None, "0.563"), (0.4, None, None, "0.4"), (12345, None, None, "12,345"), (0.0, None, None, "0")]
    + [(100.0, 100.0, 100.0, "100"), (-0.001, -0.3, 0.3, "0.0"), (float("nan"), None, None, "–"), (64119.0, None, None, "64,119")]
    + [(450459355.7, None, None, "450 million"), (64119000, None, None, "64,119,000")],
)
def test_a_number_has_the_digits_that_its_interval_supports(value, low, high, text):
    assert rounded(value, low, high) == text


def test_published_numbers_stand_in_where_the_profile_says_so_and_its_classes_are_theirs(profiles):
    page = Page("08_evaluation", "quick")
    assert page.takes_published
    found = page.results(lambda: pytest.fail("measured, though the published numbers were asked for"))
    assert found["s08_recognised_single"].low < found["s08_recognised_single"].value < found["s08_recognised_single"].high
    own = Page("08_evaluation", "smoke")
    assert not own.takes_published and own.results(lambda: {"x": Number("x", 1)}) == {"x": Number("x", 1)} and "x" in own.numbers
    page.profile = replace(page.profile, data=replace(page.profile.data, classes=("cat", "dog")))
    assert not page.takes_published


def test_numbers_of_an_earlier_chapter_are_of_the_same_run(profiles, monkeypatch):
    quick, smoke = Page("08c_likelihood", "quick"), Page("08c_likelihood", "smoke")
    assert quick.earlier("08_evaluation") == published_numbers("08_evaluation")
    said = []
    monkeypatch.setattr(smoke, "_say", said.append)
    assert smoke.earlier("08_evaluation") == {} and said[0].startswith("Chapter 8 was not executed at profile smoke")
    results = build_folder("smoke") / "results"
    results.mkdir(parents=True)
    page = Page("08_evaluation", "smoke")
    page.record({"share": Number("read right", 50.0, "percent", 8, 25.0, 75.0)})
    (results / "08_evaluation.json").write_text(json.dumps(page.numbers))
    assert smoke.earlier("08_evaluation") == {"share": Number("read right", 50.0, "percent", 8, 25.0, 75.0)}


def test_a_page_reads_what_a_benchmark_recorded_and_its_card_says_who_made_it(profiles, tmp_path, monkeypatch):
    monkeypatch.setattr("sketchlib.report.page.BENCHMARKS", tmp_path)
    page = Page("one", "smoke")
    assert page.benchmark("quality") is None and "benchmark" not in page.card([]).data
    made = dict(commit="a" * 40, date="2026-01-02", device="cpu", cpu="a processor")
    runs = [dict(made=made), dict(made=made), dict(made={**made, "device": "an accelerator"})]
    (tmp_path / "quality.json").write_text(json.dumps(dict(runs=runs)))
    assert page.benchmark("quality") == dict(runs=runs)
    said = "commit aaaaaaaaaaaa, 2026-01-02, a processor; commit aaaaaaaaaaaa, 2026-01-02, an accelerator."
    assert f"Of the benchmark `quality`: {said}" in page.card([]).data


def test_published_numbers_of_real_drawings_do_not_stand_under_the_banner_of_doodles(profiles):
    page, folder = Page("08_evaluation", "quick"), build_folder("quick")
    folder.mkdir(parents=True)
    for kind, taken in (("folder", True), ("doodles", False)):
        (folder / "data.json").write_text(json.dumps({"kind": kind}))
        assert page.takes_published is taken


def test_results_that_need_other_classes_are_the_published_ones_and_the_page_says_so(profiles, capsys):
    page = Page("12_claims", "smoke")
    page.profile = replace(page.profile, data=replace(page.profile.data, classes=("cat", "dog")))
    found = page.results(lambda: pytest.fail("measured without the classes"), needs=("cat", "airplane"))
    assert found["s12_claims"].value > 0 and page.numbers == {} and page.lacking == ["airplane"] and page.takes_published
    assert "Markdown" in capsys.readouterr().out and "published run" in page.card([]).data
    page.profile = replace(page.profile, data=replace(page.profile.data, classes=("cat", "airplane")))
    assert page.results(lambda: {"x": Number("x", 1)}, needs=("cat", "airplane")) == {"x": Number("x", 1)} and not page.takes_published
    assert capsys.readouterr().out == ""


def test_a_table_says_which_columns_are_numbers():
    assert table(["a", "b"], [["x", 1]], numbers=1) == "| a | b |\n| --- | ---: |\n| x | 1 |\n"


def test_the_banner_is_there_for_doodles_and_for_nothing_else(profiles):
    assert banner("smoke") == ""
    folder = build_folder("smoke")
    folder.mkdir(parents=True)
    for kind, shown in (("folder", False), ("doodles", True)):
        (folder / "data.json").write_text(json.dumps({"kind": kind}))
        assert bool(banner("smoke")) is shown


def test_provenance_names_versions_and_no_path():
    made = provenance()
    assert {"commit", "changed", "python", "torch", "numpy", "platform", "cpu", "threads", "device", "date"} <= made.keys()
    assert str(PROJECT) not in json.dumps(made)


def test_numbers_by_name_make_a_table_with_a_dash_for_what_is_missing():
    found = {"a": Number("a", 52.19, "percent", 9, 49.0, 55.0), "b": Number("b", float("nan"))}
    assert composed(found, ["", "x", "y", "z"], {"row": ["a", "b", "c"]}).splitlines()[-1] == "| row | 52 (49 to 55) | – | – |"


def test_this_page_and_the_published_run_stand_side_by_side_where_there_is_one():
    here = {"a": Number("the share", 52.19, "percent", 9, 49.0, 55.0)}
    assert beside(here, {}).splitlines()[-1] == "| the share | 52 % (49 to 55) |"
    other = {"a": Number("a", 0.5), "b": Number("b", 1)}
    assert beside(here, other).splitlines()[-1] == "| the share | 52 % (49 to 55) | 0.5 |" and beside(here, {"b": Number("b", 1)}).endswith(
        "– |\n"
    )
