"""What both architectures cost, side by side: the numbers and the table of chapter 6."""

from __future__ import annotations

from collections.abc import Mapping

from ...metrics import cost
from ..tables import Number, rounded, table

ITEMS = {  # what `cost.bill` counts -> in words, unit
    "parameters": ("parameters", ""),
    "train_seconds": ("training, s (validations not counted)", "s"),
    "disk": ("on disk, bytes", "bytes"),
    "disk_half": ("on disk in half precision, bytes", "bytes"),
    "memory_one_class": ("weights in memory to draw one class, bytes", "bytes"),
    "memory_all": ("weights in memory to draw all, bytes", "bytes"),
}


def bills(single, router) -> dict[str, Number]:
    """The costs of the single model and of the router that draw (`stages.Drawer`), each router's number over the single model's, by name.

    Where VAEs started from the single model and their cards say no more of it, its training is part of theirs.
    """
    vaes = [router.model[name] for name in router.model.classes]
    sides = {"single": cost.bill([single.model], single.cards), "router": cost.bill(vaes, router.cards)}
    if any(card.get("started_from") and not card.get("pretraining") for card in router.cards):
        sides["router"]["train_seconds"] += sides["single"]["train_seconds"]
    numbers = {}
    for key, (what, unit) in ITEMS.items():
        for side, bill in sides.items():
            numbers[f"s06_{side}_{key}"] = Number(f"{side}: {what}", bill[key], unit)
        numbers[f"s06_ratio_{key}"] = Number(f"router / single: {what}", sides["router"][key] / sides["single"][key])
    steps = sum(card["steps"] for card in router.cards)
    numbers["s06_single_steps"] = Number("single: steps, of a pretraining too", sides["single"]["steps"], "steps")
    return {**numbers, "s06_vae_steps": Number("router: steps of all VAEs", steps, "steps")}


def bills_table(numbers: Mapping[str, Number]) -> str:
    """`bills` as a Markdown table: a row for each cost, a column for each architecture, and the ratio."""
    rows = []
    for key, (what, unit) in ITEMS.items():
        costs = [float(numbers[f"s06_{side}_{key}"].value) / (1e6 if unit == "bytes" else 1) for side in ("single", "router")]
        ratio = rounded(numbers[f"s06_ratio_{key}"].value)
        rows.append([what.replace("bytes", "MB"), *map(rounded, costs), ratio])
    rows.append(["steps of training", rounded(numbers["s06_single_steps"].value), rounded(numbers["s06_vae_steps"].value), ""])
    return table(["", "single model", "router", "router / single"], rows, numbers=3)
