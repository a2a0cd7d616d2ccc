"""One chapter as a run: the numbers that it records."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import DataError
from ..files import PROJECT
from .cards import folded
from .folders import build_folder
from .profile import load_profile
from .tables import Number, number_table

RESULTS, BENCHMARKS = PROJECT / "book" / "results", PROJECT / "benchmarks" / "results"
BANNER = (
    "**These are not real drawings.** No Quick, Draw! data was at hand and none could be downloaded, so every page of this book was "
    "made from procedural doodles (`sketchlib.data.doodles`). Set `SKETCHLIB_DATA` and build again for the real report."
)


def banner(profile_name: str) -> str:
    """The warning, as Markdown, that this profile's drawings are doodles; empty when they are real or not read yet."""
    record = build_folder(profile_name) / "data.json"
    doodles = record.is_file() and json.loads(record.read_text(encoding="utf-8"))["kind"] == "doodles"
    return f"> {BANNER}" if doodles else ""


class Page:
    """One chapter's link to the run: its profile, and the numbers that it records.

    Numbers are written only where the build asks for them, with the environment variable SKETCHLIB_RECORD, which names a file. What a
    reader runs in JupyterLab leaves the build's numbers alone.
    """

    def __init__(self, chapter: str, profile_name: str):
        self.chapter, self.profile = chapter, load_profile(profile_name)
        self.numbers: dict[str, dict] = {}
        self.needs: tuple[str, ...] = ()
        self.shows_published = False
        self.benchmarks: dict[str, list[dict]] = {}
        self._write()
        self.banner()

    def banner(self) -> None:
        """Say at the top of the page where the drawings are not real ones, as the stage that read them noted."""
        if text := banner(self.profile.name):
            from IPython.display import Markdown, display

            display(Markdown(text))

    def record(self, numbers: Mapping[str, Number]):
        """Keep numbers by name for the build's results.json, and return them as a table for the page.

        A cell may be run again: a name that was recorded before is replaced. A number that is not finite is shown as a dash and not kept.
        """
        from IPython.display import Markdown

        for name, one in numbers.items():
            self.numbers.pop(name, None)
            if math.isfinite(one.value):
                self.numbers[name] = self._entry(one)
        self._write()
        return Markdown(number_table(numbers))

    def results(self, measure: Callable[[], Mapping[str, Number]], needs: Sequence[str] = ()) -> dict[str, Number]:
        """Numbers that take long: of the published run where `takes_published`, else what `measure` returns.

        `needs`: classes without which nothing can be measured; where the profile lacks one, the page says so and takes the published run.
        Numbers that `measure` returns are recorded. Raises `DataError` where nothing is published of this chapter.
        """
        self.needs = tuple(needs)
        if self.lacking:
            self._say_lacking()
        if self.takes_published:
            self.shows_published = True
            return published_numbers(self.chapter)
        found = dict(measure())
        self.record(found)
        return found

    def earlier(self, chapter: str) -> dict[str, Number]:
        """The numbers of an earlier chapter from the same run as this page's `results`: name -> `Number`.

        Where that chapter was not executed at this profile there are none, and the page says so.
        """
        if self.takes_published:
            return published_numbers(chapter)
        path = build_folder(self.profile.name) / "results" / f"{chapter}.json"
        if not path.exists():
            self._say(f"Chapter {number_of(chapter)} was not executed at profile {self.profile.name}: its numbers are dashes here.")
            return {}
        return _numbers(json.loads(path.read_text(encoding="utf-8")))

    def benchmark(self, name: str) -> dict | None:
        """What a benchmark recorded in benchmarks/results/NAME.json; None where nothing is kept there. The card says who made it."""
        path = BENCHMARKS / f"{name}.json"
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        self.benchmarks[name] = [run["made"] for run in found["runs"]]
        return found

    def card(self, cards: Sequence[Mapping]):
        """How models were made, and where the page's results are from, folded: one card a chapter."""
        from IPython.display import Markdown

        said = f"This page's run: profile {self.profile.name}, seed {self.profile.seed}."
        if self.shows_published:
            said += f" Numbers that are not computed here: {told_of_run(published_head(self.chapter))}."
        for name, made in self.benchmarks.items():
            said += f" Of the benchmark `{name}`: {'; '.join(dict.fromkeys(map(made_at, made)))}."
        return Markdown(folded(cards, "Where the numbers and models of this page are from", said))

    @property
    def lacking(self) -> list[str]:
        """The classes that the page's results need and the profile does not have."""
        return [name for name in self.needs if name not in self.profile.data.classes]

    def _say_lacking(self) -> None:
        wanted, has = ", ".join(self.needs), ", ".join(self.profile.data.classes)
        self._say(f"The numbers of this page need the classes {wanted}. This run has {has}, so they are of the published run.")

    def _say(self, text: str) -> None:
        from IPython.display import Markdown, display

        display(Markdown(f"> {text}\n"))

    @property
    def takes_published(self) -> bool:
        """Whether this page shows the published run's results.

        It must where the page needs classes that the profile lacks. Else the profile has to say so, that run to know the same classes, and
        this one to have real drawings.
        """
        if self.lacking:
            return True
        head, profile = published_head(self.chapter), self.profile
        if profile.report.results != "published" or head is None or banner(profile.name):
            return False
        return set(head["profile"]["data"]["classes"]) == set(profile.data.classes)

    def _entry(self, one: Number) -> dict:
        value = one.value if isinstance(one.value, int) else float(one.value)
        ends = {} if one.low is None else {"low": float(one.low), "high": float(one.high)}
        about = dict(profile=self.profile.name, seed=self.profile.seed, chapter=self.chapter)
        return dict(what=one.what, value=value, **ends, unit=one.unit, n=one.n, **about)

    def _write(self) -> None:
        if path := os.environ.get("SKETCHLIB_RECORD"):
            Path(path).write_text(json.dumps(self.numbers, indent=1), encoding="utf-8")


def told_of_run(head: Mapping) -> str:
    """Which run published numbers are of: its commit, date and device."""
    return f"the published run: {made_at(head['provenance'])}"


def made_at(made: Mapping) -> str:
    """Provenance in a few words: commit, date and device."""
    device = made["cpu"] if made["device"] == "cpu" else made["device"]
    return f"commit {made['commit'][:12]}, {made['date']}, {device}"


def published_head(chapter: str) -> dict | None:
    """Provenance, profile and drawings of the published run of a chapter; None where it was not published."""
    path = RESULTS / f"{chapter}.json"
    if not path.exists():
        return None
    return {key: part for key, part in json.loads(path.read_text(encoding="utf-8")).items() if key != "results"}


def published_numbers(chapter: str) -> dict[str, Number]:
    """The published numbers of a chapter by name; raises `DataError` where it was not published."""
    path = RESULTS / f"{chapter}.json"
    if not path.exists():
        raise DataError(f"no results of chapter {chapter} are published in {path.parent.name}/; say `results: own` in the profile")
    return _numbers(json.loads(path.read_text(encoding="utf-8"))["results"])


def number_of(chapter: str) -> str:
    """The number of a chapter by the name of its notebook: "8b" of 08b_likeness."""
    return chapter.partition("_")[0].lstrip("0")


def _numbers(kept: Mapping[str, dict]) -> dict[str, Number]:
    ends = {name: [one.get(end, kept.get(f"{name}_{end}", {}).get("value")) for end in ("low", "high")] for name, one in kept.items()}
    return {name: Number(one.get("what", name), one["value"], one["unit"], one["n"], *ends[name]) for name, one in kept.items()}


def merge_results(profile_name: str, chapters: list[str]) -> dict:
    """All chapters' numbers as one dictionary, also written to build/PROFILE/results.json; raises `DataError` on a name used twice."""
    merged: dict[str, dict] = {}
    for chapter in chapters:
        path = build_folder(profile_name) / "results" / f"{chapter}.json"
        for name, entry in (json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}).items():
            if name in merged:
                raise DataError(f"result {name!r} is recorded by {merged[name]['chapter']} and by {chapter}; rename one")
            merged[name] = entry
    (build_folder(profile_name) / "results.json").write_text(json.dumps(merged, indent=1), encoding="utf-8")
    return merged
