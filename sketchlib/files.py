"""Files of the project: where its folders are, in a checkout and installed, atomic writes, and the models in safetensors files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .errors import DataError

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "weights").is_dir()  # setup.py puts weights and profiles into the package; a checkout has them beside it
PROJECT = Path() if INSTALLED else PACKAGE.parent  # where data/ and build/ are: in the checkout, else where one works


def weights_folder() -> Path:
    """The folder of the published weights; raises `DataError` where it is missing."""
    return _shipped("weights")


def profiles_folder() -> Path:
    """The folder of the profiles: SKETCHLIB_PROFILES, else the shipped one; raises `DataError` where it is missing."""
    return Path(given) if (given := os.environ.get("SKETCHLIB_PROFILES")) else _shipped("profiles")


def profile_file(name: str) -> Path:
    """NAME.yml in the folder of the profiles; full.yml, which all others differ from, is the shipped one where that folder has none."""
    path = profiles_folder() / f"{name}.yml"
    return _shipped("profiles") / path.name if name == "full" and not path.is_file() else path


def data_folder() -> Path:
    """The folder that drawings are downloaded into; it need not exist."""
    return PROJECT / "data"


def _shipped(name: str) -> Path:
    folder = (PACKAGE if INSTALLED else PROJECT) / name
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist; get the repository again, or install sketchlib again")
    return folder


def write_atomically(path: Path | str, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it there; on an error `path` stays as it was.

    Raises `DataError` for a full disk or a folder that cannot be written.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # not mkstemp, whose files only their owner can read
        write(temporary)
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} could not be written ({error}); what was there before is kept: free some space and run again") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def read_card(weights: Path | str) -> dict:
    """The card beside a .safetensors file, which says how its weights were made; raises `DataError` where it is missing or broken."""
    path = Path(weights).with_suffix(".json")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict) or "classes" not in card.get("config", ()):
            raise ValueError("it names no classes")
        return card
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}, the card of {Path(weights).name}, cannot be read ({error}); get it again, or train these weights"
        ) from error


def described_classes(path: Path | str) -> list[str]:
    """The classes that a .safetensors file says its model draws; none where it does not say so, or is broken. No weight is read."""
    try:
        with safe_open(path, framework="pt") as file:
            return list(json.loads((file.metadata() or {})["config"])["classes"])
    except (OSError, SafetensorError, ValueError, LookupError, TypeError):
        return []


def read_model(path: Path | str, architectures: Mapping[str, type]):
    """The model in a .safetensors file that `models.weights.save` wrote, in float32 and evaluation mode.

    `architectures`: class name -> class, of the models that are expected. Raises `DataError` for a file that cannot be read, that holds
    another model, or whose weights do not fit.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is not a readable safetensors file ({error}); get the file again") from error
    name, expected = header.get("architecture"), " or ".join(architectures)
    if name not in architectures or "config" not in header:
        raise DataError(f"{path} holds architecture {name!r}; expected {expected}: give a file of that")
    try:
        model = _made(architectures[name], json.loads(header["config"]), tensors)
        model.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
        raise DataError(f"{path}: its weights do not fit its own description of a {name} ({error}); make or get the file again") from error
    return model.eval()


def _made(architecture: type, config: dict, tensors: Mapping):
    # The model that a file describes. Its sizes are looked at before there is memory for them: a small file may claim any.
    import torch

    held = sum(tensor.numel() for tensor in tensors.values())
    for name, size in config.items():
        if isinstance(size, int) and size > max(held, 10_000):  # N_max is not a size of weights, and may be large in a small model
            raise ValueError(f"{name} is {size}, and the file holds {held} numbers")
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in architecture(**config).state_dict().items()}
    if different := [key for key in shapes.keys() | tensors.keys() if key not in tensors or shapes.get(key) != tensors[key].shape]:
        raise ValueError(f"{min(different)} has another size")
    return architecture(**config)
