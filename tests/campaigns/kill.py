"""Kill trainings at random moments, let them go on, and look whether they end in the same bits as one that was not killed.

    python tests/campaigns/kill.py --kills 200 --out tests/campaigns/results/kill.json

Each training is a process of its own, made by fork, so that a kill costs some milliseconds; the kill is SIGKILL, which nothing can catch.
Needs a system that forks. Exit status 1 where a training ended otherwise.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import torch  # noqa: E402
from synthetic import sketch_set  # noqa: E402

from sketchlib.models.single import ConditionalDecoder  # noqa: E402
from sketchlib.models.transformer import ConditionalTransformer  # noqa: E402
from sketchlib.models.vae import SketchVAE  # noqa: E402
from sketchlib.report.provenance import provenance  # noqa: E402
from sketchlib.sampling import sample  # noqa: E402
from sketchlib.settings import Settings  # noqa: E402
from sketchlib.train import fit, load_kept, read_checkpoint  # noqa: E402

TRAIN, VALID = sketch_set(12, classes=("cat",), seed=1), sketch_set(5, classes=("cat",), seed=2)
SETTINGS = Settings(steps=24, batch_size=4, validate_every=3, jitter=0.01, schedule="plateau", plateau_patience=0)
SIZES = dict(classes=["cat"], n_max=12, scale=15.0, n_mixtures=2)
KILLS_A_RUN = 4  # then a training is left to end


def single():
    torch.manual_seed(1)
    return ConditionalDecoder(hidden_size=8, embedding_size=4, weight_dropout=0.2, **SIZES)


def vae():
    torch.manual_seed(2)
    return SketchVAE(encoder_size=4, decoder_size=8, latent_size=4, weight_dropout=0.2, **SIZES)


def transformer():
    torch.manual_seed(3)
    return ConditionalTransformer(hidden_size=8, embedding_size=4, layers=1, heads=2, **SIZES)


def train(make, folder: Path) -> None:
    fit(make(), TRAIN, VALID, SETTINGS, folder, progress=False)


def started(make, folder: Path) -> int:
    """The number of a process that trains, or goes on with a training; it ends with status 0 where it succeeds."""
    child = os.fork()
    if child:
        return child
    try:
        train(make, folder)
        os._exit(0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    os._exit(1)


def plain(value):
    """What is compared: without the clock's readings."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name != "seconds"}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def ended(make, folder: Path) -> dict:
    """All that a training leaves: weights, optimiser, random state, curves, and what its model draws."""
    state = read_checkpoint(folder / "last.pt")
    curves = [json.loads(line) for line in (folder / "curves.jsonl").read_text().splitlines()]
    drawn = [one.stroke3.tolist() for one in sample(load_kept(make(), folder), "cat", 5, 0.5, seed=3)]
    return {
        "last": plain({**state, "curves": None}),
        "best": read_checkpoint(folder / "best.pt")["model"],
        "curves": plain(curves),
        "drawn": drawn,
    }


def same(a, b) -> bool:
    """Equality to the last bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return len(a) == len(b) and all(map(same, a, b)) if isinstance(a, list) else a == b


def run_killed(make, folder: Path, seconds: float, rng: random.Random) -> tuple[int, str]:
    """Train in a folder, killed several times; how often, and what went wrong."""
    kills = 0
    while True:
        child = started(make, folder)
        if kills < KILLS_A_RUN:
            time.sleep(rng.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
            continue
        return kills, "" if status == 0 else "a training that went on failed"


def campaign(make, kills: int, rng: random.Random) -> dict:
    """Kill trainings of a model `kills` times or a few more."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, began = Path(scratch) / "whole", time.perf_counter()
        os.waitpid(started(make, folder), 0)
        seconds, whole = time.perf_counter() - began, ended(make, folder)
        done, runs, failures = 0, 0, []
        while done < kills:
            folder = Path(scratch) / str(runs)
            count, wrong = run_killed(make, folder, seconds, rng)
            if not wrong:
                now = ended(make, folder)
                differ = [name for name in whole if not same(now[name], whole[name])]
                wrong = f"ended otherwise: {', '.join(differ)}" if differ else ""
            done, runs, failures = done + count, runs + 1, failures + [f"run {runs}: {wrong}"] * bool(wrong)
    return {"sizes": make().config(), "kills": done, "runs": runs, "compared": list(whole), "failures": failures}


def made() -> dict:
    """Commit, versions, and of the machine what counts here."""
    found = {name: value for name, value in provenance().items() if name not in ("cpu", "device")}
    return found | {"cores": os.cpu_count(), "instructions": torch.backends.cpu.get_cpu_capability()}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=200, help="of all architectures together (default: 200)")
    options.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options.add_argument("--out", type=Path, help="where the record is written, as JSON")
    options = options.parse_args()
    torch.set_num_threads(1)
    rng, began = random.Random(options.seed), time.perf_counter()
    makers = (single, vae, transformer)
    found = {make.__name__: campaign(make, -(-options.kills // len(makers)), rng) for make in makers}
    record = {"campaign": "kill", "kills": sum(one["kills"] for one in found.values())}
    record |= {"failures": sum(len(one["failures"]) for one in found.values()), "seconds": round(time.perf_counter() - began, 1)}
    record |= {"seed": options.seed, "made": made(), "settings": asdict(SETTINGS), "architectures": found}
    text = json.dumps(record, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    return int(record["failures"] > 0)


if __name__ == "__main__":
    sys.exit(main())
