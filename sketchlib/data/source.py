"""Where the drawings come from: a folder given, data/ in the project, a download, or else the project's own doodles."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..files import data_folder
from ..strokes import Drawing
from .quickdraw import class_names, find_class, read_class, read_simplified

DOODLES_PER_CLASS = 600
WHERE = {
    "folder": "the folder in SKETCHLIB_DATA",
    "project": "data/ in the project",
    "downloaded": "downloaded into data/",
    "doodles": "the project's own procedural doodles: no real drawing was at hand",
}


@dataclass(frozen=True)
class Source:
    """`kind`: "folder", "project", "downloaded" or "doodles". `where`: in words. `files`: class -> name, sha256, drawings."""

    kind: str
    where: str
    files: dict[str, dict]


def load_drawings(classes: Sequence[str], per_class: int | None = None) -> tuple[dict[str, list[Drawing]], Source]:
    """The drawings of `classes`, at most `per_class` each, from the first source there is.

    Order: the folder in SKETCHLIB_DATA, data/ in the project, a download into data/, the procedural doodles. Raises `DataError`
    for a folder or class that was asked for and is not there, and for a downloaded file that has changed since.
    """
    ensure(classes, per_class)
    kind, folder = locate(classes)
    if folder is None:
        return _doodles(classes, per_class)
    files = {name: _file_record(folder, name) for name in classes}
    drawings = {name: list(read_class(folder, name, per_class)) for name in classes}
    return drawings, Source(kind, WHERE[kind], {name: {**files[name], "drawings": len(drawings[name])} for name in classes})


def ensure(classes: Sequence[str], per_class: int | None = None) -> None:
    """Download what no folder has of `classes`; without a network, say what is used instead.

    A build calls it before it looks at `fingerprint`, which a download changes.
    """
    from .download import OfflineError, fetch

    if os.environ.get("SKETCHLIB_DATA"):
        return
    try:
        fetch(classes, data_folder(), per_class)
    except OfflineError as error:
        instead = "the project's own doodles" if locate(classes)[1] is None else "those in data/, fewer than asked,"
        print(f"no more drawings could be downloaded: {error}. Now {instead} are used.", flush=True)


def locate(classes: Sequence[str]) -> tuple[str, Path | None]:
    """Where drawings would be read from now, without a download: the kind of source, and its folder, None for doodles."""
    from .download import read_manifest

    given = os.environ.get("SKETCHLIB_DATA")
    if given:
        if not Path(given).is_dir():
            raise DataError(f"SKETCHLIB_DATA names {given}, which is not a folder; correct it or unset it")
        return "folder", Path(given)
    own = data_folder()
    if not own.is_dir() or not set(classes) <= set(class_names(own)):
        return "doodles", None
    fetched = {Path(file).stem for file, entry in read_manifest(own).items() if "sha256" in entry}
    return "downloaded" if fetched & set(classes) else "project", own


def other_classes(classes: Sequence[str]) -> list[str]:
    """Further classes of the data folder: those that are not in `classes`. None where there is no folder.

    Only files in the simplified format count: other formats have other units.
    """
    _, folder = locate(classes)
    names = [name for name in class_names(folder) if name not in classes] if folder else []
    return [name for name in names if find_class(folder, name)[1] is read_simplified]


def _doodles(classes: Sequence[str], per_class: int | None) -> tuple[dict[str, list[Drawing]], Source]:
    from .doodles import doodles

    made = doodles(classes, DOODLES_PER_CLASS if per_class is None else min(per_class, DOODLES_PER_CLASS), seed=0)
    files = {name: {"name": "sketchlib.doodles", "sha256": None, "drawings": len(made[name])} for name in classes}
    return made, Source("doodles", WHERE["doodles"], files)


def _file_record(folder: Path, name: str) -> dict:
    from .download import verified_sha256

    path, _ = find_class(folder, name)
    return {"name": path.relative_to(folder).as_posix(), "sha256": verified_sha256(folder, path)}


def fingerprint(classes: Sequence[str]) -> str:
    """A hash that is another one when the data have changed. It is made without reading them: of files' names, sizes and times."""
    kind, folder = locate(classes)
    stats = []
    for name in classes if folder else ():
        path, _ = find_class(folder, name)
        stats.append([path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns])
    return hashlib.sha256(json.dumps([kind, list(classes), stats]).encode()).hexdigest()
