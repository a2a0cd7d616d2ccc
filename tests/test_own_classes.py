"""A reader's own classes make the whole book: nothing in it asks for the ten."""

import os
import subprocess
import sys

import pytest
import yaml
from files import columns, line_of, ndjson

from sketchlib.data.doodles import doodles
from sketchlib.files import PROJECT

CLASSES = {"The Eiffel Tower": "candle", "bicycle": "car", "dog": "cat"}  # and the doodles that stand in for drawings of them
REPORTS_OWN = "need the classes airplane, alarm clock, apple, candle, cat"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_book(tmp_path_factory):
    """The smoke book of three other classes: the folder of its pages, and what its build said."""
    folder = tmp_path_factory.mktemp("own")
    made = doodles(CLASSES.values(), 160, seed=1)
    for name, stand_in in CLASSES.items():
        path = folder / "drawings" / f"{name}.ndjson"
        path.parent.mkdir(exist_ok=True)
        lines = [line_of([columns(stroke.tolist()) for stroke in one.strokes], name, str(key)) for key, one in enumerate(made[stand_in])]
        ndjson(path, *lines)
    profiles = folder / "profiles"
    profiles.mkdir()
    values = yaml.safe_load((PROJECT / "profiles" / "smoke.yml").read_text(encoding="utf-8"))
    values["data"]["classes"] = list(CLASSES)
    (profiles / "smoke.yml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")  # full.yml is the shipped one
    places = dict(SKETCHLIB_DATA=folder / "drawings", SKETCHLIB_PROFILES=profiles, SKETCHLIB_BUILD=folder / "build", PYTHONPATH=PROJECT)
    environment = {**os.environ, **{name: str(path) for name, path in places.items()}}
    command = [sys.executable, "-m", "doit", "--verbosity", "2", "profile=smoke"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-6000:]
    return folder / "build" / "smoke" / "html"


def test_the_gallery_draws_the_reader_s_classes(own_book):
    page = (own_book / "notebooks" / "14_gallery.html").read_text(encoding="utf-8")
    assert all(name in page for name in CLASSES)


def test_a_chapter_on_the_report_s_classes_says_so_and_takes_the_published_run(own_book):
    page = (own_book / "notebooks" / "12_claims.html").read_text(encoding="utf-8")
    assert REPORTS_OWN in page and "published run" in page


def test_no_shipped_weights_draw_classes_that_they_do_not_know(own_book):
    for path in (own_book.parent / "models").rglob("*.json"):
        assert set(yaml.safe_load(path.read_text(encoding="utf-8"))["config"]["classes"]) <= set(CLASSES)
    assert (own_book.parent / "models" / "single.json").exists()
