"""Chapter 14's numbers: what a recogniser reads of each side, class by class."""

from types import SimpleNamespace

import torch
from synthetic import sketch_set

from sketchlib.metrics.recogniser import Recogniser
from sketchlib.report.chapters import gallery
from sketchlib.strokes import Drawing

WORDS = ("cat", "alarm clock")


def found():
    torch.manual_seed(0)
    sketches, settings = sketch_set(6, WORDS), SimpleNamespace(temperature=0.4, pen_temperature=0.7)
    some = {word: sketches.drawings(word) for word in WORDS}
    shown = {"real": some, "single model": {word: [Drawing(())] * 3 for word in WORDS}, "router": some}
    return gallery.measure(Recogniser(WORDS, 16, 4).eval(), shown, settings)


def test_shares_of_all_are_those_of_the_classes_and_empty_sketches_are_not_read():
    numbers = found()
    assert numbers["s14_single"].value == numbers["s14_single_alarm_clock"].value == 0 and numbers["s14_single"].n == 6
    assert numbers["s14_real"] == numbers["s14_router"]._replace(what="read right, real")
    assert numbers["s14_real"].value == sum(numbers[f"s14_real_{word}"].value for word in ("cat", "alarm_clock")) / 2


def test_tables_say_the_setting_and_a_dash_for_a_class_that_was_not_read():
    numbers = found()
    table = gallery.reading_table(numbers, [*WORDS, "sun"]).splitlines()
    assert len(table) == 2 + 4 and table[4] == "| sun | – | – | – |" and table[5].startswith("| all |")
    setting = gallery.setting_table(numbers)
    assert "| guidance | 0 |" in setting and "| sketches of each class | 6 |" in setting
