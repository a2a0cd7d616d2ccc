import pytest

from sketchlib import files
from sketchlib.errors import DataError
from sketchlib.files import write_atomically


def test_the_folders_of_a_checkout_are_beside_the_package(monkeypatch):
    monkeypatch.delenv("SKETCHLIB_PROFILES", raising=False)
    beside = {files.weights_folder(), files.profiles_folder(), files.data_folder()}
    assert beside == {files.PACKAGE.parent / name for name in ("weights", "profiles", "data")}


def test_a_folder_of_ones_own_profiles_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SKETCHLIB_PROFILES", str(tmp_path))
    assert files.profiles_folder() == tmp_path


def test_an_installed_package_has_its_folders_inside_and_data_where_one_works(monkeypatch, tmp_path):
    for name in ("weights", "profiles"):
        (tmp_path / "sketchlib" / name).mkdir(parents=True)
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "sketchlib")
    monkeypatch.setattr(files, "INSTALLED", True)
    monkeypatch.delenv("SKETCHLIB_PROFILES", raising=False)
    assert files.weights_folder() == tmp_path / "sketchlib" / "weights" and files.profiles_folder() == tmp_path / "sketchlib" / "profiles"


def failing(error):
    def write(path):
        path.write_text("half of it")
        raise error

    return write


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError("read-only")])
def test_a_failed_write_keeps_what_was_there(error, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(DataError, match="file could not be written .*what was there before is kept"):
        write_atomically(path, failing(error))
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, TypeError, AttributeError, KeyboardInterrupt])
def test_mistakes_of_the_program_are_not_called_a_full_disk(error, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error, match="mine"):
        write_atomically(path, failing(error("mine")))
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
