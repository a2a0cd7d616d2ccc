"""Settings say what is wrong with them when they are made, whatever field it is."""

import math
from dataclasses import MISSING, FrozenInstanceError, fields, replace

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.settings import Settings, at_least, from_mapping, ranged, settings

MADE = Settings(steps=10)


@settings
class Inner:
    """A section."""

    depth: int = ranged(at_least(1), 2)


@settings
class Outer:
    """Settings with a section, a list and a choice between a number and names."""

    inner: Inner
    depths: tuple[int | None, ...] = ranged(at_least(1), (1,))
    some: int | tuple[str, ...] | None = None


@pytest.mark.parametrize("name", [one.name for one in fields(Settings)])
@pytest.mark.parametrize("value", ["1e-3", "", b"1", [], {}, object, True, math.nan, math.inf, -math.inf, -1, 1j])
def test_no_field_takes_what_is_no_setting(name, value):
    if (name, value) == ("dequantise", True):
        return  # the one that is true or false
    with pytest.raises(DataError, match=rf"^{name} is .*; allowed: "):
        replace(MADE, **{name: value})


@pytest.mark.parametrize("one", fields(Settings), ids=lambda one: one.name)
def test_every_number_has_a_range_and_null_is_for_what_may_be_left_out(one):
    assert "range" in one.metadata or one.name in ("schedule", "precision", "dequantise")
    if one.name != "stop_after":
        with pytest.raises(DataError, match=rf"^{one.name} is None"):
            replace(MADE, **{one.name: None})


def test_numbers_of_other_libraries_become_plain_ones():
    made = Settings(np.int64(7), lr=np.float32(0.5), seed=3.0, jitter=1)
    assert (made.steps, made.lr, made.seed, made.jitter) == (7, 0.5, 3, 1.0)
    assert [type(n) for n in (made.steps, made.lr, made.seed, made.jitter)] == [int, float, int, float]


def test_settings_are_made_of_sections_and_do_not_change():
    made = from_mapping(Outer, {"inner": {"depth": 3}, "depths": [4, None]}, some=["a"])
    assert made == Outer(Inner(3), (4, None), ("a",)) and Outer(Inner()).some is None and made.inner.depth == 3
    with pytest.raises(FrozenInstanceError):
        made.some = 3
    assert fields(Outer)[0].default is MISSING


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "inner is missing"),
        ({"inner": {"depth": 0}}, "inner.depth is 0; allowed: a whole number of at least 1"),
        ({"inner": {"dept": 1}}, "inner.dept is not known: did you mean 'depth'? Known: depth"),
        ({"inner": 3}, "inner is 3; allowed: a section with depth"),
        ({"inner": {}, "depths": [1, "2"]}, "depths is [1, '2']; allowed: a list, each a whole number of at least 1, or null"),
        ({"inner": {}, "some": ["a", 1]}, "some is ['a', 1]; allowed: a whole number, or a list, each a text, or null"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(values, said):
    with pytest.raises(DataError) as error:
        from_mapping(Outer, values)
    assert str(error.value) == said
