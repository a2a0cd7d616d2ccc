"""Procedural drawings of the ten classes, made by the project itself: data without folder or network, and for tests.

A drawing is made as people make theirs: a `Hand` puts down lines, curves and circles that shake, miss their places and
do not close; each class says which parts it draws, in which order, and in how many ways. A part is a list of strokes.
Classes are drawn in a square of about -1..1, y down, and brought to the dataset's simplified recipe at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import numpy as np

from ..arguments import Count, Seed, checked
from ..errors import DataError, did_you_mean
from ..strokes import Drawing, simplify_all
from .hand import Hand, arc, at, spline, turn

Parts = list[list[np.ndarray]]


def airplane(hand: Hand) -> Parts:
    """From the side with two wings and a tail, or from above."""
    if hand.maybe(0.25):
        return _airplane_from_above(hand)
    h, fin, wing = hand.between(0.16, 0.3), hand.between(0.25, 0.5), hand.between(0.4, 0.85)
    x, width, sweep = hand.between(-0.4, 0), hand.between(0.25, 0.45), hand.between(-0.1, 0.5)
    style = hand.pick("round", "straight", "pointed", p=(0.5, 0.35, 0.15))
    back, tail = (0.6, 0.8 * h), [(1.1, -h - fin), (0.95, -h - fin), (0.65, -h)]
    body, has_tail = hand.pick(
        lambda: (hand.circle(0, 0, 1, h, start=180), False),
        lambda: (hand.line((1, -0.7 * h), (-0.6, -h), (-1, 0), (-0.7, h), (1, 0.6 * h), (1, -0.7 * h)), False),
        lambda: (hand.curve(tail[2], (-0.6, -h), (-1, 0), (-0.6, h), back, (0.98, 0), *tail), True),
        lambda: (hand.line(*tail, (-0.6, -h), (-1, 0), (-0.7, h), back, tail[0]), True),
    )
    wings = [hand.flap(x, 0.5 * h, sweep, wing, width, style), hand.flap(x, -h, sweep, -0.7 * wing, width, style)]
    rudder = [hand.flap(0.65, -0.7 * h, 0.25, -fin, 0.25, style)]
    windows = [hand.dot(k, -0.2 * h, 0.05) for k in np.arange(-0.6, 0.5, 0.22)]
    cockpit = [hand.curve((-0.6, -h), (-0.55, 0), (-0.95, 0.05))]
    parts = [[body], wings[:: hand.pick(1, -1)]] + [rudder] * (not has_tail and hand.maybe(0.75))
    return parts + [windows] * hand.maybe(0.12) + [cockpit] * hand.maybe(0.2)


def _airplane_from_above(hand: Hand) -> Parts:
    b, y, sweep, tip = hand.between(0.1, 0.2), hand.between(-0.35, 0), hand.between(0, 0.5), hand.between(0.1, 0.35)
    wing = [(b, y), (1, y + sweep), (1, y + sweep + tip), (b, y + 0.45)]
    tail = [(b, 0.75), (0.4, 0.9), (0.4, 1.05), (0, 1)]
    side = np.array([(0, -1.05), (b, -0.8), *wing, *tail])
    parts = hand.pick(
        lambda: [[hand.circle(0, 0, b * 1.2, 1.05)], hand.pair(hand.line, *wing), hand.pair(hand.line, *tail)],
        lambda: [[(hand.line if hand.maybe(0.6) else hand.curve)(*side, *side[::-1] * (-1, 1))]],
    )
    around = turn(90 * hand.pick(0, 0, 1, hand.between(-0.8, 0.8)))
    return [[stroke @ around for stroke in part] for part in parts]


def alarm_clock(hand: Hand) -> Parts:
    """A round face with hands, two bells, mostly feet, sometimes marks, an inner rim or a button."""
    rim = [hand.circle(0, 0, 0.95)] + [hand.circle(0, 0, 0.75)] * hand.maybe(0.15)
    short, long = at(hand.between(0, 360), 0.4), at(hand.pick(-90, -90, hand.between(0, 360)), 0.6)
    apart = [hand.line((0, 0), long), hand.line((0, 0), short)]
    x, r = hand.between(0.5, 0.7), hand.between(0.18, 0.3)
    bells = hand.pick(
        lambda: hand.both(lambda s: hand.circle(s * x, -0.75 - r, r * 1.1, r)),
        lambda: hand.pair(hand.curve, (x - 0.2, -0.82), (x, -0.9 - 1.4 * r), (x + 0.35, -0.8 - r), (x + 0.28, -0.55)),
        lambda: hand.pair(hand.line, (x - 0.1, -0.75), (x, -0.9 - r), (x + 0.3, -0.8 - r), (x + 0.2, -0.6)),
    )
    feet = hand.pair(hand.line, (0.5, 0.8), (hand.between(0.6, 0.85), 1.2))
    marks = [hand.line(at(angle, 0.65), at(angle, 0.85)) for angle in range(-90, 270, hand.pick(30, 90))]
    button = [hand.line((0, -0.95), (0, -1.15)), hand.line((-0.2, -1.2), (0.2, -1.2))]
    parts = [rim, hand.pick(apart, [hand.line(long, (0, 0), short)])] + [bells] * hand.maybe(0.9)
    return parts + [feet] * hand.maybe(0.65) + [marks] * hand.maybe(0.35) + [button] * hand.maybe(0.3)


def apple(hand: Hand) -> Parts:
    """A round with a dip on top and often one below, in one stroke or in halves, with a stem and mostly a leaf."""
    dip, foot, w = hand.between(0.05, 0.3), hand.between(0, 0.2) * hand.maybe(0.6), hand.between(0.8, 1)
    top, tip, size = (0, dip - 0.8), (hand.between(-0.2, 0.3), -hand.between(1, 1.35)), hand.between(0.2, 0.5)
    half = [top, (0.3, -0.8), (0.75, -0.72), (1, -0.2), (0.85, 0.5), (0.35, 0.98), (0, 0.98 - foot)]
    right, left = np.array(half) * (w, 1), np.array(half) * (-w, 1)
    if hand.maybe(0.06):
        right[2:5] = [(0.7, -0.6), (0.35, -0.2), (0.7, 0.35)]  # a bite
    body = hand.pick(
        lambda: [hand.circle(0, 0.1, w, 0.85)],
        lambda: [hand.curve(*right, *left[-2::-1])],
        lambda: [hand.curve(*right), hand.curve(*left)],
        p=(0.25, 0.6, 0.15),
    )
    thin, thick = hand.curve(top, (tip[0] * 0.3, -0.95), tip), hand.flap(*top, *np.subtract(tip, top), 0.1, "straight")
    blade = np.array([(0, 0), (0.5, -0.6), (1.2, -0.5), (1.2, -0.5), (0.7, 0.1), (0, 0)]) * size + (tip[0] * 0.6, -1)
    return [body, [hand.pick(thin, thick, p=(0.85, 0.15))]] + [[hand.curve(*blade)]] * hand.maybe(0.6)


def candle(hand: Hand) -> Parts:
    """A tall box or two lines, a wick, a flame, sometimes a plate or running wax."""
    w, top, lean = hand.between(0.12, 0.42), hand.pick(-0.3, -0.45, -0.55), hand.rng.normal(0, 0.05)
    body = hand.pick(
        lambda: [hand.box(-w, -0.3, w, 1)],
        lambda: [hand.line((-w, -0.3), (-w, 1), (w, 1), (w, -0.3)), hand.line((-w, -0.3), (w, -0.3))],
        lambda: [hand.line((-w, -0.3), (-w, 1)), hand.line((w, 1), (w, -0.3), (-w, -0.3))],
        lambda: [hand.circle(0, -0.3, w, 0.3 * w), hand.curve((-w, -0.3), (-w, 0.9), (0, 1.05), (w, 0.9), (w, -0.3))],
        p=(0.6, 0.15, 0.15, 0.1),
    )
    size, s = hand.between(0.09, 0.2), hand.pick(1, -1)
    drop = np.array([(0, 0), (s, -0.7), (0.5, -3.2), (0.5, -3.2), (-s, -0.8), (0, 0)]) * size + (lean, top)
    flame = hand.curve(*drop) if hand.maybe(0.75) else hand.circle(lean, top - 1.1 * size, size, 1.2 * size, start=90)
    dish = hand.circle(0, 1, w + 0.35, hand.between(0.08, 0.2), start=180)
    plate = hand.pick(dish, hand.line((-w - 0.3, 1), (w + 0.35, 1)))
    parts = [body] + [[hand.line((0, -0.3), (lean, top - 0.5 * size))]] * hand.maybe(0.8) + [[flame]]
    return parts + [[plate]] * hand.maybe(0.25) + [[hand.curve((w, -0.3), (w + 0.07, 0), (w, 0.1))]] * hand.maybe(0.1)


def car(hand: Hand) -> Parts:
    """Seen from the side: an outline with hood, roof and trunk, two wheels, sometimes windows."""
    a, b, roof = hand.between(-0.65, -0.35), hand.between(0.2, 0.5), -hand.between(0.45, 0.7)
    hood, trunk, r = hand.between(-0.15, 0.02), hand.between(-0.15, 0.02), hand.between(0.13, 0.24)
    front = [(-1, 0.3), (-1, hood), (a - 0.15, hood - 0.05), (a, roof)]
    top = front + [(b, roof), (b + 0.25, trunk), (1, trunk + 0.05), (1, 0.3)]
    body = hand.pick(
        lambda: [hand.line(*top, top[0])],
        lambda: [hand.line(*top), hand.line((-0.3, 0.3), (0.3, 0.3))],
        lambda: [hand.draw(spline(top), top[:1])],
        lambda: [hand.draw(arc(0, 0.3, 1, 0.9, -180, 0), top[:1])],
        lambda: [hand.box(-1, -0.1, 1, 0.3), hand.line((a - 0.1, -0.1), (a, roof), (b, roof), (b + 0.1, -0.1))],
        lambda: [hand.draw(top, *(arc(x, 0.3, r, r, 0, -180) for x in (0.55, -0.55)), top[:1])],
        p=(0.23, 0.12, 0.2, 0.12, 0.18, 0.15),
    )
    wheels, hubs = (hand.both(lambda s, k=k: hand.circle(s * 0.55, 0.36, r * k)) for k in (hand.between(0.8, 1), 0.3))
    middle, sill, high = (a + b) / 2, roof / 4, 0.8 * roof
    panes = hand.pick(
        lambda: [hand.line((middle, roof), (middle, sill)), hand.line((a - 0.05, sill), (b + 0.1, sill))],
        lambda: [hand.box(a + 0.05, high, middle - 0.05, sill), hand.box(middle + 0.05, high, b, sill)],
        lambda: [hand.line((a + 0.05, sill), (a + 0.1, high), (b, high), (b + 0.1, sill), (a + 0.05, sill))],
    )
    return [body, wheels] + [hubs] * hand.maybe(0.25) + [panes] * hand.maybe(0.45)


def cat(hand: Hand) -> Parts:
    """A head with two ears, eyes, nose, mouth and whiskers; one in six with a body, legs and a tail."""
    w, peak = hand.between(0.85, 1.1), (0.6 + hand.between(-0.05, 0.25), -0.75 - hand.between(0.3, 0.8))
    ears = np.array([(-0.95, -0.2), (-peak[0], peak[1]), (-0.3, -0.7), (0.3, -0.7), peak, (0.95, -0.2)]) * (w, 1)
    head = hand.pick(
        lambda: [[hand.draw(ears, arc(0, 0, w, 0.9, -12, 192))]],
        lambda: [[hand.circle(0, 0, w, 0.9)], hand.pair(hand.line, *ears[3:] * 0.9 - (0, 0.2))],
    )
    nose = hand.pick(hand.line((-0.1, 0.1), (0.1, 0.1), (0, 0.25), (-0.1, 0.1)), hand.dot(0, 0.15, 0.08))
    mouth = hand.pick(
        lambda: [hand.draw(*(arc(x, 0.4, 0.16, 0.14, 180, 0) for x in (-0.16, 0.16)))],
        lambda: [hand.smile(0.45, hand.between(0.2, 0.45), hand.between(0.05, 0.25))],
        lambda: hand.pair(hand.curve, (0, 0.25), (0.05, 0.45), (0.3, 0.5)),
    )
    n, start, end, y = hand.pick(2, 3), hand.between(0.2, 0.75), hand.between(1, 1.4), hand.between(0.1, 0.35)
    fan = [(y + 0.13 * k, y + hand.between(0.15, 0.35) * k) for k in np.arange(n) - (n - 1) / 2]
    whiskers = [hand.line((s * start, near), (s * end, far)) for s in (-1, 1) for near, far in fan]
    parts = head + [hand.eyes(0.37, -0.2, hand.between(0.08, 0.16))] * hand.maybe(0.93) + [[nose]] * hand.maybe(0.7)
    parts += [mouth] * hand.maybe(0.75) + [whiskers] * hand.maybe(0.6)
    return parts + _body(hand, curly=False) * hand.maybe(0.17)


def _body(hand: Hand, curly: bool) -> Parts:
    """The rest of an animal whose head is the unit circle: trunk, legs, tail."""
    w, h, y, leg = hand.between(1.2, 1.9), hand.between(0.7, 1.1), hand.between(0.2, 0.6), hand.between(0.5, 0.9)
    x, hip, end = 0.75 + w, y + 0.85 * h, 0.75 + 2 * w
    trunk = hand.circle(x, y, w, h, start=180) if hand.maybe(0.5) else hand.draw(arc(x, y, w, h, -160, 160))
    stands = [x + w * k for k in ((-0.55, -0.3, 0.3, 0.55) if hand.maybe(0.6) else (-0.5, 0.5))]
    legs = hand.pick(
        lambda: [hand.line((k, hip), (k + hand.between(-0.1, 0.1), y + h + leg)) for k in stands],
        lambda: [hand.flap(k - 0.12, hip, 0, leg, 0.27, hand.pick("round", "straight")) for k in stands],
    )
    loop = arc(end + 0.35, y - 0.2, 0.25, 0.25, 150, 570)
    curl = hand.draw(loop + np.linspace((-0.2, 0), (0.2, -0.4), len(loop)))
    long = hand.curve((end, y), (end + 0.5, y - 0.2), (end + 0.4, y - hand.between(1, 2)))
    return [[trunk], legs, [curl if curly else long]]


def face(hand: Hand) -> Parts:
    """A round with eyes and a mouth, mostly a nose, sometimes hair, ears or brows."""
    w, y, width = hand.between(0.75, 1.05), hand.between(0.35, 0.55), hand.between(0.3, 0.6)
    nose = hand.pick(
        lambda: hand.line((0.05, -0.2), (-0.12, 0.15), (0.1, 0.17)),
        lambda: hand.curve((-0.1, 0.1), (0, 0.2), (0.1, 0.1)),
        lambda: hand.circle(0, 0.1, 0.09),
    )
    mouth = [hand.smile(y, width, hand.pick(0, hand.between(0.1, 0.4), hand.between(0.2, 0.4)))]
    mouth += [hand.line((-width, y), (width, y))] * hand.maybe(0.15)
    ears = hand.pair(hand.curve, (w - 0.02, -0.25), (w + 0.22, -0.25), (w + 0.2, 0.1), (w - 0.02, 0.15))
    brows = hand.pair(hand.curve, (0.2, -0.5), (0.38, -0.58), (0.55, -0.48))
    parts = [[hand.circle(0, 0, w, 1)], hand.eyes(0.4 * w, -0.25, hand.between(0.08, 0.2))]
    parts += [[nose]] * hand.maybe(0.65) + [mouth] + [_hair(hand, w)] * hand.maybe(0.35)
    return parts + [ears] * hand.maybe(0.18) + [brows] * hand.maybe(0.12)


def _hair(hand: Hand, w: float) -> list[np.ndarray]:
    n, length, across = hand.pick(3, 4, 6), hand.between(0.3, 1.1), np.linspace(-0.7 * w, 0.7 * w, 13)
    return hand.pick(
        lambda: [hand.line(*((x, -0.6 - (k % 2) * hand.between(0.2, 0.35)) for k, x in enumerate(across)))],
        lambda: [hand.line((k * w, -0.95 + abs(k) / 5), (k * w * 1.3, -1.3)) for k in np.linspace(-0.5, 0.5, n)],
        lambda: hand.pair(hand.curve, (0, -1), (0.75 * w, -0.9), (1.15 * w, -0.2), (1.2 * w, length)),
    )


def pig(hand: Hand) -> Parts:
    """A round head with a big snout, two ears and eyes; two in five with a body and a curly tail."""
    w, y, sw, sh = hand.between(0.85, 1.1), hand.between(0.1, 0.4), hand.between(0.28, 0.45), hand.between(0.2, 0.32)
    up, out = hand.between(0.3, 0.6), hand.between(0, 0.35)
    ears = hand.pick(
        lambda: hand.pair(hand.line, (0.8 * w, -0.6), (0.7 + out, -0.8 - up), (0.3, -0.9)),
        lambda: hand.both(lambda s: hand.flap(s * 0.35, -0.8, s * 0.1, -up - 0.1, s * 0.45, "round")),
        lambda: hand.pair(hand.line, (0.4, -0.85), (0.8, -1.1), (1.15 + out, -0.6), (0.85 * w, -0.5)),
        p=(0.5, 0.3, 0.2),
    )
    nostrils = hand.pick(
        lambda: hand.both(lambda s: hand.dot(s * 0.4 * sw, y, 0.05)),
        lambda: hand.pair(hand.line, (0.35 * sw, y - 0.3 * sh), (0.35 * sw, y + 0.4 * sh)),
        lambda: hand.both(lambda s: hand.circle(s * 0.42 * sw, y, 0.18 * sw, 0.3 * sh)),
    )
    eyes = hand.eyes(0.4, hand.between(-0.4, -0.25), hand.between(0.08, 0.15))
    parts = [[hand.circle(0, 0, w, 0.95)], ears, eyes, [hand.circle(0, y, sw, sh), *nostrils]]
    parts += [[hand.smile(min(0.78, y + sh + 0.1), 0.3, 0.1)]] * hand.maybe(0.2)
    return parts + _body(hand, curly=True) * hand.maybe(0.42)


def radio(hand: Hand) -> Parts:
    """A box with an antenna, one or two loudspeakers, and some of: a dial, knobs, lines, a handle."""
    h, x = hand.between(0.35, 0.75), hand.between(-0.8, 0.8)
    tip = np.array((x + hand.between(-0.15, 0.5), -h - hand.between(0.5, 1.1)))
    antenna = hand.pick(
        lambda: [hand.line((x, -h), tip)] + [hand.circle(*tip - (0, 0.08), 0.08)] * hand.maybe(0.25),
        lambda: [hand.line((0.1, -h), (0.1 + s * hand.between(0.3, 0.7), tip[1])) for s in (-1, 1)],
        lambda: [hand.line((x, -h), tip, tip + (0.1, 0), (x + 0.1, -h))],
        p=(0.65, 0.2, 0.15),
    )
    r, places = min(hand.between(0.55, 0.8) * h, 0.38), hand.pick((-0.55, 0.55), (-0.55,), (0.55,), p=(0.6, 0.2, 0.2))
    sound = [hand.circle(s, 0.05, r) for s in places]
    for s, k in [(s, k * r) for s in places for k in (-0.4, 0, 0.4)] * hand.maybe(0.18):
        sound += [hand.line((s - r, 0.05 + k), (s + r, 0.05 + k)), hand.line((s + k, 0.05 - r), (s + k, 0.05 + r))]
    middle = hand.pick(
        lambda: [hand.box(-0.15, -0.6 * h, 0.2, -0.1 * h)],
        lambda: [hand.circle(k, 0.6 * h, 0.07) for k in np.linspace(-0.12, 0.18, hand.pick(2, 3))],
        lambda: [hand.line((-0.15, k * h), (0.2, k * h)) for k in np.linspace(-0.6, 0.6, hand.pick(3, 4, 5))],
    )
    handle = [hand.flap(-0.6, -h, 0.05, -0.35, 1.2, hand.pick("round", "straight"))]
    mute = hand.maybe(0.08)  # without a loudspeaker it needs the rest to be a radio
    parts = [[hand.box(-1, -h, 1, h)]] + [antenna] * (mute or hand.maybe(0.85)) + [sound] * (not mute)
    return parts + [middle] * (mute or hand.maybe(0.7)) + [handle] * hand.maybe(0.15)


def sun(hand: Hand) -> Parts:
    """A round with rays about it, drawn in turn or crosswise, or a zigzag; seldom a face."""
    r, n, gap = hand.between(0.35, 0.68), int(hand.between(5, 13)), hand.pick(0, 0.05, hand.between(0.05, 0.2))
    center, first = [hand.circle(0, 0, r * hand.between(0.85, 1.15), r)], hand.pick(-90, 180, hand.between(0, 360))
    if hand.maybe(0.12):
        radii, step = ((1 + gap) * r, hand.between(1.2, 1.5) * r), 180 / (n + 5)
        return [center, [hand.line(*(at(first + step * k, radii[k % 2]) for k in range(2 * n + 11)))]]
    angles = first + np.arange(n) * hand.pick(1, 1, -1) * 360 / n + hand.rng.normal(0, 60 / n, n)
    order = np.argsort(np.arange(n) % 2, kind="stable") if hand.maybe(0.25) else np.arange(n)
    rays = [[at(a, r + gap), at(a + hand.rng.normal(0, 6), hand.between(0.9, 1.2))] for a in angles[order]]
    rays = [hand.line(*(ray[::-1] if hand.maybe(0.12) else ray)) for ray in rays]
    smile = [*hand.eyes(0.4 * r, -0.25 * r, 0.08), hand.smile(0.3 * r, 0.4 * r, 0.2 * r)]
    return [center, rays] + [smile] * hand.maybe(0.07)


# word -> generator, spread of its tilt in degrees
CLASSES = {"airplane": (airplane, 12), "alarm clock": (alarm_clock, 4), "apple": (apple, 5), "candle": (candle, 3)}
CLASSES |= {"car": (car, 2), "cat": (cat, 6), "face": (face, 5), "pig": (pig, 5), "radio": (radio, 2), "sun": (sun, 10)}


def _finish(parts: Parts, hand: Hand, tilt: float) -> list[np.ndarray]:
    """The parts' strokes in the order of drawing, seen as a whole: mirrored, stretched, leaning, tilted."""
    for k in range(len(parts) - 1):
        if hand.maybe(0.12):
            parts[k : k + 2] = parts[k + 1], parts[k]
    stretch, lean = np.exp(hand.rng.normal(0, 0.12)), hand.rng.normal(0, 0.05)
    whole = np.array([[stretch * hand.pick(1, -1), 0], [lean, 1]]) @ turn(hand.rng.normal(0, tilt))
    return [stroke @ whole for part in parts for stroke in part]


@checked
def doodle(word: str, rng: np.random.Generator) -> Drawing:
    """One procedural drawing of a class, by the simplified recipe: integers in the 0..255 box, y down.

    Raises `DataError` for a class that is not one of the ten. Chapter 2 uses it where no real drawing is at hand.
    """
    return simplify_all([_by_hand(word, rng)])[0]


def _by_hand(word: str, rng: np.random.Generator) -> Drawing:
    if word not in CLASSES:
        hint = did_you_mean(word, CLASSES)
        raise DataError(f"no doodles of {word!r}: {hint} Known: {', '.join(CLASSES)}; other classes need real drawings.")
    make, tilt = CLASSES[word]
    hand = Hand(rng)
    return Drawing(tuple(_finish(make(hand), hand, tilt)), word)


@checked
def doodles(classes: Iterable[str], n: Count, seed: Seed) -> dict[str, list[Drawing]]:
    """`n` procedural drawings of each class: to the last bit the same for a seed, whatever other classes are asked for.

    The first drawings of a larger `n` are those of a smaller one. Raises `DataError` as `doodle` does.

    >>> made = doodles(["cat", "sun"], n=2, seed=0)
    >>> {name: len(drawings) for name, drawings in made.items()}
    {'cat': 2, 'sun': 2}
    """
    rngs = {word: np.random.default_rng([seed, crc32(word.encode())]) for word in classes}
    return {word: simplify_all([_by_hand(word, rng) for _ in range(n)]) for word, rng in rngs.items()}
