"""What is fuzzed: every reader of files from elsewhere, as a function of a file, and small whole files to begin from.

A reader may give drawings, models or settings, or raise a `DataError` of one line that names the file. All else is a finding.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from sketchlib.data.binary import read_binary, write_binary
from sketchlib.data.formats import write_svg
from sketchlib.data.npz import read_npz, write_npz
from sketchlib.data.quickdraw import read_raw, read_simplified, write_raw, write_simplified
from sketchlib.data.strokes_json import read_json, write_json
from sketchlib.errors import DataError
from sketchlib.files import described_classes, read_card
from sketchlib.strokes import Drawing
from sketchlib.svg import read_svg

DRAWINGS = [Drawing(([[0, 0], [30, 40]], [[10, 5], [255, 7], [3, 9]]), "cat", "7", recognized=True), Drawing(([[0, 0], [9, 1]],), "cat")]
CLASSES = ["cat", "sun"]


def take(name: str, path: Path) -> None:
    """Let a target read a file; raises for whatever is a finding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, on headers of Python 2
        try:
            TARGETS[name](path)
        except DataError as error:
            if path.name not in str(error) or "\n" in str(error).strip():
                raise AssertionError(f"not one line that names the file: {error}") from error


def _drawn(drawings: Iterable[Drawing]) -> None:
    for drawing in islice(drawings, 20):
        if not all(np.isfinite(stroke).all() for stroke in drawing.strokes):
            raise AssertionError("a drawing is not finite")


def _in_zip(path: Path, member: str, payload: bytes, **more: str) -> Path:
    # What a zip's checksum would hide from a fuzzer: a member of a whole archive, beside others.
    wrapped = path.with_name(f"{path.name}.wrapped-{path.name}")
    with zipfile.ZipFile(wrapped, "w") as archive:
        for name, text in more.items():
            archive.writestr(f"archive/{name.replace('_', '/')}", text)
        archive.writestr(member, payload)
    return wrapped


def _npy_head() -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return file.getvalue()


def _pickle(path: Path) -> None:
    _drawn(read_npz(_in_zip(path, "train.npy", _npy_head() + path.read_bytes())))


def _npy(path: Path) -> None:
    _drawn(read_npz(_in_zip(path, "train.npy", path.read_bytes())))


def _weights(path: Path) -> None:
    from sketchlib.models.weights import read

    described_classes(path)  # which says nothing of a broken file
    read(path)


def _card(path: Path) -> None:
    read_card(path.with_suffix(".safetensors"))


def _checkpoint(path: Path) -> None:
    from sketchlib.train import read_checkpoint

    read_checkpoint(path)


def _checkpoint_pickle(path: Path) -> None:
    _checkpoint(_in_zip(path, "archive/data.pkl", path.read_bytes(), version="3\n", byteorder="little", data_0="01234567"))


@cache
def _published() -> dict:
    from sketchlib.report import profile

    return profile.load_profile("full").values


def _profile(path: Path) -> None:
    from sketchlib.report import profile

    profile._made(profile._joined(_published(), profile._read_yaml(path)), "mine", path.name)


TARGETS: dict[str, Callable[[Path], None]] = {
    "simplified": lambda path: _drawn(read_simplified(path)),
    "raw": lambda path: _drawn(read_raw(path)),
    "csv": lambda path: _drawn(read_simplified(path)),
    "packed": lambda path: _drawn(read_simplified(path)),
    "binary": lambda path: _drawn(read_binary(path)),
    "npz": lambda path: _drawn(read_npz(path)),
    "npy": _npy,
    "pickle": _pickle,
    "json": lambda path: _drawn(read_json(path)),
    "svg": lambda path: _drawn([read_svg(path, simplified=True)]),
    "weights": _weights,
    "card": _card,
    "magenta": _weights,
    "checkpoint": _checkpoint,
    "checkpoint_pickle": _checkpoint_pickle,
    "profile": _profile,
}
ENDINGS = {"simplified": ".ndjson", "raw": ".ndjson", "csv": ".csv", "binary": ".bin", "npz": ".npz", "npy": ".npz", "pickle": ".npz"}
ENDINGS |= {
    "packed": ".ndjson.gz",
    "card": ".json",
    "json": ".json",
    "svg": ".svg",
    "weights": ".safetensors",
    "magenta": ".gen.json",
    "checkpoint": ".pt",
    "checkpoint_pickle": ".pt",
    "profile": ".yml",
}


def seeds(name: str, folder: Path) -> list[bytes]:
    """Whole files, as small as they can be, of what a target reads; `folder` is for what is made on the way."""
    path = folder / f"cat{ENDINGS[name]}"
    path.unlink(missing_ok=True)
    return SEEDS[name](path) or [path.read_bytes()]


def _written(writer: Callable) -> Callable[[Path], None]:
    return lambda path: writer(DRAWINGS, path) and None


def _table(path: Path) -> None:
    path.write_text('word,drawing,recognized\ncat,"[[[0, 30], [0, 40]]]",True\n', encoding="utf-8")


def _packed(path: Path) -> list[bytes]:
    write_simplified(DRAWINGS, path)
    return [gzip.compress(gzip.decompress(path.read_bytes()), level, mtime=0) for level in (0, 9)]  # plain within, and squeezed


def _described(path: Path) -> None:
    path.write_text(json.dumps({"architecture": "SketchVAE", "config": {"classes": CLASSES, "n_max": 5}, "steps": 3}), encoding="utf-8")


def _member(protocol: int) -> bytes:
    members = np.empty(2, object)
    members[:] = [np.int16([[3, 4, 0], [1, 2, 1]]), [[3.5, 4, 1]]]
    return pickle.dumps(members, protocol)


def _arrays(path: Path) -> list[bytes]:
    files = [io.BytesIO(), io.BytesIO()]
    np.save(files[0], np.zeros((2, 3, 3), np.int16))
    np.save(files[1], np.float32([[[3, 4, 1, 0, 0], [0, 0, 0, 0, 1]]]))
    return [file.getvalue() for file in files]


def _vectors(path: Path) -> list[bytes]:
    write_svg(DRAWINGS[:1], path)
    shapes = '<g transform="scale(2) rotate(9)"><circle r="5"/><rect width="9" height="50%" rx="1"/><polygon points="0,0 1-2 3.5e1,4"/></g>'
    used = '<defs><path id="a" d="M0 0C1 2 3 4 5 6q1 1 2 2a5 3 8 0 1 9 9zm1 1h2v-3t1 1s1 1 2 2"/></defs><use href="#a" x="1mm"/>'
    return [path.read_bytes(), f'<svg stroke="red" viewBox="0 0 9 9" style="fill:none">{shapes}{used}</svg>'.encode()]


def _models(path: Path) -> list[bytes]:
    from sketchlib.models.single import ConditionalDecoder
    from sketchlib.models.vae import SketchVAE
    from sketchlib.models.weights import save

    found = []
    for model in (ConditionalDecoder(CLASSES, 5, 10, 2, 2, 1), SketchVAE(["cat"], 5, 10, 2, 2, 1, 1)):
        save(model, path)
        found.append(path.read_bytes())
    return found


def _magenta(path: Path) -> list[bytes]:
    info = {"mode": 2, "name": "cat", "max_seq_len": 5, "scale_factor": 10.0, "version": 6, "r_loss": 0.1, "training_size": 9}
    dims = [[2, 123], [123], [5, 8], [2, 8], [8]]
    return [json.dumps([info, dims, [base64.b64encode(bytes(2 * math.prod(dim))).decode() for dim in dims]]).encode()]


def _state(path: Path) -> None:
    import torch

    torch.save({"architecture": "ConditionalDecoder", "config": json.dumps({"hidden_size": 2}), "model": {"w": torch.zeros(2)}}, path)


def _state_pickle(path: Path) -> list[bytes]:
    _state(path)
    with zipfile.ZipFile(path) as archive:
        return [archive.read(next(one for one in archive.namelist() if one.endswith("data.pkl")))]


def _settings(path: Path) -> list[bytes]:
    return [b"seed: 3\nsingle:\n  lr: 1e-3\n  steps: 5\n", b"single: &a {steps: 5}\nvae: {<<: *a}\n"]


SEEDS: dict[str, Callable] = {
    "simplified": _written(write_simplified),
    "raw": _written(write_raw),
    "csv": _table,
    "packed": _packed,
    "card": _described,
    "binary": _written(write_binary),
    "npz": _written(write_npz),
    "npy": _arrays,
    "pickle": lambda path: [_member(protocol) for protocol in (0, 2, 4)],
    "json": _written(write_json),
    "svg": _vectors,
    "weights": _models,
    "magenta": _magenta,
    "checkpoint": _state,
    "checkpoint_pickle": _state_pickle,
    "profile": _settings,
}


def write_seeds(corpus: Path) -> None:
    """Write the whole files of all targets to the corpus."""
    import tempfile

    for name in TARGETS:
        (corpus / name).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            for number, data in enumerate(seeds(name, Path(folder))):
                (corpus / name / f"seed-{number}").write_bytes(data)


if __name__ == "__main__":
    write_seeds(Path(__file__).parent / "corpus")
