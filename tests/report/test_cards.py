import json

import pytest

from sketchlib.files import trainings_before, weights_folder
from sketchlib.report.cards import HEAD, cards_table, folded, rows_of

CARDS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(weights_folder().rglob("*.json"))]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: "_".join(card["config"]["classes"][:2]))
def test_a_published_model_has_a_row_and_each_training_before_it_another(card):
    *before, row = [dict(zip(HEAD, row, strict=True)) for row in rows_of(card)]
    trainings = trainings_before(card)
    assert len(before) == len(trainings)
    assert row["profile"] == card["profile"] and row["seed"] == str(card["seed"])
    assert row["steps"].replace(",", "") == str(card["steps"]) and row["step kept"].replace(",", "") == str(card["best_step"])
    seen = sum(card["data"]["counts"]["train"][name] for name in card["config"]["classes"])
    assert row["training drawings"].replace(",", "") == str(seen)
    assert float(row["minutes"]) == pytest.approx(card["train_seconds"] / 60, rel=0.005)
    assert card["made"]["cpu"] in row["machine"] and row["commit"].startswith(f"`{card['made']['commit'][:12]}`")
    assert ("and changes" in row["commit"]) == card["made"]["changed"]
    for part, training in zip(before, trainings, strict=True):
        assert part["steps"].replace(",", "") == str(training["steps"]) and part["model"].startswith("its pretraining")


def test_a_training_from_which_several_models_started_stands_once():
    one = next(card for card in CARDS if trainings_before(card))
    other = {**one, "config": {**one["config"], "classes": ["somebody"]}, "data": {"counts": {"train": {"somebody": 1}}}}
    assert len(cards_table([one, other]).splitlines()) == 2 + len(trainings_before(one)) + 2


def test_models_are_told_by_their_classes():
    names = [row[0] for card in CARDS for row in rows_of(card)]
    single = next(card for card in CARDS if len(card["config"]["classes"]) > 1)
    assert "single model" in names and {f"VAE of {name}" for name in single["config"]["classes"]} < set(names)


def test_weights_made_from_changed_code_say_so():
    card = {**CARDS[0], "pretraining": None, "made": {**CARDS[0]["made"], "changed": True}}
    assert rows_of(card)[0][-1].endswith("and changes")


def test_a_graphics_card_is_named_in_place_of_the_processor():
    card = {**CARDS[0], "pretraining": None, "made": {**CARDS[0]["made"], "device": "some GPU"}}
    assert rows_of(card)[0][HEAD.index("machine")] == "some GPU"


def test_the_folded_table_is_whole_markdown_between_its_tags():
    text = folded(CARDS, "A title")
    head, _, rest = text.partition("\n\n")  # an empty line on both sides: else the table would be read as HTML
    assert head.endswith("<summary>A title</summary>") and rest == f"{cards_table(CARDS)}\n</details>\n"
    said = folded([], "A title", "How it is.")
    assert said == "<details>\n<summary>A title</summary>\n\nHow it is.\n\n</details>\n"
    assert all(line.count("|") == len(HEAD) + 1 for line in cards_table(CARDS).splitlines())
