import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from sketchlib.errors import DataError
from sketchlib.files import read_card
from sketchlib.models import weights
from sketchlib.models.router import Router
from sketchlib.models.single import ConditionalDecoder
from sketchlib.models.vae import SketchVAE

pytestmark = pytest.mark.numeric


def single(seed=0, hidden_size=8):
    torch.manual_seed(seed)
    return ConditionalDecoder(("cat", "alarm clock"), 12, 15.5, hidden_size, 3, 2, dropout=0.25)


def vae(seed=0):
    torch.manual_seed(seed)
    return SketchVAE(("cat",), 12, 15.5, 6, 8, 4, 2, w_kl=0.3, kl_min=0.1)


def equal(a, b):
    one, two = a.state_dict(), b.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


both = pytest.mark.parametrize("make", [single, vae])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder of its own with an empty weights/."""
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr("sketchlib.files.PROJECT", tmp_path)
    return tmp_path


@both
def test_a_model_comes_back_unchanged_from_its_file_alone(make, tmp_path):
    model = make()
    weights.save(model, tmp_path / "new" / "m.safetensors")
    loaded = weights.load(tmp_path / "new" / "m.safetensors")
    assert type(loaded) is type(model) and loaded.config() == model.config() and equal(loaded, model)
    assert not loaded.training and (loaded.classes, loaded.n_max, loaded.scale) == (model.classes, 12, 15.5)
    assert equal(weights.load(str(tmp_path / "new" / "m.safetensors")), model)


def test_weights_can_be_read_by_whoever_may_read_their_card(tmp_path):
    weights.save(single(), tmp_path / "m.safetensors", {"steps": 1})
    assert (tmp_path / "m.safetensors").stat().st_mode == (tmp_path / "m.json").stat().st_mode


@both
def test_half_precision_halves_the_file_and_keeps_three_digits(make, tmp_path):
    model = make()
    weights.save(model, tmp_path / "half.safetensors", half=True)
    assert {t.dtype for t in load_file(tmp_path / "half.safetensors").values()} == {torch.float16}
    loaded = weights.load(tmp_path / "half.safetensors")
    for name, value in loaded.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.allclose(value, model.state_dict()[name], rtol=1e-3, atol=1e-6)


def test_saving_does_not_change_the_model(tmp_path):
    model = single().train()
    weights.save(model, tmp_path / "m.safetensors", half=True)
    assert equal(model, single()) and model.training


def test_the_card_lies_beside_the_weights(tmp_path):
    weights.save(single(), tmp_path / "m.safetensors", card={"seed": 3, "class": "émile"})
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8")) == {"seed": 3, "class": "émile"}
    weights.save(single(), tmp_path / "n.safetensors")
    assert not (tmp_path / "n.json").exists()


# --- files that are not models ---


@pytest.mark.parametrize("content", [b"", b"x", b"garbage" * 50, b"\xff" * 8, b"PK\x03\x04 a zip"])
def test_garbage_is_refused(content, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"m\.safetensors is not a readable safetensors file"):
        weights.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(share, tmp_path):
    path = tmp_path / "m.safetensors"
    weights.save(single(), path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match="is not a readable safetensors file"):
        weights.load(path)


@pytest.mark.parametrize("header", [None, {"architecture": "Transformer", "config": "{}"}, {"architecture": "SketchVAE"}])
def test_weights_of_another_architecture_are_refused(header, tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "m.safetensors", metadata=header)
    with pytest.raises(DataError, match="holds architecture .*expected .*ConditionalDecoder or .*SketchVAE or "):
        weights.load(tmp_path / "m.safetensors")


def damaged_headers():
    config = single().config()
    return ["{", "[1]", "{}", json.dumps({**config, "hidden_size": 9}), json.dumps({**config, "layers": 2})]


@pytest.mark.parametrize("config", damaged_headers())
def test_weights_that_do_not_fit_their_description_are_refused(config, tmp_path):
    header = {"architecture": "ConditionalDecoder", "config": config}
    save_file(single().state_dict(), tmp_path / "m.safetensors", metadata=header)
    with pytest.raises(DataError, match="do not fit its own description"):
        weights.load(tmp_path / "m.safetensors")


# --- where models are looked for ---


def test_published_weights_are_loaded_by_their_name(project):
    weights.save(single(2), project / "weights" / "single.safetensors")
    assert equal(weights.load("single"), single(2))


@pytest.mark.parametrize("name", ["single.safetensors", "router"])
def test_published_weights_that_are_missing_are_named_with_their_folder(name, project):
    with pytest.raises(DataError, match=re.escape(f"{project / 'weights' / name} does not exist")):
        weights.load(name.removesuffix(".safetensors"))
    (project / "weights").rmdir()
    with pytest.raises(DataError, match=re.escape(f"{project / 'weights'} does not exist; get the repository again")):
        weights.load("single")


def test_a_path_that_does_not_exist_is_named(project):
    with pytest.raises(DataError, match="singel does not exist; give 'single', 'router'"):
        weights.load("singel")


def test_a_folder_is_a_router_that_reads_on_demand(project):
    folder = project / "weights" / "router"
    for seed, name in enumerate(("sun", "alarm clock")):
        weights.save(vae(seed), folder / f"{name}.safetensors", card={"seed": seed})
    (folder / "pig.safetensors").write_bytes(b"broken")
    for router in (weights.load(folder), weights.load("router")):
        assert isinstance(router, Router) and router.classes == ("alarm clock", "pig", "sun") and router.loaded == ()
        assert equal(router["sun"], vae(0)) and router.loaded == ("sun",)
        with pytest.raises(DataError, match=r"pig\.safetensors"):
            router["pig"]


def test_hidden_files_are_no_classes_of_a_router(tmp_path):
    weights.save(vae(), tmp_path / "cat.safetensors")
    (tmp_path / "._cat.safetensors").write_bytes(b"\0\5\x16\7")
    assert weights.load(tmp_path).classes == ("cat",)
    (tmp_path / "cat.safetensors").unlink()
    with pytest.raises(DataError, match=r"holds no \.safetensors file"):
        weights.load(tmp_path)


def test_a_folder_with_a_model_of_several_classes_is_no_router(project):
    weights.save(single(), project / "weights" / "single.safetensors")
    weights.save(vae(), project / "weights" / "router" / "cat.safetensors")
    with pytest.raises(DataError, match=r"single\.safetensors draws 2 classes, and a router needs one .* or 'router'"):
        weights.load(project / "weights")
    assert weights.load(project / "weights" / "router").classes == ("cat",)


@pytest.mark.parametrize("content", [None, "", "{", "[1]", "{}", '{"config": {}}', '{"config": 3}'])
def test_a_card_that_is_missing_or_broken_is_named(content, tmp_path):
    if content is not None:
        (tmp_path / "single.json").write_text(content)
    with pytest.raises(DataError, match=r"single\.json, the card of single\.safetensors, cannot be read .* get it again"):
        read_card(tmp_path / "single.safetensors")


def test_an_empty_folder_is_no_router(tmp_path):
    with pytest.raises(DataError, match=r"holds no \.safetensors file"):
        weights.load(tmp_path)


# --- writing ---


def test_a_full_disk_keeps_the_former_weights(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "m.safetensors"
    weights.save(single(1), path)
    before, (soft, hard) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the system refuses what goes beyond
    try:
        with pytest.raises(DataError, match=r"m\.safetensors could not be written"):
            weights.save(single(2), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="could not be written"):
        weights.save(single(), tmp_path / "file" / "m.safetensors")
