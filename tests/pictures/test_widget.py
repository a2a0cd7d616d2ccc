"""The widget's Python side: models by name, strokes as a Drawing, a still picture for pages without a kernel."""

import pytest
import torch

from sketchlib import Drawing
from sketchlib.errors import DataError
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.pictures import live

widget = pytest.importorskip("sketchlib.pictures.widget")


def small(classes, kind=ConditionalDecoder):
    torch.manual_seed(0)
    return kind(classes, 20, 20.0, hidden_size=8, embedding_size=4, n_mixtures=2).eval()


SINGLE, PLACED = (small(["cat", "sun"], kind) for kind in (ConditionalDecoder, ConditionalPlacedDecoder))


@pytest.mark.parametrize(
    ("model", "names"), [(SINGLE, ["this model"]), (PLACED, ["this model"]), (Router({"cat": small(["cat"])}), ["cat"])]
)
def test_a_model_is_sent_when_the_page_asks_for_it(model, names):
    paper, sent = widget.panel(model), []
    paper.send = lambda content, *_: sent.append(content)
    assert list(paper.models) == names and paper.drawing.strokes == ()
    of_one = isinstance(model, ConditionalDecoder)
    assert not of_one or paper.models[names[0]]["bytes"] == len(live.weights_script("", model))  # what is said is what is sent
    paper._answer(None, {"load": names[0]}, [])
    paper._answer(None, {"load": "whale"}, [])
    assert sent[0]["packed"]["architecture"] == type(model.for_class("cat")).__name__ and "error" in sent[1] and "packed" not in sent[1]


def test_strokes_are_a_drawing_and_a_drawing_is_strokes():
    paper = widget.panel(small(["cat"]), Drawing([[[1, 2.2], [30, 40]]]))
    assert paper.strokes == [[[1.0, 2.0], [30.0, 40.0]]] and paper.drawing.n_points == 2
    paper.continuation, paper.word = [[[30, 40], [50, 60]]], "cat"
    assert paper.completed.n_points == 4 and paper.completed.word == "cat" and paper.drawing.n_points == 2
    with pytest.raises(DataError, match="NaN or infinite"):
        widget.panel(small(["cat"]), Drawing([[[float("nan"), 1]]]))


def test_where_no_kernel_answers_there_is_a_picture():
    data = widget.panel(small(["cat"]))._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert "<svg" in data["text/html"] and "application/vnd.jupyter.widget-view+json" in data
