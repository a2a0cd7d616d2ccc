"""What real drawings cost both architectures, and what the router's latent space holds, as numbers by name and tables. Chapter 8."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...data.dataset import cap
from ...errors import DataError
from ...metrics import latent
from ...metrics.interval import bootstrap
from ...metrics.likelihood import costs as costs_of
from ...metrics.recogniser import Recogniser
from ..tables import Number, composed
from .evaluation import ARCHITECTURES, NOTHING, Sides, finite_mean, share

SAMPLES = 16  # of z, for the importance-weighted bound
INTERPOLATIONS = 10  # of each class
COSTS = {
    "paper": "$L_R$ as the paper prints it (normalised units, over $N_{max}$)",
    "per_sketch_scaled": "$L_R + L_{KL}$ a sketch, normalised units",
    "per_point_scaled": "$L_R + L_{KL}$ a point, normalised units",
    "l_kl": "of this $L_{KL}$ a sketch",
    "per_sketch": "$L_R + L_{KL}$ a sketch, data units",
    "per_point": "$L_R + L_{KL}$ a point, data units",
    "iw_per_sketch": "importance-weighted bound a sketch, data units",
    "iw_per_point": "importance-weighted bound a point, data units",
}


def likelihood_numbers(sides: Sides) -> dict[str, Number]:
    """What the same real test drawings cost both architectures, and what the router's bound is above the single model's cost."""
    scored = cap(sides.splits.test, sides.n, sides.seed)
    costs = {title: costs_of(model, scored, sides.seed, samples=SAMPLES) for title, model in sides.models.items()}
    out = {"s08_scored": Number("test drawings", len(scored)), "s08_K": Number("samples of z", SAMPLES)}
    for title, found in costs.items():
        means = found.means()
        out |= {f"s08_{key}_{title}": Number(f"{label}, {title}", means[key], "nats", means["n"]) for key, label in COSTS.items()}
    gap = costs["router"].in_data_units("iw") - costs["single"].in_data_units()
    out["s08_gap"] = Number.measured("router's bound less single model's cost", bootstrap(np.mean, gap), "nats a sketch, data units")
    out["s08_cheaper_single"] = share("drawings that are cheaper under the single model", gap > 0)
    return out


def likelihood_table(found: Mapping[str, Number]) -> str:
    """What the same test drawings cost both architectures, nats."""
    rows = {label: [f"s08_{key}_{title}" for title in ARCHITECTURES] for key, label in COSTS.items()}
    return composed(found, ["nats", "single (exact)", "router (bounds)"], rows)


def gap_table(found: Mapping[str, Number]) -> str:
    """How the two costs differ drawing by drawing."""
    rows = {
        "test drawings": ["s08_scored"],
        "the router's bound less the single model's cost, nats a sketch": ["s08_gap"],
        "drawings that are cheaper under the single model, percent": ["s08_cheaper_single"],
    }
    return composed(found, ["drawing by drawing", ""], rows)


def latent_numbers(sides: Sides, judge: Recogniser) -> dict[str, Number]:
    """Means over the router's classes: active units, reconstruction distance over that to others, and smoothness of interpolations."""
    found, router = [_latent(sides, judge, word) for word in sides.classes], sides.models["router"]
    labels = {"ratio": "own over other reconstructions", "jump": "longest step over the mean one", "detour": "way over the ends' distance"}
    out = {"s08_latent_size": Number("units of $z$", router[sides.classes[0]].latent_size)}
    out["s08_active_units"] = Number("active units", finite_mean([one["units"] for one in found]), "mean over classes", len(found))
    for key, label in labels.items():
        values = [one.get(key, NOTHING) for one in found]
        out[f"s08_latent_{key}"] = Number(label, finite_mean(values), "mean over classes", int(np.isfinite(values).sum()))
    return out


def _latent(sides: Sides, judge: Recogniser, word: str) -> dict[str, float]:
    vae, real = sides.models["router"][word], sides.drawings("real", word)
    mu, _ = latent.latent_means(vae, sides.splits.test.only(word))
    ends = real[: 2 * INTERPOLATIONS]
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    found = {"units": float(latent.active_units(mu).sum())}
    try:
        found |= latent.reconstruction_distance(vae, judge, real)
        found |= latent.interpolation_smoothness(vae, judge, pairs)
    except DataError as error:  # a model of a short run may draw nothing
        print(f"{word}: {error}")
    return found


def latent_table(found: Mapping[str, Number]) -> str:
    """The state of the latent space, means over classes."""
    labels = {
        "s08_latent_size": "units of $z$",
        "s08_active_units": "active units",
        "s08_latent_ratio": "reconstruction: own over other",
        "s08_latent_jump": "smoothness: jump",
        "s08_latent_detour": "smoothness: detour",
    }
    return composed(found, ["mean over classes", ""], {label: [name] for name, label in labels.items()})
