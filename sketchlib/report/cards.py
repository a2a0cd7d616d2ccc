"""Model cards as a table: how the weights that a chapter uses were made."""

from __future__ import annotations

from collections.abc import Sequence

from ..files import trainings_before
from .tables import rounded, table

HEAD = ["model", "profile", "seed", "steps", "step kept", "training drawings", "minutes", "machine", "commit"]


def name_of(card: dict) -> str:
    """What a table calls a model: "VAE of cat", or "single model" where it has several classes."""
    classes = card["config"]["classes"]
    return "single model" if len(classes) > 1 else f"VAE of {classes[0]}"


def rows_of(card: dict) -> list[list[str]]:
    """A row as in `HEAD` for one card; before it one for each training that it started from."""
    counts = card["data"]["counts"]["train"]
    rows = [_row(_earlier(before), card, before, before["drawings"]) for before in trainings_before(card)]
    return [*rows, _row(name_of(card), card, card, sum(counts[name] for name in card["config"]["classes"]))]


def _earlier(before: dict) -> str:
    kind = {"ConditionalVAE": " as a conditional VAE", "SketchVAE": " as a VAE"}.get(before.get("architecture"), "")
    return f"its pretraining{kind}, {before['classes']} classes"


def _row(name: str, card: dict, training: dict, drawings: int) -> list[str]:
    made = training["made"]
    machine = f"{made['cpu']}, threads: {made['threads']}" if made["device"] == "cpu" else made["device"]
    steps = [f"{number:,}" for number in (training["steps"], training["best_step"], drawings)]
    commit = f"`{made['commit'][:12]}`" + (" and changes" if made["changed"] else "")
    return [name, card["profile"], str(card["seed"]), *steps, rounded(training["train_seconds"] / 60), machine, commit]


def cards_table(cards: Sequence[dict]) -> str:
    """A Markdown table of cards, one training a row: who, on how much, for how long, on what machine, at which commit.

    A training from which several models started stands there once.
    """
    rows = dict.fromkeys(tuple(row) for card in cards for row in rows_of(card))
    return table(HEAD, list(map(list, rows)))


def folded(cards: Sequence[dict], title: str, said: str = "") -> str:
    """What is `said`, then `cards_table`, under a title that unfolds them, as Markdown that a page and JupyterLab both show."""
    inside = [part.rstrip("\n") for part in (f"<details>\n<summary>{title}</summary>", said, cards_table(cards) if cards else "") if part]
    return "\n\n".join([*inside, "</details>\n"])
