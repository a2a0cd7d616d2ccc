"""A build of the smoke book, killed with SIGKILL at random moments and begun again, ends in the same numbers and pages as a whole one."""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from kill import made  # noqa: E402

COMMAND = [sys.executable, "-m", "doit", "--verbosity", "2", "profile=smoke"]
TIMED = re.compile(r"_ms_|_minutes|_seconds|_ratio_(ms|training)|^s11_(here|product|rate|share|vae_rate)")  # numbers that a clock gives
UNITS = {"s", "seconds", "minutes", "ms", "microseconds a row"}  # of such numbers, too
LONGEST = 0.3  # of the time of a whole build: how long one goes on at most before it is killed


def started(folder: Path) -> subprocess.Popen:
    """A build into a folder, in a session of its own, so that all its processes can be killed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SKETCHLIB_BUILD": str(folder), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def built(folder: Path) -> str:
    """Build to the end; gives what was printed, and fails with it."""
    build = started(folder)
    text, _ = build.communicate()
    if build.returncode:
        raise SystemExit(f"a build that nobody killed failed:\n{text[-3000:]}")
    return text


def killed(folder: Path, seconds: float) -> dict | None:
    """Begin, or go on with, a build and kill it; what it did at the end, or nothing where it was done before."""
    build = started(folder)
    try:
        build.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(build.pid, signal.SIGKILL)
    text, _ = build.communicate()
    if build.returncode == 0:
        return None
    if build.returncode != -signal.SIGKILL:
        raise SystemExit(f"a build that went on failed:\n{text[-3000:]}")
    doing = re.findall(r"^\.  (\S+)", text, re.M)
    return {"after": round(seconds, 1), "while": doing[-1] if doing else "began"}


def left(folder: Path) -> dict:
    """What a book is compared by: its numbers but for times, and the names of its pages."""
    numbers = {}
    for path in sorted((folder / "smoke" / "results").glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        numbers |= {name: one["value"] for name, one in found.items() if one["unit"] not in UNITS and not TIMED.search(name)}
    pages = sorted(path.relative_to(folder).as_posix() for path in (folder / "smoke" / "html").rglob("*.html"))
    return {"numbers": numbers, "pages": pages}


def main() -> int:
    """Build one book, then another that is killed, and compare them."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=12, help="of one build (default: 12)")
    options.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options.add_argument("--out", type=Path, help="where the record is written, as JSON")
    options = options.parse_args()
    rng, began, moments = random.Random(options.seed), time.perf_counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        whole, cut = Path(scratch) / "whole", Path(scratch) / "cut"
        built(whole)
        longest = LONGEST * (time.perf_counter() - began)
        while len(moments) < options.kills and (one := killed(cut, rng.uniform(1, longest))):
            moments.append(one)
        built(cut)
        a, b = left(whole), left(cut)
    names = a["numbers"].keys() | b["numbers"].keys()
    differ = sorted(name for name in names if str(a["numbers"].get(name)) != str(b["numbers"].get(name)))  # NaN is NaN
    failures = len(differ) + (a["pages"] != b["pages"])
    record = {"campaign": "books", "kills": len(moments), "failures": failures, "seconds": round(time.perf_counter() - began, 1)}
    record |= {"numbers": len(names), "pages": len(a["pages"]), "seed": options.seed, "made": made(), "differ": differ, "moments": moments}
    text = json.dumps(record, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
