"""The artefact store: what is made once is kept under a key of all that it depends on.

A stage is taken from build/PROFILE/artefacts when one of the same key is there: the key is a hash of the profile's sections, the library
code and the drawings that the stage depends on. Otherwise it is made, after a message that says how long it takes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """What a stage depends on: profile sections, the functions that make it (with all that they reach), other stages."""

    sections: tuple[str, ...]
    code: tuple[str, ...]
    needs: tuple[str, ...] = ()


STAGES = {
    "data": Stage(("data",), ("report.recipes.data",)),
    "pretraining": Stage((), ("report.recipes.pretrain",), ("data",)),
    "train_single": Stage(("single",), ("report.recipes.train_single",), ("data",)),
    "train_vae": Stage(("vae",), ("report.recipes.train_vaes",), ("data",)),
    "train_vaes": Stage(("vae",), ("report.recipes.train_vaes",), ("data",)),
    "single": Stage((), (), ("train_single",)),
    "router": Stage((), (), ("train_vaes",)),
    "recogniser": Stage(("recogniser",), ("report.stages.recogniser",), ("data",)),
    "experiments": Stage(("experiments",), ("report.stages.experiments",), ("data",)),
    "comparison": Stage((), ("report.stages.comparison",), ("data",)),
}
# Not looked into: what files hold is in their fingerprint, and the rest changes no result.
ASIDE = frozenset(
    [f"report.store.{name}" for name in ("artefact_folder", "taken_or_made", "forget_others", "is_done", "published")]
    + [f"report.recipes.{name}" for name in ("about_to_take", "_kept_single", "_watch", "_export")]
    + ["data.source.ensure", "report.provenance.provenance"]
)
MADE = ASIDE.union(*(stage.code for stage in STAGES.values()))  # what a stage does is in its own key, whoever takes it


def key(name: str, profile) -> str:
    """The hash that tells one state of a stage from another; it does not import torch, so that a build can ask it quickly."""
    from . import dependencies

    stage = STAGES[name]
    parts = [name, profile.name, profile.seed, dependencies.code_hash(stage.code, MADE.difference(stage.code))]
    parts += [profile.section(section) for section in stage.sections]
    parts += [key(need, profile) for need in stage.needs]
    if name in ("train_vae", "train_vaes") and profile.vae.from_single:
        parts.append(key("train_single", profile))
    if name == "pretraining":
        parts.append(pretraining_section(profile))
    if name == "train_single" and profile.pretraining.steps:
        parts.append(key("pretraining", profile))
    if name == "data" or (name == "pretraining" and profile.pretraining.other_classes):
        from ..data import source

        classes = profile.data.classes
        parts.append(source.fingerprint(classes if name == "data" else source.other_classes(classes)))
    if name == "comparison":
        asked = profile.comparison
        parts += [asked.drawings, asked.classes, asked.per_class]
        parts += [compared_sections(profile, "alone")["single"], *compared_sections(profile, "single").values()]
    if name in ("single", "router"):
        parts.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in published(name, profile)])
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def pretraining_section(profile) -> dict:
    """The settings of a pretraining: what the profile says of it, and of all else what it says of the single model but `per_class`."""
    single = {name: value for name, value in profile.section("single").items() if name != "per_class"}
    return {**single, **profile.section("pretraining")}


def compared_sections(profile, kind: str) -> dict[str, dict]:
    """The sections `single`, `vae` and `pretraining` for models of a kind (see `sweep`): chapter 13's own, else the profile's values."""
    section, fixed = profile.comparison, {"per_class": None, "keep": "best"}
    own = {"single": {**vars(section.single), **fixed}, "vae": {**vars(section.vae), **fixed, "from_single": False}}
    if kind == "alone":
        own["single"] |= vars(section.alone)
    own["pretraining"] = {"steps": 0}  # both architectures learn from these drawings alone
    return {name: {**profile.section(name), **values} for name, values in own.items()}


def published(name: str, profile) -> list[Path]:
    """The published weights of "single" or "router", where the profile draws with them and they are for its classes."""
    from ..files import weights_folder

    found = sorted(weights_folder().glob("router/*.safetensors" if name == "router" else "single.safetensors"))
    if profile.report.weights == "own" or not found:
        return []
    cards = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in found]
    known = {word for card in cards for word in card["config"]["classes"]}
    return found if known == set(profile.data.classes) else []


def artefact_folder(name: str, profile) -> Path:
    """Where a stage of this key keeps its files: build/PROFILE/artefacts/NAME-KEY."""
    from .folders import build_folder

    return build_folder(profile.name) / "artefacts" / f"{name}-{key(name, profile)[:12]}"


def taken_or_made(name: str, profile, make: Callable[[Path], dict], about: str) -> Path:
    """The folder of a finished stage; `make` fills it and returns the record that is kept in done.json.

    Folders of other keys are removed once this one is done; one that was interrupted is gone on with.
    """
    folder = artefact_folder(name, profile)
    done = folder / "done.json"
    if not done.exists():
        print(f"{name}: not in the artefact store; {about}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        record = make(folder)
        done.write_text(json.dumps({**record, "seconds": time.perf_counter() - began}, indent=1), encoding="utf-8")
        forget_others(folder, name)
    return folder


def forget_others(folder: Path, name: str) -> None:
    """Remove what other states of a stage left."""
    for other in folder.parent.glob(f"{name}-*"):
        if other != folder:
            shutil.rmtree(other)


def record_of(folder: Path) -> dict:
    """What the stage said of itself when it was made."""
    return json.loads((folder / "done.json").read_text(encoding="utf-8"))


def is_done(name: str, profile) -> bool:
    """Whether the artefact store has this stage."""
    return (artefact_folder(name, profile) / "done.json").exists()
