"""The artefact store: what is made once is kept in build/PROFILE/artefacts, under a key of all that it depends on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..files import locked, write_atomically

RECORD = "SKETCHLIB_RECORD"  # set by the build for its chapters
# Not looked into where a key is made: what files hold, what a training starts from and the values of settings are told apart otherwise,
# and the rest changes no result.
NOT_IN_KEYS = (
    "data.source.ensure",
    "report.profile.Data",
    "report.provenance.provenance",
    "report.recipes.key",
    "report.store.forget_others",
    "report.store.key",
    "report.store.taken_or_made",
    "report.drawings._note",
    "settings.Settings",
)


def key(entries: Iterable[str], values, *classes: Sequence[str]) -> str:
    """A hash of the code that `entries` reach, of `values` (plain ones), and of the files of each of these lists of classes.

    It does not import torch, so that a build can ask it quickly.
    """
    from ..data import source
    from . import dependencies

    parts = [dependencies.code_hash(entries, NOT_IN_KEYS), values, [source.fingerprint(one) for one in classes]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def folder(run: str, name: str, key: str) -> Path:
    """Where a run keeps what has this key."""
    from .folders import build_folder

    return build_folder(run) / "artefacts" / f"{name.replace(' ', '_')}-{key[:12]}"


def builds() -> bool:
    """Whether the build or the command line runs this: only they may remove, or write anew, what a run has.

    A reader's own kernel makes what it needs beside that.
    """
    return RECORD in os.environ


@contextmanager
def building() -> Iterator[None]:
    """Within it, and in processes that are started there, `builds` is true: for the command line, which records no numbers."""
    before = os.environ.get(RECORD)
    os.environ[RECORD] = before or ""
    try:
        yield
    finally:
        if before is None:
            del os.environ[RECORD]


def is_done(folder: Path) -> bool:
    """Whether what belongs in a folder of the store is there, whole."""
    return (folder / "done.json").exists()


def taken_or_made(folder: Path, make: Callable[[Path], dict], about: Callable[[], str] | None) -> Path:
    """The folder, where it is done; else `make` fills it and returns the record that is kept in done.json.

    `about` says how long it will take (None: nothing is said). What was interrupted is gone on with. Raises `DataError` where another
    process is making it now, and names that.
    """
    if not is_done(folder):
        if about:
            print(f"{folder.name.rpartition('-')[0]}: not in the artefact store; {about()}", flush=True)
        with locked(folder / ".lock", f"makes {folder.name}"):
            _make(folder, make)
    return folder


def _make(folder: Path, make: Callable[[Path], dict]) -> None:
    if is_done(folder):  # by whoever had the lock before
        return
    began = time.perf_counter()
    record = make(folder)
    text = json.dumps({**record, "seconds": time.perf_counter() - began}, indent=1)
    write_atomically(folder / "done.json", lambda path: path.write_text(text, encoding="utf-8"))


def record_of(folder: Path) -> dict:
    """What was said of a thing when it was made."""
    return json.loads((folder / "done.json").read_text(encoding="utf-8"))


def forget_others(folders: Sequence[Path]) -> None:
    """Remove what other states left of things whose names begin alike, where the build asks: these folders are kept."""
    if not builds():
        return
    names = {folder.name.partition("-")[0] for folder in folders}
    for other in {path for name in names for path in folders[0].parent.glob(f"{name}-*")} - set(folders):
        shutil.rmtree(other)
