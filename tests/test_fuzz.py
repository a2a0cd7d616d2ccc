"""Whatever bytes a reader is given, it reads them or says in one line what is wrong; a campaign can be run, and its record counts."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import targets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
KEPT = {name: [path.read_bytes() for path in sorted((CORPUS / name).iterdir())] for name in targets.TARGETS}

changes = st.lists(
    st.tuples(st.sampled_from(["byte", "cut", "double", "insert", "number"]), st.integers(0, 2**16), st.integers(0, 255)), max_size=5
)
NUMBERS = [b"\xff" * 8, b"\0" * 8, b"1e400", b"-1", b"[" * 200, b"\n", b'"', b"NaN", b"\x80", b"99999999999999999999"]


def changed(data: bytes, some) -> bytes:
    for kind, at, byte in some:
        at %= len(data) + 1
        parts = {
            "byte": data[:at] + bytes([byte]) + data[at + 1 :],
            "cut": data[:at],
            "double": data[:at] + data[max(0, at - byte) : at] + data[at:],
            "insert": data[:at] + bytes([byte]) + data[at:],
            "number": data[:at] + NUMBERS[byte % len(NUMBERS)] + data[at + 8 * (byte % 2) :],
        }
        data = parts[kind]
    return data


@pytest.mark.parametrize("name", targets.TARGETS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_has_changed_in_a_file_it_is_read_or_one_line_names_it(name, data, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SKETCHLIB_MAX_BYTES", str(2**24))
    path = tmp_path_factory.getbasetemp() / f"cat{targets.ENDINGS[name]}"
    path.write_bytes(changed(data.draw(st.sampled_from(KEPT[name])), data.draw(changes)))
    targets.take(name, path)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_corpus_holds_whole_files_and_all_of_it_is_taken(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SKETCHLIB_MAX_BYTES", str(2**24))
    path = tmp_path / f"cat{targets.ENDINGS[name]}"
    for number, data in enumerate(KEPT[name]):
        path.write_bytes(data)
        targets.take(name, path)
        if (CORPUS / name / f"seed-{number}").exists():
            path.write_bytes((CORPUS / name / f"seed-{number}").read_bytes())
            targets.TARGETS[name](path)  # a whole file raises nothing at all
    assert KEPT[name] and sum(map(len, KEPT[name])) < 60_000


def test_a_campaign_is_recorded(tmp_path):
    pytest.importorskip("atheris", reason="atheris is not installed (pip install 'sketchlib[fuzz]')")
    command = [sys.executable, ROOT / "fuzz" / "campaign.py", "--seconds", "2", "--targets", "binary", "--folder", tmp_path]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    one = record["targets"]["binary"]
    assert record["inputs"] == one["inputs"] > 0 and record["findings"] == 0 and one["findings"] == [] and one["covered"] > 0


def test_what_is_no_data_error_of_one_line_is_a_finding(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cat.bin"
        for bad in (ZeroDivisionError(), MemoryError(), targets.DataError("two\nlines of cat.bin"), targets.DataError("no name")):

            def reader(_, bad=bad):
                raise bad

            monkeypatch.setitem(targets.TARGETS, "binary", reader)
            with pytest.raises((ArithmeticError, MemoryError, AssertionError)):
                targets.take("binary", path)


CLAIMED = {
    "hidden_size": [3, 10**5, 10**9, -1, "2", None, 2.5],
    "embedding_size": [10**8, 0],
    "n_mixtures": [2, 10**7],
    "classes": [3, [], "x"],
}


@pytest.mark.parametrize(("entry", "value"), [(entry, value) for entry, values in CLAIMED.items() for value in values])
def test_sizes_that_a_weights_file_claims_are_compared_with_what_it_holds(tmp_path, entry, value):
    whole = (CORPUS / "weights" / "seed-0").read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    config = json.loads(header["__metadata__"]["config"]) | {entry: value}
    header["__metadata__"]["config"] = json.dumps(config)
    text = json.dumps(header).encode()
    path = tmp_path / "cat.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size :])
    with pytest.raises(targets.DataError, match=r"cat\.safetensors"):
        targets.TARGETS["weights"](path)
