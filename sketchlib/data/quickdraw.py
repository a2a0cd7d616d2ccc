"""The Quick, Draw! files: readers and writers for the dataset's lines of JSON, and how a class is found in a folder of any format."""

from __future__ import annotations

import codecs
import csv
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import DataError, did_you_mean
from ..strokes import Drawing, simplify_all
from .binary import read_binary
from .npz import read_npz
from .reading import class_of, finite, first, lines_of, opened, parts_of
from .writing import Written, in_box, numbers, save

TEN_CLASSES = ("airplane", "alarm clock", "apple", "candle", "car", "cat", "face", "pig", "radio", "sun")
RECOGNIZED = {None: None, True: True, False: False, "True": True, "False": False}  # as .ndjson and .csv say it


@checked
def read_simplified(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a simplified file: [[x...], [y...]] a stroke, in the 0..255 box.

    It is .ndjson or, as in the contest on this data set, a .csv with a column `drawing`; gzip or not, UTF-8 with or without a mark.
    Raises `DataError` naming file and line for what is not JSON, has no drawing, or has coordinates that are ragged or not finite,
    and for a raw file, whose strokes have times. Chapter 1.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 30], [0, 40]]]}')
    >>> [(drawing.word, drawing.n_points) for drawing in read_simplified("cat.ndjson")]
    [('cat', 2)]
    """
    return first(_lines(Path(path), partial(_drawn, raw=False)), limit)


@checked
def read_raw(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a raw file, [[x...], [y...], [t...]] a stroke in canvas pixels, simplified as the dataset does.

    The recipe is `strokes.simplify`. The file is as in `read_simplified`, which says what is raised.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 300, 600], [0, 0, 0], [0, 9, 18]]]}')
    >>> [drawing.strokes[0].tolist() for drawing in read_raw("cat.ndjson")]
    [[[0.0, 0.0], [255.0, 0.0]]]
    """
    return chain.from_iterable(map(simplify_all, _in_groups(first(_lines(Path(path), partial(_drawn, raw=True)), limit))))


def _in_groups(drawings: Iterator[Drawing], n: int = 64) -> Iterator[list[Drawing]]:
    # Lists of n. Before an error come the drawings that were read before it.
    group = []
    try:
        for drawing in drawings:
            group.append(drawing)
            if len(group) == n:
                yield group
                group = []
    except DataError:
        yield group
        raise
    yield group


def _lines(path: Path, made: Callable[[dict, str], object]) -> Iterator:
    # What `made` makes of each record and the name of the class that the file's name says.
    found = number = 0
    name, record_of = class_of(path), _table() if path.name.lower().endswith((".csv", ".csv.gz")) else _json
    try:
        with opened(path) as file:
            for number, line in enumerate(lines_of(file), 1):
                line = _unmarked(line) if number == 1 else line
                if line.strip() and (record := record_of(line)):
                    found += 1
                    yield made(record, name)
    except DataError as error:
        raise DataError(f"{path}, line {number}: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}, after line {number}: cannot be read ({error}); get the file again") from error
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError, RecursionError, csv.Error) as error:
        raise DataError(
            f"{path}, line {number}: not a drawing in JSON with strokes of equally long lists of finite numbers ({error!r}); "
            "remove the line or get the file again"
        ) from error
    if not found:
        raise DataError(f"{path} is empty; get the file again")


def _unmarked(line: bytes) -> bytes:
    # A first line without UTF-8's byte order mark.
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line[:4]:
        raise DataError("the text is in UTF-16 or UTF-32; save it as UTF-8")
    return line.removeprefix(codecs.BOM_UTF8)


def _json(line: bytes) -> dict:
    record = json.loads(line.decode())
    if isinstance(record["drawing"], str):
        raise DataError("the drawing is a text where a list of strokes is expected; a table of such texts is read from its .csv")
    return record


def _table() -> Callable[[bytes], dict | None]:
    # What makes a record of each line of a .csv; the first line names the columns.
    columns: list[str] = []

    def record_of(line: bytes) -> dict | None:
        (cells,) = csv.reader([line.decode()])
        if columns:
            record = dict(zip(columns, cells, strict=True))
            return record | {"drawing": json.loads(record["drawing"])}
        columns.extend(cells)
        if "drawing" not in columns:
            raise DataError(
                f"the table's first line names no column drawing, but {' '.join(', '.join(columns).split()):.200}; get the file again"
            )
        return None

    return record_of


def _drawn(record: dict, name: str, raw: bool) -> Drawing:
    word, key_id, strokes = record.get("word"), record.get("key_id"), record["drawing"]
    if not raw and strokes and len(strokes[0]) == 3:
        raise DataError("raw drawings, whose strokes have times; put the file into raw/ or use read_raw")
    strokes = tuple(_polyline(stroke) for stroke in strokes)
    word, key_id = name if word is None else str(word), None if key_id is None else str(key_id)
    return Drawing(strokes, word, key_id, recognized=RECOGNIZED[record.get("recognized")])


def _polyline(stroke: list) -> np.ndarray:
    """The points (n, 2) of one stroke. Types are looked at first: of texts numpy would make each as long as the longest."""
    points = np.array(stroke[:2]) if all(set(map(type, axis)) <= {int, float} for axis in stroke[:2]) else np.array("")
    if points.ndim != 2 or len(points) != 2 or not finite(points):
        raise ValueError(f"a stroke holds {str(stroke)[:60]}")
    return points.T


@checked
def read_text(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a simplified or a raw file, whichever its first drawing shows it to be; see `read_raw`."""
    reader = read_raw if _is_raw(Path(path)) else read_simplified
    return reader(path, limit)


def _is_raw(path: Path) -> bool:
    try:
        lengths = _lines(path, lambda record, _: [len(stroke) for stroke in record["drawing"]])
        return 3 in next(filter(None, lengths), ())
    except DataError:
        return False  # the reader will say what is wrong


@checked
def write_simplified(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write drawings to a simplified .ndjson: whole numbers in the 0..255 box, into which a drawing is moved or shrunk if it has to be.

    What it cannot hold is said by what is returned, and what is raised by `writing.save`.

    >>> write_simplified([Drawing(([[0, 0], [30, 40]],), "cat")], "mine.ndjson").n
    1
    """
    return save(drawings, path, force, lambda drawings, file, lost: file.writelines(_line(in_box(one, lost)) for one in drawings))


@checked
def write_raw(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write drawings to a raw .ndjson, with their coordinates as they are, and as times one millisecond for each unit of a line.

    What is raised: see `writing.save`.

    >>> write_raw([Drawing(([[0, 0], [30.5, 40]],), "cat")], "drawn.ndjson").lost
    {'its times are made up': 1}
    """
    return save(drawings, path, force, _write_raw)


def _write_raw(drawings: Iterable[Drawing], file, lost: Counter) -> None:
    for drawing in drawings:
        lost["its times are made up"] += 1
        file.write(_line(drawing, _times(drawing)))


def _line(drawing: Drawing, times: list[list[int]] | None = None) -> bytes:
    # One line of .ndjson; what is not known is left out.
    known = {"word": drawing.word or None, "recognized": drawing.recognized, "key_id": drawing.key_id}
    strokes = [[numbers(axis) for axis in stroke.T] for stroke in drawing.strokes]
    for stroke, at in zip(strokes, times or [], strict=False):
        stroke.append(at)
    record = {name: value for name, value in known.items() if value is not None} | {"drawing": strokes}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _times(drawing: Drawing) -> list[list[int]]:
    if not drawing.strokes:
        return []
    points = np.concatenate(drawing.strokes, dtype=np.float64)
    at = np.round(np.cumsum(np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T))).astype(np.int64)
    return [part.tolist() for part in np.split(at, np.cumsum([len(stroke) for stroke in drawing.strokes])[:-1])]


READERS = {  # kind of file -> its endings and its reader; the first kind that has a class is taken
    "simplified": ((".ndjson", ".csv"), read_simplified),
    "sketchrnn": ((".npz",), read_npz),
    "binary": ((".bin",), read_binary),
    "raw": ((".ndjson", ".csv"), read_raw),
}


def _files(folder: Path) -> tuple[dict[str, tuple[Path, Callable]], list[Path]]:
    # Class -> its file and the reader of that, best first; and the files that no reader takes.
    found, seen, read, here = {}, [], set(), _visible(folder)
    for kind, (endings, reader) in READERS.items():
        for there in (_visible(folder / kind), _visible(folder / f"train_{kind}"), here):  # the middle one is the contest's
            named = [(path, *parts) for path in there if (parts := parts_of(path))]
            taken = [(endings.index(end), path, name) for path, says, name, end in named if end in endings and says in (None, kind)]
            for _, path, name in sorted(taken, key=lambda one: (one[0], len(one[1].name))):
                found.setdefault(name, (path, reader))
                read.add(path)
            seen += there
    return found, [path for path in dict.fromkeys(seen) if path not in read]


def _visible(folder: Path) -> list[Path]:
    # The files of a folder, none if there is no such folder, without the hidden ones, which systems leave there.
    try:
        return [path for path in sorted(folder.iterdir()) if path.name[0] != "." and path.is_file()] if folder.is_dir() else []
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error}); allow it or give another folder") from error


def _existing(folder: Path | str) -> Path:
    if not Path(folder).is_dir():
        raise DataError(f"the data folder {folder} does not exist; set SKETCHLIB_DATA to one, or unset it")
    return Path(folder)


@checked
def class_files(folder: Path | str) -> dict[str, tuple[Path, Callable]]:
    """The classes of a data folder, sorted, each with its file and the reader of that.

    A file is simplified/NAME.ndjson, else sketchrnn/NAME.npz, binary/NAME.bin, raw/NAME.ndjson; files directly in the folder count
    too. Its name may be as the dataset's pages have it (full_simplified_cat.ndjson, sketchrnn_cat.npz, cat.full.npz), and end in .gz;
    .csv is as .ndjson. Raises `DataError` for a folder that is not there.
    """
    return dict(sorted(_files(_existing(folder))[0].items()))


@checked
def find_class(folder: Path | str, name: str) -> tuple[Path, Callable]:
    """The file of a class in a data folder, and its reader, as in `class_files`; raises `DataError` naming the nearest classes, and the
    files that no reader takes."""
    files, rest = _files(_existing(folder))
    if name not in files:
        raise DataError(f"class {name!r} is not in {folder}: {did_you_mean(name, sorted(files))}{_told(rest)}")
    return files[name]


@checked
def unread(folder: Path | str) -> str:
    """For the end of an error: which files of a data folder no reader takes; empty where there are none, or no folder."""
    return _told(_files(Path(folder))[1])


def _told(rest: list[Path]) -> str:
    rest = [path for path in rest if path.name != "manifest.json"]
    names = [path.name for path in rest[:5]] + [f"{len(rest) - 5} more"] * (len(rest) > 5)
    endings = ", ".join(dict.fromkeys(ending for endings, _ in READERS.values() for ending in endings))
    return f" Not read: {', '.join(names)}; names that are read are like 'cat.ndjson', endings {endings}." if rest else ""


@checked
def class_names(folder: Path | str) -> list[str]:
    """The classes that a data folder holds, sorted; raises `DataError` for a folder that is not there."""
    return list(class_files(folder))


@checked
def read_class(folder: Path | str, name: str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of one class in a data folder, in whichever format it has them; raises `DataError` as `find_class` does.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 30], [0, 40]]]}')
    >>> len(list(read_class(".", "cat")))
    1
    """
    path, reader = find_class(folder, name)
    return reader(path, limit)
