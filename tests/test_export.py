"""ONNX files compute what torch does, for all architectures, any batch and any step; the example draws with them alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from extras import hook
from synthetic import sketch_set
from torch import Tensor, nn

from sketchlib import export
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.models.conditional_vae import ConditionalVAE
from sketchlib.models.magenta import MagentaGen, MagentaVAE
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.transformer import ConditionalTransformer
from sketchlib.models.vae import SketchVAE
from sketchlib.models.weights import ARCHITECTURES
from sketchlib.sampling import sample
from sketchlib.strokes import START

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
pytestmark = pytest.mark.numeric

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "draw_onnx.py"
SMALL = {
    ConditionalDecoder: lambda: ConditionalDecoder(("cat", "sun"), 15, 20.0, 9, 3, 4),
    ConditionalTransformer: lambda: ConditionalTransformer(("cat", "sun"), 15, 20.0, 8, 3, 4, layers=2, heads=2),
    ConditionalPlacedDecoder: lambda: ConditionalPlacedDecoder(("cat", "sun"), 15, 20.0, 9, 3, 4),
    SketchVAE: lambda: SketchVAE(("cat",), 15, 20.0, 6, 9, 5, 4),
    ConditionalVAE: lambda: ConditionalVAE(("cat", "sun"), 15, 20.0, 3, encoder_size=6, decoder_size=9, latent_size=5, n_mixtures=4),
    MagentaGen: lambda: MagentaGen(("cat",), 15, 20.0, 9, 0, 4),
    MagentaVAE: lambda: MagentaVAE(("cat",), 15, 20.0, 6, 9, 5, 4),
}


@pytest.fixture(scope="module", params=SMALL, ids=lambda kind: kind.__name__)
def written(request, tmp_path_factory):
    """A small model of each architecture, and the folder of its files."""
    torch.manual_seed(0)
    model, folder = SMALL[request.param]().eval(), tmp_path_factory.mktemp("onnx") / "model"
    with torch.no_grad():
        model.decoder.fc_params.bias[-1] = -9.0  # no end
    export.write_onnx(model, folder)
    return model, folder


def session(folder, name):
    return onnxruntime.InferenceSession(folder / name)


def run(folder, name, **feeds):
    one = session(folder, name)
    used = {wanted.name for wanted in one.get_inputs()}
    return one.run(None, {key: np.asarray(value) for key, value in feeds.items() if key in used})


def test_all_architectures_are_tried():
    assert set(SMALL) == set(ARCHITECTURES.values())


@pytest.mark.parametrize("batch", [1, 3, 8])
@torch.no_grad()
def test_a_decoder_draws_as_in_torch_in_any_batch(written, batch):
    model, folder = written
    condition = model.draw_condition("cat", batch, torch.Generator().manual_seed(1))
    names = [one.name for one in session(folder, "start.onnx").get_outputs()]
    state, own = dict(zip(names, run(folder, "start.onnx", condition=condition), strict=True)), model.decoder.start(condition)
    row, generator = torch.tensor([START]).expand(batch, 5), torch.Generator().manual_seed(2)
    for _ in range(6):
        found, *after = run(folder, "step.onnx", row=row, **state)
        wanted, own = model.decoder.step(row, own)
        assert np.abs(found - wanted.numpy()).max() < export.TOLERANCE
        state = dict(zip(names, after, strict=True))
        row = torch.cat([torch.randn(batch, 2, generator=generator), torch.eye(3)[torch.randint(2, (batch,), generator=generator)]], -1)


@torch.no_grad()
def test_an_encoder_encodes_as_in_torch_whatever_the_lengths(written):
    model, folder = written
    if not model.latent_size:
        assert not (folder / "encoder.onnx").exists()
        return
    sketches = sketch_set(9, ("cat",), low=2, high=14)
    for index in (np.array([0]), np.arange(9), np.array([4, 2])):
        batch = make_batch(sketches, index, model.scale)
        found = run(folder, "encoder.onnx", rows=batch.x[:, 1:], lengths=batch.lengths)
        assert all(np.abs(one - two.numpy()).max() < export.TOLERANCE for one, two in zip(found, model.encode(batch), strict=True))


def draw(folder, *arguments):
    code = hook({"torch", "sketchlib"}) + f"import runpy; sys.argv = {[EXAMPLE.name, str(folder), *arguments]!r}\n"
    code += f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], cwd=folder.parent, capture_output=True, text=True)


def test_the_example_draws_without_torch(written):
    _, folder = written
    done = draw(folder, "cat", "--n", "3", "--temperature", "0.7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("<svg") and done.stdout.count("<polyline") >= 3


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE.parent))
    import draw_onnx

    return draw_onnx


def test_the_example_draws_greedily_what_the_library_does(written, example):
    model, folder = written
    if model.latent_size:
        return  # each throws a z of its own
    (rows,) = example.draw(example.Model(folder), "cat", 1, 0.0, np.random.default_rng(0))
    (own,) = sample(model, "cat", 1, 0.0)
    assert np.allclose(rows[:, :2], own.stroke3[:, :2], atol=1e-2) and len(rows) == model.n_max
    assert (rows[:-1, 2] == own.stroke3[:-1, 2]).all()
    with pytest.raises(SystemExit, match="unknown class 'cow'; known: cat"):
        example.Model(folder).conditions("cow", 1, None)


def test_the_example_chooses_as_the_mixture_says(example):
    """Many draws have the mixture's mean and deviation, at the temperature that each architecture means."""
    parameters = np.tile(np.float32([9, -9, 1, 0, 2, 0, 0.5, 0, -0.5, 0, 0.8, 0, 0, 1, -20]), (20_000, 1))
    move, pen = example.choose(parameters, 0.25, (0.5, 1.0), np.random.default_rng(0))
    assert np.allclose(move.mean(0), [1, 2], atol=0.02)
    assert np.allclose(np.cov(move.T)[0, 1] / (move[:, 0].std() * move[:, 1].std()), np.tanh(0.8), atol=0.02)
    assert np.allclose(move.std(0), np.exp([0.5, -0.5]) * 0.5, rtol=0.03)
    assert np.isclose((pen == 1).mean(), 1 / (1 + np.exp(-1 / 0.625)), atol=0.01)


def test_the_model_and_what_it_says_stay_as_they_are(tmp_path):
    model = SMALL[ConditionalDecoder]().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export.write_onnx(model, tmp_path / "one")
    assert model.training and all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    facts = json.loads((tmp_path / "one" / "model.json").read_text())
    assert (facts["classes"], facts["n_max"], facts["scale"], facts["softmax_temperature"]) == (["cat", "sun"], 15, 20.0, [0.0, 1.0])
    assert np.allclose(facts["conditions"]["sun"], before["embedding.weight"][1])


def test_a_router_gives_the_model_of_a_class(tmp_path):
    router = Router({"cat": SMALL[SketchVAE](), "sun": SketchVAE(("sun",), 15, 20.0, 6, 9, 5, 4)})
    with pytest.raises(DataError, match="a router has a model for each class: say which as word=..., one of cat, sun"):
        export.write_onnx(router, tmp_path / "one")
    with pytest.raises(DataError, match="unknown class 'su': did you mean 'sun'"):
        export.write_onnx(router, tmp_path / "one", "su")
    export.write_onnx(router, tmp_path / "one", "sun")
    assert json.loads((tmp_path / "one" / "model.json").read_text())["classes"] == ["sun"]


def test_a_folder_that_is_there_is_written_into_only_where_asked_for(tmp_path):
    (tmp_path / "file").write_text("mine")
    for force in (False, True):
        with pytest.raises(DataError, match="file is there already"):
            export.write_onnx(SMALL[ConditionalDecoder](), tmp_path / "file", force=force)
    with pytest.raises(DataError, match="is there already: give another folder, or force=True"):
        export.write_onnx(SMALL[ConditionalDecoder](), tmp_path)
    export.write_onnx(SMALL[ConditionalDecoder](), tmp_path, force=True)
    assert (tmp_path / "step.onnx").exists() and (tmp_path / "file").read_text() == "mine"


class Counted(NamedTuple):
    h: Tensor
    steps: Tensor


class Untraceable(nn.Module):
    """Does another thing after its third step, by a number that a trace takes for constant."""

    def start(self, condition):
        return Counted(condition[:, :1], torch.zeros(1))

    def step(self, row, state):
        more = 1.0 if int(state.steps) < 3 else 5.0
        return torch.cat([state.h * more] * 15, -1), Counted(state.h + row[:, :1], state.steps + 1)

    def softmax_temperature(self, temperature):
        return temperature


def test_a_decoder_that_cannot_be_traced_leaves_nothing(tmp_path):
    model = SMALL[ConditionalDecoder]()
    model.decoder = Untraceable()
    with pytest.raises(DataError, match="cannot be traced as it is: onnxruntime computes other numbers than torch, off by"):
        export.write_onnx(model, tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_without_the_extra_it_says_what_to_install(tmp_path):
    code = f"from sketchlib import export, load\nmodel = load('single')\n{hook({'onnxruntime'})}\nexport.write_onnx(model, 'x')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "onnxruntime is not installed: pip install 'sketchlib[export]'" in done.stderr
