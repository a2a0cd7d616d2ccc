"""What chapters take: drawings, trained models, what draws, the recogniser, and the runs of the chapters that compare."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from . import experiments as chapter_12
from . import recipes, store, sweep, training
from .drawings import Prepared, data
from .recipes import Recipe, vae_settings
from .training import Trained

__all__ = ["Prepared", "Trained", "data", "vae_settings"]  # and what is defined here


# --- models of a profile ---


def train_single(profile, ranks=None) -> Trained:
    """The single model trained by this profile; `ranks` as in `training.keep`. Chapter 4."""
    return _of_all_classes(profile, recipes.single(profile), ranks)


def train_best(profile, ranks=None) -> Trained:
    """The best model of this project trained by this profile, which must say how; `ranks` as in `training.keep`. Chapter 13b."""
    return _of_all_classes(profile, recipes.best(profile), ranks)


def _of_all_classes(profile, recipe: Recipe, ranks) -> Trained:
    trained = training.trained(profile, recipe, ranks)
    if not (ranks and ranks.rank):
        _export(profile, {recipe.name: recipe})
        for one in recipes.chain(recipe):
            _forget_others(profile, [one])
    return trained


def train_vae(profile, name: str) -> Trained:
    """The VAE of one class trained by this profile. Chapter 5."""
    recipe = recipes.vae(profile, name)
    training.keep_side_by_side(profile, [recipe])
    return training.read_trained(profile, recipe)


def train_vaes(profile) -> dict[str, Trained]:
    """One VAE a class trained by this profile, by class name. Chapter 6, where there are no published ones."""
    vaes = recipes.vaes(profile)
    training.keep_side_by_side(profile, list(vaes.values()))
    if store.builds():
        shutil.rmtree(_models(profile) / "router", ignore_errors=True)  # it may have had other classes
    _export(profile, {f"router/{name}": recipe for name, recipe in vaes.items()})
    _forget_others(profile, list(vaes.values()))
    return {name: training.read_trained(profile, recipe) for name, recipe in vaes.items()}


def _models(profile) -> Path:
    from .folders import build_folder

    return build_folder(profile.name) / "models"


def _export(profile, made: Mapping[str, Recipe]) -> None:
    """Copy weights and cards to build/PROFILE/models, whose files `sketchlib.load` takes, where the build asks."""
    for name, recipe in made.items() if store.builds() else ():
        kept = recipes.folder_of(profile.name, recipe) / training.MODEL
        to = _models(profile) / f"{name}.safetensors"
        to.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".safetensors", ".json"):
            shutil.copy2(kept.with_suffix(suffix), to.with_suffix(suffix))


def _forget_others(profile, made: list[Recipe]) -> None:
    store.forget_others([recipes.folder_of(profile.name, recipe) for recipe in made])


# --- what draws ---


@dataclass(frozen=True, eq=False)
class Drawer:
    """A model that draws, and the cards that say how its weights were made."""

    model: object
    cards: list[dict]


def single(profile) -> Drawer:
    """The single model to draw with: the published weights, where they know its classes, else this run's. Chapters 4, 6 to 10, 12 to 14."""
    from ..models import weights

    if found := published(profile, "single"):
        return Drawer(weights.read(found[0]), _cards(found))
    trained = train_single(profile)
    return Drawer(trained.model, [trained.card])


def router(profile) -> Drawer:
    """The router to draw with: the published weights, where they know its classes, else this run's. Chapters 6, 8, 12 to 14."""
    from ..models import weights
    from ..models.router import Router

    if found := published(profile, "router"):
        return Drawer(weights.router(found[0].parent), _cards(found))
    trained = train_vaes(profile)
    return Drawer(Router({name: one.model for name, one in trained.items()}), [one.card for one in trained.values()])


def best(profile) -> Drawer | None:
    """The best model of this project to draw with, as `single`; None where there is neither a published nor an own one. Chapter 8."""
    from ..models import weights

    if found := published(profile, "best"):
        return Drawer(weights.read(found[0]), _cards(found))
    if not (profile.best.steps and profile.report.weights == "own"):
        return None
    trained = train_best(profile)
    return Drawer(trained.model, [trained.card])


def published(profile, name: str) -> list[Path]:
    """The published weights of "single", "router" or "best", where the profile draws with them and they know its classes and no others."""
    from ..files import weights_folder

    if profile.report.weights == "own":
        return []
    found = sorted(weights_folder().glob("router/[!.]*.safetensors" if name == "router" else f"{name}.safetensors"))
    classes = {word for card in _cards(found) for word in card["config"]["classes"]}
    return found if classes == set(profile.data.classes) else []


def _cards(found: list[Path]) -> list[dict]:
    from ..files import read_card

    return [read_card(path) for path in found]


# --- the recogniser, and the chapters that compare ---


def recogniser(profile):
    """The recogniser trained on the real training drawings. Chapter 8."""
    from ..metrics import recogniser as module

    folder = _recogniser_folder(profile)
    if not store.is_done(folder):
        _make_recogniser(profile, folder)
    store.forget_others([folder])
    return module.load(folder / training.MODEL, profile.data.classes)


def recogniser_record(profile) -> dict:
    """What was noted when the recogniser was trained: `curves`, a record of each epoch, and the number of `drawings`. Chapter 8."""
    recogniser(profile)
    return store.record_of(_recogniser_folder(profile))


def _make_recogniser(profile, folder: Path) -> None:
    from ..metrics import recogniser as module
    from ..models import weights

    section, splits = profile.recogniser, data(profile).splits

    def make(to: Path) -> dict:
        train, valid = (
            {name: part.drawings(name, section.per_class) for name in profile.data.classes} for part in (splits.train, splits.valid)
        )
        model, curves = module.train_recogniser(train, valid, size=section.size, epochs=section.epochs, seed=profile.seed)
        weights.save(model, to / training.MODEL)
        return {"curves": curves, "drawings": sum(map(len, train.values()))}

    shown = section.epochs * sum(min(n, section.per_class or n) for n in splits.train.counts().values())
    store.taken_or_made(folder, make, lambda: f"training it shows {shown:,} pictures in {section.epochs} passes")


def _recogniser_key(profile) -> str:
    values = [asdict(profile.recogniser), asdict(profile.data), profile.seed]
    return store.key(["report.stages._make_recogniser"], values, profile.data.classes)


def _recogniser_folder(profile) -> Path:
    return store.folder(profile.name, "recogniser", _recogniser_key(profile))


def experiments(profile) -> dict[str, Trained]:
    """The runs of `experiments.recipes` by name, each after its last step. Chapter 12.

    Raises `DataError` where a class of the report is missing.
    """
    chapter_12.require_report_classes(profile.data.classes)
    return _all(profile, _experiments(profile))


def comparison(profile) -> dict[sweep.Part, Trained]:
    """Both architectures trained anew at several numbers of drawings: `sweep.Part` -> `Trained`. Chapter 13."""
    return _all(profile, sweep.recipes(profile))


def _experiments(profile) -> dict[str, Recipe]:
    return chapter_12.recipes(profile.experiments, profile.data, profile.seed)


def _all(profile, wanted: Mapping) -> dict:
    training.keep_all(profile, list(wanted.values()))
    _forget_others(profile, list(wanted.values()))
    return {name: training.read_trained(profile, recipe) for name, recipe in wanted.items()}


# --- what the build asks ---


def _drawn_with(name: str, own: Callable) -> Callable:
    # The keys of what draws: the files of the published weights, or of the models of this run.
    def keys(profile) -> list[str]:
        files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in published(profile, name)]
        return files or own(profile)

    return keys


def _data(profile) -> list[str]:
    # Of all that prepares the drawings: what the store has of them is only the drawings as read.
    return [store.key(["report.drawings.data"], asdict(profile.data), profile.data.classes)]


def _single(profile) -> list[str]:
    return [recipes.key(recipes.single(profile))]


def _best(profile) -> list[str]:
    return [recipes.key(recipes.best(profile))] if profile.best.steps and profile.report.weights == "own" else []


def _vaes(profile) -> list[str]:
    return [recipes.key(recipe) for recipe in recipes.vaes(profile).values()]


KEYS: dict[str, Callable] = {  # stage -> the keys of what it takes: a chapter that takes it is executed again for other ones
    "data": _data,
    "train_single": _single,
    "train_vae": _vaes,
    "train_vaes": _vaes,
    "single": _drawn_with("single", _single),
    "router": _drawn_with("router", _vaes),
    "best": _drawn_with("best", _best),
    "recogniser": lambda profile: [_recogniser_key(profile)],
    "recogniser_record": lambda profile: [_recogniser_key(profile)],
    "experiments": lambda profile: [recipes.key(recipe) for recipe in _experiments(profile).values()],
    "comparison": lambda profile: [recipes.key(recipe) for recipe in sweep.recipes(profile).values()],
}
# What makes these things is in their keys, and is not looked into for a chapter.
IN_STAGE_KEYS = (
    *store.NOT_IN_KEYS,
    "report.stages._make_recogniser",
    "report.drawings.data",
    "report.training.keep",
    "report.training.keep_all",
    "report.training.keep_side_by_side",
    "report.training.read_trained",
)
