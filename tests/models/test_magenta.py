"""sketch-rnn-js models, read and written: held against that format's mathematics, written here once more in numpy."""

import base64
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic import sketch_set

import sketchlib
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.models import magenta, magenta_json, weights
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.sampling import encode, sample, sample_rows
from sketchlib.train import Settings, evaluate, fit

pytestmark = pytest.mark.numeric

START = torch.tensor([[0.0, 0, 1, 0, 0]])
SCALE = 3276.7


# --- the format, once more ---


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


class Page:
    """A page that draws with a file: what the format says, one row at a time, in float64."""

    def __init__(self, path):
        self.info, dims, blobs = json.loads(path.read_text())
        arrays = [np.frombuffer(base64.b64decode(blob), "<i2").reshape(dim) / SCALE for blob, dim in zip(blobs, dims, strict=True)]
        self.encoder, self.to_z, self.to_state = arrays[:6], arrays[6:10], arrays[10:12]
        self.out_w, self.out_b, *self.lstm = arrays[-5:]
        self.size = len(self.lstm[1])

    @staticmethod
    def cell(weights, x, h, c):
        from_x, from_h, bias = weights
        i, g, f, o = np.split(x @ from_x + h @ from_h + bias, 4)
        c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def begin(self, z=()):
        if not self.to_state:
            return np.zeros(self.size), np.zeros(self.size)
        c, h = np.split(np.tanh(np.asarray(z) @ self.to_state[0] + self.to_state[1]), 2)
        return h, c

    def after(self, rows, z=(), first=(0, 0, 0, 0, 0)):
        """What the head says after a first row and each of `rows` (T, 5), divided by the scale: (T + 1, 123)."""
        state, said = self.begin(z), []
        for row in [np.array(first, float), *rows]:
            state = self.cell(self.lstm, np.concatenate([row, z]), *state)
            said.append(state[0] @ self.out_w + self.out_b)
        return np.array(said)

    def encode(self, rows):
        ends = []
        for weights_of, way in ((self.encoder[:3], rows), (self.encoder[3:], rows[::-1])):
            state = np.zeros(len(weights_of[1])), np.zeros(len(weights_of[1]))
            for row in way:
                state = self.cell(weights_of, row, *state)
            ends.append(state[0])
        w_mu, b_mu, w_sigma, b_sigma = self.to_z
        end = np.concatenate(ends)
        return end @ w_mu + b_mu, np.exp((end @ w_sigma + b_sigma) / 2)

    @staticmethod
    def density(said, temperature):
        """pi, mu_x, mu_y, sigma_x, sigma_y, rho, q at a temperature."""
        of_choices = 0.5 + 0.5 * temperature
        pi, mu_x, mu_y, s_x, s_y, rho = np.split(said[3:], 6)
        wide = math.sqrt(temperature)
        return [softmax(pi / of_choices), mu_x, mu_y, np.exp(s_x) * wide, np.exp(s_y) * wide, np.tanh(rho), softmax(said[:3] / of_choices)]


# --- files ---


def content(kind, size=7, enc=4, z=3, seed=0, name="bird", **info):
    """A file's three parts, with random weights."""
    rng = np.random.default_rng(seed)
    shapes = magenta.shapes(size) if kind == "gen" else magenta.shapes(size, enc, z)
    blobs = [base64.b64encode(rng.integers(-9000, 9000, shape).astype("<i2").tobytes()).decode() for shape in shapes]
    about = {"mode": 2 if kind == "gen" else 1, "version": 6, "max_seq_len": 20, "name": name, "scale_factor": 71.3754, **info}
    return [about, [list(shape) for shape in shapes], blobs]


def written(tmp_path, parts, kind="gen", name="bird"):
    path = tmp_path / f"{name}.{kind}.json"
    path.write_text(json.dumps(parts))
    return path


def file(tmp_path, kind, **more):
    return written(tmp_path, content(kind, **more), kind, more.get("name", "bird"))


kinds = pytest.mark.parametrize("kind", ["gen", "vae"])


def rows_of(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(n, 2)), np.eye(3)[rng.integers(0, 2, n)]], 1)


@torch.no_grad()
def said_by(model, rows, z=None):
    """The parameters (T + 1, 123) after S_0 and each row, the pen's first, as the format has them."""
    decoder = model.decoder
    state = decoder.start(torch.zeros(1, 0) if z is None else torch.tensor(z).float()[None])
    said = []
    for row in [START, *torch.tensor(rows).float()[:, None]]:
        raw, state = decoder.step(row, state)
        said.append(raw[0].roll(3).numpy())
    return np.array(said)


# --- reading ---


@kinds
def test_a_file_is_read_as_the_format_has_it(kind, tmp_path):
    path = file(tmp_path, kind)
    model, page = sketchlib.load(path), Page(path)
    z = None if kind == "gen" else np.random.default_rng(1).normal(size=3)
    rows = rows_of(6)
    assert np.allclose(said_by(model, rows, z), page.after(rows, () if z is None else z), atol=1e-4)
    assert (model.classes, model.n_max, model.scale) == (("bird",), 20, 71.3754) and not model.training


@pytest.mark.parametrize("temperature", [0.1, 0.65, 1.0])
def test_drawings_are_tempered_as_the_format_does(temperature, tmp_path, monkeypatch):
    path = file(tmp_path, "gen")
    model, page, seen = sketchlib.load(path), Page(path), []
    monkeypatch.setattr("sketchlib.sampling.draw", lambda mixture, *numbers: seen.append(mixture) or (torch.zeros(1, 2), torch.tensor([2])))
    sample(model, "bird", 1, temperature, n_max=1)
    (mixture,) = seen
    own = [part[0].double() for part in mixture]
    own = [own[0].exp(), own[1], own[2], own[3].exp(), own[4].exp(), own[5].tanh(), own[6].softmax(-1)]
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(own, page.density(page.after([])[0], temperature), strict=True))


def test_drawings_are_in_the_pixels_of_the_canvas(tmp_path):
    small, large = (sketchlib.load(file(tmp_path, "gen", scale_factor=scale)) for scale in (10.0, 20.0))
    for model in (small, large):
        with torch.no_grad():
            model.decoder.fc_params.bias[-1] = -99.0  # no end
    one, two = (sample(model, "bird", 1, 0.5, n_max=9)[0].stroke3 for model in (small, large))
    assert np.allclose(2 * one[:, :2], two[:, :2], rtol=1e-4) and len(one)


def test_the_encoder_is_read_as_the_format_has_it(tmp_path):
    path = file(tmp_path, "vae")
    sketches = sketch_set(3, ("bird",))
    model, page = sketchlib.load(path), Page(path)
    batch = make_batch(sketches, np.arange(3), model.scale)
    with torch.no_grad():
        mu, log_var = model.encode(batch)
    for k, n in enumerate(batch.lengths):
        wanted = page.encode(batch.x[k, 1 : n + 2].double().numpy())
        assert np.allclose(mu[k], wanted[0], atol=1e-4) and np.allclose(torch.exp(log_var / 2)[k], wanted[1], rtol=1e-4)
    drawings = [drawing for drawing in sample(model, "bird", 4, 0.5, n_max=8) if drawing.n_points > 1]
    assert encode(model, drawings).shape == (len(drawings), 3)


@kinds
def test_a_batch_forward_equals_one_row_at_a_time(kind, tmp_path):
    model = sketchlib.load(file(tmp_path, kind))
    rows = torch.cat([START, torch.tensor(rows_of(5)).float()])[None]
    condition = model.draw_condition("bird", 1, torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = model.decoder(rows, condition)[0].roll(3, -1)
    assert np.allclose(whole, said_by(model, rows[0, 1:].numpy(), condition[0].numpy()), atol=1e-5)


@kinds
def test_a_drawing_that_is_begun_is_gone_on_with(kind, tmp_path):
    model = sketchlib.load(file(tmp_path, kind))
    with torch.no_grad():
        model.decoder.fc_params.bias[-1] = -99.0  # no end
    condition = model.draw_condition("bird", 4, torch.Generator().manual_seed(0))
    moves, pens = sample_rows(model.decoder, condition, 8, 0.0, torch.Generator())
    prefix = torch.cat([moves, torch.nn.functional.one_hot(pens, 3).float()], -1)[:, :3]
    more, _ = sample_rows(model.decoder, condition, 5, 0.0, torch.Generator(), prefix=prefix)
    assert torch.allclose(more, moves[:, 3:], atol=1e-4)


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_a_router_draws_with_such_files_beside_its_own_models(guidance, tmp_path):
    file(tmp_path, "gen"), file(tmp_path, "vae", name="dog")
    torch.manual_seed(0)
    weights.save(SketchVAE(("cat",), 12, 15.0, 4, 8, 2, 2), tmp_path / "cat.safetensors")
    router = sketchlib.load(tmp_path)
    assert set(router.classes) == {"bird", "cat", "dog"}
    for word in router.classes:
        assert {one.word for one in sample(router, word, 5, 1.0, guidance=guidance, n_max=6)} == {word}


def test_two_files_of_one_class_are_named(tmp_path):
    file(tmp_path, "gen"), file(tmp_path, "vae")
    with pytest.raises(DataError, match=r"bird\.vae\.json and bird\.gen\.json are both of class 'bird': leave one"):
        sketchlib.load(tmp_path)


def test_a_file_is_trained_on_and_kept_like_another_model(tmp_path):
    drawings, model = sketch_set(12, ("bird",)), sketchlib.load(file(tmp_path, "gen"))
    before = evaluate(model, drawings)["loss"]
    fit(model, drawings, drawings, Settings(steps=20, batch_size=6, lr=0.01, validate_every=10), tmp_path / "run", progress=False)
    assert evaluate(model, drawings)["loss"] < before
    weights.save(model, tmp_path / "bird.safetensors")
    again = weights.load(tmp_path / "bird.safetensors").eval()
    assert type(again) is magenta.MagentaGen
    assert np.array_equal(said_by(model.eval(), rows_of(4)), said_by(again, rows_of(4)))
    magenta_json.write(again, tmp_path / "tuned.gen.json", cut=True)
    assert np.allclose(Page(tmp_path / "tuned.gen.json").after(rows_of(4))[0], said_by(again, rows_of(4))[0], atol=0.05)


# --- writing ---


@kinds
def test_a_file_comes_back_as_it_was(kind, tmp_path):
    parts = content(kind)
    whole = np.frombuffer(base64.b64decode(parts[2][-1]), "<i2").copy()
    whole[:3] = -32768, 32767, 0  # all that an integer holds
    parts[2][-1] = base64.b64encode(whole.tobytes()).decode()
    model = sketchlib.load(written(tmp_path, parts, kind))
    magenta_json.write(model, tmp_path / f"again.{kind}.json")
    assert json.loads((tmp_path / f"again.{kind}.json").read_text()) == parts


def single(spread=1.0, n_mixtures=20, seed=0, far=1.0, kind=ConditionalDecoder):
    torch.manual_seed(seed)
    model = kind(("cat", "sun"), 20, 15.5, 9, 3, n_mixtures, weight_dropout=0.3).eval()
    with torch.no_grad():
        model.decoder.fc_params.weight.mul_(spread)
        model.decoder.fc_init_hc.bias.mul_(far)
    return model


def vae(seed=0, n_mixtures=20):
    torch.manual_seed(seed)
    return SketchVAE(("cat",), 20, 15.5, 6, 9, 4, n_mixtures).eval()


STARTS = pytest.mark.parametrize("first", [(0, 0, 0, 0, 0), (0, 0, 1, 0, 0)], ids=["sketch-rnn-js", "@magenta/sketch"])


def own_words(model, rows, condition):
    with torch.no_grad():
        whole = model.decoder(torch.cat([START, torch.tensor(rows).float()])[None], condition)
    return whole[0].roll(3, -1).numpy()


@STARTS
@pytest.mark.parametrize("word", ["cat", "sun"])
@pytest.mark.parametrize("kind", ["gen", "vae"])
def test_a_page_draws_a_class_of_a_single_model_as_it_does(kind, word, first, tmp_path):
    model, rows = single(), rows_of(8)
    magenta_json.write(model, tmp_path / f"a.{kind}.json", word)
    page = Page(tmp_path / f"a.{kind}.json")
    said = page.after(rows, () if kind == "gen" else [0.7], first)
    assert np.allclose(said, own_words(model, rows, model.draw_condition(word, 1, torch.Generator())), atol=5e-3)
    assert (page.info["name"], page.info["scale_factor"], page.info["max_seq_len"]) == (word, 15.5, 20)


@STARTS
def test_a_page_draws_and_encodes_as_a_vae_does(first, tmp_path):
    model, rows, z = vae(), rows_of(8), np.array([1.0, -0.5, 0.3, 2.0])
    magenta_json.write(model, tmp_path / "a.vae.json")
    page = Page(tmp_path / "a.vae.json")
    assert np.allclose(page.after(rows, z, first), own_words(model, rows, torch.tensor(z).float()[None]), atol=5e-3)
    batch = make_batch(sketch_set(2, ("cat",)), np.arange(2), model.scale)
    with torch.no_grad():
        mu, _ = model.encode(batch)
    for k, n in enumerate(batch.lengths):
        assert np.allclose(page.encode(batch.x[k, 1 : n + 2].double().numpy())[0], mu[k], atol=5e-3)


def test_what_is_written_is_read_again(tmp_path):
    for model, kind in ((single(), "gen"), (vae(), "vae"), (single(), "vae"), (Router({"cat": vae()}), "vae")):
        magenta_json.write(model, tmp_path / f"cat.{kind}.json", "cat", force=True)
        read = sketchlib.load(tmp_path / f"cat.{kind}.json")
        assert all(one.word == "cat" for one in sample(read, "cat", 3, n_max=5))


def far_model():
    model = single()
    with torch.no_grad():
        model.decoder.fc_init_hc.bias[9:] = 4.0  # cells that begin at 1
        model.decoder.lstm.bias_ih_l0[:27] = 4.0  # and take in more
    return model


def test_cells_that_zeros_do_not_reach_are_an_error_unless_they_are_cut(tmp_path):
    model, path = far_model(), tmp_path / "cat.gen.json"
    with pytest.raises(DataError, match=r"9 of 9 cells are up to 1\.\d\d after the first row.*write a \.vae\.json.*cut=True"):
        magenta_json.write(model, path, "cat")
    assert not path.exists()
    magenta_json.write(model, path, "cat", cut=True)
    magenta_json.write(model, tmp_path / "cat.vae.json", "cat")
    rows, wanted = rows_of(8), own_words(model, rows_of(8), model.draw_condition("cat", 1, torch.Generator()))
    assert np.allclose(Page(tmp_path / "cat.vae.json").after(rows, [0.0]), wanted, atol=5e-3)
    assert np.abs(Page(path).after(rows) - wanted).max() < 1


def heavy():
    model = single()
    with torch.no_grad():
        model.decoder.fc_params.weight[0, 0] = 10.5
    return model


def nan():
    model = vae()
    with torch.no_grad():
        model.encoder.fc_mu.weight[0, 0] = math.nan
    return model


class OtherCell(ConditionalDecoder):
    def __init__(self):
        super().__init__(("cat",), 20, 15.5, 9, 3, 20)
        self.decoder = torch.nn.Module()
        self.decoder.gru = torch.nn.GRU(5, 9)


UNFIT = {
    "a z": (vae, "a.gen.json", "has a latent vector.*write a .vae.json"),
    "another M": (lambda: single(n_mixtures=5), "a.gen.json", "M = 5.*M = 20"),
    "another M, VAE": (lambda: vae(n_mixtures=5), "a.vae.json", "M = 5.*M = 20"),
    "a weight beyond": (heavy, "a.gen.json", "a weight .* is 10.5.*from -10 to 10"),
    "NaN": (nan, "a.vae.json", "a weight .* is nan.*from -10 to 10"),
    "a place": (lambda: single(kind=ConditionalPlacedDecoder), "a.gen.json", "PlacedDecoder also reads where the pen is.*ONNX"),
    "a place, VAE": (lambda: single(kind=ConditionalPlacedDecoder), "a.vae.json", "PlacedDecoder also reads where the pen is.*ONNX"),
    "another cell": (OtherCell, "a.gen.json", "decoder of a OtherCell is no LSTM.*ONNX"),
    "another name": (single, "a.json", "name it .gen.json .* or .vae.json"),
    "no folder": (single, "file/a.gen.json", "could not be written"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_the_format_is_an_error_and_nothing_is_written(name, tmp_path):
    make, path, says = UNFIT[name]
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=says):
        magenta_json.write(make(), tmp_path / path, "cat")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_file_that_is_there_is_written_over_only_where_asked_for(tmp_path):
    path = tmp_path / "cat.gen.json"
    path.write_text("mine")
    with pytest.raises(DataError, match=r"cat\.gen\.json is there already.*force=True"):
        magenta_json.write(single(), path, "cat")
    assert path.read_text() == "mine"
    magenta_json.write(single(), path, "cat", force=True)
    assert sketchlib.load(path).classes == ("cat",)


def test_a_class_has_to_be_said_and_known(tmp_path):
    with pytest.raises(DataError, match="draws one class: say which as word=..., one of cat, sun"):
        magenta_json.write(single(), tmp_path / "a.gen.json")
    with pytest.raises(DataError, match="unknown class 'cas': did you mean 'cat'"):
        magenta_json.write(single(), tmp_path / "a.gen.json", "cas")


# --- files that are no models ---


def altered(change, kind="gen"):
    parts = content(kind)
    change(parts)
    return parts


def info(**values):
    return lambda parts: parts[0].update(values)


def put(at, *keys, kind=None):
    def change(parts):
        for key in keys[:-1]:
            parts = parts[key]
        parts[keys[-1]] = at

    return change


BAD = {
    "a number": (lambda: 3, "expected a list of info, dimensions and blobs"),
    "two parts": (lambda: content("gen")[:2], "expected a list of info"),
    "no dimensions": (lambda: altered(put([], 1)), "dimensions of 0 blobs; a .gen.json has 5"),
    "a blob less": (lambda: altered(lambda parts: parts[2].pop()), "dimensions of 5 blobs, and 4 blobs"),
    "sizes of text": (lambda: altered(put(["7", 123], 1, 0)), "no lists of one or two whole numbers"),
    "a size of 0": (lambda: altered(put([0, 123], 1, 0)), "whole numbers above 0"),
    "a size true": (lambda: altered(put([True, 123], 1, 0)), "whole numbers above 0"),
    "a huge size": (lambda: altered(put([10**15, 123], 1, 0)), "whole numbers above 0"),
    "sizes for terabytes": (
        lambda: [content("gen")[0], [list(s) for s in magenta.shapes(10**6)], [""] * 5],
        "is not 246000000 bytes in base64",
    ),
    "another size": (lambda: altered(put([8, 123], 1, 0)), r"blob 3 has dimensions \[5, 28\]|blob 2 has dimensions \[5, 28\]; \[5, 32\]"),
    "another M": (lambda: altered(put([7, 63], 1, 0)), r"blob 0 has dimensions \[7, 63\]; \[7, 123\].* M = 20"),
    "no text": (lambda: altered(put(5, 2, 1)), "not 246 bytes in base64"),
    "a blob cut": (lambda: altered(lambda parts: put(parts[2][1][:-4], 2, 1)(parts)), "not 246 bytes in base64"),
    "not base64": (lambda: altered(lambda parts: put("*" * len(parts[2][1]), 2, 1)(parts)), "is not base64"),
    "not ASCII": (lambda: altered(lambda parts: put("é" * len(parts[2][1]), 2, 1)(parts)), "is not base64"),
    "the mode of a VAE": (lambda: altered(info(mode=1)), "mode 1 does not go with 5 blobs"),
    "no mode": (lambda: altered(lambda parts: parts[0].pop("mode")), "mode None does not go"),
    "the mode of a decoder": (lambda: altered(info(mode=2), "vae"), "mode 2 does not go with 17 blobs"),
    "an old VAE": (lambda: altered(info(version=5), "vae"), "version 5 of a VAE; only version 6"),
    "no name": (lambda: altered(info(name="")), "name is ''"),
    "a long name": (lambda: altered(info(name="x" * 10**6)), "name is 'xxxxxxxxxxxxxxxxxxxx'"),
    "no rows": (lambda: altered(info(max_seq_len=0)), "max_seq_len is 0; expected a whole number from 1"),
    "rows without end": (lambda: altered(info(max_seq_len=10**12)), "max_seq_len is 1000000000000"),
    "half rows": (lambda: altered(info(max_seq_len=1.5)), "max_seq_len is 1.5"),
    "no scale": (lambda: altered(info(scale_factor=0)), "scale_factor is 0; expected a number above 0"),
    "a scale of text": (lambda: altered(info(scale_factor="7")), "scale_factor is 7"),
    "NaN": (lambda: altered(info(scale_factor=math.nan)), "it holds NaN, which is no number"),
    "infinite": (lambda: altered(info(scale_factor=math.inf)), "it holds Infinity"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_none_is_named_with_what_is_wrong(name, tmp_path):
    make, says = BAD[name]
    path = written(tmp_path, make())
    with pytest.raises(DataError, match=rf"bird\.gen\.json is not a file of the sketch-rnn-js format \(.*({says}).*get the file again"):
        sketchlib.load(path)


@pytest.mark.parametrize(
    "whole", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'[{}, [], ["' + b"A" * 100, b"[1e999, " + b"9" * 5000 + b"]"]
)
def test_garbage_is_refused(whole, tmp_path):
    (tmp_path / "bird.gen.json").write_bytes(whole)
    with pytest.raises(DataError, match=r"bird\.gen\.json is not a file of the sketch-rnn-js format"):
        sketchlib.load(tmp_path / "bird.gen.json")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_at_any_byte_is_refused(share, tmp_path):
    whole = json.dumps(content("vae", 2, 2, 2)).encode()
    (tmp_path / "bird.vae.json").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"bird\.vae\.json is not a file of the sketch-rnn-js format"):
        magenta_json.read(tmp_path / "bird.vae.json")


def test_a_file_too_large_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(magenta_json, "MAX_BYTES", 2**20)
    (tmp_path / "bird.gen.json").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(DataError, match="larger than 1 MiB"):
        sketchlib.load(tmp_path / "bird.gen.json")


def test_a_path_without_a_file_is_named(tmp_path):
    (tmp_path / "bird.gen.json").mkdir()
    with pytest.raises(DataError, match=r"bird\.gen\.json could not be read"):
        magenta_json.read(tmp_path / "bird.gen.json")
    with pytest.raises(DataError, match=r"dog\.gen\.json does not exist; give .*\.gen\.json"):
        sketchlib.load(tmp_path / "dog.gen.json")
