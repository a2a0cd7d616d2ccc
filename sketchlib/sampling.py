"""Drawing with a trained model: batched sampling with a temperature and guidance, greedy drawing, latent vectors and the ways between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from .arguments import MOST, Count, Number, Seed, checked
from .data.batches import make_batch
from .data.dataset import SketchSet
from .errors import DataError, known
from .guidance import Noise, Rival, check_guidance, check_rivals, guided_draw, step_noise
from .models.mixture import draw, mode, split_parameters, temper
from .models.router import Router
from .settings import Range, between
from .strokes import START, Drawing, from_stroke3

COMPACT_EVERY = 8  # steps between two looks at which rows have ended
CHUNK = 1000  # drawings sampled at a time: enough to fill the matrix units, little enough to stay in the cache
HOTTEST = 1000  # the highest temperature: movements stay finite
Longest = Annotated[int, between(1, 10_000)]  # rows
Ends = Annotated[int, between(2, MOST)]  # both ends of a way and what lies between
Code = Annotated[Tensor, Range(lambda z: z.ndim == 1 and bool(z.isfinite().all()), "of shape (N_z,), all finite")]


@checked
def as_generator(seed: Seed | torch.Generator | None) -> torch.Generator:
    """A generator on the CPU from a seed, or the generator given; None: another one at each call."""
    if isinstance(seed, torch.Generator):
        return seed
    generator = torch.Generator()
    generator.manual_seed(generator.seed() if seed is None else seed)
    return generator


@torch.no_grad()
def sample_rows(
    decoder: nn.Module,
    condition: Tensor,
    n_max: int,
    temperature: float,
    generator: torch.Generator,
    pen_temperature: float | None = None,
    guidance: float = 0.0,
    rivals: Sequence[Rival] = (),
    prefix: Tensor | None = None,
    begun: Tensor | None = None,
    alike: bool = False,
) -> tuple[Tensor, Tensor]:
    """Movements (B, n_max, 2) in normalised units and pen states (B, n_max) as indices 0, 1, 2, from conditions (B, C).

    What follows a row's first pen state 2 (the end) is 0 and 2. Random numbers are drawn up front, for `alike` the same ones for every
    drawing; rows that have ended leave the batch; temperature 0 is greedy. `guidance` above 0: away from the `rivals`, the same drawings by
    other classes, see `guidance.guided_draw`. `prefix` (B, P, 5): rows that are drawn already, S_0 not among them, of which the first
    `begun` (B,) count (None: all P of each) and are no ends; drawing goes on after them, and they are not returned. Where some have
    more rows than others, `n_max` are for the shortest, so that no whole is longer than another's may be. Raises `DataError` as
    `sample` does, for a guidance without rivals, and for a prefix of another shape or with an end in it. Source: report, section IV.1
    (sequential generation). Chapters 7 and 15.
    """
    check_temperature(temperature, pen_temperature)
    check_guidance(guidance, temperature)
    if guidance:
        check_rivals(rivals, ["the class drawn"])
    device, size = condition.device, len(condition)
    prefix, begun = _checked_prefix(condition, prefix, begun)
    of_all = 1 if alike else size
    uniform = torch.rand(n_max, of_all, 2, generator=generator).expand(-1, size, -1).to(device)
    normal = torch.randn(n_max, of_all, 2, generator=generator).expand(-1, size, -1).to(device)
    moves = torch.zeros(n_max, size, 2, device=device)
    pens = torch.full((n_max, size), 2, device=device)
    of_choices = decoder.softmax_temperature(temperature)
    noise = step_noise(n_max, of_all, generator, uniform[:, :of_all, 1]) if guidance else None
    hands = [Rival(decoder, condition), *(rivals if guidance else ())]  # the first one draws, the others look on
    states, row = [one.decoder.start(one.condition) for one in hands], torch.tensor(START, device=device).expand(size, 5)
    active, going = torch.arange(size, device=device), torch.ones(size, dtype=torch.bool, device=device)
    one_hot, shortest = torch.eye(3, dtype=condition.dtype, device=device), int(begun.min()) if size else 0
    for t in range(n_max + shortest if size else 0):
        raws, states = _step(hands, states, row)
        if t < shortest:
            row = prefix[active, t]
            continue
        at = t - begun[active]  # which of a drawing's own rows comes next: below 0 for those that are not through their prefix
        numbers = at.clamp(min=0)
        if guidance:
            own, *others = map(split_parameters, raws)
            beside = [(other, one.scale) for other, one in zip(others, hands[1:], strict=True)]
            candidates = Noise(*(part[numbers, active * (not alike)] for part in noise))
            move, pen = guided_draw(own, beside, guidance, temperature, pen_temperature, candidates, of_choices)
        else:
            move, pen = _choose(raws[0], temperature, pen_temperature, of_choices, uniform[numbers, active], normal[numbers, active])
        free = at >= 0
        going = going & ~(free & (pen == 2))
        drawn = free & going  # who is not through their prefix writes over this later
        moves[numbers, active] = move * drawn[:, None]
        pens[numbers, active] = torch.where(drawn, pen, 2)
        row = torch.cat([move, one_hot[pen]], -1)
        if t < prefix.shape[1]:
            row = torch.where(free[:, None], row, prefix[active, t])
        if t % COMPACT_EVERY == COMPACT_EVERY - 1:
            rows = going.nonzero().squeeze(1)
            if not len(rows):
                break
            if len(rows) < len(going):
                states = [one.keep(rows) for one in states]
                active, row, going = active[rows], row[rows], going[rows]
    return moves.transpose(0, 1), pens.transpose(0, 1)


def _step(hands: Sequence[Rival], states: Sequence, row: Tensor) -> tuple[list[Tensor], list]:
    """What each decoder makes of a row (B, 5) of the first one's units: the parameters of the next row, and its state after it."""
    read = [row if one.scale == 1 else torch.cat([row[:, :2] * one.scale, row[:, 2:]], -1) for one in hands]
    steps = [one.decoder.step(own, state) for one, own, state in zip(hands, read, states, strict=True)]
    return [raw for raw, _ in steps], [state for _, state in steps]


def _checked_prefix(condition: Tensor, prefix: Tensor | None, begun: Tensor | None) -> tuple[Tensor, Tensor]:
    """The rows that are drawn already (B, P, 5), and how many of each drawing's count, (B,)."""
    size, device = len(condition), condition.device
    prefix = torch.zeros(size, 0, 5, device=device) if prefix is None else prefix.to(device)
    expected = f"({size}, P, 5), P rows of stroke-5 for each drawing, none of them an end row"
    if prefix.ndim != 3 or prefix.shape[::2] != (size, 5):
        raise DataError(f"a prefix of shape {tuple(prefix.shape)}: expected {expected}")
    begun = torch.full((size,), prefix.shape[1], device=device) if begun is None else begun.to(device)
    counts = torch.arange(prefix.shape[1], device=device) < begun[:, None]
    if begun.shape != (size,) or (prefix[..., 4].bool() & counts).any():
        raise DataError(f"a prefix of shape {tuple(prefix.shape)}: expected {expected}")
    return prefix, begun


def check_temperature(temperature: float, pen_temperature: float | None = None) -> None:
    """Raises `DataError` for a temperature below 0 or above `HOTTEST`, and for one of the pen that is not above 0."""
    if pen_temperature is not None and not (0 < pen_temperature <= HOTTEST):
        raise DataError(f"pen_temperature {pen_temperature}: give a number above 0 (1: an end is as likely as the model says) or None")
    if not (0 <= temperature <= HOTTEST):
        raise DataError(f"temperature {temperature}: give 0 for greedy drawing or a number above it (0.4 is the report's)")


def _choose(
    raw: Tensor, temperature: float, pen_temperature: float | None, of_choices: float, uniform: Tensor, normal: Tensor
) -> tuple[Tensor, Tensor]:
    mixture = split_parameters(raw)
    return draw(temper(mixture, temperature, pen_temperature, of_choices), uniform, normal) if temperature > 0 else mode(mixture)


def to_drawings(moves: Tensor, pens: Tensor, scale: float, words: Sequence[str]) -> list[Drawing]:
    """Sampled rows as drawings in data units; a drawing without a point before its end comes out empty."""
    moves, pens = moves.cpu().numpy() * np.float32(scale), pens.cpu().numpy()
    ended = pens == 2
    lengths = np.where(ended.any(1), ended.argmax(1), pens.shape[1])
    rows = np.concatenate([moves, (pens == 1)[..., None]], -1).astype(np.float32)
    marks = zip(rows, lengths, words, ended.any(1), strict=True)
    return [from_stroke3(r[:n], word, finished=bool(done)) for r, n, word, done in marks]


@checked
def sample(
    model: nn.Module | Router,
    word: str | Sequence[str],
    n: Count = 1,
    temperature: float = 0.4,
    seed: Seed | torch.Generator | None = 0,
    z: Tensor | np.ndarray | None = None,
    n_max: Longest | None = None,
    pen_temperature: float | None = None,
    guidance: float = 0.0,
) -> list[Drawing]:
    """Draw `n` sketches of a class, or of each class of a list, in data units with y down.

    `temperature` 0 is greedy. `pen_temperature`: another one for the pen states alone, None for the same (greedy has no other).
    `guidance`: how strongly a movement is preferred that the model's other classes make less likely; 0 is the report's sampling, and a
    step costs as many steps as there are classes. `seed`: a number, a generator, or None for other drawings each time. `z` (n, N_z):
    latent vectors of a VAE; without, z ~ N(0, I). `n_max`: most rows a drawing may have (default: the model's). Raises `DataError` for an
    unknown class, naming the nearest, for a `z` of another shape, not finite, or of a model that has none, for a temperature below 0 or a
    pen_temperature not above it, and for a guidance below 0, at temperature 0, or of a model of one class. Chapter 7.

    >>> import sketchlib
    >>> sketches = sample(sketchlib.load("single"), "cat", n=2, seed=1)
    >>> [sketch.word for sketch in sketches]
    ['cat', 'cat']
    """
    generator = as_generator(seed)
    if not isinstance(word, str):
        more = dict(z=z, n_max=n_max, pen_temperature=pen_temperature, guidance=guidance)
        return [drawing for name in word for drawing in sample(model, name, n, temperature, generator, **more)]
    check_temperature(temperature, pen_temperature)
    check_guidance(guidance, temperature)
    z = None if z is None else _codes(z)
    of_class = model.for_class(word)
    condition = of_class.draw_condition(word, n, generator, z)
    rivals = rivals_of(model, word, n, generator) if guidance else []
    if guidance:
        check_rivals(rivals, model.classes)
    drawings = []
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        beside = [rival._replace(condition=rival.condition[part]) for rival in rivals]
        rows = n_max or of_class.n_max
        moves, pens = sample_rows(of_class.decoder, condition[part], rows, temperature, generator, pen_temperature, guidance, beside)
        drawings += to_drawings(moves, pens, of_class.scale, [word] * len(pens))
    return drawings


def _codes(z: Tensor | np.ndarray) -> Tensor:
    codes = torch.as_tensor(z, dtype=torch.float32)
    if not codes.isfinite().all():
        raise DataError("z has values that are NaN or infinite: give finite ones, as `encode` does")
    return codes


def rivals_of(model: nn.Module | Router, word: str, n: int, generator: torch.Generator) -> list[Rival]:
    """The model's other classes, each with a condition of its own for each of `n` drawings."""
    own, others = model.for_class(word), {name: model.for_class(name) for name in model.classes if name != word}
    return [Rival(one.decoder, one.draw_condition(name, n, generator), own.scale / one.scale) for name, one in others.items()]


def _latent_model(model: nn.Module | Router, word: str | None, words: Sequence[str] = ()) -> tuple[nn.Module, str]:
    """The model of a class with its name: of `word`, else of the one class that the model knows or all drawings are of."""
    names = {word} if word is not None else set(model.classes) if len(model.classes) == 1 else set(words)
    if len(names) != 1:
        raise DataError(f"each class has a latent space of its own: say which is meant, word= one of {', '.join(model.classes)}")
    of_class = model.for_class(name := known(names.pop(), model.classes))
    if not of_class.latent_size:
        raise DataError(f"a {type(of_class).__name__} has no latent space to encode a drawing in: give a VAE")
    return of_class, name


@checked
@torch.no_grad()
def encode(model: nn.Module | Router, drawings: Sequence[Drawing], word: str | None = None) -> Tensor:
    """Drawings, in data units, as latent vectors: the means mu (n, N_z) of q(z | drawing). Chapter 5.

    `word`: whose latent space, of a model with several classes; None: that of the class that all drawings are of. Latent vectors are
    plain tensors to reckon with: `decode` draws what comes out. Raises `DataError` for an empty drawing, an unknown class, drawings of
    several, and a model without a latent space.

    >>> import sketchlib
    >>> router = sketchlib.load("router")
    >>> face, body, other = encode(router, sketchlib.sample(router, "cat", n=3))
    >>> [one.word for one in decode(router, torch.stack([face, other + body - face]), "cat")]
    ['cat', 'cat']
    """
    of_class, name = _latent_model(model, word, [drawing.word for drawing in drawings])
    sketches = SketchSet.from_drawings({name: drawings})
    if len(sketches) == 0 or sketches.lengths.min() < 1:
        raise DataError("a drawing without a movement cannot be encoded; leave it out")
    batch = make_batch(of_class.as_known(sketches), np.arange(len(sketches)), of_class.scale)
    return of_class.encode(batch.to(next(of_class.parameters()).device))[0]


@checked
def decode(
    model: nn.Module | Router,
    z: Tensor | np.ndarray,
    word: str | None = None,
    temperature: float = 0.2,
    seed: Seed | torch.Generator | None = 0,
    pen_temperature: float | None = 0.7,
) -> list[Drawing]:
    """Draw what latent vectors (n, N_z) say, one drawing each. All meet the same random numbers, so that they differ by z alone. Chapter 5.

    `word` as in `encode`, which shows an example; the other arguments are those of `sample`, but that `pen_temperature` counts for nothing
    at temperature 0: there lines often lock up and do not end, so the default is a low temperature for the movements and a higher one for
    the pen. Raises `DataError` as these two do.
    """
    of_class, name = _latent_model(model, word)
    pen_temperature = pen_temperature if temperature else None
    check_temperature(temperature, pen_temperature)
    z, generator = _codes(z), as_generator(seed)
    condition = of_class.draw_condition(name, len(z), generator, z)
    how = (of_class.n_max, temperature, generator, pen_temperature)
    moves, pens = sample_rows(of_class.decoder, condition, *how, alike=True)
    return to_drawings(moves, pens, of_class.scale, [name] * len(z))


@checked
def reconstruct(
    model: nn.Module | Router,
    drawings: Sequence[Drawing],
    temperature: float = 0.2,
    seed: Seed | torch.Generator | None = 0,
    word: str | None = None,
    pen_temperature: float | None = 0.7,
) -> list[Drawing]:
    """Encode drawings to the mean of z and draw them again, each with random numbers of its own; temperatures as in `decode`. Chapter 5."""
    of_class, name = _latent_model(model, word, [drawing.word for drawing in drawings])
    pen_temperature = pen_temperature if temperature else None
    z = encode(of_class, drawings, name)
    return sample(of_class, name, len(drawings), temperature, seed, z=z, pen_temperature=pen_temperature)


@checked
def slerp(a: Code, b: Code, steps: Number) -> Tensor:
    """Spherical interpolation (steps, N_z) from `a` to `b`; source: White (2016), and Ha and Eck (2017), section 4.2.

    Raises `DataError` for vectors of different lengths.
    """
    if a.shape != b.shape:
        raise DataError(f"vectors of {len(a)} and {len(b)} values: give two of one latent space")
    share = torch.linspace(0, 1, steps, device=a.device)[:, None]
    angle = torch.arccos(torch.clamp(torch.dot(a, b) / (a.norm() * b.norm()), -1, 1))
    if not 1e-4 < angle < torch.pi - 1e-4:  # parallel, opposite, or one of them zero (NaN)
        return torch.lerp(a[None], b[None], share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)


@checked
def interpolate(
    model: nn.Module | Router,
    first: Drawing,
    second: Drawing,
    steps: Ends = 7,
    temperature: float = 0.2,
    seed: Seed | torch.Generator | None = 0,
    word: str | None = None,
    pen_temperature: float | None = 0.7,
) -> list[Drawing]:
    """Drawings along the way in z from one drawing, in data units, to another, both ends included. Chapter 5.

    All `steps` meet the same random numbers: what changes from one to the next is z alone. Temperatures as in `decode`. Raises
    `DataError` as `encode` and `sample` do, and for less than two steps.

    >>> import sketchlib
    >>> router = sketchlib.load("router")
    >>> way = interpolate(router, *sketchlib.sample(router, "cat", n=2), steps=5)
    >>> len(way)
    5
    """
    of_class, name = _latent_model(model, word, [first.word, second.word])
    a, b = encode(of_class, [first, second], name)
    return decode(of_class, slerp(a, b, steps), name, temperature, seed, pen_temperature)
