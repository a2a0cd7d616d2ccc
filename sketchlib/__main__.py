"""The command line: `sketchlib train single`, or on two processes `torchrun --nproc-per-node=2 -m sketchlib train single`."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import timedelta
from functools import partial

from .errors import DataError
from .files import INSTALLED
from .report import recipes, store
from .report.profile import load_profile

PROFILE_HELP = "profiles/PROFILE.yml has the sizes and durations (default: quick)"


def parser() -> argparse.ArgumentParser:
    """The arguments, explained by --help. Each command is added by a function of its own, which also says what runs it."""
    top = argparse.ArgumentParser(prog="sketchlib", description="How a network draws, stroke by stroke.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _add_train(commands)
    _add_publish(commands)
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
        "to book/results/. Models that are not trained yet are trained first.",
    )
    publish.add_argument("--profile", default="published", help="the run to publish (default: published)")
    publish.set_defaults(run=_publish)


def _train(options) -> None:
    if options.model == "single" and options.classes:
        options.error("--classes is for the router: the single model learns all classes of the profile")
    profile = load_profile(options.profile)
    train_single(profile) if options.model == "single" else train_router(profile, options.classes)


def _publish(options) -> None:
    if INSTALLED:
        raise DataError("publish writes into a checkout of the repository, and this sketchlib is installed: run it in a checkout")
    publish(load_profile(options.profile))


def train_single(profile) -> None:
    """Train the single model, every batch split over the ranks; rank 0 then keeps it in the artefact store. So with its pretraining."""
    from . import distributed, train

    stages = {"train_single": (recipes.single_training, recipes.train_single)}
    if profile.pretraining.steps:
        stages = {"pretraining": (lambda *about: recipes.pretraining(*about)[0], recipes.pretrain), **stages}
    with distributed.joined() as ranks:
        ranks.told(lambda: _read(profile))
        for stage, (plan, keep) in stages.items():
            if not ranks.told(partial(store.is_done, stage, profile)):
                training = plan(profile, recipes.data(profile))
                training.model.to(ranks.device)
                train.fit(*training, ranks=ranks)
            ranks.told(partial(_keep, keep, profile))


def train_router(profile, classes: list[str] | None) -> None:
    """Train the VAEs of `classes` (None: all), each by one rank; rank 0 then keeps them in the artefact store, if these are all."""
    from . import distributed, train
    from .errors import known

    wanted = [known(name, profile.data.classes) for name in classes or profile.data.classes]
    with distributed.joined(timeout=timedelta(days=7), gradients=False) as ranks:  # the first to end waits for the last
        ranks.told(lambda: _read(profile))
        todo = set(ranks.told(lambda: recipes.untrained_vaes(profile)))
        prepared = recipes.data(profile)
        points = {name: prepared.splits.train.only(name).lengths.mean() for name in wanted if name in todo}
        for name in distributed.deal(points, ranks.world)[ranks.rank]:
            print(f"VAE of {name}" + (f", on rank {ranks.rank} of {ranks.world}" if ranks.world > 1 else ""), flush=True)
            training = recipes.vae_training(profile, prepared, name)
            training.model.to(ranks.device)
            train.fit(*training, progress=ranks.rank == 0)
        ranks.wait()
        if ranks.rank == 0 and todo <= set(wanted):
            recipes.train_vaes(profile)


def publish(profile) -> None:
    """Write what the repository ships of a run."""
    from .models import weights
    from .report import publish

    for path in [*publish.publish_results(profile), *publish.publish_weights(profile)]:  # the quick one, which may fail, first
        print(f"{path.relative_to(publish.PROJECT)}: {path.stat().st_size / 1e6:.2f} MB")
    publish.publish_pictures(weights.read(publish.PROJECT / "weights" / "single.safetensors"), profile.sampling)


def _read(profile) -> None:
    recipes.data(profile)


def _keep(keep, profile) -> None:
    keep(profile)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a `DataError`, or a package that is not installed, becomes one line and exit status 1."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # torchrun's way to stop the others: say where the run will go on
    try:
        options.run(options)
    except (DataError, ModuleNotFoundError) as error:  # the second says which extra to install
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
