"""The chapters' interactives compute what torch does; their pages are well formed and ask nothing of other machines."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

from sketchlib.errors import DataError
from sketchlib.models import mixture
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.pictures import live
from sketchlib.strokes import Drawing

interactives = pytest.importorskip("sketchlib.pictures.interactives")
NODE = shutil.which("node")
FIELDS = ("pi", "mux", "muy", "sx", "sy", "r")  # of a hill, as the script names what `split_parameters` takes
EMPTY = {"br", "circle", "ellipse", "hr", "image", "img", "input", "line", "meta", "path", "rect", "use"}


def hills_of(raw):
    return [dict(zip(FIELDS, values, strict=True)) for values in raw[:-3].reshape(6, -1).T.tolist()]


def golden(raw, places, side):
    """Costs of places under a mixture, the hills' shares of them, and the slopes of the costs."""
    raw = raw.double().requires_grad_()
    x, y = torch.tensor(places, dtype=torch.float64).unbind(-1)
    answer = mixture.split_parameters(raw)
    nll = mixture.stroke_nll(answer, x, y)
    shares = torch.softmax(answer.log_pi + mixture.component_log_density(answer, x, y), -1)
    slopes = [torch.autograd.grad(one, raw, retain_graph=True)[0][:-3].reshape(6, -1).tolist() for one in nll]
    return {
        "hills": hills_of(raw.detach()),
        "places": places,
        "side": side,
        "nll": nll.tolist(),
        "shares": shares.tolist(),
        "gradients": [dict(zip(FIELDS, one, strict=True)) for one in slopes],
        "cells": mixture.cell_nll(answer, x, y, side).tolist(),
    }


def mixtures():
    """The chapter's by hand, some at random, and a hill that is narrower than the grid's cell."""
    torch.manual_seed(0)
    by_hand = torch.tensor([one for one in interactives.HILLS]).T.clone()
    by_hand[0], by_hand[3:5], by_hand[5] = by_hand[0].log(), by_hand[3:5].log(), by_hand[5].atanh()
    spike = by_hand.clone()
    spike[1:3, 0], spike[3:5, 0], spike[5, 0] = torch.tensor([0.41, 0.3]), -3.9, 0
    every = [by_hand, *(torch.randn(6, 3) for _ in range(4)), spike]
    return [torch.cat([one.flatten(), torch.zeros(3)]) for one in every]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_scripts_compute_what_torch_does(tmp_path):
    places = [[0.4, 0.3], [1.2, -0.7], [-3.0, 2.5], [0.0, 0.0]]
    rows = [{"start": [10, 115], "rows": interactives.CAT.stroke3.tolist(), "places": np.concatenate(interactives.CAT.strokes).tolist()}]
    packed = live.packed(models()["single"], bits=32)
    fixtures = {"hills": [golden(one, places, 1 / 30) for one in mixtures()], "rows": rows, "packed": packed}
    (tmp_path / "fixtures.json").write_text(json.dumps(fixtures))
    for name in interactives.PARTS:
        (tmp_path / f"{name}.txt").write_text(interactives.script(name))
        (tmp_path / f"{name}.mjs").write_text(interactives.module(name))
    command = [NODE, "--test", "--test-reporter=tap", str(Path(__file__).with_name("interactives.test.mjs"))]
    done = subprocess.run(command, env={"SKETCH_FOLDER": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]


class Balance(HTMLParser):
    """Which elements are open, and what is asked for elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.asked = [], []

    def handle_starttag(self, tag, attributes):
        self.open += [tag] * (tag not in EMPTY)
        self.asked += [
            value for name, value in attributes if name in ("src", "href", "xlink:href") and not value.startswith(("#", "../live/"))
        ]
        self.asked += [name for name, _ in attributes if name.startswith("on")]  # inline handlers, which a policy forbids

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag not in EMPTY:
            assert self.open.pop() == tag


def models():
    """Small untrained models, of which one has a latent space."""
    torch.manual_seed(0)
    single = ConditionalDecoder(["cat", "sun"], 30, 20.0, hidden_size=12, embedding_size=4, n_mixtures=3).eval()
    return {"single": single, "cat": SketchVAE(["cat"], 30, 20.0, encoder_size=6, decoder_size=12, latent_size=4, n_mixtures=3).eval()}


def made():
    """Every interactive by its name."""
    single, vae = models().values()
    drawn = {"temperature": interactives.temperature(single, "sun"), "plane": interactives.plane(vae)}
    return {"rows": interactives.rows(), "hills": interactives.hills(), **drawn}


@pytest.fixture(scope="module")
def every():
    return made()


def test_every_interactive_has_a_still_picture_and_a_page(every):
    assert set(every) == set(interactives.PARTS)
    for name, one in every.items():
        data = one._repr_mimebundle_()
        still = (data[0] if isinstance(data, tuple) else data)["text/html"]
        page, reader = interactives.on_page(still), Balance()
        reader.feed(page)
        assert reader.open == [] and reader.asked == [], name
        assert "<svg" in still and "<style" not in still and page.endswith(f'<script src="../live/{name}.js"></script>')
    assert interactives.on_page("<p>another output</p>") is None


def test_a_drawing_without_a_movement_has_no_rows_to_show():
    with pytest.raises(DataError, match="no movement"):
        interactives.rows(Drawing([]))


def test_a_notebook_is_sent_the_model_when_it_asks(every):
    one, sent = every["temperature"], []
    one.send = lambda content, *_: sent.append(content)
    one._answer(None, {"load": "this model"}, [])
    assert one.models["this model"]["classes"] == ["cat", "sun"] and sent[0]["packed"]["architecture"] == "ConditionalDecoder"


def test_a_plane_needs_a_latent_space_and_three_drawings():
    single, vae = models().values()
    with pytest.raises(DataError, match="no latent space"):
        interactives.plane(single)
    with pytest.raises(DataError, match="span no plane"):
        interactives.plane(vae, [interactives.CAT] * 2)


def test_scripts_are_small_and_name_no_other_machine():
    for name in interactives.PARTS:
        text = interactives.script(name)
        assert len(text.encode()) < 80_000
        addresses = {part.partition('"')[0] for part in text.split("http")[1:]}
        assert addresses <= {"://www.w3.org/2000/svg"} and "eval(" not in text and "new Function" not in text


def test_scripts_stand_beside_the_live_pages(tmp_path):
    sizes = interactives.write(tmp_path, models(), {"single.js": 12, "cat.js": 7})
    assert sizes == {path.name: path.stat().st_size for path in tmp_path.iterdir()} and set(sizes) == {
        f"{n}.js" for n in interactives.PARTS
    }
