"""Drawings from any format to any other: what comes back, what is said to be lost, what other programs read, and what is refused."""

import gzip
import json
import struct
import tracemalloc

import numpy as np
import pytest
from files import GOOD, binary, line_of, ndjson, npz, stroke3
from hypothesis import given, settings
from hypothesis import strategies as st

import sketchlib
from sketchlib import Drawing
from sketchlib.data.formats import convert, each, read, write
from sketchlib.data.quickdraw import read_raw, read_simplified, write_raw
from sketchlib.errors import DataError
from sketchlib.strokes import simplify, to_stroke3, to_stroke5

ENDINGS = [".ndjson", ".ndjson.gz", ".npz", ".bin", ".bin.gz", ".json", ".json.gz", ".stroke5.json", ""]
CAT = Drawing(([[0, 0], [30, 40]], [[10, 5], [255, 7], [3, 9]]), "cat")


def shape_of(drawing):
    return [stroke.tolist() for stroke in drawing.strokes]


points = st.tuples(st.integers(0, 255), st.integers(0, 255))
whole = st.lists(st.lists(st.lists(points, min_size=2, max_size=6), min_size=1, max_size=4), min_size=1, max_size=4)


@pytest.mark.parametrize("ending", ENDINGS)
@given(all_strokes=whole)
@settings(max_examples=8, deadline=None)
def test_drawings_in_the_datasets_box_come_back_as_they_were(tmp_path_factory, ending, all_strokes):
    drawings = [Drawing(tuple([[0, 0], *stroke] for stroke in strokes), "cat") for strokes in all_strokes]
    path = tmp_path_factory.mktemp("files") / f"cat{ending}"
    written = write(drawings, path)
    assert written.n == len(drawings) and written.lost == {} and str(written).startswith(f"{path}: {len(drawings)} drawing")
    found = read(path)
    assert [shape_of(one) for one in found] == [shape_of(one) for one in drawings] and {one.word for one in found} == {"cat"}
    assert [shape_of(one) for one in read(path, 1)] == [shape_of(drawings[0])] and read(path, 0) == []


def every_file(folder):
    """One file of every ending with the same two drawings, and a folder of two SVGs."""
    for ending in ENDINGS:
        write([CAT, CAT], folder / f"cat{ending}")
    return [folder / f"cat{ending}" for ending in ENDINGS]


def test_every_format_becomes_every_other(tmp_path):
    (tmp_path / "out").mkdir()
    for source in every_file(tmp_path):
        for ending in ENDINGS:
            target = tmp_path / "out" / f"cat{ending}"
            assert convert(source, target, force=True).n == 2
            assert [shape_of(one) for one in read(target)] == [shape_of(CAT)] * 2, (source, ending)


def test_coordinates_that_are_not_whole_come_back_exactly_where_the_format_holds_them(tmp_path):
    strokes = Drawing(([[0, 0], [0.1, -3e-7], [1e-3, 123456.7]], [[5, 5]]), "owl")
    write(strokes, tmp_path / "owl.svg")
    assert [shape_of(one) for one in read(tmp_path / "owl.svg")] == [shape_of(strokes)]
    for ending in (".npz", ".json", ".stroke5.json"):
        write(strokes, tmp_path / f"owl{ending}")
        (found,) = read(tmp_path / f"owl{ending}")
        assert np.array_equal(to_stroke3(found), to_stroke3(strokes)) or np.allclose(to_stroke3(found), to_stroke3(strokes), atol=0.01)
        with np.load(tmp_path / "owl.npz", allow_pickle=True) as parts:
            assert np.array_equal(parts["train"][0], to_stroke3(strokes))
    assert json.loads((tmp_path / "owl.json").read_text())[0] == [[*map(float, map(str, row)), int(lift)] for *row, lift in strokes.stroke3]


LOSSES = {
    "a half": (Drawing(([[0, 0], [0.5, 9]],), "cat"), {".ndjson": "coordinates rounded to whole numbers", ".bin": "coordinates rounded"}),
    "outside": (Drawing(([[0, 0], [-5, 9]],), "cat"), {".ndjson": "moved into the box", ".bin": "moved into the box"}),
    "too large": (Drawing(([[0, 0], [510, 0]],), "cat"), {".ndjson": "shrunk into the box", ".bin": "shrunk into the box"}),
    "a place": (Drawing(([[5, 5], [9, 9]],), "cat"), {".npz": "begins at 0, 0", ".json": "begins at 0, 0"}),
    "another class": (Drawing(([[0, 0], [9, 9]],), "dog"), dict.fromkeys([".npz", ".bin", ".json"], "file's name, 'cat'")),
    "a key": (Drawing(([[0, 0], [9, 9]],), "cat", "77", recognized=False), dict.fromkeys([".npz", ".json", ".svg"], "its key")),
    "a key of letters": (Drawing(([[0, 0], [9, 9]],), "cat", "a"), dict.fromkeys([".bin", ".npz", ".json", ".svg"], "its key")),
}


@pytest.mark.parametrize("case", LOSSES)
def test_what_a_format_cannot_hold_is_said_and_nothing_else(tmp_path, case):
    drawing, said = LOSSES[case]
    for ending in (".ndjson", ".npz", ".bin", ".json", ".svg"):
        written = write(drawing, tmp_path / f"cat{ending}")
        assert len(written.lost) == (ending in said) and said.get(ending, "") in str(written)


def test_what_is_moved_or_shrunk_keeps_its_shape(tmp_path):
    write([Drawing(([[-5, 0], [9, 9]],)), Drawing(([[0, 0], [510, 20]],))], tmp_path / "cat.bin")
    assert [shape_of(one) for one in read(tmp_path / "cat.bin")] == [[[[0, 0], [14, 9]]], [[[0, 0], [255, 10]]]]


def test_keys_words_and_what_was_recognised_stand_in_a_simplified_file(tmp_path):
    drawings = [Drawing(([[0, 0], [9, 9]],), word, key, recognized=known) for word, key, known in (("a/b", "7", True), (".", None, None))]
    write(drawings, tmp_path / "x.ndjson")
    assert [(one.word, one.key_id, one.recognized) for one in read_simplified(tmp_path / "x.ndjson")] == [
        ("a/b", "7", True),
        (".", None, None),
    ]


@pytest.mark.parametrize("name", ["full_raw_cat.ndjson", "raw/cat.ndjson", "full_raw_cat.ndjson.gz"])
def test_a_raw_file_has_times_that_do_not_go_back_and_is_read_as_raw(tmp_path, name):
    (tmp_path / "raw").mkdir()
    (tmp_path / name).parent.joinpath("x").touch()
    written = write([Drawing(()), CAT], tmp_path / name)
    assert written.lost == {"its times are made up": 2}
    text = (tmp_path / name).read_bytes()
    line = json.loads((gzip.decompress(text) if name.endswith("gz") else text).splitlines()[1])
    times = [at for stroke in line["drawing"] for at in stroke[2]]
    assert times == sorted(times) and line["drawing"][0][:2] == [[0, 30], [0, 40]]
    assert [shape_of(one) for one in read(tmp_path / name)] == [[], shape_of(simplify(CAT))]


def test_a_raw_file_is_known_by_what_is_in_it(tmp_path):
    strokes = Drawing(([[0.5, 0], [510.5, 0], [510.5, 3]],), "cat")
    write_raw([strokes], tmp_path / "cat.ndjson")
    assert [shape_of(one) for one in read(tmp_path / "cat.ndjson")] == [shape_of(one) for one in read_raw(tmp_path / "cat.ndjson")]
    assert shape_of(read(tmp_path / "cat.ndjson")[0]) == shape_of(simplify(strokes))


def test_an_npz_has_its_three_parts_in_order_as_int16(tmp_path):
    drawings = [Drawing(([[0, 0], [n, 1]],), "cat") for n in range(60)]
    write(drawings, tmp_path / "cat.npz")
    with np.load(tmp_path / "cat.npz", allow_pickle=True, encoding="latin1") as parts:
        assert [len(parts[name]) for name in ("train", "valid", "test")] == [56, 2, 2]
        assert all(rows.dtype == np.int16 for name in parts for rows in parts[name])
    write(drawings[:1], tmp_path / "one.npz")
    assert len(read(tmp_path / "one.npz")) == 1


# --- other programs ---


def test_the_quickdraw_package_reads_our_binary_files(tmp_path):
    quickdraw = pytest.importorskip("quickdraw")
    drawings = [CAT, Drawing(([[1, 2]], [[255, 0], [0, 255]]), "cat", str(2**63), recognized=False)]
    write(drawings, tmp_path / "cat.bin")
    group = quickdraw.QuickDrawDataGroup("cat", max_drawings=None, cache_dir=str(tmp_path), print_messages=False)
    for number, drawing in enumerate(drawings):
        found = group.get_drawing(number)
        assert [[list(point) for point in stroke] for stroke in found.strokes] == shape_of(drawing)
        assert (found.key_id, bool(found.recognized)) == (int(drawing.key_id or 0), drawing.recognized is not False)
        assert found.image.size == (255, 255)


def test_what_sketch_rnn_in_javascript_encodes_is_stroke_5_with_one_end_row(tmp_path):
    write(CAT, tmp_path / "cat.stroke5.json")
    (rows,) = json.loads((tmp_path / "cat.stroke5.json").read_text())
    assert rows == to_stroke5(CAT.stroke3).tolist() and rows[-1] == [0, 0, 0, 0, 1] and all(sum(row[2:]) == 1 for row in rows)


def test_json_is_read_as_one_drawing_as_a_list_and_in_parts(tmp_path):
    path, rows = tmp_path / "cat.json", [[3, 4, 0], [1, 2, 1]]
    for values, n in ((rows, 1), ([rows] * 2, 2), ({"train": [rows], "test": [rows, rows]}, 3), ([[], rows], 2)):
        path.write_text(json.dumps(values))
        found = read(path)
        assert len(found) == n and found[-1].stroke3.tolist() == rows and found[-1].word == "cat"


# --- folders ---


def test_a_folder_is_read_in_the_order_of_its_names_whatever_its_files_are(tmp_path):
    for n in (10, 9, 100):
        write(Drawing(([[0, 0], [n, 1]],), "cat"), tmp_path / f"cat-{n}.svg")
    ndjson(tmp_path / "a.ndjson", GOOD, GOOD)
    for name in ("manifest.json", ".cat-1.svg", "notes.txt"):
        (tmp_path / name).write_text("no drawing")
    assert [one.bounds()[2] for one in read(tmp_path)] == [20, 20, 9, 10, 100] and len(read(tmp_path, 3)) == 3


@pytest.mark.parametrize("word", ["a/b", "../../etc/passwd", ".", "..", ".hidden", "", "a\\b", "x\0y", "é" * 200, "con:*?", "alarm clock"])
def test_a_class_is_no_way_out_of_a_folder_and_comes_back(tmp_path, word):
    write([Drawing(([[0, 0], [3, 4]],), word)] * 2, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"] and len(list((tmp_path / "out").glob("*-0000[12].svg"))) == 2
    found = {one.word for one in read(tmp_path / "out")}
    assert found == {word.replace("\0", "")} if word else found == {"drawing-00001", "drawing-00002"}


# --- what is refused, and leaves nothing ---


def left(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ending", [*ENDINGS, ".svg"])
def test_nothing_is_overwritten_without_force_and_nothing_half_written(tmp_path, ending):
    (tmp_path / "in").mkdir()
    target = tmp_path / f"cat{ending}"
    write(CAT, target)
    before = left(tmp_path)
    with pytest.raises(DataError, match="is there already.*force"):
        write(CAT, target)
    assert left(tmp_path) == before
    bad = Drawing(([[0, 0], [np.nan, 1]],), "cat")
    for some, says in (
        ([], "no drawing"),
        ([CAT, bad], "NaN or infinite|holds one drawing"),
        ([CAT, "cat"], "'cat'.*allowed: a Drawing"),
        ([bad], "drawing 0"),
    ):
        with pytest.raises(DataError, match=says):
            write(some, target, force=True)
        with pytest.raises(DataError, match=says):
            write(some, tmp_path / "in" / f"new{ending}")
        assert left(tmp_path) == before and not any((tmp_path / "in").iterdir())
    write(Drawing(([[0, 0], [1, 1]],), "cat"), target, force=True)
    assert read(target)[0].n_points == 2


def test_a_source_that_breaks_off_leaves_no_target(tmp_path):
    source = ndjson(tmp_path / "cat.ndjson", GOOD, "not JSON")
    for ending in ENDINGS[1:]:
        with pytest.raises(DataError, match="cat.ndjson, line 2"):
            convert(source, tmp_path / f"out{ending}")
    assert set(left(tmp_path)) == {"cat.ndjson"}


def test_what_cannot_be_done_is_said_before_anything_is_read(tmp_path):
    source = ndjson(tmp_path / "cat.ndjson", GOOD, GOOD)
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "cat.gen.json").write_text('[{"name": "cat"}, [], []]')
    for target, says in (("no/cat.npz", "folder .*no does not exist"), ("cat.txt", "written to .ndjson, .npz"), ("cat.csv", "written to")):
        with pytest.raises(DataError, match=says):
            convert(source, tmp_path / target)
    with pytest.raises(DataError, match="holds one drawing, and there are several"):
        convert(source, tmp_path / "cat.svg")
    assert convert(source, tmp_path / "cat.svg", limit=1).n == 1
    for name, says in (
        ("no.npz", "does not exist"),
        ("empty", "holds no file; expected"),
        ("cat.gen.json", "drawings are read from .ndjson"),
    ):
        with pytest.raises(DataError, match=says):
            read(tmp_path / name)
    with pytest.raises(DataError, match="limit is -1"):
        read(source, -1)


WRONG = [
    b"",
    b"\n",
    b"hello",
    b"\x00" * 40,
    b"{}",
    b"[]",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"<svg/>",
    b'"x"',
    b"[[1]]",
    b"[{}]",
    b"[[[1,2]]]",
    b"null",
]


@pytest.mark.parametrize("ending", [".ndjson", ".csv", ".npz", ".bin", ".json", ".svg"])
@pytest.mark.parametrize("content", WRONG)
def test_what_is_not_the_format_is_one_sentence_that_names_the_file(tmp_path, ending, content):
    path = tmp_path / f"cat{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"cat\{ending}") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_file_cut_at_any_byte_gives_its_drawings_or_one_sentence(tmp_path):
    for path in every_file(tmp_path):
        if path.is_dir():
            path = sorted(path.iterdir())[0]
        whole = path.read_bytes()
        for size in range(0, len(whole), 1 if len(whole) < 300 else 7):
            path.write_bytes(whole[:size])
            try:
                assert all(shape_of(one) == shape_of(CAT) for one in each(path)), (path, size)
            except DataError as error:
                assert path.name in str(error)


def test_names_at_the_top_are_these():
    assert (sketchlib.read, sketchlib.write, sketchlib.convert) == (read, write, convert)


def test_too_many_points_for_a_binary_file_are_said(tmp_path):
    with pytest.raises(DataError, match="has 65536 strokes, or points in one"):
        write(Drawing((np.zeros((2**16, 2)),), "cat"), tmp_path / "cat.bin")
    assert not left(tmp_path)


def test_sizes_in_a_binary_file_are_checked_against_it(tmp_path):
    (tmp_path / "cat.bin").write_bytes(binary([[(1, 2)]])[:15] + struct.pack("<HH", 65535, 65535) + b"xx")
    with pytest.raises(DataError, match="cut off at byte 21"):
        read(tmp_path / "cat.bin")


def test_what_one_piece_takes_is_limited_and_the_limit_can_be_raised(tmp_path, monkeypatch):
    files = [npz(tmp_path / "cat.npz", [stroke3(3000)]), ndjson(tmp_path / "cat.ndjson", line_of([[list(range(200)) * 9] * 2]))]
    files += [tmp_path / "cat.json", tmp_path / "cat.svg"]
    files[2].write_text(json.dumps([stroke3(900).tolist()]))
    files[3].write_text(Drawing((np.arange(1800).reshape(-1, 2),)).svg())
    for path in files:
        monkeypatch.setenv("SKETCHLIB_MAX_BYTES", "10000")
        with pytest.raises(DataError, match=rf"cat\{path.suffix}.* takes more than \d+ .*SKETCHLIB_MAX_BYTES to more than 10000"):
            read(path)
        monkeypatch.setenv("SKETCHLIB_MAX_BYTES", "10000000")
        assert len(read(path)) == 1
    for bad in ("0", "-1", "many", "1e9", "٣"):
        monkeypatch.setenv("SKETCHLIB_MAX_BYTES", bad)
        with pytest.raises(DataError, match="SKETCHLIB_MAX_BYTES is"):
            read(files[0])


def test_texts_in_place_of_numbers_are_not_made_as_long_as_the_longest(tmp_path):
    path = ndjson(tmp_path / "cat.ndjson", line_of([[["x" * 50_000] + [""] * 20_000] * 2]))
    tracemalloc.start()
    with pytest.raises(DataError, match="line 1: not a drawing"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_drawing_that_the_live_page_saved_is_read_with_its_word(tmp_path):
    path = tmp_path / "sketch.json"
    path.write_text('{"word": "alarm clock", "stroke3": [[30, 40, 0], [1, 2, 1]], "by_reader": 1}')
    (one,) = read(path)
    assert one.word == "alarm clock" and one.stroke3.tolist() == [[30, 40, 0], [1, 2, 1]]
    path.write_text('{"word": "", "stroke3": [[30, 40, "up"]]}')
    with pytest.raises(DataError, match="drawing 0"):
        read(path)
