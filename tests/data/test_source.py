"""The order in which drawings are looked for, and that it never changes silently."""

import hashlib
import json

import pytest

from sketchlib.data import download, source
from sketchlib.data.download import OfflineError
from sketchlib.data.source import ensure, fingerprint, load_drawings, locate
from sketchlib.errors import DataError


def write(folder, name, n, x=1):
    path = folder / "simplified" / f"{name}.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"word": name, "key_id": str(i), "drawing": [[[0, x], [0, i]]]}) + "\n" for i in range(n)))
    return path


def record(folder, name, drawings):
    path = folder / "simplified" / f"{name}.ndjson"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = {"url": "", "version": "", "total": 10**6, "bytes": path.stat().st_size, "drawings": drawings, "sha256": digest}
    download._record(folder, f"simplified/{name}.ndjson", entry)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project without a network, and the addresses that were asked."""
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    monkeypatch.delenv("SKETCHLIB_DATA", raising=False)
    asked = []

    def no_answer(base_url):
        asked.append(base_url)
        raise OfflineError("nothing answers")

    monkeypatch.setattr(download, "_require_answer", no_answer)
    return tmp_path, asked


def test_the_folder_that_was_named_comes_first_and_nothing_is_downloaded(project, tmp_path_factory, monkeypatch):
    own, asked = project
    named = tmp_path_factory.mktemp("named")
    write(own / "data", "cat", 5)
    path = write(named, "cat", 30, x=2)
    monkeypatch.setenv("SKETCHLIB_DATA", str(named))
    drawings, found = load_drawings(["cat"], 12)
    assert [d.key_id for d in drawings["cat"]] == [str(i) for i in range(12)] and drawings["cat"][0].bounds()[2] == 2
    assert found.kind == "folder" and str(named) not in json.dumps([found.where, found.files]) and not asked
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.files == {"cat": {"name": "simplified/cat.ndjson", "sha256": digest, "drawings": 12, "unrecognized": 0}}


def test_a_named_folder_that_is_missing_or_lacks_a_class_is_an_error_and_never_a_fallback(project, monkeypatch):
    own, asked = project
    write(own / "data", "cat", 5)
    monkeypatch.setenv("SKETCHLIB_DATA", str(own / "nowhere"))
    for use in (lambda: load_drawings(["cat"]), lambda: locate(["cat"]), lambda: fingerprint(["cat"])):
        with pytest.raises(DataError, match="SKETCHLIB_DATA names .*nowhere"):
            use()
    write(own / "elsewhere", "sun", 5)
    monkeypatch.setenv("SKETCHLIB_DATA", str(own / "elsewhere"))
    with pytest.raises(DataError, match="'cat' is not in"):
        load_drawings(["sun", "cat"])
    assert not asked


def test_files_put_into_the_project_come_second(project):
    own, asked = project
    write(own / "data", "cat", 5)
    drawings, found = load_drawings(["cat"], 100)
    assert len(drawings["cat"]) == 5 and (found.kind, found.where) == ("project", "data/ in the project") and not asked


def test_missing_classes_are_downloaded_third(project, monkeypatch):
    own, _ = project
    write(own / "data", "cat", 5)
    monkeypatch.setattr(download, "_require_answer", lambda base_url: None)

    def served(folder, name, per_class, base_url):
        write(folder, name, per_class)
        record(folder, name, per_class)

    monkeypatch.setattr(download, "_fetch_one", served)
    drawings, found = load_drawings(["cat", "sun"], 7)
    assert (len(drawings["cat"]), len(drawings["sun"])) == (5, 7) and found.kind == "downloaded"
    assert load_drawings(["cat", "sun"], 7)[1] == found  # and the next run says the same


def test_doodles_come_last_and_are_named_as_such(project, capsys):
    own, asked = project
    drawings, found = load_drawings(["cat", "sun"], 4)
    assert asked and found.kind == "doodles" and locate(["cat", "sun"])[1] is None and not (own / "data").exists()
    assert [len(members) for members in drawings.values()] == [4, 4] and "no real drawing" in found.where
    assert found.files["cat"] == {"name": "sketchlib.data.doodles", "sha256": None, "drawings": 4, "unrecognized": 0}
    assert "nothing answers" in (said := capsys.readouterr().out) and "own doodles are used" in said


def test_where_some_classes_are_there_and_others_cannot_be_had_it_is_said_and_doodles_are_not_drawn(project):
    own, _ = project
    write(own / "data", "cat", 30)
    (own / "data" / "sunny.txt").write_text("")
    for use in (load_drawings, ensure, locate, fingerprint):
        with pytest.raises(DataError, match=r"data has no drawings of sun, pig, but of cat; connect .* Not read: sunny.txt; names"):
            use(["cat", "sun", "pig"])
    assert load_drawings(["cat"], 4)[1].kind == "project"


def test_files_that_no_class_is_read_from_are_named_before_doodles_are_drawn(project, capsys):
    own, _ = project
    (own / "data").mkdir()
    for n in range(7):
        (own / "data" / f"cat{n}.zip").write_text("")
    assert load_drawings(["cat"], 4)[1].kind == "doodles"
    assert "Not read: cat0.zip, cat1.zip, cat2.zip, cat3.zip, cat4.zip, 2 more; names" in capsys.readouterr().out


def test_a_file_as_a_page_hands_it_out_is_not_downloaded_again(project):
    own, asked = project
    write(own / "data", "full_simplified_cat", 5)
    drawings, found = load_drawings(["cat"], 3)
    assert len(drawings["cat"]) == 3 and found.kind == "project" and not asked


@pytest.mark.parametrize("per_class", [None, 3, 1])
def test_drawings_that_the_game_did_not_recognise_are_left_out_on_request_and_counted_either_way(project, per_class):
    own, _ = project
    known = [True, False, True, True, False, True, None]
    lines = [json.dumps({"key_id": n, "recognized": one, "drawing": [[[0, 1], [0, n]]]}) for n, one in enumerate(known)]
    (own / "data").mkdir()
    (own / "data" / "cat.ndjson").write_text("\n".join(lines))
    for unrecognized in (True, False):
        drawings, found = load_drawings(["cat"], per_class, unrecognized)
        wanted = [n for n, one in enumerate(known) if unrecognized or one is not False][:per_class]
        assert [d.key_id for d in drawings["cat"]] == list(map(str, wanted))
        seen = known[: max(wanted, default=-1) + 1]
        assert (found.files["cat"]["drawings"], found.files["cat"]["unrecognized"]) == (len(wanted), seen.count(False))


def test_fewer_drawings_than_asked_are_used_with_a_word_when_no_more_can_be_had(project, capsys):
    own, asked = project
    write(own / "data", "cat", 5)
    record(own / "data", "cat", 5)
    drawings, found = load_drawings(["cat"], 9)
    assert len(drawings["cat"]) == 5 and found.kind == "downloaded" and asked
    assert "fewer than asked" in capsys.readouterr().out


def test_a_servers_error_is_an_error_and_no_reason_for_doodles(project, monkeypatch):
    def broken(*_):
        raise DataError("answered 503")

    monkeypatch.setattr(download, "_require_answer", lambda base_url: None)
    monkeypatch.setattr(download, "_fetch_one", broken)
    with pytest.raises(DataError, match="503"):
        ensure(["cat"])


def test_a_downloaded_file_that_has_changed_is_refused_wherever_it_is_read(project, monkeypatch):
    own, _ = project
    path = write(own / "data", "cat", 5)
    record(own / "data", "cat", 5)
    path.write_text(path.read_text() + path.read_text())
    with pytest.raises(DataError, match="not as it was downloaded"):
        load_drawings(["cat"], 5)
    monkeypatch.setenv("SKETCHLIB_DATA", str(own / "data"))
    with pytest.raises(DataError, match="not as it was downloaded"):
        load_drawings(["cat"], 5)


def test_other_classes_are_those_of_the_folder_in_the_simplified_format(project, monkeypatch):
    folder, _ = project
    assert source.other_classes(["cat"]) == []
    for name in ("cat", "pig", "sun"):
        write(folder / "drawings", name, 2)
    (folder / "drawings" / "sketchrnn").mkdir()
    (folder / "drawings" / "sketchrnn" / "kanji.npz").write_bytes(b"")
    monkeypatch.setenv("SKETCHLIB_DATA", str(folder / "drawings"))
    assert source.other_classes(["cat"]) == ["pig", "sun"]


def test_the_fingerprint_changes_with_the_data_and_not_without(project, monkeypatch):
    own, _ = project
    seen = [fingerprint(["cat"])]
    write(own / "data", "cat", 5)
    seen.append(fingerprint(["cat"]))
    write(own / "data", "cat", 6)
    seen.append(fingerprint(["cat"]))
    write(own / "data", "sun", 6)
    assert fingerprint(["cat"]) == seen[-1]
    seen.append(fingerprint(["cat", "sun"]))
    monkeypatch.setenv("SKETCHLIB_DATA", str(own / "data"))
    seen.append(fingerprint(["cat"]))
    assert len(set(seen)) == len(seen)
