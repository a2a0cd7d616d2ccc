"""Texts, paths and numbers that people give to pictures: shown as they are, taken, or named."""

import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.pictures import animation, draw
from sketchlib.strokes import Drawing

CAT = Drawing(([[0, 0], [30, 40], [5, 9]],), "cat")
BROKEN = Drawing(([[0, 0], [np.nan, 1]],), "cat")


def test_a_path_may_begin_with_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert animation.animate(CAT, "~/cats.svg") == tmp_path / "home" / "cats.svg"
    draw.save_png(CAT, "~/cat.png", dpi=20)
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["cat.png", "cats.svg"] and not (tmp_path / "~").exists()


@pytest.mark.parametrize(("labels", "shown"), [([None, "b"], ["b"]), ([1, 2.5], ["1", "2.5"]), (["a\0\x0bc", "\ud800<&"], ["ac", "<&"])])
def test_labels_are_shown_as_text_without_what_no_svg_may_hold(labels, shown, tmp_path):
    text = animation.animate([CAT, CAT], tmp_path / "a.svg", labels=labels).read_text(encoding="utf-8")
    assert [one.text for one in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text") if one.text] == shown
    assert animation.animate([CAT, CAT], tmp_path / "a.gif", labels=labels).stat().st_size > 0


def test_a_word_may_hold_what_no_svg_may(tmp_path):
    odd = Drawing(CAT.strokes, "c\0a\x0bt\ud800")
    assert ET.fromstring(animation.animated_svg([odd, odd])).find("{http://www.w3.org/2000/svg}title").text == "cat"
    assert draw.grid([odd], titles=["x"]) is not None and draw.color_of(odd.word) in draw.OTHERS


@pytest.mark.parametrize("title", ["cost $5 & 10% _x^y$z", "$", "$$", "\\frac", None, 3])
def test_titles_are_shown_as_they_are(title, tmp_path):
    figure = draw.grid([CAT, CAT], titles=[title, "b"])
    assert [one.get_text() for one in figure.axes[0].texts] == ["" if title is None else str(title), "b"]
    for picture in (figure, draw.class_grid({title: [CAT]}), draw.beside({title or "": [CAT]})):
        draw.save_png(picture, tmp_path / "a.png", dpi=20)


@pytest.mark.parametrize("show", [draw.save_png, animation.animate])
def test_a_drawing_that_is_not_finite_is_named_and_nothing_is_written(show, tmp_path):
    with pytest.raises(DataError, match=r"drawing 0 \(cat\) has NaN or infinite coordinates; leave it out"):
        show(BROKEN, tmp_path / ("a.png" if show is draw.save_png else "a.gif"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("strokes", [[[[5, 5]]], [[[5, 5]] * 4], [[[5, 5], [5, 5]], [[5, 5]]]])
def test_a_gif_of_one_dot_leaves_no_file_open(strokes, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        animation.animate(Drawing(strokes), tmp_path / "dot.gif")


@pytest.mark.parametrize("named", [{"max_frames": 0}, {"size": 0}, {"frame_ms": 0}, {"frame_ms": 10**7}, {"size": 10_000}])
def test_numbers_that_make_no_film_are_named(named, tmp_path):
    with pytest.raises(DataError, match="|".join([*named, "pixels"])):
        animation.animate([CAT] * 4, tmp_path / "a.gif", **named)


def test_figures_start_from_the_librarys_style_and_not_from_a_users():
    import matplotlib.pyplot as plt

    plt.rcParams.update({"axes.edgecolor": "red", "font.size": 30, "text.usetex": True})
    draw.style()
    assert plt.rcParams["axes.edgecolor"] == "black" and plt.rcParams["font.size"] == 9 and plt.rcParams["text.usetex"] is False
