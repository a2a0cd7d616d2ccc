"""Models as safetensors files: the weights, and in the header what is needed to build the model again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes
from torch import nn

from ..errors import DataError
from ..files import PROJECT, write_atomically
from .router import Router
from .single import ConditionalDecoder
from .vae import SketchVAE

ARCHITECTURES = {kind.__name__: kind for kind in (ConditionalDecoder, SketchVAE)}


def save(model: nn.Module, path: Path | str, card: dict | None = None, half: bool = False) -> None:
    """Write a model to `path` (.safetensors), in half precision on request, and its `card` to the .json beside it."""
    dtype = torch.float16 if half else torch.float32
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in model.state_dict().items()}
    header = {"architecture": type(model).__name__, "config": json.dumps(model.config())}
    write_atomically(path, lambda to: to.write_bytes(as_bytes(tensors, header)))  # save_file's files only their owner can read
    if card is not None:
        text = json.dumps(card, indent=1, sort_keys=True)
        write_atomically(Path(path).with_suffix(".json"), lambda to: to.write_text(text + "\n", encoding="utf-8"))


def read(path: Path | str) -> nn.Module:
    """The model in a .safetensors file, in float32 and evaluation mode; raises `DataError` for any other file."""
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is not a readable safetensors file ({error})") from error
    name = header.get("architecture")
    if name not in ARCHITECTURES or "config" not in header:
        expected = f"one of {', '.join(ARCHITECTURES)}, as sketchlib.weights.save writes them"
        raise DataError(f"{path} holds architecture {name!r}; expected {expected}")
    try:
        model = ARCHITECTURES[name](**json.loads(header["config"]))
        model.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: its weights do not fit its own description of a {name} ({error}); get the file again") from error
    return model.eval()


def load(name: str | Path):
    """A model by name or path: "single", "router", a .safetensors file, or a folder of them (a `Router`).

    A name is looked up among the published weights, then among what `make book` left in build/, newest first and a smoke run's last.
    Raises `DataError` saying where it looked.
    """
    if name in ("single", "router"):
        name = _published(name) or _built(name)
    path = Path(name)
    if path.is_dir():
        return router(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; give 'single', 'router', a .safetensors file or a folder of them")
    return read(path)


def router(folder: Path | str) -> Router:
    """A `Router` over the .safetensors files of a folder, one a class, each read when it is first asked for."""
    files = {path.stem: path for path in sorted(Path(folder).glob("*.safetensors"))}
    if not files:
        raise DataError(f"{folder} holds no .safetensors file; a router needs one for every class")
    return Router(files, read)


def _candidates(folder: Path, name: str) -> Path | None:
    path = folder / (name if name == "router" else f"{name}.safetensors")
    return path if path.exists() else None


def _published(name: str) -> Path | None:
    return _candidates(PROJECT / "weights", name)


def _built(name: str) -> Path:
    build = Path(os.environ.get("SKETCHLIB_BUILD", PROJECT / "build"))
    found = [p for folder in build.glob("*/models") if (p := _candidates(folder, name))]
    if not found:
        raise DataError(f"no weights named {name!r}: neither published ones in weights/ nor any of a run; `make book` trains them")
    return max(found, key=lambda path: (path.parts[-3] != "smoke", path.stat().st_mtime))  # build/PROFILE/models/NAME
