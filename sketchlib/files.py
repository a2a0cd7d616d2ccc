"""Files of the project: atomic writes, and the folder that holds profiles and weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from .errors import DataError

PROJECT = Path(__file__).resolve().parent.parent


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
