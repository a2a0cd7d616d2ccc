"""Recipes carried out: models trained once and kept in the artefact store, one after the other or side by side."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from types import ModuleType

from ..errors import DataError
from . import store
from .drawings import Prepared, Taken, prepare, read, taken
from .recipes import Recipe, folder_of

MODEL = "model.safetensors"
CENTRED_ON = 1000  # drawings on which a latent space is centred
CHECKPOINTS = ("last.pt", "best.pt")
TRIAL_STEPS = 3  # from which the time of a training is estimated


@dataclass(frozen=True, eq=False)
class Trained:
    """A model as it was kept, its curve records, and the card that says how it was made."""

    model: object
    curves: list
    card: dict


def class_of(architecture: str) -> type:
    """The class that a recipe names."""
    module, _, name = architecture.rpartition(".")
    return getattr(import_module(f"{__package__.partition('.')[0]}.{module}"), name)


def first_model(profile, recipe: Recipe, found: Taken):
    """A recipe's model as it is before its first step; what it starts from must be in the artefact store."""
    import torch

    torch.manual_seed(recipe.settings.seed)
    start = read_trained(profile, recipe.start).model if recipe.start else None
    scale = start.scale if start else found.scale
    model = class_of(recipe.architecture)(found.train.classes, found.n_max, scale, **recipe.sizes)
    if start:
        model.start_from(start)
    if recipe.centred:
        _centre(model, found)
    return model


def _centre(model, found: Taken) -> None:
    from ..data.batches import make_batch

    model.centre_on(make_batch(found.train, range(min(len(found.train), CENTRED_ON)), model.scale))


def untrained(recipe: Recipe, prepared: Prepared):
    """The model of a recipe that starts from no other, as it is before its first step. Chapter 12."""
    return first_model(None, recipe, taken(recipe.drawings, prepared, recipe.settings.seed))


def make(profile, recipe: Recipe, folder: Path, ranks, progress: bool = True) -> None:
    """Train a recipe, or go on with it, on the drawings that it names, and keep in a folder its weights with their card, and the curves."""
    from .. import train
    from ..models import weights

    drawings = prepare(profile.name, recipe.drawings.data)
    found = taken(recipe.drawings, drawings, recipe.settings.seed)
    model = first_model(profile, recipe, found).to(ranks.device)
    curves = train.fit(model, found.train, found.valid, recipe.settings, folder, progress, ranks)
    if ranks.rank:
        return
    train.load_kept(model, folder, recipe.keep)
    card = _card(profile, recipe, model, curves, drawings.counts, found)
    if recipe.centred:  # what is free to be told moves the clouds
        _centre(model.cpu(), found)
        card["valid"] = train.evaluate(model.to(ranks.device), found.valid, dequantise=recipe.settings.dequantise)
    weights.save(model, folder / MODEL, card)


def _card(profile, recipe: Recipe, model, curves: list[dict], counts: dict, found: Taken) -> dict:
    """The JSON that says how weights were made."""
    from ..metrics import cost
    from .provenance import provenance

    kept = curves[-1] if recipe.keep == "last" else min(curves, key=lambda record: record["valid"]["loss"])
    return dict(
        architecture=type(model).__name__,
        config=model.config(),
        settings=asdict(recipe.settings),
        precision=" and ".join(dict.fromkeys(record["precision"] for record in curves)),  # what was used, not what was asked for
        parameters=cost.parameters(model),
        steps=curves[-1]["step"],
        keep=recipe.keep,
        best_step=kept["step"],
        valid=kept["valid"],
        train_seconds=sum(record["seconds"] for record in curves),
        profile=profile.name,
        seed=recipe.settings.seed,
        started_from=model.started_from,
        pretraining=_before(profile, recipe),
        data={"counts": {**counts, "train": found.train.counts(), "valid": found.valid.counts()}, "source": found.source},
        licence="trained on drawings of the Quick, Draw! dataset by Google, CC BY 4.0",
        made=provenance(),
    )


def _before(profile, recipe: Recipe) -> dict | None:
    # What a card says of the training that a model starts from, and of what came before that.
    if not recipe.start:
        return None
    card = read_trained(profile, recipe.start).card
    files = json.dumps(sorted(file["sha256"] for file in card["data"]["source"]["files"].values()))
    return {
        "classes": len(card["config"]["classes"]),
        "drawings": sum(card["data"]["counts"]["train"].values()),
        "files_sha256": hashlib.sha256(files.encode()).hexdigest(),
        "weight_dropout": card["config"]["weight_dropout"],
        "pretraining": card.get("pretraining"),
        **{key: card[key] for key in ("architecture", "steps", "best_step", "train_seconds", "valid", "settings", "precision", "made")},
    }


def is_kept(profile, recipe: Recipe) -> bool:
    """Whether the artefact store has a recipe's model."""
    return store.is_done(folder_of(profile.name, recipe))


def read_trained(profile, recipe: Recipe) -> Trained:
    """A recipe's model from the artefact store; raises `DataError` where it is not trained yet."""
    from ..files import read_card, read_model

    folder, kind = folder_of(profile.name, recipe), class_of(recipe.architecture)
    if not store.is_done(folder):
        raise DataError(f"{recipe.name} of profile {profile.name} is not trained yet: run `{_command(profile.name, recipe)}`")
    curves = [json.loads(line) for line in (folder / "curves.jsonl").read_text(encoding="utf-8").splitlines()]
    card = read_card(folder / MODEL)
    return Trained(read_model(folder / MODEL, {kind.__name__: kind}), curves, card)


def _command(run: str, recipe: Recipe) -> str:
    # What trains a recipe: for the profile's own models a command, for the runs of chapters that compare the book.
    kind = recipe.name.partition("-")[0]
    if kind == "vae_pretraining":
        return f"sketchlib train router --profile {run}"
    if kind == "vae":
        return f'sketchlib train router --profile {run} --classes "{recipe.drawings.classes[0]}"'
    own = {"single": "single", "pretraining": "single", "best": "best"}
    return f"sketchlib train {own[kind]} --profile {run}" if kind in own else f"make book PROFILE={run}"


def trained(profile, recipe: Recipe, ranks=None) -> Trained:
    """The model of a recipe, from the artefact store, or trained now, after those that it starts from; see `keep`."""
    keep(profile, recipe, ranks)
    return read_trained(profile, recipe)


def keep(profile, recipe: Recipe, ranks=None, say: bool = True, progress: bool = True) -> None:
    """Train a recipe, and before it those that it starts from, unless the artefact store has it; what was interrupted is gone on with.

    `ranks`: the processes over which every batch is split, each of which calls this; None: this one alone. `say`: how long it takes.
    """
    from .. import distributed

    ranks, folder = ranks or distributed.ALONE, folder_of(profile.name, recipe)
    if ranks.broadcast(lambda: store.is_done(folder)):
        return
    if recipe.start:
        keep(profile, recipe.start, ranks, say, progress)
    ranks.broadcast(lambda: read(profile.name, recipe.drawings.data) and None)  # by one, before the others take them

    def filled(to: Path) -> dict:
        make(profile, recipe, to, ranks, progress)
        return {}

    filled(folder) if ranks.rank else store.taken_or_made(folder, filled, (lambda: about(profile, [recipe])) if say else None)
    if not ranks.rank:
        for checkpoint in CHECKPOINTS:  # only now: what is stopped before it is done goes on from them
            (folder / checkpoint).unlink(missing_ok=True)
    ranks.wait()


def keep_all(profile, recipes: Sequence[Recipe]) -> None:
    """Train those recipes that the artefact store does not have, one after the other."""
    from tqdm.auto import tqdm

    todo = [recipe for recipe in recipes if not is_kept(profile, recipe)]
    if todo:
        print(f"{', '.join(recipe.name for recipe in todo)}: not in the artefact store; {about(profile, todo)}", flush=True)
    for recipe in tqdm(todo, unit="model", disable=not todo):
        keep(profile, recipe, say=False)


def keep_side_by_side(profile, recipes: Sequence[Recipe]) -> None:
    """Train those recipes that the artefact store does not have, as many at a time as there are processors, each on one.

    On one processor a VAE takes hardly longer than on two, so that several side by side are done sooner; and its numbers do not
    depend on how many processors there are.
    """
    import torch

    from .. import train

    todo = [recipe for recipe in recipes if not is_kept(profile, recipe)]
    if not todo:
        return
    for how in {recipe.drawings.data for recipe in todo}:
        read(profile.name, how)  # once, before the workers take them
    for recipe in todo:
        if recipe.start:
            keep(profile, recipe.start)
    workers = min(len(todo), os.cpu_count() or 1)
    train.tell_precision(torch.device("cpu"), todo[0].settings)  # here and once: the workers are silent
    print(f"{', '.join(recipe.name for recipe in todo)}: not in the artefact store; {about(profile, todo, workers)}", flush=True)
    with _pool(workers) as pool:
        try:
            with _without_main():
                jobs = {pool.submit(_keep_on_one_processor, profile, recipe): recipe for recipe in todo}
            _watch(profile, jobs)
        except BaseException:  # the others end too, and go on from their checkpoints next time
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
            raise


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes that end when this one does, however that is."""
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_end_with_the_parent)


def _end_with_the_parent() -> None:
    # One that is killed cannot say so to its workers, which would train on for hours beside the next run of the same.
    def end():
        parent_process().join()
        os._exit(1)

    Thread(target=end, daemon=True).start()


@contextmanager
def _without_main() -> Iterator[None]:
    # A process that is started meanwhile does not begin by running this one's script again, which may have no `if __name__ == ...`.
    own, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = own


def _keep_on_one_processor(profile, recipe: Recipe) -> None:
    import torch

    torch.set_num_threads(1)
    keep(profile, recipe, say=False, progress=False)


def _watch(profile, running: dict) -> None:
    """Show how far trainings have come, by the curves that they write, until all have ended; raises what one raised."""
    from tqdm.auto import tqdm

    paths = [folder_of(profile.name, recipe) / "curves.jsonl" for recipe in running.values()]
    with tqdm(total=sum(recipe.settings.steps for recipe in running.values()), unit="step") as bar:
        while wait(running, timeout=1.0).not_done:
            last = [path.read_text(encoding="utf-8").splitlines()[-1:] for path in paths if path.exists()]
            bar.update(sum(json.loads(line)["step"] for lines in last for line in lines) - bar.n)
    for future, recipe in running.items():
        try:
            future.result()
        except BrokenProcessPool as error:
            raise DataError(
                f"{recipe.name}: a process that trained was ended from outside (is memory short?); run the same again to go on"
            ) from error


def about(profile, recipes: Sequence[Recipe], at_once: int = 1) -> str:
    """How long trainings will take, from some trial steps on this machine for each kind of them."""
    if any((folder_of(profile.name, recipe) / "last.pt").exists() for recipe in recipes):
        return "going on from the last checkpoint"
    kinds: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        kinds.setdefault(repr((recipe.architecture, recipe.sizes, recipe.settings)), []).append(recipe)
    seconds = sum(_step_seconds(profile, like[-1]) * like[-1].settings.steps * -(-len(like) // at_once) for like in kinds.values())
    steps = sum(recipe.settings.steps for recipe in recipes)
    return f"training takes about {seconds / 60:.1f} minutes here ({steps:,} steps)"


def _step_seconds(profile, recipe: Recipe) -> float:
    from ..metrics import cost

    found = taken(recipe.drawings, prepare(profile.name, recipe.drawings.data), recipe.settings.seed)
    model = first_model(profile, recipe, found)
    return cost.step_seconds(model, found.train, recipe.settings.batch_size, TRIAL_STEPS, recipe.settings.seed)[0]
