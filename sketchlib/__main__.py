"""The command line: `sketchlib draw cat -o cat.svg`, or on two processes `torchrun --nproc-per-node=2 -m sketchlib train single`."""

from __future__ import annotations

import os
import signal
import sys

import click

from .commands import book, conversion, drawing, training
from .commands.options import examples
from .errors import DataError

HELP = {"help_option_names": ["-h", "--help"]}
COMPLETION = 'Completion in the shell: eval "$(_SKETCHLIB_COMPLETE=bash_source sketchlib)" in ~/.bashrc, or zsh_source, fish_source.'


@click.group(epilog=COMPLETION + "\n\n" + examples("sketchlib draw cat --n 9 -o cats.svg"), context_settings=HELP)
@click.version_option(package_name="sketchlib")
def commands():
    """How a network draws, stroke by stroke."""


for one in (
    *(drawing.draw, drawing.complete, drawing.scene, drawing.recognise, conversion.convert, conversion.export),
    *(training.train, training.finetune, training.evaluate, book.book, book.live, book.publish),
):
    commands.add_command(one)


def as_flags(text: str) -> str:
    """What an error of the library says of an argument, said of the command line's."""
    for argument, flag in {"force=True": "--force", "cut=True": "--cut", "as word=...": "after the model"}.items():
        text = text.replace(argument, flag)
    return text


def main(arguments: list[str] | None = None) -> None:
    """Run a command. A `DataError`, or a package that is not installed, becomes one line and exit status 1; wrong usage, 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # torchrun's way to stop the others: say where the run will go on
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # read when tqdm is imported: no progress bars in a pipe
    try:
        status = commands.main(arguments, prog_name="sketchlib", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "sketchlib"
        click.echo(f"{where}: {' '.join(error.format_message().split())} ({where} --help explains)", err=True)
        sys.exit(error.exit_code)
    except (DataError, ModuleNotFoundError, click.ClickException) as error:  # the second says which extra to install
        sys.exit(as_flags(str(error)))
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # who reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
