"""The .npz files of sketch-rnn, read without running what their pickles ask for."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import DataError
from ..limits import most, read_whole, too_large
from ..strokes import Drawing, from_stroke3, to_stroke3
from .pickles import check_claims
from .reading import BROKEN, class_of, first, opened, stroke3_of
from .writing import Written, note, save

AXES = 32  # numpy itself admits no more


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
    word, rows = class_of(path), 0
    for part in _parts(path):
        try:
            with _archive(path) as archive:
                members = _members(_unpacked(archive, part, path))
        except pickle.UnpicklingError as error:
            raise DataError(f"{path}: the pickle of {part} is refused ({error}); only numpy arrays are read") from error
        except DataError:
            raise
        except BROKEN as error:
            raise DataError(f"{path} is not a whole sketch-rnn .npz ({error}); get the file again") from error
        for number, member in enumerate(members):
            try:
                drawing = from_stroke3(stroke3_of(_plain(member)), word)
            except DataError as error:
                raise DataError(f"{path}: {part}[{number}] {error}; correct it or get the file again") from None
            rows += drawing.n_points  # a small file can hold one long drawing a great many times
            if rows > most(16):
                raise too_large(f"{path}: what is in it up to {part}[{number}]", most(16), "points")
            yield drawing


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    # A packed one is unpacked first: to go back and forth in it would unpack it again and again.
    with opened(path) as packed:
        file = io.BytesIO(read_whole(packed, path)) if isinstance(packed, gzip.GzipFile) else packed
        with zipfile.ZipFile(file) as archive:
            yield archive


def _unpacked(archive: zipfile.ZipFile, part: str, path: Path) -> bytes:
    # No more is unpacked than the archive says.
    if archive.getinfo(f"{part}.npy").file_size > most():
        raise too_large(f"{path}: {part}", most())
    return archive.read(f"{part}.npy")


def _parts(path: Path) -> list[str]:
    try:
        with _archive(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(f"{path} is not a whole sketch-rnn .npz ({error}); get the file again") from error
    if not set(PARTS) & set(names):
        there = " ".join(", ".join(names[:9]).split())[:200] or "none"
        raise DataError(f"{path} has the parts {there}; name the one with the drawings train, valid or test")
    return [part for part in PARTS if part in names]


def _members(data: bytes) -> list | np.ndarray:
    """The drawings that one .npy member of an archive holds, as it has them."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if not dtype.hasobject:
        held = len(data) - file.tell()
        if dtype.kind not in "biuf" or prod(shape) * dtype.itemsize != held or (shape or (0,))[0] > held:
            raise ValueError(f"an array of shape {shape} and type {dtype} has {held} bytes")
        file.seek(0)
        return np.atleast_1d(np.lib.format.read_array(file, allow_pickle=False))
    try:
        check_claims(data, file.tell())
        members = ArrayUnpickler(file, encoding="latin1").load().value  # what has no length is refused by the next line
        if len(members) > len(data):
            raise pickle.UnpicklingError(f"it has {len(members)} drawings in {len(data)} bytes")
        return members
    except BROKEN as error:
        raise pickle.UnpicklingError(error) from error


def _plain(member):
    # A drawing as a numpy array, or a list of rows that are lists or such arrays.
    try:
        if isinstance(member, _Array):
            member = member.value
        return [row.value if isinstance(row, _Array) else row for row in member] if isinstance(member, list | tuple) else member
    except BROKEN as error:  # bytes that are none
        raise DataError(f"is an array that cannot be made ({error})") from None


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that yields numpy arrays, wrapped in stand-ins for numpy's own classes, and admits nothing else.

    Numpy's own classes would believe whatever state a pickle gives them.
    """

    def find_class(self, module: str, name: str):
        """The stand-ins for what numpy's array pickles name; raises for every other name."""
        found = STAND_INS.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            raise pickle.UnpicklingError(f"it names {f'{module}.{name}'!r:.80}")
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
    """Stands for numpy.ndarray and its _reconstruct. Arrays may share what they hold: nothing is copied before it is asked for."""

    shape, code, fortran, data = (0,), "O", False, ()

    def __init__(self, kind, shape, typecode):
        pass  # what it is comes with its state

    def __setstate__(self, state: tuple):
        _, self.shape, dtype, self.fortran, self.data = state
        self.code, n = dtype.code, len(self.data)
        if len(self.shape) > AXES or not all(type(size) is int and 0 <= size < 2**31 for size in self.shape):
            raise pickle.UnpicklingError(f"an array of shape {str(self.shape):.60} has {n} bytes or members")
        if "O" not in self.code and prod(self.shape) * int(self.code[-1]) != n:
            raise pickle.UnpicklingError(f"an array of shape {self.shape} has {n} bytes")
        if "O" in self.code and (prod(self.shape) != n or (n and min(self.shape) < 1)):
            raise pickle.UnpicklingError(f"an array of shape {self.shape} has {n} members")

    @property
    def value(self) -> np.ndarray | list:
        """An array of numbers, or the list of an object array's members."""
        if "O" in self.code:
            return _nested(self.data, self.shape)
        data = self.data.encode("latin1") if isinstance(self.data, str) else self.data  # Python 2 has one type for both
        return np.frombuffer(data, self.code).reshape(self.shape, order="F" if self.fortran else "C")


def _nested(members: list, shape: tuple) -> list:
    # Members of an object array; numpy makes one of several axes of drawings that are equally long.
    for size in shape[:0:-1] if members else ():
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


@checked
def write_npz(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write drawings to a sketch-rnn .npz as stroke-3, in their order.

    Of three or more, a thirtieth at the end is for valid and one for test, at least one drawing each; the rest is for train. Rows are
    int16 where they are whole numbers, as in the dataset's files, else float32. What the format cannot hold is said by what is returned,
    and what is raised by `writing.save`. Other programs have to allow pickles to read it: drawings are of many lengths.

    >>> write_npz([Drawing(([[0, 0], [30, 40]],), "cat")], "mine.npz").n
    1
    """
    return save(drawings, path, force, lambda drawings, file, lost: _write(drawings, file, lost, class_of(Path(path))))


def _write(drawings: Iterable[Drawing], file, lost: Counter, name: str) -> None:
    rows = []
    for drawing in drawings:
        note(drawing, lost, class_name=name, place=True, known=True)
        rows.append(_compact(to_stroke3(drawing)))
    held = max(1, len(rows) // 30) if len(rows) > 2 else 0
    ends = [len(rows) - 2 * held, len(rows) - held]
    parts = zip(PARTS, (rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] :]), strict=True)
    np.savez_compressed(file, **{part: _object_array(some) for part, some in parts})


def _compact(rows: np.ndarray) -> np.ndarray:
    whole = rows.astype(np.int16) if (np.abs(rows) < 2**15).all() else rows
    return whole if (whole == rows).all() else rows


def _object_array(members: list) -> np.ndarray:
    out = np.empty(len(members), object)
    for number, member in enumerate(members):
        out[number] = member
    return out
