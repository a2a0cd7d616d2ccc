"""The tables of the recorded campaigns, as the book shows them: a title, the command that repeats it, and rows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results"


class Table(NamedTuple):
    """A table under its title, with the command that makes its record anew."""

    title: str
    command: str
    head: list[str]
    rows: list[list]


def tables(folder: Path = RESULTS) -> Iterator[Table]:
    """The tables of those campaigns that a folder has a record of."""
    for name, of in {"fuzz": fuzzed, "kill": killed, "books": books, "tests": counted}.items():
        if (folder / f"{name}.json").exists():
            record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            yield of(record)
            yield Table("", "", ["this campaign", "value"], about(record))


def about(record: dict) -> list[list]:
    """What a campaign ran on."""
    own = {name: value for name, value in record.items() if isinstance(value, int | float) and name != "seed"}
    seed = {"seed": record["seed"]} if "seed" in record else {}
    return [[name, f"{value:,}" if name in own else str(value)] for name, value in (own | seed | record["made"]).items()]


def fuzzed(record: dict) -> Table:
    head = ["target", "inputs", "seconds", "places in the code reached", "inputs kept", "findings"]
    names = ("inputs", "seconds", "covered", "kept")
    rows = [[name, *(f"{one[what]:,}" for what in names), len(one["findings"])] for name, one in record["targets"].items()]
    return Table("Files that a fuzzer changes", 'make fuzz FUZZ="--seconds 3000 --inputs 65000"', head, rows)


def killed(record: dict) -> Table:
    head = ["architecture", "kills", "trainings", "compared to the last bit", "ended otherwise"]
    rows = [
        [name, one["kills"], one["runs"], ", ".join(one["compared"]), len(one["failures"])] for name, one in record["architectures"].items()
    ]
    return Table("Trainings that are killed", f"python tests/campaigns/kill.py --kills {record['kills']}", head, rows)


def books(record: dict) -> Table:
    head = ["killed after, seconds", "while it made"]
    rows = [[f"{one['after']:.1f}", one["while"]] for one in record["moments"]]
    return Table("A build of the book that is killed", f"python tests/campaigns/books.py --kills {record['kills']}", head, rows)


def counted(record: dict) -> Table:
    head = ["what is tried in the tests", "file", "cases"]
    rows = [[what, f"`{one['file']}`", f"{one['cases']:,}"] for what, one in record["of"].items()]
    return Table("What the tests try each time", "python tests/campaigns/count.py", head, rows)


def text_of(table) -> str:
    """All tables in Markdown; `table` makes one of a head and rows."""
    text = ""
    for one in tables():
        text += f"\n## {one.title}\n\n`{one.command}`\n\n" if one.title else "\n"
        text += table(one.head, one.rows)
    return text or "\nNo campaign is recorded yet.\n"
