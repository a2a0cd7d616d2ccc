"""What a machine with some of the package's dependencies lacks: for tests that run the library without the book's tools."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def listed(*extras):
    """The requirements of the core (no `extras`) or of some extras, those that an extra takes from another one included."""
    found = []
    for entry in [one for extra in extras for one in PROJECT["optional-dependencies"][extra]] if extras else PROJECT["dependencies"]:
        own = re.fullmatch(r"sketchlib\[(.+)\]", entry)
        found += listed(*own[1].split(",")) if own else [entry]
    return found


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(entries):
    """The names of the distributions that are wanted, and of all that they want in turn, as far as they are installed here."""
    found, todo = set(), [Requirement(entry) for entry in entries]
    while todo:
        one = todo.pop()
        if plain(one.name) in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        try:
            todo += [Requirement(entry) for entry in requires(one.name) or ()]
        except PackageNotFoundError:
            continue
        found.add(plain(one.name))
    return found


def lacking(*extras):
    """The top-level names of packages installed here that neither the core nor these extras bring."""
    there = closure([*listed(), *(listed(*extras) if extras else ())])
    return {name for name, owners in packages_distributions().items() if not there & set(map(plain, owners))} - {"sketchlib"}


def hook(names):
    """Code that makes Python find none of these packages or modules."""
    return f"""
import sys


class Lacking:
    names = {sorted(names)!r}

    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in self.names):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Lacking())
"""
