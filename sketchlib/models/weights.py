"""Models as safetensors files: the weights, and in the header what is needed to build the model again."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save as as_bytes
from torch import nn

from ..arguments import checked
from ..errors import DataError
from ..files import described_classes, read_model, weights_folder, write_atomically
from . import magenta_json
from .conditional_vae import ConditionalVAE
from .magenta import MagentaGen, MagentaVAE
from .placed import ConditionalPlacedDecoder
from .router import Router
from .single import ConditionalDecoder
from .transformer import ConditionalTransformer
from .vae import SketchVAE

SUFFIXES = (".safetensors", *magenta_json.SUFFIXES)
_SINGLE = (ConditionalDecoder, ConditionalPlacedDecoder, ConditionalTransformer)
ARCHITECTURES = {kind.__name__: kind for kind in (*_SINGLE, SketchVAE, ConditionalVAE, MagentaGen, MagentaVAE)}


@checked
def save(model: nn.Module, path: Path | str, card: dict | None = None, half: bool = False) -> None:
    """Write a model to `path` (.safetensors), in half precision on request, and its `card` to the .json beside it."""
    text = "" if card is None else _as_json(card)
    dtype = torch.float16 if half else torch.float32
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in model.state_dict().items()}
    header = {"architecture": type(model).__name__, "config": json.dumps(model.config())}
    write_atomically(path, lambda to: to.write_bytes(as_bytes(tensors, header)))  # save_file's files only their owner can read
    if card is not None:
        write_atomically(Path(path).with_suffix(".json"), lambda to: to.write_text(text + "\n", encoding="utf-8"))


def _as_json(card: dict) -> str:
    try:
        return json.dumps(card, indent=1, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise DataError(f"the card of a model cannot be written as JSON ({error}): give texts, numbers, lists and dicts") from None


@checked
def read(path: Path | str) -> nn.Module:
    """The model in a .safetensors file, or in one of sketch-rnn-js, .gen.json or .vae.json, in float32 and evaluation mode.

    Raises `DataError` for any other file.
    """
    return magenta_json.read(path) if magenta_json.is_magenta(path) else read_model(path, ARCHITECTURES)


@checked
def load(name: Path | str):
    """A trained model: a published one by its name, "single", "router" or "best", or what is in a .safetensors file or a folder of them.

    A folder, and "router", give a `Router`: one model a class, each read when it is first asked for. The pretrained models of
    sketch-rnn-js, .gen.json and .vae.json, are read too, also in a folder. Raises `DataError` for a path that does not exist or holds no
    model.

    >>> import sketchlib
    >>> model = sketchlib.load("single")
    >>> "cat" in model.classes
    True
    """
    published = {"single": "single.safetensors", "router": "router", "best": "best.safetensors"}
    path = weights_folder() / published[str(name)] if str(name) in published else Path(name)
    if path.is_dir():
        return router(path)
    if not path.exists():
        names = "'single', 'router', 'best'"
        raise DataError(f"{path} does not exist; give {names}, a .safetensors, .gen.json or .vae.json file, or a folder of them")
    return read(path)


@checked
def router(folder: Path | str) -> Router:
    """A `Router` over the .safetensors, .gen.json and .vae.json files of a folder, one a class, each read when it is first asked for.

    Raises `DataError` where there is none, where two are of one class, or where one says that it is of several.
    """
    files: dict[str, Path] = {}
    for suffix in SUFFIXES:
        for path in sorted(Path(folder).glob(f"[!.]*{suffix}")):  # hidden ones are a system's, not models
            name = path.name.removesuffix(suffix)
            if name in files:
                raise DataError(f"{path} and {files[name].name} are both of class {name!r}: leave one of them in the folder")
            files[name] = path
    if not files:
        raise DataError(f"{folder} holds no .safetensors file, nor a .gen.json or .vae.json; a router needs one for every class")
    for path in files.values():
        if len(names := described_classes(path)) > 1:
            raise DataError(f"{path} draws {len(names)} classes, and a router needs one file for every class; load that file, or 'router'")
    return Router(files, read)
