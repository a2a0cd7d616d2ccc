import pytest

from sketchlib.data.quickdraw import TEN_CLASSES
from sketchlib.errors import DataError, did_you_mean, known, needing


@pytest.mark.parametrize("name", ["dog", "dogg", "zebra", "", "x", "The Eiffel Tower", "radioactivity"])
def test_where_nothing_is_near_nothing_is_suggested(name):
    assert did_you_mean(name, TEN_CLASSES) == "nothing similar is known."


@pytest.mark.parametrize(
    ("name", "near"),
    [("CAT", "cat"), ("cats", "cat"), ("alarm_clock", "alarm clock"), ("Alarm Clok", "alarm clock"), (" sun", "sun")],
)
def test_the_name_meant_is_suggested_alone(name, near):
    assert did_you_mean(name, TEN_CLASSES) == f"did you mean {near!r}?"


def test_names_are_suggested_as_they_are_written():
    assert did_you_mean("the_eiffel_tower", ["The Eiffel Tower", "bicycle"]) == "did you mean 'The Eiffel Tower'?"


def test_names_alike_are_all_suggested_the_nearest_first():
    assert {"car", "cat"} == set(did_you_mean("cart", TEN_CLASSES).split("'")[1::2])
    assert did_you_mean("aple", TEN_CLASSES).startswith("did you mean 'apple'")


def test_a_known_name_is_passed_on_and_another_is_an_error_with_all():
    assert known("cat", TEN_CLASSES) == "cat"
    with pytest.raises(DataError, match="unknown class 'dog': nothing similar is known. Known: airplane, .*, sun"):
        known("dog", TEN_CLASSES)


def test_a_missing_package_is_answered_in_one_line_with_the_extra_that_has_it():
    with (
        pytest.raises(ModuleNotFoundError, match=r"^no_such_package is not installed: pip install 'sketchlib\[pictures\]'$"),
        needing("pictures"),
    ):
        import no_such_package  # noqa: F401
