"""The page's script draws as torch does: golden vectors that `node --test` reads, written here; rounding and its cost."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from synthetic import sketch_set

from sketchlib import TEN_CLASSES, sampling
from sketchlib.data.doodles import doodles
from sketchlib.errors import DataError
from sketchlib.models.conditional_vae import ConditionalVAE
from sketchlib.models.mixture import pen_nll, split_parameters, stroke_nll
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.transformer import ConditionalTransformer
from sketchlib.models.vae import SketchVAE
from sketchlib.pictures import live, sentence
from sketchlib.strokes import Drawing, simplify, to_stroke3, to_stroke5

SENTENCES = {  # read and refused alike by the page and by Python
    "read": [
        ("two cats and an apple", [(2, "cat"), (1, "apple")]),
        ("A CAT, 3 suns, and twenty radios.", [(1, "cat"), (3, "sun"), (20, "radio")]),
        ("a couple of pigs & a dozen candles", [(2, "pig"), (12, "candle")]),
        ("two dozen alarm clocks, a pair of faces", [(24, "alarm clock"), (2, "face")]),
        ("the two cats with planes", [(2, "cat"), (2, "airplane")]),
        ("an alarmclock and a smiley face", [(1, "alarm clock"), (1, "face")]),
        ("cat cat cat", [(1, "cat")] * 3),
        ("three faces and a sun.", [(3, "face"), (1, "sun")]),
        ("eleven pigs, a dozen apples!", [(11, "pig"), (12, "apple")]),
        ("  cats ,and;then\tone\ncar ? ", [(2, "cat"), (1, "car")]),
        ("007 cats", [(7, "cat")]),
        ("two pairs of kitties", [(4, "cat")]),
        ("sun " * 60, [(1, "sun")] * 60),
    ],
    "refused": {  # what both say of it, but for quotation marks
        "two catz": "catz is not understood",
        "a cat, two dogs": "dogs is not understood",
        "a big red cat": "big red is not understood",
        "a cat on a car": "on is not understood",
        "no cats": "no is not understood",
        "-1 cats": "-1 is not understood",
        "two two cats": "two is not understood",
        "cats' ears": "cats' ears is not understood",
        "\u0663 cats": "\u0663 is not understood",  # an Arabic three
        "2\u00bd cats": "2\u00bd is not understood",
        "ein \u00c4pfel \U0001f431": "ein \u00e4pfel \U0001f431 is not understood",
        "constructor": "constructor is not understood",
        "two cats and three": "three of what",
        "1.5 cats": "1 of what",
        "a couple of": "a couple of of what",
        "two thousand": "thousand is not understood",
        "": "names nothing to draw",
        " , and": "names nothing to draw",
        "0 cats": "asks for 0 drawings",
        "a cat and 0 suns": "asks for 1 drawings",
        "61 cats": "asks for 61 drawings",
        "40 cats and 40 suns": "asks for 80 drawings",
        "123456789012 cats": "asks for 123,456,789 drawings",
        "cat " * 500: "asks for 500 drawings",
        "x" * 5000: "x is not understood",
    },
}
NODE = shutil.which("node")


def models():
    """One small model of each architecture, with weights that are large enough to draw something."""
    torch.manual_seed(0)
    single, placed = (kind(["cat", "sun"], 30, 20.0, 18, 6, 4) for kind in (ConditionalDecoder, ConditionalPlacedDecoder))
    vae = SketchVAE(["cat"], 30, 25.0, encoder_size=7, decoder_size=18, latent_size=5, n_mixtures=4)
    attentive = ConditionalTransformer(["cat", "sun"], 30, 20.0, hidden_size=12, embedding_size=6, n_mixtures=4, layers=2, heads=3)
    for one, std in ((single, 0.4), (placed, 0.15), (vae, 0.4), (attentive, 0.15)):  # larger ones make a chaos of what rounding leaves
        for weights in one.parameters():
            torch.nn.init.normal_(weights, std=std)
        one.state_dict()["decoder.fc_params.bias"][-1] = -2.5  # so that they do not end at once
    return {"single": single.eval(), "placed": placed.eval(), "vae": vae.eval(), "transformer": attentive.eval()}


def condition_of(model, word):
    return model.draw_condition(word, 1, torch.Generator().manual_seed(3))


@torch.no_grad()
def golden(model, word):
    """Parameters of three rows, the state after them, drawings with the random numbers that made them, and log p of a beginning."""
    condition, rows = condition_of(model, word), torch.tensor([[0.0, 0, 1, 0, 0], [0.7, -0.2, 0, 1, 0], [-1.1, 0.4, 1, 0, 0]])
    state, parameters = model.decoder.start(condition), []
    for row in rows:
        found, state = model.decoder.step(row[None], state)
        parameters.append(found[0].tolist())
    beginning = [[12.0, 3.0, 0.0], [-4.0, 9.0, 1.0], [6.0, 6.0, 0.0]]
    hows = [(0.4, None, []), (1.0, None, []), (1.0, 0.5, []), (0.0, None, []), (0.4, None, beginning), (0.0, None, beginning)]
    return {
        "word": word,
        "z": condition[0].tolist() if model.latent_size else None,
        "rows": rows.tolist(),
        "parameters": parameters,
        "state": state_of(state),
        "drawings": [drawing(model, condition, seed, *how) for seed, how in enumerate(hows)],
        "beginning": beginning,
        "logLikelihood": log_likelihood(model, condition, beginning),
    }


def state_of(state):
    """A state's parts as the page lays them out; keys and values row after row for each layer."""
    parts = state._asdict()
    if "keys" in parts:
        caches = {name: [layer.transpose(0, 1).flatten().tolist() for layer in parts[name][0]] for name in ("keys", "values")}
        return {"pen": state.pen[0].tolist(), "bias": state.bias[0].tolist(), **caches}
    return {name: part[0].tolist() for name, part in parts.items() if name not in ("from_row", "from_state")}  # weights, not state


def rows_of(model, stroke3):
    """Rows as a decoder reads them, (P, 5)."""
    return torch.from_numpy(to_stroke5(np.array(stroke3)))[:-1] / torch.tensor([model.scale, model.scale, 1, 1, 1])


def drawing(model, condition, seed, temperature, pen_temperature, beginning):
    """A drawing of torch's, or how it goes on with a beginning, and the random numbers that it was made from."""
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(model.n_max, 1, 2, generator=generator)
    normal = torch.randn(model.n_max, 1, 2, generator=generator)
    again = torch.Generator().manual_seed(seed)
    prefix = rows_of(model, beginning)[None] if beginning else None
    moves, pens = sampling.sample_rows(model.decoder, condition, model.n_max, temperature, again, pen_temperature, prefix=prefix)
    ended = (pens[0] == 2).nonzero()
    n = int(ended[0]) if len(ended) else model.n_max
    assert n > 5
    rows = torch.cat([moves[0, :n] * model.scale, pens[0, :n, None]], -1).tolist()
    random = [[u.tolist(), e.tolist()] for u, e in zip(uniform[:, 0], normal[:, 0], strict=True)]
    return {"temperature": temperature, "penTemperature": pen_temperature, "beginning": beginning, "random": random, "stroke3": rows}


def log_likelihood(model, condition, beginning):
    """log p in data units, the pen of the last point left out."""
    rows = rows_of(model, beginning)
    start = torch.tensor([[0.0, 0, 1, 0, 0]])
    mixture = split_parameters(model.decoder(torch.cat([start, rows[:-1]])[None], condition)[0])
    pen = pen_nll(mixture, rows[:, 2:])[:-1].sum()
    points = stroke_nll(mixture, rows[:, 0], rows[:, 1]) + 2 * np.log(model.scale)
    return -float(points.sum() + pen)


def raw_strokes():
    """Strokes as a hand makes them: noisy, with dots, doubled points, a turn back on itself, and an empty stroke."""
    rng = np.random.default_rng(0)
    walks = [[np.cumsum(rng.normal(0, 6, (n, 2)), 0).round(1).tolist() for n in rng.integers(1, 120, 4)] for _ in range(6)]
    made = [[one[:, :].tolist() for one in d.strokes] for word in doodles(["cat", "sun"], 3, 0).values() for d in word]
    halves = [[[0, 0], [255, 0.5], [10.5, 255], [11.5, 1.5]]]
    odd = [halves, [[[5, 5]]], [[[5, 5], [5, 5]], [[9, 1]]]]
    odd += [[[[0, 0], [0, 100], [0, 60]]], [[[1, 2]], [[3, 4]]], [[[0, 0], [3, 4], [6, 8]], []]]
    return walks + made + odd


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory):
    """The script and the golden vectors as files."""
    folder, found = tmp_path_factory.mktemp("page"), []
    for name, model in models().items():
        one = {"name": name, "packed": live.packed(model, bits=32), **golden(model, "cat")}
        if model.latent_size:
            shown = doodles(["cat"], 1, 0)["cat"][0]
            one |= {"drawing": [s.tolist() for s in shown.strokes], "mu": sampling.encode(model, [shown])[0].tolist()}
        found.append(one)
    simple = [simplify(Drawing(strokes)) for strokes in raw_strokes()]
    rows = [[[*map(float, row)] for row in to_stroke3(one)] for one in simple]
    parts = [
        {"raw": raw, "simple": [s.tolist() for s in one.strokes], "stroke3": stroke3}
        for raw, one, stroke3 in zip(raw_strokes(), simple, rows, strict=True)
    ]
    both = {"models": found, "simplified": parts, "sentences": SENTENCES, "classes": TEN_CLASSES}
    (folder / "fixtures.json").write_text(json.dumps(both))
    (folder / "script.js").write_text(live.script())
    return folder


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_script_does_what_torch_does(fixtures):
    places = {"SKETCH_SCRIPT": str(fixtures / "script.js"), "SKETCH_FIXTURES": str(fixtures / "fixtures.json")}
    command = [NODE, "--test", "--test-reporter=tap", str(Path(__file__).with_name("page.test.mjs"))]
    done = subprocess.run(command, env=places, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]


FILM = """const page = new Function(`${require("fs").readFileSync(process.argv[1], "utf8")}; return sketchpage;`)();
const { frames, width, height, palette } = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(page.gifOf(frames, width, height, palette));"""


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize(("size", "colors"), [((1, 1), 4), ((7, 5), 4), ((90, 80), 16), ((130, 110), 256)])
def test_pillow_reads_a_film_of_the_page_to_the_last_pixel(fixtures, size, colors):
    rng = np.random.default_rng(colors)
    noise, flat = rng.integers(0, colors, size[::-1]), np.full(size[::-1], colors - 1)  # the noise fills the table of codes
    palette = rng.integers(0, 256, (colors, 3))
    frames = [{"indices": one.ravel().tolist(), "hundredths": 7} for one in (noise, flat)]
    asked = {"frames": frames, "width": size[0], "height": size[1], "palette": palette.tolist()}
    command = [NODE, "-e", FILM, str(fixtures / "script.js")]
    done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with Image.open(io.BytesIO(done.stdout)) as film:
        found = [np.asarray(one.convert("RGB")) for one in ImageSequence.Iterator(film)]
        assert film.info["duration"] == 70 and film.info["loop"] == 0
    assert all((a == palette[b]).all() for a, b in zip(found, (noise, flat), strict=True))


@pytest.mark.parametrize(("bits", "share"), [(8, 1 / 127), (16, 1 / 32767), (32, 0)])
def test_a_weight_comes_back_to_half_a_step_of_its_row(bits, share):
    for model in models().values():
        tensors = live.packed(model, bits)["tensors"]
        for name, weights in model.state_dict().items():
            found, weights = live.unpacked(tensors[name]), weights.numpy()
            row = np.abs(weights).max(-1, keepdims=True) if weights.ndim == 2 else 0
            assert tensors[name]["bits"] == (32 if weights.ndim < 2 else max(bits, 16) if "weight_ih" in name else bits)
            assert found.dtype == np.float32 and (np.abs(found - weights) <= row * share * 0.5001 + 1e-7).all()


def test_a_row_of_zeros_stays_one():
    model = models()["single"]
    torch.nn.init.zeros_(model.embedding.weight)
    assert (live.unpacked(live.packed(model)["tensors"]["embedding.weight"]) == 0).all()


def test_other_numbers_of_bits_are_refused():
    with pytest.raises(DataError, match="bits is 4"):
        live.packed(models()["single"], bits=4)


def test_rounding_costs_nothing_at_32_bits_and_less_the_more_bits_there_are():
    model, sketches = models()["single"], sketch_set()
    costs = {bits: live.rounding_cost(model, sketches, bits) for bits in (8, 16, 32)}
    assert costs[32].before == costs[32].after == costs[8].before
    assert abs(costs[16].after - costs[16].before) < abs(costs[8].after - costs[8].before) < 0.1
    assert costs[8].bytes < costs[16].bytes < costs[32].bytes


def test_a_script_is_plain_text_that_gives_its_model_by_name():
    text = live.weights_script('a "name"', models()["vae"])
    assert text.isascii() and text.startswith('(self.sketchWeights ??= {})["a \\"name\\""] = {') and text.endswith("};\n")


def test_python_reads_the_same_sentences():
    for text, expected in SENTENCES["read"]:
        assert sentence.read_sentence(text, TEN_CLASSES) == expected
    drawer = ConditionalDecoder(TEN_CLASSES, 12, 20.0, hidden_size=4, embedding_size=2, n_mixtures=1)
    for text, said in SENTENCES["refused"].items():
        with pytest.raises(DataError) as error:
            sentence.scene(text, drawer)
        assert said.replace("'", "") in str(error.value).replace("'", "").replace('"', ""), text


def test_the_page_without_weights_is_small_and_its_models_are_beside_it(tmp_path):
    vae = models()["vae"]
    made = {"single": models()["single"]}
    for name in TEN_CLASSES:
        made[name] = SketchVAE([name], **{key: value for key, value in vae.config().items() if key != "classes"})
    sizes = live.write_live(tmp_path, made)
    assert sizes["sketch.js"] < 200_000
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(sizes) == sorted(["sketch.js", *(f"{name}.js" for name in made)])


def test_models_that_the_page_cannot_draw_with_are_refused_before_anything_is_written(tmp_path):
    model = ConditionalVAE(["cat"], 10, 1.0, encoder_size=4, decoder_size=4, latent_size=2, n_mixtures=2, embedding_size=2)
    with pytest.raises(DataError, match="ConditionalVAE, only with a .*ConditionalTransformer or a ConditionalPlacedDecoder"):
        live.write_live(tmp_path, {"one": model})
    assert not list(tmp_path.iterdir())
