"""One chapter as a run: the numbers that it records."""

from __future__ import annotations

import json
import math

from ..errors import DataError
from .folders import build_folder
from .profile import load_profile
from .tables import format_number

BANNER = (
    "**These are not real drawings.** No Quick, Draw! data was at hand and none could be downloaded, so every page of this book was "
    "made from procedural doodles (`sketchlib.doodles`). Set `SKETCHLIB_DATA` and build again for the real report."
)


def banner(profile_name: str) -> str:
    """The warning, as Markdown, that this profile's drawings are doodles; empty when they are real or not read yet."""
    record = build_folder(profile_name) / "data.json"
    doodles = record.is_file() and json.loads(record.read_text(encoding="utf-8"))["kind"] == "doodles"
    return f"> {BANNER}" if doodles else ""


class Page:
    """One chapter's link to the run: its profile, and the numbers that it records."""

    def __init__(self, chapter: str, profile_name: str):
        self.chapter, self.profile = chapter, load_profile(profile_name)
        self._path = build_folder(profile_name) / "results" / f"{chapter}.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self.numbers: dict[str, dict] = {}
        self.banner()

    def banner(self) -> None:
        """Say at the top of the page where the drawings are not real ones, as the stage that read them noted."""
        if text := banner(self.profile.name):
            from IPython.display import Markdown, display

            display(Markdown(text))

    def record(self, name: str, value: float, unit: str = "", n: int | None = None) -> str:
        """Keep a number of this chapter for results.json and glue it, formatted, for the book's prose; returns that text.

        Raises `DataError` for a value that is not finite and for a name used twice.
        """
        value = value if isinstance(value, int) else float(value)
        if not math.isfinite(value):
            raise DataError(f"result {name!r} is {value}; only finite numbers are recorded")
        if name in self.numbers:
            raise DataError(f"result {name!r} is recorded twice in {self.chapter}; give each a name of its own")
        self.numbers[name] = dict(value=value, unit=unit, n=n, profile=self.profile.name, seed=self.profile.seed, chapter=self.chapter)
        self._path.write_text(json.dumps(self.numbers, indent=1), encoding="utf-8")
        return _glue(name, format_number(value))

    def record_if_finite(self, name: str, value: float, unit: str = "", n: int | None = None) -> str:
        """`record`, or a dash glued and returned where this run cannot give the number (it is not finite)."""
        return self.record(name, value, unit, n) if math.isfinite(value) else _glue(name, "–")

    def interval(self, name: str, found, unit: str = "", factor: float = 1.0) -> list[str]:
        """Record the value, `name`_low and `name`_high of an `interval.Interval`, each times `factor`; returns the three texts."""
        ends = {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        return [self.record(key, factor * value, unit, found.n) for key, value in ends.items()]

    def say(self, name: str, text: str) -> None:
        """Glue a text that comes from the run, such as a model's origin."""
        _glue(name, text)


def _glue(name: str, text: str) -> str:
    from myst_nb import glue

    glue(name, str(text), display=False)
    return text


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
