"""Profiles are checked against full.yml; numbers are kept once, finite, with what is needed to read them."""

import json
import shutil

import pytest

from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.metrics.interval import Interval
from sketchlib.report.folders import build_folder
from sketchlib.report.page import Page, banner, merge_results
from sketchlib.report.profile import load_profile, origins
from sketchlib.report.provenance import provenance
from sketchlib.report.tables import table


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    """A copy of the profiles that may be spoilt, and a build folder of its own."""
    folder = tmp_path / "profiles"
    shutil.copytree(PROJECT / "profiles", folder)
    monkeypatch.setenv("SKETCHLIB_PROFILES", str(folder))
    monkeypatch.setenv("SKETCHLIB_BUILD", str(tmp_path / "build"))
    return folder


def spoil(folder, old, new):
    path = folder / "smoke.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("name", ["smoke", "quick", "full", "published"])
def test_every_profile_has_exactly_the_keys_of_full(name):
    profile = load_profile(name)
    assert profile.name == name and profile.single.hidden_size > 0
    assert profile.section("single")["steps"] == profile.single.steps


def test_an_unknown_key_is_answered_with_the_file_and_the_nearest_one(profiles):
    spoil(profiles, "hidden_size: ", "hiden_size: ")
    with pytest.raises(DataError, match=r"smoke\.yml.*single\.hiden_size.*hidden_size"):
        load_profile("smoke")


def test_a_missing_key_is_named(profiles):
    spoil(profiles, "  min_length: 10\n", "")
    with pytest.raises(DataError, match=r"smoke\.yml.*data\.min_length"):
        load_profile("smoke")


def test_a_section_that_is_no_section_is_an_error(profiles):
    text = (profiles / "smoke.yml").read_text()
    head, _, _ = text.partition("sampling:")
    (profiles / "smoke.yml").write_text(head + "sampling: 3\n")
    with pytest.raises(DataError, match=r"smoke\.yml.*sampling"):
        load_profile("smoke")


def test_an_unknown_profile_is_answered_with_those_there_are(profiles):
    with pytest.raises(DataError, match="full, published, quick, smoke"):
        load_profile("quik")


def test_a_number_is_kept_with_what_is_needed_to_read_it(profiles):
    page = Page("one", "smoke")
    assert page.record("loss", 0.123456, "nats", n=7) == "0.1235"
    assert page.record("count", 12345) == "12,345"
    merged = merge_results("smoke", ["one", "two"])
    assert merged["loss"] == dict(value=0.123456, unit="nats", n=7, profile="smoke", seed=page.profile.seed, chapter="one")
    assert json.loads((build_folder("smoke") / "results.json").read_text()) == merged


def test_a_number_that_a_chapter_no_longer_records_is_forgotten(profiles):
    Page("one", "smoke").record("loss", 1.0)
    Page("one", "smoke")
    assert merge_results("smoke", ["one"]) == {}


def test_two_numbers_of_one_name_are_an_error_in_a_chapter_and_between_two(profiles):
    page = Page("one", "smoke")
    page.record("loss", 1.0)
    with pytest.raises(DataError, match="twice"):
        page.record("loss", 2.0)
    Page("two", "smoke").record("loss", 3.0)
    with pytest.raises(DataError, match="one and by two"):
        merge_results("smoke", ["one", "two"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_only_finite_numbers_are_recorded(profiles, value):
    with pytest.raises(DataError, match="loss"):
        Page("one", "smoke").record("loss", value)


def test_a_number_that_a_run_cannot_give_is_a_dash_and_no_result(profiles):
    page = Page("one", "smoke")
    assert page.record_if_finite("loss", float("nan")) == "–" and page.record_if_finite("gain", 0.5) == "0.5"
    assert set(page.numbers) == {"gain"}


def test_an_interval_is_recorded_with_both_ends(profiles):
    page = Page("one", "smoke")
    assert page.interval("share", Interval(0.5, 0.25, 0.75, 8), "percent", 100) == ["50", "25", "75"]
    assert {name: (entry["value"], entry["n"]) for name, entry in page.numbers.items()} == {
        "share": (50.0, 8), "share_low": (25.0, 8), "share_high": (75.0, 8)
    }  # fmt: skip


def test_a_table_says_which_columns_are_numbers():
    assert table(["a", "b"], [["x", 1]], numbers=1) == "| a | b |\n| --- | ---: |\n| x | 1 |\n"


def test_origins_set_a_run_beside_the_published_values(profiles):
    profile = load_profile("smoke")
    rows = origins(profile, "single", {"hidden_size": "table"})
    assert rows == [["`hidden_size`", load_profile("full").single.hidden_size, profile.single.hidden_size, "table"]]
    with pytest.raises(DataError, match="hiden_size"):
        origins(profile, "single", {"hiden_size": "table"})


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
