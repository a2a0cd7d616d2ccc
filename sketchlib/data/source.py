"""Where the drawings come from: a folder given, data/ in the project, a download, or else the project's own doodles."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..arguments import Number, checked
from ..errors import DataError
from ..files import data_folder, named_folder
from ..strokes import Drawing
from .quickdraw import class_files, class_names, find_class, read_class, read_simplified, unread
from .reading import first

DOODLES_PER_CLASS = 600
WHERE = {
    "folder": "the folder in SKETCHLIB_DATA",
    "project": "data/ in the project",
    "downloaded": "downloaded into data/",
    "doodles": "the project's own procedural doodles: no real drawing was at hand",
}


@dataclass(frozen=True)
class Source:
    """`kind`: "folder", "project", "downloaded" or "doodles". `where`: in words.

    `files`: class -> name, sha256, drawings, and unrecognized: those that the game did not recognise, among the drawings or left out.
    """

    kind: str
    where: str
    files: dict[str, dict]


@checked
def load_drawings(
    classes: Sequence[str], per_class: Number | None = None, unrecognized: bool = True
) -> tuple[dict[str, list[Drawing]], Source]:
    """The drawings of `classes`, at most `per_class` each, from the first source there is.

    `unrecognized`: whether those are among them that the game did not recognise, as far as a file says so. Order of sources: the folder
    in SKETCHLIB_DATA, data/ in the project, a download into data/, the procedural doodles. Raises `DataError` for a folder or class that
    was asked for and is not there, and for a downloaded file that has changed since.
    """
    ensure(classes, per_class)
    kind, folder = locate(classes)
    if folder is None:
        return _doodles(classes, per_class)
    files = {name: _file_record(folder, name) for name in classes}
    drawings = {name: _read(folder, name, per_class, unrecognized, files[name]) for name in classes}
    return drawings, Source(kind, WHERE[kind], files)


def _read(folder: Path, name: str, per_class: int | None, unrecognized: bool, record: dict) -> list[Drawing]:
    # The drawings of a class; how many there are, and how many were not recognised, taken or left out, comes into the file's record.
    seen = Counter()

    def wanted(drawing: Drawing) -> bool:
        seen[drawing.recognized] += 1
        return unrecognized or drawing.recognized is not False

    drawings = list(first(filter(wanted, read_class(folder, name, per_class if unrecognized else None)), per_class))
    record |= {"drawings": len(drawings), "unrecognized": seen[False]}
    return drawings


@checked
def ensure(classes: Sequence[str], per_class: Number | None = None) -> None:
    """Download what no folder has of `classes`; without a network, say what is used instead.

    A build calls it before it looks at `fingerprint`, which a download changes.
    """
    from .download import OfflineError, fetch

    if named_folder("SKETCHLIB_DATA"):
        return
    try:
        fetch(classes, data_folder(), per_class)
    except OfflineError as error:
        if locate(classes)[1] is None:
            instead = f"the project's own doodles are used.{unread(data_folder())}"
        else:
            instead = "those in data/, fewer than asked, are used."
        print(f"no more drawings could be downloaded: {error}. Now {instead}", flush=True)


@checked
def locate(classes: Sequence[str]) -> tuple[str, Path | None]:
    """Where drawings would be read from now, without a download: the kind of source, and its folder, None for doodles.

    Raises `DataError` where data/ in the project has some of the classes and lacks others: real drawings and doodles are not mixed.
    """
    from .download import read_manifest

    if given := named_folder("SKETCHLIB_DATA"):
        if not given.is_dir():
            instead = f"give its folder, {given.parent}" if given.is_file() else "correct it or unset it"
            raise DataError(f"SKETCHLIB_DATA names {given}, which is not a folder; {instead}")
        return "folder", given
    own = data_folder()
    there = set(class_names(own)) & set(classes) if own.is_dir() else set()
    if not there:
        return "doodles", None
    if missing := [name for name in classes if name not in there]:
        raise DataError(
            f"{own} has no drawings of {', '.join(missing)}, but of {', '.join(sorted(there))}; connect to a network, put the files there, "
            f"or leave the classes out.{unread(own)}"
        )
    fetched = {Path(file).stem for file, entry in read_manifest(own).items() if "sha256" in entry}
    return "downloaded" if fetched & set(classes) else "project", own


@checked
def other_classes(classes: Sequence[str]) -> list[str]:
    """Further classes of the data folder: those that are not in `classes`. None where there is no folder.

    Only files in the simplified format count: other formats have other units.
    """
    _, folder = locate(classes)
    files = class_files(folder) if folder else {}
    return [name for name, (_, reader) in files.items() if name not in classes and reader is read_simplified]


def _doodles(classes: Sequence[str], per_class: int | None) -> tuple[dict[str, list[Drawing]], Source]:
    from .doodles import doodles

    made = doodles(classes, DOODLES_PER_CLASS if per_class is None else min(per_class, DOODLES_PER_CLASS), seed=0)
    files = {name: {"name": "sketchlib.data.doodles", "sha256": None, "drawings": len(made[name]), "unrecognized": 0} for name in classes}
    return made, Source("doodles", WHERE["doodles"], files)


def _file_record(folder: Path, name: str) -> dict:
    from .download import verified_sha256

    path, _ = find_class(folder, name)
    return {"name": path.relative_to(folder).as_posix(), "sha256": verified_sha256(folder, path)}


@checked
def fingerprint(classes: Sequence[str]) -> str:
    """A hash that is another one when the data have changed. It is made without reading them: of files' names, sizes and times."""
    kind, folder = locate(classes)
    stats, files = [], class_files(folder) if folder else {}
    for name in classes if folder else ():
        path, _ = files[name] if name in files else find_class(folder, name)  # which says what is there instead
        stats.append([path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns])
    return hashlib.sha256(json.dumps([kind, list(classes), stats]).encode()).hexdigest()
