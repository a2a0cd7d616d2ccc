"""The recogniser: it learns, it repeats itself, it refuses what it does not know."""

import numpy as np
import pytest
import torch

from sketchlib.errors import DataError
from sketchlib.metrics import recogniser
from sketchlib.models import weights
from sketchlib.strokes import Drawing

pytestmark = pytest.mark.numeric


def house(size=100.0, at=(0.0, 0.0)):
    walls = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], np.float32) * size + np.float32(at)
    return Drawing((walls, np.array([[0, 0], [0.5, -0.5], [1, 0]], np.float32) * size + np.float32(at)))


def polygon(corners, rng):
    turn = np.linspace(0, 2 * np.pi, corners + 1) + rng.uniform(-0.2, 0.2)
    return Drawing((np.stack([np.cos(turn), np.sin(turn)], 1) * 50 + rng.normal(0, 2, (corners + 1, 2)),))


def shapes(n, seed):
    rng = np.random.default_rng(seed)
    return {name: [polygon(corners, rng) for _ in range(n)] for name, corners in (("triangle", 3), ("circle", 24))}


def train_with_curves(seed=0):
    return recogniser.train_recogniser(shapes(40, 1), shapes(10, 2), size=16, epochs=4, seed=seed, batch_size=16, width=4)


def train(seed=0):
    return train_with_curves(seed)[0]


@pytest.fixture(scope="module")
def model():
    return train()


def test_it_tells_triangles_from_circles_at_any_width_and_scale(model):
    for name, drawings in shapes(20, 3).items():
        for line_width in (1.0, 2.5):
            bigger = [Drawing(tuple(s * 37 + 500 for s in one.strokes)) for one in drawings]
            read = model.predict(bigger, line_width)
            assert read.shape == (20, 2) and np.allclose(read.sum(1), 1, atol=1e-5)
            assert (read.argmax(1) == model.classes.index(name)).mean() >= 0.9


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone(model):
    torch.manual_seed(5)
    before, again = torch.get_rng_state(), train()
    assert torch.equal(before, torch.get_rng_state())
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_another_seed_gives_other_weights(model):
    assert not torch.equal(model.head[1].weight, train(seed=1).head[1].weight)


def test_predictions_do_not_depend_on_company(model):
    drawings = shapes(3, 4)["circle"]
    assert np.allclose(model.predict(drawings)[1], model.predict(drawings[1:2])[0], atol=1e-5)


def test_features_are_what_the_head_reads(model):
    drawings = shapes(5, 4)["circle"]
    found = recogniser.features(model, drawings)
    assert found.shape == (5, recogniser.FEATURES)
    with torch.no_grad():
        logits = model.head(torch.from_numpy(found))
    assert np.allclose(torch.softmax(logits, -1).numpy(), model.predict(drawings), atol=1e-5)


def test_features_of_what_is_drawn_leave_the_empty_out_and_say_which_are_left(model):
    first, second = shapes(2, 4)["circle"]
    found, index = recogniser.drawn_features(model, [Drawing(()), first, Drawing(()), second], 2.5)
    assert index.tolist() == [1, 3] and np.array_equal(found, recogniser.features(model, [first, second], 2.5))
    for nothing in ([], [Drawing(())]):
        found, index = recogniser.drawn_features(model, nothing)
        assert found.shape == (0, recogniser.FEATURES) and not len(index)


def test_saved_and_loaded_it_reads_the_same(model, tmp_path):
    weights.save(model, tmp_path / "r.safetensors")
    again = recogniser.load(tmp_path / "r.safetensors", model.classes)
    drawings = shapes(5, 5)["triangle"]
    assert again.config() == model.config()
    assert np.array_equal(model.predict(drawings), again.predict(drawings))


def test_training_records_each_epoch_and_keeps_the_best():
    found, curves = train_with_curves()
    assert [record["epoch"] for record in curves] == [1, 2, 3, 4]
    valid = shapes(10, 2)
    hits = [found.predict(drawings).argmax(1) == found.classes.index(name) for name, drawings in valid.items()]
    assert np.mean(hits) == pytest.approx(max(record["valid_accuracy"] for record in curves))


def test_other_files_and_other_classes_are_refused(model, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "r.safetensors"
    weights.save(model, path)
    with pytest.raises(DataError, match="trained on triangle, circle; expected cat, sun"):
        recogniser.load(path, ("cat", "sun"))
    save_file({"x": torch.zeros(1)}, path, metadata={"architecture": "SketchVAE", "config": "{}"})
    with pytest.raises(DataError, match="'SketchVAE'; expected Recogniser"):
        recogniser.load(path)
    save_file({"x": torch.zeros(1)}, path, metadata={"architecture": "Recogniser", "config": '{"classes": ["a", "b"]}'})
    with pytest.raises(DataError, match="do not fit"):
        recogniser.load(path)
    path.write_bytes(b"no")
    with pytest.raises(DataError, match="not a readable safetensors file"):
        recogniser.load(path)


@pytest.mark.parametrize(
    "training, valid, message",
    [
        ({"a": [house()]}, {"a": [house()]}, "two classes"),
        ({"a": [house()], "b": [house()]}, {"a": [house()]}, "on one side only: b"),
        ({"a": [house()], "b": []}, {"a": [house()], "b": [house()]}, "no training drawings of b"),
        ({"a": [house()], "b": [Drawing(())]}, {"a": [house()], "b": [house()]}, "without points"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(training, valid, message):
    with pytest.raises(DataError, match=message):
        recogniser.train_recogniser(training, valid, epochs=1)


@pytest.mark.parametrize("size", [8, 20, 0])
def test_picture_sizes_that_do_not_pool_are_refused(size):
    with pytest.raises(DataError, match="multiple of 8|size is 0"):
        recogniser.Recogniser(("a", "b"), size)


def test_nothing_to_read_is_refused(model):
    with pytest.raises(DataError, match="at least one"):
        model.predict([])
