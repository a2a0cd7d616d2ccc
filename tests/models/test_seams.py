"""What models and decoders offer to the rest of the library, and an architecture made of nothing else."""

import inspect
from typing import NamedTuple

import pytest
import torch
from synthetic import sketch_set
from torch import Tensor, nn

from sketchlib.completion import complete
from sketchlib.metrics import cost
from sketchlib.metrics.likelihood import costs
from sketchlib.models import weights
from sketchlib.models.decoder import matrix_weights
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.sampling import sample, sample_rows
from sketchlib.strokes import Drawing
from sketchlib.train import Settings, evaluate, fit, load_kept

METHODS = {"config", "start_from", "for_class", "draw_condition", "as_known", "parts", "loss", "averaged_over", "clipped_parts"}
METHODS |= {"weights_per_row", "for_new_class"}
SET = sketch_set()


# An architecture as somebody would add it: this part is its file.


class GRUState(NamedTuple):
    h: Tensor
    condition: Tensor

    def keep(self, rows):
        return GRUState(self.h[rows], self.condition[rows])


class GRU(nn.Module):
    box = 255

    def __init__(self, condition_size, hidden_size, n_mixtures, dropout, weight_dropout=0.0):
        super().__init__()
        self.first = nn.Linear(condition_size, hidden_size)
        self.gru = nn.GRU(5 + condition_size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 6 * n_mixtures + 3)

    def forward(self, rows, condition):
        inputs = torch.cat([rows, condition[:, None].expand(-1, rows.shape[1], -1)], -1)
        return self.head(self.gru(inputs, torch.tanh(self.first(condition))[None])[0]).float()

    def start(self, condition):
        return GRUState(torch.tanh(self.first(condition)), condition)

    def step(self, row, state):
        inputs = torch.cat([row, state.condition], -1)[:, None]
        _, h = self.gru(inputs, state.h[None].contiguous())
        return self.head(h[0]), state._replace(h=h[0])

    def softmax_temperature(self, temperature):
        return temperature

    def copy_from(self, other):
        self.load_state_dict(other.state_dict())

    def weights_per_row(self):
        return matrix_weights(self.gru, self.head)


class GRUModel(ConditionalDecoder):
    decoder_kind = GRU


def gru(seed=0, classes=SET.classes):
    torch.manual_seed(seed)
    return GRUModel(classes, SET.n_max, 20.0, hidden_size=12, embedding_size=3, n_mixtures=2)


# And what follows from an entry in the list.


@pytest.fixture
def listed(monkeypatch):
    monkeypatch.setitem(weights.ARCHITECTURES, "GRUModel", GRUModel)


@pytest.mark.parametrize("kind", weights.ARCHITECTURES.values())
@pytest.mark.parametrize("name", sorted(METHODS))
def test_all_models_have_the_same_methods(kind, name):
    first = next(iter(weights.ARCHITECTURES.values()))
    assert list(inspect.signature(getattr(kind, name)).parameters) == list(inspect.signature(getattr(first, name)).parameters)


def test_a_new_decoder_is_trained_saved_and_loaded(listed, tmp_path):
    model, before = gru(), evaluate(gru(), SET)["loss"]
    fit(model, SET, SET, Settings(steps=30, batch_size=10, lr=0.01, validate_every=15), tmp_path, progress=False)
    load_kept(model, tmp_path)
    assert evaluate(model, SET)["loss"] < before - 0.1
    weights.save(model, tmp_path / "gru.safetensors")
    again = weights.load(tmp_path / "gru.safetensors")
    assert type(again) is GRUModel and again.config() == model.config()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in again.state_dict().items())
    (drawing,), (same,) = (sample(one, "sun", 1, 0.5, seed=3) for one in (model, again))
    assert drawing.stroke3.tobytes() == same.stroke3.tobytes()


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_a_new_decoder_draws_guided_or_not_also_beside_others(guidance):
    of_cats = ConditionalDecoder(("cat",), SET.n_max, 10.0, hidden_size=8, embedding_size=2, n_mixtures=3).eval()
    for model in (gru().eval(), Router({"cat": of_cats, "sun": gru(1, ("sun",)).eval()})):
        for word in model.classes:
            drawings = sample(model, word, 12, 1.0, seed=1, guidance=guidance)
            assert len(drawings) == 12 and {one.word for one in drawings} == {word} and any(one.strokes for one in drawings)


def test_a_new_decoder_goes_on_with_a_drawing_that_is_begun():
    model, generator = gru().eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        model.decoder.head.bias[-1] = -9.0  # no end
    condition = model.draw_condition("cat", 4, generator)
    moves, pens = sample_rows(model.decoder, condition, 8, 0.0, generator)
    prefix = torch.cat([moves, nn.functional.one_hot(pens, 3).float()], -1)[:, :3]
    more, _ = sample_rows(model.decoder, condition, 5, 0.0, generator, prefix=prefix)
    assert torch.allclose(more, moves[:, 3:], atol=1e-5)


def test_a_new_decoder_completes_and_judges_drawings_also_beside_others():
    of_cats = ConditionalDecoder(("cat",), SET.n_max, 10.0, hidden_size=8, embedding_size=2, n_mixtures=3).eval()
    begun = Drawing([[[0, 0], [30, 10], [40, 60]]])
    for model in (gru().eval(), Router({"cat": of_cats, "sun": gru(1, ("sun",)).eval()})):
        found = complete(model, begun, 3, 1.0)
        assert found.posterior.keys() == set(SET.classes) and abs(sum(found.posterior.values()) - 1) < 1e-6
        assert all(one.strokes[0] is begun.strokes[0] and one.word == found.word for one in found.completions)


def test_a_new_decoder_is_weighed_scored_and_begun_like_another():
    model, other = gru(), gru(1)
    assert cost.training_flops(model, 10) == 6 * 10 * (3 * 12 * (5 + 3) + 3 * 12 * 12 + 12 * 15)
    model.start_from(other)
    assert (costs(model, SET).l_r == costs(other, SET).l_r).all() and model.started_from
