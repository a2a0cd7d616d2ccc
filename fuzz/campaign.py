"""A campaign that tries to break every reader: `python fuzz/campaign.py --seconds 60` fuzzes each target so long, guided by coverage.

Inputs that reach new code are kept in build/fuzz/TARGET, those that are findings in build/fuzz/findings, and what was tried is recorded
as JSON: commit, machine, and of each target inputs, seconds, places in the code that were reached, what is kept, and findings. It goes on
from what an earlier one kept, and adds to its record. Needs the extra `fuzz`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]  # also where the library is not installed
MEMORY_MB = 3000
SLOWEST = 60  # seconds that one input may take, on a machine that has other work too
LONGEST = 4096  # bytes of an input
SUMS = ("inputs", "seconds", "findings")  # of a target, over all the times that it was fuzzed
MEMORY = Path("/dev/shm")  # a file system in memory, where there is one: the files that are read are written there


def main() -> None:
    """Fuzz targets one after the other, each in a process of its own, and write the record."""
    options = _options()
    if options.one:
        _fuzz(options.one, options.folder, options.seconds, options.inputs)
        return
    from targets import TARGETS

    made, targets = _made(), _recorded(options.out)
    for name in options.targets or TARGETS:
        found = fuzz_target(name, options.folder, options.seconds, options.inputs) | {"commit": made["commit"]}
        targets[name] = found | {what: targets[name][what] + found[what] for what in SUMS if name in targets}
        record = _write(options.out, made, targets)  # after each, so that a campaign that is cut has its record too
    print(f"{record['inputs']} inputs, {record['findings']} findings: {options.out}")
    sys.exit(bool(record["findings"]))


def _recorded(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))["targets"] if path.exists() else {}


def _write(path: Path, made: dict, targets: dict) -> dict:
    inputs, findings = sum(one["inputs"] for one in targets.values()), sum(len(one["findings"]) for one in targets.values())
    record = {"campaign": "fuzz", "inputs": inputs, "findings": findings, "seconds": sum(one["seconds"] for one in targets.values())}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**record, "made": made, "targets": targets}, indent=1) + "\n", encoding="utf-8")
    return record


def _made() -> dict:
    """Commit, versions, and of the machine what counts here."""
    from importlib.metadata import version

    import torch

    from sketchlib.report.provenance import provenance

    made = {name: value for name, value in provenance().items() if name not in ("cpu", "device", "threads", "torch", "numpy")}
    return made | {"atheris": version("atheris"), "cores": os.cpu_count(), "instructions": torch.backends.cpu.get_cpu_capability()}


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--inputs", type=int, default=-1, help="of each target, if the seconds suffice (default: as many as they do)")
    parser.add_argument("--targets", nargs="+", metavar="TARGET", help="default: all")
    parser.add_argument(
        "--folder", type=Path, default=HERE.parent / "build" / "fuzz", help="for inputs that are kept (default: build/fuzz)"
    )
    parser.add_argument("--out", type=Path, help="the record (default: FOLDER/record.json)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out = options.out or options.folder / "record.json"
    return options


def fuzz_target(name: str, folder: Path, seconds: int, inputs: int = -1) -> dict:
    """Fuzz one target in a process of its own; returns what was tried and found."""
    for part in (name, "findings"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    before, started = _findings(folder, name), time.monotonic()
    command = [sys.executable, __file__, "--one", name, "--folder", folder, "--seconds", seconds, "--inputs", inputs]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace")
    tried = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    if not tried and not re.search("ERROR: libFuzzer", done.stderr):
        raise SystemExit(f"{name} could not be fuzzed: {done.stderr[-2000:]}")
    found = sorted(_findings(folder, name) - before)
    one = {"inputs": int(tried[1]) if tried else 0, "seconds": round(time.monotonic() - started), "covered": int([0, *covered][-1])}
    kept = [path.stat().st_size for path in (folder / name).iterdir()]
    one |= {"kept": len(kept), "kept bytes": sum(kept)}
    print(f"{name}: {one['inputs']} inputs, {len(found)} findings", flush=True)
    return one | {"findings": [path.name for path in found]}


def _findings(folder: Path, name: str) -> set[Path]:
    return {path for path in (folder / "findings").glob(f"{name}-*") if path.suffix != ".txt"}


def _fuzz(name: str, folder: Path, seconds: int, inputs: int) -> None:
    try:
        import atheris
    except ModuleNotFoundError:
        raise SystemExit("atheris is not installed: pip install 'sketchlib[fuzz]'") from None
    os.environ.setdefault("SKETCHLIB_MAX_BYTES", str(2**24))
    with atheris.instrument_imports(include=["sketchlib", "svgelements", "defusedxml", "zipfile", "json", "csv", "yaml"]):
        import targets
    arguments = [
        f"-max_total_time={seconds}",
        f"-runs={inputs}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-timeout={SLOWEST}",
        f"-report_slow_units={SLOWEST}",
        f"-max_len={LONGEST}",
    ]
    arguments += ["-print_final_stats=1", f"-artifact_prefix={folder / 'findings' / name}-"]
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        one = _one(targets, name, Path(made) / f"cat{targets.ENDINGS[name]}", folder / "findings")
        one(b"")  # what is imported where it is needed is there before inputs are timed
        atheris.Setup([sys.argv[0], *arguments, str(folder / name), str(HERE / "corpus" / name)], one)
        atheris.Fuzz()


def _one(targets, name: str, path: Path, findings: Path):
    def one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            targets.take(name, path)
        except Exception as error:  # noqa: BLE001 - a finding is kept, one for each place, and the campaign goes on
            where = traceback.extract_tb(error.__traceback__)[-1]
            key = hashlib.sha256(f"{type(error).__name__} {where.filename} {where.lineno}".encode()).hexdigest()[:12]
            if not (kept := findings / f"{name}-{key}").exists():
                kept.write_bytes(data)
                kept.with_suffix(".txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")

    return one


if __name__ == "__main__":
    main()
