"""Count what the tests try to break, and record it: python tests/campaigns/count.py --out tests/campaigns/results/tests.json"""

import argparse
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("", "benchmarks", "fuzz", "tests", "tests/browser")
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]

FILES = {
    "files that hold code, bombs and lies about sizes": "tests/data/test_pickles.py",
    "files of drawings, broken and cut": "tests/data/test_quickdraw.py",
    "weights files": "tests/models/test_weights.py",
    "entries of profiles": "tests/report/test_profile_entries.py",
    "servers that cut, stall, redirect and send garbage": "tests/data/test_download.py",
    "trainings that are cut, full disks, clocks that jump": "tests/test_train.py",
    "environments as people have them": "tests/test_environment.py",
    "numbers at their ends": "tests/models/test_extremes.py",
    "long use": "tests/test_long_use.py",
    "the wheel": "tests/test_install.py",
}


def collected() -> dict[str, int]:
    """File -> how many cases pytest finds in it."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-o", "addopts=", "-qq", *FILES.values()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {file: int(cases) for file, cases in re.findall(r"^(\S+\.py): (\d+)$", done.stdout, re.M)}


def signatures() -> int:
    """Calls of public functions in which one argument is what it cannot be."""
    from test_signatures import BAD, METHODS, PUBLIC

    functions = [*PUBLIC.values(), *(getattr(kind, name) for kind, name in METHODS)]
    return len(BAD) * sum(len([one for one in inspect.signature(function).parameters if one != "self"]) for function in functions)


def main() -> None:
    from kill import made

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, help="where the record is written, as JSON")
    options = options.parse_args()
    record = {"arguments that public functions cannot use": {"file": "tests/test_signatures.py", "cases": signatures()}}
    cases = collected()
    record |= {what: {"file": file, "cases": cases[file]} for what, file in FILES.items()}
    text = json.dumps({"campaign": "tests", "made": made(), "of": record}, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
