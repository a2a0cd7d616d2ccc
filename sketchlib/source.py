"""Where the drawings come from: a folder given, data/ in the project, a download, or else the project's own doodles."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .quickdraw import class_names, find_class, read_class
from .strokes import DataError, Drawing

PROJECT = Path(__file__).resolve().parent.parent
DOODLES_PER_CLASS = 600


@dataclass(frozen=True)
class Source:
    """`kind`: "folder", "project", "downloaded" or "doodles". `where`: in words. `files`: class -> name, sha256, drawings."""

    kind: str
    where: str
    files: dict[str, dict]


def load_drawings(classes: Sequence[str], per_class: int | None = None) -> tuple[dict[str, list[Drawing]], Source]:
    """The drawings of `classes`, at most `per_class` each, from the first source there is.

    Order: the folder in SKETCHLIB_DATA, data/ in the project, a download into data/, the procedural doodles. Raises `DataError`
    for a folder or class that was asked for and is not there.
    """
    kind, folder = locate(classes)
    if folder is None:
        kind, folder = _downloaded(classes, per_class)
    if folder is None:
        return _doodles(classes, per_class)
    drawings = {name: list(read_class(folder, name, per_class)) for name in classes}
    files = {name: _file_record(folder, name, len(drawings[name])) for name in classes}
    where = {"folder": "the folder in SKETCHLIB_DATA", "project": "data/ in the project", "downloaded": "downloaded into data/"}[kind]
    return drawings, Source(kind, where, files)


def locate(classes: Sequence[str]) -> tuple[str, Path | None]:
    """The data folder to read without any download: (kind, folder), the folder None where there is none."""
    given = os.environ.get("SKETCHLIB_DATA")
    if given:
        if not Path(given).is_dir():
            raise DataError(f"SKETCHLIB_DATA names {given}, which is not a folder; correct it or unset it")
        return "folder", Path(given)
    own = PROJECT / "data"
    return ("project", own) if own.is_dir() and set(classes) <= set(class_names(own)) else ("none", None)


def _downloaded(classes: Sequence[str], per_class: int | None) -> tuple[str, Path | None]:
    from .download import OfflineError, fetch

    try:
        return "downloaded", fetch(classes, PROJECT / "data", per_class)
    except OfflineError as error:
        print(f"no drawings could be downloaded ({error}); the project's own doodles are used instead", flush=True)
        return "none", None


def _doodles(classes: Sequence[str], per_class: int | None) -> tuple[dict[str, list[Drawing]], Source]:
    from .doodles import doodles

    made = doodles(classes, per_class or DOODLES_PER_CLASS, seed=0)
    files = {name: {"name": "sketchlib.doodles", "sha256": None, "drawings": len(made[name])} for name in classes}
    return made, Source("doodles", "the project's own procedural doodles: no real drawing was at hand", files)


def _file_record(folder: Path, name: str, drawings: int) -> dict:
    path, _ = find_class(folder, name)
    return {"name": str(path.relative_to(folder)), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "drawings": drawings}


def fingerprint(classes: Sequence[str]) -> str:
    """What tells one state of the data from another without reading it: the source's kind, and each file's name, size and time."""
    kind, folder = locate(classes)
    stats = []
    for name in classes if folder else ():
        path, _ = find_class(folder, name)
        stats.append([str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns])
    return hashlib.sha256(json.dumps([kind, list(classes), stats]).encode()).hexdigest()
