"""Options made from settings: each field of a dataclass becomes a flag, with its type, its range and the comment beside it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from ..arguments import MOST
from ..settings import SEED, Range, above, at_least, between, ranged, settings

SOURCE = "[;,] (report|paper|this book's).*"  # at the end of a comment: where a default is from, which may be another one here


@settings
class Drawn:
    """How sketches are drawn."""

    n: int = ranged(between(1, MOST), 1)  # sketches of each class
    temperature: float = ranged(at_least(0), 0.4)  # how freely lines are drawn; 0: always the likeliest
    pen_temperature: float | None = ranged(above(0), None)  # another one for the pen: the lower, the surer a stroke or a sketch ends
    guidance: float = ranged(at_least(0), 0.0)  # how strongly movements are preferred that other classes would not make
    seed: int = ranged(SEED, 0)  # of the random numbers: the same seed draws the same


class Value(click.ParamType):
    """A number as a field of settings allows it; "none" where it may be left open."""

    def __init__(self, hint, allowed: Range | None):
        self.optional = NoneType in get_args(hint)
        self.kind = click.INT if int in (hint, *get_args(hint)) else click.FLOAT
        self.allowed, self.name = allowed, "whole number" if self.kind is click.INT else "number"

    def convert(self, value, param, ctx):
        """The number; click's usage error for what is none, or out of its range."""
        if value is None or (self.optional and str(value).lower() == "none"):
            return None
        try:
            number = self.kind.convert(value, param, ctx)
        except click.BadParameter:  # no number at all: what is allowed is said of it too
            number = math.nan
        if not math.isfinite(number) or (self.allowed and not self.allowed.holds(number)):
            self.fail(f"{value}; allowed: a {self.name}{f' {self.allowed.says}' if self.allowed else ''}", param, ctx)
        return number


def from_settings(kind: type, defaults=None, leave_out: Collection[str] = ()) -> Callable:
    """A decorator that gives a command one option for each field of a dataclass of settings.

    `defaults`: settings of that kind whose values are shown and used; None: those of the fields. A field without either is "as in the
    profile", and None where it is not given.
    """

    def decorate(command):
        hints, comments = get_type_hints(kind), comments_of(kind)
        for one in reversed(fields(kind)):
            if one.name not in leave_out:
                default = getattr(defaults, one.name) if defaults else one.default
                command = _option(one, hints[one.name], comments.get(one.name, ""), default)(command)
        return command

    return decorate


def _option(one, hint, comment: str, default: Any):
    flag = one.name.replace("_", "-")
    shown = {MISSING: False, None: "none"}.get(default, True)
    how = dict(default=None if default is MISSING else default, show_default=shown, help=re.sub(SOURCE, "", comment))
    if hint is bool:
        return click.option(f"--{flag}/--no-{flag}", one.name, **how)
    if get_origin(hint) is Literal:
        return click.option(f"--{flag}", one.name, type=click.Choice(get_args(hint)), **how)
    if not {int, float} & {hint, *(get_args(hint) if get_origin(hint) is UnionType else ())}:
        raise TypeError(f"no option is made of {one.name}, which is {hint}: leave it out")
    return click.option(f"--{flag}", one.name, type=Value(hint, one.metadata.get("range")), metavar="NUMBER", **how)


def comments_of(kind: type) -> dict[str, str]:
    """The comment beside each field of a dataclass: name -> what it means."""
    found = {}
    for one in reversed([one for one in kind.__mro__ if one is not object]):
        found |= dict(re.findall(r"^    (\w+): .*?  # (.+)$", inspect.getsource(one), re.M))
    return found


def given(context: click.Context, kind: type) -> dict:
    """Those fields of settings that the command line says: name -> value."""
    names = [one.name for one in fields(kind) if one.name in context.params]
    said = {click.core.ParameterSource.COMMANDLINE}
    return {name: context.params[name] for name in names if context.get_parameter_source(name) in said}


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nFor example:\n" + "\n".join(f"  {line}" for line in lines)


def classes_here(context, param, incomplete: str) -> list[str]:
    """For the shell: the classes that the published single model draws, read from its file's head."""
    from ..files import described_classes, weights_folder

    return [name for name in described_classes(weights_folder() / "single.safetensors") if name.startswith(incomplete)]


MODEL = click.option("--model", default="single", show_default=True, help="single, router, best, or a file or folder to load")
FORCE = click.option("--force", is_flag=True, help="replace what is there already")
