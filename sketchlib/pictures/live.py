"""What the live page is made of: one script, its looks, and models as scripts of whole numbers that a page loads from a disk."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..arguments import checked
from ..data.dataset import SketchSet
from ..data.doodles import CLASSES as DOODLED
from ..data.doodles import doodles
from ..errors import DataError
from ..files import write_atomically

SOURCE = Path(__file__).resolve().parent / "javascript"
PARTS = ("strokes", "engine", "paper", "controls", "library", "gif", "saving", "complete", "watch", "between", "scene", "mount", "widget")
NAMES = (
    *("build", "composed", "drawn", "encode", "fromStroke3", "fromText", "gifOf", "jsonOf", "logLikelihood", "readLink", "readSentence"),
    *("seeded", "simplify", "Sketcher", "slerp", "startWhenReady", "svgOf", "toStroke3", "toText", "understood", "widget", "writeLink"),
)  # what `sketchpage` holds
EXAMPLES = 12  # drawings of a class that the page shows beside a reader's
BITS = 8  # of a weight in a script; what this costs is measured by `rounding_cost`
Bits = Literal[8, 16, 32]


@runtime_checkable
class Model(Protocol):
    """A model of some classes with weights of its own, which a router has not."""

    classes: tuple[str, ...]
    latent_size: int

    def config(self) -> dict[str, Any]:
        """What its architecture is called with."""

    def state_dict(self) -> dict[str, Any]:
        """Its tensors by name."""


def script() -> str:
    """The script of the pages and of the widget: it defines one name, `sketchpage`, and loads nothing by itself."""
    parts = [(SOURCE / f"{name}.js").read_text(encoding="utf-8") for name in PARTS]
    looks = f"const STYLE = {json.dumps((SOURCE / 'style.css').read_text(encoding='utf-8'))};"
    body = "\n".join([*parts, looks, f"return {{ {', '.join(NAMES)} }};"])
    return f'var sketchpage = (() => {{\n"use strict";\n{body}\n}})();\n'


def module() -> str:
    """The same script as an anywidget loads it: an ECMAScript module whose default export renders."""
    return f"{script()}export default {{ render: sketchpage.widget }};\n"


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _packed_tensor(values: np.ndarray, bits: int) -> dict:
    """A matrix as whole numbers and a scale for each row; a vector, and at 32 bits everything, as float32."""
    if values.ndim != 2 or bits == 32:
        return {"shape": list(values.shape), "bits": 32, "data": _text(values.astype("<f4"))}
    largest = 2 ** (bits - 1) - 1
    scale = (np.abs(values).max(1) / largest).astype("<f4")
    whole = np.round(values / np.where(scale, scale, 1)[:, None]).astype(f"<i{bits // 8}")
    return {"shape": list(values.shape), "bits": bits, "scale": _text(scale), "data": _text(whole)}


def _known_to_page(model: Model) -> str:
    """The name of a model's architecture, which engine.js must know; raises `DataError` for another."""
    name = type(model).__name__
    known = re.findall(r"^  (\w+): \(tensors", (SOURCE / "engine.js").read_text(encoding="utf-8"), re.MULTILINE)
    if name not in known:
        raise DataError(f"a page cannot draw with a {name}, only with a {' or a '.join(known)}; `sketchlib export` writes ONNX for others")
    return name


@checked
def packed(model: Model, bits: Bits = BITS) -> dict:
    """A model as the page reads it: its architecture, its config, and its tensors in base64.

    `bits`: of a weight, 8 or 16 with a scale for each row of a matrix, or 32 for no rounding. Weights of an LSTM's inputs have 16 at least:
    a row of them holds a movement's, a pen's and a latent vector's, and one scale for all leaves little of the smaller ones. Raises
    `DataError` for an architecture that the page cannot draw with.
    """
    architecture = _known_to_page(model)
    drawing = {name: one for name, one in model.state_dict().items() if not name.startswith("gist.")}  # nothing is drawn with that
    least = {name: max(bits, 16) if "weight_ih" in name else bits for name in drawing}
    tensors = {name: _packed_tensor(one.detach().cpu().float().numpy(), least[name]) for name, one in drawing.items()}
    return {"architecture": architecture, "config": model.config(), "tensors": tensors}


def unpacked(one: Mapping) -> np.ndarray:
    """A tensor of `packed` as float32: the very numbers that the page computes with."""
    raw = base64.b64decode(one["data"])
    if one["bits"] == 32:
        return np.frombuffer(raw, "<f4").reshape(one["shape"])
    scale = np.frombuffer(base64.b64decode(one["scale"]), "<f4")
    return np.frombuffer(raw, f"<i{one['bits'] // 8}").reshape(one["shape"]).astype(np.float32) * scale[:, None]


@checked
def weights_script(name: str, model: Model, bits: Bits = BITS) -> str:
    """A model as a classic script, which a page that was opened from a disk may load, as it may not load other files."""
    text = json.dumps(packed(model, bits), separators=(",", ":"), sort_keys=True)
    return f"(self.sketchWeights ??= {{}})[{json.dumps(name)}] = {text};\n"


def about(model: Model, size: int | None = None) -> dict:
    """What is said of a model before it is loaded: classes, bytes of its script (`size`, where that is known), N_z (0 without a z)."""
    size = len(weights_script("", model)) if size is None else size
    return {"bytes": size, "classes": list(model.classes), "latent": model.latent_size}


@checked
def write_live(folder: Path | str, models: Mapping[str, Model], bits: Bits = BITS) -> dict[str, int]:
    """Write what the live pages load to `folder`: sketch.js, and one script a model; returns the bytes of each file.

    `models`: name -> model. A page has elements with `data-sketch="complete"` (or landing, watch, between, scene) and loads sketch.js;
    a model's script is loaded when a reader first asks for it.
    """
    folder, sizes, said = Path(folder), {}, {}
    for name, model in models.items():
        text = weights_script(name, model, bits)
        sizes[f"{name}.js"] = _written(folder / f"{name}.js", text)
        said[name] = {"file": f"{name}.js", **about(model, len(text))}
    contents = {"models": said, "examples": _examples(said)}
    text = json.dumps(contents, separators=(",", ":"))
    sizes["sketch.js"] = _written(folder / "sketch.js", f"{script()}sketchpage.startWhenReady({text});\n")
    return sizes


def _written(path: Path, text: str) -> int:
    write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))
    return path.stat().st_size


def _examples(about: Mapping[str, Mapping]) -> dict[str, list]:
    """Some of the project's own drawings, class -> strokes, of every class that a model with a latent space draws and that there are."""
    wanted = [one["classes"][0] for one in about.values() if one["latent"]]
    made = doodles([name for name in wanted if name in DOODLED], EXAMPLES, seed=0)
    return {name: [[s.astype(int).tolist() for s in one.strokes] for one in drawings] for name, drawings in made.items()}


class Cost(NamedTuple):
    """What rounding a model's weights costs: nats a point of the drawings before and after, and the size of its script in bytes."""

    before: float
    after: float
    bytes: int


@checked
def rounding_cost(model: Model, sketches: SketchSet, bits: Bits = BITS) -> Cost:
    """What drawings cost a model in nats a point of data units as it is and as the page draws with it."""
    import torch

    from ..metrics.likelihood import costs

    tensors = {name: torch.from_numpy(unpacked(one).copy()) for name, one in packed(model, bits)["tensors"].items()}
    rounded = type(model)(**model.config())
    rounded.load_state_dict(tensors)
    before, after = (costs(one, sketches).means()["per_point"] for one in (model, rounded.eval()))
    return Cost(before, after, len(weights_script("", model, bits)))
