"""A new class from few drawings: what it starts from, what is held out, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sketchlib import train
from sketchlib.data.doodles import doodles
from sketchlib.errors import DataError
from sketchlib.finetuning import FEW, finetune, forget, parted
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.transformer import ConditionalTransformer
from sketchlib.models.vae import SketchVAE
from sketchlib.settings import Settings
from sketchlib.strokes import Drawing

DRAWINGS = doodles(["sun"], 10, seed=0)["sun"]
SHORT = Settings(steps=6, batch_size=4, validate_every=2, lr=0.01)


def start(kind=ConditionalDecoder, **sizes):
    torch.manual_seed(0)
    sizes = sizes or (dict(encoder_size=4, decoder_size=8, latent_size=4) if kind is SketchVAE else dict(hidden_size=8, embedding_size=4))
    return kind(["cat"] if kind is SketchVAE else ["cat", "pig", "car"], 200, 40.0, n_mixtures=2, **sizes)


def test_what_is_held_out_is_not_learnt_from_and_nothing_is_lost():
    learnt, held_out = parted(DRAWINGS, "my sun", 0.3, seed=1)
    assert (len(learnt), len(held_out)) == (7, 3) and learnt.classes == held_out.classes == ("my sun",)
    rows = sorted(one.tobytes() for part in (learnt, held_out) for one in (part[i] for i in range(len(part))))
    assert rows == sorted(one.stroke3.tobytes() for one in DRAWINGS)
    again, _ = parted(DRAWINGS, "my sun", 0.3, seed=1)
    other, _ = parted(DRAWINGS, "my sun", 0.3, seed=2)
    assert np.array_equal(again.points, learnt.points) and not np.array_equal(other.points, learnt.points)


def test_the_new_class_begins_in_the_middle_of_those_known():
    model = start()
    made = model.for_new_class("my sun")
    assert made.classes == ("my sun",) and torch.allclose(made.embedding.weight[0], model.embedding.weight.mean(0))
    mine, theirs = made.decoder.state_dict(), model.decoder.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert made.started_from == "a single model of 3 classes"


SIZES = {ConditionalTransformer: dict(hidden_size=8, embedding_size=4, layers=1, heads=2)}


@pytest.mark.parametrize("kind", [ConditionalDecoder, ConditionalTransformer, SketchVAE])
def test_any_model_learns_a_new_class_and_stays_as_it_is(kind):
    model = start(kind, **SIZES.get(kind, {}))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    made = finetune(model, DRAWINGS, "my sun", SHORT)
    assert type(made.model) is kind and made.model.classes == ("my sun",)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    held_out = train.evaluate(made.model, made.held_out)["loss"]
    assert held_out < train.evaluate(model.for_new_class("my sun"), made.held_out)["loss"]
    assert held_out == pytest.approx(min(record["valid"]["loss"] for record in made.curves), rel=1e-5)


def stop_at(monkeypatch, step):
    """Let a training be interrupted once, before that step."""

    def stepping(run, batch, real=train.train_step):
        if run.step + 1 == step:
            monkeypatch.setattr(train, "train_step", real)
            raise KeyboardInterrupt
        return real(run, batch)

    monkeypatch.setattr(train, "train_step", stepping)


@pytest.mark.parametrize("step", [1, 2, 4, 6])
def test_what_was_interrupted_is_gone_on_with_to_the_last_bit_where_a_folder_keeps_it(tmp_path, monkeypatch, step):
    changes = replace(SHORT, rotate=5.0, merge=0.1)
    whole = finetune(start(), DRAWINGS, "my sun", changes)
    stop_at(monkeypatch, step)
    with pytest.raises(KeyboardInterrupt):
        finetune(start(), DRAWINGS, "my sun", changes, folder=tmp_path)
    steps = []
    monkeypatch.setattr(train, "train_step", lambda run, batch, real=train.train_step: steps.append(run.step) or real(run, batch))
    again = finetune(start(), DRAWINGS, "my sun", changes, folder=tmp_path)
    pairs = zip(whole.model.state_dict().values(), again.model.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs) and [one["step"] for one in again.curves] == [2, 4, 6]
    assert len(steps) == 6 - (step - 1) // 2 * 2  # from the last validation, or from the start


def test_a_folder_in_which_something_else_is_learnt_is_refused(tmp_path):
    finetune(start(), DRAWINGS, "my sun", SHORT, folder=tmp_path)
    other = start()
    with torch.no_grad():
        other.decoder.fc_params.bias += 1
    for arguments in ((start(), DRAWINGS[1:], "my sun"), (other, DRAWINGS, "my sun")):
        with pytest.raises(DataError, match="has a training on other drawings, or from another start"):
            finetune(*arguments, SHORT, folder=tmp_path)
    with pytest.raises(DataError, match="checkpoint of another run"):
        finetune(start(), DRAWINGS, "my sun", replace(SHORT, lr=0.02), folder=tmp_path)


def test_what_a_training_kept_is_forgotten_and_nothing_else(tmp_path):
    for name in ("alone", "beside"):
        finetune(start(), DRAWINGS, "my sun", SHORT, folder=tmp_path / name)
    (tmp_path / "beside" / "mine.txt").write_text("mine")
    forget(tmp_path / "alone")
    forget(tmp_path / "beside")
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["beside", "beside/mine.txt"]


def test_a_card_says_how_the_model_was_made():
    made = finetune(start(), DRAWINGS, "my sun", SHORT)
    card = made.card(SHORT)
    assert card["data"]["counts"] == {"train": {"my sun": 8}, "valid": {"my sun": 2}} and card["config"]["classes"] == ["my sun"]
    assert card["best_step"] == made.best_step <= card["steps"] == 6 and card["started_from"] == "a single model of 3 classes"


DOT = Drawing(([[5, 5]],))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((Router({"cat": start()}), DRAWINGS, "sun"), "a router is a model for each class"),
        ((start(), DRAWINGS, " "), "no name"),
        ((start(), DRAWINGS[:4], "sun"), "4 drawings of 2 to 200 rows, of 4 in all: at least 5 are needed"),
        ((start(), [], "sun"), "0 drawings"),
        ((start(), DRAWINGS[:4] + [DOT] * 9, "sun"), "4 drawings of 2 to 200 rows, of 13 in all"),
        ((start(), DRAWINGS, "sun", SHORT, 0.01), "held_out 0.01 of 10 drawings"),
        ((start(), DRAWINGS, "sun", SHORT, 0.99), "held_out 0.99 of 10 drawings"),
        ((start(), [Drawing(([[0, 0], [float("nan"), 1]],))] * 5, "sun"), "NaN"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(arguments, says):
    with pytest.raises(DataError, match=says):
        finetune(*arguments)


def test_the_usual_settings_are_gentler_than_those_of_a_whole_training():
    assert FEW.lr < Settings(steps=1).lr and FEW.stop_after and FEW.steps <= 1000
