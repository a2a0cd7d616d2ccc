"""The Quick, Draw! files: readers for the dataset's four formats, none of which executes anything a file carries."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..errors import DataError, did_you_mean
from ..strokes import Drawing, simplify
from .npz import read_npz
from .reading import finite, first

TEN_CLASSES = ("airplane", "alarm clock", "apple", "candle", "car", "cat", "face", "pig", "radio", "sun")


def read_simplified(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a simplified ndjson file, gzip or not: [[x...], [y...]] a stroke, in the 0..255 box.

    Raises `DataError` naming file and line for what is not JSON, has no drawing, or has coordinates that are ragged or not finite,
    and for a raw file, whose strokes have times. Chapter 1.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 30], [0, 40]]]}')
    >>> [(drawing.word, drawing.n_points) for drawing in read_simplified("cat.ndjson")]
    [('cat', 2)]
    """
    return first(_ndjson(Path(path), raw=False), limit)


def read_raw(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a raw ndjson file, [[x...], [y...], [t...]] a stroke in canvas pixels, simplified as the dataset does.

    The recipe is `strokes.simplify`. Raises `DataError` as `read_simplified` does.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 300, 600], [0, 0, 0], [0, 9, 18]]]}')
    >>> [drawing.strokes[0].tolist() for drawing in read_raw("cat.ndjson")]
    [[[0.0, 0.0], [255.0, 0.0]]]
    """
    return (simplify(drawing) for drawing in first(_ndjson(Path(path), raw=True), limit))


def _ndjson(path: Path, raw: bool) -> Iterator[Drawing]:
    found, number = 0, 0
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found += 1
                    yield _record(line, path, number, raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}, after line {number}: cannot be read ({error}); get the file again") from error
    if not found:
        raise DataError(f"{path} is empty; get the file again")


def _opened(path: Path):
    """The file's bytes, unpacked where it is a gzip file."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def _record(line: bytes, path: Path, number: int, raw: bool) -> Drawing:
    try:
        record = json.loads(line.decode())
        word, key_id, strokes = record.get("word"), record.get("key_id"), record["drawing"]
        if not raw and strokes and len(strokes[0]) == 3:
            raise DataError(f"{path}, line {number}: raw drawings, whose strokes have times; put the file into raw/ or use read_raw")
        strokes = tuple(_polyline(stroke) for stroke in strokes)
    except DataError:
        raise
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{path}, line {number}: not a drawing in JSON with strokes of equally long lists of finite numbers ({error!r}); "
            "remove the line or get the file again"
        ) from error
    return Drawing(strokes, path.stem if word is None else str(word), None if key_id is None else str(key_id))


def _polyline(stroke: list) -> np.ndarray:
    """The points (n, 2) of one stroke; numpy's own choice of type tells numbers from text, null and true."""
    points = np.array(stroke[:2])
    if points.ndim != 2 or len(points) != 2 or not finite(points):
        raise ValueError(f"a stroke holds {str(stroke)[:60]}")
    return points.T


def read_binary(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a .bin file, in the 0..255 box; their word is the file's name.

    Raises `DataError` naming the byte where a truncated file ends. Source: the dataset's description of its format.

    >>> _ = Path("cat.bin").write_bytes(bytes(15) + bytes([1, 0, 2, 0, 0, 30, 0, 40]))  # head; 1 stroke of 2 points; x; y
    >>> [(drawing.word, drawing.n_points) for drawing in read_binary("cat.bin")]
    [('cat', 2)]
    """
    return first(_binary(Path(path)), limit)


def _binary(path: Path) -> Iterator[Drawing]:
    try:
        with path.open("rb") as file:
            if not file.peek(1):
                raise DataError(f"{path} is empty; get the file again")
            while file.peek(1):
                key_id, _, _, _, n_strokes = struct.unpack("<Q2sbIH", file.read(17))
                yield Drawing(tuple(_byte_stroke(file) for _ in range(n_strokes)), path.stem, str(key_id))
    except struct.error as error:
        raise DataError(f"{path}: cut off at byte {path.stat().st_size}, amid a drawing; get the file again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); get the file again") from error


def _byte_stroke(file) -> np.ndarray:
    (n,) = struct.unpack("<H", file.read(2))
    data = file.read(2 * n)
    if len(data) < 2 * n:
        raise struct.error("cut off")
    return np.frombuffer(data, np.uint8).reshape(2, n).T


READERS = (
    ("simplified", ".ndjson", read_simplified),
    ("sketchrnn", ".npz", read_npz),
    ("binary", ".bin", read_binary),
    ("raw", ".ndjson", read_raw),
)


def _existing(folder: Path | str) -> Path:
    if not Path(folder).is_dir():
        raise DataError(f"the data folder {folder} does not exist; set SKETCHLIB_DATA to one, or unset it")
    return Path(folder)


def find_class(folder: Path | str, name: str) -> tuple[Path, Callable]:
    """The file of a class in a data folder, and its reader: simplified/NAME.ndjson, else sketchrnn/NAME.npz, binary/NAME.bin,
    raw/NAME.ndjson; files directly in the folder count too. Raises `DataError` naming the nearest classes."""
    folder = _existing(folder)
    for kind, suffix, reader in READERS:
        for path in (folder / kind / f"{name}{suffix}", folder / f"{name}{suffix}"):
            if path.is_file():
                return path, reader
    raise DataError(f"class {name!r} is not in {folder}: {did_you_mean(name, class_names(folder))}")


def class_names(folder: Path | str) -> list[str]:
    """The classes that a data folder holds, sorted; raises `DataError` for a folder that is not there."""
    folder = _existing(folder)
    places = [(folder / kind, suffix) for kind, suffix, _ in READERS] + [(folder, suffix) for _, suffix, _ in READERS]
    return sorted({path.stem for place, suffix in places for path in place.glob(f"*{suffix}")})


def read_class(folder: Path | str, name: str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of one class in a data folder, in whichever format it has them; raises `DataError` as `find_class` does.

    >>> _ = Path("cat.ndjson").write_text('{"word": "cat", "drawing": [[[0, 30], [0, 40]]]}')
    >>> len(list(read_class(".", "cat")))
    1
    """
    path, reader = find_class(folder, name)
    return reader(path, limit)
