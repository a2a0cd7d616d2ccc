"""Write requirements.lock anew: `make lock`. It has what `make` installs, each with the hashes of its files, for every supported Python.

torch and what its build for GPUs needs are left out. Which build a machine has is its own matter, and pip takes a file whose checksum the
package index names before one that lies on the machine: the build for CPUs would never be taken.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILE = "pip compile pyproject.toml --extra book --extra test --universal --python-version 3.11 --generate-hashes --no-header"
LEFT_OUT = ("torch==", "triton==", "nvidia-", "cuda-")
HEAD = "# Made by `make lock`, installed by `make LOCKED=1`: what pyproject.toml asks for, and what that asks for, with hashes; not torch."


def main() -> None:
    entries = [entry for entry in compiled() if not entry.startswith(LEFT_OUT)]
    (ROOT / "requirements.lock").write_text("\n".join([HEAD, *entries]) + "\n", encoding="utf-8")
    print(f"requirements.lock: {len(entries)} packages")


def compiled() -> list[str]:
    """One text for each package: its version, for which systems, and the hashes of its files."""
    command = [sys.executable, "-m", "uv", *COMPILE.split(), "--no-annotate", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return re.split(r"\n(?=\S)", done.stdout.strip())


if __name__ == "__main__":
    main()
