"""What chapters take: drawings, trained models, what draws, the recogniser, and the runs of the chapters that compare."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

from .recipes import (
    Prepared,
    Trained,
    Training,
    about_to_take,
    curves_of,
    data,
    read_trained,
    single_training,
    train_and_keep,
    train_single,
    train_vae,
    train_vaes,
    vae_settings,
    vae_training,
)
from .store import artefact_folder, compared_sections, is_done, published, taken_or_made

__all__ = ["data", "train_single", "train_vae", "train_vaes", "vae_settings", "single", "router", "recogniser", "experiments", "comparison"]


@dataclass(frozen=True, eq=False)
class Drawer:
    """A model that draws, where its weights come from, in a sentence for the page, and the cards that say how they were made."""

    model: object
    origin: str
    cards: list[dict]


def single(profile) -> Drawer:
    """The single model to draw with: the published weights, where they know its classes, else this run's. Chapters 6 to 10, 12, 13."""
    from ..models import weights

    if found := published("single", profile):
        return Drawer(weights.read(found[0]), *_of_cards(found))
    trained = train_single(profile)
    return Drawer(trained.model, "trained in this run: " + _origin([trained.card]), [trained.card])


def router(profile) -> Drawer:
    """The router to draw with: the published weights, where they know its classes, else this run's. Chapters 6, 8, 12, 13."""
    from ..models import weights
    from ..models.router import Router

    if found := published("router", profile):
        return Drawer(weights.router(found[0].parent), *_of_cards(found))
    trained = train_vaes(profile)
    cards = [one.card for one in trained.values()]
    return Drawer(Router({name: one.model for name, one in trained.items()}), "each trained in this run: " + _origin(cards), cards)


def _of_cards(found: list[Path]) -> tuple[str, list[dict]]:
    cards = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in found]
    return "the published weights, " + _origin(cards), cards


def _origin(cards: list[dict]) -> str:
    one, minutes, many = cards[0], sum(card["train_seconds"] for card in cards) / 60, len(cards) > 1
    each, steps, kept = " each" if many else "", one["steps"], [card["best_step"] for card in cards]
    best = f" (best at step {kept[0]:,}, kept)" if not many else f" (best at steps {min(kept):,} to {max(kept):,}, kept)"
    best = " (the last kept)" if one.get("keep") == "last" else best
    start = ""
    if before := one.get("pretraining"):
        minutes_before = before["train_seconds"] / 60
        start = f", after {before['steps']:,} steps with other settings on {before['classes']} classes in {minutes_before:.1f} minutes"
    return (
        f"profile {one['profile']}, seed {one['seed']}, {steps:,} steps{each}{best} "
        f"in {minutes:.1f} minutes{' in all' if many else ''}, {one['parameters']:,} parameters{each}{start}"
    )


def recogniser(profile):
    """The recogniser trained on the real training drawings. Chapter 8."""
    from ..metrics import recogniser as module
    from ..models import weights

    prepared = data(profile)
    section, classes = profile.recogniser, prepared.kept.classes

    def make(folder):
        parts = (prepared.splits.train, prepared.splits.valid)
        train, valid = ({name: part.drawings(name, section.per_class) for name in classes} for part in parts)
        model, curves = module.train_recogniser(train, valid, size=section.size, epochs=section.epochs, seed=profile.seed)
        weights.save(model, folder / "recogniser.safetensors")
        return {"curves": curves, "drawings": sum(map(len, train.values()))}

    shown = section.epochs * sum(min(n, section.per_class or n) for n in prepared.splits.train.counts().values())
    folder = taken_or_made("recogniser", profile, make, f"training it shows {shown:,} pictures in {section.epochs} passes")
    return module.load(folder / "recogniser.safetensors", classes)


def experiments(profile) -> dict[str, Trained]:
    """The runs of `experiments.plan` by name, each after its last step, its settings as its card. Chapter 12."""
    from tqdm.auto import tqdm

    from .. import train
    from . import ablations as module

    prepared = data(profile)
    parts, to = prepared.splits, artefact_folder("experiments", profile)
    plans = module.plan(profile.experiments, parts.train, parts.valid, prepared.kept.n_max, profile.seed)
    todo = {name: Training(*plan, to / name.replace(" ", "_")) for name, plan in plans.items()}

    def make(_):
        for training in tqdm(todo.values(), unit="run"):
            train.fit(*training)
        return {}

    about = "" if is_done("experiments", profile) else about_to_take(todo["five classes"], len(todo))
    taken_or_made("experiments", profile, make, about)
    for one in todo.values():  # not the best: the validation scores with eta = 1, under which a frozen weight looks bad from early on
        one.model.load_state_dict(train.read_checkpoint(one.folder / "last.pt")["model"])
    return {name: Trained(one.model.eval(), curves_of(one.folder), asdict(one.settings)) for name, one in todo.items()}


def comparison_training(profile, few: Prepared, part, folder: Path) -> Training:
    """One model of chapter 13 on the drawings it may see: as the profile's `single` or `vae` says, but for what `comparison` says."""
    sections = {name: SimpleNamespace(**values) for name, values in compared_sections(profile, part.kind).items()}
    smaller = SimpleNamespace(**{**vars(profile), **sections})
    to = folder / part.label
    return vae_training(smaller, few, part.name, to) if part.kind == "router" else single_training(smaller, few, to)


def comparison(profile) -> dict:
    """Both architectures trained anew at several numbers of drawings: `sweep.Part` -> `Trained`. Chapter 13."""
    from tqdm.auto import tqdm

    from . import sweep

    section, prepared = profile.comparison, data(profile)
    parts = sweep.parts(section.drawings, section.classes)
    folder = artefact_folder("comparison", profile)
    todo = [part for part in parts if not (folder / f"{part.label}.safetensors").exists()]

    def make(folder):
        for part in tqdm(todo, unit="model"):
            few = sweep.fewer(prepared, part, section.per_class, profile.seed)
            train_and_keep(comparison_training(profile, few, part, folder), few, profile, folder / f"{part.label}.safetensors")
        return {}

    def about(kind):
        members = [part for part in todo if part.kind == kind]
        few = sweep.fewer(prepared, members[-1], section.per_class, profile.seed)
        return f"{kind}: {about_to_take(comparison_training(profile, few, members[-1], folder), len(members))}"

    abouts = "; ".join(about(kind) for kind in sweep.KINDS if any(part.kind == kind for part in todo))
    folder = taken_or_made("comparison", profile, make, abouts)
    return {part: read_trained(folder / f"{part.label}.safetensors", folder / part.label) for part in parts}
