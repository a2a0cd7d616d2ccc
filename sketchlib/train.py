"""The training loop: teacher forcing, Adam, clipping, a schedule, validation, checkpoints, exact resume."""

from __future__ import annotations

import io
import json
import math
import pickle
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from .arguments import SOME, Number, Seed, checked
from .data.batches import Batch, augment, batch_order, batches, make_batch
from .data.dataset import SketchSet
from .data.reading import BROKEN
from .distributed import ALONE, RankLost, Ranks
from .errors import DataError
from .files import write_atomically
from .settings import Settings, eta_at

Filled = Annotated[SketchSet, SOME]


@cache
def _runs_bfloat16(device: torch.device) -> bool:
    """Whether an LSTM trains in bfloat16 there, tried on a tiny one: what a backend can do, no list of a processor's features tells."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        lstm, head = nn.LSTM(8, 8, batch_first=True).to(device), nn.Linear(8, 3).to(device)
        try:
            with torch.autocast(device.type, torch.bfloat16):
                head(lstm(torch.zeros(2, 3, 8, device=device))[0]).float().sum().backward()
        except RuntimeError:
            return False
    return True


def precision_on(device: torch.device, settings: Settings) -> str:
    """The precision that a training there really has: that of the settings, or "float32" where bfloat16 does not run."""
    return settings.precision if settings.precision == "float32" or _runs_bfloat16(device) else "float32"


def tell_precision(device: torch.device, settings: Settings) -> None:
    """Print a line where a training there has another precision than the settings ask for."""
    if precision_on(device, settings) != settings.precision:
        tqdm.write(f"{settings.precision} does not run on this machine's {device.type}: training in float32")


def make_schedule(optimiser, settings: Settings):
    """The learning-rate schedule named in the settings.

    "plateau" cuts lr after more than `plateau_patience` validations without a new best (report, single model); "exponential" multiplies it
    at each step, down to `min_lr` (report, VAE); "cosine" lets it fall to `min_lr` over the run (this book: short runs have no plateaus).
    """
    floor = settings.min_lr / settings.lr
    if settings.schedule == "plateau":
        # threshold 0: torch's relative default takes a worse loss for a better one where losses are negative.
        return ReduceLROnPlateau(optimiser, "min", settings.plateau_factor, settings.plateau_patience, threshold=0)
    if settings.schedule == "exponential":
        return LambdaLR(optimiser, lambda step: max(settings.lr_decay**step, floor))
    share = lambda step: min(step / settings.steps, 1.0)  # noqa: E731
    return LambdaLR(optimiser, lambda step: floor + (1 - floor) * (1 + math.cos(math.pi * share(step))) / 2)


def weight_of(model: nn.Module, batch: Batch) -> int:
    """What the parts of a batch's loss are averages over, as the model says: drawings or points; 0 for none of one's own."""
    if batch.share and not batch.share.has_own:
        return 0
    return model.averaged_over(batch)


@checked
@torch.no_grad()
def evaluate(
    model: nn.Module, sketches: Filled, batch_size: Number = 250, seed: Seed = 0, ranks: Ranks = ALONE, dequantise: bool = False
) -> dict[str, float]:
    """The terms of the loss over a whole set, with eta = 1 and fixed noise, so that figures of different steps compare.

    `dequantise`: of drawings whose points are moved within their cells, as in `fit`. Each of `ranks` computes its share of every batch,
    and all get the whole's terms.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    totals, weight = {}, 0
    for batch in batches(sketches, model.scale, batch_size, shuffle=False, ranks=ranks):
        if dequantise:
            batch = augment(batch, generator, stretch=0.0, longest=model.n_max + 2, cell=1 / model.scale)
        parts, share = ranks.mean(model.parts(batch.to(device), generator), weight_of(model, batch))
        for name, value in {"loss": model.loss(parts), **parts}.items():
            totals[name] = totals.get(name, 0) + value * share
        weight += share
    model.train(was_training)
    return {name: float(total) / float(weight) for name, total in totals.items()}


class Run:
    """The state of one training run: everything that a checkpoint holds and a resumed run needs."""

    def __init__(self, model: nn.Module, settings: Settings, folder: Path | str, ranks: Ranks = ALONE):
        self.model, self.settings, self.folder, self.ranks = model, settings, Path(folder), ranks
        self.device = next(model.parameters()).device
        self.precision = precision_on(self.device, settings)  # beside the settings: a run may go on where there is another one
        self.optimiser = torch.optim.Adam(model.parameters(), lr=settings.lr, foreach=True)
        self.schedule = make_schedule(self.optimiser, settings)
        self.averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.ema)) if settings.ema else None
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.step, self.best, self.best_step = 0, math.inf, 0
        self.curves: list[dict] = []
        self.since = dict(sums={}, steps=0, seconds=0.0)  # the last validation
        self.saved = 0  # the step of last.pt

    @property
    def kept(self) -> nn.Module:
        """The model that is scored and kept: the one that is trained, or the moving average of its weights."""
        return self.averaged.module if self.averaged else self.model

    def count(self, terms: Mapping[str, torch.Tensor]) -> None:
        """A step was taken: its terms are added to those since the last validation."""
        sums = self.since["sums"]
        self.since["sums"] = {name: sums.get(name, 0) + value for name, value in terms.items()}
        self.since["steps"] += 1
        self.step += 1

    def state(self) -> dict:
        """Plain containers and tensors only, so that a checkpoint can be read without executing anything; the same on every rank."""
        return dict(
            architecture=type(self.model).__name__,
            config=json.dumps(self.model.config()),
            settings=json.dumps(asdict(self.settings)),
            model=self.model.state_dict(),
            averaged=self.averaged and self.averaged.state_dict(),
            optimiser=self.optimiser.state_dict(),
            schedule={k: v for k, v in self.schedule.state_dict().items() if k != "lr_lambdas"},
            random=[self.generator.get_state(), torch.get_rng_state()],
            step=self.step,
            best=self.best,
            best_step=self.best_step,
            curves=json.dumps(self.curves),
            since=self.since,
        )

    def save(self, name: str) -> None:
        """Write the checkpoint `name` and the curves, on rank 0; a failure leaves the former ones as they were."""
        self.saved = self.step if name == "last.pt" else self.saved
        if self.ranks.rank:
            return
        torch.save(self.state(), buffer := io.BytesIO())  # not to the file: a full disk must show as an OSError
        write_atomically(self.folder / name, lambda to: to.write_bytes(buffer.getbuffer()))
        lines = "".join(json.dumps(record) + "\n" for record in self.curves)
        write_atomically(self.folder / "curves.jsonl", lambda to: to.write_text(lines, encoding="utf-8"))

    def resume(self) -> None:
        """Go on from last.pt, or write it where there is none; raises `DataError` when it is of another run."""
        path = self.folder / "last.pt"
        state = self.ranks.broadcast(lambda: self._last(path))
        if state is None:
            return
        for key in ("architecture", "config", "settings"):
            if state[key] != (mine := self.state()[key]):
                raise DataError(
                    f"{path} is the checkpoint of another run: its {key} is {state[key]}, this run's is {mine}; "
                    "delete the folder to start anew, or train into another one"
                )
        self.model.load_state_dict(state["model"])
        if self.averaged:
            self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict({**self.schedule.state_dict(), **state["schedule"]})
        self.generator.set_state(state["random"][0])
        torch.set_rng_state(state["random"][1])
        self.step, self.best, self.best_step = state["step"], state["best"], state["best_step"]
        self.curves = json.loads(state["curves"])
        self.since, self.saved = state.get("since", self.since), self.step

    def _last(self, path: Path) -> dict | None:
        if not path.exists():
            self.save("last.pt")  # the start of a run that is interrupted before its first validation
            if self.ranks.world == 1:
                return None  # it is what this process holds
        return read_checkpoint(path)


@checked
def read_checkpoint(path: Path | str) -> dict:
    """A checkpoint's contents, on the CPU, without executing anything it carries; raises `DataError` for a broken file."""
    try:
        with zipfile.ZipFile(path) as archive:  # torch looks at no checksum, and takes any other file for a bare pickle
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"{damaged} is damaged")
            if any(info.external_attr & 0x10 for info in archive.infolist()):  # torch would read a "folder" as zeros
                raise zipfile.BadZipFile("a part is marked as a folder")
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or "architecture" not in state:
            raise KeyError("architecture")
    except (*BROKEN, pickle.UnpicklingError) as error:
        what = " ".join(str(error).split())[:300]  # torch explains on many lines
        raise DataError(f"{path} is not a checkpoint of this library ({what}); delete it to start anew") from error
    return state


@checked
def load_kept(model: nn.Module, folder: Path | str, keep: Literal["best", "last"] = "best") -> nn.Module:
    """Put a run's weights, of the "best" validation or the "last", into a model of the same architecture; returns it in evaluation mode."""
    path = Path(folder) / f"{keep}.pt"
    state = read_checkpoint(path)
    if state["architecture"] != type(model).__name__ or state["config"] != json.dumps(model.config()):
        raise DataError(
            f"{path} holds a {state['architecture']} {state['config']}, not a {type(model).__name__} {json.dumps(model.config())}"
        )
    averaged = state.get("averaged") or {}
    of_model = {name.removeprefix("module."): value for name, value in averaged.items() if name.startswith("module.")}
    model.load_state_dict(of_model or state["model"])
    return model.eval()


def order_from(sketches: SketchSet, settings: Settings, step: int) -> Iterator[tuple[int, object]]:
    """(epoch, drawings of the batch) from `step` on, without end: a function of the seed and the step alone."""
    per_epoch = len(batch_order(sketches.lengths, settings.batch_size, settings.seed, 0))
    epoch, skip = divmod(step, per_epoch)
    while True:
        for index in batch_order(sketches.lengths, settings.batch_size, settings.seed, epoch)[skip:]:
            yield epoch, index
        epoch, skip = epoch + 1, 0


def clip_parts(model: nn.Module, limit: float) -> None:
    """Clip the gradient's norm, of each part that the model names by itself."""
    for part in model.clipped_parts():
        nn.utils.clip_grad_norm_(part.parameters(), limit)


@checked
def fit(
    model: nn.Module,
    train_set: Filled,
    valid_set: Filled,
    settings: Settings,
    folder: Path | str,
    progress: bool = True,
    ranks: Ranks = ALONE,
    score: Callable | None = None,
) -> list[dict]:
    """Train a model, or go on with the run in `folder`; returns the curve records.

    Writes last.pt at the start and at every validation, best.pt at every new best validation loss, curves.jsonl (one JSON
    object a line: step, epoch, lr, eta, precision, seconds, and the terms of `train` and `valid`). The same commit, data, settings and
    machine give the same numbers on the CPU, interrupted or not. Leaves the model in evaluation mode.
    Called by each of `ranks` with the same arguments, it splits every batch over them: the numbers of one process but for rounding
    (and for the masks of `dropout`, which are drawn by each rank), and checkpoints from which any number of ranks goes on. Only
    rank 0 writes.
    `score`: gives for the model that is kept what else a record is to hold, under "more"; its time does not count.
    Ctrl-C lets a step be finished and writes last.pt, from which the same call goes on; a second one does not wait for that.
    Raises `DataError` when `folder` holds another run or cannot be written, when the loss grows beyond all measure, and when another rank
    stopped.
    """
    torch.manual_seed(settings.seed)
    run = Run(model, settings, folder, ranks)
    if progress and not ranks.rank:
        tell_precision(run.device, settings)
    run.resume()
    bar = tqdm(total=settings.steps, initial=run.step, disable=not progress or ranks.rank > 0, unit="step", mininterval=1.0)
    began, handlers = time.perf_counter(), ExitStack()
    asked_to_stop = handlers.enter_context(_whole_steps(ranks))
    try:
        for epoch, index in order_from(train_set, settings, run.step):
            if run.step >= settings.steps or _is_stale(run):
                break
            share = ranks.share(len(index))
            batch = replace(make_batch(train_set, share.of(index), model.scale), share=share)
            terms = train_step(run, batch)
            run.count(terms)
            bar.update()
            if run.device.type == "cpu":  # elsewhere a look at a number would wait for it
                _require_learning(run, float(terms["loss"]), index)
            if run.step % settings.validate_every == 0 or run.step == settings.steps:
                _validate_since(run, valid_set, epoch, began, score)
                began = time.perf_counter()
                bar.set_postfix(valid=f"{run.curves[-1]['valid']['loss']:.3f}", best=f"{run.best:.3f}")
            elif asked_to_stop:
                run.since["seconds"] += time.perf_counter() - began
                run.save("last.pt")
            if asked_to_stop:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        tqdm.write(f"stopped at step {run.step}; run the same again to go on from step {run.saved}")
        raise
    except RankLost as error:
        raise DataError(f"{error}, it goes on from step {run.saved}") from error
    finally:
        handlers.close()
        bar.close()
    model.eval()
    return run.curves


def train_step(run: Run, batch: Batch) -> dict[str, torch.Tensor]:
    """One optimiser step by teacher forcing; returns the detached terms of the loss."""
    settings, model, ranks = run.settings, run.model, run.ranks
    model.train()
    cell = 1 / model.scale if settings.dequantise else 0.0
    how = (settings.stretch, settings.merge, settings.jitter, model.n_max + 2, settings.rotate, cell, settings.stray)
    if settings.stretch or settings.merge or settings.jitter or settings.rotate or cell or settings.stray:
        batch = augment(batch, run.generator, *how)
    weight = weight_of(model, batch)
    batch = batch.to(run.device)
    with torch.autocast(run.device.type, torch.bfloat16, enabled=run.precision == "bfloat16"):
        parts = model.parts(batch, run.generator)
    parts, _ = ranks.mean(parts, weight)
    terms = {"loss": model.loss(parts, eta_at(run.step, settings)), **parts}
    run.optimiser.zero_grad(set_to_none=True)
    terms["loss"].backward()
    ranks.sum_gradients(model)
    clip_parts(model, settings.grad_clip)
    run.optimiser.step()
    if run.averaged:
        run.averaged.update_parameters(model)
    if settings.schedule != "plateau":
        run.schedule.step()
    return {name: value.detach() for name, value in terms.items()}


@contextmanager
def _whole_steps(ranks: Ranks) -> Iterator[list[int]]:
    """Let Ctrl-C, and what is treated alike, wait: it comes into the list, which is looked at after each step. A second one does not wait.

    With several ranks none waits: they would end at different steps.
    """
    asked: list[int] = []

    def ask(number, frame):
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    waits = ranks.world == 1 and threading.current_thread() is threading.main_thread()
    own = [number for number in (signal.SIGINT, signal.SIGTERM) if waits and signal.getsignal(number) is signal.default_int_handler]
    for number in own:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number in own:
            signal.signal(number, signal.default_int_handler)


def _require_learning(run: Run, loss: float, batch: np.ndarray | None = None) -> None:
    """Raises `DataError` for a loss that is not finite or above all measure; `batch`: the drawings that it is of."""
    if not abs(loss) <= run.settings.stop_above:
        some = "" if batch is None else f"; its drawings: numbers {', '.join(map(str, batch[:9]))} ... of the training part"
        raise DataError(
            f"the loss is {loss:.3g} at step {run.step}: this run learns nothing, lower lr ({run.settings.lr:g}); "
            f"the checkpoint of step {run.saved} is kept{some}"
        )


def _validate_since(run: Run, valid_set: SketchSet, epoch: int, began: float, score: Callable | None) -> None:
    """Validate, and record beside it the means of the steps since the last validation; their clock was started at `began`."""
    means = {name: float(total) / run.since["steps"] for name, total in run.since["sums"].items()}
    _require_learning(run, means["loss"])
    seconds = run.since["seconds"] + time.perf_counter() - began  # only now: a device may have had steps to finish
    run.since = dict(sums={}, steps=0, seconds=0.0)
    more = {"more": score(run.kept)} if score else {}
    validate(run, valid_set, dict(epoch=epoch, seconds=seconds, train=means, **more))


def validate(run: Run, valid_set: SketchSet, record: dict) -> None:
    """Score the validation part, let the schedule act, append to the curves, and write the checkpoints."""
    valid = evaluate(run.kept, valid_set, ranks=run.ranks, dequantise=run.settings.dequantise)
    _require_learning(run, valid["loss"])
    if run.settings.schedule == "plateau":
        run.schedule.step(valid["loss"])
    lr, eta = run.optimiser.param_groups[0]["lr"], eta_at(run.step, run.settings)
    run.curves.append(dict(step=run.step, lr=lr, eta=eta, precision=run.precision, **record, valid=valid))
    if valid["loss"] < run.best:
        run.best, run.best_step = valid["loss"], run.step
        run.save("best.pt")
    run.save("last.pt")
    torch.set_rng_state(run.ranks.broadcast(torch.get_rng_state))  # what a resumed run would start from


def _is_stale(run: Run) -> bool:
    patience = run.settings.stop_after
    return patience is not None and run.step - run.best_step >= patience * run.settings.validate_every
