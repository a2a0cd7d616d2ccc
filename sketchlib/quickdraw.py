"""The Quick, Draw! files: readers for the dataset's four formats, none of which executes anything a file carries."""

from __future__ import annotations

import difflib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from .strokes import DataError, Drawing, from_stroke3, simplify

TEN_CLASSES = ("airplane", "alarm clock", "apple", "candle", "car", "cat", "face", "pig", "radio", "sun")


def read_simplified(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a simplified ndjson file, [[x...], [y...]] a stroke in the 0..255 box; the first `limit` of them.

    Raises `DataError` naming file and line for what is not JSON, has no drawing, or has coordinates that are ragged or not finite.
    """
    return islice(_ndjson(Path(path)), limit)


def read_raw(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a raw ndjson file, [[x...], [y...], [t...]] a stroke, brought to the simplified recipe (`strokes.simplify`)."""
    return (simplify(drawing) for drawing in islice(_ndjson(Path(path)), limit))


def _ndjson(path: Path) -> Iterator[Drawing]:
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _record(line, path, number)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}, line {number + 1}: cannot be read ({error}); get the file again") from error
    if not number:
        raise DataError(f"{path} is empty; get the file again")


def _record(line: str, path: Path, number: int) -> Drawing:
    try:
        record = json.loads(line)
        strokes = [np.array(stroke[:2], np.float32).T for stroke in record["drawing"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}, line {number}: not a drawing in JSON ({error!r}); remove the line or get the file again") from error
    if any(s.ndim != 2 or s.shape[1] != 2 or not np.isfinite(s).all() for s in strokes):
        raise DataError(f"{path}, line {number}: a stroke is not two equally long lists of finite numbers; remove the line")
    return Drawing(tuple(strokes), str(record.get("word", path.stem)), record.get("key_id"))


def read_binary(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a .bin file; source: the dataset's description of its binary format. Raises `DataError` for a truncated one."""
    return islice(_binary(Path(path)), limit)


def _binary(path: Path) -> Iterator[Drawing]:
    data, at = _bytes(path), 0
    if not data:
        raise DataError(f"{path} is empty; get the file again")
    try:
        while at < len(data):
            key_id, _, _, _, n_strokes = struct.unpack_from("<Q2sbIH", data, at)
            at += 17
            strokes = []
            for _ in range(n_strokes):
                (n,) = struct.unpack_from("<H", data, at)
                strokes.append(np.frombuffer(data, np.uint8, 2 * n, at + 2).reshape(2, n).T)
                at += 2 + 2 * n
            yield Drawing(tuple(strokes), path.stem, str(key_id))
    except (struct.error, ValueError) as error:
        raise DataError(f"{path}: truncated at byte {at} of {len(data)} ({error}); get the file again") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error})") from error


def read_npz(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a sketch-rnn .npz file, its parts train, valid and test one after the other, as the report merges them.

    The file holds pickles: they are read by an unpickler that admits numpy arrays and nothing else, so that nothing is executed.
    """
    return islice(_npz(Path(path)), limit)


def _npz(path: Path) -> Iterator[Drawing]:
    try:
        with zipfile.ZipFile(path) as archive:
            for part in ("train", "valid", "test"):
                for rows in _object_array(archive.read(f"{part}.npy"), path):
                    yield from_stroke3(_stroke3(rows, path), path.stem)
    except (OSError, KeyError, EOFError, zipfile.BadZipFile, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is not a whole sketch-rnn .npz with train, valid and test ({error}); get the file again") from error


def _stroke3(rows, path: Path) -> np.ndarray:
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3 or not np.isfinite(rows.astype(np.float64)).all():
        raise DataError(f"{path} holds something else than finite stroke-3 arrays (N, 3); get the file again")
    return rows


def _object_array(data: bytes, path: Path) -> np.ndarray:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = header(file)
    if not dtype.hasobject:
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
    try:
        return ArrayUnpickler(file, encoding="latin1").load()
    except (pickle.UnpicklingError, AttributeError, IndexError, TypeError) as error:
        raise DataError(f"{path}: its pickle is refused ({error}); only numpy arrays are read") from error


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can build numpy arrays and nothing else."""

    def find_class(self, module: str, name: str):
        """The few callables that numpy's own array pickles name; raises for every other."""
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return _new_array
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _new_array(kind, shape, typecode) -> np.ndarray:
    """An empty array for the pickle's state to fill; only true ndarrays."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("it names an array type other than ndarray")
    return np.ndarray.__new__(np.ndarray, shape, typecode)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Protocol-2 pickles of Python 3 write bytes as latin-1 text."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"it names the encoding {encoding!r}")
    return text.encode("latin1")


READERS = (
    ("simplified", ".ndjson", read_simplified),
    ("sketchrnn", ".npz", read_npz),
    ("binary", ".bin", read_binary),
    ("raw", ".ndjson", read_raw),
)


def find_class(folder: Path | str, name: str) -> tuple[Path, object]:
    """The file of a class in a data folder, and its reader: simplified/NAME.ndjson, else sketchrnn/NAME.npz, binary/NAME.bin,
    raw/NAME.ndjson; files directly in the folder count too. Raises `DataError` naming the nearest classes."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"the data folder {folder} does not exist; set SKETCHLIB_DATA to one, or unset it")
    for kind, suffix, reader in READERS:
        for path in (folder / kind / f"{name}{suffix}", folder / f"{name}{suffix}"):
            if path.is_file():
                return path, reader
    near = difflib.get_close_matches(name, class_names(folder), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "no class there is named like it."
    raise DataError(f"class {name!r} is not in {folder}: {hint}")


def class_names(folder: Path | str) -> list[str]:
    """The classes that a data folder holds, sorted."""
    folder = Path(folder)
    places = [(folder / kind, suffix) for kind, suffix, _ in READERS] + [(folder, suffix) for _, suffix, _ in READERS]
    return sorted({path.stem for place, suffix in places for path in place.glob(f"*{suffix}")})


def read_class(folder: Path | str, name: str, limit: int | None = None) -> Iterator[Drawing]:
    """The drawings of one class in a data folder, the first `limit` of them."""
    path, reader = find_class(folder, name)
    return reader(path, limit)
