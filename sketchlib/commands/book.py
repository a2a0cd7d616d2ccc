"""Commands of the book: build it, and publish a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from ..errors import DataError, needing
from ..files import INSTALLED, PROJECT
from ..report.store import building
from ..settings import at_least, ranged, settings
from .options import FORCE, examples, from_settings
from .training import PROFILE


@click.command(epilog=examples("sketchlib book", "sketchlib book --profile smoke"))
@PROFILE
def book(profile):
    """Build the book.

    The chapters are executed and the pages built, as `make book` does, in the environment that is there.
    """
    require_checkout("book executes the chapters")
    with needing("book"):
        import doit  # noqa: F401
    command = [sys.executable, "-m", "doit", "--verbosity", "2", f"profile={profile}"]
    raise click.exceptions.Exit(subprocess.run(command, cwd=PROJECT).returncode)


PUBLISHED = ("single", "router")


@settings
class Live:
    """How the models of the live page are written, and measured."""

    drawings: int = ranged(at_least(0), 500)  # validation drawings that published models are measured on; 0: none


@click.command(epilog=examples("sketchlib live build/live --bits 16", "sketchlib live live --model umbrella.safetensors"))
@click.argument("folder", type=click.Path())
@click.option("--bits", type=click.Choice([8, 16, 32]), default=8, show_default=True, help="of a weight")
@click.option(
    "--model", "chosen", multiple=True, default=PUBLISHED, show_default=True, help="or a file or folder; may be given several times"
)
@from_settings(Live)
@PROFILE
@FORCE
def live(folder, bits, chosen, drawings, profile, force):
    """Write the live page's script and models.

    They go to FOLDER, as in the book's build, and any page draws that has these two lines:

    \b
      <div data-sketch="complete"></div>
      <script src="FOLDER/sketch.js"></script>

    It needs no server and no network. Other values of data-sketch are watch, between and scene. For each model is said its size, and what
    the rounded weights of a published one cost in nats a point of the profile's validation drawings.
    """
    from ..data.dataset import cap
    from ..data.writing import folder_for
    from ..pictures import live
    from ..report import stages
    from ..report.profile import load_profile

    folder, run = folder_for(folder, force), load_profile(profile)
    models, drawings = named(chosen), drawings if chosen == PUBLISHED else 0
    sizes = live.write_live(folder, models, bits)
    click.echo(f"sketch.js: {sizes.pop('sketch.js') / 1000:.0f} kB")
    with building():
        valid = stages.data(run).splits.valid if drawings else None
    for name, model in models.items():
        line = f"{name:<12}{sizes[f'{name}.js'] / 1e6:5.1f} MB"
        if drawings:
            some = valid.only(name) if model.latent_size else valid
            before, after, _ = live.rounding_cost(model, cap(some, -(-drawings // len(model.classes))), bits)
            line += f"  {before:.4f} nats a point, rounded {after - before:+.5f}"
        click.echo(line)


def named(paths) -> dict:
    """Models by the names of their files, and those of a router by class; raises `DataError` where two would be the same script."""
    from ..models.weights import load

    found = {}
    for path in paths:
        model = load(path)
        parts = {name: model.for_class(name) for name in model.classes}
        if all(part is model for part in parts.values()):
            parts = {Path(path).name.partition(".")[0]: model}
        if twice := {"sketch", *found} & parts.keys():
            raise DataError(f"{path}: there is a {min(twice)}.js already; give the model's file another name")
        found |= parts
    return found


@click.command(epilog=examples("sketchlib publish --profile published"))
@click.option("--profile", default="published", show_default=True, help="the run to publish")
@click.option("--pictures", is_flag=True, help="draw only the pictures of README and the landing page again, by the weights that are there")
def publish(profile, pictures):
    """Publish a run.

    For weights/, book/results/ and README's pictures: write a profile's weights in half precision to weights/, each with a card, and the
    numbers of its executed chapters to book/results/. Models that are not trained yet are trained first. A profile that takes weights or
    results from the published run, such as quick, is refused.
    """
    require_checkout("publish writes into a checkout")
    from ..models import weights
    from ..report import publish
    from ..report.profile import load_profile

    run = load_profile(profile)
    with building():
        written = [] if pictures else [*publish.publish_results(run), *publish.publish_weights(run)]  # the quick one, which may fail, first
        for path in written:
            click.echo(f"{path.relative_to(publish.PROJECT)}: {path.stat().st_size / 1e6:.2f} MB")
        publish.publish_pictures(weights.read(publish.PROJECT / "weights" / "single.safetensors"), run.sampling)


def require_checkout(what: str) -> None:
    """Raises `DataError` where the library is installed, and not run in a checkout of the repository."""
    if INSTALLED:
        raise DataError(f"{what} of the repository, and this sketchlib is installed: run it in a checkout")
