"""Where a run keeps what it made."""

from __future__ import annotations

import os
from pathlib import Path

from ..files import PROJECT


def build_folder(profile_name: str) -> Path:
    """build/PROFILE in the project, or below SKETCHLIB_BUILD."""
    return Path(os.environ.get("SKETCHLIB_BUILD", PROJECT / "build")) / profile_name
