"""Commands that train models and score them."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import click
import numpy as np

from ..errors import DataError
from ..finetuning import FEW
from ..report.profile import Best, Single, Vae, load_profile
from ..report.store import building
from ..settings import FACTOR, SEED, Settings, at_least, ranged, settings
from .options import FORCE, Value, examples, from_settings, given
from .output import say

PROFILE = click.option("--profile", default="quick", show_default=True, help="profiles/PROFILE.yml has the sizes and durations")
SEEDED = click.option("--seed", type=Value(int, SEED), metavar="NUMBER", show_default="as in the profile", help="of the whole run")

SKETCHES = 40  # looked at for near-copies


@click.group()
def train():
    """Train the models of a profile.

    What was interrupted is gone on with. Drawings are read as for the book: SKETCHLIB_DATA, else data/. Values that differ from the
    profile's make another run, PROFILE-changed.
    """


@train.command(epilog=examples("sketchlib train single --steps 2000", "torchrun --nproc-per-node=2 -m sketchlib train single"))
@PROFILE
@SEEDED
@from_settings(Single)
@click.pass_context
def single(context, profile, seed, **_):
    """Train the single model of all classes.

    Started by torchrun, every batch is split over the processes.
    """
    with building():
        train_single(changed(load_profile(profile), "single", given(context, Single), seed))


@train.command(epilog=examples("sketchlib train best --profile published"))
@click.option("--profile", default="published", show_default=True, help="profiles/PROFILE.yml has the sizes and durations")
@SEEDED
@from_settings(Best)
@click.pass_context
def best(context, profile, seed, **_):
    """Train the best model of this project: a single model whose decoder sees where the pen is.

    What is not said here is as for the single model. Started by torchrun, every batch is split over the processes.
    """
    with building():
        train_best(changed(load_profile(profile), "best", given(context, Best), seed))


@train.command(epilog=examples("sketchlib train router --classes cat", "torchrun --nproc-per-node=2 -m sketchlib train router"))
@PROFILE
@SEEDED
@click.option("--classes", multiple=True, metavar="CLASS", help="the VAE of this class; may be given several times (default: all)")
@from_settings(Vae)
@click.pass_context
def router(context, profile, seed, classes, **_):
    """Train the VAEs of the router, one a class.

    Started by torchrun, the classes are dealt to the processes.
    """
    with building():
        train_router(changed(load_profile(profile), "vae", given(context, Vae), seed), classes)


def changed(profile, section: str, values: dict, seed: int | None):
    """A profile with other values in one section, as a run with a name of its own; the profile itself where there are none."""
    if not values and seed is None:
        return profile
    own = {section: replace(getattr(profile, section), **values), "seed": profile.seed if seed is None else seed}
    return replace(profile, name=f"{profile.name}-changed", **own)


def train_single(profile) -> None:
    """Train the single model, every batch split over the ranks; rank 0 keeps it in the artefact store. So with its pretraining."""
    from .. import distributed
    from ..report import stages

    with distributed.joined() as ranks:
        stages.train_single(profile, ranks)


def train_best(profile) -> None:
    """Train the best model as `train_single` does; raises `DataError` where the profile has none."""
    from .. import distributed
    from ..report import stages

    if not profile.best.steps:
        raise DataError(f"profile {profile.name} has no best model (best.steps is 0): give --steps, or --profile published")
    with distributed.joined() as ranks:
        stages.train_best(profile, ranks)


def train_router(profile, classes) -> None:
    """Train the VAEs of `classes` (none: all), each by one rank; they are kept in the artefact store, and copied from there if all are."""
    from .. import distributed
    from ..errors import known
    from ..report import recipes, stages, training

    wanted = {name: recipes.vae(profile, known(name, profile.data.classes)) for name in classes or profile.data.classes}
    with distributed.joined(timeout=timedelta(days=7), gradients=False) as ranks:  # the first to end waits for the last
        todo = ranks.broadcast(lambda: _prepare(profile, wanted))
        train_set, alone = stages.data(profile).splits.train, distributed.Ranks(device=ranks.device)
        points = {name: train_set.only(name).lengths.mean() for name in todo}
        for name in distributed.deal(points, ranks.world)[ranks.rank]:
            print(f"VAE of {name}" + (f", on rank {ranks.rank} of {ranks.world}" if ranks.world > 1 else ""), flush=True)
            training.keep(profile, wanted[name], alone, say=False, progress=ranks.rank == 0)
        ranks.wait()
        if not ranks.rank and all(training.is_kept(profile, recipe) for recipe in recipes.vaes(profile).values()):
            stages.train_vaes(profile)


def _prepare(profile, wanted) -> list[str]:
    """Read the drawings and train what the VAEs start from; returns the classes whose VAE is not trained yet.

    Raises `DataError` where that is a single model, which a command of its own trains, and it is not trained yet.
    """
    from ..report import recipes, stages, training

    stages.data(profile)
    left = [name for name, recipe in wanted.items() if not training.is_kept(profile, recipe)]
    for recipe in (wanted[name].start for name in left):
        if recipe and recipe.architecture != recipes.SINGLE:  # the VAEs' own start, which no other command trains
            training.keep(profile, recipe)
        elif recipe:
            training.read_trained(profile, recipe)
    return left


@settings
class Scored:
    """How a model is scored."""

    limit: int | None = ranged(at_least(1), None)  # drawings read of each file; none: all
    samples: int = ranged(at_least(0), 0)  # of z for a VAE's importance-weighted bound; 0: the plain bound
    resamples: int = ranged(at_least(2), 200)  # of the bootstrap intervals
    seed: int = ranged(SEED, 0)  # of the random numbers


@click.command(
    epilog=examples("sketchlib evaluate single drawings/cat.ndjson", "sketchlib evaluate umbrella.safetensors my_drawings --word umbrella")
)
@click.argument("model")
@click.argument("file", nargs=-1, required=True, type=click.Path())
@click.option("--word", help="the class of all drawings (default: what each names)")
@from_settings(Scored)
def evaluate(model, file, word, limit, samples, resamples, seed):
    """Score a model by drawings.

    What a point of drawings on which it was not trained costs, in nats: less is better. A line a class, with tabs: the class, drawings,
    nats a point on the data's grid, and the ends of its 95 % interval. A drawing belongs to the class that it names, or that its file is
    named after, unless --word says another.
    """
    drawings = by_word(file, limit, word)  # before torch is loaded: what is wrong with a file is said at once
    if alone := [word for word, some in drawings.items() if len(some) < 2]:
        remedy = "give more files, a higher limit, or the class of all with --word"
        raise DataError(f"there is one drawing of {alone[0]!r}: an interval takes at least two; {remedy}")
    from ..data.dataset import SketchSet
    from ..metrics.interval import bootstrap
    from ..metrics.likelihood import costs
    from ..models.weights import load

    sketches = SketchSet.from_drawings(drawings)
    found = costs(load(model), sketches, seed, samples=samples)
    rows = np.column_stack([found.iw if samples else found.elbo, found.points])
    for label, name in enumerate(sketches.classes):
        cost = bootstrap(lambda some: some[:, 0].sum() / some[:, 1].sum(), rows[sketches.labels == label], resamples=resamples, seed=seed)
        click.echo(f"{name}\t{cost.n}\t{cost.value:.3f}\t{cost.low:.3f}\t{cost.high:.3f}")


def by_word(files, limit: int | None, word: str | None = None) -> dict[str, list]:
    """The drawings of some files or folders by the class that they name, or all under one `word`."""
    from ..data.formats import read

    found = {}
    for file in files:
        for drawing in read(file, limit):
            found.setdefault(drawing.word if word is None else word, []).append(drawing)
    return found


@click.command(epilog=examples("sketchlib finetune umbrellas --word umbrella -o umbrella.safetensors"))
@click.argument("folder", type=click.Path())
@click.option("--word", required=True, help="what the new class is called")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="the model, a new .safetensors file")
@click.option("--limit", type=click.IntRange(1), help="only the first so many drawings (default: all)")
@click.option("--start", default="single", show_default=True, help="what it starts from: single, or a model's file")
@click.option(
    "--held-out",
    type=Value(float, FACTOR),
    metavar="NUMBER",
    default=0.2,
    show_default=True,
    help="share of the drawings that judges and is not learnt from",
)
@from_settings(Settings, FEW)
@FORCE
@click.pass_context
def finetune(context, folder, word, output, limit, start, held_out, force, **_):
    """Teach a model a class of your own.

    FOLDER, or a file, has drawings of it. They may be .svg files, strokes drawn on the live page (.json), or any other files of drawings.
    All of them are taken for the new class, whatever class they name. Beside the model comes a card, .json. At a terminal it is said how
    well the drawings were learnt, and whether by heart. What was
    interrupted is gone on with by the same command; until the model is there, its checkpoints are in a folder beside it, umbrella.run.
    """
    where = model_file(output, force)
    from ..data.formats import read

    drawings = read(folder, limit)  # before torch is loaded: what is wrong with a file is said at once
    words = sorted({one.word for one in drawings})
    if 1 < len(words) < len(drawings):  # files each of a name of its own, such as a program gives, are not of so many classes
        say(f"{len(drawings)} drawings of {', '.join(map(repr, words[:5]))}{', ...' * (len(words) > 5)} are all taken for {word!r}")
    from ..finetuning import finetune, forget
    from ..models.weights import load, save

    how = Settings(**{one.name: context.params[one.name] for one in fields(Settings)})
    checkpoints = where.with_suffix(".run")
    tuned = finetune(load(start), drawings, word, how, held_out, checkpoints, progress=sys.stderr.isatty())
    save(tuned.model, where, tuned.card(how))
    forget(checkpoints)
    if sys.stderr.isatty():
        say(told(tuned, len(drawings)))


def model_file(output: Path, force: bool) -> Path:
    """Where a model goes; raises `DataError` now, and not after the training, where it cannot go there."""
    from ..data.writing import place_for

    if output.suffix != ".safetensors":
        raise click.UsageError(f"{output}: name the model's file .safetensors")
    place_for(output.with_suffix(".json"), force)
    return place_for(output, force)


def told(tuned, given: int) -> str:
    """How well the drawings that were `given` were learnt, and whether by heart."""
    from ..metrics.memorisation import by_heart
    from ..sampling import sample

    (word,) = tuned.model.classes
    drawn = [one for one in sample(tuned.model, word, SKETCHES) if one.strokes]
    found = by_heart(tuned.model, tuned.train, tuned.held_out, drawn)
    left = given - len(tuned.train) - len(tuned.held_out)
    few = f"{left} of {given} drawings left out, which are a dot or longer than {tuned.model.n_max} rows; " if left else ""
    return (
        f"{few}{len(tuned.train)} drawings learnt, {len(tuned.held_out)} held out, best at step {tuned.best_step}: nats a point "
        f"{found.train:.3f} and {found.held_out:.3f}; of {len(drawn)} sketches {found.copies:.0%} are near-copies, of the drawings held "
        f"out {found.quantile:.0%}"
    )
