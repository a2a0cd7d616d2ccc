"""The library against the reference implementation, side by side in one run: `python benchmarks/run.py --help`."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs without the library installed

import sketchlib  # noqa: E402, F401, I001  # before torch, since it chooses how torch's threads wait
import busy  # noqa: E402
import gains  # noqa: E402
import rows  # noqa: E402
import table  # noqa: E402
import torch  # noqa: E402
from tqdm import tqdm  # noqa: E402
from world import World, prepare  # noqa: E402

from sketchlib.errors import DataError  # noqa: E402
from sketchlib.files import write_atomically  # noqa: E402
from sketchlib.report.provenance import provenance  # noqa: E402

MAKERS = [rows.train_single, rows.train_vae, rows.train_vaes, rows.evaluate_single]
MAKERS += [rows.sample_1, rows.sample_100, rows.sample_1000, rows.complete_100]
MAKERS += [rows.load_npz, rows.load_ndjson, rows.load_raw, rows.load_binary, rows.load_many, rows.animate]
MAKERS += [gains.batching, gains.padding, gains.encoder, gains.mixture_loss, gains.optimiser]
MAKERS += [busy.busy_9, busy.busy_100, busy.busy_1000, busy.busy_training, busy.busy_recogniser]
ROWS = {maker.__name__: maker for maker in MAKERS}
SIZE = 2048  # of the square matrices whose product is the ceiling


def seconds_of(work) -> tuple[float, int]:
    """Seconds that one call took, and the units it did."""
    began = time.perf_counter()
    units = work()
    return time.perf_counter() - began, units


def gflops() -> float:
    """The machine's rate of single-precision matrix products, GFLOP/s, in one product of two square matrices."""
    a = torch.ones(SIZE, SIZE)
    seconds, _ = seconds_of(lambda: len(torch.mm(a, a)))
    return 2 * SIZE**3 / seconds / 1e9


def spread(values: list[float]) -> dict:
    """Median and quartiles."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": statistics.median(values), "low": low, "high": high, "n": len(values)}


def measure(row: rows.Row, budget: float, least: int, most: int = 15) -> dict:
    """Rounds of reference, library and ceiling, one after the other, until `budget` seconds are spent; medians and quartiles."""
    differ = row.check() if row.check else None
    rates = {"library": [], "reference": [], "ceiling": []}
    seconds, units, began = [], {}, time.perf_counter()
    while len(seconds) < least or (time.perf_counter() - began < budget and len(seconds) < most):
        rates["ceiling"].append(gflops())
        for side in ("reference", "library") if row.reference else ("library",):
            took, units[side] = seconds_of(getattr(row, side))
            rates[side].append(units[side] / took)
        seconds.append(took)
    ratios = [mine / theirs for mine, theirs in zip(rates["library"], rates["reference"], strict=False)]
    found = {side: spread(values) if values else None for side, values in rates.items()}
    found |= {"ratio": spread(ratios) if ratios else None, "seconds": spread(seconds), "units": units, "differ": differ}
    if row.flops:
        shares = [row.flops / took / 1e9 / ceiling for took, ceiling in zip(seconds, rates["ceiling"], strict=True)]
        found["share"] = spread(shares)
    return {"what": row.what, "unit": row.unit, **found, "targets": reached(row.targets, found), "memory": {}}


def reached(targets: dict[str, float], found: dict) -> list[dict]:
    """Each target beside what was measured."""
    where = {"ratio": "ratio", "busy": "ratio", "rate": "library", "seconds": "seconds", "share": "share"}
    entries = []
    for kind, value in targets.items():
        measured = found[where[kind]]["median"]
        good = measured <= value if kind in ("seconds", "busy") else measured >= value
        entries.append({"kind": kind, "target": value, "measured": measured, "reached": good})
    return entries


def peak_mb(name: str, side: str, folder: Path, threads: int) -> float | None:
    """Peak memory of one call over what was there before it, MB, in a process of its own; None where the system does not tell."""
    command = [sys.executable, __file__, "--threads", str(threads), "--memory-of", name, side, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the memory of {name} ({side}) could not be measured:\n{done.stderr}")
    return json.loads(done.stdout)


def own_peak_mb(name: str, side: str, folder: Path) -> float | None:
    """As `peak_mb`, in this process. Linux counts the peak from where clear_refs was written."""
    row = ROWS[name](World(folder))
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not clear.exists():
        return None
    clear.write_text("5")
    before = kilobytes(status, "VmRSS")
    getattr(row, side)()
    return (kilobytes(status, "VmHWM") - before) / 1000


def kilobytes(status: Path, key: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key))


def run(names: list[str], folder: Path, quick: bool, threads: int) -> dict:
    """Measure the rows named; returns what goes into the JSON."""
    began = time.perf_counter()
    world = prepare(folder, 1000, 2000) if quick else prepare(folder)
    budget, least = (2.0, 1) if quick else (12.0, 3)
    found, sides = {}, []
    for name in tqdm(names, unit="row"):
        row = ROWS[name](world)
        found[name] = measure(row, budget, least)
        sides += [(name, side) for side in row.memory if not quick]
    for name, side in tqdm(sides, desc="memory", disable=quick):
        found[name]["memory"][side] = peak_mb(name, side, folder, threads)
    ceilings = [row.pop("ceiling") for row in found.values()]
    made = {**provenance(), "quick": quick}
    return dict(made=made, drawings=world.about, ceiling=middle(ceilings), seconds=time.perf_counter() - began, rows=found)


def middle(spreads: list[dict]) -> dict:
    """The median of medians, and of quartiles."""
    return {key: statistics.median(each[key] for each in spreads) for key in ("median", "low", "high")}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0] + ". Prints a table.")
    parser.add_argument("--quick", action="store_true", help="about a minute: fewer drawings and turns, no memory; the figures are rough")
    parser.add_argument("--rows", default=",".join(ROWS), help="only these, with commas between; all are: %(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch (here: %(default)s)")
    parser.add_argument("--out", type=Path, help="write the figures as JSON there; benchmarks/results/*.json are shown in the book")
    parser.add_argument("--memory-of", nargs=3, metavar=("ROW", "SIDE", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        name, side, folder = options.memory_of
        return print(json.dumps(own_peak_mb(name, side, Path(folder))))
    names = options.rows.split(",")
    if unknown := [name for name in names if name not in ROWS]:
        raise SystemExit(f"no row is named {', '.join(unknown)}; there are {', '.join(ROWS)}")
    with tempfile.TemporaryDirectory() as folder:
        result = run(names, Path(folder), options.quick, options.threads)
    print(table.text_of(result))
    if options.out:
        text = json.dumps(result, indent=1) + "\n"
        write_atomically(options.out, lambda to: to.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
