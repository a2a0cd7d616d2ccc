"""Where a run keeps what it made."""

from __future__ import annotations

from pathlib import Path

from ..files import PROJECT, named_folder


def build_folder(profile_name: str) -> Path:
    """build/PROFILE in the project, or below SKETCHLIB_BUILD."""
    return (named_folder("SKETCHLIB_BUILD") or PROJECT / "build") / profile_name
