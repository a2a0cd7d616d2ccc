"""Nothing that a .npz file carries is executed: hostile, handmade and damaged pickles."""

import codecs
import functools
import gzip
import io
import itertools
import os
import pickle
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from files import archive, npy_of, npz, object_array, stroke3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketchlib.data.npz import read_npz
from sketchlib.data.pickles import check_claims
from sketchlib.errors import DataError
from sketchlib.strokes import to_stroke3


@pytest.fixture(scope="module")
def packed():
    return npy_of(pickle.dumps(object_array([stroke3(5), stroke3(2).tolist(), list(stroke3(2))]), 4), (3,))


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 10_000))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_have_changed_drawings_come_or_a_data_error(tmp_path, packed, changes, size):
    data = bytearray(packed)
    for at, byte in changes:
        data[at % len(data)] = byte
    with zipfile.ZipFile(tmp_path / "cat.npz", "w") as out:
        out.writestr("train.npy", bytes(data[: size % len(data) + 1] if size % 2 else data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, on headers of Python 2
        try:
            for drawing in itertools.islice(read_npz(tmp_path / "cat.npz"), 2):
                assert np.isfinite(to_stroke3(drawing)).all()
        except DataError:
            pass


# --- hostile files ---


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Subclass(np.ndarray):
    pass


RECONSTRUCT = np.zeros(1).__reduce__()[0]


class InSubclass:
    """The reduce of an ndarray subclass: the class is named where numpy names ndarray."""

    def __reduce__(self):
        return RECONSTRUCT, (Subclass, (0,), b"b")


def hostile(mark):
    run = f"open({str(mark)!r}, 'w').close()"
    good = stroke3(3)
    state = (1, (1,), np.dtype(object), False, [Calls(eval, run)])
    yield "os.system", Calls(os.system, f"touch '{mark}'")
    yield "eval", Calls(eval, run)
    yield "exec among good drawings", object_array([good, Calls(exec, run), good])
    yield "eval in an array's state", (RECONSTRUCT, (np.ndarray, (0,), b"b"), state)
    yield "a subclass", object_array([good, InSubclass()])
    yield "an instance of a subclass", np.zeros((2, 3)).view(Subclass)
    yield "getattr", Calls(getattr, 1, "real")
    yield "open", Calls(open, str(mark), "w")
    yield "numpy's own loader", Calls(np.load, str(mark), None, True)
    yield "another codec", object_array([good, Calls(codecs.encode, b"a", "zlib")])
    yield "an eval-ed dtype", object_array([good, Calls(np.dtype, Calls(eval, run))])
    twice = Calls(eval, run)
    yield "memoised", object_array([good, twice, [twice, twice], (twice,)])
    yield "in an array in an array", object_array([object_array([good, object_array([Calls(os.system, f"touch '{mark}'")])])])
    yield "in a list in a dict", object_array([{"rows": [[Calls(eval, run)]]}])
    yield "as a key", object_array([{Calls(eval, run): 1}])
    yield "a call of a call", Calls(functools.partial(os.system, f"touch '{mark}'"))
    yield "a call of numpy's own", Calls(RECONSTRUCT, Calls(eval, "__import__('numpy').ndarray"), (0,), b"b")
    yield "as a shape", (RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (Calls(eval, run),), np.dtype(object), False, [good]))
    yield "as an array's type", (RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (1,), Calls(eval, run), False, [good]))


class WithState:
    def __init__(self, call, state):
        self.parts = (*call, state)

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_that_a_file_carries_is_run(tmp_path, protocol):
    mark = tmp_path / "ran"
    for what, content in hostile(mark):
        content = WithState(content[:2], content[2]) if isinstance(content, tuple) else content
        path = archive(tmp_path / "cat.npz", pickle.dumps(content, protocol))
        with pytest.raises(DataError, match=r"cat\.npz"):
            list(read_npz(path))
        assert not mark.exists(), what
    pickle.loads(pickle.dumps(Calls(os.system, f"touch '{mark}'"), protocol))
    assert mark.exists()  # the same bytes do run in pickle itself: the trap is real


@pytest.mark.parametrize(
    "payload",
    [b"cos\nsystem\n(S'touch ran'\ntR.", b"cbuiltins\neval\n(S'1'\ntR.", b"c__builtin__\neval\n(S'1'\ntR.",
     b"cnumpy.core.multiarray\nscalar\n.", b"cnumpy.testing._private.utils\nrunstring\n.", b"csketchlib.quickdraw\nos\n.",
     b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", b"\x80\x02\x82\x01.", b"Pid\n.", b".", b"", b"N."],
)  # fmt: skip
def test_handmade_pickles_are_refused(tmp_path, payload):
    with pytest.raises(DataError, match=r"cat\.npz: the pickle of train is refused"):
        list(read_npz(archive(tmp_path / "cat.npz", payload)))


def test_text_that_is_to_become_bytes_by_another_codec_is_refused(tmp_path):
    with pytest.raises(DataError, match="names the encoding 'utf-16'"):
        list(read_npz(archive(tmp_path / "cat.npz", b"c_codecs\nencode\n(Va\nVutf-16\ntR.")))


@pytest.mark.parametrize("rows", [[[0, 0, 1]] * 5, [list(range(10**5))] * 10**5], ids=["deep", "wide"])
def test_a_small_file_that_holds_a_list_a_great_many_times_is_refused_before_it_is_unfolded(tmp_path, rows):
    for _ in range(40 if len(rows) == 5 else 0):
        rows = [rows] * 5
    with pytest.raises(DataError, match=r"train\[0\] is list"):
        list(read_npz(archive(tmp_path / "cat.npz", pickle.dumps(object_array([rows])))))


def test_objects_whose_shape_does_not_fit_their_number_are_refused(tmp_path):
    for shape in ((2, 2, 3), (-1, -6), (0, 3)):
        state = (1, shape, np.dtype(object), False, [1, 2, 0, 3, 4, 1])
        payload = pickle.dumps(WithState((RECONSTRUCT, (np.ndarray, (0,), b"b")), state))
        with pytest.raises(DataError, match="is refused"):
            list(read_npz(archive(tmp_path / "cat.npz", payload)))


def test_an_array_that_claims_more_than_its_bytes_is_refused(tmp_path):
    short = pickle.dumps(object_array([stroke3(40)]), 4).replace(b"K(K\x03\x86", b"K)K\x03\x86")  # 41 rows, bytes of 40
    with pytest.raises(DataError, match=r"shape \(41, 3\) has 240 bytes"):
        list(read_npz(archive(tmp_path / "cat.npz", short)))


# --- small files that claim much ---

CLAIMS = {
    "a far place": (b"\x80\x02Nr\x00\x00\x00\x7f.", "keeps something at place 2130706432"),
    "a far place in text": (b"Np4000000000\n.", "keeps something at place 4000000000"),
    "a place that is no number": (b"Npx\n.", "refused"),
    "bytes that are not there": (b"\x80\x05\x96\x00\x00\x00\x00\x10\x00\x00\x00abc.", "cut off"),
    "a text that is not there": (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "cut off"),
    "a number that is not there": (b"\x80\x02\x8b\xff\xff\xff\x7f1.", "cut off"),
    "no line end": (b"I12", "cut off"),
    "no end": (b"\x80\x02N", "cut off"),
    "an unknown code": (b"\x80\x02\xff.", "unknown code 255"),
    "a number of a million digits": (b"I" + b"9" * 10**6 + b"\n.", "refused"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_pickle_claims_is_checked_before_it_is_believed(tmp_path, claim):
    payload, says = CLAIMS[claim]
    with pytest.raises(DataError, match=rf"cat\.npz: .*{says}"):
        list(read_npz(archive(tmp_path / "cat.npz", payload)))


@pytest.mark.parametrize("protocol", range(6))
def test_whole_pickles_of_all_kinds_pass_the_check_and_cut_ones_do_not(protocol):
    things = [object_array([stroke3(300), stroke3(2).tolist(), "é" * 300, b"b" * 300, 10**400, -1.5, None, {1: {2, 3}}]), list(range(600))]
    data = pickle.dumps(things + [bytearray(300)], protocol)
    check_claims(b"head" + data, 4)
    for size in range(0, len(data), 37):
        with pytest.raises(pickle.UnpicklingError):
            check_claims(data[:size])


def of_arrays(shape, kind, data, times):
    """A pickle of an object array of `times` arrays that share one state."""
    state = (1, shape, np.dtype(kind), False, data)
    many = [WithState((RECONSTRUCT, (np.ndarray, (0,), b"b")), state) for _ in range(times)]
    return pickle.dumps(object_array(many))


OTHERWISE = {
    "letters": (np.int16, "é" * 5 + "\u1234"),
    "a list": (np.int16, [1] * 6),
    "a number": (np.int16, 6),
    "objects in text": (object, "abc"),
}


@pytest.mark.parametrize("data", OTHERWISE)
def test_an_array_of_something_else_than_bytes_is_refused(tmp_path, data):
    kind, held = OTHERWISE[data]
    with pytest.raises(DataError, match=r"cat\.npz"):
        list(read_npz(archive(tmp_path / "cat.npz", of_arrays((3,), kind, held, 1))))


def test_many_arrays_that_share_one_long_state_are_not_unfolded_before_they_are_asked_for(tmp_path):
    rows = [[0, 1, 1]] * 50_000
    path = archive(tmp_path / "cat.npz", of_arrays((len(rows),), object, rows, 3000))
    tracemalloc.start()
    assert next(read_npz(path)).n_points == 50_001
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


def test_drawings_that_hold_more_points_than_a_file_may_are_refused(tmp_path, monkeypatch):
    path = archive(tmp_path / "cat.npz", pickle.dumps(object_array([stroke3(1000)] * 100)))
    assert sum(drawing.n_points for drawing in read_npz(path)) == 300 * 1001
    monkeypatch.setenv("SKETCHLIB_MAX_BYTES", "160000")
    with pytest.raises(DataError, match=r"up to train\[9\] takes more than 10000 points"):
        list(read_npz(path))


def test_a_shape_of_many_axes_or_of_huge_numbers_is_refused(tmp_path):
    for shape in ((1,) * 40, (10**50, 0), (-3, -1), (1.5, 2), ("3",), ()):
        with pytest.raises(DataError, match="refused|is refused"):
            list(read_npz(archive(tmp_path / "cat.npz", of_arrays(shape, np.int16, b"abcdef", 1))))


# --- zip files ---


@pytest.mark.parametrize("packed", [False, True])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, packed):
    monkeypatch.setenv("SKETCHLIB_MAX_BYTES", "1000000")
    with zipfile.ZipFile(tmp_path / "cat.npz", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("train.npy", bytes(30_000_000))
    if packed:
        with gzip.open(tmp_path / "cat.npz.gz", "wb") as file:
            file.write(bytes(30_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="takes more than 1000000 bytes; .*SKETCHLIB_MAX_BYTES"):
        list(read_npz(tmp_path / f"cat.npz{'.gz' * packed}"))
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_a_plain_array_that_claims_more_than_its_bytes_is_refused(tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<i2", "fortran_order": False, "shape": (2**40, 3)})
    with zipfile.ZipFile(tmp_path / "cat.npz", "w") as out:
        out.writestr("train.npy", file.getvalue() + b"abcdef")
    with pytest.raises(DataError, match="has 6 bytes"):
        list(read_npz(tmp_path / "cat.npz"))


EMPTY_OF_MANY = {"no columns": ("<i2", (10**9, 0, 3)), "no bytes": ("|V0", (10**9,)), "no text": ("|S0", (10**9,)), "none": ("<i2", ())}


@pytest.mark.parametrize("kind", EMPTY_OF_MANY)
def test_a_great_many_drawings_without_a_byte_are_refused(tmp_path, kind):
    file, (descr, shape) = io.BytesIO(), EMPTY_OF_MANY[kind]
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "cat.npz", "w") as out:
        out.writestr("train.npy", file.getvalue() + b"12" * (not shape))
    with pytest.raises(DataError, match=r"cat\.npz"):
        list(read_npz(tmp_path / "cat.npz"))


@pytest.mark.parametrize("name", ["../train.npy", "/train.npy", "x/train.npy", "..\\train.npy", "train.npy/", "C:train.npy"])
def test_a_part_with_a_path_in_its_name_is_no_part_and_nothing_is_unpacked_to_the_disk(tmp_path, name):
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "cat.npz", "w") as out:
        out.writestr(name, npy_of(pickle.dumps(object_array([stroke3(3)]))))
    with pytest.raises(DataError, match="has the parts"):
        list(read_npz(tmp_path / "in" / "cat.npz"))
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "cat.npz"]


def test_an_archive_cut_at_any_byte_is_refused_or_whole(tmp_path):
    whole = npz(tmp_path / "cat.npz", [stroke3(3)], [stroke3(2)], [stroke3(2)]).read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "cat.npz").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"cat\.npz"):
            list(read_npz(tmp_path / "cat.npz"))
