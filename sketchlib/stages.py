"""What chapters share: the prepared drawings, the trained models and the recogniser, each made once and kept.

A stage is taken from the artefact store build/PROFILE/artefacts when one of the same key is there: the key is a hash of the profile's
sections, the library code and the drawings that the stage depends on. Otherwise it is made, after a message that says how long it takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from .strokes import DataError


@dataclass(frozen=True)
class Stage:
    """What a stage depends on: profile sections, library modules (with all that they import), other stages."""

    sections: tuple[str, ...]
    modules: tuple[str, ...]
    needs: tuple[str, ...] = ()


STAGES = {
    "data": Stage(("data",), ("source", "dataset")),
    "train_single": Stage(("single",), ("models", "train"), ("data",)),
    "train_vae": Stage(("vae",), ("models", "train"), ("data",)),
    "train_vaes": Stage(("vae",), ("models", "train"), ("data",)),
    "single": Stage((), ("weights",), ("train_single",)),
    "router": Stage((), ("weights",), ("train_vaes",)),
    "recogniser": Stage(("recogniser",), ("recogniser",), ("data",)),
    "experiments": Stage(("experiments",), ("experiments",), ("data",)),
    "comparison": Stage(("comparison", "single", "vae"), ("models", "train", "sweep"), ("data",)),
}


def key(name: str, profile) -> str:
    """The hash that tells one state of a stage from another; it does not import torch, so that a build can ask it quickly."""
    from . import dependencies

    stage = STAGES[name]
    parts = [name, profile.name, profile.seed, dependencies.code_hash(set(stage.modules))]
    parts += [profile.section(section) for section in stage.sections]
    parts += [key(need, profile) for need in stage.needs]
    if name == "data":
        from . import source

        parts.append(source.fingerprint(profile.data.classes))
    if name in ("single", "router"):
        parts.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in _published(name, profile)])
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _published(name: str, profile) -> list[Path]:
    """The published weights of "single" or "router" if they are for the profile's classes; profiles of published sizes make their own."""
    from .report import PROJECT

    found = sorted((PROJECT / "weights").glob("router/*.safetensors" if name == "router" else "single.safetensors"))
    if profile.name in ("full", "published") or not found:
        return []
    cards = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in found]
    known = {word for card in cards for word in card["config"]["classes"]}
    return found if known == set(profile.data.classes) else []


def artefact_folder(name: str, profile) -> Path:
    """Where a stage of this key keeps its files: build/PROFILE/artefacts/NAME-KEY."""
    from . import report

    return report.build_folder(profile.name) / "artefacts" / f"{name}-{key(name, profile)[:12]}"


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
        _forget_others(folder, name)
    return folder


def _forget_others(folder: Path, name: str) -> None:
    """Remove what other states of a stage left."""
    for other in folder.parent.glob(f"{name}-*"):
        if other != folder:
            shutil.rmtree(other)


def record_of(folder: Path) -> dict:
    """What the stage said of itself when it was made."""
    return json.loads((folder / "done.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, eq=False)
class Prepared:
    """The drawings of a run: `raw` as read, `kept` after purification, `splits` (data units), `scale` and `n_max`.

    `counts`: step -> class -> drawings. `source`: the record of where they came from (kind, where, files).
    """

    raw: object
    kept: object
    splits: object
    scale: float
    n_max: int
    counts: dict
    source: dict


def data(profile) -> Prepared:
    """The drawings of the profile's classes, purified and split; also writes build/PROFILE/data.json. Chapter 2."""
    from . import dataset, report

    folder = taken_or_made("data", profile, lambda to: _read_data(profile, to), "reading the drawings takes some seconds")
    settings = profile.data
    raw = dataset.SketchSet.load(folder)
    kept = dataset.purify(raw, settings.min_length, settings.max_length, settings.clamp)
    splits = dataset.split(kept, tuple(settings.fractions), settings.split_seed)
    counts = {"read": raw.counts(), "kept": kept.counts()}
    counts |= {part: getattr(splits, part).counts() for part in ("train", "valid", "test")}
    source = record_of(folder)
    summary, path = json.dumps({**source, "counts": counts}, indent=1), report.build_folder(profile.name) / "data.json"
    if not path.exists() or path.read_text(encoding="utf-8") != summary:
        path.write_text(summary, encoding="utf-8")
    return Prepared(raw, kept, splits, dataset.data_scale_factor(splits.train), kept.n_max, counts, source)


def _read_data(profile, folder: Path) -> dict:
    from . import dataset, source

    drawings, found = source.load_drawings(profile.data.classes, profile.data.per_class)
    dataset.SketchSet.from_drawings(drawings).save(folder)
    return asdict(found)


def _settings(section, seed: int, **more):
    """Training settings from a profile section: what has the same name, the validations spread over the run."""
    from .train import Settings

    fields = set(Settings.__dataclass_fields__)
    named = {name: value for name, value in vars(section).items() if name in fields}
    return Settings(**{**named, "validate_every": max(1, section.steps // section.validations), "seed": seed, **more})


class Training(NamedTuple):
    """What `train.fit` takes."""

    model: object
    train_set: object
    valid_set: object
    settings: object
    folder: Path


def _about(training: Training, runs: int = 1) -> str:
    """How long a training will take, from three trial steps on this machine."""
    from .dataset import batch_order, make_batch

    model, train_set, _, settings, folder = training
    if (folder / "last.pt").exists():
        return "going on from its last checkpoint"
    order = batch_order(train_set.lengths, settings.batch_size, settings.seed, 0)[:4]
    for index in order[:1] + order:  # the first once more, to warm up
        if index is order[0]:
            began = time.perf_counter()
        model.terms(make_batch(train_set, index, model.scale))["loss"].backward()
    model.zero_grad(set_to_none=True)
    minutes = (time.perf_counter() - began) / len(order) * settings.steps * runs / 60
    return f"training takes about {minutes:.1f} minutes here ({runs} x {settings.steps:,} steps)"


def _card(model, prepared: Prepared, settings, curves: list[dict], profile) -> dict:
    """The JSON that says how weights were made."""
    from . import report

    best = min(curves, key=lambda record: record["valid"]["loss"])
    parameters = sum(p.numel() for p in model.parameters())
    return dict(
        architecture=type(model).__name__,
        config=model.config(),
        settings=asdict(settings),
        parameters=parameters,
        steps=curves[-1]["step"],
        best_step=best["step"],
        valid=best["valid"],
        train_seconds=sum(record["seconds"] for record in curves),
        profile=profile.name,
        seed=profile.seed,
        data={"counts": prepared.counts, "source": prepared.source},
        licence="trained on drawings of the Quick, Draw! dataset by Google, CC BY 4.0",
        made=report.provenance(),
    )


@dataclass(frozen=True, eq=False)
class Trained:
    """A model at its best validation, its curve records, and the card that says how it was made."""

    model: object
    curves: list
    card: dict


def _train(training: Training, prepared: Prepared, profile, to: Path, progress: bool = True) -> None:
    from . import train, weights

    model, folder = training.model, training.folder
    curves = train.fit(*training, progress=progress)
    train.load_best(model, folder)
    weights.save(model, to, _card(model, prepared, training.settings, curves, profile))
    for checkpoint in ("last.pt", "best.pt"):
        (folder / checkpoint).unlink()


def _curves(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "curves.jsonl").read_text(encoding="utf-8").splitlines()]


def _trained(path: Path, folder: Path) -> Trained:
    from . import weights

    return Trained(weights.read(path), _curves(folder), json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))


def is_done(name: str, profile) -> bool:
    """Whether the artefact store has this stage."""
    return (artefact_folder(name, profile) / "done.json").exists()


def single_training(profile, prepared: Prepared, folder: Path | None = None) -> Training:
    """The single model as this profile builds it, and what it is trained on; in its stage's folder unless another is given."""
    import torch

    from . import dataset
    from .models import ConditionalDecoder

    section = profile.single
    torch.manual_seed(profile.seed)
    sizes = {name: vars(section)[name] for name in ("hidden_size", "embedding_size", "n_mixtures", "weight_dropout")}
    model = ConditionalDecoder(prepared.kept.classes, prepared.n_max, prepared.scale, **sizes)
    train_set = dataset.cap(prepared.splits.train, section.per_class, profile.seed)
    settings = _settings(section, profile.seed)
    return Training(model, train_set, prepared.splits.valid, settings, folder or artefact_folder("train_single", profile))


def train_single(profile) -> Trained:
    """The single model trained by this profile. Chapter 4."""
    prepared = data(profile)

    def make(folder):
        _train(single_training(profile, prepared), prepared, profile, folder / "single.safetensors")
        return {}

    about = "" if is_done("train_single", profile) else _about(single_training(profile, prepared))
    folder = taken_or_made("train_single", profile, make, about)
    _export(folder, profile, "single")
    return _trained(folder / "single.safetensors", folder)


def vae_settings(profile):
    """The VAE's training settings; eta's R, stated for 50,000 steps, is compressed to the run's length."""
    return _settings(profile.vae, profile.seed, R=profile.vae.R ** (50_000 / profile.vae.steps))


def vae_training(profile, prepared: Prepared, name: str, folder: Path | None = None) -> Training:
    """The VAE of one class as this profile builds it, and what it is trained on; in its stage's folder unless another is given."""
    import torch

    from . import dataset
    from .models import SketchVAE

    section = profile.vae
    names = ("encoder_size", "decoder_size", "latent_size", "n_mixtures", "weight_dropout", "w_kl", "kl_min")
    torch.manual_seed(profile.seed)
    train_set = dataset.cap(prepared.splits.train.only(name), section.per_class, profile.seed)
    n_max = prepared.kept.only(name).n_max
    model = SketchVAE((name,), n_max, dataset.data_scale_factor(train_set), **{n: vars(section)[n] for n in names})
    folder = folder or artefact_folder("train_vaes", profile) / name
    return Training(model, train_set, prepared.splits.valid.only(name), vae_settings(profile), folder)


def untrained_vaes(profile) -> list[str]:
    """The classes whose VAE the artefact store does not have."""
    folder = artefact_folder("train_vaes", profile) / "router"
    return [name for name in profile.data.classes if not (folder / f"{name}.safetensors").exists()]


def train_vae(profile, name: str) -> Trained:
    """The VAE of one class trained by this profile. Chapter 5."""
    _train_vaes(profile, [name])
    return _trained_vae(profile, name)


def train_vaes(profile) -> dict[str, Trained]:
    """One VAE a class trained by this profile, by class name. Chapter 6, where there are no published ones."""
    classes = data(profile).kept.classes
    _train_vaes(profile, classes)
    _export(taken_or_made("train_vaes", profile, lambda folder: {}, "its classes are all trained: kept"), profile, "router")
    return {name: _trained_vae(profile, name) for name in classes}


def _trained_vae(profile, name: str) -> Trained:
    folder = artefact_folder("train_vaes", profile)
    return _trained(folder / "router" / f"{name}.safetensors", folder / name)


def _train_vaes(profile, names) -> None:
    """Train those of `names` that are not trained yet, as many at a time as there are processors, each on one.

    On one processor a VAE takes hardly longer than on two, so that several side by side are done sooner; and its numbers do not
    depend on how many processors there are.
    """
    from multiprocessing import get_context

    todo = [name for name in names if name in untrained_vaes(profile)]
    if not todo:
        return
    prepared, workers = data(profile), min(len(todo), os.cpu_count() or 1)
    print(f"VAEs of {', '.join(todo)}: {_about(vae_training(profile, prepared, todo[0]), -(-len(todo) // workers))}", flush=True)
    with get_context("spawn").Pool(workers) as pool:
        tasks = [(profile, name) for name in todo]
        _watch(pool.starmap_async(_train_one_vae, tasks, chunksize=1), profile, todo)
    _forget_others(artefact_folder("train_vaes", profile), "train_vaes")


def _train_one_vae(profile, name: str) -> None:
    import torch

    torch.set_num_threads(1)
    prepared = data(profile)
    to = artefact_folder("train_vaes", profile) / "router" / f"{name}.safetensors"
    _train(vae_training(profile, prepared, name), prepared, profile, to, progress=False)


def _watch(result, profile, names) -> None:
    """Show how far the trainings of `names` have come, by the curves they write, until all have ended; raises what one raised."""
    from tqdm.auto import tqdm

    folder = artefact_folder("train_vaes", profile)
    with tqdm(total=len(names) * profile.vae.steps, unit="step") as bar:
        while not result.ready():
            result.wait(1.0)
            curves = [folder / name / "curves.jsonl" for name in names]
            last = [path.read_text(encoding="utf-8").splitlines()[-1:] for path in curves if path.exists()]
            bar.update(sum(json.loads(line)["step"] for lines in last for line in lines) - bar.n)
    result.get()


def _export(folder: Path, profile, name: str) -> None:
    """Copy finished weights to build/PROFILE/models, where `sketchlib.load` finds them."""
    from . import report

    models = report.build_folder(profile.name) / "models"
    models.mkdir(parents=True, exist_ok=True)
    if name == "router":
        shutil.copytree(folder / "router", models / "router", dirs_exist_ok=True)
    else:
        for suffix in (".safetensors", ".json"):
            shutil.copy2(folder / f"single{suffix}", models / f"single{suffix}")


@dataclass(frozen=True, eq=False)
class Drawer:
    """A model that draws, where its weights come from, in a sentence for the page, and the cards that say how they were made."""

    model: object
    origin: str
    cards: list[dict]


def single(profile) -> Drawer:
    """The single model to draw with: the published weights, where they know the profile's classes, else this run's. Chapters 6 to 10."""
    from . import weights

    if published := _published("single", profile):
        return Drawer(weights.read(published[0]), *_of_cards(published))
    trained = train_single(profile)
    return Drawer(trained.model, "trained in this run: " + _origin(trained.card), [trained.card])


def router(profile) -> Drawer:
    """The router to draw with: the published weights, where they know the profile's classes, else this run's. Chapters 6 to 10."""
    from . import weights
    from .models import Router

    if published := _published("router", profile):
        return Drawer(weights.router(published[0].parent), *_of_cards(published))
    trained = train_vaes(profile)
    cards = [one.card for one in trained.values()]
    return Drawer(Router({name: one.model for name, one in trained.items()}), "each trained in this run: " + _origin(cards[0]), cards)


def _of_cards(published: list[Path]) -> tuple[str, list[dict]]:
    cards = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in published]
    return "the published weights, " + _origin(cards[0]), cards


def _origin(card: dict) -> str:
    return (
        f"profile {card['profile']}, seed {card['seed']}, {card['steps']:,} steps "
        f"in {card['train_seconds'] / 60:.1f} minutes, {card['parameters']:,} parameters"
    )


def recogniser(profile):
    """The recogniser trained on the real training drawings. Chapter 8."""
    from . import recogniser as module
    from . import weights

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

    from . import experiments as module
    from . import train

    prepared = data(profile)
    parts, to = prepared.splits, artefact_folder("experiments", profile)
    plans = module.plan(profile.experiments, parts.train, parts.valid, prepared.kept.n_max, profile.seed)
    todo = {name: Training(*plan, to / name.replace(" ", "_")) for name, plan in plans.items()}

    def make(_):
        for training in tqdm(todo.values(), unit="run"):
            train.fit(*training)
        return {}

    about = "" if is_done("experiments", profile) else _about(todo["five classes"], len(todo))
    taken_or_made("experiments", profile, make, about)
    for one in todo.values():  # not the best: the validation scores with eta = 1, under which a frozen weight looks bad from early on
        one.model.load_state_dict(train.read_checkpoint(one.folder / "last.pt")["model"])
    return {name: Trained(one.model.eval(), _curves(one.folder), asdict(one.settings)) for name, one in todo.items()}


def comparison_training(profile, few: Prepared, part, folder: Path) -> Training:
    """One model of chapter 13 on the drawings it may see: as the profile's `single` or `vae` says, but for what `comparison` says."""
    from .report import Profile

    section = profile.comparison
    single = {"single": section.single, "alone": {**section.single, **section.alone}}.get(part.kind, {})
    own = {"single": {**profile.section("single"), **single}, "vae": {**profile.section("vae"), **section.vae}}
    smaller = Profile(profile.name, {**profile.values, **{name: {**values, "per_class": None} for name, values in own.items()}})
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
            _train(comparison_training(profile, few, part, folder), few, profile, folder / f"{part.label}.safetensors")
        return {}

    def about(kind):
        members = [part for part in todo if part.kind == kind]
        few = sweep.fewer(prepared, members[-1], section.per_class, profile.seed)
        return f"{kind}: {_about(comparison_training(profile, few, members[-1], folder), len(members))}"

    abouts = "; ".join(about(kind) for kind in sweep.KINDS if any(part.kind == kind for part in todo))
    folder = taken_or_made("comparison", profile, make, abouts)
    return {part: _trained(folder / f"{part.label}.safetensors", folder / part.label) for part in parts}
