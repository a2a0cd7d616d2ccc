"""Data and models of a profile: the prepared drawings, the single model and the VAEs, each trained once and kept as an artefact."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from ..errors import DataError
from .store import artefact_folder, forget_others, is_done, pretraining_section, record_of, taken_or_made


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
    from ..data import dataset
    from .folders import build_folder

    folder = taken_or_made("data", profile, lambda to: _read_data(profile, to), "reading the drawings takes some seconds")
    settings = profile.data
    raw = dataset.SketchSet.load(folder)
    kept = dataset.purify(raw, settings.min_length, settings.max_length, settings.clamp)
    splits = dataset.split(kept, tuple(settings.fractions), settings.split_seed)
    counts = {"read": raw.counts(), "kept": kept.counts()}
    counts |= {part: getattr(splits, part).counts() for part in ("train", "valid", "test")}
    source = record_of(folder)
    summary, path = json.dumps({**source, "counts": counts}, indent=1), build_folder(profile.name) / "data.json"
    if not path.exists() or path.read_text(encoding="utf-8") != summary:
        path.write_text(summary, encoding="utf-8")
    return Prepared(raw, kept, splits, dataset.data_scale_factor(splits.train), kept.n_max, counts, source)


def _read_data(profile, folder: Path) -> dict:
    from ..data import dataset, source

    drawings, found = source.load_drawings(profile.data.classes, profile.data.per_class)
    dataset.SketchSet.from_drawings(drawings).save(folder)
    return asdict(found)


def _settings(section, seed: int, **more):
    """Training settings from a profile section: what has the same name, the validations spread over the run."""
    from ..train import Settings

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


def about_to_take(training: Training, runs: int = 1) -> str:
    """How long a training will take, from three trial steps on this machine."""
    from ..data.batches import batch_order, make_batch

    model, train_set, _, settings, folder = training
    if (folder / "last.pt").exists():
        return "going on from its last checkpoint"
    order = batch_order(train_set.lengths, settings.batch_size, settings.seed, 0)[:4]
    for index in order[:1] + order:  # the first once more, to warm up
        if index is order[0]:
            began = time.perf_counter()
        model.loss(model.parts(make_batch(train_set, index, model.scale))).backward()
    model.zero_grad(set_to_none=True)
    minutes = (time.perf_counter() - began) / len(order) * settings.steps * runs / 60
    return f"training takes about {minutes:.1f} minutes here ({runs} x {settings.steps:,} steps)"


def _card(training: Training, prepared: Prepared, curves: list[dict], profile, keep: str) -> dict:
    """The JSON that says how weights were made."""
    from ..metrics import cost
    from .provenance import provenance

    model, train_set, _, settings, _ = training
    kept = curves[-1] if keep == "last" else min(curves, key=lambda record: record["valid"]["loss"])
    return dict(
        architecture=type(model).__name__,
        config=model.config(),
        settings=asdict(settings),
        precision=" and ".join(dict.fromkeys(record["precision"] for record in curves)),  # what was used, not what was asked for
        parameters=cost.parameters(model),
        steps=curves[-1]["step"],
        keep=keep,
        best_step=kept["step"],
        valid=kept["valid"],
        train_seconds=sum(record["seconds"] for record in curves),
        profile=profile.name,
        seed=profile.seed,
        started_from=model.started_from,
        pretraining=_pretraining_of(model, profile),
        data={"counts": {**prepared.counts, "train": train_set.counts()}, "source": prepared.source},
        licence="trained on drawings of the Quick, Draw! dataset by Google, CC BY 4.0",
        made=provenance(),
    )


def _pretraining_of(model, profile) -> dict | None:
    """What a card says of the training that a single model started from."""
    if model.latent_size or model.started_from is None:  # a VAE starts from the single model
        return None
    card = _kept_single("pretraining", profile).card
    files = json.dumps(sorted(file["sha256"] for file in card["data"]["source"]["files"].values()))
    return {
        "classes": len(card["config"]["classes"]),
        "drawings": sum(card["data"]["counts"]["train"].values()),
        "files_sha256": hashlib.sha256(files.encode()).hexdigest(),
        "weight_dropout": card["config"]["weight_dropout"],
        **{key: card[key] for key in ("steps", "best_step", "train_seconds", "valid", "settings", "precision", "made")},
    }


@dataclass(frozen=True, eq=False)
class Trained:
    """A model at its best validation, its curve records, and the card that says how it was made."""

    model: object
    curves: list
    card: dict


def train_and_keep(training: Training, prepared: Prepared, profile, to: Path, keep: str = "best", progress: bool = True) -> None:
    """Train, or go on with it, and keep the weights with their card at `to`: those of the best validation, or the "last" ones.

    The last are for runs whose drawings are altered so much that the loss on plain ones is no guide. Raises `DataError` for another `keep`.
    """
    from .. import train
    from ..models import weights

    if keep not in ("best", "last"):
        raise DataError(f"keep {keep!r} in profile {profile.name}: expected 'best' or 'last'")
    model, folder = training.model, training.folder
    curves = train.fit(*training, progress=progress)
    train.load_kept(model, folder, keep)
    weights.save(model, to, _card(training, prepared, curves, profile, keep))
    for checkpoint in ("last.pt", "best.pt"):
        (folder / checkpoint).unlink()


def curves_of(folder: Path) -> list[dict]:
    """The validation records that a training left in its folder."""
    return [json.loads(line) for line in (folder / "curves.jsonl").read_text(encoding="utf-8").splitlines()]


def read_trained(path: Path, folder: Path) -> Trained:
    """Kept weights with their card, and the curves in `folder`."""
    from ..models import weights

    return Trained(weights.read(path), curves_of(folder), json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))


def single_training(profile, prepared: Prepared, folder: Path | None = None) -> Training:
    """The single model as this profile builds it, and what it is trained on; in its stage's folder unless another is given."""
    from ..data import dataset

    model = _single_model(profile, prepared, prepared.kept.classes, profile.single.weight_dropout)
    if profile.pretraining.steps:
        model.start_from(_kept_single("pretraining", profile).model)
    train_set = dataset.cap(prepared.splits.train, profile.single.per_class, profile.seed)
    settings = _settings(profile.single, profile.seed)
    return Training(model, train_set, prepared.splits.valid, settings, folder or artefact_folder("train_single", profile))


def _single_model(profile, prepared: Prepared, classes, weight_dropout: float):
    import torch

    from ..models.single import ConditionalDecoder

    torch.manual_seed(profile.seed)
    sizes = {name: vars(profile.single)[name] for name in ("hidden_size", "embedding_size", "n_mixtures")}
    return ConditionalDecoder(classes, prepared.n_max, prepared.scale, weight_dropout=weight_dropout, **sizes)


def pretraining(profile, prepared: Prepared) -> tuple[Training, Prepared]:
    """What the profile's single model learns first, and the record of the drawings that it learns from.

    With `pretraining.other_classes` it is a single model over every class at hand: it learns the training part of the profile's classes
    and all drawings of the other classes that the data folder has, purified alike. Without, the same model on the training part alone,
    with other settings. `per_class` of `profile.single` does not hold for it. The validation part is that of the profile's classes.
    Raises `DataError` where there are no other classes.
    """
    record = _with_other_classes(profile, prepared) if profile.pretraining.other_classes else prepared
    section = SimpleNamespace(**pretraining_section(profile))
    settings, folder = _settings(section, profile.seed), artefact_folder("pretraining", profile)
    train_set = record.splits.train
    model = _single_model(profile, record, train_set.classes, section.weight_dropout)
    return Training(model, train_set, prepared.splits.valid, settings, folder), record


def _with_other_classes(profile, prepared: Prepared) -> Prepared:
    """The prepared drawings, with those of all other classes of the data folder in the training part."""
    from ..data import dataset, source

    limits, names = profile.data, source.other_classes(profile.data.classes)
    if not names:
        raise DataError(
            f"profile {profile.name} learns from other classes first, and the data folder has none: let SKETCHLIB_DATA name one with "
            "simplified .ndjson files of more classes, or set pretraining: other_classes to false in the profile"
        )
    others, found = source.load_drawings(names, limits.per_class)
    kept = dataset.purify(dataset.SketchSet.from_drawings(others), limits.min_length, limits.max_length, limits.clamp)
    train_set = prepared.splits.train.joined(kept)
    splits, n_max = replace(prepared.splits, train=train_set), max(prepared.n_max, kept.n_max)
    return replace(prepared, splits=splits, n_max=n_max, source={**prepared.source, "files": {**prepared.source["files"], **found.files}})


def pretrain(profile) -> Trained:
    """The single model from which the profile's single model starts, trained by `pretraining`."""
    if not is_done("pretraining", profile):
        training, record = pretraining(profile, data(profile))

        def make(folder):
            train_and_keep(training, record, profile, folder / "single.safetensors", pretraining_section(profile)["keep"])
            return {}

        taken_or_made("pretraining", profile, make, about_to_take(training))
    return _kept_single("pretraining", profile)


def train_single(profile) -> Trained:
    """The single model trained by this profile. Chapter 4."""
    prepared = data(profile)
    if profile.pretraining.steps and not is_done("train_single", profile):
        pretrain(profile)

    def make(folder):
        train_and_keep(single_training(profile, prepared), prepared, profile, folder / "single.safetensors", profile.single.keep)
        return {}

    about = "" if is_done("train_single", profile) else about_to_take(single_training(profile, prepared))
    _export(taken_or_made("train_single", profile, make, about), profile, "single")
    return _kept_single("train_single", profile)


def _kept_single(stage: str, profile) -> Trained:
    folder = artefact_folder(stage, profile)
    if not is_done(stage, profile):
        command = f"python -m sketchlib train single --profile {profile.name}"
        raise DataError(f"a model of profile {profile.name} starts from its single model, which is not trained yet: run `{command}` first")
    return read_trained(folder / "single.safetensors", folder)


def vae_settings(profile):
    """The VAE's training settings; eta's R, stated for 50,000 steps, is compressed to the run's length."""
    return _settings(profile.vae, profile.seed, R=profile.vae.R ** (50_000 / profile.vae.steps))


def vae_training(profile, prepared: Prepared, name: str, folder: Path | None = None) -> Training:
    """The VAE of one class as this profile builds it, and what it is trained on; in its stage's folder unless another is given."""
    import torch

    from ..data import dataset
    from ..models.vae import SketchVAE

    section = profile.vae
    names = ("encoder_size", "decoder_size", "latent_size", "n_mixtures", "weight_dropout", "w_kl", "kl_min")
    torch.manual_seed(profile.seed)
    train_set = dataset.cap(prepared.splits.train.only(name), section.per_class, profile.seed)
    n_max, sizes = prepared.kept.only(name).n_max, {n: vars(section)[n] for n in names}
    if section.from_single:
        single = _kept_single("train_single", profile).model
        model = SketchVAE((name,), n_max, single.scale, **sizes)
        model.start_from(single)
    else:
        model = SketchVAE((name,), n_max, dataset.data_scale_factor(train_set), **sizes)
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
    return read_trained(folder / "router" / f"{name}.safetensors", folder / name)


def _train_vaes(profile, names) -> None:
    """Train those of `names` that are not trained yet, as many at a time as there are processors, each on one.

    On one processor a VAE takes hardly longer than on two, so that several side by side are done sooner; and its numbers do not
    depend on how many processors there are.
    """
    from multiprocessing import get_context

    import torch

    from . import train

    missing = untrained_vaes(profile)
    todo = [name for name in names if name in missing]
    if not todo:
        return
    if profile.vae.from_single:
        train_single(profile)
    prepared, workers = data(profile), min(len(todo), os.cpu_count() or 1)
    train.tell_precision(torch.device("cpu"), vae_settings(profile))  # here and once: the workers are silent
    print(f"VAEs of {', '.join(todo)}: {about_to_take(vae_training(profile, prepared, todo[0]), -(-len(todo) // workers))}", flush=True)
    with get_context("spawn").Pool(workers) as pool:
        tasks = [(profile, name) for name in todo]
        _watch(pool.starmap_async(_train_one_vae, tasks, chunksize=1), profile, todo)
    forget_others(artefact_folder("train_vaes", profile), "train_vaes")


def _train_one_vae(profile, name: str) -> None:
    import torch

    torch.set_num_threads(1)
    prepared = data(profile)
    to = artefact_folder("train_vaes", profile) / "router" / f"{name}.safetensors"
    train_and_keep(vae_training(profile, prepared, name), prepared, profile, to, profile.vae.keep, progress=False)


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
    from .folders import build_folder

    models = build_folder(profile.name) / "models"
    models.mkdir(parents=True, exist_ok=True)
    if name == "router":
        shutil.copytree(folder / "router", models / "router", dirs_exist_ok=True)
    else:
        for suffix in (".safetensors", ".json"):
            shutil.copy2(folder / f"single{suffix}", models / f"single{suffix}")
