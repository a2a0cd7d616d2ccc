"""All that is measured of each model side by side, one table a setting, and whether models with a z listen to it. Chapter 8c."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tqdm.auto import tqdm

from ...metrics.coherence import TRAITS
from ..tables import Number, cell, table
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


# What is asked of the best model at each setting, by row: a lower or an upper end, and what it is a multiple of, if of anything.
ASKED = {
    "_one": {"recognised": "at least 90", "frechet": "at most 2 floors"},
    "_pen": {
        "recognised": "at least 95, and not above the real by more than its interval",
        "least": "at least 85",
        "frechet": "at most 1.5 floors",
        "recall": "at least 0.85",
        "near_copies": "at most 1.3 times the real",
        "ended": "at least 97",
    },
}


def models_table(found: Mapping[str, Number], titles: Sequence[str], way: str) -> str:
    """All measures of each model drawing in one way ("_one", "_pen"), beside real drawings and the floor, and what is asked.

    Models and rows that the run has no number for are left out; where it has none for any model, a sentence says so.
    """
    titles = [title for title in titles if f"s08_frechet_{title}{way}" in found]
    if not titles:
        return "The run did not measure sketches that are drawn in this way.\n"
    rows = []
    for key, (what, names) in _rows(titles, way).items():
        numbers = [found.get(name) for name in names]
        if any(numbers[2:]):
            rows.append([what, *map(cell, numbers), ASKED[way].get(key, "")])
    return table(["", "real", "floor", *titles, "asked"], rows, numbers=len(titles) + 3)


def _rows(titles: Sequence[str], way: str) -> dict[str, tuple[str, list[str]]]:
    # Measure -> its label, and the names of its numbers: of real drawings, of the floor, of each model.
    def of(real: str, floor: str, made: str) -> list[str]:
        return [f"s08_{real}", f"s08_{floor}", *(f"s08_{made.format(title + way)}" for title in titles)]

    traits = {trait: (trait, of(*(of_trait(side, trait).removeprefix("s08_") for side in ("valid", "floor", "{}")))) for trait in TRAITS}
    return {
        "recognised": ("recognised by the first judge, %", of("recognised_real", "", "recognised_{}")),
        "least": ("the same, of the hardest class", of("least_real_share", "", "least_{}_share")),
        "second": ("recognised by the second judge, %", of("second_real", "", "second_{}")),
        **{metric: (label, of(f"{metric}_valid", f"{metric}_floor", f"{metric}_{{}}")) for metric, label in METRICS.items()},
        "diversity": ("diversity ratio", of("diversity_valid", "", "diversity_{}")),
        "near_copies": ("near-copies, %", of("near_copies_valid", "", "near_copies_{}")),
        "ended": ("ended by themselves, %", of("", "", "ended_{}")),
        **traits,
        "grid": ("nats a point on the grid", ["", "", *(f"s08_grid_{title}" for title in titles)]),
    }


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
