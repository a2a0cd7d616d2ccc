"""Models as ONNX files, to draw where there is no torch; needs the extra `export`. `examples/draw_onnx.py` draws with them.

Any architecture goes: what is written is a decoder's `start` and `step`, with the tensors of its state as inputs and outputs.
"""

from __future__ import annotations

import copy
import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .arguments import checked
from .data.batches import Batch
from .errors import DataError, known, needing
from .files import write_atomically
from .models.router import Router
from .strokes import START

TOLERANCE = 1e-4  # between what the files compute and what torch does
OPSET = 17


class _Field(NamedTuple):
    """A tensor of a decoder's state: `axes`, those whose size is not fixed, and `constant`, its value where it is always the same."""

    name: str
    axes: dict[int, str]
    constant: Tensor | None


class _Start(nn.Module):
    def __init__(self, decoder: nn.Module, names: Sequence[str]):
        super().__init__()
        self.decoder, self.names = decoder, tuple(names)

    def forward(self, condition: Tensor) -> tuple[Tensor, ...]:
        state = self.decoder.start(condition)
        return tuple(getattr(state, name) for name in self.names)


class _Step(nn.Module):
    def __init__(self, decoder: nn.Module, kind: type, names: Sequence[str], constants: dict[str, Tensor]):
        super().__init__()
        self.decoder, self.kind, self.names, self.constants = decoder, kind, tuple(names), constants

    def forward(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        raw, after = self.decoder.step(row, self.kind(**dict(zip(self.names, state, strict=True)), **self.constants))
        return raw, *(getattr(after, name) for name in self.names)


class _Encoder(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        first = rows.new_tensor(START).expand(rows.shape[0], 1, 5)
        return self.model.encode(Batch(torch.cat([first, rows], 1), lengths, lengths))


@checked
@torch.no_grad()
def write_onnx(model: nn.Module | Router, folder: Path | str, word: str | None = None, force: bool = False) -> None:
    """Write a model's decoder, and its encoder if it has one, as ONNX files to a new folder.

    `start.onnx`: conditions (B, C) to the state. `step.onnx`: a row (B, 5) in normalised units, S_0 at first, and the state to the
    parameters (B, 6M + 3) of the next row and the state after it, whose names end in `_next`. `encoder.onnx`: rows (B, T, 5) without S_0
    and their lengths N (B,), end rows from N on and at least one, to mu and log sigma^2. `model.json`: classes, n_max, scale, the
    condition of each class, which comes behind z where there is one, and what logits are divided by at the temperatures 0 and 1, linear in
    between. `word`: the class, of a router. `force`: write into a folder that is there. Raises `DataError` where a file does not compute
    what torch does.
    """
    with needing("export"):
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    folder = Path(folder)
    of_class = model.for_class(_class_of(model, word))
    if folder.exists() and not (force and folder.is_dir()):
        raise DataError(f"{folder} is there already: give another folder, or force=True")
    of_class = copy.deepcopy(of_class).cpu().eval()
    made = _decoder(of_class) | (_encoder(of_class) if of_class.latent_size else {})
    made["model.json"] = json.dumps(_facts(of_class), indent=1).encode() + b"\n"
    for name, content in made.items():
        write_atomically(folder / name, lambda to, content=content: to.write_bytes(content))


def _class_of(model, word: str | None) -> str:
    # Any class of a model that draws them all does; a router's have to be said.
    if word is None and len({id(model.for_class(name)) for name in model.classes}) > 1:
        raise DataError(f"a router has a model for each class: say which as word=..., one of {', '.join(model.classes)}")
    return model.classes[0] if word is None else known(word, model.classes)


def _facts(model: nn.Module) -> dict:
    facts = dict(classes=list(model.classes), n_max=model.n_max, scale=model.scale, latent_size=model.latent_size, first_row=START)
    facts["softmax_temperature"] = [model.decoder.softmax_temperature(at) for at in (0.0, 1.0)]
    facts["conditions"] = {name: _conditions(model, name, 1)[0, model.latent_size :].tolist() for name in model.classes}
    return facts


def _conditions(model: nn.Module, word: str, n: int) -> Tensor:
    return model.draw_condition(word, n, torch.Generator().manual_seed(0))


def _decoder(model: nn.Module) -> dict[str, bytes]:
    decoder, fields = model.decoder, _fields_of(model)
    names = [one.name for one in fields if one.constant is None]
    axes = {one.name: one.axes for one in fields if one.constant is None}
    fixed = {one.name: one.constant for one in fields if one.constant is not None}
    few, many = (_conditions(model, model.classes[0], n) for n in (2, 5))
    start = _traced(_Start(decoder, names), (few,), (many,), {"condition": {0: "batch"}}, axes)
    step = _Step(decoder, type(decoder.start(few)), names, fixed)
    inputs = [(_rows(len(c), 3)[:, 2], *_state_after(decoder, c, names, steps)) for c, steps in ((few, 2), (many, 3))]
    outputs = {"parameters": {0: "batch"}} | {f"{name}_next": _grown(one) for name, one in axes.items()}
    return {"start.onnx": start, "step.onnx": _traced(step, *inputs, {"row": {0: "batch"}} | axes, outputs)}


def _encoder(model: nn.Module) -> dict[str, bytes]:
    inputs = [(_rows(n, length + 1), torch.arange(n) % length + 1) for n, length in ((2, 4), (5, 7))]
    axes = {"rows": {0: "batch", 1: "rows"}, "lengths": {0: "batch"}}
    return {"encoder.onnx": _traced(_Encoder(model), *inputs, axes, {"mu": {0: "batch"}, "log_var": {0: "batch"}})}


def _rows(n: int, steps: int) -> Tensor:
    # Some rows of stroke-5, (n, steps, 5).
    generator = torch.Generator().manual_seed(0)
    pens = torch.eye(3)[torch.randint(2, (n, steps), generator=generator)]
    return torch.cat([torch.randn(n, steps, 2, generator=generator), pens], -1)


def _states(decoder: nn.Module, condition: Tensor, steps: int) -> list[NamedTuple]:
    states = [decoder.start(condition)]
    for row in _rows(len(condition), steps).unbind(1):
        states.append(decoder.step(row, states[-1])[1])
    return states


def _state_after(decoder: nn.Module, condition: Tensor, names: Sequence[str], steps: int) -> list[Tensor]:
    return [getattr(_states(decoder, condition, steps)[-1], name) for name in names]


def _fields_of(model: nn.Module) -> list[_Field]:
    # What of the state depends on the batch, and what grows with the steps: seen from two batches and from two steps.
    first, after = _states(model.decoder, _conditions(model, model.classes[0], 2), 1)
    other = model.decoder.start(_conditions(model, model.classes[0], 3))
    fields = []
    for name in first._fields:
        one, two, later = (getattr(state, name) for state in (first, other, after))
        axes = {at: "batch" for at in range(one.ndim) if one.shape[at] != two.shape[at]}
        axes |= {at: f"{name}_steps" for at in range(one.ndim) if one.shape[at] != later.shape[at]}
        fields.append(_Field(name, axes, one if not axes and later is one else None))
    return fields


def _grown(axes: dict[int, str]) -> dict[int, str]:
    return {at: name if name == "batch" else f"{name}_next" for at, name in axes.items()}


def _traced(module: nn.Module, inputs: tuple, others: tuple, given: dict, results: dict) -> bytes:
    # The graph of a module, traced with `inputs`, and held against torch with `others`, of another batch and other sizes.
    named, made = dict(input_names=list(given), output_names=list(results), dynamic_axes=given | results), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its age, and of what it takes for constant: whether it is, is tried
        torch.onnx.export(module.eval(), inputs, made, opset_version=OPSET, dynamo=False, **named)
    _check(made.getvalue(), given, others, module(*others))
    return made.getvalue()


def _check(made: bytes, names: Sequence[str], inputs: Sequence[Tensor], wanted: Sequence[Tensor]) -> None:
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

    try:
        session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
        used = {one.name for one in session.get_inputs()}
        found = session.run(None, {name: value.numpy() for name, value in zip(names, inputs, strict=True) if name in used})
        off = max(float(np.abs(one - two.numpy()).max(initial=0)) for one, two in zip(found, wanted, strict=True))
    except (Fail, InvalidArgument, RuntimeException, ValueError) as error:
        raise DataError(f"this model cannot be traced as it is: {error}") from error
    if not off <= TOLERANCE:
        raise DataError(f"this model cannot be traced as it is: onnxruntime computes other numbers than torch, off by {off:.2g}")
