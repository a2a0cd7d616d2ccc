"""Chapter 12's ten points in numbers: measured on the runs of `ablations`, or counted where no run is needed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.stats import ks_2samp

from ... import sampling, train
from ...data.batches import batch_order, make_batch
from ...data.dataset import SketchSet
from ...metrics import coherence, diversity, latent, recogniser
from ...metrics.interval import bootstrap
from ...metrics.recognisability import recognisability
from ...models.mixture import pen_nll, split_parameters
from ...models.vae import SketchVAE
from ...strokes import Drawing
from .. import ablations, experiments, training
from ..ablations import FILE, PAIRS, REPORT_CLASSES
from ..tables import Number

REACH = np.arange(-5, 11)  # rows around the last real point, by their distance from it; point 8


@dataclass(frozen=True, eq=False)
class Material:
    """What chapter 12 is measured on.

    `prepared`: the drawings. `runs`: the trainings of `ablations.PAIRS` by name. `judge`: the recogniser. `router`, `single`: the models
    that draw. `section`: the profile's section `experiments`. `temperature`, `seed`: of all sketches.
    """

    prepared: object
    runs: Mapping[str, object]
    judge: recogniser.Recogniser
    router: object
    single: object
    section: object
    temperature: float
    seed: int

    @cached_property
    def test(self) -> SketchSet:
        """The test drawings of the report's classes."""
        return ablations.of_classes(self.prepared.splits.test, REPORT_CLASSES)

    @cached_property
    def n(self) -> int:
        """Sketches of a class that are scored: no more than there are test drawings."""
        return min(self.section.sketches, *self.test.counts().values())

    @cached_property
    def real(self) -> dict[str, list[Drawing]]:
        """Test drawings by class, as many as are scored."""
        return {name: self.test.drawings(name, self.n) for name in REPORT_CLASSES}

    @cached_property
    def flown(self) -> SketchSet:
        """The test drawings of airplanes, as a set of this class alone."""
        return self.prepared.splits.test.only(FILE)

    @cached_property
    def people(self) -> dict[str, float]:
        """How much the test drawings of a class differ, in the recogniser's features."""
        return {name: variety(self.judge, drawings) for name, drawings in self.real.items()}

    @cached_property
    def n_valid(self) -> int:
        """Validation drawings of airplanes."""
        return self.prepared.splits.valid.counts()[FILE]

    def pair(self, point: int, *keys: str) -> list[tuple[str, object]]:
        """The two runs of a pair, ours first, each with the key by which its numbers are named."""
        pair = PAIRS[point]
        return list(zip(keys, (self.runs[pair.ours], self.runs[pair.report]), strict=True))

    def sketches(self, model, name: str = FILE) -> list[Drawing]:
        """As many sketches of a class as are scored."""
        return sampling.sample(model, name, self.n, self.temperature, self.seed)


def report_words(classes: Sequence[str]) -> list[str]:
    """The report's classes among `classes`, in its order; where there are none, the first five of `classes`."""
    return [name for name in REPORT_CLASSES if name in classes] or list(classes[:5])


def share_of(what: str, hits: Sequence[np.ndarray]) -> Number:
    """The share of hits in percent, with its interval."""
    return Number.measured(what, bootstrap(np.mean, np.concatenate(list(hits))), "percent", 100)


def measured(material: Material) -> dict[str, Number]:
    """Every number of the points that takes a training."""
    parts = (about, dropout, annealing, classes_asked, end_row, generation, padding, sampler)
    return {name: one for part in parts for name, one in part(material).items()}


def about(m: Material) -> dict[str, Number]:
    """How large the runs are, and how much is scored."""
    return {
        "s12_steps": Number("steps of a single model", m.section.steps, "steps"),
        "s12_vae_steps": Number("steps of a VAE", m.section.vae_steps, "steps"),
        "s12_hidden": Number("hidden units of a decoder", m.section.hidden_size, "units"),
        "s12_per_class": Number("training drawings", m.section.per_class, "drawings a class, at most"),
        "s12_n": Number("sketches that are scored", m.n, "sketches a class"),
        "s12_tau": Number("temperature", m.temperature),
        "s12_known": Number("classes that the recogniser knows", len(m.judge.classes), "classes"),
        "s12_chance": Number("recognised by chance", 100 * (1 / len(m.judge.classes)), "percent"),
    }


def dropout(m: Material) -> dict[str, Number]:
    """Point 1: validation losses with and without dropout that acts."""
    found, unit = {}, "nats per point"
    for key, run in m.pair(1, "drop_none", "drop"):
        losses = [record["valid"]["loss"] for record in run.curves]
        gap = losses[-1] - run.curves[-1]["train"]["loss"]
        found[f"s12_{key}_best"] = Number("best validation loss", min(losses), unit, m.n_valid)
        found[f"s12_{key}_rise"] = Number("its rise from there to the end", losses[-1] - min(losses), unit, m.n_valid)
        found[f"s12_{key}_gap"] = Number("validation less training loss, at the end", gap, unit, m.n_valid)
    return found


def dropout_same(same: bool) -> dict[str, Number]:
    """Point 1: whether a one-layer LSTM with dropout equals one without."""
    return {"s12_dropout_same": Number("one layer with dropout equals one without, bit for bit (1: yes)", int(same))}


def plateau(rates: Sequence[float], section) -> dict[str, Number]:
    """Point 2: when the rate is cut, from `ablations.plateau_rates` with the settings of `section`."""
    first_cut = int(np.argmax(np.array(rates) < section.lr)) + 1
    return {
        "s12_patience": Number("patience", section.plateau_patience, "validations"),
        "s12_first_cut": Number("the first cut comes after", first_cut, "validations"),
        "s12_lr": Number("learning rate before the report's one validation", section.lr),
        "s12_lr_after_one": Number("learning rate after it", rates[0]),
    }


def annealing(m: Material) -> dict[str, Number]:
    """Point 3: two VAEs on test airplanes, with the annealed weight and with the frozen one."""
    found = {}
    for key, run in m.pair(3, "annealed", "frozen"):
        terms = train.evaluate(run.model, m.flown)
        mu, _ = latent.latent_clouds(run.model, m.flown)
        share = recognisability(m.judge, {FILE: m.sketches(run.model)})["accuracy"]
        kl, n = terms["L_KL"], len(m.flown)
        found[f"s12_{key}_eta"] = Number("weight at the end", run.curves[-1]["eta"])
        found[f"s12_{key}_kl"] = Number("L_KL on test drawings", kl, "nats per latent dimension", n)
        found[f"s12_{key}_nats"] = Number("the same, of a drawing", kl * run.model.latent_size, "nats a drawing", n)
        found[f"s12_{key}_l_r"] = Number("L_R on test drawings", terms["L_S"] + terms["L_P"], "nats over N_max", n)
        found[f"s12_{key}_units"] = Number("latent dimensions in use", int(latent.active_units(mu).sum()), "active units", n)
        found[f"s12_{key}_recognised"] = Number("recognised, from the prior", 100 * share, "percent", m.n)
    return {**found, "s12_kl_min": Number("floor of L_KL", m.runs["annealed"].model.kl_min)}


def watched(curves: Mapping[str, Sequence[Mapping]], n: int) -> dict[str, Number]:
    """Point 3: where the pair that the page trains has come to, on `n` validation drawings."""
    found = {}
    for name, records in curves.items():
        last, key = records[-1], f"s12_watched_{name}"
        found[f"{key}_kl"] = Number(f"$L_{{KL}}$ at the end, {name}", last["valid"]["L_KL"], "nats per dimension", n)
        found[f"{key}_l_r"] = Number(f"$L_R$ at the end, {name}", last["valid"]["L_S"] + last["valid"]["L_P"], "nats over $N_{max}$", n)
    return found


def classes_asked(m: Material) -> dict[str, Number]:
    """Point 4: the report's classes asked of the model of five, and of the model of airplanes alone."""
    found = _embedding_moved(m)
    others = [name for name in REPORT_CLASSES if name != FILE]
    column, rows = m.judge.classes.index(FILE), [m.judge.classes.index(name) for name in others]
    for key, run in m.pair(4, "five", "one"):
        read = recognisability(m.judge, {name: m.sketches(run.model, name) for name in REPORT_CLASSES})
        share = share_of("recognised, of the other four", [read["hits"][name] for name in others])
        flying = float(read["confusion"][rows, column].mean())
        found[f"s12_{key}_airplanes"] = Number("recognised, of airplanes", 100 * read["hits"][FILE].mean(), "percent", m.n)
        found[f"s12_{key}_recognised"] = share
        found[f"s12_{key}_flying"] = Number("of the other four, read as airplanes", 100 * flying, "percent", share.n)
    return found


def _embedding_moved(m: Material) -> dict[str, Number]:
    name = PAIRS[4].report
    recipe = experiments.recipes(m.section, m.prepared.how, m.seed)[name]
    born = training.untrained(recipe, m.prepared).embedding.weight
    moved = (m.runs[name].model.embedding.weight != born).any(1)
    return {
        "s12_embeddings_moved": Number("rows of the embedding that training moved", int(moved.sum()), "rows of the embedding"),
        "s12_embeddings": Number("rows of the embedding", len(moved), "rows of the embedding"),
    }


def epoch_counts(lengths: np.ndarray, batch_size: int, epochs: int, seed: int) -> np.ndarray:
    """How often (n,) each drawing is read in `epochs` of this book's batches, which look at the drawings' `lengths` (n,). Point 5."""
    counts = np.zeros(len(lengths), int)
    for epoch in range(epochs):
        counts += np.bincount(np.concatenate(batch_order(lengths, batch_size, seed, epoch)), minlength=len(lengths))
    return counts


def epochs(once: np.ndarray, often: np.ndarray, ours: np.ndarray, batch_size: int, passes: int) -> dict[str, Number]:
    """Point 5: how often drawings are read, (n,) each: in one epoch and in `passes` of the report's batches, and of this book's."""
    n = len(once)
    computed = 100 * (1 - batch_size / n) ** -(-n // batch_size)
    found = {
        "s12_unseen_once": Number("unread in one epoch", 100 * float((once == 0).mean()), "percent", n),
        "s12_unseen_expected": Number("the same, computed", computed, "percent, computed"),
        "s12_unseen_often": Number("unread in all epochs", int((often == 0).sum()), "drawings", n),
        "s12_order_epochs": Number("epochs", passes, "epochs"),
        "s12_order_n": Number("drawings", n, "drawings"),
    }
    for key, counts, whose in (("order", often, "report"), ("order_ours", ours, "this book")):
        found[f"s12_{key}_low"] = Number(f"read at least, {whose}", int(counts.min()), "times", n)
        found[f"s12_{key}_high"] = Number(f"read at most, {whose}", int(counts.max()), "times", n)
    return found


def end_row(m: Material) -> dict[str, Number]:
    """Point 6: what the pen states of test airplanes cost with an end row, and with the last point relabelled."""
    train_part = ablations.of_classes(m.prepared.splits.train, REPORT_CLASSES)
    lifted = train_part.points[train_part.offsets[1:] - 1, 2]
    airplanes = m.test.subset(m.test.labels == m.test.label(FILE))
    found, last, unit, n = {}, {}, "nats a drawing", len(airplanes)
    for key, run in m.pair(6, "end_row", "relabelled"):
        whole, last[key] = ablations.pen_costs(run.model, airplanes)
        points = np.mean([drawing.n_points for drawing in m.sketches(run.model)])
        found[f"s12_{key}_points"] = Number("points of a sketch", points, "points", m.n)
        found[f"s12_{key}_whole"] = Number("all pen states", whole.mean(), unit, n)
        found[f"s12_{key}_last"] = Number("pen states from the last point on", last[key].mean(), unit, n)
        found[f"s12_{key}_before"] = Number("all other pen states", (whole - last[key]).mean(), unit, n)
        found[f"s12_{key}_printed"] = Number("printed L_P", run.curves[-1]["valid"]["L_P"], "nats per point", m.n_valid)
    real = np.mean([drawing.n_points for drawing in m.real[FILE]])
    return found | {
        "s12_lifted": Number("last points that a lift follows", 100 * float(np.mean(lifted)), "percent", len(lifted)),
        "s12_real_points": Number("points of a real drawing", real, "points", m.n),
        "s12_end_gap": Number.measured("end row less relabelled", bootstrap(np.mean, last["end_row"] - last["relabelled"]), unit),
    }


def variety(judge, drawings: Sequence[Drawing]) -> float:
    """Diversity of the drawings that have a point; not finite where fewer than two have."""
    found, _ = recogniser.drawn_features(judge, drawings)
    return diversity.diversity(found) if len(found) > 1 else float("nan")


def closeness(judge, drawings: Sequence[Drawing], shown: Sequence[Drawing]) -> float:
    """Distance of drawings to those that they were made from, over that to others: 0 a copy, 1 no relation.

    Drawings without a point are left out. Not finite where fewer than two remain.
    """
    found, index = recogniser.drawn_features(judge, drawings)
    if len(found) < 2:
        return float("nan")
    return latent.paired_distance(found, recogniser.features(judge, [shown[i] for i in index]))["ratio"]


def generation(m: Material) -> dict[str, Number]:
    """Point 7: sketches from a training drawing's code and from the prior, by the router and by the VAE with the frozen weight."""
    shown = {name: m.prepared.splits.train.drawings(name, m.n) for name in REPORT_CLASSES}
    routed, frozen = {name: m.router[name] for name in REPORT_CLASSES}, {FILE: m.runs[PAIRS[3].report].model}
    codes = [_worth(vae, shown[name]) for name, vae in routed.items()]
    found = {
        "s12_code_worth": Number("what the own code saves, router", np.mean(codes), "nats a drawing", m.n * len(codes)),
        "s12_frozen_code_worth": Number("what the own code saves, frozen", _worth(frozen[FILE], shown[FILE]), "nats a drawing", m.n),
    }
    for key, models in (("", routed), ("frozen_", frozen)):
        again = {name: ablations.drawn_from(vae, shown[name], m.temperature, m.seed) for name, vae in models.items()}
        found |= _drawn_scores(m, f"{key}encoded", again, shown)
        found |= _drawn_scores(m, f"{key}prior", {name: m.sketches(vae, name) for name, vae in models.items()}, shown)
    return found


def _drawn_scores(m: Material, key: str, drawings: Mapping, shown: Mapping) -> dict[str, Number]:
    share = share_of("recognised", recognisability(m.judge, drawings)["hits"].values())
    ratio = np.mean([variety(m.judge, some) / m.people[name] for name, some in drawings.items()])
    near = np.mean([closeness(m.judge, some, shown[name]) for name, some in drawings.items()])
    return {
        f"s12_{key}_share": share,
        f"s12_{key}_diversity": Number("diversity over the real one", ratio, "made over real", share.n),
        f"s12_{key}_closeness": Number("distance to the drawing shown over that to others", near, "own over other", share.n),
    }


def _worth(vae: SketchVAE, drawings: Sequence[Drawing]) -> float:
    return latent.code_worth(vae, SketchSet.from_drawings({vae.classes[0]: drawings})).value


@torch.no_grad()
def pen_by_row(vae: SketchVAE, sketches: SketchSet, n_max: int) -> np.ndarray:
    """Mean pen cost, nats, of the rows at a distance of `REACH` from the last real point, padding included. Point 8."""
    batch = ablations.padded(make_batch(sketches, np.arange(len(sketches)), vae.scale), n_max)
    raw = vae(batch, vae.encode(batch)[0])
    nats = pen_nll(split_parameters(raw), batch.x[:, 1:, 2:])
    return nats.gather(1, batch.lengths[:, None] - 1 + torch.from_numpy(REACH)).mean(0).numpy()


def padding(m: Material) -> dict[str, Number]:
    """Point 8: test airplanes under the VAE trained up to the end row, and under the one trained on all rows."""
    n_max, flown, decisions = m.prepared.kept.n_max, m.flown, m.flown.lengths + 1
    short = flown.subset(flown.lengths + REACH[-1] < n_max)
    short = short.subset(np.arange(min(200, len(short))))
    filled, rows = float(decisions.sum()) / (n_max * len(flown)), n_max * len(flown)
    found = {"s12_padding": Number("rows that are padding", 100 * (1 - filled), "percent", rows)}
    for key, run in m.pair(8, "end", "all"):
        terms = train.evaluate(ablations.plain(run.model), flown)
        pen = terms["L_P"] * n_max / float(decisions.mean())
        stroke = terms["L_S"] * n_max / float(flown.lengths.mean())
        beyond = float(pen_by_row(run.model, short, n_max)[REACH >= 2].mean())
        found[f"s12_{key}_pen"] = Number("pen, where it is decided", pen, "nats per decided row", len(flown))
        found[f"s12_{key}_stroke"] = Number("movement", stroke, "nats per point", len(flown))
        found[f"s12_{key}_after"] = Number("pen, in the padding", beyond, "nats a row", len(short))
        found[f"s12_{key}_printed"] = Number("printed L_P", run.curves[-1]["valid"]["L_P"], "nats over N_max", m.n_valid)
    return found


def sampler(m: Material) -> dict[str, Number]:
    """Point 9: sketches drawn one by one in numpy beside those drawn at once with torch."""
    model, word = m.runs["five classes"].model, REPORT_CLASSES[2]
    began = time.perf_counter()
    slow = ablations.one_by_one(model, word, m.n, m.temperature, m.seed)
    middle = time.perf_counter()
    fast = m.sketches(model, word)
    seconds = middle - began, time.perf_counter() - middle
    found = {
        "s12_ks_points": Number("number of points", _agreement(slow, fast, lambda one: one.n_points), "p-value", m.n),
        "s12_ks_length": Number("line length", _agreement(slow, fast, lambda one: coherence.traits(one)["line length"]), "p-value", m.n),
    }
    for key, drawings, taken in (("slow", slow, seconds[0]), ("fast", fast, seconds[1])):
        found[f"s12_ended_{key}"] = Number("ended by themselves", 100 * coherence.ended_rate(drawings), "percent", m.n)
        found[f"s12_ms_{key}"] = Number("time", 1e3 * taken / m.n, "ms a sketch", m.n)
    return found


def _agreement(first: Sequence[Drawing], second: Sequence[Drawing], of) -> float:
    # The p-value of Kolmogorov and Smirnov's test on a measure of the drawings that have a point.
    a, b = ([of(one) for one in drawings if one.strokes] for drawings in (first, second))
    return ks_2samp(a, b).pvalue if min(len(a), len(b)) > 1 else float("nan")


def flip(drawings: Sequence[Drawing]) -> dict[str, Number]:
    """Point 10: how far a picture plotted upwards and turned over is from one that is plotted downwards."""
    pairs = [ablations.flipped_pictures(drawing) for drawing in drawings]
    apart = [np.abs(ours.astype(int) - report).max() for ours, report in pairs]
    not_turned = [np.abs(ours.astype(int) - np.flipud(report)).max() for ours, report in pairs]
    return {
        "s12_flip_apart": Number("largest difference, turned over", int(max(apart)), "grey values of 255", len(pairs)),
        "s12_flip_not": Number("not turned over", int(np.median(not_turned)), "grey values of 255, median", len(pairs)),
        "s12_flip_n": Number("drawings", len(pairs), "drawings"),
    }
