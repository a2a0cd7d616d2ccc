"""Files of the project: where its folders are, in a checkout and installed, atomic writes, and the models in safetensors files."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .arguments import checked
from .errors import DataError

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "weights").is_dir()  # setup.py puts weights and profiles into the package; a checkout has them beside it
PROJECT = Path() if INSTALLED else PACKAGE.parent  # where data/ and build/ are: in the checkout, else where one works


REMEDIES = dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space") | {errno.ENAMETOOLONG: "give a shorter name"}
REMEDIES |= dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "allow writing there, or name another folder")
REMEDIES |= {errno.EISDIR: "a folder has that name, give a file's"}
REMEDIES |= dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a part of that path is a file, give another path")


def named_folder(variable: str) -> Path | None:
    """The folder that an environment variable names, blanks round it left out and `~` being the home folder; None where it names none."""
    given = os.environ.get(variable, "").strip()
    return Path(given).expanduser() if given else None


def weights_folder() -> Path:
    """The folder of the published weights; raises `DataError` where it is missing."""
    return _shipped("weights")


def profiles_folder() -> Path:
    """The folder of the profiles: SKETCHLIB_PROFILES, else the shipped one; raises `DataError` where it is missing."""
    return named_folder("SKETCHLIB_PROFILES") or _shipped("profiles")


@checked
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


@checked
def write_atomically(path: Path | str, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it there; on an error, or a loss of power, `path` stays as it was.

    Raises `DataError` for a full disk, a folder that cannot be written, and a path that is a folder's.
    """
    path = Path(path)
    temporary = None
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # not mkstemp, whose files only their owner can read
        write(temporary)
        _to_disk(temporary, os.O_RDWR)
        os.replace(temporary, path)
        with suppress(OSError):  # some file systems, and Windows, do this for no folder
            _to_disk(path.parent, os.O_RDONLY)
    except (OSError, SafetensorError) as error:
        remedy = REMEDIES.get(getattr(error, "errno", None) or (errno.EACCES if isinstance(error, PermissionError) else errno.ENOSPC))
        text = f"{path} could not be written ({error}); what was there before is kept: {remedy or 'see what is wrong'} and run again"
        raise DataError(text) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _to_disk(path: Path, how: int) -> None:
    # Before a file is moved into place, for a system may write the move first and lose power before the rest.
    opened = os.open(path, how)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file, which names its owner, while this lasts; it is let go of when its process ends, however that ends.

    Raises `DataError` where another process holds it: `what` that does, and which one it is.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} could not be written ({error}): {REMEDIES.get(error.errno)} and run again") from error
    with file:
        if not _taken(file):
            file.seek(0)
            raise DataError(f"{file.read().strip() or 'another process'} {what} already: wait for it, or stop it")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _taken(file) -> bool:
    # The system's own lock and not the file's mere presence: what a killed process leaves behind holds nobody up.
    try:
        import fcntl
    except ImportError:  # Windows, whose own locks keep others from reading who holds it
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@checked
def read_card(weights: Path | str) -> dict:
    """The card beside a .safetensors file, which says how its weights were made; raises `DataError` where it is missing or broken."""
    path = Path(weights)
    try:
        path = path.with_suffix(".json")
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict) or "classes" not in card.get("config", ()):
            raise ValueError("it names no classes")
        return card
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}, the card of {Path(weights).name}, cannot be read ({error}); get it again, or train these weights"
        ) from error


def trainings_before(card: Mapping) -> list[Mapping]:
    """The trainings that a model started from, the first one first, by its card."""
    before = card.get("pretraining")
    return [*trainings_before(before), before] if before else []


@checked
def described_classes(path: Path | str) -> list[str]:
    """The classes that a .safetensors file says its model draws; none where it does not say so, or is broken. No weight is read."""
    try:
        with safe_open(path, framework="pt") as file:
            return list(json.loads((file.metadata() or {})["config"])["classes"])
    except (OSError, SafetensorError, ValueError, LookupError, TypeError):
        return []


@checked
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
        model = architecture(**config)
    shapes = {key: tensor.shape for key, tensor in model.state_dict().items()}
    if different := [key for key in shapes.keys() | tensors.keys() if key not in tensors or shapes.get(key) != tensors[key].shape]:
        raise ValueError(f"{min(different)} has another size")
    return model.to_empty(device="cpu")  # and filled by copies: the file's own memory lies askew, which changes last bits
