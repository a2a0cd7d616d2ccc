"""How fast the live page draws: milliseconds to the first point after a click and points a second, of the single model and a VAE.

    python benchmarks/page.py

needs node, whose engine is that of Chromium. The times are of the processor, one core.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from sketchlib.models import weights
from sketchlib.pictures import live

HEAD = ["model", "MB", "reading it, ms", "first point, cold", "first point, then", "guessing the class first", "points a second"]


def measured(names: list[str]) -> list[list[str]]:
    """A row for each of some published models: "single", and classes for their VAEs."""
    router, node = weights.load("router"), shutil.which("node")
    if not node:
        raise SystemExit("node is not installed, which measures the page's script")
    models = {name: weights.load("single") if name == "single" else router.for_class(name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        sizes = live.write_live(Path(folder), models)
        (Path(folder) / "script.js").write_text(live.script(), encoding="utf-8")
        files = [str(Path(folder) / f"{name}.js") for name in names]
        command = [node, str(Path(__file__).with_name("page.mjs")), str(Path(folder) / "script.js"), *files]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [row(name, sizes[f"{name}.js"], json.loads(line)) for name, line in zip(names, lines, strict=True)]


def row(name: str, size: int, found: dict) -> list[str]:
    """A model's line of the table; what is guessed needs more classes than one."""
    guess = f"{found['guess']:.0f}" if found["classes"] > 1 else "-"
    return [name, f"{size / 1e6:.1f}", *(f"{found[key]:.0f}" for key in ("read", "cold", "first")), guess, f"{found['speed']:.0f}"]


if __name__ == "__main__":
    for line in [HEAD, *measured(["single", "cat"])]:
        print(" | ".join(f"{cell:>24}" for cell in line))
