"""The trainings of chapter 12: pairs of runs that differ in one thing, as recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import DataError
from ..settings import Settings, eta_at
from .recipes import PUBLISHED_STEPS, SINGLE, VAE, Drawings, Recipe

REPORT_CLASSES = ("airplane", "alarm clock", "apple", "candle", "cat")  # the five that the report lists
FILE = "airplane"  # the one class whose file its executed notebook found
TABLE_LR = 0.9999  # the report's table, where the column has slipped


@dataclass(frozen=True)
class Pair:
    """Two runs that differ in one thing, by their names in `recipes`, and what the thing is."""

    ours: str
    report: str
    differs: str


PAIRS = {
    1: Pair("one class", "dropout that acts", "dropout 0.5 on the states that the head reads, where the report's acted nowhere"),
    3: Pair("annealed", "frozen", "the KL weight: annealed by the published rule, or frozen at its first value"),
    4: Pair("five classes", "one class", "the training drawings: of all five classes, or of airplanes alone"),
    6: Pair("one class", "relabelled", "an end row after the last point, or the last point relabelled as the end"),
    8: Pair("annealed", "all rows", "L_P over real points and end row, or over all N_max rows"),
    14: Pair("one class", "lr of the table", "the learning rate: the profile's, or the table's 0.9999, for the first validation"),
}


def recipes(section, data, seed: int) -> dict[str, Recipe]:
    """All runs of `PAIRS` by name, from the profile's sections `experiments` and `data`; a quarter as many drawings validate as train.

    The single models share classes, scale and first weights, the VAEs likewise, so that their losses compare. All take a cosine, for
    the runs are too short for plateaus, and keep the last weights: the validation scores with eta = 1, under which a frozen weight looks
    bad from early on.
    """
    valid = max(1, section.per_class // 4)
    five = Drawings(data, REPORT_CLASSES, per_class=section.per_class, valid=valid, longest=data.classes)
    airplanes = replace(five, seen=(FILE,))
    alone = replace(airplanes, classes=(FILE,), among=REPORT_CLASSES)
    decoder = {name: getattr(section, name) for name in ("hidden_size", "embedding_size", "n_mixtures")}
    vae = {name: getattr(section, name) for name in ("encoder_size", "latent_size", "n_mixtures")} | {"decoder_size": section.hidden_size}
    base = _settings(section, section.steps, seed)
    annealed = _settings(section, section.vae_steps, seed, R=Settings.R ** (PUBLISHED_STEPS / section.vae_steps))
    frozen = replace(annealed, eta_min=eta_at(1, Settings(PUBLISHED_STEPS)), R=1.0)
    table = replace(base, steps=base.validate_every, lr=TABLE_LR, stop_above=1e30)  # it learns nothing, which is to be shown
    runs = {
        "five classes": (SINGLE, decoder, five, base),
        "one class": (SINGLE, decoder, airplanes, base),
        "dropout that acts": (SINGLE, {**decoder, "dropout": 0.5}, airplanes, base),
        "relabelled": ("report.ablations.RelabelledDecoder", decoder, airplanes, base),
        "lr of the table": (SINGLE, decoder, airplanes, table),
        "annealed": (VAE, vae, alone, annealed),
        "frozen": (VAE, vae, alone, frozen),
        "all rows": ("report.ablations.PaddedVAE", vae, alone, annealed),
    }
    return {name: Recipe(f"experiment-{name}", *run, keep="last") for name, run in runs.items()}


def _settings(section, steps: int, seed: int, **more) -> Settings:
    every = max(1, steps // section.validations)
    return Settings(steps, section.batch_size, section.lr, schedule="cosine", validate_every=every, seed=seed, **more)


def require_report_classes(classes) -> None:
    """Raises `DataError` unless the report's classes are among a run's."""
    if missing := [name for name in REPORT_CLASSES if name not in classes]:
        raise DataError(
            f"the experiments of chapter 12 take the report's classes, and this run has no {', '.join(missing)}: "
            "say `results: published` in the profile, or add them to data.classes"
        )
