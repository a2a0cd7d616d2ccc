"""Small runs of the campaigns; the large ones are recorded in campaigns/results."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import targets

HERE = Path(__file__).resolve().parent / "campaigns"
table = SimpleNamespace(**runpy.run_path(str(HERE / "table.py")))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_training_that_is_killed_ends_in_the_same_bits(tmp_path):
    command = [sys.executable, str(HERE / "kill.py"), "--kills", "6", "--out", str(tmp_path / "kill.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "kill.json").read_text())
    assert record["kills"] >= 6 and record["failures"] == 0 and all(one["kills"] >= 2 for one in record["architectures"].values())


def test_the_page_has_a_table_of_each_record_and_nothing_else():
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "results").glob("*.json")}
    shown = list(table.tables())
    assert found and len(shown) == 2 * len(found)
    for one in shown:
        assert all(len(row) == len(one.head) for row in one.rows)
        assert not one.command or (HERE.parents[1] / one.command.split()[1]).exists() or one.command.startswith("make fuzz ")
    if "fuzz" in found:
        record = found["fuzz"]
        assert (
            record["inputs"] == sum(one["inputs"] for one in record["targets"].values())
            and record["targets"].keys() <= targets.TARGETS.keys()
        )


def test_records_name_their_commit_and_no_machine():
    for path in (HERE / "results").glob("*.json"):
        made = json.loads(path.read_text(encoding="utf-8"))["made"]
        assert len(made["commit"]) == 40 and made["cores"] and made["instructions"] and "cpu" not in made
