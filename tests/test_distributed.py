"""Training on two and three processes gives the numbers of one, goes on from any number of them, and says so when one is gone."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from hypothesis import given
from hypothesis import strategies as st
from synthetic import sketch_set, terms_of

from sketchlib import distributed, train
from sketchlib.__main__ import main
from sketchlib.data.batches import make_batch
from sketchlib.distributed import ALONE, RankLost, Ranks, Share, deal, joined, own_device
from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE
from sketchlib.report import recipes, stages, training
from sketchlib.report.folders import build_folder
from sketchlib.train import Run, Settings, fit, read_checkpoint, train_step

pytestmark = pytest.mark.numeric

TRAIN, VALID = sketch_set(11, seed=1), sketch_set(6, seed=2)  # batches of 5: the last of an epoch has 2, fewer than three ranks
SETTINGS = Settings(steps=14, batch_size=5, validate_every=4, lr=0.01, stretch=0.15, merge=0.2, jitter=0.05, schedule="exponential")
KINDS = ["single", "vae", "vae at its floor"]
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}  # a machine may have fewer of them than the tests have ranks
both = pytest.mark.parametrize("kind", KINDS[:2])


@pytest.fixture(autouse=True)
def one_thread():
    """Processes side by side, as torchrun starts them, have one thread each; so that sums are in the same order, this one too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model_of(kind, seed=0, **more):
    kl_min = floor_between_shares() if kind == "vae at its floor" else 0.0
    torch.manual_seed(seed)
    if kind == "single":
        return ConditionalDecoder(TRAIN.classes, 12, 15.0, 8, 3, 2, weight_dropout=0.2, **more)
    return SketchVAE(TRAIN.classes, 12, 15.0, 6, 8, 4, 2, weight_dropout=0.2, kl_min=kl_min, **more)


def share_of_batch(rank, world, index=range(5)):
    share = Share(rank, world, len(index))
    return replace(make_batch(TRAIN, share.of(np.asarray(index)), 15.0), share=share)


def floor_between_shares():
    """A KL_min that the whole batch's L_KL is above and one rank's is below."""
    model = model_of("vae")
    whole, *parts = (float(model.parts(share_of_batch(*of))["L_KL"].detach()) for of in ((0, 1), (0, 2), (1, 2)))
    assert min(parts) < whole < max(parts)
    return (min(parts) + whole) / 2


def gradients(kind, ranks, index=range(5)):
    """The model's gradients after a step, and the terms that the step reported."""
    run = Run(model_of(kind), replace(SETTINGS, grad_clip=1e9), Path("nowhere"), ranks)
    terms = train_step(run, share_of_batch(ranks.rank, ranks.world, index))
    return torch.cat([p.grad.flatten() for p in run.model.parameters()]), {name: float(value) for name, value in terms.items()}


# --- real processes ---


def in_a_process(rank, world, port, work, folder, seconds):
    """One rank: do `work`, keep what it returns or the message of its error."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), **NO_GPU}
    try:
        with joined(timedelta(seconds=seconds)) as ranks:
            torch.save(work(ranks, folder), folder / f"{work.__name__}-{rank}-of-{world}.pt")
    except DataError as error:
        (folder / f"error-{rank}").write_text(str(error))
        sys.exit(1)


def on_ranks(world, work, folder, seconds=200):
    """Run `work` on so many processes; returns what each returned, or None, and their exit statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = processes.get_context("spawn")
    started = [context.Process(target=in_a_process, args=(r, world, port, work, folder, seconds)) for r in range(world)]
    for process in started:
        process.start()
    for process in started:
        process.join(2 * seconds)
        assert process.exitcode is not None, "a rank hangs"
    files = [folder / f"{work.__name__}-{rank}-of-{world}.pt" for rank in range(world)]
    return [torch.load(f, weights_only=False) if f.exists() else None for f in files], [p.exitcode for p in started]


def train_kind(kind, ranks, folder, seed=0, **more):
    model = model_of(kind, seed, **more)
    records = fit(model, TRAIN, VALID, SETTINGS, folder, progress=False, ranks=ranks)
    return records, dict(model.state_dict())


def interrupted_at_7(*arguments, **more):
    """A training that ends before its eighth step, three steps after its last checkpoint."""

    def stepping(run, batch):
        if run.step == 7:
            raise KeyboardInterrupt
        return train_step(run, batch)

    train.train_step = stepping
    try:
        train_kind(*arguments, **more)
    except KeyboardInterrupt:
        train.train_step = train_step


def refuse():
    raise DataError("rank 0 refuses")


def the_work_of_two(ranks, folder):
    """All that needs two processes and ends well, in one go: a process takes seconds to start."""
    out = {"backend": dist.get_backend()}
    for kind in KINDS:
        out[kind] = gradients(kind, ranks), gradients(kind, ranks, [3])  # one drawing: the second rank has none
    try:
        ranks.broadcast(refuse)
    except DataError as error:
        out["refusal"] = str(error)
    for kind in KINDS[:2]:
        # Each rank has a folder and first weights of its own: only the first rank's may matter.
        out[f"run of {kind}"] = train_kind(kind, ranks, folder / f"{kind} of {ranks.rank}", seed=ranks.rank)
        interrupted_at_7(kind, ranks, folder / f"{kind} stopped")
    out["whole"] = train_kind("single", ranks, folder / "whole", dropout=0.3)
    interrupted_at_7("single", ranks, folder / "parts", dropout=0.3)
    out["parts"] = train_kind("single", ranks, folder / "parts", seed=3, dropout=0.3)
    return out


def going_on(ranks, folder):
    return {kind: train_kind(kind, ranks, folder / f"{kind} stopped for three") for kind in KINDS[:2]}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    results, statuses = on_ranks(2, the_work_of_two, folder)
    assert statuses == [0, 0], [path.read_text() for path in folder.glob("error-*")]
    return folder, results


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    return folder, {kind: train_kind(kind, ALONE, folder / kind) for kind in KINDS[:2]}


def assert_close(run, other, tolerance=1e-4):
    """Equal curves and weights but for rounding, which Adam's division by small gradients magnifies."""
    (records, weights), (others, other_weights) = run, other
    assert [r["step"] for r in records] == [r["step"] for r in others] == [4, 8, 12, 14]
    for a, b in zip(records, others, strict=True):
        assert (a["lr"], a["epoch"], a["eta"]) == (b["lr"], b["epoch"], b["eta"])
        for part in ("train", "valid"):
            assert a[part] == pytest.approx(b[part], rel=tolerance)
    assert all(torch.allclose(weights[name], other_weights[name], atol=tolerance) for name in weights | other_weights)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", [range(5), [3]], ids=["five drawings", "one drawing"])
def test_the_gradients_of_two_ranks_equal_those_of_one(kind, index, two):
    expected, terms = gradients(kind, ALONE, index)
    for result in two[1]:
        assert result["backend"] == "gloo"
        found, found_terms = result[kind][len(index) == 1]
        assert (found - expected).norm() <= 1e-6 * expected.norm()
        assert found_terms == pytest.approx(terms, rel=1e-6)


@pytest.mark.slow
@both
def test_a_run_on_two_ranks_is_that_of_one_and_the_ranks_agree_to_the_last_bit(kind, two, one):
    (records, weights), (other_records, other_weights) = (result[f"run of {kind}"] for result in two[1])
    assert_close((records, weights), one[1][kind])
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)
    assert [r["valid"] for r in records] == [r["valid"] for r in other_records]


@pytest.mark.slow
@both
def test_only_rank_0_writes_and_what_it_writes_does_not_tell_how_many_they_were(kind, two, one):
    folder = two[0]
    assert {p.name for p in (folder / f"{kind} of 0").iterdir()} == {"last.pt", "best.pt", "curves.jsonl"}
    assert not (folder / f"{kind} of 1").exists()
    ours, theirs = (read_checkpoint(path / "last.pt") for path in (folder / f"{kind} of 0", one[0] / kind))
    assert ours.keys() == theirs.keys()
    for name in ("architecture", "config", "settings", "step"):
        assert ours[name] == theirs[name]
    assert all(torch.equal(a, b) for a, b in zip(ours["random"], theirs["random"], strict=True))


@pytest.mark.slow
def test_a_checkpoint_of_two_ranks_is_gone_on_with_by_one_and_by_three(two, one):
    folder, _ = two
    for kind in KINDS[:2]:
        assert read_checkpoint(folder / f"{kind} stopped" / "last.pt")["step"] == 4
        for name in ("one", "three"):
            (folder / f"{kind} stopped for {name}").mkdir()
            (folder / f"{kind} stopped for {name}" / "last.pt").write_bytes((folder / f"{kind} stopped" / "last.pt").read_bytes())
        assert_close(train_kind(kind, ALONE, folder / f"{kind} stopped for one", seed=5), one[1][kind])
    results, statuses = on_ranks(3, going_on, folder)
    assert statuses == [0, 0, 0]
    for kind in KINDS[:2]:
        for result in results:
            assert_close(result[kind], one[1][kind])


@pytest.mark.slow
def test_two_ranks_interrupted_or_not_give_the_same_numbers_to_the_last_bit_also_with_dropout(two):
    for result in two[1]:
        (records, weights), (others, other_weights) = result["whole"], result["parts"]
        assert [(r["train"], r["valid"]) for r in records] == [(r["train"], r["valid"]) for r in others]
        assert all(torch.equal(weights[name], other_weights[name]) for name in weights)


@pytest.mark.slow
def test_an_error_on_rank_0_is_raised_on_all(two):
    assert [result["refusal"] for result in two[1]] == ["rank 0 refuses"] * 2


def dying(ranks, folder):
    def stepping(run, batch):
        if (ranks.rank, run.step) == (1, 6):
            os.kill(os.getpid(), signal.SIGKILL)
        return train_step(run, batch)

    train.train_step = stepping
    return train_kind("single", ranks, folder / "run")


@pytest.mark.slow
def test_when_a_rank_dies_the_other_stops_with_a_message_and_the_run_goes_on_from_its_checkpoint(tmp_path, one):
    results, statuses = on_ranks(2, dying, tmp_path)
    assert statuses == [1, -signal.SIGKILL] and results == [None, None]
    assert (tmp_path / "error-0").read_text() == "a rank stopped or hung; run the same command again, it goes on from step 4"
    assert read_checkpoint(tmp_path / "run" / "last.pt")["step"] == 4
    assert_close(train_kind("single", ALONE, tmp_path / "run"), one[1]["single"])


# --- the command ---


def torchrun(*arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "sketchlib", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT), **NO_GPU}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def not_to_be_called(*_, **__):
    raise AssertionError("trained again")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds torchrun's processes in /proc")
def test_a_single_model_killed_under_torchrun_is_finished_by_the_same_command(profile, monkeypatch):
    recipe = recipes.single(profile)
    curves = recipes.folder_of("tiny", recipe) / "curves.jsonl"
    running = torchrun("train", "single", "--profile", "tiny")
    while running.poll() is None and not (curves.exists() and curves.read_text()):
        time.sleep(0.02)
    ranks = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    os.kill(int(ranks[-1]), signal.SIGKILL)
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 1 and re.search("(it goes|to go) on from step", said), said
    reached = len(curves.read_text().splitlines())
    assert 0 < reached < 40 and not training.is_kept(profile, recipe)

    main(["train", "single", "--profile", "tiny"])  # on one process this time
    monkeypatch.setattr(train, "train_step", not_to_be_called)
    assert [record["step"] for record in stages.train_single(profile).curves] == list(range(10, 401, 10))


@pytest.mark.slow
def test_the_routers_classes_are_dealt_to_the_ranks(profile, monkeypatch):
    main(["train", "router", "--profile", "tiny", "--classes", "pig"])
    kept = {name: training.is_kept(profile, recipe) for name, recipe in recipes.vaes(profile).items()}
    assert kept == {"cat": False, "pig": True, "sun": False}
    curves = recipes.folder_of("tiny", recipes.vae(profile, "pig")) / "curves.jsonl"
    before = curves.read_bytes()
    running = torchrun("train", "router", "--profile", "tiny")
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 0, said
    assert "on rank 0 of 2" in said and "on rank 1 of 2" in said
    monkeypatch.setattr(train, "train_step", not_to_be_called)
    trained = stages.train_vaes(profile)
    assert set(trained) == {"cat", "pig", "sun"} and all(one.card["steps"] == 10 for one in trained.values())
    assert curves.read_bytes() == before
    assert {path.stem for path in (build_folder("tiny") / "models" / "router").glob("*.safetensors")} == {"cat", "pig", "sun"}


def test_a_wrong_command_is_answered_with_what_is_right(profile, capsys):
    for arguments, message in [
        (["train", "router", "--profile", "tiny", "--classes", "pigg"], "unknown class 'pigg'.*pig"),
        (["train", "single", "--profile", "tinny"], "profile 'tinny' is not known; expected one of full, tiny"),
    ]:
        with pytest.raises(SystemExit, match=message):
            main(arguments)
    with pytest.raises(SystemExit):
        main(["train", "single", "--classes", "cat"])
    assert "No such option '--classes'" in capsys.readouterr().err


# --- without processes ---


@given(st.integers(1, 8), st.integers(1, 20))
def test_shares_deal_every_drawing_once_and_a_rank_without_one_does_not_count(world, whole):
    shares = [Share(rank, world, whole) for rank in range(world)]
    assert sorted(np.concatenate([s.of(np.arange(whole)) for s in shares if s.has_own])) == list(range(whole))
    for share in shares:
        assert len(share.of(np.arange(whole))) == (len(range(share.rank, whole, world)) or 1)
    batch = replace(share_of_batch(0, 1), share=shares[-1])
    assert (train.weight_of(model_of("single"), batch) > 0) == shares[-1].has_own


def test_one_process_has_no_group():
    with joined() as ranks:
        assert (ranks.rank, ranks.world) == (0, 1) and not dist.is_initialized()


@given(st.dictionaries(st.text(max_size=3), st.floats(0.1, 100), max_size=12), st.integers(1, 5))
def test_classes_are_dealt_once_and_no_rank_has_more_than_its_part_and_one_class(costs, world):
    hands = deal(costs, world)
    assert sorted(sum(hands, [])) == sorted(costs) and len(hands) == world
    heaviest = max(sum(costs[name] for name in hand) for hand in hands)
    assert heaviest <= sum(costs.values()) / world + max(costs.values(), default=0) + 1e-6


def test_more_ranks_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(distributed.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(distributed.torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DataError, match="3 ranks on a machine with 2 GPUs.*CUDA_VISIBLE_DEVICES"):
        own_device(0, 3)


def test_what_torch_raises_for_a_lost_rank_becomes_a_message(monkeypatch):
    def closed(*_):
        raise RuntimeError("Connection closed by peer [127.0.0.1]:1")

    for name in ("all_reduce", "barrier", "broadcast_object_list"):
        monkeypatch.setattr(dist, name, closed)
    ranks, model = Ranks(0, 2), model_of("single")
    terms_of(model, share_of_batch(0, 1))["loss"].backward()
    calls = (lambda: ranks.mean({"a": torch.ones(())}, 1), lambda: ranks.sum_gradients(model), ranks.wait, lambda: ranks.broadcast(int))
    for call in calls:
        with pytest.raises(RankLost, match="a rank stopped or hung; run the same command again"):
            call()
