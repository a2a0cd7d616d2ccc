"""The Quick, Draw! files: readers for the dataset's four formats, none of which executes anything a file carries."""

from __future__ import annotations

import difflib
import gzip
import io
import json
import pickle
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import prod
from pathlib import Path

import numpy as np

from .strokes import DataError, Drawing, from_stroke3, simplify

TEN_CLASSES = ("airplane", "alarm clock", "apple", "candle", "car", "cat", "face", "pig", "radio", "sun")
FINITE = np.float64(1e30)  # data units; differences of larger coordinates overflow float32
# what zipfile, numpy's header and pickle may raise on broken input
BROKEN = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
BROKEN += (SyntaxError, struct.error, zlib.error, zipfile.BadZipFile, tokenize.TokenError)


def read_simplified(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a simplified ndjson file (gzip or not), [[x...], [y...]] a stroke in the 0..255 box; the first `limit` of them.

    Raises `DataError` naming file and line for what is not JSON, has no drawing, or has coordinates that are ragged or not finite,
    and for a raw file, whose strokes have times. Chapter 1.
    """
    return _first(_ndjson(Path(path), raw=False), limit)


def read_raw(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a raw ndjson file, [[x...], [y...], [t...]] a stroke in canvas pixels, brought to the simplified recipe
    (`strokes.simplify`); errors as for `read_simplified`."""
    return (simplify(drawing) for drawing in _first(_ndjson(Path(path), raw=True), limit))


def _first(drawings: Iterator[Drawing], limit: int | None) -> Iterator[Drawing]:
    if limit is not None and limit < 0:
        raise DataError(f"limit is {limit}; give the number of drawings wanted, or None for all")
    return islice(drawings, limit)


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
    if points.ndim != 2 or len(points) != 2 or not _finite(points):
        raise ValueError(f"a stroke holds {str(stroke)[:60]}")
    return points.T


def _finite(values: np.ndarray) -> bool:
    return values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool((np.abs(values) < FINITE).all()))


def read_binary(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a .bin file in the 0..255 box, their word from the file's name; source: the dataset's description of its format.

    Raises `DataError` naming the byte where a truncated file ends.
    """
    return _first(_binary(Path(path)), limit)


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


def read_npz(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a sketch-rnn .npz file from the origin, train, valid and test one after the other, as the report merges them.

    The file holds pickles: they are read by an unpickler that admits numpy arrays and nothing else, so that nothing is executed.
    Python 2's files are read too. Raises `DataError` for a broken file, for one that carries anything else, and for arrays that are
    not finite stroke-3. Chapter 1.
    """
    return _first(_npz(Path(path)), limit)


def _npz(path: Path) -> Iterator[Drawing]:
    for part in ("train", "valid", "test"):
        try:
            with zipfile.ZipFile(path) as archive:
                members = _members(archive.read(f"{part}.npy"))
        except pickle.UnpicklingError as error:
            raise DataError(f"{path}: the pickle of {part} is refused ({error}); only numpy arrays are read") from error
        except BROKEN as error:
            raise DataError(f"{path} is not a whole sketch-rnn .npz with train, valid and test ({error}); get the file again") from error
        for number, rows in enumerate(members):
            if not _is_stroke3(rows):
                raise DataError(f"{path}: {part}[{number}] is not a finite stroke-3 array (N, 3) with pen 0 or 1; get the file again")
            yield from_stroke3(rows, path.stem)


def _is_stroke3(rows) -> bool:
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3 or not _finite(rows):
        return False
    pen = rows[:, 2]
    return bool(((pen == 0) | (pen == 1)).all())


def _members(data: bytes) -> list | np.ndarray:
    """The arrays that one .npy member of an archive holds."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = header(file)
    if not dtype.hasobject:
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
    try:
        members = ArrayUnpickler(file, encoding="latin1").load().value
        return [member.value if isinstance(member, _Array) else member for member in members]
    except BROKEN as error:
        raise pickle.UnpicklingError(error) from error


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that yields numpy arrays, wrapped in stand-ins for numpy's own classes, and admits nothing else.

    Stand-ins, since numpy's own trust the state that a pickle gives them.
    """

    def find_class(self, module: str, name: str):
        """The stand-ins for what numpy's array pickles name; raises for every other name."""
        found = STAND_INS.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return found


class _Dtype:
    """Stands for numpy.dtype: a plain number's type, or object."""

    def __init__(self, code: str, align=False, copy=False):
        if not re.fullmatch(r"O8?|b1|[iu][1248]|f[248]", code):
            raise pickle.UnpicklingError(f"it names the type {code!r:.40}")
        self.code = code

    def __setstate__(self, state: tuple):
        if state[1] in ("<", ">"):
            self.code = state[1] + self.code


class _Array:
    """Stands for numpy.ndarray and its _reconstruct; `value`: an array of numbers, or the list of an object array's members."""

    def __init__(self, kind, shape, typecode):
        pass  # what it is comes with its state

    def __setstate__(self, state: tuple):
        _, shape, dtype, fortran, data = state
        if "O" in dtype.code:
            self.value = list(data)
            return
        data = data.encode("latin1") if isinstance(data, str) else data  # Python 2 has one type for both
        if prod(shape) * int(dtype.code[-1]) != len(data):
            raise pickle.UnpicklingError(f"an array of shape {shape} has {len(data)} bytes")
        self.value = np.frombuffer(data, dtype.code).reshape(shape, order="F" if fortran else "C")


def _encode(text: str, encoding: str) -> bytes:
    """Protocol-2 pickles of Python 3 write bytes as latin-1 text."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"it names the encoding {encoding!r:.40}")
    return text.encode("latin1")


STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}

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
    raise DataError(f"class {name!r} is not in {folder}: {nearest(name, class_names(folder))}")


def nearest(name: str, names: Sequence[str]) -> str:
    """For an error's end: which of `names` are like a name that is not among them."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else "no class there is named like it."


def class_names(folder: Path | str) -> list[str]:
    """The classes that a data folder holds, sorted; raises `DataError` for a folder that is not there."""
    folder = _existing(folder)
    places = [(folder / kind, suffix) for kind, suffix, _ in READERS] + [(folder, suffix) for _, suffix, _ in READERS]
    return sorted({path.stem for place, suffix in places for path in place.glob(f"*{suffix}")})


def read_class(folder: Path | str, name: str, limit: int | None = None) -> Iterator[Drawing]:
    """The drawings of one class in a data folder, the first `limit` of them."""
    path, reader = find_class(folder, name)
    return reader(path, limit)
