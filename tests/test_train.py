import json
import math
import pickle
import signal
import time
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from synthetic import sketch_set, terms_of

from sketchlib import train
from sketchlib.data.batches import make_batch
from sketchlib.errors import DataError
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.train import Run, Settings, evaluate, fit, load_kept, make_schedule, order_from, read_checkpoint

pytestmark = pytest.mark.numeric

TRAIN, VALID = sketch_set(11, seed=1), sketch_set(6, seed=2)  # 22 drawings: batches of 5 make 5 steps an epoch, the last of 2
SCALE = 15.0


def single(seed=0, hidden_size=8, dropout=0.3):
    torch.manual_seed(seed)
    return ConditionalDecoder(TRAIN.classes, 12, SCALE, hidden_size, 3, 2, dropout)


def vae(seed=0, decoder_size=8, dropout=0.3):
    torch.manual_seed(seed)
    return SketchVAE(TRAIN.classes, 12, SCALE, 6, decoder_size, 4, 2, dropout)


def settings_of(**changes):
    return Settings(**dict(steps=14, batch_size=5, validate_every=4, lr=0.01, stretch=0.15, merge=0.1, jitter=0.05) | changes)


def go(model, folder, **changes):
    return fit(model, TRAIN, VALID, settings_of(**changes), folder, progress=False)


def numbers(records):
    """Curve records without the clock's readings."""
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def same(a, b):
    """Equality to the last bit of nested containers of tensors."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def checkpoint(folder, name="last.pt"):
    """A checkpoint's contents without the clock's readings."""
    state = read_checkpoint(folder / name)
    return {**state, "curves": numbers(json.loads(state["curves"]))}


def interrupt_at(monkeypatch, step, after=False):
    """Make training step number `step` raise KeyboardInterrupt, before or after it has moved the weights."""
    real, calls = train.train_step, []

    def stepping(run, batch):
        calls.append(run.step)
        if len(calls) == step and not after:
            raise KeyboardInterrupt
        terms = real(run, batch)
        if len(calls) == step:
            raise KeyboardInterrupt
        return terms

    monkeypatch.setattr(train, "train_step", stepping)
    return lambda: monkeypatch.setattr(train, "train_step", real)


both = pytest.mark.parametrize("make", [single, vae])


# --- the same numbers, interrupted or not ---


@both
@pytest.mark.parametrize("schedule", ["plateau", "exponential", "cosine"])
@pytest.mark.parametrize("stops", [(2,), (4,), (5,), (7, 2, 6), (14,)])
def test_an_interrupted_run_gives_the_same_numbers_to_the_last_bit(make, schedule, stops, tmp_path, monkeypatch):
    changes = dict(schedule=schedule, plateau_patience=0)
    whole = go(make(), tmp_path / "whole", **changes)
    for k, stop in enumerate(stops):
        restore = interrupt_at(monkeypatch, stop, after=k % 2 == 1)
        with pytest.raises(KeyboardInterrupt):
            go(make(seed=k), tmp_path / "parts", **changes)
        restore()
    model = make(seed=99)
    parts = go(model, tmp_path / "parts", **changes)
    assert numbers(parts) == numbers(whole) and [r["step"] for r in parts] == [4, 8, 12, 14]
    for name in ("last.pt", "best.pt"):
        assert same(checkpoint(tmp_path / "parts", name), checkpoint(tmp_path / "whole", name))
    assert same(dict(model.state_dict()), dict(read_checkpoint(tmp_path / "whole" / "last.pt")["model"]))


@both
def test_a_run_with_a_moving_average_gives_the_same_numbers_interrupted_or_not(make, tmp_path, monkeypatch):
    changes = dict(ema=0.5, dequantise=True, rotate=20.0)
    whole = go(make(), tmp_path / "whole", **changes)
    restore = interrupt_at(monkeypatch, 7)
    with pytest.raises(KeyboardInterrupt):
        go(make(), tmp_path / "parts", **changes)
    restore()
    assert numbers(go(make(seed=9), tmp_path / "parts", **changes)) == numbers(whole)
    assert same(checkpoint(tmp_path / "parts"), checkpoint(tmp_path / "whole"))


def test_what_is_scored_and_kept_is_the_moving_average_of_the_weights(tmp_path):
    curves = go(single(), tmp_path, ema=0.9)
    state, kept = read_checkpoint(tmp_path / "last.pt"), load_kept(single(seed=1), tmp_path, "last")
    for name, value in kept.state_dict().items():
        assert torch.equal(value, state["averaged"][f"module.{name}"]) and not torch.equal(value, state["model"][name])
    assert evaluate(kept, VALID)["loss"] == pytest.approx(curves[-1]["valid"]["loss"], rel=1e-6)


def test_what_else_is_scored_stands_in_the_records_and_changes_nothing(tmp_path):
    settings, sets = Settings(steps=6, batch_size=10, validate_every=2), (sketch_set(), sketch_set(seed=1))
    plain, scored = (
        fit(single(), *sets, settings, tmp_path / name, progress=False, score=score)
        for name, score in (("plain", None), ("scored", lambda model: {"weights": sum(p.numel() for p in model.parameters())}))
    )
    assert [one["valid"] for one in plain] == [one["valid"] for one in scored]
    assert all(one["more"]["weights"] > 0 for one in scored) and not any("more" in one for one in plain)


def test_a_dequantised_run_is_scored_on_dequantised_drawings(tmp_path):
    model = single()
    curves = go(model, tmp_path, dequantise=True)
    once, again = (evaluate(model, VALID, dequantise=True)["loss"] for _ in range(2))
    assert once == again == pytest.approx(curves[-1]["valid"]["loss"], rel=1e-6) and once != evaluate(model, VALID)["loss"]


@both
def test_the_same_model_object_goes_on_from_where_the_files_are(make, tmp_path, monkeypatch):
    whole = go(make(), tmp_path / "whole")
    model = make()
    restore = interrupt_at(monkeypatch, 3)  # before anything was validated: the weights have moved already
    with pytest.raises(KeyboardInterrupt):
        go(model, tmp_path / "parts")
    restore()
    assert numbers(go(model, tmp_path / "parts")) == numbers(whole)


def test_an_interruption_says_where_the_run_will_go_on(tmp_path, monkeypatch, capsys):
    interrupt_at(monkeypatch, 7)
    with pytest.raises(KeyboardInterrupt):
        go(single(), tmp_path)
    assert "stopped at step 6; run the same again to go on from step 4" in capsys.readouterr().out


@both
@pytest.mark.parametrize("step", [1, 3, 4, 7, 13, 14])
def test_ctrl_c_lets_the_step_end_and_keeps_it(make, step, tmp_path, monkeypatch, capsys):
    whole = go(make(), tmp_path / "whole")
    real = train.train_step

    def stepping(run, batch):
        if run.step == step - 1:
            signal.raise_signal(signal.SIGINT)
        return real(run, batch)

    monkeypatch.setattr(train, "train_step", stepping)
    with pytest.raises(KeyboardInterrupt):
        go(make(), tmp_path / "parts")
    assert f"stopped at step {step}; run the same again to go on from step {step}" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    monkeypatch.undo()
    model = make(seed=99)
    assert numbers(go(model, tmp_path / "parts")) == numbers(whole)
    last, other = checkpoint(tmp_path / "parts"), checkpoint(tmp_path / "whole")
    assert same(last["model"], other["model"]) and same(last["optimiser"], other["optimiser"]) and same(last["random"], other["random"])


def test_a_second_ctrl_c_does_not_wait(tmp_path, monkeypatch):
    def stepping(run, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the step went on")

    monkeypatch.setattr(train, "train_step", stepping)
    with pytest.raises(KeyboardInterrupt):
        go(single(), tmp_path)
    assert read_checkpoint(tmp_path / "last.pt")["step"] == 0


def test_seconds_are_of_a_clock_that_nobody_sets(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: -1e9)  # what changes the machine's clock does not change these
    assert all(record["seconds"] > 0 for record in go(single(), tmp_path))


@both
def test_a_finished_run_is_not_run_again(make, tmp_path, monkeypatch):
    records = go(make(), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    interrupt_at(monkeypatch, 1)
    assert go(make(seed=5), tmp_path) == records
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@both
def test_the_seed_decides_every_number(make, tmp_path):
    runs = [numbers(go(make(), tmp_path / str(k), seed=seed)) for k, seed in enumerate((3, 3, 4))]
    assert runs[0] == runs[1]
    assert all(a["train"] != b["train"] for a, b in zip(runs[0], runs[2], strict=True))


def test_curves_hold_every_validation_once_also_after_interruptions(tmp_path, monkeypatch):
    for stop in (6, 5, 3):
        restore = interrupt_at(monkeypatch, stop)
        with pytest.raises(KeyboardInterrupt):
            go(vae(), tmp_path)
        restore()
    returned = go(vae(), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == returned and [line["step"] for line in lines] == [4, 8, 12, 14]
    assert [line["epoch"] for line in lines] == [0, 1, 2, 2]
    for line in lines:
        assert set(line["train"]) == set(line["valid"]) == {"loss", "L_S", "L_P", "L_KL"}
        assert line["eta"] == pytest.approx(1 - 0.99 * 0.99995 ** line["step"]) and line["seconds"] > 0


# --- what a run does ---


@both
@pytest.mark.parametrize("start", [0, 2])
def test_every_drawing_is_seen_once_an_epoch(make, start, tmp_path, monkeypatch):
    seen, real = [], train.make_batch
    monkeypatch.setattr(train, "make_batch", lambda s, index, scale: seen.extend(index.tolist()) or real(s, index, scale))
    go(make(), tmp_path, steps=2 * 5, seed=start)
    for epoch in (seen[:22], seen[22:]):
        assert sorted(epoch) == list(range(22))
    assert seen[:22] != seen[22:]


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 1000))
@hypothesis_settings(max_examples=30, deadline=None)
def test_the_batches_from_a_step_are_those_that_would_have_come(step, batch_size, seed):
    settings = Settings(steps=1, batch_size=batch_size, seed=seed)
    late = list(islice(order_from(TRAIN, settings, step), 12))
    early = list(islice(order_from(TRAIN, settings, 0), step + 12))[step:]
    assert [e for e, _ in late] == [e for e, _ in early]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(late, early, strict=True))


@both
def test_the_loss_falls_on_a_few_drawings_seen_again_and_again(make, tmp_path):
    few = TRAIN.subset(np.arange(4))
    model = make(dropout=0.0)
    before = evaluate(model, few)["loss"]
    settings = Settings(steps=150, batch_size=4, lr=0.02, validate_every=50)
    records = fit(model, few, few, settings, tmp_path, progress=False)
    assert records[-1]["valid"]["loss"] < before - 0.5
    assert records[-1]["train"]["loss"] < records[0]["train"]["loss"]


def test_the_recorded_training_terms_are_the_means_since_the_last_record(tmp_path, monkeypatch):
    steps, real = [], train.train_step

    def noting(run, batch):
        steps.append(real(run, batch))
        return steps[-1]

    monkeypatch.setattr(train, "train_step", noting)
    records = go(single(), tmp_path)
    for record, (first, last) in zip(records, [(0, 4), (4, 8), (8, 12), (12, 14)], strict=True):
        for name, value in record["train"].items():
            assert value == pytest.approx(np.mean([float(s[name]) for s in steps[first:last]]), rel=1e-5)


@both
def test_a_run_ends_in_evaluation_mode_and_best_is_the_best_validation(make, tmp_path):
    model = make()
    records = go(model, tmp_path, lr=0.3, merge=0.0, jitter=0.0)  # wild steps: the last is not the best
    assert not model.training
    best = min(records, key=lambda r: r["valid"]["loss"])
    assert best is not records[-1]
    state = read_checkpoint(tmp_path / "best.pt")
    assert (state["step"], state["best"]) == (best["step"], best["valid"]["loss"])
    loaded = load_kept(make(seed=7).train(), tmp_path)
    assert not loaded.training and evaluate(loaded, VALID) == best["valid"]


@both
def test_gradients_are_clipped_part_by_part(make):
    model = make()
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    train.clip_parts(model, 1.0)

    def norm(part):
        return torch.cat([p.grad.flatten() for p in part.parameters()]).norm().item()

    for part in [model] if make is single else [model.encoder, model.decoder]:
        assert norm(part) == pytest.approx(1, rel=1e-4)


@both
def test_evaluation_does_not_depend_on_the_batches_and_leaves_no_trace(make):
    model = make().train()
    random = torch.get_rng_state()
    whole = evaluate(model, VALID, batch_size=100)
    parts = evaluate(model, VALID, batch_size=5)
    one = terms_of(model.eval(), make_batch(VALID, np.arange(len(VALID)), SCALE), 1.0, torch.Generator().manual_seed(0))
    keys = ["loss", "L_S", "L_P"] if make is single else ["L_KL"]  # the rest of a VAE's depends on the noise, drawn by batch
    for key in keys:
        assert parts[key] == pytest.approx(whole[key], rel=1e-5)
        assert whole[key] == pytest.approx(one[key].item(), rel=1e-5)
    model.train()
    assert evaluate(model, VALID, seed=0) == evaluate(model, VALID, seed=0) and model.training
    assert torch.equal(random, torch.get_rng_state()) and all(p.grad is None for p in model.parameters())


# --- schedules ---


def learning_rates(settings, losses=None):
    optimiser = torch.optim.Adam(single().parameters(), lr=settings.lr)
    schedule = make_schedule(optimiser, settings)
    out = []
    for k in range(settings.steps):
        out.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step(*([] if losses is None else [losses[k]]))
    return out + [optimiser.param_groups[0]["lr"]]


def test_exponential_multiplies_each_step_down_to_its_floor():
    lr = learning_rates(Settings(steps=60, lr=1e-3, schedule="exponential", lr_decay=0.9, min_lr=1e-5))
    assert lr == pytest.approx([max(1e-3 * 0.9**k, 1e-5) for k in range(61)]) and lr[-1] == pytest.approx(1e-5)


def test_cosine_falls_from_lr_to_min_lr_over_the_run():
    lr = learning_rates(Settings(steps=40, lr=1e-2, schedule="cosine", min_lr=1e-4))
    assert lr[0] == pytest.approx(1e-2) and lr[-1] == pytest.approx(1e-4) and lr[20] == pytest.approx((1e-2 + 1e-4) / 2)
    assert all(a > b for a, b in zip(lr, lr[1:], strict=False))


@pytest.mark.parametrize("level", [1.0, -0.6])  # losses of drawings turn negative: densities exceed 1
@pytest.mark.parametrize("drift", [0.0, 1e-5])
def test_plateau_halves_after_patience_validations_without_a_new_best(level, drift):
    losses = [level + drift * k for k in range(9)]
    lr = learning_rates(Settings(steps=9, lr=1.0, plateau_patience=2), losses)
    assert lr == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    falling = [level - 1e-6 * k for k in range(9)]
    assert set(learning_rates(Settings(steps=9, lr=1.0, plateau_patience=2), falling)) == {1.0}


def test_the_plateau_acts_within_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "evaluate", lambda model, sketches, ranks, dequantise: {"loss": -1.0})
    records = go(single(), tmp_path, steps=8, validate_every=1, plateau_patience=2, lr=0.01)
    assert [r["lr"] for r in records] == [0.01] * 3 + [0.005] * 3 + [0.0025] * 2


def test_a_cosine_run_ends_at_min_lr(tmp_path):
    assert go(single(), tmp_path, schedule="cosine", min_lr=1e-4)[-1]["lr"] == pytest.approx(1e-4)


def test_an_unknown_schedule_is_refused(tmp_path):
    with pytest.raises(DataError, match="schedule is 'linear'; allowed: plateau or exponential or cosine"):
        go(single(), tmp_path, schedule="linear")


@pytest.mark.parametrize("stops", [(), (5,), (8,)])
def test_a_run_without_a_new_best_ends_early_interrupted_or_not(stops, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "evaluate", lambda model, sketches, ranks, dequantise: {"loss": 1.0})
    for stop in stops:
        restore = interrupt_at(monkeypatch, stop)
        with pytest.raises(KeyboardInterrupt):
            go(single(), tmp_path, steps=30, validate_every=3, stop_after=2)
        restore()
    records = go(single(), tmp_path, steps=30, validate_every=3, stop_after=2)
    assert [r["step"] for r in records] == [3, 6, 9]


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    losses = iter([1.0, math.nan])
    monkeypatch.setattr(train, "evaluate", lambda model, sketches, ranks, dequantise: {"loss": next(losses)})
    with pytest.raises(DataError, match="loss is nan at step 8.*lower lr"):
        go(single(), tmp_path)
    assert read_checkpoint(tmp_path / "last.pt")["step"] == 4


@pytest.mark.parametrize("make", [single, vae])
def test_a_step_far_too_large_ends_the_run_at_the_first_loss_beyond_all_measure(make, tmp_path):
    with pytest.raises(DataError, match=r"the loss is \S+ at step 2: this run learns nothing, lower lr \(1000\); the checkpoint of step 0"):
        go(make(), tmp_path, lr=1000)
    assert read_checkpoint(tmp_path / "last.pt")["step"] == 0 and not (tmp_path / "best.pt").exists()


# --- checkpoints that cannot be used ---


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    go(single(), tmp_path)
    before = (tmp_path / "last.pt").read_bytes()
    others = [
        (vae(), {}, "its architecture is ConditionalDecoder, this run's is SketchVAE"),
        (single(hidden_size=9), {}, 'its config is .*"hidden_size": 8.* this run\'s is .*"hidden_size": 9'),
        (single(), dict(lr=0.02), 'its settings is .*"lr": 0.01.* this run\'s is .*"lr": 0.02'),
        (single(), dict(steps=15), "its settings"),
    ]
    for model, changes, message in others:
        with pytest.raises(DataError, match=f"another run: {message}.*delete the folder"):
            go(model, tmp_path, **changes)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_the_best_weights_of_another_model_are_refused(tmp_path):
    go(single(), tmp_path)
    for model in (vae(), single(hidden_size=9)):
        with pytest.raises(DataError, match="holds a ConditionalDecoder"):
            load_kept(model, tmp_path)
    with pytest.raises(DataError, match=r"nowhere.best\.pt"):
        load_kept(single(), tmp_path / "nowhere")


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(share, tmp_path):
    go(single(), tmp_path)
    content = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"last\.pt is not a checkpoint.*delete it to start anew"):
        go(single(), tmp_path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@given(st.binary(max_size=60))
@hypothesis_settings(max_examples=100, deadline=None)
def test_any_other_file_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "other.pt"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not a checkpoint"):
        read_checkpoint(path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    Run(single(), settings_of(), folder).save("last.pt")
    return folder / "last.pt", (folder / "last.pt").read_bytes(), read_checkpoint(folder / "last.pt")


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
@example(0.957, 16)  # marks a part of the archive as a folder, which torch reads as zeros
@example(17541.5 / 18562, 8)  # says that a part is compressed
@hypothesis_settings(max_examples=100, deadline=None)
def test_a_damaged_byte_is_noticed_or_did_not_matter(sound, where, change):
    path, content, state = sound
    damaged = bytearray(content)
    damaged[int(where * len(damaged))] ^= change
    path.write_bytes(damaged)
    try:
        assert same(read_checkpoint(path), state)
    except DataError as error:
        assert "is not a checkpoint" in str(error)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_checkpoint_executes_nothing(form, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    content = {"architecture": "ConditionalDecoder", "model": Evil()}
    if form == "torch":
        torch.save(content, tmp_path / "last.pt")
    else:
        (tmp_path / "last.pt").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(DataError, match="is not a checkpoint"):
        go(single(), tmp_path)
    assert not (tmp_path / "executed").exists()


# --- a full disk ---


@pytest.fixture
def full_disk():
    """Let the operating system refuse every byte of a file beyond the first thousand."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@both
def test_a_full_disk_leaves_the_old_checkpoint_byte_for_byte_and_the_run_goes_on_later(make, tmp_path, monkeypatch, full_disk):
    whole = go(make(), tmp_path / "whole")
    folder, real = tmp_path / "run", train.validate
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = {}

    def filling(run, valid_set, record):
        if run.step == 8:
            before.update({p.name: p.read_bytes() for p in folder.iterdir()})
            full_disk()
        real(run, valid_set, record)

    monkeypatch.setattr(train, "validate", filling)
    with pytest.raises(DataError, match=r"could not be written .*what was there before is kept: free some space"):
        go(make(), folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert before and {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert read_checkpoint(folder / "last.pt")["step"] == 4
    monkeypatch.setattr(train, "validate", real)
    assert numbers(go(make(), folder)) == numbers(whole)


def test_a_failed_move_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    run = Run(single(), settings_of(), tmp_path)
    run.save("last.pt")
    before = (tmp_path / "last.pt").read_bytes()
    run.step = 77

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sketchlib.files.os.replace", fail)
    with pytest.raises(DataError, match=r"last\.pt could not be written .*No space left"):
        run.save("last.pt")
    assert (tmp_path / "last.pt").read_bytes() == before and len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_noticed_before_the_first_step(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    interrupt_at(monkeypatch, 1)
    with pytest.raises(DataError, match="could not be written"):
        go(single(), tmp_path / "file" / "run")


@both
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_runs_on_a_device(make, tmp_path):
    records = go(make(dropout=0.0).to("cuda"), tmp_path / "there")
    here = go(make(dropout=0.0), tmp_path / "here")
    assert records[0]["valid"]["loss"] == pytest.approx(here[0]["valid"]["loss"], rel=1e-2)
    loaded = load_kept(make(dropout=0.0), tmp_path / "there")
    assert evaluate(loaded, VALID)["loss"] == pytest.approx(min(r["valid"]["loss"] for r in records), rel=1e-3)


def test_an_unknown_precision_is_an_error():
    with pytest.raises(DataError, match="bfloat16"):
        Settings(steps=1, precision="half")


def both_precisions(folder):
    """The validation loss of one short run in each precision, and what its curves say was used."""
    losses, used = {}, {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model = single()
        settings = Settings(steps=6, batch_size=10, validate_every=6, precision=precision)
        record = fit(model, TRAIN, VALID, settings, folder / precision, progress=False)[-1]
        losses[precision], used[precision] = record["valid"]["loss"], record["precision"]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
    return losses, used


def test_bfloat16_trains_float32_weights_to_nearly_the_same_loss_where_the_machine_can(tmp_path):
    losses, used = both_precisions(tmp_path)
    assert used["float32"] == "float32" and losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert (losses["bfloat16"] == losses["float32"]) == (used["bfloat16"] == "float32")


def test_a_machine_without_bfloat16_trains_in_float32_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "_runs_bfloat16", lambda device: False)
    losses, used = both_precisions(tmp_path)
    assert losses["bfloat16"] == losses["float32"] and set(used.values()) == {"float32"}
    model, settings = single(), Settings(steps=2, batch_size=10, validate_every=1, precision="bfloat16")
    capsys.readouterr()
    fit(model, TRAIN, VALID, settings, tmp_path / "told")
    assert capsys.readouterr().out.splitlines() == ["bfloat16 does not run on this machine's cpu: training in float32"]
    assert json.loads(read_checkpoint(tmp_path / "told" / "last.pt")["settings"])["precision"] == "bfloat16"  # so that it goes on elsewhere


def test_the_trial_of_bfloat16_leaves_the_random_numbers_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    train._runs_bfloat16.cache_clear()
    with torch.no_grad():
        assert train._runs_bfloat16(torch.device("cpu")) in (True, False)
    assert torch.equal(before, torch.get_rng_state())
