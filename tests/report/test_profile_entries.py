"""Every entry of a profile answers what it cannot be with a `DataError` that names it: generated from full.yml, which has all of them."""

import copy
import math

import pytest
import yaml

from sketchlib.errors import DataError
from sketchlib.files import profile_file
from sketchlib.report.profile import Profile, _made

FULL = yaml.safe_load(profile_file("full").read_text(encoding="utf-8"))
BAD = [None, "x", "", b"x", 0, -1, 2.5, 2**70, 1e300, math.nan, math.inf, -math.inf, True, object(), print]
BAD += [[], {}, (), [None], ["x"], [math.nan], [[]], {"x": 1}, {None: 1}, set()]


def entries(values, path=()):
    """The paths of all entries and sections."""
    for name, value in values.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from entries(value, (*path, name))


def changed(path, value):
    values = copy.deepcopy(FULL)
    section = values
    for name in path[:-1]:
        section = section[name]
    section[path[-1]] = value
    return values


@pytest.mark.parametrize("path", list(entries(FULL)), ids=".".join)
def test_each_entry_works_or_is_named(path):
    refused = 0
    for bad in BAD:
        try:
            assert isinstance(_made(changed(path, bad), "full", "full.yml"), Profile)
        except DataError as error:
            assert path[-1] in str(error) and str(error).startswith("full.yml: ")
            refused += 1
    assert refused > len(BAD) / 2


@pytest.mark.parametrize("path", list(entries(FULL)), ids=".".join)
def test_each_entry_is_wanted_and_no_other_is_known(path):
    for values in (changed(path[:-1] + ("never_seen",), 1), without(path)):
        with pytest.raises(DataError, match=f"never_seen is not known|{path[-1]} is missing"):
            _made(values, "full", "full.yml")


def without(path):
    values = copy.deepcopy(FULL)
    section = values
    for name in path[:-1]:
        section = section[name]
    del section[path[-1]]
    return values
