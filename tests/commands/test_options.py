"""Flags are the fields of settings: a new field is a new flag, with its comment, its type and its range."""

import re
from dataclasses import fields
from typing import Literal

import click
import pytest
from click.testing import CliRunner

from sketchlib.__main__ import commands
from sketchlib.commands.options import Drawn, comments_of, from_settings, given
from sketchlib.commands.training import Scored
from sketchlib.report.profile import Best, Single, Vae
from sketchlib.settings import Settings, at_least, between, ranged, settings


@settings
class Kettle:
    """Settings of a test."""

    litres: float = ranged(between(0, 2), 1.0)  # how much water
    cups: int | None = ranged(at_least(1), None)  # for how many; none: all
    warm: bool = False  # whether it is kept warm
    tea: Literal["green", "black"] = "green"  # which one; report, none


@click.command()
@from_settings(Kettle, Kettle(litres=1.5))
@click.pass_context
def boil(context, **values):
    click.echo(f"{dict(sorted(values.items()))} {given(context, Kettle)}")


def run(*arguments):
    return CliRunner().invoke(boil, arguments)


def test_each_field_is_a_flag_with_its_comment_and_default():
    said = " ".join(run("--help").output.split())
    assert "--litres NUMBER how much water [default: 1.5]" in said
    assert "--cups NUMBER for how many; none: all [default: (none)]" in said
    assert "--warm / --no-warm whether it is kept warm" in said
    assert "--tea [green|black] which one [default: green]" in said


def test_what_is_said_is_told_from_what_is_not():
    assert run("--cups", "3", "--warm").output.strip() == (
        "{'cups': 3, 'litres': 1.5, 'tea': 'green', 'warm': True} {'cups': 3, 'warm': True}"
    )
    assert run("--cups", "none").output.strip().endswith("{'cups': None}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--litres", "3"], "allowed: a number from 0 to 2"),
        (["--litres", "nan"], "allowed: a number from 0 to 2"),
        (["--litres", "much"], "much; allowed: a number"),
        (["--cups", "0"], "allowed: a whole number of at least 1"),
        (["--cups", "1.5"], "1.5; allowed: a whole number"),
        (["--tea", "red"], "'green', 'black'"),
    ],
)
def test_what_is_not_allowed_is_wrong_usage_that_says_what_is(arguments, says):
    done = run(*arguments)
    assert done.exit_code == 2 and says in done.output


def test_what_no_option_can_be_made_of_is_refused_and_not_left_out():
    @settings
    class Teapot:
        sorts: tuple[str, ...] = ("green",)  # of tea

    with pytest.raises(TypeError, match="sorts"):
        from_settings(Teapot)(click.Command("brew"))


FLAGS = [
    ("draw", Drawn),
    ("complete", Drawn),
    ("finetune", Settings),
    ("evaluate", Scored),
    ("train single", Single),
    ("train router", Vae),
    ("train best", Best),
]


@pytest.mark.parametrize(("name", "kind"), FLAGS)
def test_commands_have_all_fields_of_their_settings(name, kind):
    command = commands
    for part in name.split():
        command = command.commands[part]
    there = {one.name for one in command.params}
    assert {one.name for one in fields(kind)} <= there


@pytest.mark.parametrize("kind", [Drawn, Scored, Settings, Single, Vae])
def test_every_field_says_what_it_means(kind):
    assert {one.name for one in fields(kind)} <= comments_of(kind).keys()


def all_commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        yield from all_commands(command, (*path, name)) if isinstance(command, click.Group) else ()


@pytest.mark.parametrize("path", list(all_commands(commands)), ids=" ".join)
def test_help_explains_every_option_and_shows_an_example(path):
    done = CliRunner().invoke(commands, [*path, "--help"], prog_name="sketchlib")
    assert done.exit_code == 0
    if path != ("train",):
        assert re.search(rf"For example:\n  .*sketchlib {' '.join(path)}", done.output)
    command = commands
    for name in path:
        command = command.commands[name]
    assert all(one.help for one in command.params if isinstance(one, click.Option))
