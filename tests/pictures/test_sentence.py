"""Sentences: what is understood, and errors that name the word that is not."""

import pytest
import torch
from PIL import Image

import sketchlib
from sketchlib import TEN_CLASSES
from sketchlib.errors import DataError
from sketchlib.models.single import ConditionalDecoder
from sketchlib.pictures import sentence
from sketchlib.pictures.sentence import SYNONYMS, read_sentence, scene

MANY = (*TEN_CLASSES, "mouse", "foot", "cherry", "knife", "bus", "fish", "The Eiffel Tower", "t-shirt", "scissors", "smiley face", "clock")


def model(pen=(0.0, 0.0, -2.0)):
    torch.manual_seed(0)
    made = ConditionalDecoder(TEN_CLASSES, 12, 20.0, 8, 3, 2).eval()
    with torch.no_grad():
        made.decoder.fc_params.bias[-3:] = torch.tensor(pen)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two cats and an apple", [(2, "cat"), (1, "apple")]),
        ("A CAT, 3 suns, and twenty radios.", [(1, "cat"), (3, "sun"), (20, "radio")]),
        ("a couple of pigs & a dozen candles", [(2, "pig"), (12, "candle")]),
        ("two dozen alarm clocks, a pair of faces", [(24, "alarm clock"), (2, "face")]),
        ("cats with the sun", [(2, "cat"), (1, "sun")]),
        ("the two cats an apple", [(2, "cat"), (1, "apple")]),
        ("two mice, five feet and 4 cherries", [(2, "mouse"), (5, "foot"), (4, "cherry")]),
        (
            "knives buses fishes the eiffel tower t-shirts scissors",
            [(2, "knife"), (2, "bus"), (2, "fish")] + [(1, "The Eiffel Tower"), (2, "t-shirt"), (1, "scissors")],
        ),
        ("a smiley face and a clock", [(1, "smiley face"), (1, "clock")]),  # classes of their own here
    ],
)
def test_numbers_and_names_are_understood(text, expected):
    assert read_sentence(text, MANY) == expected


@pytest.mark.parametrize("word", TEN_CLASSES)
def test_each_class_has_its_name_plural_and_synonyms(word):
    for name in (word, *SYNONYMS[word]):
        assert read_sentence(f"one {name}, three {sentence._plurals(name)[0]}", TEN_CLASSES) == [(1, word), (3, word)]


@pytest.mark.parametrize("number", [1, 2, 11, 20])
def test_words_and_digits_are_the_same_numbers(number):
    name = [one for one, value in sentence.QUANTITIES.items() if value == number and one not in ("a", "an", "the")]
    assert read_sentence(f"{name[0]} cat", TEN_CLASSES) == read_sentence(f"{number} cat", TEN_CLASSES) == [(number, "cat")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two catz", "'catz' is not understood: did you mean 'cat"),
        ("an alarm clok and a cat", "'alarm clok' is not understood: did you mean 'alarm clock'"),
        ("a big cat", "'big' is not understood"),
        ("a cat on a car", "'on' is not understood"),
        ("two cats and three", "'three' of what"),
        ("a couple of", "'a couple of' of what|'a couple of'"),
        ("", "names nothing to draw"),
        (" , and", "names nothing to draw"),
        (None, "sentence is None; allowed: a text"),
    ],
)
def test_what_is_not_understood_is_named(text, message):
    with pytest.raises(DataError, match=message):
        read_sentence(text, TEN_CLASSES)


@pytest.mark.parametrize("text", ["0 cats", "61 cats", "99999999999999 cats", "40 cats and 40 suns"])
def test_too_many_or_none_are_refused(text):
    with pytest.raises(DataError, match="give 1 to 60 in all"):
        scene(text, model())


def test_a_scene_has_what_the_sentence_names_and_can_be_saved_and_animated(tmp_path):
    found = scene("two cats, an apple and three suns", model(), seed=3)
    assert [one.word for one in found.drawings] == ["cat"] * 2 + ["apple"] + ["sun"] * 3
    again = scene("two cats, an apple and three suns", model(), seed=3)
    assert found.svg() == again.svg() != scene("two cats, an apple and three suns", model(), seed=4).svg()
    for name in ("scene.gif", "film.svg"):
        assert sketchlib.animate(found, tmp_path / name).stat().st_size > 100
    with Image.open(found.save(tmp_path / "still.png")) as picture:
        assert picture.size == (found.film().width, found.film().height)
    assert found.save(tmp_path / "still.svg").read_text() == found.svg()
    with pytest.raises(DataError, match=r"\.svg or \.png"):
        found.save(tmp_path / "scene.bmp")


def test_a_model_that_draws_nothing_is_an_error_that_says_so():
    with pytest.raises(DataError, match="is empty; draw it again"):
        scene("a cat", model(pen=(0.0, 0.0, 1e4)))
