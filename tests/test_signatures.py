"""Every public function answers what it cannot use with a `DataError`, for each argument in turn, whatever functions there will be."""

import inspect
import math
import pkgutil
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from files import binary, line_of, ndjson, npz, stroke3
from synthetic import sketch_set

import sketchlib
from sketchlib.completion import beginning_of
from sketchlib.data.dataset import SketchSet
from sketchlib.data.formats import write
from sketchlib.errors import DataError
from sketchlib.metrics.judges import train_second_judge
from sketchlib.metrics.recogniser import Recogniser
from sketchlib.models import magenta_json
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.models.weights import save
from sketchlib.pictures.animation import grid_film
from sketchlib.pictures.scene import compose
from sketchlib.pictures.study import Trial
from sketchlib.settings import Settings
from sketchlib.strokes import Drawing
from sketchlib.train import fit

NOT_THE_LIBRARY = ("report", "commands", "__main__")  # commands: click checks what they are given
# What only checked functions call, once a row, a batch or a drawing, or what checks others; a module or a function.
INNER = {"arguments", "errors", "settings", "polylines", "distributed", "guidance", "data.hand", "data.reading", "data.batches"}
INNER |= {"limits", "data.pickles", "data.writing", "models.magenta", "models.placed", "metrics.likelihood.on_grid"}
INNER |= {f"completion.{name}" for name in ("box_of", "log_evidence", "read_batch", "forced_nats")} | {
    "sampling.rivals_of",
    "pictures.live.unpacked",
    "pictures.live.about",
}
INNER |= {"models.mixture", "models.decoder", "models.gist", "models.lstm", "models.transformer.attend", "models.vae.kl_divergence"}
INNER |= {"metrics.raster.segments", "metrics.raster.fit_to_frame"}
INNER |= {"files.named_folder", "files.locked", "files.trainings_before"}
INNER |= {f"pictures.interactives.{name}" for name in ("script", "module", "on_page")}
INNER |= {f"svg.{name}" for name in ("svg_path", "view_box", "still_svg")}
INNER |= {f"train.{name}" for name in ("precision_on", "tell_precision", "make_schedule", "weight_of", "order_from", "clip_parts")}
INNER |= {"train.train_step", "train.validate", "sampling.sample_rows", "sampling.check_temperature", "sampling.to_drawings"}
INNER |= {"metrics.likelihood.evaluating", "metrics.likelihood.importance_bound", "pictures.draw.shape_of"}
INNER |= {f"pictures.animation.{name}" for name in ("segments_of", "steps_of", "scaled")}
INNER |= {f"data.doodles.{name}" for name in ("airplane", "alarm_clock", "apple", "candle", "car", "cat", "face", "pig", "radio", "sun")}


def public():
    """Name -> function, of all modules of the library but those of the report and the commands."""
    found = {}
    for one in pkgutil.walk_packages(sketchlib.__path__, "sketchlib."):
        module = one.name.partition(".")[2]
        if module.startswith(NOT_THE_LIBRARY):
            continue
        for name, value in vars(import_module(one.name)).items():
            own = inspect.isfunction(value) and value.__module__ == one.name and not name.startswith("_")
            if own and not {module, f"{module}.{name}"} & INNER:
                found[f"{module}.{name}"] = value
    return found


PUBLIC = public()
METHODS = [
    (Drawing, "shifted"),
    (Drawing, "svg"),
    (SketchSet, "drawings"),
    (SketchSet, "label"),
    (SketchSet, "only"),
    (SketchSet, "are_of"),
]
METHODS += [(SketchSet, "joined"), (SketchSet, "save"), (SketchSet, "load"), (SketchSet, "from_drawings")]


def drawing(word="cat", shift=0.0):
    return Drawing(([[0, 0], [30 + shift, 40], [5, 9]], [[10, 5]], [[3, 3], [20, 8 + shift]]), word)


CAT, SUN = drawing(), drawing("sun", 7.0)
BOTH = {"cat": [CAT, drawing(shift=3.0)], "sun": [SUN, drawing("sun", 20.0)]}
SKETCHES = sketch_set(30)
SIZES = dict(n_max=12, scale=10.0, n_mixtures=2)
SINGLE = ConditionalDecoder(["cat", "sun"], hidden_size=8, embedding_size=4, **SIZES).eval()
VAE = SketchVAE(["cat"], encoder_size=4, decoder_size=8, latent_size=4, **SIZES).eval()
for model in (SINGLE, VAE):
    torch.nn.init.constant_(model.decoder.fc_params.bias[-1:], -20.0)  # no drawing ends at once
TWENTY = ConditionalDecoder(["cat"], n_max=12, scale=10.0, hidden_size=4, embedding_size=2, n_mixtures=20)  # as sketch-rnn-js takes it
JUDGE = Recogniser(["cat", "sun"], 16, 2).eval()
FEATURES = np.random.default_rng(0).normal(size=(12, 3))
SCORE = SimpleNamespace(value=1.0, low=0.5, high=1.5)
BOX = (0.0, 1.0, 1.0, 0.0)

EMPTY, BROKEN = Drawing(()), Drawing(([[math.nan, 0], [1, math.inf]],))
BAD = [None, "x", b"x", "", 0, -1, 2.5, 2**70, 1e300, math.nan, math.inf, True, object(), print, Path("nowhere") / "x", "a\0b"]
BAD += [[], {}, (), [None], ["x"], [math.nan], [1, 2], {"cat": None}, {"cat": []}, {None: 1}, np.zeros((0, 2)), np.full((2, 3), np.nan)]
BAD += [np.array(["x"]), torch.full((2,), math.nan), EMPTY, BROKEN, [EMPTY], [BROKEN], {"cat": [EMPTY]}, {"cat": [BROKEN]}, sketch_set(0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a file of every kind that is read."""
    folder = tmp_path_factory.mktemp("files")
    ndjson(folder / "cat.ndjson", *[line_of([[[0, 10, 20], [5, 5, 9]]])] * 3)
    ndjson(folder / "raw.ndjson", line_of([[[0, 10, 20], [5, 5, 9], [0, 1, 2]]]))
    (folder / "cat.bin").write_bytes(binary([[(0, 0), (3, 4)]]))
    npz(folder / "cat.npz", [stroke3(4)])
    save(SINGLE, folder / "model.safetensors", {"config": SINGLE.config()})
    save(VAE, folder / "router" / "cat.safetensors")
    save(JUDGE, folder / "judge.safetensors")
    magenta_json.write(TWENTY, folder / "cat.gen.json")
    write([CAT], folder / "cat.json")
    write(CAT, folder / "cat.svg")
    SKETCHES.save(folder / "set")
    fit(SINGLE, SKETCHES, SKETCHES, Settings(steps=1, batch_size=60), folder / "run", progress=False)
    return folder


def examples(folder):
    """Parameter -> a good value; "module.function.parameter", or "function.parameter", where one needs another."""
    ax = plt.subplots()[1]
    plt.close(ax.figure)
    film, scene = grid_film([CAT, SUN], 20), compose([CAT, SUN])
    mapped = {"cat": FEATURES, "sun": FEATURES}
    many = dict(drawing=CAT, drawings=[CAT, SUN], first=CAT, second=SUN, rows=np.ones((3, 3)), word="cat", words=["cat"], key_id="7")
    many |= dict(finished=True, start=(0, 0), size=20, epsilon=2.0, stroke=[[0, 0], [3, 4]], spacing=1.5, path=folder / "out.gif", n=2)
    many |= dict(classes=["cat"], name="cat", names=["cat"], sketches=SKETCHES, seed=1, folder=folder, limit=2, per_class=5)
    many |= dict(min_length=1, max_length=50, fractions=(0.6, 0.2, 0.2), rng=np.random.default_rng(0), unrecognized=False)
    many |= dict(
        base_url="http://127.0.0.1:9", weights=folder / "model.safetensors", architectures={"ConditionalDecoder": ConditionalDecoder}
    )
    many |= dict(write=lambda path: path.write_text("x"), model=SINGLE, vae=VAE, judge=JUDGE, card={"a": 1}, half=True, part=SINGLE)
    many |= dict(models=[SINGLE], cards=[{"steps": 1, "train_seconds": 1.0}], batch_size=30, ranks=sketchlib.distributed.ALONE, keep="last")
    many |= dict(train_set=SKETCHES, valid_set=SKETCHES, settings=Settings(steps=1, batch_size=60), progress=False, score=None)
    many |= dict(temperature=0.3, pen_temperature=0.5, guidance=0.0, z=None, n_max=5, a=torch.ones(4), b=-torch.ones(4), steps=3)
    many |= dict(real=FEATURES, made=FEATURES + 1, training=FEATURES, test=FEATURES, train=FEATURES, features=FEATURES, k=2, least=1)
    many |= dict(
        quantile=0.1, resamples=3, level=0.9, centred=True, statistic=lambda *samples: float(np.mean(samples[0])), samples=FEATURES
    )
    many |= dict(batch=2, repeats=1, x=[1.0, 2.0], y=[1.0, 2.0], mu=FEATURES, threshold=0.01, pairs=[(CAT, SUN)], relative=True)
    many |= dict(width=1.5, margin=1.0, warp=None, line_width=1.5, epochs=1, lr=1e-3, color="#123456", upto=2, ax=ax, titles=["a", "b"])
    many |= dict(columns=2, mark=True, groups=BOTH, table=np.eye(2), title="a", least=1, dpi=20, picture=CAT, film=film, max_frames=3)
    many |= dict(frame_ms=40, labels=["a", None], repeat=False, seconds=2.0, canvas_width=500.0, height=100.0, align="middle", scene=scene)
    many |= dict(density=np.eye(3), extent=BOX, drawn=[[[0, 0], [1, 1]]], point=(0.5, 0.5), terms={"loss": "loss"}, unit="nats")
    many |= dict(records=[{"step": 1, "train": {"loss": 1.0}, "valid": {"loss": 1.0}}], places=[1.0, 2.0], xlabel="x", ylabel="y")
    many |= dict(colors={"a": "#123456"}, ticks=["1", "2"], levels={"p": 1.0}, around=[BOX, BOX], frames=[np.zeros((4, 4))] * 3)
    many |= dict(shares=(0.5, 1.0), tables={"a": np.eye(2)}, lines={"real": {1.0: SCORE}}, end=0.9, values=mapped, above=[CAT], below=[SUN])
    many |= dict(each=1, questions=[Trial(CAT, "person")], script="", what=None, value=3, timeout=timedelta(seconds=1), shift=1.0)
    many |= dict(
        variance=np.abs(FEATURES) + 1,
        of="points",
        again=[CAT, SUN],
        sigma=1.0,
        share=0.5,
        pen_down=False,
        box=255.0,
        force=True,
        dx=1.0,
        dy=2.0,
        other=SKETCHES.only("cat"),
        index=[0],
        extras=None,
        tolerance=0.5,
    )
    many |= dict(tries=3, ended=False, cut=False, bits=8, sentence="two cats and a sun", side=200.0, simplified=True, dequantise=True)
    many |= dict(beginnings=[beginning_of(CAT, 0.5)], source=folder / "cat.ndjson", target=folder / "out.ndjson", others=[SUN, CAT])
    many |= dict(data=CAT.svg(), posterior=np.eye(2), held_out=0.2, longest=200)
    special = {"from_stroke5.rows": np.ones((3, 5)), "read_raw.path": folder / "raw.ndjson", "read_binary.path": folder / "cat.bin"}
    special |= {
        "read_npz.path": folder / "cat.npz",
        "read_simplified.path": folder / "cat.ndjson",
        "described_classes.path": folder / "model.safetensors",
    }
    special |= {"read_model.path": folder / "model.safetensors", "weights.read.path": folder / "model.safetensors"}
    special |= {
        "weights.load.name": folder / "model.safetensors",
        "weights.router.folder": folder / "router",
        "save.path": folder / "out.safetensors",
    }
    special |= {"recogniser.load.path": folder / "judge.safetensors", "recogniser.load.classes": ["cat", "sun"], "purify.limit": 1000.0}
    special |= {"read_checkpoint.path": folder / "run" / "last.pt", "load_kept.folder": folder / "run", "fit.folder": folder / "fitted"}
    special |= {
        "coherence.real": [SUN],
        **{"distance.made": [1.0, 2.0], "distance.real": [1.0, 4.0], "distance.unit": 2.0, "deviation.real": [1.0, 4.0]},
        "bill.models": [SINGLE],
        "training_flops.rows": 5,
        "same_classes.real": BOTH,
        "same_classes.made": BOTH,
    }
    special |= {"spread.real": mapped, "spread.made": mapped, "near_copies.test": FEATURES, "train_second_judge.train": BOTH}
    special |= {"paired_distance.first": FEATURES, "paired_distance.second": FEATURES + 1}
    special |= {"recognisability.model": train_second_judge(BOTH), "recognisability.drawings": BOTH, "random_warps.size": 16}
    special |= {"train_recogniser.train": BOTH, "train_recogniser.valid": BOTH, "train_recogniser.size": 16, "train_recogniser.width": 2}
    special |= {"check_classes.train": BOTH, "check_classes.valid": BOTH, "features.model": JUDGE, "drawn_features.model": JUDGE}
    special |= {
        "grid.size": 0.5,
        "class_grid.rows": BOTH,
        "temperature_grid.rows": {0.1: [CAT]},
        "compare.titles": ("a", "b"),
        "heads": ["one"],
    }
    special |= {
        "draw.compare.size": 0.5,
        "class_grid.size": 0.5,
        "temperature_grid.size": 0.5,
        "beside.size": 0.5,
        "confusion.classes": ["a", "b"],
    }
    special |= {
        "confusion.least": 0.1,
        "save_png.path": folder / "out.png",
        "animate_scene.width": 100,
        "samples": FEATURES,
        "costs.samples": 1,
    }
    special |= {"costs.model": VAE, "sweep.panels": {"p": {"a": [SCORE, SCORE]}}, "beside_floors.panels": {"p": (SCORE, {"real": SCORE})}}
    special |= {
        "pictures.rows": {"a": [np.zeros((1, 4, 4))]},
        "confusions.classes": ["a", "b"],
        "confusions.rows": "asked",
        "along.mark": ("m", 1.0),
    }
    special |= {
        "along.names": ("x", "y"),
        "falling.names": ("x", "y"),
        "cumulative.names": {"t": "t"},
        "cumulative.sides": {"real": {"t": [1.0, 2.0]}},
    }
    special |= {"falling.values": {"cat": [2.0, 1.0]}, "falling.mark": 1.5, "trials.real": BOTH, "trials.made": {"single": BOTH}}
    special |= {"line.x": [1.0, 2.0], "check_features.name": "features", "reconstruct.n": 2, "rasterise.size": 16, "product_rate.size": 4}
    special |= {
        "SketchSet.load.folder": folder / "set",
        "SketchSet.save.folder": folder / "saved",
        "SketchSet.from_drawings.drawings": BOTH,
    }
    special |= {
        "finetune.start": SINGLE,
        "finetune.drawings": [CAT, SUN] * 4,
        "parted.drawings": [CAT, SUN] * 4,
        "finetune.folder": folder / "tuned",
        "by_heart.sketches": [CAT, SUN],
    }
    special |= {"by_heart.train": SKETCHES, "by_heart.held_out": SKETCHES}
    special |= {"write_atomically.path": folder / "out.txt", "verified_sha256.path": folder / "cat.ndjson"}
    special |= {"read_sentence.classes": ["cat", "sun"], "fidelity.compare.n": 5}
    special |= {"completion.begin.size": 200.0, "complete.size": 200.0, "complete.n_max": 40, "complete_all.n_max": 40}
    special |= {f"{name}.z": "posterior" for name in ("class_posterior", "complete", "complete_all")}
    special |= {"decode.model": VAE, "decode.z": np.ones((2, 4)), "costs_told.z": np.ones((len(SKETCHES), 4))}
    special |= {"encode.model": VAE, "reconstruct.model": VAE, "interpolate.model": VAE, "walks.frames": [torch.ones(2, 4)] * 2}
    special |= {
        "repeated.size": 40,
        "blurred.size": 16,
        "overlaid.size": 0.5,
        "posteriors.classes": ["a", "b"],
        "overlaid.rows": {"a": [(CAT, [SUN])]},
    }
    special |= {"read_json.path": folder / "cat.json", "read_svg.path": folder / "cat.svg", "read_text.path": folder / "cat.ndjson"}
    special |= {f"write_{kind}.path": folder / f"out.{kind}" for kind in ("npz", "json", "raw", "simplified")}
    special |= {"write_binary.path": folder / "out.bin", "write_svg.path": folder / "out.svg", "write_svg.drawings": [CAT]}
    special |= {"write_folder.path": folder / "pictures", "write_live.folder": folder / "live", "write_live.models": {"single": SINGLE}}
    special |= {"write_onnx.folder": folder / "onnx", "magenta_json.read.path": folder / "cat.gen.json", "magenta_json.write.model": TWENTY}
    special |= {"interactives.write.folder": folder / "live", "interactives.write.sizes": {"single.js": 12}, "plane.model": VAE}
    special |= {"interactives.write.models": {"single": SINGLE}, "temperature.model": SINGLE}
    special |= {"plane.drawings": [CAT] * 3, "hills.scale": 30.0}
    special |= {"magenta_json.write.path": folder / "out.vae.json", "rounding_cost.sketches": SKETCHES}
    return many, special


def good_for(name, function, folder):
    """The arguments of an example call."""
    many, special = examples(folder)
    found = {}
    for parameter in inspect.signature(function).parameters:
        names = [f"{name}.{parameter}".split(".", cut)[-1] for cut in range(name.count(".") + 1)]
        key = next((one for one in names if one in special), parameter)
        assert key in special or key in many, f"no example for {name}({parameter}): add one to `examples`, or {name} to INNER"
        found[parameter] = special[key] if key in special else many[key]
    return found


def called(function, arguments):
    """What a function returns, looked at as far as a reader would."""
    rest = next((p.name for p in inspect.signature(function).parameters.values() if p.kind is p.VAR_POSITIONAL), None)
    named = dict(arguments)
    if rest:
        before = [named.pop(p) for p in list(inspect.signature(function).parameters) if p in named and p != rest and p == "statistic"]
        made = function(*before, named.pop(rest), **named)
    else:
        made = function(**named)
    return list(islice(made, 3)) if isinstance(made, Iterator) else made


def check_each(name, function, arguments):
    """Call with each argument in turn replaced by what it cannot be; returns what went wrong otherwise than by a `DataError`."""
    called(function, arguments)
    wrong = []
    for parameter in arguments:
        for bad in BAD:
            try:
                called(function, {**arguments, parameter: bad})
            except DataError:
                continue
            except Exception as error:  # noqa: BLE001
                wrong.append(f"{name}({parameter}={bad!r:.60}): {type(error).__name__}: {error!s:.100}")
    return wrong


@pytest.fixture
def elsewhere(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKETCHLIB_DATA", str(folder))
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_argument_works_or_is_named(name, elsewhere):
    assert check_each(name, PUBLIC[name], good_for(name, PUBLIC[name], elsewhere)) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "method"), METHODS, ids=lambda one: getattr(one, "__name__", one))
def test_each_argument_of_a_method_works_or_is_named(kind, method, elsewhere):
    function = getattr(CAT if kind is Drawing else SKETCHES, method)
    assert check_each(method, function, good_for(f"{kind.__name__}.{method}", function, elsewhere)) == []


@pytest.mark.parametrize("strokes", BAD)
def test_a_drawing_is_made_of_strokes(strokes):
    for make in (lambda: Drawing(strokes), lambda: Drawing((strokes,)), lambda: Drawing((), strokes)):
        try:
            make()
        except DataError:
            continue


def test_inner_functions_are_there():
    for name in INNER:
        assert pkgutil.resolve_name(f"sketchlib.{name}"), name


def test_a_function_without_an_example_is_found(folder):
    with pytest.raises(AssertionError, match=r"no example for new.thing\(never_seen\)"):
        good_for("new.thing", lambda never_seen: None, folder)
