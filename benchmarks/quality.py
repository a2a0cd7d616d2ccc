"""Time to quality: validation nats on the grid against minutes of training, recipes of the single model one after the other in one run.

    python benchmarks/quality.py --out benchmarks/results/quality.json [--only report,ours] [--steps 2000] [--seeds 0,1] [--keep FOLDER]

Needs the drawings that SKETCHLIB_DATA names. A run that is cut goes on where --keep names its folder. Minutes are those of the training
steps alone. Ends with a table: what each recipe reaches, and when it first is as good as the report's recipe ever was.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import torch

import sketchlib  # noqa: F401  # before torch, since it chooses how torch's threads wait
from sketchlib.data.dataset import cap
from sketchlib.files import write_atomically
from sketchlib.metrics import cost
from sketchlib.metrics.likelihood import costs
from sketchlib.models.placed import ConditionalPlacedDecoder
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.transformer import ConditionalTransformer
from sketchlib.report import drawings, recipes
from sketchlib.report.profile import load_profile
from sketchlib.report.provenance import provenance
from sketchlib.settings import Settings
from sketchlib.train import fit

OURS = Settings(
    steps=5600, lr=0.004, schedule="cosine", stretch=0.15, rotate=5, dequantise=True, ema=0.998, precision="bfloat16", validate_every=140
)
SLOWER = replace(OURS, lr=0.001)  # of a Transformer, whose attention usually takes a lower rate
LSTM, ATTENTION = dict(weight_dropout=0.1), dict(hidden_size=160, layers=4, heads=4, dropout=0.1)  # 1.3 million weights each
RUNS = {  # name -> architecture, sizes, settings (None: the report's); "placed": the LSTM that sees where the pen is
    "report": (ConditionalDecoder, {}, None),
    "ours": (ConditionalDecoder, LSTM, OURS),
    "placed": (ConditionalPlacedDecoder, LSTM, OURS),
    "transformer": (ConditionalTransformer, ATTENTION, SLOWER),
}
SCORED = 60  # validation drawings of a class that are scored


def trained(name: str, found, steps: int | None, seed: int, folder: Path) -> dict:
    """The curve of one recipe: steps, minutes of training and nats a point on the grid, at each validation."""
    kind, sizes, settings = RUNS[name]
    settings = settings or recipes.single(load_profile("full")).settings
    settings = replace(settings, seed=seed, steps=steps or settings.steps)
    settings = replace(settings, validate_every=max(1, settings.steps // 40))
    torch.manual_seed(seed)
    model, scored = kind(found.train.classes, found.n_max, found.scale, **sizes), cap(found.valid, SCORED)

    def score(kept):
        return {"grid": float(costs(kept, scored).grid.sum() / scored.lengths.sum())}

    curves = fit(model, found.train, found.valid, settings, folder / f"{name} {seed}", score=score)
    seconds = torch.tensor([0.0] + [one["seconds"] for one in curves]).cumsum(0).tolist()[1:]
    points = [[one["step"], spent / 60, one["more"]["grid"]] for one, spent in zip(curves, seconds, strict=True)]
    return dict(name=name, seed=seed, parameters=cost.parameters(model), settings=asdict(settings), points=points)


def summary(runs: list[dict]) -> list[str]:
    """Lines of the table: a run's weights, minutes, its best value, and after how many minutes it was as good as the report's best."""
    report = [min(grid for _, _, grid in one["points"]) for one in runs if one["name"] == "report"]
    lines = [f"{'recipe':12} seed  weights  minutes  nats a point, best  minutes to the report's best"]
    for one in runs:
        best = min(grid for _, _, grid in one["points"])
        there = next((minutes for _, minutes, grid in one["points"] if report and grid <= max(report)), None)
        when = "-" if there is None else f"{there:.1f}"
        last = one["points"][-1][1]
        lines.append(f"{one['name']:12} {one['seed']:4}  {one['parameters'] / 1e6:.2f} M  {last:7.1f}  {best:18.3f}  {when}")
    return lines


def main() -> None:
    """Train the recipes that are asked for, and write and print what they reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--only", default=",".join(RUNS), help="recipes, by name")
    parser.add_argument("--steps", type=int, help="of each training, in place of its own number")
    parser.add_argument("--seeds", default="0", help="one run of each recipe for each")
    parser.add_argument("--keep", type=Path, help="a folder for the trainings, which go on from there")
    asked = parser.parse_args()
    names, seeds = asked.only.split(","), [int(seed) for seed in asked.seeds.split(",")]
    if unknown := set(names) - set(RUNS):
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(RUNS)}")
    profile = load_profile("full")
    found = drawings.taken(recipes.single(profile).drawings, drawings.prepare("quality", profile.data), 0)
    with tempfile.TemporaryDirectory() as temporary:
        runs = [trained(name, found, asked.steps, seed, asked.keep or Path(temporary)) for seed in seeds for name in names]
    print("\n".join(summary(runs)))
    if asked.out:
        text = json.dumps(dict(made=provenance(), drawings=len(found.train), scored=SCORED, runs=runs), indent=1) + "\n"
        write_atomically(asked.out, lambda to: to.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
