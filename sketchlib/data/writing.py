"""What all writers of drawings share: nothing is overwritten or half written, and what a format cannot hold is counted."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files import write_atomically
from ..strokes import BOX, Drawing, fit_to_box


@dataclass(frozen=True)
class Written:
    """What came into a file: its `path`, `n` drawings, and in `lost` what the format could not hold -> of how many drawings."""

    path: Path
    n: int
    lost: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lost = "".join(f"; of {n}: {what}" for what, n in self.lost.items())
        return f"{self.path}: {self.n} drawing{'s' * (self.n != 1)}{lost}"


def save(drawings: Iterable[Drawing], path: Path | str, force: bool, write: Callable) -> Written:
    """Let `write(drawings, file, lost)` fill a file that appears when it is whole; gzip where its name ends in .gz.

    `lost` counts what the format cannot hold. Raises `DataError` for no drawings, for one that is not finite, for a folder that does not
    exist, and for a file that does, unless `force` replaces it.
    """
    path, lost, n = place_for(path, force), Counter(), Counter()

    def fill(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            if path.name.lower().endswith(".gz"):
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    write(counted(drawings, n), packed, lost)
            else:
                write(counted(drawings, n), file, lost)
        if not n[""]:
            raise DataError(f"there is no drawing to write to {path}; give at least one")

    write_atomically(path, fill)
    return Written(path, n[""], dict(lost))


def place_for(path: Path | str, force: bool) -> Path:
    """`path` if a file may be written there; raises `DataError` as `save` does."""
    path = Path(path).expanduser()
    if not path.parent.is_dir():
        raise DataError(f"the folder {path.parent} does not exist; make it, or write to another one")
    if path.is_dir():
        raise DataError(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():  # /dev/null: it would be replaced, not written to
        raise DataError(f"{path} is a device or a pipe; give the name of a file")
    if path.exists() and not force:
        raise DataError(f"{path} is there already; give another name, or force=True to replace it")
    return path


def folder_for(path: Path | str, force: bool) -> Path:
    """`path` if files may be written into it, a new folder or an empty one; raises `DataError` otherwise, unless `force` says so."""
    path = Path(path).expanduser()
    if not path.is_dir():
        return place_for(path, force=False)
    if not force and any(path.iterdir()):
        raise DataError(f"{path} is there already and not empty; give another folder, or force=True to write into it")
    return path


def counted(drawings: Iterable[Drawing], n: Counter) -> Iterator[Drawing]:
    """The same drawings, counted in `n[""]`; raises `DataError` for what is no drawing or has coordinates that are not finite."""
    for drawing in drawings:
        if not isinstance(drawing, Drawing):
            raise DataError(f"a {type(drawing).__name__} was given where a sketchlib.Drawing is expected")
        if not all(np.isfinite(stroke).all() for stroke in drawing.strokes):
            raise DataError(f"drawing {n['']} ({drawing.word or 'no class'}) has NaN or infinite coordinates; leave it out")
        n[""] += 1
        yield drawing


def in_box(drawing: Drawing, lost: Counter) -> Drawing:
    """A drawing in whole numbers from 0 to 255, as simplified files have it: moved, shrunk and rounded only where it has to be."""
    left, top, right, bottom = drawing.bounds()
    if left < 0 or top < 0 or right > BOX or bottom > BOX:
        small = max(right - left, bottom - top) <= BOX
        lost["moved into the box of 0 to 255" if small else "shrunk into the box of 0 to 255"] += 1
        drawing = drawing.shifted(-left, -top) if small else fit_to_box(drawing)
    whole = tuple(np.round(stroke) for stroke in drawing.strokes)
    if any((new != old).any() for new, old in zip(whole, drawing.strokes, strict=True)):
        lost["coordinates rounded to whole numbers"] += 1
    return replace(drawing, strokes=tuple(stroke.clip(0, BOX) for stroke in whole))


def note(drawing: Drawing, lost: Counter, class_name: str | None = None, place: bool = False, known: bool = False) -> None:
    """Count what goes with a drawing and a format has no room for.

    `class_name`: the only class that the file's name can tell, None where each drawing has its own. `place`: where the drawing begins.
    `known`: its key and whether the game recognised it.
    """
    if class_name is not None and drawing.word != class_name:
        lost[f"its class is not kept, and is read as the file's name, {class_name!r}"] += bool(drawing.word)
    if place and drawing.strokes and drawing.strokes[0][0].any():
        lost["its place is not kept, and it begins at 0, 0"] += 1
    if known and (drawing.key_id is not None or drawing.recognized is not None):
        lost["its key and whether it was recognised are not kept"] += 1
    for what in [what for what, n in lost.items() if not n]:
        del lost[what]


def numbers(values: np.ndarray) -> list:
    """Float32 numbers as a list, whole ones as int, others with as many digits as they need to be read again as the same."""
    if (values == np.round(values)).all() and (np.abs(values) < 2**53).all():
        return values.astype(np.int64).tolist()
    return np.asarray(values, np.float32).astype("U").astype(np.float64).tolist()
