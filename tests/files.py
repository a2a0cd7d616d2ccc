"""Small files in the dataset's formats, for the tests of readers."""

import io
import json
import struct
import zipfile

import numpy as np


def columns(stroke):
    return [list(axis) for axis in zip(*stroke, strict=True)]


def line_of(strokes, word="cat", key_id="5527951716122624", **more):
    return json.dumps({"word": word, "key_id": key_id, "recognized": True, "drawing": strokes, **more})


GOOD = line_of([[[0, 10, 20], [5, 5, 9]], [[3], [4]]])


def ndjson(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def binary(*all_strokes, key_id=7):
    def one(strokes):
        out = struct.pack("<Q2sbIH", key_id, b"IN", 1, 1_490_000_000, len(strokes))
        for stroke in strokes:
            x, y = columns(stroke)
            out += struct.pack("<H", len(x)) + bytes(x) + bytes(y)
        return out

    return b"".join(map(one, all_strokes))


def object_array(members):
    out = np.empty(len(members), object)
    for i, member in enumerate(members):
        out[i] = member
    return out


def stroke3(n, seed=0, kind=np.int16):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(-50, 50, (n, 2)), [0] * (n - 1) + [1]]).astype(kind)


def npz(path, train, valid=(), test=()):
    np.savez_compressed(path, train=object_array(train), valid=object_array(valid), test=object_array(test))
    return path


def npy_of(payload, shape=(1,)):
    """An .npy member of objects whose pickle is `payload`."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": shape})
    return file.getvalue() + payload


def archive(path, payload):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for part in ("train", "valid", "test"):
            out.writestr(f"{part}.npy", npy_of(payload))
    return path
