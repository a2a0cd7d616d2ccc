"""Commit, versions and machine of a run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

from ..files import INSTALLED, PROJECT


def git(*arguments: str) -> str:
    """What git says of the project's own checkout; "" where there is none, or no git, or git refuses."""
    if INSTALLED or not (PROJECT / ".git").exists():  # the folder one works in, or one above, may be a checkout of something else
        return ""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # which may name another repository
    try:
        done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=10, env=own)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def provenance() -> dict:
    """Commit, versions, machine and time of this run; no path of the machine."""
    import numpy
    import torch

    return dict(
        commit=git("rev-parse", "HEAD") or "not a git checkout",
        changed=bool(git("status", "--porcelain", "--untracked-files=no")),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=numpy.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        cpu=_cpu(),
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        date=time.strftime("%Y-%m-%d", time.gmtime()),
    )
