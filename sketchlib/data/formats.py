"""Drawings from any file or folder to any other, by the endings of their names."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from urllib.parse import quote

from ..arguments import checked
from ..errors import DataError
from ..files import write_atomically
from ..strokes import Drawing
from ..svg import read_svg, still_svg
from .binary import read_binary, write_binary
from .npz import read_npz, write_npz
from .quickdraw import read_text, write_raw, write_simplified
from .reading import first, parts_of
from .strokes_json import read_json, write_json
from .writing import Written, counted, folder_for, note, save


@checked
def read(source: Path | str, limit: int | None = None) -> list[Drawing]:
    """The first `limit` drawings of a file or of a folder of such files, by its ending, in data units, ready for a model.

    Endings: .ndjson (simplified or raw) and .csv, .npz, .bin, .json (stroke-3), any of them packed as .gz, and .svg. Raw files and SVGs
    of other programs have units of their own, and are simplified as the dataset does it. A folder's files come in the order of their
    names. Raises `DataError` for another ending, for a file that is not what its ending says, and where there is no drawing.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 30], [0, 40]]]}')
    >>> [(drawing.word, drawing.n_points) for drawing in read("cat.ndjson")]
    [('cat', 2)]
    """
    found = list(each(source, limit))
    if not found and limit != 0:
        raise DataError(f"{source} holds no drawing; give another file")
    return found


@checked
def each(source: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The drawings that `read` returns, one by one as they are read."""
    path = Path(source).expanduser()
    if path.is_dir():
        return first(chain.from_iterable(_reader(file)(file) for file in _files(path)), limit)
    if not path.exists():
        raise DataError(f"{path} does not exist; give a file of drawings or a folder of them")
    return _reader(path)(path, limit)


@checked
def write(drawings: Drawing | Iterable[Drawing], target: Path | str, force: bool = False) -> Written:
    """Write drawings to a file by its ending, or as one SVG each into a folder; what is returned says what the format could not hold.

    Endings are those of `read`, but .csv. An .ndjson is raw if its name begins with `full_raw_` or its folder is called raw; .stroke5.json
    has stroke-5. An .svg holds one drawing. A name without an ending is a folder. Raises `DataError` as `writing.save` does: nothing is
    overwritten unless `force` says so, and nothing is half written.

    >>> print(write(Drawing(([[0, 0], [30, 40.5]],), "cat"), "mine.ndjson"))
    mine.ndjson: 1 drawing; of 1: coordinates rounded to whole numbers
    """
    path = Path(target).expanduser()
    drawings = [drawings] if isinstance(drawings, Drawing) else drawings
    return _writer(path)(drawings, path, force)


@checked
def convert(source: Path | str, target: Path | str, force: bool = False, limit: int | None = None) -> Written:
    """Write the first `limit` drawings that `read` finds in one file or folder to another, as `write` does.

    >>> _ = Path("cat.ndjson").write_text('{"drawing": [[[0, 30], [0, 40]]]}')
    >>> print(convert("cat.ndjson", "cat.npz"))
    cat.npz: 1 drawing
    """
    _writer(Path(target).expanduser())  # before anything is read
    return write(each(source, limit), target, force)


@checked
def write_svg(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write one drawing to a still .svg, one path a stroke, from which `svg.read_svg` reads it again as it is.

    Raises `DataError` for several drawings, which go into a folder, and as `writing.save` does. A moving one: `animation.animate`.
    """
    return save(drawings, path, force, _write_one)


def _write_one(drawings: Iterable[Drawing], file, lost: Counter) -> None:
    found = list(islice(drawings, 2))
    if len(found) > 1:
        raise DataError("an .svg holds one drawing, and there are several; give a folder, or a limit of one")
    for drawing in found:
        file.write(_svg(drawing, lost).encode())


def _svg(drawing: Drawing, lost: Counter) -> str:
    if not drawing.strokes:
        raise DataError("a drawing without strokes cannot be told from an empty .svg; leave it out")
    note(drawing, lost, known=True)
    return still_svg(drawing, decimals=None)


@checked
def write_folder(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write each drawing to an .svg of its own in a folder, which is made if it is not there: cat-00001.svg, cat-00002.svg and so on.

    Characters of a class that a file's name should not hold are written as %2F. Raises `DataError` for a folder that holds anything,
    unless `force` replaces the files of the same names, and as `writing.save` does. The files come when all are made.
    """
    path, lost, n = folder_for(path, force), Counter(), Counter()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as made:
            for drawing in counted(drawings, n):
                (Path(made) / f"{_file_name(drawing.word)}-{n['']:05d}.svg").write_text(_svg(drawing, lost), encoding="utf-8")
            if not n[""]:
                raise DataError(f"there is no drawing to write to {path}; give at least one")
            path.mkdir(exist_ok=True)
            for file in sorted(Path(made).iterdir()):
                write_atomically(path / file.name, lambda to, file=file: shutil.copyfile(file, to))
    except OSError as error:
        raise DataError(f"{path} could not be written ({error}); allow it, free some space, or give another folder") from error
    return Written(path, n[""], dict(lost))


def _file_name(word: str) -> str:
    return re.sub("%.?$", "", quote(word, safe=" ").replace(".", "%2E")[:99]) or "drawing"


def _read_svg(path: Path, limit: int | None = None) -> Iterator[Drawing]:
    return first(iter([read_svg(path, simplified=True)]), limit)


FORMATS: dict[str, tuple[Callable, Callable | None]] = {  # ending -> its reader and its writer
    ".ndjson": (read_text, write_simplified),
    ".csv": (read_text, None),
    ".npz": (read_npz, write_npz),
    ".bin": (read_binary, write_binary),
    ".json": (read_json, write_json),
    ".svg": (_read_svg, write_svg),
}


def _ending(path: Path) -> str:
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix if not name.endswith((".svg.gz", ".gen.json", ".vae.json")) else name[-8:]


def _reader(path: Path) -> Callable:
    if _ending(path) not in FORMATS:
        raise DataError(f"{path}: drawings are read from {', '.join(FORMATS)}, and from folders of them; give one of those")
    return FORMATS[_ending(path)][0]


def _writer(path: Path) -> Callable:
    if path.is_dir() or not path.suffix:
        return write_folder
    writer = FORMATS.get(_ending(path), (None, None))[1]
    if writer is None:
        endings = ", ".join(ending for ending, (_, writer) in FORMATS.items() if writer)
        raise DataError(f"{path}: drawings are written to {endings}, or to a folder; give one of those")
    parts = parts_of(path)
    raw = writer is write_simplified and ((parts and parts[0] == "raw") or path.parent.name == "raw")
    return write_raw if raw else writer


def _files(folder: Path) -> list[Path]:
    # The files of a folder that are read, in the order of their names, numbers by their size.
    try:
        there = [path for path in folder.iterdir() if path.name[0] != "." and path.name != "manifest.json" and path.is_file()]
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error}); allow it or give another folder") from error
    found = [path for path in there if _ending(path) in FORMATS]
    if not found:
        some = ", ".join(sorted(path.name for path in there)[:5]) or "no file"
        raise DataError(f"{folder} holds {some}; expected files of drawings, whose names end in {', '.join(FORMATS)}")
    return sorted(found, key=lambda path: [int(part) if part.isdigit() else part for part in re.split("([0-9]+)", path.name)])
