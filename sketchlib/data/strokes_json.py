"""Stroke-3 and stroke-5 as JSON, as pages with sketch-rnn models in JavaScript take them."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..arguments import checked
from ..errors import DataError
from ..limits import read_whole
from ..strokes import Drawing, from_stroke3, to_stroke3, to_stroke5
from .npz import PARTS
from .reading import class_of, first, opened, stroke3_of
from .writing import Written, note, numbers, save


@checked
def read_json(path: Path | str, limit: int | None = None) -> Iterator[Drawing]:
    """The first `limit` drawings of a .json file, from the origin; their word is the file's name.

    It holds one drawing, a list of them, or lists of them under train, valid and test; a drawing is a list of rows of stroke-3 or
    stroke-5. A file that the live page saved has one under stroke3, and its word. Raises `DataError` naming the drawing that is something
    else.

    >>> _ = Path("cat.json").write_text("[[[30, 40, 0], [1, 2, 1]]]")
    >>> [(drawing.word, drawing.n_points) for drawing in read_json("cat.json")]
    [('cat', 3)]
    """
    return first(_json(Path(path)), limit)


def _json(path: Path) -> Iterator[Drawing]:
    word = class_of(path)
    try:
        with opened(path) as file:
            values = json.loads(read_whole(file, path, 16).decode("utf-8-sig"))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); get the file again") from error
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}); get the file again") from error
    if isinstance(values, dict) and "stroke3" in values:  # one drawing, as the live page saves it
        word, values = str(values.get("word") or word), [values["stroke3"]]
    for number, member in enumerate(_drawings_in(values, path)):
        try:
            yield from_stroke3(stroke3_of(member), word)
        except DataError as error:
            raise DataError(f"{path}: drawing {number} {error}; correct it or get the file again") from None


def _drawings_in(values, path: Path) -> list:
    if isinstance(values, dict) and set(PARTS) & values.keys():
        values = [member for part in PARTS for member in _list(values.get(part, []), path)]
    values = _list(values, path)
    if values and isinstance(values[0], dict):
        raise DataError(f"{path} begins with {str(values[0]):.40}, as models do; sketchlib.load reads those: give a file with drawings")
    one = values and isinstance(values[0], list) and values[0] and not isinstance(values[0][0], list)
    if not values:
        raise DataError(f"{path} holds no drawing; give a list of them, each a list of rows dx, dy, lift")
    return [values] if one else values


def _list(values, path: Path) -> list:
    if not isinstance(values, list):
        raise DataError(f"{path} holds {str(values):.40} where a list of drawings is expected, each a list of rows dx, dy, lift")
    return values


@checked
def write_json(drawings: Iterable[Drawing], path: Path | str, force: bool = False) -> Written:
    """Write drawings to a .json file as a list of stroke-3 drawings, or of stroke-5 ones if its name ends in .stroke5.json.

    The first is the usual form; the second, with an end row, is what sketch-rnn's JavaScript encodes. What it cannot hold is said by
    what is returned, and what is raised by `writing.save`.

    >>> write_json([Drawing(([[0, 0], [30, 40]],), "cat")], "mine.json").n
    1
    >>> Path("mine.json").read_text()
    '[\\n[[30, 40, 1]]\\n]\\n'
    """
    five = Path(path).name.lower().removesuffix(".gz").endswith(".stroke5.json")
    return save(drawings, path, force, lambda drawings, file, lost: _write(drawings, file, lost, class_of(Path(path)), five))


def _write(drawings: Iterable[Drawing], file, lost: Counter, name: str, five: bool) -> None:
    before = b"[\n"
    for drawing in drawings:
        note(drawing, lost, class_name=name, place=True, known=True)
        rows = to_stroke5(to_stroke3(drawing)) if five else to_stroke3(drawing)
        steps, pens = numbers(rows[:, :2]), rows[:, 2:].astype(int).tolist()
        file.write(before + json.dumps([step + pen for step, pen in zip(steps, pens, strict=True)]).encode())
        before = b",\n"
    file.write(b"\n]\n")
