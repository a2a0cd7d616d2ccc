"""The rules by which the report's claims are judged, as functions of the chapter's numbers: published ones or a run's own. Chapter 12."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...metrics.interval import bootstrap
from ...models.vae import SketchVAE
from .. import ablations
from ..tables import Number, table
from .claims import VERDICTS, Claims, decided
from .points import Figures

CONCLUSION, EVALUATION, VALUES, APPROACH = "conclusion", "evaluation", "table", "approach"
ONLY = "trained on all classes, not on one (point 4)"
EYE = "judged by counting (chapter 8), not by eye"
TOO_FEW = "too few sketches have a point"
GENERALISES = "Lower validation loss indicates better generalisation"
HELD = "the profile full holds it"


def claims(numbers: Mapping[str, Number], full) -> Claims:
    """Every claim with its verdict: `numbers` of the chapter, and the profile `full`, which has the published values."""
    f, found = Figures(numbers), Claims()
    for part in (_conclusion, _evaluation, _table_of_values, _table_of_effects, _preparation, _network, _router):
        for claim in part(f, full):
            found.add(*claim)
    if "s12_same_place" not in numbers and "s12_claims" in numbers:
        found.settle(GENERALISES, {verdict: f.value(_count(verdict)) for verdict in VERDICTS})
    return found


def _count(verdict: str) -> str:
    return f"count_{verdict.replace(' ', '_')}"


def counts(found: Claims) -> dict[str, Number]:
    """How many claims there are, and of each verdict."""
    total = {verdict: sum(by[verdict] for by in found.counts().values()) for verdict in VERDICTS}
    out = {f"s12_{_count(name)}": Number(name, n, "claims", len(found)) for name, n in total.items()}
    return out | {"s12_claims": Number("claims", len(found), "claims")}


def diversity(numbers: Mapping[str, Number]) -> dict[float, float]:
    """Diversity over that of real drawings by temperature, coldest first."""
    start = "s12_variety_"
    return dict(sorted((float(name.removeprefix(start)), one.value) for name, one in numbers.items() if name.startswith(start)))


def low_of_share(share: Number) -> float:
    """The lower end of the interval of a share in percent, from its value and n alone."""
    hits = round(share.value / 100 * share.n)
    return 100 * bootstrap(np.mean, np.repeat([1.0, 0.0], [hits, share.n - hits])).low


def _recognisable(f: Figures, low: float) -> bool:
    return low > f.value("real_recognised") / 2


def _coherent(f: Figures) -> tuple:
    worst = f["worst_trait"]
    holds = decided(worst.value < 0.5, worst.value)
    return "coherent", f"trait that is furthest from real: {worst}", holds, TOO_FEW if holds is None else EYE


def _read(f: Figures) -> str:
    return f"{f.shown('single_recognised')}, chance {f['chance']}"


def _specific(f: Figures) -> tuple:
    n = len(ablations.REPORT_CLASSES)
    return "each class most often read as itself", f"{f.plain('specific')} of {n} classes", f.value("specific") == n, f"{ONLY}; {EYE}"


def _conclusion(f: Figures, full) -> list[tuple]:
    part, saves, chance = CONCLUSION, "saves nats, interval above 0", f.value("chance")
    poorest = f["poorest_recognised"]
    return [
        (part, "A conditional decoder draws sketches that depend on the class asked for",
         "above chance in the four other than airplanes, if trained on them", f.shown("five_recognised"),
         f["five_recognised"].low > chance, ONLY),
        (part, "The same, as the report's executed notebook trained it", "above chance in the four other than airplanes",
         f.shown("one_recognised"), f["one_recognised"].low > chance),
        (part, "Recognisable, step-by-step drawings for the five classes", "every class recognisable",
         f"{_read(f)}; the poorest class {poorest._replace(low=None, high=None)}", _recognisable(f, low_of_share(poorest)), ONLY),
        (part, "Class embedding in the initial state is effective", saves, f.shown("gain_start"), f["gain_start"].low > 0, ONLY),
        (part, "Class embedding at each step is effective", saves, f.shown("gain_step"), f["gain_step"].low > 0, ONLY),
        (part, "Visual evaluation confirmed class-specific features", *_specific(f)),
        (part, "Coherent stroke sequences", *_coherent(f)),
        (part, "Simpler than the Sketch-RNN VAE", "fewer parameters at the published sizes",
         f"{f.plain('parameters_single')} against {f.plain('parameters_vae')}", f.value("parameters_single") < f.value("parameters_vae")),
    ]  # fmt: skip


def _evaluation(f: Figures, full) -> list[tuple]:
    part, tau = EVALUATION, f"variety_{f.value('tau'):g}"
    widths = list(diversity(f.numbers).values())
    rising = decided(widths == sorted(widths) and f.value("variety_0") < 1e-3, f.value("variety_0"), *widths)
    diverse = decided(f.value(tau) >= 0.5, f.value(tau))
    same = decided(f.value("same_place") == f.value("candidates"), f.value("same_place"))
    return [
        (part, "Recognisability: the sketch resembles the class", "recognisable", _read(f),
         _recognisable(f, f["single_recognised"].low), EYE),
        (part, "Coherence: strokes are connected logically", *_coherent(f)),
        (part, "Class specificity: distinct styles of the classes", *_specific(f)),
        (part, "Diversity: several sketches at one temperature differ", "diverse",
         f"{f.plain(tau)} of the real diversity", diverse, TOO_FEW if diverse is None else EYE),
        (part, "Validation loss guided the learning rate", "the scheduler acts within the validations made",
         f"first cut at validation {f.plain('first_cut')}, one was made", f.value("first_cut") <= 1),
        (part, GENERALISES, "validation and test order the models alike",
         f"{f.plain('candidates')} models, in the same place: {f.plain('same_place')}", same),
        (part, "Temperature moves sketches from determinism to randomness", "diversity 0 at 0 and rising with the temperature",
         f"{f.plain('variety_0')} at 0, {f.plain('variety_1')} at 1", rising, TOO_FEW if rising is None else ""),
        (part, "Sketches were compared with real ones by eye", "none", "no record of it", None,
         "the report keeps no judgement that could be repeated; chapter 8 counts instead"),
    ]  # fmt: skip


def _table_of_values(f: Figures, full) -> list[tuple]:
    part, n, vae = VALUES, len(ablations.REPORT_CLASSES), SketchVAE((ablations.FILE,), 200, 1.0)
    values = {
        "enc_hidden_size": (256, vae.sizes["encoder_size"]),
        "dec_hidden_size": (512, vae.sizes["decoder_size"]),
        "Nz": (128, vae.latent_size),
        "M": (20, full.vae.n_mixtures),
        "batch_size": (100, full.vae.batch_size),
        "min_lr": (0.00001, full.vae.min_lr),
        "KL_min": (0.2, full.vae.kl_min),
        "wKL": (0.5, full.vae.w_kl),
        "grad_clip": (1.0, full.vae.grad_clip),
        "temperature": (0.4, full.sampling.temperature),
    }
    return [
        (part, "`classes`: five", "all five were trained on", f"{f.plain('embeddings')} here", f.value("embeddings") == n,
         "the executed notebook had one (point 4), and section II says at least ten"),
        (part, "`data_location`", "none", "a folder", None, "a path on another machine decides nothing"),
        *((part, f"`{name}`: {value}", HELD, str(held), value == held) for name, (value, held) in values.items()),
        (part, "`max_seq_length`: 200", HELD, f"{full.data.max_length}", full.data.max_length == 200),
    ]  # fmt: skip


def _table_of_effects(f: Figures, full) -> list[tuple]:
    part, same = VALUES, bool(f.value("dropout_same"))
    return [
        (part, "`dropout`: 0.4, prevents overfitting", "one layer with dropout differs from one without",
         f"bit for bit equal: {same}", not same),
        (part, "`eta_min`: 0.01, minimum learning rate", HELD, str(full.vae.eta_min), full.vae.eta_min == 0.01,
         "it is the KL weight at step 0, no learning rate"),
        (part, "`R`: 0.99995, annealing rate of the KL weight", "annealing lowers the divergence",
         f"$L_{{KL}}$ {f.plain('annealed_kl')}, frozen {f.plain('frozen_kl')}", f.value("annealed_kl") < f.value("frozen_kl"),
         "the notebook's weight is frozen (point 3)"),
        (part, "`lr`: 0.9999", "trains as well as the profile's rate",
         f"loss {f.plain('table_lr_loss')} against {f.plain('own_lr_loss')} after {f['lr_steps']}",
         f.value("table_lr_loss") <= f.value("own_lr_loss")),
        (part, "`lr_decay`: 0.00001 an epoch", "the rate stays above min_lr for an epoch",
         f"{f.plain('lr_after_one_epoch')} after one", f.value("lr_after_one_epoch") > full.vae.min_lr),
        (part, "`epochs`: 20, single model", "none", "a length of training", None,
         "a setting, not a result; its passes leave drawings out (point 5)"),
        (part, "`epochs`: 50,000, router", "the published run reads its drawings as often",
         f"{f.plain('epochs_meant')} passes of the airplanes", f.value("epochs_meant") >= 50_000),
    ]  # fmt: skip


def _preparation(f: Figures, full) -> list[tuple]:
    part, everyone, trained = APPROACH, f.value("scale_all"), f.value("scale_train")
    left_out = f"{100 - f.value('kept'):.2g} % left out"
    return [
        (part, "Too short and too long drawings are discarded", "some are, most are kept", left_out, 50 < f.value("kept") < 100),
        (part, "One scale, the standard deviation over the entire dataset", "within 2 % of that of the training part",
         f"{f.plain('scale_all')}, training part {f['scale_train']}", abs(everyone / trained - 1) < 0.02,
         "taken from the training part, so that nothing of the test part leaks"),
        (part, "Stratified split 70/15/15", "within one percent", f"{f['split_train']} training", abs(f.value("split_train") - 70) < 1),
        (part, "Batches are padded to N_max", "the same loss as with less padding", f"{f.plain('padded_rows')} rows for each real one",
         f.value("padding_apart") < 1e-4, "drawings of like length share a batch: the same loss with little padding"),
    ]  # fmt: skip


def _network(f: Figures, full) -> list[tuple]:
    part, gains = APPROACH, [f.value(f"gain_{way}") for way in ("both", "start", "step")]
    finite = math.isfinite(f.value("far")) and not math.isfinite(f.value("far_plainly"))
    return [
        (part, "The class enters at the start and at every step", "both together save the most nats", f.shown("gain_both"),
         gains[0] >= max(gains)),
        (part, "The mixture's head is multi-modal", "more than 1.5 components in use", f"perplexity {f.plain('components')}",
         f.value("components") > 1.5),
        (part, "Teacher forcing stabilises training", "none", "no run without it", None,
         "without the true rows there is no likelihood to train by; the report names no alternative"),
        (part, "Plateau scheduling reduces the learning rate", "the rate falls within the validations made",
         f"{f.plain('lr')} before and {f.plain('lr_after_one')} after", f.value("lr_after_one") < full.single.lr),
        (part, "Gradient clipping prevents exploding gradients", "none", "no run without it", None,
         "a purpose, not a result: the report shows no gradient"),
        (part, "Log-sum-exp makes the stroke loss stable", "finite where the plain formula is not",
         f"{f['far']} at 100 deviations, plainly {f.value('far_plainly')}", finite),
        (part, "Generation stops at the end of the drawing", "more than half of the sketches end by themselves", str(f["ended"]),
         f.value("ended") > 50),
    ]  # fmt: skip


def _router(f: Figures, full) -> list[tuple]:
    part, n, vae = APPROACH, len(ablations.REPORT_CLASSES), SketchVAE((ablations.FILE,), 200, 1.0)
    networks = n * len({"encoder", "decoder"} & dict(vae.named_children()).keys())
    loss, formula = f.value("router_loss"), f.value("router_formula")
    return [
        (part, "Router: ten encoders and decoders for five classes", "an encoder and a decoder a class", f"{networks} networks",
         networks == 2 * n),
        (part, "Router: the loss is $L_R + \\eta L_{KL}$", "equal to what is trained, once the note is heeded",
         f"{f.plain('router_loss')} and {f.plain('router_formula')}", bool(np.isclose(loss, formula, rtol=1e-4)),
         "$w_{KL}$, the floor $KL_{min}$ and the division by $N_z$ are missing"),
        (part, "Router: given a class name, it draws a new sketch", "recognised above chance with z from the prior", f.shown("prior_share"),
         f["prior_share"].low > f.value("chance"), "z from the prior; the notebook encodes a training drawing (point 7)"),
        (part, "Several sketches: each picture is flipped", "equal to drawing with y down", f"at most {f.plain('flip_apart')} of 255",
         f.value("flip_apart") <= 2, "no flip is needed (point 10)"),
        (part, "Scene: objects do not overlap", "no two boxes overlap at spacing 1.3", f"{f.plain('scene_overlaps')} overlap",
         f.value("scene_overlaps") == 0),
    ]  # fmt: skip


def errata(numbers: Mapping[str, Number]) -> str:
    """What is wrong in the report or its notebooks, what was found, and what this book does, as a Markdown table."""
    f = Figures(numbers)
    rows = [
        ["1", "dropout asked for in a one-layer LSTM", f"equal to none, bit for bit: {bool(f.value('dropout_same'))}",
         "none by default; where asked for, it acts on the states that the head reads"],
        ["2", "a scheduler with one validation", f"no cut before validation {f.plain('first_cut')}",
         "validates along the way; short runs take a cosine"],
        ["3", "eta recomputed from eta_min",
         f"stays at {f.plain('frozen_eta')}; L_KL {f.plain('frozen_kl')} against {f.plain('annealed_kl')}", "the published rule"],
        ["4", "one class's file, five classes claimed", f"recognised {f['one_recognised']} against {f['five_recognised']}",
         "a missing class is an error"],
        ["5", "batches with replacement", f"{f['unseen_once']} unread in an epoch", "every drawing once"],
        ["6", "last point relabelled as the end",
         f"the end costs {f.plain('relabelled_last')} nats, with an end row {f.plain('end_row_last')}", "an end row"],
        ["7", "generation from a training drawing",
         f"recognised {f['frozen_encoded_share']}, from the prior {f['frozen_prior_share']} (frozen weight)", "z from the prior"],
        ["8", "L_P over all N_max rows (as in the paper)", f"{f['padding']} of the rows are padding", "real points and one end row"],
        ["9", "one sketch at a time, in numpy", f"{f['ms_slow']} against {f.plain('ms_fast')}", "all at once"],
        ["10", "plot upwards, then flip", f"at most {f.plain('flip_apart')} of 255 apart", "y points down"],
        ["table", "lr 0.9999, lr_decay 0.00001", f"loss {f.plain('table_lr_loss')} against {f.plain('own_lr_loss')}",
         "the column moved back: lr 0.001, lr_decay 0.9999"],
        ["table", "eta_min is a learning rate", "eta at step 0", "as the paper has it"],
        ["table", "dropout 0.4", "the notebooks ask for 0.5 and 0.9, none acts", "0"],
        ["table", "50,000 epochs", f"steps; {f.plain('epochs_meant')} passes of the airplanes", "steps"],
        ["section II", "at least ten classes", "five are listed, one was trained on", f"{f['known']}"],
        ["section IV", "blanks such as [Your hp.M]", "filled from the notebooks", "chapters 4 and 5 say where each value comes from"],
    ]  # fmt: skip
    return table(["point", "the report", "found", "this book"], rows)
