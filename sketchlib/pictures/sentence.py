"""A sentence as a scene: numbers and class names in English, drawn one beside the other. Chapter 10."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from ..arguments import SOME, Draws, Length, Seed, checked
from ..errors import DataError, did_you_mean
from ..strokes import Drawing
from .scene import Scene, compose

MOST = 60  # drawings in one scene
NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
QUANTITIES = {word: number for number, word in enumerate(NUMBERS.split(), start=1)} | dict.fromkeys(("a", "an", "the"), 1)
UNITS = {"couple": 2, "pair": 2, "pairs": 2, "dozen": 12}  # "a couple of cats", "two dozen suns"
BETWEEN = {",", ".", ";", "!", "?", "and", "&", "plus", "with", "then"}
IRREGULAR = {"mouse": "mice", "foot": "feet", "tooth": "teeth", "goose": "geese", "man": "men", "person": "people"}  # by a name's last word
SYNONYMS = {
    "airplane": ("aeroplane", "plane", "airliner", "jet"),
    "alarm clock": ("clock", "alarmclock"),
    "apple": ("pippin",),
    "candle": ("taper", "candlestick"),
    "car": ("automobile", "auto", "motorcar"),
    "cat": ("kitten", "kitty", "pussycat", "tomcat"),
    "face": ("smiley", "smiley face"),
    "pig": ("piglet", "piggy", "hog"),
    "radio": ("radio set", "transistor radio"),
    "sun": ("sunshine",),
}


@checked
def read_sentence(sentence: str, classes: Annotated[Sequence[str], SOME]) -> list[tuple[int, str]]:
    """What is to be drawn, in order: how many of which class.

    `classes`: those that can be drawn, each by its name or a synonym, in singular or plural. A number is an article, a word up to twenty,
    digits, a couple, a pair or a dozen; a plural without one is two. Raises `DataError` that names the word that it does not understand.

    >>> read_sentence("Two cats, an apple and a couple of planes", ["airplane", "apple", "cat"])
    [(2, 'cat'), (1, 'apple'), (2, 'airplane')]
    """
    words, names = re.findall(r"[^\s,.;!?&]+|[,.;!?&]", sentence.lower()), _names(classes)
    found, at = [], 0
    while at < len(words):
        if words[at] in BETWEEN:
            at += 1
            continue
        begin, (number, at) = at, _quantity(words, at)
        name, at = _noun(words, at, names, " ".join(words[begin:at]))
        word, plural = names[name]
        found.append(((2 if plural else 1) if number is None else number, word))
    if not found:
        raise DataError("the sentence names nothing to draw: say what and how many, such as 'two cats and an apple'")
    return found


def _names(classes: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Every way to name a class, in lower case -> the class, and whether it is a plural; a class's own name comes before a synonym."""
    out: dict[str, tuple[str, bool]] = {}
    lower = [(one.lower().replace("_", " "), one) for one in classes]
    singulars = [*lower, *((name.removeprefix("the "), one) for name, one in lower)]  # an article is a number
    singulars += [(name, one) for one in classes for name in SYNONYMS.get(one, ())]
    for name, one in singulars:
        out.setdefault(name, (one, False))
    for name, one in singulars:
        for plural in _plurals(name):
            out.setdefault(plural, (one, True))
    return out


def _plurals(name: str) -> list[str]:
    """How a name may look in the plural."""
    before, _, last = name.rpartition(" ")
    if last in IRREGULAR:
        forms = [IRREGULAR[last]]
    elif re.search(r"[^aeiou]y$", last):
        forms = [f"{last[:-1]}ies"]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        forms = [f"{last}es"]
    else:
        forms = [f"{last}s", f"{last}es"] if last.endswith("o") else [f"{last}s"]
        forms += [re.sub("fe?$", "ves", last)] if re.search("fe?$", last) else []
    return [f"{before} {form}".strip() for form in forms]


def _quantity(words: list[str], at: int) -> tuple[int | None, int]:
    """The number that begins here, None where there is none, and where what follows begins."""
    number = None
    if words[at] == "the" and at + 1 < len(words) and _is_number(words[at + 1]):
        at += 1  # "the two cats"
    if _is_number(words[at]):
        number = QUANTITIES[words[at]] if words[at] in QUANTITIES else int(words[at][:9])
        at += 1
    if words[at : at + 1] and words[at] in UNITS:
        number = (1 if number is None else number) * UNITS[words[at]]
        at += 1
    if number is not None and words[at : at + 1] == ["of"]:
        at += 1
    return number, at


def _is_number(word: str) -> bool:
    return word in QUANTITIES or bool(re.fullmatch("[0-9]+", word))


def _noun(words: list[str], at: int, names: dict, quantity: str) -> tuple[str, int]:
    """The longest name that begins here, and where what follows begins."""
    longest = max(len(name.split()) for name in names)
    for end in range(min(at + longest, len(words)), at, -1):
        if " ".join(words[at:end]) in names:
            return " ".join(words[at:end]), end
    if at == len(words) or words[at] in BETWEEN:
        raise DataError(f"{quantity!r} of what? Name a class after it: {', '.join(dict.fromkeys(one for one, _ in names.values()))}")
    unknown = words[at]
    while at + 1 < len(words) and not _begins(words, at + 1, names):
        at += 1
        unknown += f" {words[at]}"
    known = ", ".join(dict.fromkeys(one for one, _ in names.values()))
    raise DataError(
        f"{unknown!r} is not understood: {did_you_mean(unknown, names)} A sentence is numbers and classes, of which there are {known}"
    )


def _begins(words: list[str], at: int, names: dict) -> bool:
    """Whether something that is understood begins here."""
    rest = " ".join(words[at:]) + " "
    return words[at] in {*BETWEEN, *UNITS} or _is_number(words[at]) or any(rest.startswith(f"{name} ") for name in names)


@checked
def scene(
    sentence: str,
    model: Draws | None = None,
    seed: Seed | None = 0,
    temperature: float = 0.4,
    pen_temperature: float | None = 0.7,
    guidance: float = 0.0,
    canvas_width: Length | None = 1100.0,
    height: Length | None = 200.0,
    align: Literal["top", "middle", "baseline"] = "baseline",
) -> Scene:
    """Draw what a sentence names, one drawing beside the other on one canvas; `read_sentence` says what is understood. Chapter 10.

    `model`: None for the published single model. `temperature`, `pen_temperature`, `guidance` and `seed` are those of `sample`;
    `canvas_width`, `height` and `align` those of `compose`. Raises `DataError` for a word that is not understood, for more drawings than
    fit, and as these two do.

    >>> import sketchlib
    >>> found = sketchlib.scene("two cats and an apple")
    >>> [drawing.word for drawing in found.drawings]
    ['cat', 'cat', 'apple']
    >>> sketchlib.animate(found, "scene.gif").name
    'scene.gif'
    """
    from ..models.weights import load
    from ..sampling import as_generator

    model = load("single") if model is None else model
    wanted = read_sentence(sentence, model.classes)
    if not 0 < (total := sum(number for number, _ in wanted)) <= MOST or min(number for number, _ in wanted) < 1:
        raise DataError(
            f"the sentence asks for {total:,} drawings, one of its numbers being {min(n for n, _ in wanted)}: give 1 to {MOST} in all"
        )
    how = dict(temperature=temperature, seed=as_generator(seed), pen_temperature=pen_temperature, guidance=guidance)
    drawings = [drawing for number, word in wanted for drawing in _drawn(model, word, number, how)]
    return compose(drawings, canvas_width=canvas_width, height=height, align=align)


def _drawn(model, word: str, number: int, how: dict) -> list[Drawing]:
    """Drawings of a class that have a point: one that ended before its first is drawn again, a few times."""
    from ..sampling import sample

    found = []
    for _ in range(5):
        found += [drawing for drawing in sample(model, word, number - len(found), **how) if drawing.strokes]
        if len(found) == number:
            break
    return found + [Drawing((), word)] * (number - len(found))
