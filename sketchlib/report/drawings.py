"""The drawings of a run: read once and kept in the artefact store, purified and split, and what a training takes of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..files import write_atomically
from . import store
from .recipes import Drawings


@dataclass(frozen=True, eq=False)
class Prepared:
    """The drawings of a run: `raw` as read, `kept` after purification, `splits` (data units), `scale` and `n_max`.

    `counts`: step -> class -> drawings; "unrecognized": those that the game did not recognise, which are among those read if `how` says
    so, else left out. `source`: the record of where they came from (kind, where, files). `how`: the profile's
    section `data`.
    """

    raw: object
    kept: object
    splits: object
    scale: float
    n_max: int
    counts: dict
    source: dict
    how: object = None


class Taken(NamedTuple):
    """What a training takes of the prepared drawings: the sets, N_max and scale of its model, and the record of the files."""

    train: object
    valid: object
    n_max: int
    scale: float
    source: dict


def data_key(how) -> str:
    """The key of the drawings as they are read; `how`: the profile's section `data`."""
    return store.key(["report.drawings.read_drawings"], [how.classes, how.per_class, how.unrecognized], how.classes)


def read_drawings(how, folder: Path) -> dict:
    """Read the drawings of a profile's classes and keep them in a folder; returns the record of where they came from."""
    from ..data import dataset, source

    drawings, found = source.load_drawings(how.classes, how.per_class, how.unrecognized)
    dataset.SketchSet.from_drawings(drawings).save(folder)
    return asdict(found)


def data(profile) -> Prepared:
    """The drawings of the profile's classes, purified and split; also says for the pages where they are from. Chapter 2."""
    found = prepare(profile.name, profile.data)
    store.forget_others([read(profile.name, profile.data)])
    _note(profile.name, {**found.source, "counts": found.counts})
    return found


def read(run: str, how) -> Path:
    """The folder of the drawings as they are read; `how`: a section `data`."""
    folder = store.folder(run, "data", data_key(how))
    return store.taken_or_made(folder, lambda to: read_drawings(how, to), lambda: "reading takes some seconds")


def prepare(run: str, how) -> Prepared:
    """The drawings that a section `data` asks for, purified and split."""
    from ..data import dataset

    folder = read(run, how)
    raw = dataset.SketchSet.load(folder)
    kept = _purified(raw, how)
    splits = dataset.split(kept, how.fractions, how.split_seed)
    source = store.record_of(folder)
    unrecognized = {name: source["files"][name]["unrecognized"] for name in raw.classes}
    counts = {"unrecognized": unrecognized, "read": raw.counts(), "kept": kept.counts()}
    counts |= {part: getattr(splits, part).counts() for part in ("train", "valid", "test")}
    return Prepared(raw, kept, splits, dataset.data_scale_factor(splits.train), kept.n_max, counts, source, how)


def _purified(drawings, how):
    from ..data import dataset

    return dataset.purify(drawings, how.min_length, how.max_length, how.clamp)


def _note(run: str, summary: dict) -> None:
    # For the pages: where the drawings are from, and how many there are. A reader's kernel leaves what is there.
    from .folders import build_folder

    text, path = json.dumps(summary, indent=1), build_folder(run) / "data.json"
    if not path.exists() or (store.builds() and path.read_text(encoding="utf-8") != text):
        write_atomically(path, lambda to: to.write_text(text, encoding="utf-8"))


def taken(drawings: Drawings, prepared: Prepared, seed: int) -> Taken:
    """The prepared drawings that a training takes, which of them chosen by `seed`.

    Raises `DataError` for a class that is not there, and where all other classes are asked for and the data folder has none.
    """
    from ..data import dataset

    classes, among = drawings.classes, drawings.among or drawings.classes

    def part(sketches, per_class, seen):
        some = dataset.cap(dataset.of_classes(sketches, among), per_class, seed)
        return dataset.of_classes(some.subset(some.are_of(seen)), classes)

    train = dataset.repeated(part(prepared.splits.train, drawings.per_class, drawings.seen or classes), drawings.repeated_to)
    valid = part(prepared.splits.valid, drawings.valid, drawings.seen or classes)
    scale = dataset.data_scale_factor(part(prepared.splits.train, None if drawings.scale_of_all else drawings.per_class, classes))
    n_max = int(prepared.kept.lengths[prepared.kept.are_of(drawings.longest or classes)].max())
    found = Taken(train, valid, n_max, scale, prepared.source)
    return _with_others(found, drawings.data) if drawings.others else found


def _with_others(found: Taken, how) -> Taken:
    # The training part with the drawings of all other classes of the data folder.
    from ..data import dataset, source

    names = source.other_classes(how.classes)
    if not names:
        raise DataError(
            "this profile learns from other classes first, and the data folder has none: let SKETCHLIB_DATA name one with "
            "simplified .ndjson files of more classes, or set pretraining: other_classes to false in the profile"
        )
    others, record = source.load_drawings(names, how.per_class, how.unrecognized)
    kept = _purified(dataset.SketchSet.from_drawings(others), how)
    files = {**found.source["files"], **record.files}
    train, n_max = found.train.joined(kept), max(found.n_max, kept.n_max)
    return found._replace(train=train, n_max=n_max, source={**found.source, "files": files})
