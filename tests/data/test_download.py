"""Downloads against a server on this machine: ranges, resuming, changed files, checksums, errors, and no network."""

import hashlib
import io
import os
import socket
import threading
from contextlib import contextmanager

import pytest
from server import lines, npz_bytes, running

from sketchlib.data import download
from sketchlib.data.download import OfflineError, fetch, read_manifest, verified_sha256
from sketchlib.data.quickdraw import read_class
from sketchlib.errors import DataError


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with running() as state:
        yield state


CAT = "full/simplified/cat.ndjson"


def cats(folder):
    return (folder / "simplified" / "cat.ndjson").read_bytes()


def entry(folder, file="simplified/cat.ndjson"):
    return read_manifest(folder)[file]


# --- parts and whole files ---


@pytest.mark.parametrize("points", [3, 60, 900])
@pytest.mark.parametrize("ranges", [True, False])
def test_the_first_part_is_enough_whole_and_no_more_than_needed(server, tmp_path, points, ranges):
    server.files[CAT], server.ranges = lines(3000, points), ranges
    assert fetch(["cat"], tmp_path, 200, base_url=server.url) == tmp_path
    got = cats(tmp_path)
    assert server.files[CAT].startswith(got) and got.endswith(b"\n")
    count = got.count(b"\n")
    assert count >= 200 and len(list(read_class(tmp_path, "cat"))) == count
    assert len(got) <= 200 * len(got) // count + download.CHUNK
    assert entry(tmp_path) | {"version": ""} == {
        "url": server.url + CAT, "version": "", "total": len(server.files[CAT]), "bytes": len(got), "drawings": count,
        "sha256": hashlib.sha256(got).hexdigest(),
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["cat.ndjson", "manifest.json"]


@pytest.mark.parametrize("per_class", [None, 10_000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_class_with_fewer_drawings_comes_whole(server, tmp_path, per_class, end):
    server.files[CAT] = lines(50).rstrip() + end
    fetch(["cat"], tmp_path, per_class, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT] and entry(tmp_path)["drawings"] == 50
    asked = len(server.asked)
    fetch(["cat"], tmp_path, 20_000, base_url=server.url)
    assert len(server.asked) == asked  # there is no more to get


def test_names_are_quoted(server, tmp_path):
    server.files["full/simplified/alarm clock.ndjson"] = lines(9)
    fetch(["alarm clock"], tmp_path, 2, base_url=server.url)
    assert len(list(read_class(tmp_path, "alarm clock"))) == 9
    assert entry(tmp_path, "simplified/alarm clock.ndjson")["url"].endswith("simplified/alarm%20clock.ndjson")


def test_what_is_there_is_not_asked_for_again_even_without_a_network(server, tmp_path):
    server.files[CAT] = lines(3000)
    fetch(["cat"], tmp_path, 100, base_url=server.url)
    fetch(["cat"], tmp_path, 50, base_url="http://127.0.0.1:1/")


def test_more_drawings_than_before_are_added_to_those_there(server, tmp_path):
    server.files[CAT] = lines(9000)
    fetch(["cat"], tmp_path, 100, base_url=server.url)
    first, sent = cats(tmp_path), server.sent
    fetch(["cat"], tmp_path, 5000, base_url=server.url)
    second = cats(tmp_path)
    assert second.startswith(first) and second.count(b"\n") >= 5000
    assert server.sent - sent <= len(server.files[CAT]) - len(first)  # nothing came twice
    verified_sha256(tmp_path, tmp_path / "simplified" / "cat.ndjson")


def test_files_put_there_by_hand_are_left_alone(server, tmp_path):
    (tmp_path / "simplified").mkdir()
    (tmp_path / "simplified" / "cat.ndjson").write_bytes(lines(1))
    (tmp_path / "sketchrnn").mkdir()
    (tmp_path / "sketchrnn" / "sun.npz").write_bytes(npz_bytes())
    fetch(["cat", "sun"], tmp_path, 100, base_url=server.url)
    assert not server.asked and cats(tmp_path) == lines(1) and not read_manifest(tmp_path)


# --- broken connections ---


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_cut_midway_is_taken_up_again(server, tmp_path, ranges):
    server.files[CAT], server.ranges = lines(20_000), ranges
    server.cuts = [300_000, 500_000]
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT]
    if ranges:
        assert [span for _, span in server.asked] == ["bytes=0-", "bytes=300000-", "bytes=800000-"]


def test_a_connection_that_keeps_breaking_ends_with_an_error_and_the_next_call_goes_on(server, tmp_path):
    server.files[CAT] = lines(20_000)
    server.cuts = [10_000] * download.TRIES
    with pytest.raises(DataError, match=r"cat\.ndjson: the connection broke .* run again"):
        fetch(["cat"], tmp_path, None, base_url=server.url)
    assert not (tmp_path / "simplified" / "cat.ndjson").exists()
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert server.asked[-1][1] == f"bytes={10_000 * download.TRIES}-" and cats(tmp_path) == server.files[CAT]


def test_a_server_that_stops_sending_and_keeps_the_line_open_is_left_and_asked_again(server, tmp_path, monkeypatch):
    assert download.READ_SECONDS < 60
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    server.files[CAT], server.cuts, server.holds = lines(20_000), [300_000], True
    fetch(["cat"], tmp_path, None, base_url=server.url)
    server.go_on.set()
    assert cats(tmp_path) == server.files[CAT] and [span for _, span in server.asked] == ["bytes=0-", "bytes=300000-"]


def test_what_a_server_sends_beyond_what_it_announced_is_not_kept(server, tmp_path):
    server.files[CAT], server.too_much = lines(100), lines(50, seed=1)
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT] and read_manifest(tmp_path)["simplified/cat.ndjson"]["drawings"] == 100


def test_a_file_that_has_moved_is_followed(server, tmp_path):
    server.files["new.ndjson"], server.moved = lines(5), {CAT: f"{server.url}new.ndjson"}
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == lines(5)


@pytest.mark.parametrize("target", ["{url}" + "full/simplified/cat.ndjson", "file:///etc/hostname", "http://", "data:,x", "gopher://x/"])
def test_a_file_that_has_moved_in_a_circle_or_out_of_the_web_is_an_error_of_one_line(server, tmp_path, target):
    server.moved = {CAT: target.format(url=server.url)}
    with pytest.raises(DataError, match=r"cat\.ndjson") as error:
        fetch(["cat"], tmp_path, None, base_url=server.url)
    assert "\n" not in str(error.value) and not list(tmp_path.rglob("cat.ndjson")) and len(server.asked) < 30


def test_an_encrypted_address_that_leads_to_a_plain_one_is_refused(tmp_path, monkeypatch):
    answer = io.BytesIO(lines(5))
    answer.url, answer.headers, answer.status = "http://example.org/cat.ndjson", {"Content-Length": "1"}, 200
    monkeypatch.setattr(download, "urlopen", lambda *_, **__: answer)
    with pytest.raises(DataError, match=r"https://example\.org/.*cat\.ndjson leads to http://example\.org/cat\.ndjson, .* from elsewhere"):
        fetch(["cat"], tmp_path, None, base_url="https://example.org/")


def test_an_error_that_has_passed_is_forgotten(server, tmp_path):
    server.files[CAT], server.status = lines(10), 500
    with pytest.raises(DataError, match="answered 500.*try again later"):
        fetch(["cat"], tmp_path, None, base_url=server.url)
    server.status = 200
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT]


@pytest.mark.parametrize("etag", [True, False])
@pytest.mark.parametrize("size", [100, 10_000, 30_000])
def test_a_download_begins_again_where_the_file_has_changed_since(server, tmp_path, size, etag):
    server.files[CAT], server.cuts, server.etag = lines(20_000), [100_000] * download.TRIES, etag
    with pytest.raises(DataError):
        fetch(["cat"], tmp_path, None, base_url=server.url)
    server.files[CAT] = lines(size, seed=1)  # of another length: known even where a server gives no ETag
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT] and entry(tmp_path)["total"] == len(server.files[CAT])


def test_a_changed_file_of_the_same_length_is_known_by_its_etag(server, tmp_path):
    server.files[CAT], server.cuts = b'{"drawing": [[[1], [1]]]}\n' * 9000, [10_000] * download.TRIES
    with pytest.raises(DataError):
        fetch(["cat"], tmp_path, None, base_url=server.url)
    server.files[CAT] = b'{"drawing": [[[2], [2]]]}\n' * 9000
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT]


def test_a_part_without_a_record_is_not_trusted(server, tmp_path):
    server.files[CAT] = lines(20)
    (tmp_path / "simplified").mkdir()
    (tmp_path / "simplified" / "cat.ndjson.part").write_bytes(b"x" * 100)
    fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == server.files[CAT]


def test_the_old_file_stays_until_a_longer_one_is_whole(server, tmp_path):
    server.files[CAT] = lines(20_000)
    fetch(["cat"], tmp_path, 100, base_url=server.url)
    before = cats(tmp_path)
    server.cuts = [1000] * download.TRIES
    with pytest.raises(DataError):
        fetch(["cat"], tmp_path, None, base_url=server.url)
    assert cats(tmp_path) == before and len(list(read_class(tmp_path, "cat", 100))) == 100
    fetch(["cat"], tmp_path, 100, base_url="http://127.0.0.1:1/")  # and still counts


@pytest.mark.parametrize("before", [None, 100])
def test_a_download_stopped_before_it_was_put_in_place_is_put_there_by_the_next_call(server, tmp_path, monkeypatch, before):
    server.files[CAT] = lines(9000)
    if before:
        fetch(["cat"], tmp_path, before, base_url=server.url)

    def stopped(source, target):
        if str(target).endswith("cat.ndjson"):
            raise KeyboardInterrupt
        replace(source, target)

    replace = os.replace
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(os, "replace", stopped)
        fetch(["cat"], tmp_path, 5000, base_url=server.url)
    fetch(["cat"], tmp_path, 5000, base_url="http://127.0.0.1:1/")  # all is there
    assert cats(tmp_path).count(b"\n") >= 5000 and not list(tmp_path.rglob("*.part"))
    verified_sha256(tmp_path, tmp_path / "simplified" / "cat.ndjson")


# --- checks ---


def test_a_file_changed_after_its_download_is_an_error_that_says_what_to_do(server, tmp_path):
    server.files[CAT] = lines(3000)
    fetch(["cat"], tmp_path, 100, base_url=server.url)
    path = tmp_path / "simplified" / "cat.ndjson"
    path.write_bytes(path.read_bytes().replace(b"cat", b"dog", 1))
    for use in (lambda: fetch(["cat"], tmp_path, 100, base_url=server.url), lambda: verified_sha256(tmp_path, path)):
        with pytest.raises(DataError, match=r"cat\.ndjson is not as it was downloaded .* delete it"):
            use()
    path.unlink()
    fetch(["cat"], tmp_path, 100, base_url=server.url)
    assert verified_sha256(tmp_path, path) == hashlib.sha256(cats(tmp_path)).hexdigest() == entry(tmp_path)["sha256"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"simplified/cat.ndjson": 3}'])
def test_a_broken_manifest_is_named(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json is broken .* delete it"):
        fetch(["cat"], tmp_path)


def test_a_page_in_place_of_drawings_is_not_kept(server, tmp_path):
    server.files[CAT] = b"<html>\n<p>Please sign in.</p>\n</html>\n"
    with pytest.raises(DataError, match="something else than drawings"):
        fetch(["cat"], tmp_path, 1, base_url=server.url)
    assert not list((tmp_path / "simplified").iterdir())
    server.files[CAT] = lines(5)
    fetch(["cat"], tmp_path, 1, base_url=server.url)
    assert cats(tmp_path) == lines(5)


# --- errors ---


def test_a_class_that_the_server_does_not_know_is_answered_with_the_nearest(server, tmp_path):
    with pytest.raises(DataError, match="404.*did you mean 'alarm clock'"):
        fetch(["alarm clok"], tmp_path, 10, base_url=server.url)


def test_a_servers_error_is_passed_on_and_is_not_taken_for_no_network(server, tmp_path):
    server.files[CAT], server.status = lines(10), 503
    with pytest.raises(DataError, match="503.*later") as error:
        fetch(["cat"], tmp_path, 10, base_url=server.url)
    assert not isinstance(error.value, OfflineError)


@pytest.mark.parametrize("name", ["", "../cat", "a/b", "a\\b", ".hidden", "C:cat"])
def test_a_name_that_would_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="not the name of a class"):
        fetch([name], tmp_path / "data")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_an_error_that_names_the_folder(server, tmp_path, monkeypatch):
    server.files[CAT] = lines(100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_copy", full)
    with pytest.raises(DataError, match=r"No space left.*make room") as error:
        fetch(["cat"], tmp_path, 10, base_url=server.url)
    assert not isinstance(error.value, OfflineError)


# --- no network ---


@contextmanager
def silent():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def refused():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_a_refused_port_is_no_network(tmp_path):
    with pytest.raises(OfflineError, match=r"127\.0\.0\.1:\d+ cannot be reached .*SKETCHLIB_DATA"):
        fetch(["cat"], tmp_path / "data", 10, base_url=f"http://127.0.0.1:{refused()}/")
    assert not (tmp_path / "data").exists()


def test_a_host_that_keeps_silent_is_no_network(tmp_path, monkeypatch):
    assert download.ANSWER_SECONDS < 5
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.2)
    with silent() as port, pytest.raises(OfflineError, match="cannot be reached"):
        fetch(["cat"], tmp_path, 10, base_url=f"http://127.0.0.1:{port}/")


def test_a_name_service_that_hangs_does_not_hold_the_reader_up(tmp_path, monkeypatch):
    asked, end = threading.Event(), threading.Event()

    def hangs(*_, **__):
        asked.set()
        end.wait(20)
        raise OSError("name service gave up")

    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    with pytest.raises(OfflineError, match="no answer in 0.2 s"):
        fetch(["cat"], tmp_path, 10, base_url="http://drawings.invalid/")
    assert asked.is_set()
    end.set()
