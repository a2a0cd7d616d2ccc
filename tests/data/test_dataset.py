from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import rows, sketch_set

from sketchlib.data.batches import KEPT, augment, batch_order, batches, make_batch
from sketchlib.data.dataset import SketchSet, cap, data_scale_factor, purify, repeated, split
from sketchlib.distributed import Share
from sketchlib.errors import DataError
from sketchlib.strokes import Drawing, from_stroke3, to_stroke3, to_stroke5

lengths_lists = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def from_lengths(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return SketchSet.from_drawings({"cat": [from_stroke3(rows(rng, n)) for n in lengths]})


def same(a, b):
    return (
        a.classes == b.classes
        and len(a) == len(b)
        and all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("points", "offsets", "labels"))
    )


def keys_of(sketches):
    """A key for each drawing by its contents, to recognise it again in another set."""
    return [sketches[i].tobytes() for i in range(len(sketches))]


# --- the flat arrays ---


@given(lengths_lists)
@settings(max_examples=30, deadline=None)
def test_flat_arrays_hold_the_same_rows_as_the_list_of_drawings(lengths):
    rng = np.random.default_rng(0)
    drawings = [from_stroke3(rows(rng, n)) for n in lengths]
    sketches = SketchSet.from_drawings({"cat": drawings})
    assert sketches.lengths.tolist() == lengths and sketches.n_max == max(lengths)
    for i, drawing in enumerate(drawings):
        assert np.array_equal(sketches[i], to_stroke3(drawing)) and sketches[i].dtype == np.float32
        assert all(map(np.array_equal, sketches.drawing(i).strokes, drawing.strokes))
    assert np.array_equal(sketches[-1], sketches[len(sketches) - 1])
    for outside in (len(sketches), -len(sketches) - 1):
        with pytest.raises(IndexError):
            sketches[outside]


def test_whole_coordinates_take_two_bytes_and_others_lose_nothing():
    whole = sketch_set(3)
    assert whole.points.dtype == np.int16
    fraction = Drawing((np.float32([[0, 0], [0.5, 1], [2, 2]]),))
    beyond = Drawing((np.float32([[0, 0], [40000, 1]]),))
    for odd in (fraction, beyond):
        mixed = SketchSet.from_drawings({"cat": [whole.drawing(0), odd]})
        assert mixed.points.dtype == np.float32
        assert np.array_equal(mixed[0], whole[0]) and np.array_equal(mixed[1], to_stroke3(odd))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_coordinates_that_are_not_finite_are_refused_by_class_and_key(bad):
    drawing = Drawing((np.float32([[0, 0], [1, bad], [2, 2]]),), key_id="7041")
    with pytest.raises(DataError, match=r"'cat'.*7041.*NaN or infinite"):
        SketchSet.from_drawings({"cat": [drawing]})


def test_classes_without_drawings_and_an_empty_set_are_counted_as_zero():
    sketches = SketchSet.from_drawings({"cat": [], "sun": [from_stroke3(rows(np.random.default_rng(0), 5))]})
    assert sketches.counts() == {"cat": 0, "sun": 1}
    empty = SketchSet.from_drawings({})
    assert len(empty) == 0 and empty.n_max == 0 and empty.counts() == {}


@given(lengths_lists, st.data())
@settings(max_examples=30, deadline=None)
def test_a_subset_is_the_chosen_drawings_in_the_chosen_order(lengths, data):
    sketches = from_lengths(lengths)
    index = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=20))
    part = sketches.subset(np.array(index, int))
    assert keys_of(part) == [keys_of(sketches)[i] for i in index]
    mask = np.isin(np.arange(len(lengths)), index)
    assert keys_of(sketches.subset(mask)) == [keys_of(sketches)[i] for i in np.flatnonzero(mask)]


def test_only_keeps_one_class_and_unknown_classes_are_named():
    sketches = sketch_set(5, ("cat", "sun", "pig"))
    sun = sketches.only("sun")
    assert sun.classes == ("sun",) and sun.counts() == {"sun": 5} and keys_of(sun) == keys_of(sketches)[5:10]
    assert [d.word for d in sketches.drawings("pig", limit=2)] == ["pig", "pig"]
    with pytest.raises(DataError, match="'dog'.*cat, sun, pig"):
        sketches.only("dog")


def test_joined_sets_hold_the_drawings_of_both_under_their_classes():
    a, b = sketch_set(3), sketch_set(2, ("pig",), seed=1)
    both = a.joined(b)
    assert both.counts() == {"cat": 3, "sun": 3, "pig": 2} and both.points.dtype == a.points.dtype
    for i in range(8):
        assert np.array_equal(both[i], a[i] if i < 6 else b[i - 6])


def test_cap_keeps_at_most_so_many_of_each_class_by_seed():
    sketches = SketchSet.from_drawings({"cat": sketch_set(30).drawings("cat"), "sun": sketch_set(4).drawings("sun")})
    capped = cap(sketches, 10)
    assert capped.counts() == {"cat": 10, "sun": 4} and set(keys_of(capped)) <= set(keys_of(sketches))
    assert same(capped, cap(sketches, 10)) and not same(capped, cap(sketches, 10, seed=1))
    assert cap(sketches, None) is sketches and same(cap(sketches, 99), sketches)


# --- files ---


def test_a_saved_set_is_mapped_back_unchanged(tmp_path):
    sketches = sketch_set(5)
    sketches.save(tmp_path / "set")
    loaded = SketchSet.load(tmp_path / "set")
    assert same(loaded, sketches) and isinstance(loaded.points, np.memmap)
    assert same(loaded.subset([3, 1]), sketches.subset([3, 1]))
    assert torch.equal(make_batch(loaded, [0, 2], 2.0).x, make_batch(sketches, [0, 2], 2.0).x)


def test_a_mapped_set_can_be_saved_where_it_came_from(tmp_path):
    sketches = sketch_set(50)
    sketches.save(tmp_path)
    SketchSet.load(tmp_path).save(tmp_path)
    assert same(SketchSet.load(tmp_path), sketches)
    assert {p.name for p in tmp_path.iterdir()} == {"points.npy", "offsets.npy", "labels.npy", "classes.json"}


@pytest.mark.parametrize("name", ["points.npy", "offsets.npy", "labels.npy", "classes.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "garbage"])
def test_a_missing_or_broken_file_is_an_error_that_names_the_folder(tmp_path, name, damage):
    sketch_set(5).save(tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if damage != "missing":
        (tmp_path / name).write_bytes({"empty": b"", "half": content[: len(content) // 2], "garbage": b"?" * 99}[damage])
    with pytest.raises(DataError, match=str(tmp_path)):
        SketchSet.load(tmp_path)


def test_loading_a_set_executes_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    sketch_set(5).save(tmp_path)
    np.save(tmp_path / "labels.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    with pytest.raises(DataError):
        SketchSet.load(tmp_path)
    assert not (tmp_path / "executed").exists()


# --- purification, scale, split ---


def test_purify_keeps_both_bounds_and_nothing_outside_them():
    lengths = [9] * 25 + [10] * 25 + [200] * 25 + [201] * 25
    kept = purify(from_lengths(lengths))
    assert sorted(set(kept.lengths.tolist())) == [10, 200] and len(kept) == 50


@pytest.mark.parametrize("fraction", [0.0, 0.25])
def test_purify_clamps_movements_and_nothing_else(fraction):
    x = np.cumsum([0, 1000 + fraction, 1001, -3000, 999, 5])
    big = Drawing((np.column_stack([x, -x]), [[7, 7]]))
    pure = purify(SketchSet.from_drawings({"cat": [big] * 20}), min_length=1)
    before = to_stroke3(big)
    assert np.abs(before[:, :2]).max() > 1000
    assert np.array_equal(pure[0][:, :2], before[:, :2].clip(-1000, 1000)) and np.array_equal(pure[0][:, 2], before[:, 2])


def test_purify_leaves_its_argument_alone():
    sketches = from_lengths([12] * 20)
    sketches.points[0, 0] = 2000
    purify(sketches)
    assert sketches.points[0, 0] == 2000


def test_a_class_left_with_fewer_than_twenty_drawings_is_named_with_its_counts():
    good = from_lengths([15] * 20)
    assert len(purify(good)) == 20
    poor = SketchSet.from_drawings({"cat": good.drawings(), "sun": from_lengths([15] * 19 + [3] * 6).drawings()})
    with pytest.raises(DataError, match=r"'sun': 19 usable drawings of 25 .*10 to 200.*at least 20.*leave the class out"):
        purify(poor)


def test_the_scale_is_the_deviation_of_all_movements_together():
    sketches = sketch_set(20)
    values = np.concatenate([sketches[i][:, :2].ravel() for i in range(len(sketches))])
    assert data_scale_factor(sketches) == pytest.approx(np.std(values.astype(float)), rel=1e-12)


def test_the_scale_follows_the_size_and_ignores_the_order():
    sketches = sketch_set(20)
    doubled = SketchSet(sketches.points * np.int16([2, 2, 1]), sketches.offsets, sketches.labels, sketches.classes)
    assert data_scale_factor(doubled) == pytest.approx(2 * data_scale_factor(sketches))
    assert torch.allclose(make_batch(doubled, [0, 1], 2 * 7.0).x, make_batch(sketches, [0, 1], 7.0).x)
    assert data_scale_factor(sketches.subset(slice(None, None, -1))) == pytest.approx(data_scale_factor(sketches))


def test_other_parts_do_not_touch_the_scale_of_the_training_part():
    sketches = sketch_set(40)
    parts = split(sketches)
    before = data_scale_factor(parts.train)
    training = set(keys_of(parts.train))
    for i in range(len(sketches)):
        if sketches[i].tobytes() not in training:
            sketches.points[sketches.offsets[i] : sketches.offsets[i + 1], :2] *= 100
    assert data_scale_factor(split(sketches).train) == before != data_scale_factor(sketches)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value", "ignore:Degrees of freedom")
@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((40, 3))])
def test_drawings_without_extent_have_no_scale(points):
    with pytest.raises(DataError, match="no extent"):
        data_scale_factor(SketchSet(points, np.array([0, len(points)]), np.zeros(1, int), ("cat",)))


@pytest.mark.parametrize(("n", "parts"), [(40, (28, 6, 6)), (100, (70, 15, 15))])
def test_split_is_stratified_disjoint_complete_and_seeded(n, parts):
    sketches = sketch_set(n, ("cat", "sun", "pig"), low=10, high=20)
    cut = split(sketches)
    for part, size in zip((cut.train, cut.valid, cut.test), parts, strict=True):
        assert part.counts() == {"cat": size, "sun": size, "pig": size}
    keys = [keys_of(part) for part in (cut.train, cut.valid, cut.test)]
    assert len(set(keys_of(sketches))) == len(sketches)  # else the next line proves nothing
    assert sorted(sum(keys, [])) == sorted(keys_of(sketches))
    assert same(cut.test, split(sketches).test) and not same(cut.test, split(sketches, seed=43).test)


def test_split_follows_unequal_classes():
    sketches = SketchSet.from_drawings({"cat": sketch_set(100).drawings("cat"), "sun": sketch_set(20).drawings("sun")})
    assert split(sketches).train.counts() == {"cat": 70, "sun": 14}


@pytest.mark.parametrize("fractions", [(0.98, 0.01, 0.01), (0.01, 0.01, 0.98), (0.98, 0.019, 0.001), (0.94, 0.03, 0.03), (0.9, 0.09, 0.01)])
def test_a_part_that_would_lack_a_class_is_an_error_that_says_what_to_do(fractions):
    sketches = SketchSet.from_drawings({"cat": sketch_set(100).drawings("cat"), "sun": sketch_set(20).drawings("sun")})
    said = r"data\.fractions \[0\.\d+, .* without drawings of class 'sun', of which there are 20: make the smallest fraction larger"
    with pytest.raises(DataError, match=said):
        split(sketches, fractions)


# --- batches ---


@given(lengths_lists, st.floats(0.5, 300))
@settings(max_examples=30, deadline=None)
def test_a_batch_is_stroke5_of_each_drawing_after_s0_and_end_rows_to_its_end(lengths, scale):
    sketches = from_lengths(lengths)
    batch = make_batch(sketches, np.arange(len(lengths))[::-1], scale)
    assert batch.x.shape == (len(lengths), max(lengths) + 2, 5) and batch.x.dtype == torch.float32
    assert batch.lengths.tolist() == lengths[::-1]
    for x, i in zip(batch.x.numpy(), range(len(lengths))[::-1], strict=True):
        expected = to_stroke5(sketches[i] / np.float32([scale, scale, 1]))
        assert np.array_equal(x[0], [0, 0, 1, 0, 0])
        assert np.array_equal(x[1 : len(expected) + 1], expected)
        assert (x[len(expected) + 1 :] == [0, 0, 0, 0, 1]).all()


def test_every_row_of_a_batch_has_exactly_one_pen_state():
    batch = make_batch(sketch_set(), [0, 5, 40], 3.0)
    assert torch.equal(batch.x[..., 2:].sum(-1), torch.ones(batch.x.shape[:2]))


def test_masks_count_real_points_and_the_one_end_row():
    sketches = sketch_set()
    batch = make_batch(sketches, [0, 5, 40], 3.0)
    target = batch.x[:, 1:]
    assert batch.drawn.shape == batch.decided.shape == target.shape[:2]
    assert torch.equal(batch.drawn, target[..., 4] == 0)
    assert torch.equal(batch.decided.sum(1), batch.lengths + 1)
    assert (target[batch.decided & ~batch.drawn] == torch.tensor([0, 0, 0, 0, 1.0])).all()
    assert batch.labels.tolist() == sketches.labels[[0, 5, 40]].tolist() and len(batch) == 3


@given(st.integers(1, 400), st.integers(1, 60), st.integers(0, 2**31), st.integers(0, 50), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_an_epoch_visits_every_drawing_once(n, batch_size, seed, epoch, pool):
    lengths = np.random.default_rng(seed).integers(1, 200, n)
    order = batch_order(lengths, batch_size, seed, epoch, pool)
    assert sorted(np.concatenate(order).tolist()) == list(range(n))
    assert all(1 <= len(index) <= batch_size for index in order)


def test_the_order_is_a_function_of_seed_and_epoch():
    lengths = sketch_set(200).lengths

    def flat(seed, epoch):
        return np.concatenate(batch_order(lengths, 16, seed, epoch)).tolist()

    assert flat(3, 1) == flat(3, 1)
    assert len({tuple(flat(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_a_batch_is_not_the_same_company_in_every_epoch():
    lengths = sketch_set(200, high=200).lengths
    first, second = ({frozenset(b.tolist()) for b in batch_order(lengths, 16, 0, epoch, pool=2)} for epoch in (0, 1))
    assert not first & second


def test_bucketing_leaves_little_padding():
    lengths = np.random.default_rng(0).integers(10, 201, 10_000)
    padded = sum(len(index) * lengths[index].max() for index in batch_order(lengths, 100, 0, 0))
    assert padded / lengths.sum() < 1.1


def test_batches_come_in_the_epochs_order_and_unshuffled_by_length():
    sketches = sketch_set(40)
    order = batch_order(sketches.lengths, 16, 5, 2)
    for index, batch in zip(order, batches(sketches, 2.0, 16, seed=5, epoch=2), strict=True):
        assert torch.equal(batch.x, make_batch(sketches, index, 2.0).x)
    plain = list(batches(sketches, 2.0, 16, shuffle=False))
    lengths = torch.cat([batch.lengths for batch in plain]).tolist()
    assert lengths == sorted(sketches.lengths.tolist()) and len(plain) == 5


def test_augmentation_stretches_each_axis_of_each_drawing_by_one_factor():
    batch = make_batch(sketch_set(), np.arange(40), 3.0)
    original = batch.x.clone()
    bigger = augment(batch, torch.Generator().manual_seed(0), 0.15)
    assert torch.equal(batch.x, original) and torch.equal(bigger.x[..., 2:], batch.x[..., 2:])
    moved = batch.x[..., :2] != 0
    ratio = torch.where(moved, bigger.x[..., :2] / batch.x[..., :2], torch.nan)
    factors = ratio.nanmedian(1).values  # (B, 2)
    assert torch.allclose(ratio[moved], factors[:, None].expand_as(ratio)[moved], atol=1e-5)
    assert 0.85 <= factors.min() < 0.9 and 1.1 < factors.max() <= 1.15
    assert (factors[:, 0] - factors[:, 1]).abs().min() > 0 and len(factors.unique()) == 80
    assert torch.equal(bigger.x, augment(batch, torch.Generator().manual_seed(0), 0.15).x)


def places(batch, i):
    """The absolute places (N, 2) of drawing i's points, and its pen states (N, 3)."""
    rows = batch.x[i, 1 : int(batch.lengths[i]) + 1]
    return rows[:, :2].cumsum(0), rows[:, 2:]


def test_merging_leaves_out_points_inside_strokes_and_moves_nothing():
    batch = make_batch(sketch_set(), np.arange(40), 3.0)
    merged = augment(batch, torch.Generator().manual_seed(0), 0.0, merge=0.5)
    left_out = int(batch.lengths.sum() - merged.lengths.sum())
    assert left_out > 40 and merged.x.shape[1] == merged.lengths.max() + 2
    for i in range(40):
        (before, pens), (after, kept) = places(batch, i), places(merged, i)
        rows = [int(torch.isclose(before, place, atol=1e-4).all(1).nonzero()[0]) for place in after]
        assert rows == sorted(set(rows)) and torch.equal(pens[rows], kept)
        missing = set(range(len(before))) - set(rows)
        assert all(pens[k, 0] == 1 and k > 0 and pens[k - 1, 0] == 1 for k in missing)  # neither lifted there nor just put down
        assert (merged.x[i, int(merged.lengths[i]) + 1 :] == torch.tensor([0, 0, 0, 0, 1.0])).all()
    everything = augment(batch, torch.Generator().manual_seed(0), 0.0, merge=1.0)
    assert torch.equal(everything.x[..., 3].sum(1), batch.x[..., 3].sum(1))  # as many strokes


def test_jitter_moves_each_point_by_itself_and_the_end_by_nothing():
    batch = make_batch(sketch_set(400), np.arange(800), 3.0)
    moved = augment(batch, torch.Generator().manual_seed(0), 0.0, jitter=0.1)
    assert torch.equal(moved.x[..., 2:], batch.x[..., 2:]) and torch.equal(moved.lengths, batch.lengths)
    away = torch.cat([places(moved, i)[0] - places(batch, i)[0] for i in range(800)])
    assert abs(float(away.std()) - 0.1) < 0.005 and abs(float(away.mean())) < 0.005
    ends = batch.x[..., 4] == 1
    assert (moved.x[..., :2][ends] == 0).all() and (moved.x[:, 0] == batch.x[:, 0]).all()


def test_points_that_are_read_stray_and_what_is_to_be_predicted_leads_back_to_the_drawing():
    batch = make_batch(sketch_set(400), np.arange(800), 3.0)
    assert batch.read is batch.x and torch.equal(batch.targets, batch.x[:, 1:])
    led = augment(batch, torch.Generator().manual_seed(0), 0.0, stray=0.2)
    assert torch.equal(led.x, batch.x) and torch.equal(led.read[..., 2:], batch.x[..., 2:])
    assert torch.equal(led.targets[..., 2:], batch.x[:, 1:, 2:])
    own, read = batch.x[..., :2].cumsum(1), led.read[..., :2].cumsum(1)
    arrived = read[:, :-1] + led.targets[..., :2]  # from where the decoder is to where it is told to go
    away = (read - own)[:, 1:]
    before = torch.nn.functional.pad(away, (0, 0, 1, 0))[:, :-1]
    assert torch.allclose(arrived[batch.drawn], (own[:, 1:] + KEPT * before)[batch.drawn], atol=1e-4)
    ends = batch.x[..., 4] == 1
    assert (
        (led.read[:, 0] == batch.x[:, 0]).all() and (led.read[..., :2][ends] == 0).all() and (led.targets[..., :2][ends[:, 1:]] == 0).all()
    )
    steps = away - KEPT * before
    sizes = torch.stack([steps[i, : batch.lengths[i]].square().mean() for i in range(800)])
    assert float(sizes.mean().sqrt()) == pytest.approx(0.2 / 3**0.5, rel=0.05)  # of deviations that are uniform in 0 to 0.2
    assert float(sizes.min().sqrt()) < 0.01  # each drawing has its own


def test_a_cell_moves_each_point_evenly_within_it_and_the_origin_by_nothing():
    batch = make_batch(sketch_set(400), np.arange(800), 3.0)
    moved = augment(batch, torch.Generator().manual_seed(0), 0.0, cell=1 / 3)
    away = 3 * torch.cat([places(moved, i)[0] - places(batch, i)[0] for i in range(800)])
    assert 0.49 < away.abs().max() < 0.5001 and abs(float(away.std()) - 12**-0.5) < 0.005
    assert torch.equal(moved.x[..., 2:], batch.x[..., 2:]) and torch.equal(moved.x[:, 0], batch.x[:, 0])


def test_rotation_keeps_lengths_and_turns_every_movement_of_a_drawing_alike():
    batch = make_batch(sketch_set(), np.arange(40), 3.0)
    turned = augment(batch, torch.Generator().manual_seed(0), 0.0, rotate=20.0)
    (x, y), (u, v) = (b.x[..., :2].unbind(-1) for b in (batch, turned))
    assert torch.allclose(x**2 + y**2, u**2 + v**2, rtol=1e-4, atol=1e-4)
    angle = torch.rad2deg(torch.atan2(x * v - y * u, x * u + y * v))
    moving = x**2 + y**2 > 1
    spread = [angle[i][moving[i]] for i in range(40)]
    assert all(one.std() < 0.1 and one.abs().max() < 20.01 for one in spread) and len({round(float(one[0]), 1) for one in spread}) > 20


def test_small_classes_come_again_in_turn_until_they_are_as_many_as_asked():
    sketches = sketch_set(30).subset(np.arange(40))  # 30 cats, 10 suns
    more = repeated(sketches, 24)
    assert more.counts() == {"cat": 30, "sun": 24} and repeated(sketches, None) is sketches
    times = [sum(np.array_equal(more[i], sketches[30 + k]) for i in range(30, 54)) for k in range(10)]
    assert sorted(set(times)) == [2, 3] and sum(times) == 24


def test_augmentation_of_a_part_is_the_part_of_the_augmentation():
    sketches = sketch_set()
    index = np.argsort(sketches.lengths)  # the longest is in the second share
    share = Share(0, 2, len(index))
    whole, part = make_batch(sketches, index, 3.0), replace(make_batch(sketches, share.of(index), 3.0), share=share)
    one, other = (augment(b, torch.Generator().manual_seed(1), 0.1, 0.4, 0.05, 60, 10.0, 0.3) for b in (whole, part))
    rows = min(one.x.shape[1], other.x.shape[1])
    assert torch.allclose(share.of(one.x)[:, :rows], other.x[:, :rows], atol=1e-5) and torch.equal(share.of(one.lengths), other.lengths)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_augmentation_works_on_a_device_with_a_generator_of_the_cpu():
    batch = make_batch(sketch_set(), np.arange(10), 3.0)
    there = augment(batch.to("cuda"), torch.Generator().manual_seed(0))
    assert torch.allclose(there.x.cpu(), augment(batch, torch.Generator().manual_seed(0)).x)
