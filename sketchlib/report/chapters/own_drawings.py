"""Chapter 16: drawings of a class that no model knows, a model for each number of them, and what they say of learning by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...data.formats import write
from ...data.hand import Hand, arc
from ...finetuning import FEW, FineTuned, finetune
from ...metrics.memorisation import ByHeart, by_heart
from ...settings import Settings
from ...strokes import Drawing, simplify_all
from ..tables import Number, rounded, table

WORD = "umbrella"


def umbrellas(n: int, seed: int = 0) -> list[Drawing]:
    """`n` umbrellas as one person draws them: a dome, a scalloped or straight hem, sometimes ribs, a stick with a crook, a tip."""
    hand = Hand(np.random.default_rng(seed))
    return simplify_all([Drawing(tuple(_umbrella(hand)), WORD) for _ in range(n)])


def _umbrella(hand: Hand) -> list[np.ndarray]:
    high, low, crook, n = hand.between(0.6, 1), hand.between(0.7, 1.1), hand.pick(1, 1, 1, -1), hand.pick(2, 3, 4)
    edges = np.linspace(-1, 1, n + 1)
    scallops = [arc((a + b) / 2, 0, (b - a) / 2, 0.14, 180, 360) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    dome = hand.draw(arc(0, 0, 1, high, -180, 0))
    hem = hand.draw(*scallops) if hand.maybe(0.75) else hand.line((-1, 0), (1, 0))
    ribs = [hand.curve((0, -high), (0.6 * x, -0.6 * high), (x, 0)) for x in edges[1:-1]] if hand.maybe(0.4) else []
    stick = hand.draw([(0, 0)], arc(crook * 0.18, low, 0.18, 0.16, 180 if crook > 0 else 0, 0 if crook > 0 else 180))
    return [dome, hem, *ribs, stick] + [hand.line((0, -high), (0, -high - 0.2))] * hand.maybe(0.5)


def filed(drawings: Sequence[Drawing], folder: Path) -> Path:
    """The folder with an .svg of each drawing, as a person would have them."""
    folder.mkdir(parents=True, exist_ok=True)
    write(drawings, folder, force=True)
    return folder


def settings_from(section, seed: int) -> Settings:
    """The training of a profile's section `own_drawings`."""
    every = max(1, section.steps // section.validations)
    return replace(FEW, steps=section.steps, lr=section.lr, batch_size=section.batch_size, validate_every=every, seed=seed)


def overfitting(settings: Settings) -> Settings:
    """The same training of drawings that never differ, which is not stopped: how one learns by heart."""
    return replace(settings, stretch=0.0, merge=0.0, rotate=0.0, stop_after=None, schedule="plateau")


def tuned(start, drawings: Sequence[Drawing], counts: Sequence[int], settings: Settings) -> dict[int, FineTuned]:
    """A model for each number of drawings, from the first ones on."""
    return {n: finetune(start, drawings[:n], WORD, settings) for n in counts}


def memory(made: FineTuned, sketches: Sequence[Drawing]) -> ByHeart:
    """What a model and its sketches say of learning by heart."""
    return by_heart(made.model, made.train, made.held_out, [one for one in sketches if one.strokes])


def numbers(made: Mapping[object, FineTuned], found: Mapping[object, ByHeart], sketches: int) -> dict[str, Number]:
    """The numbers of the chapter by name; a key is a number of drawings, or a word for another training."""
    out = {}
    for key, one in found.items():
        tuned, of, unit = made[key], f"{key} drawings" if isinstance(key, int) else key, "nats per point"
        name = f"s16_{str(key).replace(' ', '_')}"
        out[f"{name}_step"] = Number(f"{of}: step best on those held out", tuned.best_step)
        out[f"{name}_train"] = Number(f"{of}: on those learnt", one.train, unit, len(tuned.train))
        out[f"{name}_held_out"] = Number(f"{of}: on those held out", one.held_out, unit, len(tuned.held_out))
        out[f"{name}_copies"] = Number(f"{of}: near-copies", 100 * one.copies, "percent", sketches)
    return out


def by_heart_table(made: Mapping[object, FineTuned], found: Mapping[object, ByHeart]) -> str:
    """A row a training: drawings learnt and held out, the loss on both and its gap, and the near-copies."""
    head = ["drawings", "learnt", "held out", "loss, learnt", "loss, held out", "gap", "near-copies, %"]
    rows = [
        [key, len(made[key].train), len(made[key].held_out), *map(rounded, (one.train, one.held_out, one.gap, 100 * one.copies))]
        for key, one in found.items()
    ]
    return table(head, rows, numbers=6)
