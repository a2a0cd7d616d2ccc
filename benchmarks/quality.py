"""Quality and time: recipes and architectures of the single model, trained one after the other in one run and scored alike.

    python benchmarks/quality.py --out benchmarks/results/quality.json --keep FOLDER [--only report,lstm] [--steps 2000] [--seeds 0,1]

Needs the drawings that SKETCHLIB_DATA names: a training that starts from 345 classes takes those of all classes there. Minutes are
steps times what a step takes the processor, on one thread: the least of some turns that all recipes take in one go at the end, so that what
else a machine did meanwhile counts little. All scores are of validation drawings. What --keep names
holds the trainings: a run that is cut goes on there, and --start is a model of the 345 classes that need not be trained again. Ends with
two tables: time to quality, and what the models draw like.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

import sketchlib  # noqa: F401  # before torch, since it chooses how torch's threads wait
from sketchlib.data.batches import make_batch
from sketchlib.data.dataset import SketchSet, cap
from sketchlib.files import write_atomically
from sketchlib.metrics import cost, fidelity
from sketchlib.metrics.coherence import ended_rate
from sketchlib.metrics.diversity import near_copies
from sketchlib.metrics.likelihood import costs
from sketchlib.metrics.recognisability import recognisability
from sketchlib.metrics.recogniser import Recogniser, drawn_features, train_recogniser
from sketchlib.metrics.recogniser import load as load_recogniser
from sketchlib.models import weights
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.transformer import ConditionalTransformer
from sketchlib.report import drawings, recipes
from sketchlib.report.profile import load_profile
from sketchlib.report.provenance import provenance
from sketchlib.sampling import sample
from sketchlib.settings import Settings
from sketchlib.train import Run as Training
from sketchlib.train import fit, load_kept, order_from, train_step

FULL, PUBLISHED = load_profile("full"), load_profile("published")
KINDS = {  # architecture -> its class, and sizes that make 1.3 million weights each
    "lstm": (ConditionalDecoder, {"weight_dropout": 0.1}),
    "placed": (ConditionalPlacedDecoder, {"weight_dropout": 0.1}),
    "transformer": (ConditionalTransformer, dict(hidden_size=160, layers=4, heads=4, dropout=0.1)),
}
LEARNS_FROM = {"placed": "lstm"}  # whose model of the 345 classes it starts from, as the best model does; others have their own
TURNS, BATCHES = 4, 12  # that tell what a step takes
VALIDATIONS, SCORED, DRAWN = 20, 60, 200  # over a run; validation drawings of a class for the curve; and for the scores, sketches too
SETTINGS = {"at 1": dict(temperature=1.0), "at 0.4 / 0.7": dict(temperature=0.4, pen_temperature=0.7)}  # at which models draw


@dataclass(frozen=True)
class Run:
    """How one model is trained: its architecture, settings, and how many drawings of a class it sees."""

    kind: str
    settings: Settings
    sizes: dict = field(default_factory=dict, hash=False)  # what differs from those of KINDS
    per_class: int | None = None
    after: Settings | None = None  # of the training on 345 classes that comes before; None: there is none
    others: bool = False  # it is such a training itself


def runs() -> dict[str, Run]:
    """The trainings by name: the report's recipe; each architecture from nothing and after 345 classes."""
    report = recipes.single(FULL).settings
    quick = Settings(
        steps=1600, lr=0.004, schedule="cosine", stretch=0.15, merge=0.1, rotate=5, dequantise=True, ema=0.99, precision="bfloat16"
    )
    second, first = recipes.single(PUBLISHED).settings, recipes.pretraining(PUBLISHED).settings
    own = dict(sizes={"weight_dropout": 0.0}, per_class=PUBLISHED.single.per_class, after=first)
    return {
        "report": Run("lstm", report, {"weight_dropout": 0.0}),
        "short": Run("lstm", replace(quick, steps=400, ema=0.96)),
        "plain": Run("lstm", replace(quick, steps=2200, stretch=0.0, merge=0.0, rotate=0.0), {"weight_dropout": 0.0}),
        **{kind: Run(kind, quick) for kind in ("lstm", "placed")},
        "transformer": Run("transformer", for_transformer(quick)),
        **{f"{kind} after 345": Run(kind, second, **own) for kind in ("lstm", "placed")},
        "transformer after 345": Run(
            "transformer", for_transformer(second), per_class=PUBLISHED.single.per_class, after=for_transformer(first)
        ),
    }


def for_transformer(settings: Settings) -> Settings:
    """These settings for a Transformer: half the steps, since each takes twice as long, with a moving average over half as many.

    And half the rate of learning: LOG.md, "Rows of an even width, and attention in plain products".
    """
    return replace(settings, steps=settings.steps // 2, ema=2 * settings.ema - 1, lr=settings.lr / 2)


def taken(run: Run) -> drawings.Taken:
    """The drawings of a training."""
    how = recipes.pretraining(PUBLISHED).drawings if run.others else replace(recipes.single(PUBLISHED).drawings, per_class=run.per_class)
    return drawings.taken(how, drawings.prepare("quality", PUBLISHED.data), 0)


def model_of(run: Run, found: drawings.Taken, seed: int = 0) -> torch.nn.Module:
    """The model before its first step."""
    kind, sizes = KINDS[run.kind]
    torch.manual_seed(seed)
    return kind(found.train.classes, found.n_max, found.scale, **{**sizes, **run.sizes})


def first_of(run: Run) -> Run:
    """The training on 345 classes that comes before a run, as a run."""
    return Run(LEARNS_FROM.get(run.kind, run.kind), run.after, others=True)


def before(run: Run, keep: Path, start: Path | None) -> torch.nn.Module:
    """The model of 345 classes from which a run starts: the one that is given, or trained now and kept."""
    if start:
        return weights.load(start)
    first = first_of(run)
    found = taken(first)
    model, folder = model_of(first, found), keep / f"{first.kind} of 345"
    fit(model, found.train, cap(found.valid, SCORED), replace(first.settings, validate_every=max(1, first.settings.steps // 8)), folder)
    return load_kept(model, folder, "last")


def trained(name: str, run: Run, seed: int, folder: Path, start: Path | None, judge: Recogniser) -> dict:
    """The curve and the scores of one training."""
    found = taken(run)
    model = model_of(run, found, seed=seed)
    if run.after:
        model.start_from(before(run, folder, start))
    settings = replace(run.settings, seed=seed, validate_every=max(1, run.settings.steps // VALIDATIONS))
    scored = cap(found.valid, SCORED)

    def score(kept):
        return {"grid": float(costs(kept, scored).grid.sum() / scored.lengths.sum())}

    curves = fit(model, found.train, scored, settings, folder / f"{name} {seed}", score=score)
    points = [[one["step"], None, one["more"]["grid"]] for one in curves]  # `with_minutes` fills the hole
    load_kept(model, folder / f"{name} {seed}", "best" if name == "report" else "last")
    about = dict(name=name, seed=seed, kind=run.kind, parameters=cost.parameters(model), settings=asdict(settings))
    return dict(**about, points=points, scores=scores(model, found, judge))


def with_minutes(done: list[dict], known: dict[str, Run], timed: dict) -> list[dict]:
    """The runs with the minutes of each point, and of the training before: steps times `step_seconds`; `timed`: where from."""
    stages = {one["name"]: [known[one["name"]]] for one in done}
    for some in stages.values():
        some += [first_of(run) for run in some if run.after]
    seconds = step_seconds({run for some in stages.values() for run in some})
    out = []
    for one in done:
        run, *first = stages[one["name"]]
        own, spent = seconds[run] / 60, sum(seconds[of] / 60 * of.settings.steps for of in first)
        points = [[step, spent + own * step, grid] for step, _, grid in one["points"]]
        out.append({**one, "seconds_a_step": 60 * own, "minutes_before": spent, "points": points, "timed": timed})
    return out


def step_seconds(asked: set[Run]) -> dict[Run, float]:
    """What a step of each training takes the processor, seconds: the least of some turns, in each of which all take their turn."""
    prepared, out = {}, {}
    for run in asked:
        found = taken(run)
        model = model_of(run, found)
        index = [one for _, one in itertools.islice(order_from(found.train, run.settings, 0), BATCHES)]
        prepared[run] = (Training(model, run.settings, Path()), [make_batch(found.train, one, model.scale) for one in index])
    for _ in range(TURNS):
        for run, (training, some) in prepared.items():
            began = time.process_time()
            for batch in some:
                train_step(training, batch)
            out[run] = min(out.get(run, math.inf), (time.process_time() - began) / len(some))
    return out


def scores(model, found: drawings.Taken, judge: Recogniser) -> dict:
    """What a model's sketches are like, beside validation drawings, in each of `SETTINGS`; and nats a point on the grid."""
    valid = cap(found.valid, DRAWN)
    out = {"grid": float(costs(model, valid).grid.sum() / valid.lengths.sum())}
    for setting, how in SETTINGS.items():
        made = {word: sample(model, word, DRAWN, seed=7, **how) for word in found.train.classes}
        out[setting] = beside(made, found.train, valid, judge)
    return out


def beside(made: dict, train: SketchSet, valid: SketchSet, judge: Recogniser) -> dict:
    """The measures of chapter 8 of sketches by class, in the features of this judge."""
    features = lambda some: drawn_features(judge, [one for one in some if one.strokes])[0]  # noqa: E731
    real = {word: features(valid.drawings(word)) for word in made}
    own = {word: features(some) for word, some in made.items()}
    seen = {word: features(train.drawings(word, 4 * DRAWN)) for word in made}
    read, (a, b) = recognisability(judge, made), (np.concatenate(list(side.values())) for side in (real, own))
    least = min(len(a), len(b))
    rng = np.random.default_rng(0)
    a, b = rng.permutation(a)[:least], rng.permutation(b)[:least]
    near = np.mean([near_copies(own[word], seen[word], real[word], 0.05)["share"] for word in made])
    means = {key: float(part.mean()) for key, part in fidelity.neighbourhood(a, b).items()}
    return dict(
        recognised=100 * read["accuracy"],
        hardest=100 * min(read["by_class"].values()),
        frechet=fidelity.frechet(a, b),
        kid=fidelity.kid(a, b),
        **means,
        near_copies=100 * float(near),
        ended=100 * ended_rate([one for some in made.values() for one in some]),
    )


def judge_of(found: drawings.Taken, folder: Path) -> Recogniser:
    """The recogniser that scores all of them: of chapter 8's kind, ten passes; kept in the folder."""
    path = folder / "judge.safetensors"
    if not path.exists():
        parts = ({word: part.drawings(word, most) for word in part.classes} for part, most in ((found.train, 800), (found.valid, SCORED)))
        weights.save(train_recogniser(*parts, size=32, epochs=10, seed=0)[0], path, {})
    return load_recogniser(path, found.train.classes)


def tables(all_runs: list[dict]) -> list[str]:
    """Lines of the two tables: minutes to the best value of the report's recipe, and what the models draw like."""
    report = [min(grid for *_, grid in one["points"]) for one in all_runs if one["name"] == "report"]
    lines = [f"{'':22} seed  weights  minutes  nats a point  minutes to the report's best"]
    for one in all_runs:
        there = next((minutes for _, minutes, grid in one["points"] if report and grid <= max(report)), None)
        when, best = "-" if there is None else f"{there:.1f}", min(grid for *_, grid in one["points"])
        lines.append(
            f"{one['name']:22} {one['seed']:4}  {one['parameters'] / 1e6:.2f} M  {one['points'][-1][1]:7.1f}  {best:12.3f}  {when}"
        )
    for setting in SETTINGS:
        keys = list(all_runs[0]["scores"][setting])
        lines += ["", f"{setting:22} seed  " + "  ".join(f"{key:>11}" for key in keys)]
        for one in all_runs:
            lines.append(f"{one['name']:22} {one['seed']:4}  " + "  ".join(f"{one['scores'][setting][key]:11.4g}" for key in keys))
    return lines


def main() -> None:
    """Train the recipes that are asked for, and write and print what they reached."""
    known = runs()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the JSON file to write; runs of others that it has are kept")
    parser.add_argument("--only", default=",".join(known), help="recipes, by name; '': train none, take the times anew")
    parser.add_argument("--steps", type=int, help="of each training, in place of its own number")
    parser.add_argument("--seeds", default="0", help="one run of each recipe for each")
    parser.add_argument("--keep", type=Path, required=True, help="a folder for the trainings, which go on from there")
    parser.add_argument("--start", type=Path, help="a model of the 345 classes to start from, in place of a training")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    names, seeds = [name for name in asked.only.split(",") if name], [int(seed) for seed in asked.seeds.split(",")]
    if unknown := set(names) - set(known):
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    done = json.loads(asked.out.read_text(encoding="utf-8"))["runs"] if asked.out and asked.out.exists() else []
    if not names and not done:
        raise SystemExit("no recipe is asked for, and --out names no record whose times could be taken anew")
    asked.keep.mkdir(parents=True, exist_ok=True)
    judge = judge_of(taken(known["report"]), asked.keep) if names else None
    made = provenance()  # of the code that is loaded: the folder may move on while trainings run
    for seed in seeds:
        for name in names:
            run = known[name]
            if asked.steps:
                run = replace(run, settings=replace(run.settings, steps=asked.steps))
            new = {**trained(name, run, seed, asked.keep, asked.start, judge), "made": made}
            done = [one for one in done if (one["name"], one["seed"]) != (name, seed)] + [new]
    done = with_minutes(done, known, made)
    if asked.out:
        text = json.dumps(dict(scored=SCORED, drawn=DRAWN, runs=done), indent=1) + "\n"
        write_atomically(asked.out, lambda to: to.write_text(text, encoding="utf-8"))
    print("\n".join(tables(done)))


if __name__ == "__main__":
    main()
