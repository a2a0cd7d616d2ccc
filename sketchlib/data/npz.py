"""The .npz files of sketch-rnn, read without running what their pickles ask for."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..strokes import Drawing, from_stroke3
from .reading import BROKEN, finite, first


def read_npz(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a sketch-rnn .npz file from the origin, train, valid and test one after the other, as the report merges them.

    The file holds pickles: they are read by an unpickler that admits numpy arrays and nothing else, so that nothing is executed.
    Python 2's files are read too. Raises `DataError` for a broken file, for one that carries anything else, and for arrays that are
    not finite stroke-3. Chapter 1.

    >>> np.savez("cat.npz", train=[[[30, 40, 1]]], valid=[], test=[])
    >>> [drawing.n_points for drawing in read_npz("cat.npz")]
    [2]
    """
    return first(_npz(Path(path)), limit)


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
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3 or not finite(rows):
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

    Numpy's own classes would believe whatever state a pickle gives them.
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
