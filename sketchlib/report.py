"""The report as a run: profiles, the numbers that chapters record, and where everything came from."""

from __future__ import annotations

import difflib
import json
import math
import os
import platform
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

from .strokes import DataError

PROJECT = Path(__file__).resolve().parent.parent
BANNER = (
    "**These are not real drawings.** No Quick, Draw! data was at hand and none could be downloaded, so every page of this book was "
    "made from procedural doodles (`sketchlib.doodles`). Set `SKETCHLIB_DATA` and build again for the real report."
)


class Profile:
    """The sizes and durations of a run: `profile.single.hidden_size`; `name` and `seed` beside the sections."""

    def __init__(self, name: str, values: dict):
        self.name, self.seed, self.values = name, values["seed"], values
        for section, entries in values.items():
            if isinstance(entries, dict):
                setattr(self, section, SimpleNamespace(**entries))

    def section(self, name: str) -> dict:
        """The plain values of one section."""
        return dict(self.values[name])


def load_profile(name: str) -> Profile:
    """The profile profiles/NAME.yml; raises `DataError` unless it has exactly the keys of full.yml, the schema of all."""
    import yaml

    folder = Path(os.environ.get("SKETCHLIB_PROFILES", PROJECT / "profiles"))
    path = folder / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yml")))
        raise DataError(f"profile {name!r} is not known; expected one of {known}")
    values, schema = (yaml.safe_load(p.read_text(encoding="utf-8")) for p in (path, folder / "full.yml"))
    _compare_keys(values, schema, path.name, "")
    return Profile(name, values)


def _compare_keys(values: dict, schema: dict, file: str, where: str) -> None:
    for key in values.keys() - schema.keys():
        near = difflib.get_close_matches(key, schema, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(schema)}"
        raise DataError(f"{file}: unknown key {where + key!r}; {hint}")
    for key, expected in schema.items():
        if key not in values:
            raise DataError(f"{file}: key {where + key!r} is missing; full.yml has it")
        if isinstance(expected, dict) != isinstance(values[key], dict):
            raise DataError(f"{file}: {where + key!r} is {values[key]!r}; full.yml has {expected!r}")
        if isinstance(expected, dict):
            _compare_keys(values[key], expected, file, f"{key}.")


def build_folder(profile_name: str) -> Path:
    """build/PROFILE in the project, or below SKETCHLIB_BUILD."""
    return Path(os.environ.get("SKETCHLIB_BUILD", PROJECT / "build")) / profile_name


def banner(profile_name: str) -> str:
    """The warning, as Markdown, that this profile's drawings are doodles; empty when they are real or not read yet."""
    record = build_folder(profile_name) / "data.json"
    doodles = record.is_file() and json.loads(record.read_text(encoding="utf-8"))["kind"] == "doodles"
    return f"> {BANNER}" if doodles else ""


def format_number(value) -> str:
    """A number as the book prints it: whole ones in full, others with four significant digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def table(head: list[str], rows: list[list], numbers: int = 0) -> str:
    """A Markdown table; the last `numbers` columns are set flush right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in [head, rule, *rows]) + "\n"


def origins(profile: Profile, section: str, why: dict[str, str]) -> list[list]:
    """Rows for the table of a section's values: name, published value (profile full), this run's, and where the published one is from.

    Raises `DataError` for a name that the section does not have.
    """
    published, own = load_profile("full").section(section), profile.section(section)
    if unknown := why.keys() - own.keys():
        raise DataError(f"section {section!r} has no {', '.join(sorted(unknown))}; it has {', '.join(own)}")
    return [[f"`{name}`", published[name], own[name], reason] for name, reason in why.items()]


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
        self.numbers[name] = dict(
            value=value, unit=unit, n=n, profile=self.profile.name, seed=self.profile.seed, chapter=self.chapter
        )
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


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def provenance() -> dict:
    """Commit, versions, machine and time of this run; no path of the machine."""
    import numpy
    import torch

    return dict(
        commit=_git("rev-parse", "HEAD") or "not a git checkout",
        changed=bool(_git("status", "--porcelain", "--untracked-files=no")),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=numpy.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        cpu=_cpu(),
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        date=time.strftime("%Y-%m-%d", time.gmtime()),
    )
