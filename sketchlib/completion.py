"""Drawings that are begun: how a model goes on with them, and of which class and how large it takes them to be. Chapter 15."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .arguments import SOME, Length, Number, Seed, Share, checked
from .data.batches import Batch, make_batch
from .data.dataset import SketchSet
from .errors import DataError, known
from .guidance import check_guidance, check_rivals
from .models.mixture import pen_nll, split_parameters, stroke_nll
from .models.router import Router
from .sampling import CHUNK, COMPACT_EVERY, Longest, as_generator, check_temperature, rivals_of, sample, sample_rows
from .strokes import BOX, START, Drawing, from_stroke3, simplify, to_stroke3

GROWTHS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0)  # how much larger than its beginning a drawing may become, where it is not said
READ_AT = 1.6  # the one at which the points are chosen that all are judged by
SEEN = 16  # drawings by which the box of a sketch-rnn-js model is judged
TRIES = 16  # latent vectors that stand for all, where a VAE judges a beginning
Source = Literal["posterior", "encoder", "prior"]  # where latent vectors come from


@dataclass(frozen=True, eq=False)
class Completed:
    """What `complete` returns.

    `completions`: the beginning's own strokes and what follows. `word`: the class drawn. `posterior`: class -> its probability given the
    beginning, before a class was chosen; 1 for a class that was given. `size`: the longer side of the whole that was drawn for.
    """

    completions: tuple[Drawing, ...]
    word: str
    posterior: dict[str, float]
    size: float


class Beginning(NamedTuple):
    """A drawing that is begun, and how a model reads it: stroke-3 `rows` (P, 3) in data units.

    The last row's lift says whether the pen is down. `unit`: the length of a data unit in the drawing's own units.
    """

    drawing: Drawing
    rows: np.ndarray
    unit: float = 1.0


@checked
def begin(drawing: Drawing, size: Length, pen_down: bool = False, box: Length = BOX) -> Beginning:
    """A beginning in any units, fitted, resampled and simplified as the data was; `size` and `pen_down` as in `complete`.

    `box`: the longer side, in data units, of the drawings that the model knows; see `box_of`. Raises `DataError` for a drawing that is
    empty, a single dot or not finite, and for a `size` that is no length or below the beginning's.
    """
    extent = _extent(drawing)
    if size < extent:
        raise DataError(f"size {size:g}: the beginning alone is {extent:g} long; give the longer side of the whole drawing, or None")
    rows = to_stroke3(simplify(drawing, side=size * BOX / box))
    if pen_down and len(drawing.strokes[-1]) == 1:
        rows = rows[:-1]  # the recipe doubles a dot; here it is no dot yet
    rows[-1, 2] = not pen_down
    return Beginning(drawing, rows, size / box)


@checked
def beginning_of(drawing: Drawing, share: Share) -> Beginning:
    """The first `share` of the rows of a whole drawing in data units, at least one, as they are. Chapter 15.

    Raises `DataError` for a drawing without a row, and for a share that is not above 0 and at most 1.
    """
    rows = to_stroke3(drawing)
    if not len(rows) or not 0 < share <= 1:
        raise DataError(f"the first {share} of a drawing of {len(rows)} rows: give a share above 0 and at most 1, of at least one row")
    rows = rows[: max(1, round(share * len(rows)))]
    strokes = from_stroke3(rows, start=tuple(drawing.strokes[0][0])).strokes
    return Beginning(replace(drawing, strokes=strokes), rows)


def _extent(drawing: Drawing) -> float:
    """The longer side of a beginning; raises `DataError` for what cannot be gone on with."""
    if not drawing.strokes:
        raise DataError("the drawing is empty, there is nothing to go on from: draw a line first, or let `sample` draw it all")
    if not all(np.isfinite(stroke).all() for stroke in drawing.strokes):
        raise DataError("the drawing has NaN or infinite coordinates: leave these points out")
    left, top, right, bottom = drawing.bounds()
    if not (extent := max(right - left, bottom - top)):
        raise DataError("the drawing is a single dot, which has no size: draw a line before it is gone on with")
    return extent


@checked
def complete(
    model: nn.Module | Router,
    drawing: Drawing,
    n: Number = 9,
    temperature: float = 0.4,
    word: str | None = None,
    seed: Seed | torch.Generator | None = 0,
    size: Length | None = None,
    pen_down: bool = False,
    z: Source = "posterior",
    pen_temperature: float | None = None,
    guidance: float = 0.0,
    n_max: Longest | None = None,
) -> Completed:
    """Go on with a drawing that is begun, in `n` ways: its own strokes stay as they are, to the last bit, and new ones follow.

    The drawing may be in any units and have any number of points; it is read fitted, resampled and simplified as the data was, and comes
    back in its own units. `word`: its class; None: the likeliest of all that the model knows. `size`: the longer side that the whole will
    have, in the drawing's units, which is 255 for a part of a Quick, Draw! drawing; None: the likeliest of `GROWTHS`. `pen_down`: whether
    the last stroke is still being drawn, and new lines start at its last point. `z`, of a VAE: "posterior", chosen from some of the prior
    by how well they explain the beginning; "encoder", which takes the beginning for a whole drawing; "prior". `n_max`: most rows of the
    whole (default: the model's). The other arguments are those of `sample`. Raises `DataError` as `sample` does, and for a drawing that is
    empty, a dot, not finite or too long, for a `size` below it, another `z`, and less than one completion. Chapter 15.

    >>> import sketchlib
    >>> head = Drawing([[[60, 90], [40, 20], [90, 60], [150, 60], [200, 20], [180, 90]]])
    >>> found = complete(sketchlib.load("single"), head, n=2, word="cat")
    >>> [len(one.strokes) > 1 for one in found.completions], found.word
    ([True, True], 'cat')
    """
    generator = as_generator(seed)
    check_temperature(temperature, pen_temperature)
    check_guidance(guidance, temperature)
    names = tuple(model.classes) if word is None else (known(word, model.classes),)
    rows = n_max or max(model.for_class(name).n_max for name in names)
    box = box_of([model.for_class(name) for name in names])
    read = readings(drawing, pen_down, box) if size is None else {size: begin(drawing, size, pen_down, box)}
    sizes = list(read)
    _require_room(read[sizes[0]], rows)
    evidence = log_evidence(model, list(read.values()), names, z, generator) if len(names) * len(read) > 1 else torch.zeros(1, 1)
    posterior = torch.softmax(torch.logsumexp(evidence, 0), 0)
    best = int(posterior.argmax())
    size, word = sizes[int(evidence[:, best].argmax())], names[best]
    how = dict(temperature=temperature, pen_temperature=pen_temperature, guidance=guidance, z=z, n_max=n_max)
    (drawings,) = complete_all(model, [begin(drawing, size, pen_down, box)], [word], n, seed=generator, **how)
    return Completed(tuple(drawings), word, dict(zip(names, posterior.tolist(), strict=True)), float(size))


@checked
def readings(drawing: Drawing, pen_down: bool = False, box: Length = BOX) -> dict[float, Beginning]:
    """A beginning as it is read where the whole has each of the sizes that `GROWTHS` give: size -> reading. `box`: as in `begin`.

    All have the same points, so that densities compare: each reads them times another number. Raises `DataError` as `begin` does.
    """
    extent = _extent(drawing)
    middle = begin(drawing, READ_AT * extent, pen_down, box)
    sizes = {growth: READ_AT / growth for growth in GROWTHS}
    return {extent * g: middle._replace(rows=middle.rows * np.float32([k, k, 1]), unit=middle.unit / k) for g, k in sizes.items()}


def box_of(models: Iterable[nn.Module]) -> float:
    """The longer side, in data units, of the drawings that some models know: 255, and of those of sketch-rnn-js what theirs mostly have.

    Their files do not say how large the canvas was; some drawings of their own do.
    """
    some = dict.fromkeys(models)
    return float(np.median(np.concatenate([_sides(one) if one.decoder.box is None else [one.decoder.box] for one in some])))


def _sides(one: nn.Module) -> list[float]:
    drawn = [found.bounds() for found in sample(one, one.classes[0], SEEN, seed=0) if found.strokes]
    sides = [max(right - left, bottom - top) for left, top, right, bottom in drawn]
    return [side for side in sides if side] or [BOX]  # who draws nothing but dots has no size


def _require_room(beginning: Beginning, n_max: int) -> None:
    if (found := len(beginning.rows)) >= n_max:
        raise DataError(
            f"the beginning has {found} points once it is simplified, and the whole may have {n_max}: begin with less, or give n_max"
        )


@checked
def class_posterior(
    model: nn.Module | Router,
    beginnings: Annotated[Sequence[Beginning], SOME],
    z: Source = "posterior",
    seed: Seed | torch.Generator | None = 0,
    tries: Number = TRIES,
    ended: bool = False,
) -> np.ndarray:
    """How likely each of the model's classes is (B, C) given some beginnings, every class being as likely before: Bayes' rule. Chapter 15.

    `ended`: whether the beginnings are whole drawings. `tries`: see `log_evidence`.
    """
    evidence = log_evidence(model, beginnings, tuple(model.classes), z, as_generator(seed), tries, ended)
    return torch.softmax(evidence, 1).cpu().numpy()


@torch.no_grad()
def log_evidence(
    model: nn.Module | Router,
    beginnings: Sequence[Beginning],
    names: Sequence[str],
    z: str,
    generator: torch.Generator,
    tries: int = TRIES,
    ended: bool = False,
) -> Tensor:
    """log p(beginning | class) in nats, as a density in the drawing's own units: (B, C) for some classes.

    Exact for a model without a z. For a VAE the mean over `tries` latent vectors of the prior, or of the encoder, weighed by p(z) / q(z).
    """
    out = torch.zeros(len(beginnings), len(names), dtype=torch.float64)
    points = torch.tensor([len(one.rows) for one in beginnings], dtype=torch.float64)
    own_units = points * torch.tensor([2 * math.log(one.unit) for one in beginnings], dtype=torch.float64)
    models = [model.for_class(name) for name in names]
    for one in dict.fromkeys(models):
        columns = [i for i, other in enumerate(models) if other is one]
        batch = read_batch(one, beginnings)
        found = [_weighed(one, names[i], batch, z, generator, tries if one.latent_size else 1) for i in columns]
        conditions, ratios = (torch.stack(parts, 1) for parts in zip(*found, strict=True))  # (B, names, tries, C), (B, names, tries)
        copies = ratios[0].numel()
        rows, lengths = batch.x[:, 1:].repeat_interleave(copies, 0), (batch.lengths + ended).repeat_interleave(copies)
        nats = forced_nats(one.decoder, conditions.flatten(0, 2), rows, lengths).sum(1).view_as(ratios)
        found = torch.logsumexp(ratios - nats, -1).cpu() - math.log(ratios.shape[-1])
        out[:, columns] = found - (2 * math.log(one.scale) * points + own_units)[:, None]
    return out


def read_batch(one: nn.Module, beginnings: Sequence[Beginning]) -> Batch:
    """Beginnings as a batch for a model, on its device."""
    rows = [beginning.rows for beginning in beginnings]
    sketches = SketchSet(np.concatenate(rows), np.cumsum([0, *map(len, rows)]), np.zeros(len(rows), np.int64), ("",))
    return make_batch(sketches, np.arange(len(rows)), one.scale).to(next(one.parameters()).device)


def _weighed(one: nn.Module, name: str, batch: Batch, z: str, generator: torch.Generator, n: int) -> tuple[Tensor, Tensor]:
    """Conditions (B, n, C) of a class for each beginning, and log p(z) / q(z) of each, (B, n): 0 for the prior, or without a z."""
    size, device = len(batch), batch.x.device
    if not one.latent_size:
        return one.draw_condition(name, size * n, generator).view(size, n, -1), torch.zeros(size, n, dtype=torch.float64, device=device)
    noise = torch.randn(size, n, one.latent_size, generator=generator).to(device)
    mu, log_var = one.encode(batch) if z == "encoder" else (torch.zeros_like(noise[:, 0]),) * 2
    latent = mu[:, None] + torch.exp(log_var / 2)[:, None] * noise
    ratio = 0.5 * (noise.double() ** 2 + log_var[:, None].double() - latent.double() ** 2).sum(-1)
    return one.draw_condition(name, size * n, generator, latent.flatten(0, 1)).view(size, n, -1), ratio


@torch.no_grad()
def forced_nats(decoder: nn.Module, condition: Tensor, rows: Tensor, lengths: Tensor) -> Tensor:
    """What each row of some drawings costs a decoder that is fed with the rows before it (teacher forcing): nats (B, T).

    `condition` (B, C); `rows` (B, T, 5) in normalised units, S_0 not among them, of which the first `lengths` (B,) count, and what follows
    is 0. An end row costs its pen state alone. Asks only for the decoder's `start` and `step`.
    """
    parts = [part.split(CHUNK) for part in (condition, rows, lengths)]
    return torch.cat([_forced_nats(decoder, *part) for part in zip(*parts, strict=True)])


def _forced_nats(decoder: nn.Module, condition: Tensor, rows: Tensor, lengths: Tensor) -> Tensor:
    state, row = decoder.start(condition), torch.tensor(START, device=rows.device).expand(len(rows), 5)
    nats, active = torch.zeros(rows.shape[:2], dtype=torch.float64, device=rows.device), torch.arange(len(rows), device=rows.device)
    for t in range(int(lengths.max())):
        if t and t % COMPACT_EVERY == 0:
            going = (lengths[active] > t).nonzero().squeeze(1)
            active, row, state = active[going], row[going], state.keep(going)
        raw, state = decoder.step(row, state)
        mixture, row = split_parameters(raw), rows[active, t]
        stroke, pen = stroke_nll(mixture, row[:, 0], row[:, 1]), pen_nll(mixture, row[:, 2:])
        nats[active, t] = torch.where(row[:, 4] > 0, pen, stroke + pen).double()
    return nats * (torch.arange(rows.shape[1], device=rows.device) < lengths[:, None])


@checked
@torch.no_grad()
def complete_all(
    model: nn.Module | Router,
    beginnings: Sequence[Beginning],
    words: Sequence[str],
    n: Number,
    temperature: float,
    seed: Seed | torch.Generator | None = 0,
    z: Source = "posterior",
    pen_temperature: float | None = None,
    guidance: float = 0.0,
    n_max: Longest | None = None,
    tries: Number = TRIES,
) -> list[list[Drawing]]:
    """`n` completions of each of some beginnings of known classes, drawn together where one model draws them. Arguments as in `complete`.

    Raises `DataError` as `complete` does, and for words that are not one for each.
    """
    check_temperature(temperature, pen_temperature)
    check_guidance(guidance, temperature)
    if len(words) != len(beginnings):
        raise DataError(f"{len(words)} classes for {len(beginnings)} beginnings: give one for each")
    generator, groups, out = as_generator(seed), {}, {}
    for i, word in enumerate(words):  # who is guided has rivals of its own class's
        groups.setdefault((model.for_class(word), word if guidance else None), []).append(i)
    for (one, _), index in groups.items():
        some, of = [beginnings[i] for i in index], [words[i] for i in index]
        rivals = rivals_of(model, of[0], len(some) * n, generator) if guidance else []
        if guidance:
            check_rivals(rivals, model.classes)
        condition = _conditions(one, of, some, n, z, generator, tries)
        how = (temperature, generator, pen_temperature, guidance, rivals)
        out |= zip(index, _complete(one, of, some, condition, n_max or one.n_max, how), strict=True)
    return [out[i] for i in range(len(beginnings))]


def _complete(one: nn.Module, words: Sequence[str], some: Sequence[Beginning], condition: Tensor, most: int, how) -> list[list[Drawing]]:
    """Completions by one model, as many of each beginning as it has conditions (B n, C); `most`: rows of a whole."""
    for beginning in some:
        _require_room(beginning, most)
    batch, n, drawn = read_batch(one, some), len(condition) // len(some), []
    prefix, begun, (*how, rivals) = batch.x[:, 1:].repeat_interleave(n, 0), batch.lengths.repeat_interleave(n), how
    for start in range(0, len(condition), CHUNK):
        part = slice(start, start + CHUNK)
        beside = [rival._replace(condition=rival.condition[part]) for rival in rivals]
        room = most - int(begun[part].min())
        moves, pens = sample_rows(one.decoder, condition[part], room, *how, beside, prefix[part], begun[part])
        drawn += zip(moves.cpu().numpy() * one.scale, pens.cpu().numpy(), strict=True)
    pairs = zip((pair for pair in zip(some, words, strict=True) for _ in range(n)), drawn, strict=True)
    whole = [_gone_on(beginning, *rows, most - len(beginning.rows), word) for (beginning, word), rows in pairs]
    return [whole[k : k + n] for k in range(0, len(whole), n)]


def _conditions(one: nn.Module, words: Sequence[str], some: Sequence[Beginning], n: int, z: str, generator, tries: int) -> Tensor:
    """The conditions (B n, C) of `n` drawings that go on from each beginning, class by class."""
    parts = {}
    for word in dict.fromkeys(words):
        index = [i for i, other in enumerate(words) if other == word]
        found = _explaining(one, word, read_batch(one, [some[i] for i in index]), n, z, generator, tries)
        parts |= zip(index, found.view(len(index), n, -1), strict=True)
    return torch.cat([parts[i] for i in range(len(some))])


def _explaining(one: nn.Module, word: str, batch: Batch, n: int, z: str, generator: torch.Generator, tries: int) -> Tensor:
    """The conditions (B n, C) of `n` drawings that go on from each beginning; for z "posterior", drawn by weight from some of the prior."""
    if z != "posterior" or not one.latent_size:
        return _weighed(one, word, batch, z, generator, n)[0].flatten(0, 1)
    conditions, _ = _weighed(one, word, batch, z, generator, tries)
    rows, lengths = (part.repeat_interleave(tries, 0) for part in (batch.x[:, 1:], batch.lengths))
    nats = forced_nats(one.decoder, conditions.flatten(0, 1), rows, lengths).sum(1).view(len(batch), tries)
    taken = torch.multinomial(torch.softmax(-nats, 1).cpu(), n, replacement=True, generator=generator).to(nats.device)
    return conditions[torch.arange(len(batch), device=nats.device)[:, None], taken].flatten(0, 1)


def _gone_on(beginning: Beginning, moves: np.ndarray, pens: np.ndarray, room: int, word: str) -> Drawing:
    """A beginning's strokes as they are, and those that sampled movements (T, 2), in data units, add from the place of the pen."""
    drawing, lifted = beginning.drawing, beginning.rows[-1, 2] > 0
    ends = np.flatnonzero(pens[:room] == 2)
    stop = ends[0] if len(ends) else room
    rows = np.column_stack([moves[:stop] * beginning.unit, pens[:stop] == 1])
    if lifted:  # a stroke of its own for the place of the pen, which is left out again
        rows = np.concatenate([np.float32([[0, 0, 1]]), rows])
    new = from_stroke3(rows, start=tuple(drawing.strokes[-1][-1])).strokes[int(lifted) :]
    return Drawing((*drawing.strokes, *new), word, finished=bool(len(ends)))
