"""No argument of a public function reaches torch, numpy or another library unchecked: what it cannot use, it says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from sketchlib.arguments import Count, Number, Share, checked
from sketchlib.errors import DataError
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.sampling import as_generator, sample

SINGLE = ConditionalDecoder(["cat", "alarm clock"], 12, 10.0, hidden_size=8, embedding_size=4, n_mixtures=2)
VAE = SketchVAE(["cat"], 12, 10.0, encoder_size=4, decoder_size=8, latent_size=4, n_mixtures=2)


# --- checked ---


@checked
def example(
    n: Count = 1,
    way: Literal["up", "down"] = "up",
    path: Path | str | None = None,
    lists: Mapping[str, Sequence[int]] | None = None,
    rows: np.ndarray | None = None,
    pair: tuple[Share, bool] | None = None,
    what: Any = None,
    call: Callable | None = None,
):
    return n, way, path, lists, rows, pair, what, call


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (dict(n=2.5), "n is 2.5; allowed: a whole number from 0 to 1000000"),
        (dict(n=True), "n is True; allowed: a whole number"),
        (dict(way="left"), "way is 'left'; allowed: 'up' or 'down'"),
        (dict(path=3), "path is 3; allowed: a path, or None"),
        (dict(path="a\0b"), "path is 'a\\x00b'; allowed: a path"),
        (dict(lists={"a": [1, "b"]}), "lists is {'a': [1, 'b']}; allowed: a dict, each key a text, each value a list, each a whole number"),
        (dict(lists=["a"]), "lists is ['a']; allowed: a dict"),
        (dict(rows=[[1], [1, 2]]), "rows is [[1], [1, 2]]; allowed: an array of numbers"),
        (dict(rows=np.array(["a"])), "rows is of type ndarray and shape (1,); allowed: an array of numbers"),
        (dict(pair=(2, True)), "pair is (2, True); allowed: 2 values: a number from 0 to 1, true or false"),
        (dict(pair=(1,)), "pair is (1,)"),
        (dict(call=3), "call is 3; allowed: a function"),
    ],
)
def test_what_is_not_of_its_kind_is_named_with_what_is_allowed(named, said):
    with pytest.raises(DataError) as error:
        example(**named)
    assert str(error.value).startswith(f"example: {said}")


def test_what_is_of_its_kind_comes_through(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    rows, list_of = np.ones((2, 2)), [1, 2]
    n, _, path, lists, same, pair, *_ = example(np.int64(3), path="~/cats.gif", lists={"a": list_of}, rows=rows, pair=[1, np.True_])
    assert (n, type(n), path, pair) == (3, int, Path("/somewhere/cats.gif"), (1.0, True))
    assert same is rows and lists["a"] is list_of
    assert example(rows=[[1, 2]])[4].shape == (1, 2) and example(lists={"a": {1: "b"}.keys()})[3] == {"a": [1]}


def test_a_call_that_python_refuses_is_refused_as_python_does():
    for call in (lambda: example(1, m=2), lambda: example(*range(3), path=2, n=1), checked(lambda n: n)):
        with pytest.raises((TypeError, DataError)):
            call()


def test_what_comes_one_after_the_other_is_looked_at_as_it_comes():
    @checked
    def first(numbers: Iterable[Number]):
        return next(numbers)

    assert first(iter([1, 0])) == 1
    with pytest.raises(DataError, match="is 0; allowed: a whole number"):
        first(iter([0]))


# --- sample ---


@pytest.mark.parametrize("n", [-1, 2.5, None, "9", True, 2**70, float("nan")])
def test_sample_says_which_numbers_of_drawings_there_are(n):
    with pytest.raises(DataError, match="^sample: n is .*; allowed: a whole number from 0"):
        sample(SINGLE, "cat", n=n)


@pytest.mark.parametrize("n_max", [0, -1, 1.5, "9", 2**40])
def test_a_drawing_has_a_whole_number_of_rows(n_max):
    with pytest.raises(DataError, match="^sample: n_max is .*; allowed: a whole number from 1"):
        sample(SINGLE, "cat", n_max=n_max)


@pytest.mark.parametrize("values", [{"temperature": "0.4"}, {"temperature": None}, {"pen_temperature": "1"}, {"guidance": [1]}])
def test_temperatures_are_numbers(values):
    with pytest.raises(DataError, match="^sample: (pen_)?(temperature|guidance) is .*; allowed: a number"):
        sample(SINGLE, "cat", **values)


@pytest.mark.parametrize("values", [{"temperature": 1e300}, {"pen_temperature": 1e300}, {"guidance": 1e300}])
def test_numbers_that_would_overflow_are_refused(values):
    with pytest.raises(DataError, match="temperature|guidance"):
        sample(SINGLE, "cat", **values)


@pytest.mark.parametrize("seed", ["abc", 2**64, -1, 0.5, [1]])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(DataError, match="^sample: seed is .*; allowed: a whole number from 0"):
        sample(SINGLE, "cat", seed=seed)


def test_without_a_seed_drawings_are_other_ones_each_time():
    assert as_generator(None).initial_seed() != as_generator(None).initial_seed()
    assert len(sample(SINGLE, "cat", seed=None)) == 1


@pytest.mark.parametrize("word", [None, 3, b"cat", [None], {"cat": 1}])
def test_a_class_is_a_text_or_a_list_of_texts(word):
    with pytest.raises(DataError, match="^sample: word is .*; allowed: a text, or a list, each a text"):
        sample(SINGLE, word)


@pytest.mark.parametrize("model", [None, "single", Path("single")])
def test_a_model_is_a_model(model):
    with pytest.raises(DataError, match="^sample: model is .*; allowed: a Module, or a Router"):
        sample(model, "cat")


@pytest.mark.parametrize(
    ("word", "near"), [("dog", "nothing similar"), ("CAT", "'cat'"), ("cats", "'cat'"), ("alarm_clock", "'alarm clock'")]
)
def test_hints_name_a_class_that_is_near(word, near):
    with pytest.raises(DataError, match=near):
        sample(Router({"cat": VAE, "radio": VAE, "alarm clock": VAE, "car": VAE, "candle": VAE}), word)


def test_codes_may_come_from_numpy():
    codes = np.linspace(-1, 1, 8).reshape(2, 4)
    drawn = [sample(VAE, "cat", 2, z=z) for z in (torch.tensor(codes, dtype=torch.float32), codes, codes.tolist(), torch.tensor(codes))]
    for others in drawn[1:]:
        assert all(np.array_equal(one.stroke3, other.stroke3) for one, other in zip(drawn[0], others, strict=True))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_codes_that_are_not_finite_are_refused(bad):
    with pytest.raises(DataError, match="z has values that are NaN or infinite"):
        sample(VAE, "cat", 1, z=np.full((1, 4), bad))
