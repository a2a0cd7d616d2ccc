"""The examples in docstrings, run as they stand, in a folder of their own."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import sketchlib
from sketchlib.data.doodles import doodles
from sketchlib.data.npz import read_npz
from sketchlib.data.quickdraw import read_binary, read_class, read_raw, read_simplified
from sketchlib.svg import read_svg

FIRST = [sketchlib.load, sketchlib.sample, sketchlib.animate, sketchlib.Drawing, doodles]
FIRST += [sketchlib.complete, sketchlib.encode, sketchlib.interpolate, sketchlib.scene]
FIRST += [read_simplified, read_raw, read_binary, read_npz, read_class, sketchlib.read, sketchlib.write, sketchlib.convert, read_svg]


HOME = Path(sketchlib.__file__).parent
FILES = [path for path in sorted(HOME.rglob("*.py")) if "\n    >>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", [".".join(path.relative_to(HOME.parent).with_suffix("").parts) for path in FILES])
def test_examples_say_what_comes_out(module, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(import_module(module))
    assert found.attempted and not found.failed


@pytest.mark.parametrize("thing", FIRST, ids=lambda thing: thing.__name__)
def test_what_is_called_first_has_an_example(thing):
    assert ">>> " in thing.__doc__
