"""The .npz files of sketch-rnn, read without running what their pickles ask for."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Iterator
from math import prod
from numbers import Real
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import DataError
from ..strokes import Drawing, from_stroke3, from_stroke5
from .reading import BROKEN, class_of, finite, first, opened


@checked
def read_npz(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """Drawings of a sketch-rnn .npz file from the origin, train, valid and test one after the other, as the report merges them.

    One or two of these parts may be missing. A drawing is stroke-3 or stroke-5, an array or a list of rows. The file holds pickles: they
    are read by an unpickler that admits numpy arrays and nothing else, so that nothing is executed. Python 2's files are read too.
    Raises `DataError` for a broken file, for one that carries anything else, and for drawings that are not finite. Chapter 1.

    >>> np.savez("cat.npz", train=[[[30, 40, 1]]], valid=[], test=[])
    >>> [drawing.n_points for drawing in read_npz("cat.npz")]
    [2]
    """
    return first(_npz(Path(path)), limit)


PARTS = ("train", "valid", "test")


def _npz(path: Path) -> Iterator[Drawing]:
    word = class_of(path)
    for part in _parts(path):
        try:
            with opened(path) as file, zipfile.ZipFile(file) as archive:
                members = _members(archive.read(f"{part}.npy"))
        except pickle.UnpicklingError as error:
            raise DataError(f"{path}: the pickle of {part} is refused ({error}); only numpy arrays are read") from error
        except BROKEN as error:
            raise DataError(f"{path} is not a whole sketch-rnn .npz ({error}); get the file again") from error
        for number, member in enumerate(members):
            try:
                yield from_stroke3(_stroke3(member), word)
            except DataError as error:
                raise DataError(f"{path}: {part}[{number}] {error}; correct it or get the file again") from None


def _parts(path: Path) -> list[str]:
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except BROKEN as error:
        raise DataError(f"{path} is not a whole sketch-rnn .npz ({error}); get the file again") from error
    if not set(PARTS) & set(names):
        raise DataError(f"{path} has the parts {', '.join(names[:9]) or 'none'}; name the one with the drawings train, valid or test")
    return [part for part in PARTS if part in names]


def _stroke3(member) -> np.ndarray:
    # A drawing as stroke-3; a DataError that says what is wrong with it.
    rows = member if isinstance(member, np.ndarray) else _array_of(member)
    if not rows.size:
        return np.zeros((0, 3), np.float32)
    if rows.ndim != 2 or rows.shape[1] not in (3, 5) or not finite(rows):
        raise DataError(f"is {rows.dtype} of shape {rows.shape}; expected finite numbers, stroke-3 (N, 3) or stroke-5 (N, 5)")
    pens = rows[:, 2:]
    known = ((pens == 0) | (pens == 1)).all(1) & ((pens.sum(1) == 1) | (rows.shape[1] == 3))
    if not known.all():
        row = int(known.argmin())
        raise DataError(f"has the pen {pens[row].tolist()} in row {row}; expected 0 or 1, in stroke-5 one 1 among three")
    return from_stroke5(rows) if rows.shape[1] == 5 else rows


def _array_of(member) -> np.ndarray:
    # A list of rows as an array. Lengths are looked at first: a small file can hold one long list a great many times.
    try:
        rows = [row.value if isinstance(row, _Array) else row for row in member]
        if not all(len(row) in (3, 5) and all(isinstance(value, Real) for value in row) for row in rows):
            raise TypeError("rows of 3 or 5 numbers are needed")
        return np.array([list(row) for row in rows])
    except (TypeError, ValueError, AttributeError) as error:  # the last for an array that a pickle gave no state
        raise DataError(f"is {type(member).__name__} and not stroke-3 or stroke-5 ({error})") from None


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
            self.value = _nested(list(data), shape)
            return
        data = data.encode("latin1") if isinstance(data, str) else data  # Python 2 has one type for both
        if prod(shape) * int(dtype.code[-1]) != len(data):
            raise pickle.UnpicklingError(f"an array of shape {shape} has {len(data)} bytes")
        self.value = np.frombuffer(data, dtype.code).reshape(shape, order="F" if fortran else "C")


def _nested(members: list, shape: tuple) -> list:
    # Members of an object array; numpy makes one of several axes of drawings that are equally long.
    if len(members) != prod(shape) or (members and min(shape) < 1):
        raise pickle.UnpicklingError(f"an array of shape {shape} has {len(members)} members")
    for size in shape[:0:-1]:
        members = [members[start : start + size] for start in range(0, len(members), size)]
    return members


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
