"""The command line: `sketchlib train single`, or on two processes `torchrun --nproc-per-node=2 -m sketchlib train single`."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import timedelta

from .errors import DataError
from .files import INSTALLED
from .report.profile import load_profile
from .report.store import building

PROFILE_HELP = "profiles/PROFILE.yml has the sizes and durations (default: quick)"


def parser() -> argparse.ArgumentParser:
    """The arguments, explained by --help. Each command is added by a function of its own, which also says what runs it."""
    top = argparse.ArgumentParser(prog="sketchlib", description="How a network draws, stroke by stroke.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _add_train(commands)
    _add_publish(commands)
    _add_live(commands)
    return top


def _add_train(commands) -> None:
    train = commands.add_parser(
        "train",
        help="train the models of a profile",
        description="Train the models of a profile, or go on with a training that was interrupted; the chapters find them done. "
        "Started by torchrun, the single model's batches are split over the processes, and the router's classes are dealt to them. "
        "Drawings are read as for the book: SKETCHLIB_DATA, else data/.",
    )
    train.add_argument("model", choices=["single", "router"], help="the single model of all classes, or the VAEs, one a class")
    train.add_argument("--profile", default="quick", help=PROFILE_HELP)
    train.add_argument("--classes", nargs="+", metavar="CLASS", help="router: the VAEs of these classes only")
    train.set_defaults(run=_train, error=train.error)


def _add_publish(commands) -> None:
    publish = commands.add_parser(
        "publish",
        help="publish a run: weights/, book/results/ and README's pictures",
        description="Write a profile's weights in half precision to weights/, each with a card, and the numbers of its executed chapters "
        "to book/results/. Models that are not trained yet are trained first. A profile that takes weights or results from the published "
        "run, such as quick, is refused.",
    )
    publish.add_argument("--profile", default="published", help="the run to publish (default: published)")
    publish.set_defaults(run=_publish)


def _add_live(commands) -> None:
    live = commands.add_parser(
        "live",
        help="write the live page's script and models, and what rounding their weights costs",
        description="Write sketch.js and the published models as scripts to a folder, as the book's build does, and print for each its "
        "size and what its rounded weights cost in nats a point of the profile's validation drawings.",
    )
    live.add_argument("folder", help="where the scripts go")
    live.add_argument("--bits", type=int, choices=[8, 16, 32], default=8, help="of a weight (default: 8)")
    live.add_argument("--drawings", type=int, default=500, help="validation drawings that are measured on, 0 for none (default: 500)")
    live.add_argument("--profile", default="quick", help=PROFILE_HELP)
    live.set_defaults(run=_live)


def _train(options) -> None:
    if options.model == "single" and options.classes:
        options.error("--classes is for the router: the single model learns all classes of the profile")
    profile = load_profile(options.profile)
    train_single(profile) if options.model == "single" else train_router(profile, options.classes)


def _live(options) -> None:
    from .data.dataset import cap
    from .models import weights
    from .pictures import live
    from .report import stages

    router = weights.load("router")
    models = {"single": weights.load("single"), **{name: router.for_class(name) for name in router.classes}}
    sizes = live.write_live(options.folder, models, options.bits)
    print(f"sketch.js: {sizes.pop('sketch.js') / 1000:.0f} kB")
    valid = stages.data(load_profile(options.profile)).splits.valid if options.drawings else None
    for name, model in models.items():
        line = f"{name:<12}{sizes[f'{name}.js'] / 1e6:5.1f} MB"
        if options.drawings:
            drawings = valid.only(name) if model.latent_size else valid
            before, after, _ = live.rounding_cost(model, cap(drawings, -(-options.drawings // len(model.classes))), options.bits)
            line += f"  {before:.4f} nats a point, rounded {after - before:+.5f}"
        print(line, flush=True)


def _publish(options) -> None:
    if INSTALLED:
        raise DataError("publish writes into a checkout of the repository, and this sketchlib is installed: run it in a checkout")
    publish(load_profile(options.profile))


def train_single(profile) -> None:
    """Train the single model, every batch split over the ranks; rank 0 keeps it in the artefact store. So with its pretraining."""
    from . import distributed
    from .report import stages

    with distributed.joined() as ranks:
        stages.train_single(profile, ranks)


def train_router(profile, classes: list[str] | None) -> None:
    """Train the VAEs of `classes` (None: all), each by one rank; they are kept in the artefact store, and copied from there if all are."""
    from . import distributed
    from .errors import known
    from .report import recipes, stages, training

    wanted = {name: recipes.vae(profile, known(name, profile.data.classes)) for name in classes or profile.data.classes}
    with distributed.joined(timeout=timedelta(days=7), gradients=False) as ranks:  # the first to end waits for the last
        todo = ranks.broadcast(lambda: _left(profile, wanted))
        train_set, alone = stages.data(profile).splits.train, distributed.Ranks(device=ranks.device)
        points = {name: train_set.only(name).lengths.mean() for name in todo}
        for name in distributed.deal(points, ranks.world)[ranks.rank]:
            print(f"VAE of {name}" + (f", on rank {ranks.rank} of {ranks.world}" if ranks.world > 1 else ""), flush=True)
            training.keep(profile, wanted[name], alone, say=False, progress=ranks.rank == 0)
        ranks.wait()
        if not ranks.rank and all(training.is_kept(profile, recipe) for recipe in recipes.vaes(profile).values()):
            stages.train_vaes(profile)


def _left(profile, wanted) -> list[str]:
    """The classes whose VAE is not trained yet; the drawings are read, and what VAEs start from must be trained."""
    from .report import stages, training

    stages.data(profile)
    left = [name for name, recipe in wanted.items() if not training.is_kept(profile, recipe)]
    for recipe in (wanted[name].start for name in left):
        if recipe:
            training.read_trained(profile, recipe)
    return left


def publish(profile) -> None:
    """Write what the repository ships of a run."""
    from .models import weights
    from .report import publish

    for path in [*publish.publish_results(profile), *publish.publish_weights(profile)]:  # the quick one, which may fail, first
        print(f"{path.relative_to(publish.PROJECT)}: {path.stat().st_size / 1e6:.2f} MB")
    publish.publish_pictures(weights.read(publish.PROJECT / "weights" / "single.safetensors"), profile.sampling)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a `DataError`, or a package that is not installed, becomes one line and exit status 1."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # torchrun's way to stop the others: say where the run will go on
    try:
        with building():
            options.run(options)
    except (DataError, ModuleNotFoundError) as error:  # the second says which extra to install
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
