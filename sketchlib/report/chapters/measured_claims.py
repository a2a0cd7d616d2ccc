"""What the report's claims need beyond the ten points, in numbers. Chapter 12."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from ... import sampling, train
from ...data.batches import make_batch
from ...data.dataset import SketchSet, cap, data_scale_factor
from ...metrics import coherence, cost, likelihood
from ...metrics.interval import bootstrap
from ...metrics.recognisability import recognisability
from ...models.mixture import perplexity, split_parameters, stroke_nll
from ...models.single import ConditionalDecoder
from ...models.vae import SketchVAE
from ...pictures.scene import compose
from .. import ablations
from ..ablations import FILE, REPORT_CLASSES
from ..tables import Number
from .measured_points import Material, share_of, variety

TEMPERATURES = (0.0, 0.1, 0.7, 1.0)  # and the profile's own


def measured(material: Material) -> dict[str, Number]:
    """Every number of the claims that takes a trained model or the report's five classes."""
    parts = (single_model, class_told, temperatures, drawings, learning_rates, generalisation, components)
    return {name: one for part in parts for name, one in part(material).items()}


def single_model(m: Material) -> dict[str, Number]:
    """How the single model's sketches of the report's classes are read, how they differ from real drawings, and how many end."""
    drawn = {name: m.sketches(m.single, name) for name in REPORT_CLASSES}
    read, people = recognisability(m.judge, drawn), recognisability(m.judge, m.real)
    shares = {name: share_of(f"recognised, the poorest class: {name}", [hits]) for name, hits in read["hits"].items()}
    poorest = min(shares, key=lambda name: read["by_class"][name])
    labels, confused = map(m.judge.classes.index, REPORT_CLASSES), read["confusion"]
    specific = sum(confused[label, label] > np.delete(confused[label], label).max() for label in labels)
    return {
        "s12_single_recognised": share_of("recognised", read["hits"].values()),
        "s12_real_recognised": Number("recognised, of real drawings", 100 * people["accuracy"], "percent", people["n"]),
        "s12_poorest_recognised": shares[poorest],
        "s12_specific": Number("classes most often read as themselves", int(specific), "classes of five"),
        **_lines(m, [drawing for drawings in drawn.values() for drawing in drawings]),
    }


def _lines(m: Material, made: list) -> dict[str, Number]:
    pointed, real = [one for one in made if one.strokes], [one for drawings in m.real.values() for one in drawings]
    apart = coherence.coherence(pointed, real, relative=True) if pointed else {"no sketch has a point": math.nan}
    trait = max(apart, key=lambda name: np.nan_to_num(apart[name], nan=np.inf))
    return {
        "s12_worst_trait": Number(f"furthest from real: {trait}", apart[trait], "real standard deviations", len(pointed)),
        "s12_ended": Number("ended by themselves", 100 * coherence.ended_rate(made), "percent", len(made)),
    }


def class_told(m: Material) -> dict[str, Number]:
    """What it saves to tell the single model the class: in the initial state, at each step, and in both."""
    told = ablations.class_costs(m.single, cap(m.prepared.splits.test, m.n, m.seed))
    gains = {way: bootstrap(np.mean, told["neither"] - told[way]) for way in ("start", "step", "both")}
    return {f"s12_gain_{way}": Number.measured(f"class told, {way}: saves", gain, "nats a drawing") for way, gain in gains.items()}


def temperatures(m: Material) -> dict[str, Number]:
    """Diversity of the single model's sketches over that of real drawings, by temperature."""
    found = {}
    for t in sorted({*TEMPERATURES, m.temperature}):
        made = {name: sampling.sample(m.single, name, m.n, t, m.seed) for name in REPORT_CLASSES}
        ratio = np.mean([variety(m.judge, made[name]) / m.people[name] for name in REPORT_CLASSES])
        found[f"s12_variety_{t:g}"] = Number(f"diversity at temperature {t:g}", ratio, "made over real", m.n * len(REPORT_CLASSES))
    return found


def drawings(m: Material) -> dict[str, Number]:
    """What purification, scale, split and padding do to the drawings of the report's classes."""
    prepared, five = m.prepared, REPORT_CLASSES
    n_read, n_kept = (sum(prepared.counts[step][name] for name in five) for step in ("read", "kept"))
    everyone, trained = (ablations.of_classes(some, five) for some in (prepared.kept, prepared.splits.train))
    rows, n = everyone.n_max / float((everyone.lengths + 1).mean()), len(everyone)
    return {
        "s12_kept": Number("drawings kept", 100 * n_kept / n_read, "percent", n_read),
        "s12_scale_all": Number("scale of all drawings", data_scale_factor(everyone), "data units"),
        "s12_scale_train": Number("scale of the training drawings", data_scale_factor(trained), "data units"),
        "s12_split_train": Number("training drawings", 100 * len(trained) / n, "percent", n),
        "s12_padded_rows": Number("rows padded to N_max", rows, "rows for each real one", n),
    }


def learning_rates(m: Material) -> dict[str, Number]:
    """The validation loss after the same steps with the profile's rate and with the table's."""
    found = {}
    for key, run in m.pair(14, "own_lr", "table_lr"):
        loss = run.curves[0]["valid"]["loss"]
        found[f"s12_{key}_loss"] = Number("validation loss after the first steps", loss, "nats per point", m.n_valid)
        found["s12_lr_steps"] = Number("these are", run.curves[0]["step"], "steps")
    return found | {
        "s12_own_lr": Number("the profile's learning rate", m.section.lr),
        "s12_table_lr": Number("the table's", ablations.TABLE_LR),
    }


def generalisation(m: Material) -> dict[str, Number]:
    """Whether validation and test put the single models of airplanes in the same order."""
    names = ("one class", "dropout that acts", "five classes")
    candidates = [m.single, *(m.runs[name].model for name in names)]
    parts = [m.prepared.splits.valid.only(FILE), m.flown]
    in_valid, in_test = ([likelihood.costs(one, part).means()["per_point"] for one in candidates] for part in parts)
    same, chosen = np.argsort(in_valid) == np.argsort(in_test), int(np.argmin(in_valid))
    unit = "nats a point, on the grid"
    return {
        "s12_grid_valid_best": Number("best of the validation", in_valid[chosen], unit, len(parts[0])),
        "s12_grid_test_best": Number("the same model in the test", in_test[chosen], unit, len(parts[1])),
        "s12_candidates": Number("models", len(candidates), "models"),
        "s12_same_place": Number("models in the same place in validation and test", int(same.sum()), "models"),
    }


def components(m: Material) -> dict[str, Number]:
    """How many components of its mixture the single model uses."""
    test = m.prepared.splits.test
    batch = make_batch(test, np.arange(min(200, len(test))), m.single.scale)
    with torch.no_grad():
        found = perplexity(split_parameters(m.single(batch)))[batch.drawn]
    return {"s12_components": Number("components in use", float(found.mean()), "components in use, mean perplexity", len(found))}


def settings(full) -> dict[str, Number]:
    """What the table of hyperparameters comes to, from the profile `full`, which has the published values."""
    single, vae = map(cost.parameters, (ConditionalDecoder(REPORT_CLASSES, 200, 1.0), SketchVAE((FILE,), 200, 1.0)))
    epoch, unit = ablations.FILE_DRAWINGS / full.vae.batch_size, "parameters, published sizes"
    return {
        "s12_parameters_single": Number("single model", single, unit),
        "s12_parameters_vae": Number("one VAE", vae, unit),
        "s12_parameters_router": Number("router of five", len(REPORT_CLASSES) * vae, unit),
        "s12_lr_after_one_epoch": Number("learning rate after one epoch, as the table says", ablations.TABLE_LR * 1e-5),
        "s12_vae_lr": Number("lr, column moved back", full.vae.lr),
        "s12_vae_decay": Number("lr_decay, column moved back", full.vae.lr_decay),
        "s12_vae_min_lr": Number("min_lr, column moved back", full.vae.min_lr),
        "s12_vae_count": Number('"epochs" of a VAE', full.vae.steps, "steps"),
        "s12_epochs_meant": Number("as many steps are", full.vae.steps / epoch, "passes of one class's drawings"),
        "s12_epochs_read": Number("as many epochs are", int(full.vae.steps * epoch), "steps"),
    }


def code(single: ConditionalDecoder, vae: SketchVAE, sketches: SketchSet) -> dict[str, Number]:
    """What is so of the code whatever a run has learned, shown on some drawings that the single model knows."""
    some = sketches.subset(np.arange(min(200, len(sketches))))
    scene = compose([sketches.drawings(name, 1)[0] for name in sketches.classes[:5]], spacing=1.3).boxes
    overlaps = sum(a[2] > b[0] for a, b in zip(scene, scene[1:], strict=False))
    return {
        **_padding_apart(single, some),
        **_far(),
        **_router_loss(vae, some),
        "s12_scene_overlaps": Number("boxes of a scene that overlap, at spacing 1.3", overlaps, "boxes", len(scene)),
    }


@torch.no_grad()
def _padding_apart(model: ConditionalDecoder, sketches: SketchSet) -> dict[str, Number]:
    batch = make_batch(sketches, np.arange(len(sketches)), model.scale)
    longer = replace(batch, x=ablations.padded(batch, 2 * sketches.n_max).x)
    short, long = (float(model.loss(model.parts(one))) for one in (batch, longer))
    return {"s12_padding_apart": Number("change of the loss by more padding", abs(long / short - 1), "of the loss", len(sketches))}


def _far() -> dict[str, Number]:
    # The cost of a movement of 100 standard deviations, by log-sum-exp and by the formula as it is written.
    far = split_parameters(torch.zeros(1, 9))
    ours = float(stroke_nll(far, torch.tensor([100.0]), torch.tensor([0.0])))
    with np.errstate(divide="ignore"):
        plainly = float(-np.log(np.exp(np.float32(-(100.0**2) / 2))))
    return {
        "s12_far": Number("a movement of 100 deviations, by log-sum-exp", ours, "nats"),
        "s12_far_plainly": Number("the same, by the formula as it is written", plainly, "nats"),
    }


def _router_loss(vae: SketchVAE, sketches: SketchSet) -> dict[str, Number]:
    terms = train.evaluate(vae, sketches)
    formula = terms["L_S"] + terms["L_P"] + vae.w_kl * max(terms["L_KL"], vae.kl_min)
    loss = terms["loss"] - vae.w_gist * terms.get("L_G", 0.0)  # what this book adds to the report's
    return {
        "s12_router_loss": Number("loss that a VAE is trained by, but for an auxiliary one", loss, "nats", len(sketches)),
        "s12_router_formula": Number("$L_R + w_{KL} \\max(L_{KL}, KL_{min})$", formula, "nats", len(sketches)),
    }
