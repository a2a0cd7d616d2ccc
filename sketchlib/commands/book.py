"""Commands of the book: build it, and publish a run."""

from __future__ import annotations

import subprocess
import sys

import click

from ..errors import DataError, needing
from ..files import INSTALLED, PROJECT
from ..report.store import building
from .options import examples
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


@click.command(epilog=examples("sketchlib publish --profile published"))
@click.option("--profile", default="published", show_default=True, help="the run to publish")
def publish(profile):
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
        for path in [*publish.publish_results(run), *publish.publish_weights(run)]:  # the quick one, which may fail, first
            click.echo(f"{path.relative_to(publish.PROJECT)}: {path.stat().st_size / 1e6:.2f} MB")
        publish.publish_pictures(weights.read(publish.PROJECT / "weights" / "single.safetensors"), run.sampling)


def require_checkout(what: str) -> None:
    """Raises `DataError` where the library is installed, and not run in a checkout of the repository."""
    if INSTALLED:
        raise DataError(f"{what} of the repository, and this sketchlib is installed: run it in a checkout")
