"""Training past one process: the ranks that torchrun started, what they tell each other, and what happens when one stops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from .errors import DataError


class RankLost(DataError):
    """Another rank stopped, or did not answer in time."""


@contextmanager
def _with_the_others() -> Iterator[None]:
    """Turn what torch raises when a rank is gone into a `RankLost`."""
    try:
        yield
    except RuntimeError as error:
        raise RankLost("a rank stopped or hung; run the same command again") from error


@dataclass(frozen=True)
class Share:
    """What one rank of `world` takes of a batch of `whole` drawings: every `world`-th of them, from number `rank` on.

    Where there are fewer drawings than ranks, a rank without one takes the first, which then must not count.
    """

    rank: int
    world: int
    whole: int

    @property
    def has_own(self) -> bool:
        """Whether a drawing of the batch is this rank's own."""
        return self.rank < self.whole

    def of(self, rows):
        """This rank's rows of an array or tensor (whole, ...)."""
        return rows[self.rank :: self.world] if self.has_own else rows[:1]


@dataclass(frozen=True)
class Ranks:
    """The processes of one run: this one's `rank` among `world`, and the device it computes on.

    With one process nothing is sent, and every method gives back what it was given. Where another rank is gone they raise `RankLost`.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")

    def share(self, whole: int) -> Share:
        """This rank's share of a batch of `whole` drawings."""
        return Share(self.rank, self.world, whole)

    def broadcast(self, make: Callable[[], object]):
        """What `make` returns on rank 0, the only one to call it, told to all; a `DataError` there is raised on all."""
        if self.world == 1:
            return make()
        said = [None]
        if self.rank == 0:
            try:
                said = [make()]
            except DataError as error:
                said = [error]
        with _with_the_others():
            dist.broadcast_object_list(said)
        if isinstance(said[0], DataError):
            raise said[0]
        return said[0]

    def mean(self, parts: Mapping[str, Tensor], weight: int) -> tuple[dict[str, Tensor], float | Tensor]:
        """Averages over each rank's share of a batch as averages over the whole of it, and the weight of the whole.

        Values are the whole's, gradients those of this rank's share: summed over the ranks they are the whole's, also through what
        is not linear, such as the floor below L_KL.
        """
        if self.world == 1:
            return dict(parts), weight
        own = torch.stack(list(parts.values())) * weight
        sums = torch.cat([own.detach(), own.new_full((1,), weight)])
        with _with_the_others():
            dist.all_reduce(sums)
        own = own / sums[-1]
        whole = sums[:-1] / sums[-1] + (own - own.detach())
        return dict(zip(parts, whole, strict=True)), sums[-1]

    def sum_gradients(self, model: nn.Module) -> None:
        """Replace each gradient by its sum over the ranks, all in one message."""
        if self.world == 1:
            return
        gradients = [p.grad for p in model.parameters()]
        flat = parameters_to_vector(gradients)
        with _with_the_others():
            dist.all_reduce(flat)
        vector_to_parameters(flat, gradients)

    def wait(self) -> None:
        """Return when every rank is here."""
        if self.world > 1:
            with _with_the_others():
                dist.barrier()


ALONE = Ranks()
MEETING = timedelta(seconds=50)  # how long ranks that torchrun starts, all at once, wait for each other at first


@contextmanager
def joined(timeout: timedelta = timedelta(minutes=5), gradients: bool = True) -> Iterator[Ranks]:
    """Join the ranks that torchrun started; without it, or with --nproc-per-node=1, there is this one, and no process group.

    `timeout`: how long one rank waits for another, once all have met. GPUs are used where there are any: one a rank, `nccl` between them
    where `gradients` travel; else `gloo`. Raises `DataError` for more ranks than GPUs, and for variables of torchrun that another job left:
    where they make no sense, and where no other rank comes within `MEETING`.
    """
    rank, world = _number("RANK", 0), _number("WORLD_SIZE", 1)
    device = own_device(_number("LOCAL_RANK", rank), _number("LOCAL_WORLD_SIZE", world))
    if world == 1:
        yield Ranks(device=device)
        return
    _meet("nccl" if gradients and device.type == "cuda" else "gloo", rank, world, timeout)
    yield Ranks(rank, world, device)
    dist.destroy_process_group()  # not after an error: the others would be waited for


def _number(name: str, default: int) -> int:
    # What torchrun says of this process.
    value = os.environ.get(name, str(default))
    if not value.strip().isdecimal():
        raise DataError(f"the environment variable {name} is {value!r}: start the ranks by torchrun, or unset it")
    return int(value)


def _meet(backend: str, rank: int, world: int, timeout: timedelta) -> None:
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise DataError(f"WORLD_SIZE is {world} and {', '.join(missing)} not set: start the ranks by torchrun, or unset WORLD_SIZE")
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        store, rank, world = next(dist.rendezvous("env://", rank, world, timeout=MEETING))
        store.set_timeout(timeout)
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=timeout)
    except (RuntimeError, ValueError) as error:
        why = str(error).partition("\n")[0][:100]
        raise DataError(f"rank {rank} of {world} met no other at {where} ({why}): start all by torchrun, or unset WORLD_SIZE") from error


def own_device(local_rank: int, local_world: int) -> torch.device:
    """The GPU of this rank among those of its machine, or the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if local_world > torch.cuda.device_count():
        raise DataError(
            f"{local_world} ranks on a machine with {torch.cuda.device_count()} GPUs: start as many as there are GPUs, "
            "or set CUDA_VISIBLE_DEVICES to nothing to train on the CPU"
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def deal(costs: Mapping[str, float], world: int) -> list[list[str]]:
    """The names of `costs` dealt over the ranks: the costliest first, each to the rank with the least to do."""
    hands: list[list[str]] = [[] for _ in range(world)]
    for name in sorted(costs, key=costs.get, reverse=True):
        min(hands, key=lambda hand: sum(costs[n] for n in hand)).append(name)
    return hands
