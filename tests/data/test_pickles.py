"""Nothing that a .npz file carries is executed: hostile, handmade and damaged pickles."""

import codecs
import itertools
import os
import pickle
import warnings
import zipfile

import numpy as np
import pytest
from files import archive, npy_of, object_array, stroke3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketchlib.data.npz import read_npz
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


class WithState:
    def __init__(self, call, state):
        self.parts = (*call, state)

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
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
