"""Commands between files: drawings to other formats, models to those of other programs."""

from __future__ import annotations

from pathlib import Path

import click

from .options import FORCE, classes_here, examples
from .output import TEXT, say, to_stdout


@click.command(epilog=examples("sketchlib convert cat.npz cat.ndjson", "sketchlib convert svgs cats.npz"))
@click.argument("source", type=click.Path())
@click.argument("target", type=click.Path())
@click.option("--limit", type=click.IntRange(1), help="only the first so many drawings")
@click.option("--format", "kind", type=click.Choice(TEXT), default="ndjson", show_default=True, help="of standard output")
@FORCE
def convert(source, target, limit, kind, force):
    """Convert drawings to another format.

    SOURCE is a file or a folder, TARGET a file whose ending names its format; it may be - for standard output, and a name without an
    ending is a folder with an .svg of each drawing. What a format cannot hold is said.
    """
    from ..data.formats import convert

    if target == "-":
        to_stdout(lambda path: convert(source, path, limit=limit), kind)
        return
    done = convert(source, target, force, limit)
    click.echo(done, err=True) if done.lost else say(done)


@click.command(epilog=examples("sketchlib export single cat -o cat.vae.json", "sketchlib export single -o onnx"))
@click.argument("model")
@click.argument("word", required=False, shell_complete=classes_here)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="a .gen.json or .vae.json, or a new folder of ONNX files"
)
@click.option("--cut", is_flag=True, help="of a model that fits a .gen.json only in part, write that part")
@FORCE
def export(model, word, output, cut, force):
    """Write a model for other programs.

    MODEL is single, router, best, or a file. What it knows of the class WORD goes into a .vae.json, for sketch-rnn-js, or into a .gen.json,
    for @magenta/sketch and ml5 too, which has no room for a z nor for a first state: the report's models fit the first one, and the other
    only with --cut. The whole of MODEL goes into a folder of ONNX files.
    """
    if output.suffix and not output.name.endswith((".gen.json", ".vae.json")):
        raise click.UsageError(f"{output}: name it .gen.json or .vae.json; ONNX files go into a folder, such as {output.stem}")
    from ..data.writing import place_for

    if not output.is_dir():
        place_for(output, force)
    from ..models.weights import load

    if output.suffix:
        from ..models import magenta_json

        magenta_json.write(load(model), output, word, force, cut)
    else:
        from ..export import write_onnx

        write_onnx(load(model), output, word, force)
    say(output)
