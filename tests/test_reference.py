"""The benchmark's reference implementation has the library's results: what differs between the two is how fast they come."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import busy
import files
import numpy as np
import pytest
import reference
import reference_pictures
import run
import table
import torch
import world
from scipy.spatial.distance import directed_hausdorff
from synthetic import rows, sketch_set, terms_of

from sketchlib import sampling
from sketchlib.data import dataset, quickdraw
from sketchlib.data.batches import make_batch
from sketchlib.data.npz import read_npz
from sketchlib.models.mixture import split_parameters, temper
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.strokes import RDP_EPSILON, from_stroke3, resample

ROOT = Path(__file__).resolve().parent.parent
SCALE, N_MAX, INDEX = 20.0, 16, (0, 7, 33, 41)
SETS = sketch_set()


def single(seed=0):
    torch.manual_seed(seed)
    return ConditionalDecoder(SETS.classes, N_MAX, SCALE, hidden_size=8, embedding_size=3, n_mixtures=3)


def vae(seed=0):
    torch.manual_seed(seed)
    return SketchVAE(("cat",), N_MAX, SCALE, encoder_size=6, decoder_size=8, latent_size=4, n_mixtures=3)


def both_batches():
    """One batch as the library makes it, and as the reference does: padded to N_max."""
    arrays = [SETS[i] / np.float32([SCALE, SCALE, 1]) for i in INDEX]
    return make_batch(SETS, INDEX, SCALE), reference.make_batch(arrays, N_MAX)


def noise(seed=3):
    return torch.Generator().manual_seed(seed)


def losses(kind, epsilon=0.0):
    """The two losses on one batch, and the two models."""
    batch, (padded, lengths) = both_batches()
    if kind == "single":
        model = single()
        other = reference.Single(model)
        return terms_of(model, batch)["loss"], other.loss(padded, lengths, batch.labels), model, other
    model = vae()
    other = reference.VAE(model)
    return terms_of(model, batch, 0.4, noise())["loss"], other.loss(padded, lengths, 0.4, noise(), epsilon), model, other


def test_the_reference_batch_is_the_same_one_with_end_rows_up_to_n_max():
    batch, (padded, lengths) = both_batches()
    longest = batch.x.shape[1] - 1
    assert lengths == batch.lengths.tolist() and padded.shape[1] == N_MAX + 1 > longest
    assert torch.equal(padded[:, :longest], batch.x[:, 1:])
    assert (padded[:, longest:] == torch.tensor([0.0, 0, 0, 0, 1])).all()


@pytest.mark.parametrize("kind", ["single", "vae"])
def test_the_loss_is_the_same(kind):
    mine, theirs, _, _ = losses(kind)
    assert abs((mine - theirs).item()) < 1e-5


@pytest.mark.parametrize("kind", ["single", "vae"])
def test_the_gradients_are_the_same(kind):
    mine, theirs, model, other = losses(kind)
    mine.backward()
    theirs.backward()
    wanted = reference.one_bidirectional({name: p.grad for name, p in model.named_parameters()})
    found = {name: p.grad for name, p in other.named_parameters()}
    assert wanted.keys() == found.keys() and any(grad.abs().max() > 1e-3 for grad in found.values())
    for name, grad in found.items():
        assert torch.allclose(grad, wanted[name], atol=1e-6, rtol=1e-4), name


def test_what_the_ports_add_inside_the_logarithm_lowers_the_loss():
    exact, shifted = losses("vae", 0.0)[1], losses("vae", reference.EPSILON)[1]
    assert shifted < exact - 1e-6


def test_at_temperature_zero_both_draw_the_same_sketch():
    model = single(2).eval()
    mine = sampling.sample(model, "sun", 1, 0.0, 0)[0].stroke3
    theirs = reference.sample_one(reference.Single(model), 1, 1e-12, np.random.default_rng(0))
    assert len(mine) and np.allclose(mine, from_stroke3(theirs).stroke3, atol=1e-3)


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_both_temper_probabilities_alike(temperature):
    raw = torch.randn(1, 6 * 5 + 3, generator=noise())
    mixture = split_parameters(raw)
    wanted = reference.adjusted(mixture.log_pi.exp()[0].numpy(), temperature)
    assert np.allclose(temper(mixture, temperature).log_pi.exp()[0].numpy(), wanted, atol=1e-6)


def test_sketches_of_both_are_equally_long_on_average():
    model = single().eval()
    mine = np.array([len(d.stroke3) for d in sampling.sample(model, "cat", 4000, 0.7, 1)])
    other, rng = reference.Single(model), np.random.default_rng(1)
    theirs = np.array([len(reference.sample_one(other, 0, 0.7, rng)) for _ in range(400)])
    assert abs(mine.mean() - theirs.mean()) < 5 * np.hypot(mine.std() / 4000**0.5, theirs.std() / 400**0.5)


def drawings(n=30, low=12, high=30):
    rng = np.random.default_rng(0)
    return [from_stroke3(rows(rng, int(rng.integers(low, high))), "cat") for _ in range(n)]


def in_box(drawing):
    left, top, _, _ = drawing.bounds()
    return [(stroke - np.float32([left, top])).round().astype(int).clip(0, 255).T for stroke in drawing.strokes]


def write(folder, kind):
    strokes = [in_box(drawing) for drawing in drawings()]
    if kind == "npz":
        world.write_npz(folder / "cat.npz", [d.stroke3.astype(np.int16) for d in drawings()])
    elif kind == "bin":
        (folder / "cat.bin").write_bytes(b"".join(map(world.binary_of, strokes)))
    else:
        shapes = [[world.as_raw(s) for s in one] for one in strokes] if kind == "raw" else strokes
        world.write_lines(folder / "cat.ndjson", [world.line_of(one) for one in shapes], len(shapes))
    return next(folder.glob("cat.*"))


READERS = {
    "npz": (read_npz, reference.load_npz),
    "simplified": (quickdraw.read_simplified, reference.load_ndjson),
    "bin": (quickdraw.read_binary, reference.load_binary),
}


@pytest.mark.parametrize("kind", READERS)
def test_both_read_the_same_drawings(kind, tmp_path):
    path = write(tmp_path, kind)
    mine, theirs = (list(read(path)) for read in READERS[kind])
    assert len(mine) == len(theirs) == 30
    for drawing, rows_ in zip(mine, theirs, strict=True):
        assert np.array_equal(drawing.stroke3, rows_)


def test_both_simplify_raw_drawings_to_the_same_lines(tmp_path):
    """A tie or a rounding may go either way, so lines are compared: each is within the tolerance, and half a unit of rounding, of one."""
    path = write(tmp_path, "raw")
    pairs = zip(quickdraw.read_raw(path), map(from_stroke3, reference_pictures.load_raw(path)), strict=True)
    for mine, theirs in pairs:
        theirs = theirs.shifted(*mine.strokes[0][0])
        dots = sum(not np.ptp(stroke, axis=0).any() for stroke in mine.strokes)  # two equal points here, one there
        assert len(mine.strokes) == len(theirs.strokes) and abs(mine.n_points - dots - theirs.n_points) <= 2
        a, b = (np.concatenate([resample(stroke) for stroke in d.strokes]) for d in (mine, theirs))
        assert max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]) < 2 * (RDP_EPSILON + 0.5**0.5)


def test_both_purify_and_scale_alike(tmp_path):
    path = write(tmp_path, "simplified")
    kept = dataset.purify(dataset.SketchSet.from_drawings({"cat": quickdraw.read_simplified(path)}), 10, 25, 20)
    arrays, scale = reference.preprocess(reference.load_ndjson(path), 10, 25, 20)
    assert scale == pytest.approx(dataset.data_scale_factor(kept), rel=1e-6) and 20 <= len(kept) == len(arrays) < 30
    for i, array in enumerate(arrays):
        assert np.allclose(array[:, :2] * scale, kept[i][:, :2], atol=1e-3)


def test_the_reference_animation_shows_four_drawings_growing(tmp_path):
    from PIL import Image

    reference_pictures.animate(drawings(4), tmp_path / "a.gif", 5)
    with Image.open(tmp_path / "a.gif") as gif:
        dark = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            dark.append(int((np.asarray(gif.convert("L")) < 128).sum()))
    assert len(dark) == 5 and dark == sorted(dark) and dark[0] < dark[-1]


# --- the command ---


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """What a run of some rows on synthetic files writes and prints."""
    folder = tmp_path_factory.mktemp("data")
    for name in quickdraw.TEN_CLASSES:
        strokes = [files.line_of([stroke.tolist() for stroke in in_box(d)], name) for d in drawings()]
        files.ndjson(folder / f"{name}.ndjson", *strokes)
    out = folder / "out.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--quick", "--rows", "load_ndjson,batching", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SKETCHLIB_DATA": str(folder)})
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text(encoding="utf-8")), done.stdout


def test_a_run_says_what_it_measured_and_on_what(result):
    found, printed = result
    assert list(found["rows"]) == ["load_ndjson", "batching"] and found["made"]["quick"] is True
    assert found["drawings"]["drawings"] == 300 and {"commit", "cpu", "threads", "date", "torch"} <= found["made"].keys()
    for row in found["rows"].values():
        assert row["what"] in printed and row["differ"] < 1e-5
        assert row["ratio"]["low"] <= row["ratio"]["median"] <= row["ratio"]["high"]
        sides = row["library"]["median"], row["reference"]["median"]
        assert all(value > 0 for value in (*sides, found["ceiling"]["median"]))


def test_an_unknown_row_is_refused_with_the_known_ones():
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--rows", "train_singel"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode and "train_singel" in done.stderr and "train_single," in done.stderr


def test_busy_rows_ask_that_the_quiet_rate_is_not_many_times_the_other():
    asked, found = {"busy": 2.5}, {"ratio": {"median": 2.4}, "library": {"median": 9}}
    assert run.reached(asked, found)[0]["reached"] and not run.reached(asked, {"ratio": {"median": 2.6}})[0]["reached"]
    assert "at most 2.5 times slower" in table.target(run.reached(asked, found)[0])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell what a process does")
def test_the_other_work_goes_on_beside_the_work_and_no_longer():
    def stopped():
        return [Path(f"/proc/{process.pid}/stat").read_text().rsplit(")")[-1].split()[0] == "T" for process in busy.others()]

    def soon(wanted):
        until = time.monotonic() + 10
        while stopped() != wanted and time.monotonic() < until:
            time.sleep(0.01)
        return stopped() == wanted

    cores = os.cpu_count()
    assert soon([True] * cores)
    assert busy.beside_others(lambda: soon([False] * cores))
    assert soon([True] * cores)


@pytest.mark.parametrize(
    "path", [p for p in sorted((ROOT / "benchmarks" / "results").glob("*.json")) if p.stem != "quality"], ids=lambda p: p.stem
)
def test_kept_figures_are_of_a_whole_run_and_make_a_table(path):
    kept = json.loads(path.read_text(encoding="utf-8"))
    source = (ROOT / "benchmarks" / "run.py").read_text(encoding="utf-8")
    whole, beside = (set(re.findall(rf"(?:{files})\.([a-z]\w*)[,\]]", source)) for files in ("rows|gains", "busy"))
    whole -= {"complete_100"} - set(kept["rows"])  # which came after what is kept
    assert kept["made"]["quick"] is False and beside and set(kept["rows"]) in (whole, beside, whole | beside)
    assert all(len(line) == len(table.HEAD) for line in table.rows_of(kept))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell a process its peak memory")
def test_the_memory_of_a_row_is_that_of_its_data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in quickdraw.TEN_CLASSES:
        files.ndjson(folder / f"{name}.ndjson", *[world.line_of(in_box(d)).strip() for d in drawings()])
    monkeypatch.setenv("SKETCHLIB_DATA", str(folder))
    world.prepare(tmp_path, 300, 6000)
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--memory-of", "load_many", "library", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    points = 6000 * 20 * 3 * 2 / 1e6  # MB of int16 rows, some 20 a drawing
    assert points < json.loads(done.stdout) < 100 * points
