"""Small runs of the campaigns; the large ones are recorded in campaigns/results."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "campaigns"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_training_that_is_killed_ends_in_the_same_bits(tmp_path):
    command = [sys.executable, str(HERE / "kill.py"), "--kills", "6", "--out", str(tmp_path / "kill.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "kill.json").read_text())
    assert record["kills"] >= 6 and record["failures"] == 0 and all(one["kills"] >= 2 for one in record["architectures"].values())
