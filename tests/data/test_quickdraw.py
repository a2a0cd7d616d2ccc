"""Readers of the dataset's formats: what they yield, that broken files are named, and that nothing in a file is executed."""

import gzip
import os
import pickle
import struct
import warnings
import zipfile

import numpy as np
import pytest
from files import GOOD, archive, binary, columns, line_of, ndjson, npy_of, npz, object_array, stroke3
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchlib.data.npz import read_npz
from sketchlib.data.quickdraw import TEN_CLASSES, class_names, find_class, read_binary, read_class, read_raw, read_simplified
from sketchlib.errors import DataError
from sketchlib.strokes import Drawing, simplify, to_stroke3, to_stroke5

coordinates = st.integers(0, 255)
strokes_lists = st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8), min_size=1, max_size=5)


def same(drawing, strokes):
    return len(drawing.strokes) == len(strokes) and all(map(np.array_equal, drawing.strokes, strokes))


# --- what they yield ---


@given(st.lists(strokes_lists, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_simplified_and_binary_files_give_back_what_was_written(tmp_path_factory, all_strokes):
    folder = tmp_path_factory.mktemp("data")
    path = ndjson(folder / "sun.ndjson", *(line_of([columns(s) for s in strokes], "cat") for strokes in all_strokes))
    (folder / "sun.bin").write_bytes(binary(*all_strokes))
    for reader, file, word, key_id in ((read_simplified, path, "cat", "5527951716122624"), (read_binary, folder / "sun.bin", "sun", "7")):
        found = list(reader(file))
        assert len(found) == len(all_strokes)
        for drawing, strokes in zip(found, all_strokes, strict=True):
            assert same(drawing, strokes) and drawing.strokes[0].dtype == np.float32
            assert (drawing.word, drawing.key_id) == (word, key_id)


def test_a_line_without_word_or_key_takes_the_files_name(tmp_path):
    path = ndjson(tmp_path / "alarm clock.ndjson", line_of([[[1], [2]]], None, None), "", line_of([[[1], [2]]], "cat", 12))
    first, second = read_simplified(path)
    assert (first.word, first.key_id) == ("alarm clock", None) and (second.word, second.key_id) == ("cat", "12")


def test_raw_drawings_come_by_the_simplified_recipe(tmp_path):
    strokes = [[[100.5, 300.25, 410.0], [50.0, 60.5, 400.0], [0, 16, 33]], [[120.0, 130.0], [80.0, 90.0], [50, 60]]]
    (found,) = read_raw(ndjson(tmp_path / "cat.ndjson", line_of(strokes)))
    expected = simplify(Drawing(tuple(np.array(stroke[:2]).T for stroke in strokes)))
    assert same(found, expected.strokes) and found.bounds()[:2] == (0, 0) and max(found.bounds()) == 255


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float16, np.float32, np.float64, ">i2"])
def test_npz_parts_come_merged_in_order_with_all_their_rows(tmp_path, kind):
    members = [stroke3(n, n, kind) for n in (3, 1, 12, 7, 5)]
    found = list(read_npz(npz(tmp_path / "cat.npz", members[:3], members[3:4], members[4:])))
    assert [to_stroke3(d).tolist() for d in found] == [m.tolist() for m in members]
    assert {d.word for d in found} == {"cat"} and all((d.strokes[0][0] == 0).all() for d in found)


def test_npz_of_equally_long_drawings_is_a_plain_array_and_is_read_too(tmp_path):
    parts = {name: np.stack([stroke3(6, seed) for seed in range(3)]) for name in ("train", "valid", "test")}
    np.savez(tmp_path / "cat.npz", **parts)
    assert [to_stroke3(d).tolist() for d in read_npz(tmp_path / "cat.npz")] == np.concatenate(list(parts.values())).tolist()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_of_every_pickle_protocol_that_numpy_wrote_are_read(tmp_path, protocol):
    members = [stroke3(4), np.asfortranarray(stroke3(9))]
    path = archive(tmp_path / "cat.npz", pickle.dumps(object_array(members), protocol))
    assert [to_stroke3(d).tolist() for d in read_npz(path, 2)] == [m.tolist() for m in members]


def python2_pickle(members):
    """As Python 2's numpy wrote it: the bytes of arrays are strings, to be read as latin-1."""

    def text(data):
        return b"T" + struct.pack("<I", len(data)) + data

    def number(value):
        return b"J" + struct.pack("<i", value)

    def array(shape, dtype, state, data):
        head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(" + number(0) + b"t" + text(b"b") + b"tR("
        kind = b"cnumpy\ndtype\n(" + text(dtype) + number(0) + number(1) + b"tR(" + state + b"tb"
        return head + number(1) + b"(" + b"".join(map(number, shape)) + b"t" + kind + b"\x89" + data + b"tb"

    none = number(3) + text(b"|") + b"NNN" + number(-1) * 2 + number(63)
    little = number(3) + text(b"<") + b"NNN" + number(-1) * 2 + number(0)
    rows = b"".join(array(m.shape, b"i2", little, text(m.astype("<i2").tobytes())) for m in members)
    return b"\x80\x02" + array((len(members),), b"O8", none, b"](" + rows + b"e") + b"."


def test_files_of_python_2_are_read(tmp_path):
    members = [stroke3(4), stroke3(300, 1)]
    assert any(byte >= 128 for byte in members[1].tobytes())
    found = read_npz(archive(tmp_path / "sheep.npz", python2_pickle(members)), 2)
    assert [to_stroke3(d).tolist() for d in found] == [m.tolist() for m in members]


# --- early stop ---


def test_the_rest_of_a_file_is_not_read_once_the_limit_is_reached(tmp_path):
    path = ndjson(tmp_path / "cat.ndjson", GOOD, GOOD, "not JSON")
    assert len(list(read_simplified(path, 2))) == 2 and len(list(read_raw(path, 2))) == 2
    (tmp_path / "cat.bin").write_bytes(binary([[(1, 2)]], [[(3, 4)]]) + b"cut")
    assert len(list(read_binary(tmp_path / "cat.bin", 2))) == 2
    with zipfile.ZipFile(tmp_path / "cat.npz", "w") as out:
        out.writestr("train.npy", npy_of(pickle.dumps(object_array([stroke3(3)] * 2))))
        out.writestr("valid.npy", b"cut")
    assert len(list(read_npz(tmp_path / "cat.npz", 2))) == 2
    for file in (path, tmp_path / "cat.bin", tmp_path / "cat.npz"):
        reader = {".ndjson": read_simplified, ".bin": read_binary, ".npz": read_npz}[file.suffix]
        assert list(reader(file, 0)) == []
        with pytest.raises(DataError, match=file.name):
            list(reader(file))
        for limit in (-1, 2.5, "2", True):
            with pytest.raises(DataError, match=f"limit is {limit!r}"):
                reader(file, limit)


def test_raw_drawings_before_a_bad_line_come_first(tmp_path):
    drawings = read_raw(ndjson(tmp_path / "cat.ndjson", GOOD, GOOD, "not JSON", GOOD))
    assert next(drawings).n_points and next(drawings).n_points
    with pytest.raises(DataError, match="line 3"):
        next(drawings)


# --- broken text files ---

RAGGED = "not a drawing in JSON with strokes of equally long lists"
BAD_LINES = {
    "cut": (GOOD[:40], "JSON"),
    "HTML": ("<html>", "JSON"),
    "a list": ("[1, 2]", "JSON"),
    "no drawing": ('{"word": "cat"}', "drawing"),
    "NaN": (line_of([[[float("nan"), 1], [1, 2]]]), "nan"),
    "inf": (line_of([[[1, 1e999], [1, 2]]]), "inf"),
    "huge": (line_of([[[1.0, 1e300], [1, 2]]]), "1e\\+300"),
    "a number too long": (line_of([[[10**400, 1], [1, 2]]]), RAGGED),
    "null": (line_of([[[None, 1], [1, 2]]]), "None"),
    "text": (line_of([[["1", "2"], ["1", "2"]]]), "'1'"),
    "a table's text": (line_of("[[[1, 2], [3, 4]]]"), r"the drawing is a text.*read from its \.csv"),
    "true": (line_of([[[True, False], [True, True]]]), "True"),
    "ragged": (line_of([[[1, 2, 3], [1, 2]]]), RAGGED),
    "x only": (line_of([[[1, 2, 3]]]), RAGGED),
    "too deep": (line_of([[[[1], [2]], [[1], [2]]]]), RAGGED),
    "not lists": (line_of([1, 2]), RAGGED),
    "deep JSON": ("[" * 100_000, RAGGED),
    "raw": (line_of([[[1.5, 2], [3, 4], [0, 16]]]), "read_raw"),
}


@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_bad_line_is_named_with_its_number_after_the_good_ones(tmp_path, bad):
    line, found = BAD_LINES[bad]
    drawings = read_simplified(ndjson(tmp_path / "cat.ndjson", GOOD, line, GOOD))
    assert next(drawings).n_points == 4
    with warnings.catch_warnings(), pytest.raises(DataError, match=rf"cat\.ndjson, line 2: .*{found}"):
        warnings.simplefilter("error")
        next(drawings)


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path):
    (tmp_path / "cat.ndjson").write_bytes(GOOD.encode() + b"\n" + b'{"word": "\xff"}\n')
    with pytest.raises(DataError, match=r"cat\.ndjson, line 2"):
        list(read_simplified(tmp_path / "cat.ndjson"))


@pytest.mark.parametrize("content", [b"", b"\n \n"])
@pytest.mark.parametrize("reader", [read_simplified, read_raw, read_binary, read_npz])
def test_an_empty_or_missing_file_is_named(tmp_path, reader, content):
    (tmp_path / "cat.x").write_bytes(content)
    for name in ("cat.x", "missing.x"):
        with pytest.raises(DataError, match=name):
            list(reader(tmp_path / name))


def test_a_packed_file_is_unpacked_and_a_cut_one_is_named(tmp_path):
    path = tmp_path / "cat.ndjson"
    whole = gzip.compress(f"{GOOD}\n".encode() * 500)
    path.write_bytes(whole)
    assert len(list(read_simplified(path))) == 500
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cat\.ndjson"):
        list(read_simplified(path))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path, end, pack):
    for name, text in (("cat.ndjson", end.join([GOOD, GOOD])), ("sun.csv", end.join(TABLE))):
        (tmp_path / name).write_bytes(pack(text.encode("utf-8-sig")))
        assert [d.n_points for d in read_simplified(tmp_path / name)] == [4, 4]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("reader", [read_simplified, read_raw])
def test_a_text_in_utf_16_says_so(tmp_path, encoding, reader):
    (tmp_path / "cat.ndjson").write_bytes(GOOD.encode(encoding))
    with pytest.raises(DataError, match=r"cat\.ndjson, line 1: the text is in UTF-16 or UTF-32; save it as UTF-8"):
        list(reader(tmp_path / "cat.ndjson"))


# --- the contest's tables ---

HEAD = "countrycode,drawing,key_id,recognized,timestamp,word"
ROW = '{code},"{drawing}",{key},{recognized},2017-03-27 13:30:31.3,cat'
SHAPE = "[[[0, 10, 20], [5, 5, 9]], [[3], [4]]]"
TABLE = [HEAD, *(ROW.format(code="US", drawing=SHAPE, key=key, recognized=known) for key, known in ((7, True), (8, False)))]


def test_a_table_with_drawings_as_texts_of_json_is_read(tmp_path):
    first, second = read_simplified(ndjson(tmp_path / "sun.csv", *TABLE))
    assert same(first, [[(0, 5), (10, 5), (20, 9)], [(3, 4)]]) and (first.word, first.key_id, first.recognized) == ("cat", "7", True)
    assert (second.key_id, second.recognized) == ("8", False)
    (raw,) = read_raw(ndjson(tmp_path / "sun.csv", "drawing", '"[[[0.0, 510.0], [0.0, 0.0], [0, 9]]]"'))
    assert raw.stroke3.tolist() == [[255, 0, 1]] and (raw.word, raw.key_id, raw.recognized) == ("sun", None, None)


BAD_TABLES = {
    "no drawing": (["key_id,word", "7,cat"], "line 1: .*no column drawing, but key_id, word"),
    "a short row": ([HEAD, "US,7"], "line 2: not a drawing"),
    "not JSON": ([HEAD, ROW.format(code="US", drawing="[[[0", key=7, recognized=True)], "line 2: not a drawing"),
    "raw": (["drawing", f'"{[[[1, 2], [3, 4], [0, 9]]]}"'], "line 2: raw drawings"),
    "a column's name alone": (["drawing"], "is empty"),
}


@pytest.mark.parametrize("bad", BAD_TABLES)
def test_a_broken_table_is_named_with_its_line(tmp_path, bad):
    rows, says = BAD_TABLES[bad]
    with pytest.raises(DataError, match=rf"cat\.csv.*{says}"):
        list(read_simplified(ndjson(tmp_path / "cat.csv", *rows)))


def test_whether_a_drawing_was_recognised_is_read_where_a_file_says(tmp_path):
    lines = [line_of([[[1], [2]]], recognized=known) for known in (True, False, None)]
    found = read_simplified(ndjson(tmp_path / "cat.ndjson", *lines, '{"drawing": []}'))
    assert [d.recognized for d in found] == [True, False, None, None]
    (tmp_path / "cat.bin").write_bytes(binary([[(1, 2)]]))
    assert [d.recognized for d in read_binary(tmp_path / "cat.bin")] == [True]
    with pytest.raises(DataError, match="line 1"):
        list(read_simplified(ndjson(tmp_path / "cat.ndjson", line_of([], recognized="perhaps"))))


# --- broken binary files ---


def test_a_binary_file_cut_anywhere_amid_a_drawing_is_named(tmp_path):
    data, path = binary([[(1, 2), (3, 4)], [(5, 6)]]), tmp_path / "cat.bin"
    for size in range(1, len(data)):
        path.write_bytes(data + data[:size])
        drawings = read_binary(path)
        assert next(drawings).n_points == 3
        with pytest.raises(DataError, match=rf"cat\.bin: cut off at byte {len(data) + size}"):
            next(drawings)


HALF = np.float32([[1, 0, 1], [2, 3, 0.5]])
BAD_MEMBERS = {
    "four columns": (np.zeros((4, 4), np.int16), r"int16 of shape \(4, 4\)"),
    "one axis": (np.zeros(3, np.int16), r"shape \(3,\)"),
    "NaN": (np.float32([[np.nan, 0, 1]]), "finite numbers"),
    "inf": (np.float32([[np.inf, 0, 1]]), "finite numbers"),
    "huge": (np.float64([[1e300, 0, 1]]), "finite numbers"),
    "pen 2": (np.int16([[1, 2, 0], [1, 2, 2]]), r"pen \[2\] in row 1"),
    "pen 0.5": (HALF, r"pen \[0.5\] in row 1"),
    "two pens": (np.int16([[1, 2, 0, 1, 0], [1, 2, 1, 1, 0]]), r"pen \[1, 1, 0\] in row 1"),
    "no pen": (np.zeros((2, 5), np.int16), r"pen \[0, 0, 0\] in row 0"),
    "text": ("text", "is str"),
    "flat list": ([1, 2, 3], "is list"),
    "ragged list": ([[1, 2, 0], [1, 2]], "is list"),
    "nested list": ([[1, 2, [3]]], "is list"),
    "list with pen 2": ([[1, 2, 2]], r"pen \[2\]"),
    "None": (None, "is NoneType"),
}


@pytest.mark.parametrize("bad", BAD_MEMBERS)
def test_members_that_are_no_drawings_are_refused_with_their_place_and_what_is_wrong(tmp_path, bad):
    member, says = BAD_MEMBERS[bad]
    with pytest.raises(DataError, match=rf"cat\.npz: train\[1\] .*{says}"):
        list(read_npz(npz(tmp_path / "cat.npz", [stroke3(3), member])))


def test_arrays_of_words_are_refused(tmp_path):
    for some in ([np.array([["a", "b", "c"]])], ["abc"]):
        with pytest.raises(DataError, match=r"cat\.npz: .*train"):
            list(read_npz(npz(tmp_path / "cat.npz", some)))


def as_they_are(rows):
    return rows


def in_objects(rows):
    return [list(map(int, row)) for row in rows]


def padded(rows):
    five = to_stroke5(rows)
    return np.concatenate([five, np.repeat(five[-1:], 4, axis=0)])


@pytest.mark.parametrize("form", [as_they_are, np.ndarray.tolist, in_objects, list, to_stroke5, padded])
@pytest.mark.parametrize("lengths", [(4, 9), (6, 6)])  # equally long ones become one array
@pytest.mark.parametrize("parts", [["train"], ["test", "valid"], ["train", "valid", "test"]])
def test_npz_of_ones_own_are_read_whatever_they_call_an_array_and_with_any_of_the_parts(tmp_path, form, lengths, parts):
    members = [stroke3(n, n) for n in lengths]
    for packed in (object_array, lambda some: np.array(some, dtype=object) if lengths[0] == lengths[1] else object_array(some)):
        np.savez(tmp_path / "cat.npz", **{part: packed([form(rows) for rows in members]) for part in parts}, labels=np.arange(2))
        assert [to_stroke3(d).tolist() for d in read_npz(tmp_path / "cat.npz")] == [m.tolist() for m in members] * len(parts)


def test_empty_drawings_are_read_as_such(tmp_path):
    found = list(read_npz(npz(tmp_path / "cat.npz", [stroke3(2), [], np.zeros((0, 3)), np.zeros((0, 5))])))
    assert [d.n_points for d in found] == [3, 0, 0, 0]


def test_an_archive_without_a_part_and_one_cut_short_are_named(tmp_path):
    path = npz(tmp_path / "cat.npz", [stroke3(30, s) for s in range(20)])
    whole = path.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"cat\.npz is not a whole sketch-rnn"):
            list(read_npz(path))
    np.savez(path, train=object_array([stroke3(3)]))
    for bad, says in (({"arr_0": stroke3(3), "labels": np.arange(3)}, "has the parts arr_0, labels; name"), ({}, "has the parts none")):
        np.savez(path, **bad)
        with pytest.raises(DataError, match=rf"cat\.npz {says}"):
            list(read_npz(path))


# --- data folders ---


def test_a_class_is_found_in_every_place_of_a_folder_best_first(tmp_path):
    for kind in ("simplified", "sketchrnn", "binary", "raw"):
        (tmp_path / kind).mkdir()
    ndjson(tmp_path / "raw" / "cat.ndjson", line_of([[[0.0, 510.0], [0.0, 0.0], [0, 9]]]))
    assert [d.stroke3.tolist() for d in read_class(tmp_path, "cat")] == [[[255, 0, 1]]]
    (tmp_path / "binary" / "cat.bin").write_bytes(binary([[(1, 1), (2, 2)]]))
    assert [d.stroke3.tolist() for d in read_class(tmp_path, "cat")] == [[[1, 1, 1]]]
    npz(tmp_path / "sketchrnn" / "cat.npz", [np.int16([[3, 3, 1]])])
    assert [d.stroke3.tolist() for d in read_class(tmp_path, "cat")] == [[[3, 3, 1]]]
    ndjson(tmp_path / "simplified" / "cat.ndjson", GOOD, GOOD)
    assert [d.n_points for d in read_class(tmp_path, "cat")] == [4, 4] and len(list(read_class(tmp_path, "cat", 1))) == 1
    ndjson(tmp_path / "alarm clock.ndjson", GOOD)
    assert len(list(read_class(tmp_path, "alarm clock"))) == 1
    assert class_names(tmp_path) == ["alarm clock", "cat"]


HANDED_OUT = ["full_simplified_cat.ndjson", "simplified/full_simplified_cat.ndjson", "train_simplified/cat.csv", "cat.csv"]
HANDED_OUT += ["full_raw_cat.ndjson", "raw/full_raw_cat.ndjson", "raw/cat.csv", "train_raw/cat.csv", "cat.ndjson.gz", "raw/cat.ndjson.gz"]
HANDED_OUT += ["full_simplified_cat.ndjson.gz", "full_raw_cat.ndjson.gz", "cat.csv.gz", "cat.NDJSON"]
HANDED_OUT += ["sketchrnn_cat.npz", "cat.full.npz", "sketchrnn_cat.full.npz", "sketchrnn/sketchrnn_cat.npz", "sketchrnn/cat.full.npz"]
HANDED_OUT += ["full_binary_cat.bin", "binary/full_binary_cat.bin", "cat.bin.gz", "cat.npz.gz"]


def written(path, word="cat"):
    """A file of one drawing from (0, 0) to (255, 0), packed and worded as its name says, without the class in it."""
    path.parent.mkdir(exist_ok=True)
    kind, plain = path.name.lower().removesuffix(".gz").rsplit(".", 1)[1], path.with_name("plain")
    shape = [[[0, 255], [0, 0], *([[0, 9]] if "raw" in str(path.relative_to(path.parents[1])) else [])]]
    if kind == "npz":
        npz(path.with_name("plain.npz"), [np.int16([[255, 0, 1]])]).rename(plain)
    elif kind == "bin":
        plain.write_bytes(binary([[(0, 0), (255, 0)]]))
    else:
        ndjson(plain, *(["drawing", f'"{shape}"'] if kind == "csv" else [f'{{"drawing": {shape}}}']))
    data = plain.read_bytes()
    plain.unlink()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("name", HANDED_OUT)
def test_files_are_found_under_the_names_by_which_they_are_handed_out(tmp_path, name):
    folder = tmp_path / "data"
    folder.mkdir()
    written(folder / name)
    (drawing,) = read_class(folder, "cat")
    assert drawing.stroke3.tolist() == [[255, 0, 1]] and drawing.word == "cat" and class_names(folder) == ["cat"]


def test_a_blank_that_a_download_wrote_as_a_number_is_one(tmp_path):
    ndjson(tmp_path / "full_simplified_alarm%20clock.ndjson", '{"drawing": [[[0, 1], [0, 1]]]}')
    assert [d.word for d in read_class(tmp_path, "alarm clock")] == ["alarm clock"]


def test_of_several_files_of_a_class_the_plainest_name_is_read(tmp_path):
    names = [
        "sketchrnn_cat.full.npz",
        "sketchrnn_cat.npz",
        "cat.full.npz",
        "cat.npz",
        "cat.csv",
        "full_simplified_cat.ndjson",
        "cat.ndjson.gz",
    ]
    for name in [*names, "cat.ndjson"]:
        (tmp_path / name).write_bytes(b"")
        assert find_class(tmp_path, "cat")[0].name == name


@pytest.mark.parametrize("name", ["._cat.ndjson", ".cat.ndjson.swp", "._full_raw_sun.ndjson", ".DS_Store", "sketchrnn/._cat.npz"])
def test_hidden_files_are_no_classes(tmp_path, name):
    (tmp_path / "sketchrnn").mkdir()
    (tmp_path / name).write_bytes(b"\0\5\x16\7")
    ndjson(tmp_path / "cat.ndjson", GOOD)
    assert class_names(tmp_path) == ["cat"] and len(list(read_class(tmp_path, "cat"))) == 1


def test_a_folder_of_that_name_is_no_file(tmp_path):
    (tmp_path / "cat.ndjson").mkdir()
    assert class_names(tmp_path) == []


def test_a_missing_folder_and_an_unknown_class_are_answered_at_once_with_what_there_is(tmp_path):
    for ask in (lambda: class_names(tmp_path / "no"), lambda: read_class(tmp_path / "no", "cat")):
        with pytest.raises(DataError, match=r"no does not exist.*SKETCHLIB_DATA"):
            ask()
    ndjson(tmp_path / "alarm clock.ndjson", GOOD)
    with pytest.raises(DataError, match="'alarm clok' is not in .* did you mean 'alarm clock'"):
        read_class(tmp_path, "alarm clok")
    with pytest.raises(DataError, match="nothing similar is known.$"):
        read_class(tmp_path, "zebra")
    (tmp_path / "simplified").mkdir()
    for name in ("simplified/zebra.txt", "zebra.npy", ".zebra.ndjson", "manifest.json"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"nothing similar is known. Not read: zebra.txt, zebra.npy; .*'cat.ndjson', endings .ndjson, .csv"):
        read_class(tmp_path, "zebra")


def test_the_ten_classes_are_in_alphabetical_order():
    assert list(TEN_CLASSES) == sorted(TEN_CLASSES) and len(set(TEN_CLASSES)) == 10


@pytest.mark.skipif(not os.environ.get("SKETCHLIB_DATA"), reason="no real drawings: SKETCHLIB_DATA is not set")
def test_the_formats_of_the_real_data_agree_drawing_by_drawing():
    folder = os.environ["SKETCHLIB_DATA"]
    if not os.path.exists(f"{folder}/sketchrnn/candle.npz") or not os.path.exists(f"{folder}/simplified/candle.ndjson"):
        pytest.skip("the folder has candles in one format only")
    lines = {to_stroke3(d).tobytes() for d in read_simplified(f"{folder}/simplified/candle.ndjson")}
    arrays = {to_stroke3(d).tobytes() for d in read_npz(f"{folder}/sketchrnn/candle.npz")}
    assert len(lines & arrays) >= 0.99 * min(len(lines), len(arrays))
