"""A published run: weights in half precision with their cards, the numbers of its chapters, and whether another run agrees with it."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from .. import sampling
from ..completion import beginning_of, complete
from ..data.dataset import SketchSet, cap
from ..data.doodles import doodles
from ..errors import DataError
from ..files import PROJECT, read_card, trainings_before, write_atomically
from ..metrics import likelihood
from ..models import weights
from ..pictures import animation, draw
from ..strokes import BOX
from ..svg import still_svg, svg_path
from .folders import build_folder
from .page import number_of
from .profile import Profile
from .provenance import provenance
from .stages import data, train_best, train_single, train_vaes
from .tables import Number, cell, rounded

RESULTS = PROJECT / "book" / "results"
PICTURES = ("sketches.png", "drawing.gif", "completed.svg")  # of book/images that `publish_pictures` draws
SCORED = 200  # validation drawings of a class that tell what half precision costs


def nats_per_point(model, sketches: SketchSet) -> float:
    """What the drawings cost a model in nats a point on the data's grid; a VAE with z from its encoder, KL left out."""
    found = likelihood.costs(model, sketches)
    return float(found.grid.sum() / found.points.sum())


def require_own(profile: Profile) -> None:
    """Raises `DataError` for a profile that takes weights or results from the published run, which parts of its own would overwrite."""
    taken = [f"report.{name} is {value}" for name in ("weights", "results") if (value := getattr(profile.report, name)) != "own"]
    if taken:
        raise DataError(f"profile {profile.name} is not published: its {', '.join(taken)}; publish one that has own for both: published")


def publish_weights(profile: Profile, to: Path = PROJECT / "weights") -> list[Path]:
    """Write single.safetensors, router/CLASS.safetensors and, where there is one, best.safetensors below `to`; returns their paths.

    Each card also says what half precision costs, in nats a point of some validation drawings. Raises `DataError` as `require_own`.
    """
    require_own(profile)
    valid, paths = cap(data(profile).splits.valid, SCORED, profile.seed), []
    made = {"single": train_single(profile), **{f"router/{name}": one for name, one in train_vaes(profile).items()}}
    if profile.best.steps:
        made["best"] = train_best(profile)
    for name, one in made.items():
        path, classes = to / f"{name}.safetensors", one.model.classes
        drawings = valid.only(classes[0]) if one.model.latent_size else valid
        with tempfile.TemporaryDirectory() as folder:
            weights.save(one.model, rounded := Path(folder) / path.name, half=True)
            before, after = nats_per_point(one.model, drawings), nats_per_point(weights.read(rounded), drawings)
        figures = {"grid_nats_per_point": after, "grid_nats_per_point_float32": before, "costs": after - before, "drawings": len(drawings)}
        weights.save(one.model, path, {**one.card, "half_precision": figures}, half=True)
        paths.append(path)
    return paths


def publish_results(profile: Profile, to: Path = RESULTS) -> list[Path]:
    """Copy the numbers that a run's chapters recorded to one JSON a chapter, with drawings, profile, and commit and machine of publishing.

    Returns the paths. Raises `DataError` where no chapter of the profile was executed, and as `require_own`.
    """
    require_own(profile)
    found = sorted((build_folder(profile.name) / "results").glob("[!.]*.json"))
    if not found:
        raise DataError(f"no chapter was executed at profile {profile.name}: run `make book PROFILE={profile.name}` first")
    head, paths = {"provenance": provenance(), "profile": profile.values, "drawings": drawings_of(profile)}, []
    for path in found:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        text = json.dumps({**head, "results": numbers}, indent=1)
        write_atomically(to / path.name, lambda where, text=text: where.write_text(text + "\n", encoding="utf-8"))
        paths.append(to / path.name)
    for stale in set(to.glob("[!.]*.json")) - set(paths):  # last: nothing is lost where a new file cannot be written
        stale.unlink()
    return paths


def publish_pictures(model, settings, to: Path = PROJECT / "book" / "images") -> list[Path]:
    """The pictures of README and the landing page, `PICTURES`, drawn by a single model that knows cats; returns the paths.

    The first ten sketches of each class, the first of each being drawn, and half of a doodled cat with what the model adds. `settings` is
    the profile's sampling section, used without guidance. The seed is 0 and nothing is picked.
    """
    how = dict(temperature=settings.temperature, pen_temperature=settings.pen_temperature)
    first = {word: sampling.sample(model, word, n=10, seed=0, **how) for word in model.classes}
    draw.save_png(draw.class_grid(first), to / "sketches.png", dpi=90)
    animation.animate([row[0] for row in first.values()], to / "drawing.gif")
    write_atomically(to / "completed.svg", lambda path: path.write_text(completed_svg(model, how) + "\n", encoding="utf-8"))
    return [to / name for name in PICTURES]


def completed_svg(model, how: Mapping[str, float], word: str = "cat") -> str:
    """Half of a doodle in black and how a model goes on in blue, as an SVG; `how`: temperatures as `complete` takes them."""
    begun = beginning_of(doodles([word], 1, seed=0)[word][0], 0.5).drawing
    found = complete(model, begun, 1, word=word, size=BOX, seed=0, **how).completions[0]
    below, above = still_svg(found, 240, draw.BLUE).split("</g>")
    return f'{below}<path d="{svg_path(begun.strokes)}" stroke="{draw.INK}"/></g>{above}'


def drawings_of(profile: Profile) -> dict[str, str | None]:
    """SHA-256 of the file of each class that a run read (None: made by the library)."""
    summary = json.loads((build_folder(profile.name) / "data.json").read_text(encoding="utf-8"))
    return {name: file["sha256"] for name, file in summary["files"].items()}


def published(folder: Path = RESULTS) -> dict[str, dict]:
    """The published numbers: name -> value, unit, n, profile, seed, chapter; empty where nothing is published."""
    merged = {}
    for path in sorted(folder.glob("[!.]*.json")):
        merged |= json.loads(path.read_text(encoding="utf-8"))["results"]
    return merged


def about(folder: Path = RESULTS) -> list[list]:
    """Rows on the published run: chapters, and their profile, seed, commit, date and machine; a row for all that have these in common."""
    together: dict[tuple, list[str]] = {}
    for path in sorted(folder.glob("[!.]*.json")):
        head = json.loads(path.read_text(encoding="utf-8"))
        made, entries = head["provenance"], list(head["results"].values())
        machine = made["cpu"] if made["device"] == "cpu" else made["device"]
        for entry in entries[:1]:
            run = (f"`{entry['profile']}`", entry["seed"], f"`{made['commit'][:12]}`", made["date"], machine)
            together.setdefault(run, []).append(number_of(path.stem))
    return [[", ".join(chapters), *run] for run, chapters in together.items()]


def every_number(found: Mapping[str, dict], other: Mapping[str, dict]) -> list[list]:
    """Rows on recorded numbers: name, value with its interval, the same in the `other` run, unit, n, and a link to the chapter."""
    rows = []
    for name, e in found.items():
        chapter, n = f"[{number_of(e['chapter'])}](notebooks/{e['chapter']})", f"{e['n']:,}" if e["n"] else ""
        rows.append([f"`{name}`", _with_interval(e), _with_interval(other.get(name)), e["unit"], n, chapter])
    return rows


def _with_interval(entry: dict | None) -> str:
    return cell(Number("", entry["value"], "", None, entry.get("low"), entry.get("high"))) if entry else ""


def shipped(folder: Path = PROJECT / "weights") -> list[list]:
    """Rows on the published weights, from their cards.

    File, MB, steps (a pretraining's before them), the step kept, training drawings, nats a point on the grid, and what half precision costs
    of these; a dash where a card does not say.
    """
    rows = []
    for path in sorted(folder.rglob("[!.]*.safetensors"), key=lambda path: (path.stem != "single", path.stem)):
        card = read_card(path)
        half, counts = card["half_precision"], card["data"]["counts"]["train"]
        drawings = sum(counts[name] for name in card["config"]["classes"])
        size = f"{path.stat().st_size / 1e6:.1f}"
        steps = " + ".join(f"{one['steps']:,}" for one in (*trainings_before(card), card))
        rows.append(
            [f"`{path.relative_to(folder).as_posix()}`", size, steps, f"{card['best_step']:,}", f"{drawings:,}"]
            + [rounded(half.get("grid_nats_per_point", math.nan)), f"{half['costs']:+.6f}"]
        )
    return rows


def comparable(profile: Profile, folder: Path = RESULTS) -> bool:
    """Whether the published run read the files that this run reads."""
    read, kept = drawings_of(profile), [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("[!.]*.json")]
    return bool(kept) and all(one["drawings"] == read for one in kept)


def differences(found: Mapping[str, dict], other: Mapping[str, dict], equal: list[str], close: Mapping[str, float]) -> list[str]:
    """A sentence for every number of `found` that is not what `other` says: `equal` ones exactly, `close` ones within their tolerance."""
    wrong = []
    for name, tolerance in {**dict.fromkeys(equal, 0.0), **close}.items():
        if name not in found or name not in other:
            wrong.append(f"{name} is not recorded by {'this run' if name not in found else 'the published run'}")
        elif not abs(found[name]["value"] - other[name]["value"]) <= tolerance:
            values = f"{found[name]['value']:.6g}; published {other[name]['value']:.6g}"
            wrong.append(f"{name} is {values}, tolerance {tolerance:g} {found[name]['unit']}")
    return wrong


def check(profile: Profile, found: Mapping[str, dict], folder: Path = RESULTS) -> list[str]:
    """The `differences` that must not be, by expected.yml beside the published numbers; none where the drawings are others.

    The profile's `report.compare` says which: "none", those that must be "equal", or also those that must be "close".
    """
    other, compare = published(folder), profile.report.compare
    if compare == "none" or not other or not comparable(profile, folder):
        return []
    expected = yaml.safe_load((folder / "expected.yml").read_text(encoding="utf-8"))
    return differences(found, other, expected["equal"], expected["close"] if compare == "close" else {})
