"""The commands: what they write, what they leave alone, how they end, and what a pipe gets."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import sketchlib
from sketchlib import train
from sketchlib.__main__ import main
from sketchlib.commands import output, training
from sketchlib.commands.training import changed
from sketchlib.data.doodles import doodles
from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.models import weights
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE


def keep(model, path):
    """Write a model that ends no sketch before its last row."""
    with torch.no_grad():
        model.decoder.fc_params.bias[-1] = -30
    weights.save(model, path)


@pytest.fixture
def here(request, tmp_path, monkeypatch):
    """An empty folder to work in, with a small model of two classes and some drawings; `kinds` says of which architecture."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    kind = getattr(request, "param", ConditionalDecoder)
    keep(kind(["cat", "sun"], 120, 40.0, hidden_size=8, embedding_size=4, n_mixtures=2), "small.safetensors")
    sketchlib.write(doodles(["cat"], 8, seed=0)["cat"], "cat.ndjson")
    return tmp_path


kinds = pytest.mark.parametrize("here", [ConditionalDecoder, ConditionalPlacedDecoder], indirect=True)


def run(*arguments):
    """The exit status of a command, and what is said of its failure."""
    try:
        main([str(one) for one in arguments])
    except SystemExit as error:
        return (error.code or 0, "") if isinstance(error.code, int | None) else (1, error.code)
    return 0, ""


def draw(*arguments):
    return run("draw", "cat", "--model", "small.safetensors", *arguments)


def test_drawings_come_as_the_ending_says(here):
    for name in ("a.svg", "a.gif", "a.png", "a.ndjson", "a.json", "a.npz", "folder"):
        assert draw("--n", 2, "-o", name) == (0, "")
    assert Image.open("a.gif").n_frames > 1 and Image.open("a.png").size[0] > 100
    assert len(list((here / "folder").glob("*.svg"))) == len(sketchlib.read("a.npz")) == 2
    (one, two), again = sketchlib.read("a.json"), sketchlib.sample(sketchlib.load("small.safetensors"), "cat", 2)
    assert np.allclose(one.stroke3, again[0].stroke3, atol=1e-3) and np.allclose(two.stroke3, again[1].stroke3, atol=1e-3)
    assert "animation" not in (here / "a.svg").read_text()
    draw("--n", 2, "-o", "b.svg", "--animate")
    assert "animation" in (here / "b.svg").read_text()


def test_a_folder_that_is_not_empty_is_refused_before_anything_is_drawn(here, monkeypatch):
    monkeypatch.setattr("sketchlib.sampling.sample", lambda *_, **__: pytest.fail("something was drawn"))
    status, said = draw("-o", here)
    assert status == 1 and "is there already and not empty" in said and "--force" in said


@kinds
def test_one_drawing_as_svg_is_read_again_as_it_was(here):
    draw("-o", "one.svg")
    (read,), (drawn,) = sketchlib.read("one.svg"), sketchlib.sample(sketchlib.load("small.safetensors"), "cat")
    assert all(np.allclose(*pair, atol=1e-3) for pair in zip(read.strokes, drawn.strokes, strict=True))


BLOCKS = re.findall(r"```\n(sketchlib \w+ .*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.S)


def test_the_commands_in_readme_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    sketchlib.write(doodles(["sun"], 6, seed=0)["sun"], "my_drawings")
    lines = [shlex.split(line, comments=True)[1:] for block in BLOCKS for line in block.splitlines()]
    assert {line[0] for line in lines} >= {"draw", "complete", "scene", "recognise", "convert", "finetune", "live", "export"}
    for line in lines:
        few = ["--steps", 2, "--validate-every", 1] if line[0] == "finetune" else []
        assert run(*line, *few) == (0, ""), line
    assert {path.name for path in (tmp_path / "umbrella_onnx").iterdir()} == {"start.onnx", "step.onnx", "model.json"}


def test_what_is_there_is_kept_unless_force_says_so(here):
    for name in ("a.svg", "a.gif", "a.png", "a.ndjson"):
        (here / name).write_text("mine")
        status, said = draw("-o", name)
        assert status == 1 and "is there already" in said and "--force" in said and "force=True" not in said
        assert (here / name).read_text() == "mine"
        assert draw("-o", name, "--force") == (0, "") and (here / name).read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["draw", "kat"], "unknown class 'kat': did you mean 'cat'?"),
        (["draw", "cat", "-o", "nowhere/a.svg"], "the folder nowhere does not exist"),
        (["draw", "cat", "--model", "none.safetensors"], "none.safetensors does not exist"),
        (["draw", "cat", "--model", "cat.ndjson"], "cat.ndjson is not a readable safetensors file"),
        (["recognise", "cat.ndjson", "none.svg"], "none.svg does not exist"),
        (["draw", "cat", "--guidance", "1", "--temperature", "0"], "temperature above 0"),
        (["complete", "none.svg"], "none.svg does not exist"),
        (["complete", "cut.svg"], "cut.svg: it is not SVG"),
        (["scene", "two kats"], "'kats' is not understood"),
        (["recognise", "empty"], "empty holds no file"),
        (["convert", "none.npz", "a.ndjson"], "none.npz does not exist"),
        (["convert", "cat.ndjson", "nowhere/a.npz"], "the folder nowhere does not exist"),
        (["convert", "cat.ndjson", "cat.ndjson"], "--force"),
        (["draw", "cat", "-o", "pipe", "--force"], "pipe is a device or a pipe"),
        (["evaluate", "single", "dog.ndjson"], "not dog"),
        (["evaluate", "single", "one.ndjson"], "there is one drawing of 'cat': an interval takes at least two"),
        (["export", "router", "-o", "a.gen.json"], "say which after the model, one of airplane"),
        (["finetune", "cat.ndjson", "--word", "kitty", "-o", "nowhere/k.safetensors"], "the folder nowhere does not exist"),
        (["finetune", "cat.ndjson", "--word", "kitty", "-o", "small.safetensors"], "small.safetensors is there already"),
        (["finetune", "empty", "--word", "kitty", "-o", "k.safetensors"], "empty holds no file"),
        (["finetune", "one.ndjson", "--word", "kitty", "-o", "k.safetensors", "--start", "small.safetensors"], "at least 5 are needed"),
        (["train", "single", "--profile", "tinny"], "profile 'tinny' is not known"),
        (["live", "live", "--profile", "tinny"], "profile 'tinny' is not known"),
        (["train", "single", "--profile", "smoke", "--steps", "5", "--min", "7"], None),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(here, arguments, says, capsys):
    (here / "empty").mkdir()
    os.mkfifo(here / "pipe")
    (here / "cut.svg").write_text("<svg><path d='M0 0")
    (here / "dog.ndjson").write_text((here / "cat.ndjson").read_text().replace('"cat"', '"dog"'))
    (here / "one.ndjson").write_text((here / "cat.ndjson").read_text().splitlines()[0] + "\n")
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    if arguments[0] in ("draw", "complete", "scene", "recognise") and "--model" not in arguments:
        arguments = [*arguments, "--model", "small.safetensors"]
    status, said = run(*(one if one != "single" or arguments[0] == "train" else "small.safetensors" for one in arguments))
    out, err = capsys.readouterr()
    assert out == "" and before == {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    if says is None:
        assert status == 2 and len(err.splitlines()) == 1
    else:
        assert status == 1 and says in said and "\n" not in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["drow"], "No such command 'drow'"),
        (["draw"], "Missing argument 'WORD...'"),
        (["draw", "cat", "--frce"], "No such option"),
        (["draw", "cat", "--n", "0"], "allowed: a whole number from 1 to 1000000"),
        (["draw", "cat", "--temperature", "hot"], "hot; allowed: a number of at least 0"),
        (["draw", "cat", "-o", "a.foo"], "a.foo: drawings are written to files that end in"),
        (["draw", "cat", "-o", "a.svg.gz"], "a.svg.gz: drawings are written to files that end in"),
        (["draw", "cat", "-o", "a.png", "--animate"], "--animate is for an .svg"),
        (["complete", "cat.ndjson", "--size", "-3"], "allowed: a number above 0"),
        (["export", "single", "cat"], "Missing option '-o'"),
        (["export", "single", "cat", "-o", "cat.onnx"], "ONNX files go into a folder, such as cat"),
        (["finetune", "cat.ndjson", "--word", "kitty", "-o", "k.pt"], "name the model's file .safetensors"),
        (["train", "single", "--classes", "cat"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_one_line(here, arguments, says, capsys):
    assert run(*arguments) == (2, "")
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and says in err and "--help explains" in err


@kinds
def test_completions_begin_with_what_was_drawn(here):
    sketchlib.write(sketchlib.Drawing(([[60, 90], [40, 20], [90, 60], [150, 64]],)), "begun.ndjson")
    status, _ = run("complete", "begun.ndjson", "--model", "small.safetensors", "--n", 3, "--word", "cat", "--size", 400, "-o", "ways.json")
    assert status == 0
    begun, ways = sketchlib.read("begun.ndjson")[0].stroke3, sketchlib.read("ways.json")
    assert len(ways) == 3 and all(np.array_equal(one.stroke3[: len(begun)], begun) for one in ways)


def test_a_scene_is_a_picture_a_film_or_its_drawings(here):
    for name in ("a.svg", "a.png", "a.gif", "a.json"):
        assert run("scene", "two cats and a sun", "--model", "small.safetensors", "-o", name) == (0, "")
    assert len(sketchlib.read("a.json")) == 3
    assert run("scene", "two", "cats", "and", "a", "sun", "--model", "small.safetensors", "-o", "b.json") == (0, "")
    assert (here / "b.json").read_bytes() == (here / "a.json").read_bytes()


@kinds
def test_models_of_ones_own_are_written_for_a_page(here, capsys):
    assert run("live", "live", "--model", "small.safetensors") == (0, "")
    assert {path.name for path in (here / "live").iterdir()} == {"sketch.js", "small.js"}
    assert "small" in capsys.readouterr().out and '"classes":["cat","sun"]' in (here / "live" / "sketch.js").read_text()
    assert run("live", "live", "--model", "small.safetensors")[1].startswith("live is there already")
    status, said = run("live", "live", "--force", "--model", "small.safetensors", "--model", str(here / "small.safetensors"))
    assert status == 1 and "there is a small.js already" in said
    folder = here / "two"
    for name in ("cat", "sun"):
        keep(ConditionalDecoder([name], 120, 40.0, hidden_size=8, embedding_size=4, n_mixtures=2), folder / f"{name}.safetensors")
    assert run("live", "other", "--model", folder, "--model", "small.safetensors") == (0, "")
    assert {path.stem for path in (here / "other").iterdir()} == {"sketch", "cat", "sun", "small"}


def test_recognising_says_a_class_of_the_model_for_every_drawing(here, capsys):
    run("recognise", "cat.ndjson", "--limit", 3, "--model", "small.safetensors")
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows] == [["cat.ndjson", "1"], ["cat.ndjson", "2"], ["cat.ndjson", "3"]]
    assert all(row[2] in ("cat", "sun") and 0.5 <= float(row[3]) <= 1 for row in rows)


def test_evaluating_says_nats_a_point_and_their_interval(here, capsys):
    run("evaluate", "small.safetensors", "cat.ndjson", "--resamples", 20)
    name, n, value, low, high = capsys.readouterr().out.split("\t")
    assert (name, n) == ("cat", "8") and float(low) <= float(value) <= float(high)
    (here / "mine.ndjson").write_text((here / "cat.ndjson").read_text().replace('"cat"', '"IMG_7"'))
    run("evaluate", "small.safetensors", "mine.ndjson", "--resamples", 20, "--word", "cat")
    assert capsys.readouterr().out.split("\t")[2:] == [value, low, high]


def test_conversion_there_and_back_is_the_same(here, capsys):
    for source, target in (("cat.ndjson", "svgs"), ("svgs", "cat.npz"), ("cat.npz", "back/cat.ndjson")):
        (here / "back").mkdir(exist_ok=True)
        assert run("convert", source, target) == (0, "")
    back, before = sketchlib.read("back/cat.ndjson"), sketchlib.read("cat.ndjson")
    assert all(np.array_equal(a.stroke3, b.stroke3) for a, b in zip(back, before, strict=True))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_told_what_was_written_and_a_pipe_is_not(here, monkeypatch, capsys):
    draw("-o", "a.svg")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    draw("-o", "b.svg")
    assert "b.svg" in sys.stderr.getvalue()


def test_who_gets_numbers_on_a_terminal_is_told_how_to_get_a_picture(here, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    draw()
    assert sys.stderr.getvalue() == ""  # standard output is a pipe here
    monkeypatch.setattr(output, "to_stdout", lambda *_: None)
    monkeypatch.setattr(sys, "stdout", Terminal())
    draw()
    assert "-o" in sys.stderr.getvalue() and ".svg" in sys.stderr.getvalue()


@pytest.mark.parametrize("model", [ConditionalDecoder, SketchVAE])
def test_a_fine_tuned_model_draws_the_new_class_and_has_a_card(here, model):
    sizes = dict(hidden_size=8) if model is ConditionalDecoder else dict(encoder_size=4, decoder_size=8, latent_size=4)
    keep(model(["cat"], 200, 40.0, n_mixtures=2, **sizes), "start.safetensors")
    more = ["--start", "start.safetensors", "--steps", 4, "--validate-every", 2, "--held-out", 0.25]
    assert run("finetune", "cat.ndjson", "--word", "my/cat.", "-o", "mine.safetensors", *more) == (0, "")
    card = json.loads((here / "mine.json").read_text())
    assert card["config"]["classes"] == ["my/cat."] and card["data"]["counts"] == {"train": {"my/cat.": 6}, "valid": {"my/cat.": 2}}
    assert card["settings"]["steps"] == 4
    assert run("draw", "my/cat.", "--model", "mine.safetensors", "-o", "mine.ndjson") == (0, "")
    assert sketchlib.read("mine.ndjson")[0].word == "my/cat."


def test_a_fine_tuning_that_was_interrupted_is_gone_on_with_and_leaves_no_checkpoints(here, monkeypatch):
    more = ["--start", "small.safetensors", "--steps", 4, "--validate-every", 2]
    assert run("finetune", "cat.ndjson", "--word", "mine", "-o", "whole.safetensors", *more) == (0, "")
    monkeypatch.setattr(train, "validate", lambda *a, real=train.validate: [real(*a), os.kill(os.getpid(), signal.SIGINT)])
    assert run("finetune", "cat.ndjson", "--word", "mine", "-o", "parts.safetensors", *more) == (130, "")
    assert (here / "parts.run" / "last.pt").exists() and not (here / "parts.safetensors").exists()
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert run("finetune", "cat.ndjson", "--word", "mine", "-o", "parts.safetensors", *more) == (0, "")
    pairs = zip(*(sketchlib.load(f"{name}.safetensors").state_dict().values() for name in ("whole", "parts")), strict=True)
    assert all(torch.equal(*pair) for pair in pairs) and (here / "parts.json").read_bytes() == (here / "whole.json").read_bytes()
    assert not (here / "parts.run").exists() and not (here / "whole.run").exists()


def test_a_terminal_is_told_whether_drawings_were_learnt_by_heart(here, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    run("finetune", "cat.ndjson", "--word", "mine", "-o", "m.safetensors", "--start", "small.safetensors", "--steps", 2)
    assert "6 drawings learnt, 2 held out" in sys.stderr.getvalue() and "near-copies" in sys.stderr.getvalue()
    assert "left out" not in sys.stderr.getvalue() and "are all taken" not in sys.stderr.getvalue()


def test_a_terminal_is_told_what_is_left_out_and_what_is_thrown_together(here, monkeypatch):
    made = doodles(["cat", "sun"], 4, seed=0)
    sketchlib.write([*made["cat"], *made["sun"], sketchlib.Drawing(([[5, 5]],), "cat")], "mixed.ndjson")
    monkeypatch.setattr(sys, "stderr", Terminal())
    run("finetune", "mixed.ndjson", "--word", "mine", "-o", "m.safetensors", "--start", "small.safetensors", "--steps", 2)
    assert "9 drawings of 'cat', 'sun' are all taken for 'mine'" in sys.stderr.getvalue()
    assert "1 of 9 drawings left out, which are a dot" in sys.stderr.getvalue()
    more = ["--start", "small.safetensors", "--steps", 2, "--limit", 4]
    assert run("finetune", "mixed.ndjson", "--word", "mine", "-o", "n.safetensors", *more)[1].startswith("4 drawings of 2 to")


def test_other_values_make_a_run_of_their_own(profile):
    own = changed(profile, "single", {"lr": 0.5}, None)
    assert (own.name, own.single.lr, own.vae) == ("tiny-changed", 0.5, profile.vae)
    assert changed(profile, "vae", {}, 7).seed == 7 and changed(profile, "vae", {}, None) is profile


def test_flags_of_training_reach_the_training(profile, monkeypatch):
    seen = []
    monkeypatch.setattr(training, "train_single", seen.append)
    assert run("train", "single", "--profile", "tiny", "--steps", 7, "--schedule", "cosine") == (0, "")
    assert (seen[0].single.steps, seen[0].single.schedule, seen[0].single.batch_size) == (7, "cosine", profile.single.batch_size)


def test_the_shell_completes_commands_and_classes(monkeypatch, capsys):
    monkeypatch.setenv("_SKETCHLIB_COMPLETE", "bash_complete")
    for words, expected in (("sketchlib dr", "draw"), ("sketchlib draw ca", "cat")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        assert run() == (0, "")
        assert f"plain,{expected}" in capsys.readouterr().out.splitlines()


def python(*arguments, **more):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, **more
    )


def test_help_needs_neither_torch_nor_matplotlib():
    code = "import sys, sketchlib.__main__; sys.exit(bool({'torch', 'matplotlib'} & {*sys.modules}))"
    assert python("-c", code).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [["recognise"], ["complete"], ["evaluate", "single"], ["finetune", "--word", "x", "-o", "x.safetensors"]],
    ids=lambda arguments: arguments[0],
)
def test_a_file_that_is_not_there_is_said_before_torch_is_loaded(here, arguments):
    code = "import sys\nfrom sketchlib.__main__ import main\ntry: main(sys.argv[1:])\n"
    code += "except SystemExit as error: sys.exit('torch is loaded' if 'torch' in sys.modules else error.code)"
    done = python("-c", code, *arguments, "none.svg")
    assert done.returncode == 1 and done.stderr.startswith(b"none.svg does not exist")


@pytest.mark.slow
def test_who_stops_reading_gets_no_traceback(here):
    command = f"{sys.executable} -m sketchlib draw cat --n 200 --model {here / 'small.safetensors'} | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    assert done.stdout.startswith(b'{"word"') and done.stderr == b""


def test_the_router_is_trained_after_the_start_that_its_vaes_share(profile):
    from sketchlib.commands import training as command
    from sketchlib.report import recipes, training

    started = replace(profile, vae_pretraining=replace(profile.vae_pretraining, steps=2, other_classes=False, validations=1))
    command.train_router(started, ["cat"])
    start = training.read_trained(started, recipes.vae_pretraining(started))
    assert start.curves[-1]["step"] == 2 and training.is_kept(started, recipes.vae(started, "cat"))
    assert training.read_trained(started, recipes.vae(started, "cat")).card["started_from"] == "a VAE of 3 classes"


def test_the_best_model_is_trained_where_the_profile_says_how(profile):
    from sketchlib.commands import training as command
    from sketchlib.report import recipes, training

    with pytest.raises(DataError, match=r"has no best model \(best.steps is 0\)"):
        command.train_best(profile)
    asked = replace(profile, best=replace(profile.best, steps=2))
    command.train_best(asked)
    assert training.is_kept(asked, recipes.best(asked))
