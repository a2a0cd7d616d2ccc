"""The dataset's .bin files: a head and bytes for each drawing."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import DataError
from ..strokes import Drawing
from .reading import class_of, first, opened
from .writing import Written, in_box, note, save

HEAD = struct.Struct("<Q2sbIH")  # key, country, recognised, time, number of strokes
MOST = 2**16 - 1  # strokes of a drawing, points of a stroke


@checked
def read_binary(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a .bin file, in the 0..255 box; their word is the file's name.

    Raises `DataError` naming the byte where a truncated file ends. Source: the dataset's description of its format.

    >>> _ = Path("cat.bin").write_bytes(bytes(15) + bytes([1, 0, 2, 0, 0, 30, 0, 40]))  # head; 1 stroke of 2 points; x; y
    >>> [(drawing.word, drawing.n_points) for drawing in read_binary("cat.bin")]
    [('cat', 2)]
    """
    return first(_binary(Path(path)), limit)


def _binary(path: Path) -> Iterator[Drawing]:
    word = class_of(path)
    try:
        with opened(path) as file:
            if not file.peek(1):
                raise DataError(f"{path} is empty; get the file again")
            while file.peek(1):
                key_id, _, recognized, _, n_strokes = HEAD.unpack(file.read(HEAD.size))
                strokes = tuple(_byte_stroke(file) for _ in range(n_strokes))
                yield Drawing(strokes, word, str(key_id), recognized=bool(recognized))
    except struct.error as error:
        raise DataError(f"{path}: cut off at byte {path.stat().st_size}, amid a drawing; get the file again") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); get the file again") from error


def _byte_stroke(file) -> np.ndarray:
    (n,) = struct.unpack("<H", file.read(2))
    data = file.read(2 * n)
    if len(data) < 2 * n:
        raise struct.error("cut off")
    return np.frombuffer(data, np.uint8).reshape(2, n).T


@checked
def write_binary(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write drawings to a .bin file; what it cannot hold is said by what is returned, and what is raised by `writing.save`.

    The game is taken to have recognised a drawing that does not say so; a key that is no whole number becomes 0.

    >>> write_binary([Drawing(([[0, 0], [30, 40]],), "cat")], "mine.bin").n
    1
    """
    return save(drawings, path, force, lambda drawings, file, lost: _write(drawings, file, lost, class_of(Path(path))))


def _write(drawings: Iterable[Drawing], file, lost: Counter, name: str) -> None:
    for drawing in drawings:
        note(drawing, lost, class_name=name)
        strokes, key = in_box(drawing, lost).strokes, drawing.key_id or "0"
        longest = max([len(strokes), *map(len, strokes)])
        if longest > MOST:
            raise DataError(f"a drawing ({drawing.word or 'no class'}) has {longest} strokes, or points in one; .bin holds {MOST}")
        if not (key.isascii() and key.isdigit() and len(key) < 21 and int(key) < 2**64):
            lost["its key is not kept"] += 1
            key = "0"
        file.write(HEAD.pack(int(key), b"--", drawing.recognized is not False, 0, len(strokes)))
        for stroke in strokes:
            file.write(struct.pack("<H", len(stroke)) + stroke.T.astype(np.uint8).tobytes())
