"""Whether a decoder listens to z: all that shows it, in one table with what is asked of each figure. Chapters 5 and 8c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ...data.dataset import SketchSet
from ...metrics import latent
from ...metrics.interval import bootstrap
from ...metrics.likelihood import costs
from ...models.single import ConditionalDecoder
from ...models.vae import SketchVAE
from ...strokes import Drawing
from ..tables import Number, cell, table

NATS, PERCENT, PICTURES = "nats a drawing", "percent", f" ({latent.SIZE} pixels, blur {latent.BLUR:g})"
# Name -> what it is, its unit, what is asked of it. Of several classes each is the mean over them, but for the two extremes.
ROWS = {
    "worth": ("worth of $z$: another's $z$ less its own", NATS, "at least 12"),
    "worth_least": ("the same, of the class with the least", NATS, "at least 5"),
    "less_single": ("cost with its own $z$ less the single model's", NATS, "-3 or less"),
    "less_single_most": ("the same, of the class with the most", NATS, "-3 or less"),
    "near": (f"reconstructions: own drawing among the nearest tenth{PICTURES}", PERCENT, "at least 40 (by chance 10)"),
    "strokes": ("number of strokes, correlation with the drawing's", "", "at least 0.5"),
    "points": ("number of points, correlation with the drawing's", "", "at least 0.5"),
    "walks": ("walks: both ends nearer their own drawings", PERCENT, "at least 75 (by chance 25)"),
    "kl": ("$L_{KL}$ of all units", NATS, "proves nothing"),
    "units": ("units of $z$ in use", "", "proves nothing"),
    "cloud_mean": ("all clouds together: root mean square of the units' means", "", "0 in the prior"),
    "cloud_least": ("smallest variance of a unit", "", "1 in the prior"),
    "cloud_most": ("largest variance of a unit", "", "1 in the prior"),
    "cloud_kl": ("KL of a Gaussian fitted to them, from the prior", "nats", "0 in the prior"),
}

OF_ONE = tuple(key for key in ROWS if key not in ("worth_least", "less_single_most"))  # of a single class


def listen(vae: SketchVAE, single: ConditionalDecoder, sketches: SketchSet, seed: int = 0) -> dict[str, np.ndarray]:
    """What each drawing of one class, or each pair of them, adds to the figures of `ROWS`, whose means they are; arrays.

    Drawings are reconstructed, and walked between in pairs, at a temperature of `latent.TEMPERATURE`. Raises `DataError` for fewer than
    two drawings.
    """
    own, other = latent.code_costs(vae, sketches)
    mu, variance = latent.latent_clouds(vae, sketches)
    drawings = sketches.drawings()
    (again,) = latent.walks(vae, [torch.from_numpy(mu).float()], seed=seed)
    out = {"worth": other - own, "less_single": own - costs(single, sketches).grid, "near": latent.among_nearest(drawings, again)}
    out |= {of: latent.together(drawings, again, of) for of in ("strokes", "points")}
    out |= {"walks": latent.ends_kept(vae, pairs_of(drawings), seed=seed), "kl": latent.kl_nats(mu, variance)}
    clouds = {f"cloud_{name}": np.array([value]) for name, value in latent.aggregate(mu, variance).items()}
    return {**out, "units": np.array([latent.active_units(mu).sum()]), **clouds}


def pairs_of(drawings: Sequence[Drawing]) -> list[tuple[Drawing, Drawing]]:
    """The drawings in pairs, the first with the second and so on."""
    return list(zip(drawings[::2], drawings[1::2], strict=False))


def numbers(start: str, heard: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Number]:
    """The figures of one class or of several, in names that begin with `start`: means, with intervals where drawings are counted."""
    out = {}
    for key in heard[0]:
        rows, (what, unit, _) = np.concatenate([np.asarray(one[key], dtype=float) for one in heard]), ROWS[key]
        factor = 100 if unit == PERCENT else 1
        if len(rows) > len(heard):
            out[f"{start}_{key}"] = Number.measured(what, bootstrap(np.mean, rows), unit, factor)
        else:
            out[f"{start}_{key}"] = Number(what, factor * float(rows.mean()), unit, len(heard))
    return out | (_extremes(start, heard) if len(heard) > 1 else {})


def _extremes(start: str, heard: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Number]:
    worth, less = ([float(np.mean(one[key])) for one in heard] for key in ("worth", "less_single"))
    ends = {"worth_least": min(worth), "less_single_most": max(less)}
    return {f"{start}_{key}": Number(ROWS[key][0], value, NATS, len(heard)) for key, value in ends.items()}


def asked_table(
    found: Mapping[str, Number],
    starts: Mapping[str, str],
    keys: Sequence[str] = tuple(ROWS),
    more: Mapping[str, tuple[Sequence[str], str]] | None = None,
) -> str:
    """The figures `keys` of some models, title -> how their names begin, and beside them what is asked.

    `more`: further rows, label -> (names of numbers, what is asked).
    """
    rows = {", ".join(filter(None, ROWS[key][:2])): ([f"{start}_{key}" for start in starts.values()], ROWS[key][2]) for key in keys}
    lines = [[what, *(cell(found.get(name)) for name in names), asked] for what, (names, asked) in {**rows, **(more or {})}.items()]
    return table(["", *starts, "asked"], lines, numbers=len(starts) + 1)
