"""All that chapter 8 measures of each model side by side, one table a setting, and whether models with a z listen to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tqdm.auto import tqdm

from ...metrics.coherence import TRAITS
from ..tables import Number, composed
from . import listening
from .evaluation import Sides
from .evaluation_likeness import METRICS, of_trait
from .evaluation_nats import EXACT, scored

# What is asked of a model with a z where it draws from the prior: measure -> label, what is asked.
PRIOR = {
    "recognised_{}_pen": ("from the prior: recognised, percent", "at least 90"),
    "least_{}_pen_share": ("the same, of the hardest class", "at least 75"),
    "ended_{}_pen": ("ended by themselves, percent", "at least 95"),
}


def models_table(found: Mapping[str, Number], titles: Sequence[str], way: str) -> str:
    """All measures of each model drawing in one way ("_one", "_pen"), beside real drawings and the floor."""
    rows = {
        "recognised by the first judge, %": ["recognised_real", "", "recognised_{}"],
        "the same, of the hardest class": ["least_real_share", "", "least_{}_share"],
        "recognised by the second judge, %": ["second_real", "", "second_{}"],
        **{label: [f"{metric}_valid", f"{metric}_floor", f"{metric}_{{}}"] for metric, label in METRICS.items()},
        "diversity ratio": ["diversity_valid", "", "diversity_{}"],
        "near-copies, %": ["near_copies_valid", "", "near_copies_{}"],
        "ended by themselves, %": ["", "", "ended_{}"],
        **{trait: [of_trait(side, trait).removeprefix("s08_") for side in ("valid", "floor", "{}")] for trait in TRAITS},
    }
    filled = {
        what: [f"s08_{real}", f"s08_{floor}", *(f"s08_{one.format(title + way)}" for title in titles)]
        for what, (real, floor, one) in rows.items()
    }
    filled["nats a point on the grid"] = ["", "", *(f"s08_grid_{title}" for title in titles)]
    return composed(found, ["", "real", "floor", *titles], filled)


def listening_numbers(sides: Sides) -> dict[str, Number]:
    """Whether each model that has a z listens to it, over the classes."""
    single, some, out = sides.models[EXACT], scored(sides), {}
    for title in with_z(sides):
        of = {word: sides.models[title].for_class(word) for word in sides.classes}
        heard = [listening.listen(vae, single, some.only(word), sides.seed) for word, vae in tqdm(of.items(), desc=title)]
        out |= listening.numbers(f"s08_z_{title}", heard)
        out[f"s08_latent_size_{title}"] = Number(f"units of $z$, {title}", of[sides.classes[0]].latent_size)
    return out


def with_z(sides: Sides) -> list[str]:
    """The titles of the models that have a z."""
    return [title for title, model in sides.models.items() if model.for_class(sides.classes[0]).latent_size]


def listening_table(found: Mapping[str, Number], titles: Sequence[str]) -> str:
    """Whether these models listen to z, and what they draw from the prior at the recommended setting, beside what is asked."""
    prior = {label: ([f"s08_{name.format(title)}" for title in titles], asked) for name, (label, asked) in PRIOR.items()}
    size = {"units of $z$": ([f"s08_latent_size_{title}" for title in titles], "")}
    return listening.asked_table(found, {title: f"s08_z_{title}" for title in titles}, more={**size, **prior})
