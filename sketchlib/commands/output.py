"""Where a command writes drawings: a picture, a film or a file of drawings, by its ending, or standard output."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click

TEXT = ("ndjson", "json", "svg")
ENDINGS = (*TEXT, "gif", "png", "npz", "bin")
PICTURES = (".svg", ".gif", ".png")  # not packed as .gz


def output_options(command):
    """The options of a command that writes drawings."""
    command = click.option("--force", is_flag=True, help="replace a file that is there already")(command)
    moving = "an .svg in which the drawings are being drawn; a .gif always is"
    command = click.option("--animate", "moving", is_flag=True, help=moving)(command)
    kinds = click.Choice(ENDINGS)
    command = click.option("--format", "kind", type=kinds, help="of standard output", default="ndjson", show_default=True)(command)
    names = "a file: .svg, .gif, .png, .ndjson, .json, .npz or .bin; a new folder of .svg; or - for standard output"
    return click.option("-o", "--output", default="-", show_default=True, help=names)(command)


def place(output: str, kind: str, force: bool, moving: bool = False) -> None:
    """Raise now, and not after the work, what would keep `put` from writing: `DataError`, or click's usage error."""
    from ..data.writing import folder_for, place_for

    if output == "-":
        if kind not in TEXT and sys.stdout.isatty():
            raise click.UsageError(f"--format {kind} is nothing for a terminal: name a file with -o, or send it to one with >")
        return
    path = Path(output).expanduser()
    ending = path.suffix.lower()
    if ending == ".gz" and (packed := Path(path.stem).suffix.lower()) not in PICTURES:
        ending = packed
    if ending and ending[1:] not in ENDINGS:
        raise click.UsageError(f"{output}: drawings are written to files that end in .{', .'.join(ENDINGS)}, or to a folder")
    if moving and ending not in (".svg", ".gif"):
        raise click.UsageError(f"--animate is for an .svg, and {output} is none")
    if ending and not path.is_dir():
        place_for(path, force)
    else:
        folder_for(path, force)


def put(drawings, output: str, kind: str, moving: bool, force: bool, scene=None) -> None:
    """Write drawings where `output` says, whole or not at all; pictures show the `scene` that they are in, where there is one."""
    if output == "-":
        to_stdout(lambda path: _write(drawings, path, moving, False, scene), kind)
        if sys.stdout.isatty():
            say("These are the drawings as numbers; -o and a file's name, such as drawing.svg, write a picture.")
        return
    place(output, kind, force, moving)
    say(_write(drawings, Path(output).expanduser(), moving, force, scene))


def to_stdout(write: Callable[[Path], object], kind: str) -> None:
    """Send to standard output what `write` puts into a file of a kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"drawings.{kind}"
        write(path)
        sys.stdout.buffer.write(path.read_bytes())
        sys.stdout.buffer.flush()


def say(text) -> None:
    """Tell somebody at a terminal; in a pipe nothing is said."""
    if sys.stderr.isatty():
        click.echo(str(text), err=True)


def _write(drawings: Sequence, path: Path, moving: bool, force: bool, scene):
    # Returns what is to be said of it.
    ending = path.suffix.lower()
    if ending == ".gif" or (ending == ".svg" and moving):
        from ..pictures.animation import animate

        return animate(scene or drawings, path)
    if ending == ".png" or (ending == ".svg" and (scene or len(drawings) > 1)):
        return scene.save(path) if scene else _still(drawings, path)
    from ..data.formats import write

    return write(drawings, path, force)


def _still(drawings: Sequence, path: Path) -> Path:
    from ..files import write_atomically
    from ..pictures import animation, draw

    if path.suffix.lower() == ".png":
        draw.save_png(draw.grid(drawings, size=2), path)
    else:
        text = animation.film_svg(animation.grid_film(drawings))
        write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))
    return path
