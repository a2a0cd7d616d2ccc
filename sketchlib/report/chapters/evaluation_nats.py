"""What real drawings cost each model, as numbers by name and tables. Chapter 8c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...data.dataset import SketchSet, cap
from ...metrics.interval import bootstrap
from ...metrics.likelihood import costs as costs_of
from ..tables import Number, composed
from .evaluation import Sides, share

SAMPLES = 16  # of z, for the importance-weighted bound
EXACT = "single"  # the model that the others' costs are compared with
COSTS = {
    "grid_per_point": ("per_point", "cost or bound ($K$ = 1) a point"),
    "grid_per_sketch": ("per_sketch", "cost or bound ($K$ = 1) a sketch"),
    "l_kl": ("l_kl", "of this $L_{KL}$ a sketch"),
    "grid_iw_per_point": ("iw_per_point", "importance-weighted bound a point"),
    "grid_iw_per_sketch": ("iw_per_sketch", "importance-weighted bound a sketch"),
    "paper": ("paper", "$L_R$ as the paper prints it (a density, normalised units, over $N_{max}$)"),
}


def scored(sides: Sides) -> SketchSet:
    """The test drawings that are scored: at most `sides.n` of each class, drawn by its seed."""
    return cap(sides.splits.test, sides.n, sides.seed)


def likelihood_numbers(sides: Sides) -> dict[str, Number]:
    """What the same real test drawings cost each model on the grid, and how much more than the single model."""
    some = scored(sides)
    costs = {title: costs_of(model, some, sides.seed, samples=SAMPLES) for title, model in sides.models.items()}
    out = {"s08_scored": Number("test drawings", len(some)), "s08_K": Number("samples of z", SAMPLES)}
    for title, found in costs.items():
        means = found.means()
        out |= {f"s08_{name}_{title}": Number(f"{what}, {title}", means[key], "nats", means["n"]) for name, (key, what) in COSTS.items()}
        points = bootstrap(lambda rows: rows[:, 0].sum() / rows[:, 1].sum(), np.column_stack([found.iw, found.points]))
        out[f"s08_grid_{title}"] = Number.measured(f"nats a point on the grid, {title}", points, "nats a point")
        if title != EXACT:
            gap = found.iw - costs[EXACT].iw
            out[f"s08_grid_gap_{title}"] = Number.measured(f"{title} less {EXACT}", bootstrap(np.mean, gap), "nats a sketch, on the grid")
            out[f"s08_grid_dearer_{title}"] = share(f"drawings that are cheaper under {EXACT} than under {title}", gap > 0)
    return out


def likelihood_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """What the same test drawings cost each model, nats."""
    rows = {label: [f"s08_{name}_{title}" for title in titles] for name, (_, label) in COSTS.items()}
    return composed(found, ["nats on the grid", *titles], rows)


def gap_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """How the costs differ from the single model's drawing by drawing."""
    others = [title for title in titles if title != EXACT]
    rows = {
        f"less that under {EXACT}, nats a sketch": [f"s08_grid_gap_{title}" for title in others],
        f"drawings that are cheaper under {EXACT}, percent": [f"s08_grid_dearer_{title}" for title in others],
    }
    return composed(found, ["cost or bound, drawing by drawing", *others], rows)
