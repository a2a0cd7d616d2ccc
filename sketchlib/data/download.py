"""Downloads of the dataset's simplified files: the first part of a class where that is enough, resumed, checked, put in place when whole.

manifest.json in the data folder has, by file, where it is from and its SHA-256. A file that is not in it was put there by hand and is
left alone. A download lives in NAME.part until it has all that is wanted, and is taken up again from there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

from ..arguments import Number, checked
from ..errors import DataError, did_you_mean
from .quickdraw import TEN_CLASSES, class_names, read_simplified

BASE_URL = "https://storage.googleapis.com/quickdraw_dataset/"
ANSWER_SECONDS = 4.5  # no answer within this means that there is no network
READ_SECONDS = 30  # of silence end an attempt
TRIES = 5  # attempts at one file in one call
CHUNK = 1 << 18
MANIFEST = "manifest.json"


class OfflineError(DataError):
    """Nothing answers at the address of the data."""


@checked
def fetch(classes: Sequence[str], folder: Path | str, per_class: Number | None = None, base_url: str = BASE_URL) -> Path:
    """Download what `folder` lacks of `classes`: at least `per_class` drawings each, or all there are; None for whole files.

    What is there already is verified, and made longer if need be; files put there by hand are kept. Returns the folder. Raises
    `OfflineError` within five seconds where nothing answers, and `DataError` for an unknown class, a changed file, an HTTP error or a
    full disk.
    """
    folder = Path(folder)
    missing = [name for name in classes if _is_missing(folder, name, per_class)]
    if missing:
        _require_answer(base_url)
    for name in missing:
        try:
            _fetch_one(folder, name, per_class, base_url)
        except OSError as error:
            raise DataError(f"{folder}: {name!r} could not be written ({error}); make room and run again, it goes on from there") from error
    return folder


@checked
def verified_sha256(folder: Path | str, path: Path | str) -> str:
    """The SHA-256 of a file in a data folder; raises `DataError` where it cannot be read, and where the manifest has another one."""
    path, manifest = Path(path), read_manifest(folder)
    try:
        found, name = _sha256(path), path.relative_to(folder).as_posix()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); give a file in {folder}") from error
    recorded = manifest.get(name, {}).get("sha256", found)
    if found != recorded:
        raise DataError(f"{path} is not as it was downloaded (SHA-256 {found[:12]}, not {recorded[:12]}); delete it and run again")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@checked
def read_manifest(folder: Path | str) -> dict[str, dict]:
    """File -> url, version and total bytes at the server, and, once in place: bytes, drawings, sha256."""
    path = Path(folder) / MANIFEST
    if not path.exists():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(entry, dict) for entry in manifest.values()):
            raise ValueError("not a record of files")
        return manifest
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is broken ({error}); delete it and the files that were downloaded, and run again") from error


def _record(folder: Path, file: str, entry: dict) -> None:
    part = folder / f"{MANIFEST}.part"
    part.write_text(json.dumps(read_manifest(folder) | {file: entry}, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(part, folder / MANIFEST)


def _file_of(name: str) -> str:
    """A class's file within the data folder."""
    if not name or name.startswith(".") or re.search(r"[/\\:\0]", name):
        raise DataError(f"{name!r} is not the name of a class; they are like 'alarm clock'")
    return f"simplified/{name}.ndjson"


def _is_missing(folder: Path, name: str, per_class: int | None) -> bool:
    """Whether a class must be downloaded, or more of it; verifies what has been."""
    file = _file_of(name)
    entry = read_manifest(folder).get(file, {})
    _put_in_place(folder / file, entry)
    if not (folder / file).exists():
        return not (folder.is_dir() and name in class_names(folder))
    if "sha256" not in entry:
        return False
    verified_sha256(folder, folder / file)
    whole = entry.get("bytes") == entry.get("total")
    return not whole and (per_class is None or entry.get("drawings", 0) < per_class)


def _put_in_place(path: Path, entry: dict) -> None:
    """Finish a download that was stopped after its record and before the file was put in place: its part is what the record says."""
    part = path.with_name(f"{path.name}.part")
    if part.exists() and entry.get("bytes") == part.stat().st_size and entry.get("sha256") == _sha256(part):
        os.replace(part, path)


def _require_answer(base_url: str) -> None:
    """Raise `OfflineError` unless the server answers in time; in a thread, since looking up a host's address knows no time limit."""
    failure: list[Exception | None] = [TimeoutError(f"no answer in {ANSWER_SECONDS} s")]

    def ask():
        try:
            urlopen(Request(base_url, method="HEAD"), timeout=ANSWER_SECONDS).close()
            failure[0] = None
        except HTTPError:
            failure[0] = None  # an answer all the same
        except (OSError, HTTPException) as error:
            failure[0] = error

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if failure[0]:
        raise OfflineError(
            f"{urlsplit(base_url).netloc} cannot be reached ({failure[0]}); connect to a network, or put the files into a folder "
            "and set SKETCHLIB_DATA to it"
        )


def _fetch_one(folder: Path, name: str, per_class: int | None, base_url: str) -> None:
    file = _file_of(name)
    path = folder / file
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not part.exists():
        shutil.copyfile(path, part)  # longer than before: the old file stays until then
    url = f"{base_url.rstrip('/')}/{quote(f'full/{file}')}"
    drawings = _bring(folder, file, part, url, per_class)
    try:
        next(read_simplified(part, 1))
    except DataError as error:
        part.unlink()
        raise DataError(f"{url} answered with something else than drawings ({error}); is it a network's sign-in page?") from error
    entry = read_manifest(folder)[file]
    _record(folder, file, entry | {"bytes": part.stat().st_size, "drawings": drawings, "sha256": _sha256(part)})
    os.replace(part, path)  # after the record: stopped between the two, the next call puts the part in place


def _bring(folder: Path, file: str, part: Path, url: str, per_class: int | None) -> int:
    """Append to `part` until it has `per_class` lines, or all; returns how many it has. How far it is, is read off the disk each time."""
    for tried in range(TRIES + 1):
        entry = read_manifest(folder).get(file, {}) | {"url": url}
        known = part.exists() and "total" in entry  # a part without a record: of what?
        lines, end, size = _lines(part) if known else (0, 0, 0)
        if per_class is not None and lines >= max(per_class, 1):
            os.truncate(part, end)
            return lines
        if known and size >= entry["total"]:
            return lines + (end < size)  # the last line may lack its end
        if tried == TRIES:
            raise DataError(f"{url}: the connection broke {TRIES} times; run again, it goes on from where it stopped")
        with _open(url, size) as response:
            begins, server = _described(response, size)
            if begins and any(entry.get(key) != server[key] for key in server):
                part.unlink()  # the server's file is another one by now: begin again
                continue
            _record(folder, file, entry | server)
            _copy(response, part, begins, server["total"], None if per_class is None else max(per_class, 1) - lines * (begins > 0))


def _lines(path: Path) -> tuple[int, int, int]:
    """How many lines of a file have their end, where the last of them does, and the file's size."""
    lines = end = size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            lines += chunk.count(b"\n")
            end = size + chunk.rindex(b"\n") + 1 if b"\n" in chunk else end
            size += len(chunk)
    return lines, end, size


def _open(url: str, have: int):
    try:
        response = urlopen(Request(url, headers={"Range": f"bytes={have}-", "User-Agent": "sketchlib"}), timeout=READ_SECONDS)
    except HTTPError as error:
        if error.code == 416 and have:  # the server's file has become shorter than the part: begin again
            return _open(url, 0)
        hint = did_you_mean(unquote(Path(url).stem), TEN_CLASSES) if error.code in (403, 404) else "try again later"
        why = " ".join(str(error.reason).split())  # of some lines, where an address leads to itself
        raise DataError(f"{url} answered {error.code} ({why}); {hint}") from error
    except (URLError, HTTPException, OSError) as error:
        raise DataError(f"{url} does not answer any more ({error}); run again, it goes on from where it stopped") from error
    if url.startswith("https:") and not response.url.startswith("https:"):
        raise DataError(f"{url} leads to {response.url}, which anybody on the way may change; get the file from elsewhere")
    return response


def _described(response, have: int) -> tuple[int, dict]:
    """At which byte an answer begins (0 from a server that ignores ranges), and what it says of the whole file."""
    version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    begins, total = map(int, span.groups()) if span else (0, int(response.headers.get("Content-Length", -1)))
    if begins not in (0, have) or total < 0 or (response.status == 206) != bool(span):
        raise DataError(f"{response.url} answered with something else than the file that was asked for; try again later")
    return begins, {"version": version, "total": total}


def _copy(response, part: Path, begins: int, total: int, lines: int | None) -> None:
    """Write an answer into `part` from byte `begins` on: `lines` more of them, or all, or as far as the connection lasts."""
    from tqdm.auto import tqdm  # here, since a build that downloads nothing imports this file too

    bar = tqdm(total=total if lines is None else None, initial=begins, unit="B", unit_scale=True, desc=part.name.removesuffix(".part"))
    with part.open("r+b" if begins else "wb") as out, bar:
        out.seek(begins)
        while lines is None or lines > 0:
            try:
                chunk = response.read1(CHUNK)  # what has come is kept, also where no more follows in time
            except (OSError, HTTPException):
                return
            if not chunk:
                return
            out.write(chunk)
            bar.update(len(chunk))
            lines = None if lines is None else lines - chunk.count(b"\n")
