"""Files of the sketch-rnn-js format: read strictly, and written so that sketch-rnn-js, @magenta/sketch and ml5 load them.

A file is `[info, dims, blobs]`. A blob is the base64 of little-endian 16-bit integers, each a weight times 3276.7; `shapes` in `magenta`
has their order and sizes.
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import numpy as np
from torch import nn

from ..arguments import checked
from ..errors import DataError
from ..files import write_atomically
from . import magenta
from .router import Router

SUFFIXES = (".gen.json", ".vae.json")
VERSION = 6  # from which on z is not squashed before it sets the first state
MODES = {".gen.json": (2, 2), ".vae.json": (0, 1)}  # the lowest and the highest; written is the latter
STEP = 10 / 32767  # a weight of the file is a whole number of these
MAX_BYTES = 2**26  # of a file; one of 2048 units is smaller
MAX_ROWS = 10_000  # that a file may let a drawing have


class _Bad(ValueError):
    """What is wrong with a file, without its name and what to do."""


@checked
def is_magenta(path: Path | str) -> bool:
    """Whether a path is named as a file of this format."""
    return str(path).endswith(SUFFIXES)


@checked
def read(path: Path | str) -> magenta.MagentaGen | magenta.MagentaVAE:
    """The model of a .gen.json or a .vae.json, in evaluation mode; it draws in the pixels of the canvas that its drawings were made on.

    Raises `DataError` for any other file, also one cut or altered; no more is allocated than the file's size allows.
    """
    try:
        name, n_max, scale, shapes, texts = _parsed(_content(path))
        blobs = [_weights(*one) for one in zip(texts, shapes, strict=True)]
    except OSError as error:
        raise DataError(f"{path} could not be read ({error}); give the path of a .gen.json or a .vae.json") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not a file of the sketch-rnn-js format ({error}); get the file again") from error
    return magenta.model_of(name, n_max, scale, blobs)


def _content(path: Path | str) -> str:
    if not Path(path).is_file():
        raise OSError("it is not a file")
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _Bad(f"it is larger than {MAX_BYTES >> 20} MiB, as no such model is")
    return content.decode("utf-8")


def _parsed(content: str) -> tuple[str, int, float, list[tuple[int, ...]], list[str]]:
    # Name, n_max, scale, the blobs' shapes and the blobs, all checked against each other.
    parts = json.loads(content, parse_constant=_refuse)
    if not (isinstance(parts, list) and [type(part) for part in parts] == [dict, list, list]):
        raise _Bad("expected a list of info, dimensions and blobs")
    info, dims, blobs = parts
    shapes = _shapes(dims)
    if len(blobs) != len(shapes):
        raise _Bad(f"it has dimensions of {len(shapes)} blobs, and {len(blobs)} blobs")
    kind = ".gen.json" if len(shapes) == 5 else ".vae.json"
    if not _whole(info.get("mode"), *MODES[kind]):
        raise _Bad(f"mode {str(info.get('mode'))[:20]} does not go with {len(shapes)} blobs; 2 goes with 5, and 0 or 1 with 17")
    if kind == ".vae.json" and not _whole(info.get("version"), VERSION, VERSION):
        raise _Bad(f"version {str(info.get('version'))[:20]} of a VAE; only version {VERSION} is known")
    return *_drawing_info(info), shapes, blobs


def _drawing_info(info: dict) -> tuple[str, int, float]:
    name, n_max, scale = (info.get(key) for key in ("name", "max_seq_len", "scale_factor"))
    if not (isinstance(name, str) and 0 < len(name) <= 200):
        raise _Bad(f"name is {str(name)[:20]!r}; expected that of a class")
    if not _whole(n_max, 1, MAX_ROWS):
        raise _Bad(f"max_seq_len is {str(n_max)[:20]}; expected a whole number from 1 to {MAX_ROWS}")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < 1e9:
        raise _Bad(f"scale_factor is {str(scale)[:20]}; expected a number above 0, in pixels")
    return name, n_max, float(scale)


def _whole(value, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _refuse(constant: str):
    raise _Bad(f"it holds {constant}, which is no number")


def _shapes(dims: list) -> list[tuple[int, ...]]:
    # The dimensions if they are those of a model: sizes of a few blobs say all others.
    if not all(isinstance(dim, list) and 1 <= len(dim) <= 2 and all(_whole(size, 1, MAX_BYTES) for size in dim) for dim in dims):
        raise _Bad("its dimensions are no lists of one or two whole numbers above 0")
    found = [tuple(dim) for dim in dims]
    sizes = {5: [0], 17: [12, 1, 10]}.get(len(found))  # whose first dimension is the decoder's, the encoder's, that of z
    if not sizes:
        raise _Bad(f"it has dimensions of {len(found)} blobs; a .gen.json has 5, a .vae.json 17")
    expected = magenta.shapes(*(found[at][0] for at in sizes))
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one != other:
            raise _Bad(f"blob {number} has dimensions {list(one)}; {list(other)} goes with the others, M = {magenta.N_MIXTURES}")
    return found


def _weights(text, shape: tuple[int, ...]) -> np.ndarray:
    count = math.prod(shape)
    if not isinstance(text, str) or len(text) != 4 * math.ceil(2 * count / 3):
        raise _Bad(f"a blob of dimensions {list(shape)} is not {2 * count} bytes in base64")
    try:
        numbers = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _Bad(f"a blob of dimensions {list(shape)} is not base64: {error}") from error
    if len(numbers) != 2 * count:
        raise _Bad(f"a blob of dimensions {list(shape)} has {len(numbers)} bytes; expected {2 * count}")
    return np.frombuffer(numbers, "<i2").astype(np.float64).reshape(shape) * STEP


@checked
def write(model: nn.Module | Router, path: Path | str, word: str | None = None, force: bool = False, cut: bool = False) -> None:
    """Write what a model knows of one class to a .gen.json, for sketch-rnn-js, @magenta/sketch and ml5, or a .vae.json, for the first.

    A single model fits both, a VAE the second. `word`: which class; None where there is but one. `force`: write over a file that is
    there. `cut`: see `magenta.as_gen`. Weights are rounded to whole numbers of `STEP`; those of a file that was read are such. A page draws
    in the model's data units. Raises `DataError` for what does not fit the format, and leaves `path` as it was then.

    >>> import sketchlib
    >>> write(sketchlib.load("single"), "cat.vae.json", "cat")
    >>> sketchlib.load("cat.vae.json").classes
    ('cat',)
    """
    kind = next((suffix for suffix in SUFFIXES if Path(path).name.endswith(suffix)), None)
    if kind is None:
        raise DataError(f"{path}: name it .gen.json (a decoder without a z) or .vae.json")
    word = _one_class(model, word)
    if Path(path).exists() and not force:
        raise DataError(f"{path} is there already: give another path, or force=True")
    of_class = model.for_class(word)
    made = magenta.as_gen(of_class, word, cut) if kind == ".gen.json" else magenta.as_vae(of_class, word)
    blobs = made.blobs()
    info = dict(mode=MODES[kind][1], version=VERSION, max_seq_len=made.n_max, name=word, scale_factor=made.scale)
    text = json.dumps([info, [list(blob.shape) for blob in blobs], [_text(blob, word) for blob in blobs]])
    write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))


def _one_class(model, word: str | None) -> str:
    if word is None and len(model.classes) > 1:
        raise DataError(f"a file of this format draws one class: say which as word=..., one of {', '.join(model.classes)}")
    return model.classes[0] if word is None else word


def _text(blob: np.ndarray, word: str) -> str:
    largest = np.abs(blob).max(initial=0)
    if not largest <= 10 + STEP:  # a file may hold -32768 steps
        raise DataError(f"a weight of the model of {word} is {largest:.4g}, and the sketch-rnn-js format holds weights from -10 to 10 only")
    return base64.b64encode(np.rint(blob / STEP).clip(-32768, 32767).astype("<i2").tobytes()).decode("ascii")
