"""Still pictures: what is drawn where, in which colour, and what is refused."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from sketchlib.errors import DataError
from sketchlib.pictures import draw
from sketchlib.strokes import Drawing

# Linear RGB as seen without the long and without the medium cones (Machado, Oliveira and Fernandes, 2009, severity 1).
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])


def zigzag(word="cat", n=6, finished=None):
    return Drawing(([[i * 10, (i % 2) * 40] for i in range(n)], [[5, 60], [45, 60]]), word, finished=finished)


def linear(color):
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    lms = np.cbrt(np.clip(rgb, 0, 1) @ np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]).T)
    return lms @ np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]).T


def lines_of(figure):
    return figure.axes[0].collections[0].get_segments()


@pytest.mark.parametrize("color", [*draw.COLORS.values(), *draw.OTHERS, draw.NO_CLASS])
def test_colours_stand_out_on_white(color):
    luminance = linear(color) @ [0.2126, 0.7152, 0.0722]
    assert 1.05 / (luminance + 0.05) >= 3.5


@pytest.mark.parametrize("seen", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["full", "protanopia", "deuteranopia"])
def test_the_ten_colours_differ_for_every_kind_of_colour_vision(seen):
    assert len(draw.COLORS) == 10
    for a, b in combinations(draw.COLORS.values(), 2):
        assert np.linalg.norm(oklab(linear(a) @ seen.T) - oklab(linear(b) @ seen.T)) > 0.07, (a, b)


def test_a_class_beyond_the_ten_keeps_one_colour_in_every_run():
    assert draw.color_of("zebra") == "#5e6b1f"  # a hash that changes from run to run would not give this
    assert draw.color_of("") == draw.NO_CLASS


@pytest.mark.parametrize("upto", [0, 1, 6, 7, 8, 99])
def test_first_points_are_a_beginning_of_the_drawing(upto):
    whole, part = zigzag(), draw.first_points(zigzag(), upto)
    points = np.concatenate([*part.strokes, np.zeros((0, 2))])
    assert len(points) == min(upto, whole.n_points)
    np.testing.assert_array_equal(points, np.concatenate(whole.strokes)[: len(points)])


def test_plot_points_y_down_with_equal_axes_and_no_ticks():
    draw.style()
    figure = draw.plt.figure()
    ax = figure.add_subplot()
    draw.plot(zigzag(), ax, upto=3)
    draw.plt.close(figure)
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    assert bottom > top and right - left == pytest.approx(bottom - top)
    assert not len(ax.get_xticks()) and not len(ax.get_yticks()) and ax.get_aspect() == 1
    assert sum(map(len, ax.collections[0].get_segments())) == 3


@pytest.mark.parametrize("n", range(1, 41))
def test_panels_have_room_for_all_and_no_empty_row(n):
    rows, columns = draw.shape_of(n)
    assert (rows - 1) * columns < n <= rows * columns


def test_a_grid_keeps_each_drawing_inside_its_own_panel():
    drawings = [Drawing(([[0, 0], [size, size / 3]],), "cat") for size in (1, 10, 1000, 7, 90)]
    segments = lines_of(draw.grid(drawings, columns=3, size=1.0))
    for number, segment in enumerate(segments):
        row, column = divmod(number, 3)
        assert (segment >= (column, row)).all() and (segment <= (column + 1, row + 1)).all()
        assert np.ptp(segment[:, 0]) > 0.8  # and fills it, whatever its own size


def test_a_dot_is_seen(tmp_path):
    draw.save_png(Drawing(([[5, 5]],), "cat"), tmp_path / "dot.png")
    assert np.asarray(Image.open(tmp_path / "dot.png").convert("L")).min() < 128


def test_a_png_is_opaque_white_outside_the_lines(tmp_path):
    draw.save_png(draw.class_grid({"cat": [zigzag()] * 3, "sun": [zigzag("sun")]}), tmp_path / "grid.png")
    image = Image.open(tmp_path / "grid.png").convert("RGBA")
    pixels = np.asarray(image)
    assert (pixels[..., 3] == 255).all() and (pixels[0, 0] == 255).all() and pixels[..., :3].min() < 100


def test_rows_are_named_and_coloured_by_class():
    figure = draw.class_grid({"cat": [zigzag()], "sun": [zigzag("sun"), zigzag("sun")]})
    assert {text.get_text() for text in figure.axes[0].texts} == {"cat", "sun"}
    colors = figure.axes[0].collections[0].get_colors()
    assert len(colors) == len(lines_of(figure)) == 6
    assert [tuple(c[:3]) for c in colors] == [to_rgb(draw.COLORS["cat"])] * 2 + [to_rgb(draw.COLORS["sun"])] * 4


def test_a_gap_in_a_row_is_left_blank():
    with_gap, without = (lines_of(draw.class_grid({"cat": [zigzag(), *gap, zigzag()]})) for gap in ([None], []))
    assert len(with_gap) == len(without) and with_gap[-1][:, 0].min() > without[-1][:, 0].max()


def test_heads_stand_above_the_groups_that_a_gap_divides():
    figure = draw.class_grid({"": [zigzag(), None, zigzag(), zigzag()]}, size=1, heads=("real", "made"))
    middles = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts if text.get_text()}
    left = figure.get_size_inches()[0] - 4
    assert middles == pytest.approx({"real": left + 0.5, "made": left + 3})
    assert figure.axes[0].get_ylim() == (1, -0.25) and figure.get_size_inches()[1] == 1.25
    with pytest.raises(DataError, match="1 heads for 2 groups"):
        draw.temperature_grid({0.1: [zigzag(), None, zigzag()]}, heads=["one"])


def test_temperatures_are_written_as_tau():
    figure = draw.temperature_grid({0.1: [zigzag()], 1.0: [zigzag()]})
    assert [text.get_text() for text in figure.axes[0].texts] == ["τ = 0.1", "τ = 1"]


def test_only_a_drawing_cut_off_is_marked():
    drawings = [zigzag(finished=state) for state in (None, True, False)]
    assert len(draw.grid(drawings).axes[0].texts) == 0
    (mark,) = draw.grid(drawings, columns=3, mark=True).axes[0].texts
    assert 2 < mark.get_position()[0] < 3


def test_compare_puts_pairs_one_above_the_other():
    segments = lines_of(draw.compare([zigzag()] * 3, [zigzag()] * 3, columns=2))
    firsts = np.array([segment[0] for segment in segments[::2]])  # above 1, 2; below 1, 2; above 3; below 3
    np.testing.assert_allclose(firsts[2:4] - firsts[:2], [[0, 1], [0, 1]], atol=1e-6)
    np.testing.assert_allclose(firsts[5] - firsts[4], [0, 1], atol=1e-6)


def test_pictures_that_cannot_be_made_are_refused():
    for make in (
        lambda: draw.grid([]),
        lambda: draw.grid([zigzag()], columns=0),
        lambda: draw.grid([zigzag()], titles=["a", "b"]),
        lambda: draw.class_grid({}),
        lambda: draw.class_grid({"cat": []}),
        lambda: draw.compare([zigzag()], []),
    ):
        with pytest.raises(DataError):
            make()


def test_empty_drawings_leave_their_place_empty():
    assert len(lines_of(draw.grid([zigzag(), Drawing(()), zigzag()]))) == 4


def test_a_failed_save_keeps_what_was_there(tmp_path):
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    with pytest.raises(DataError, match="file"):
        draw.save_png(zigzag(), tmp_path / "file" / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


def test_a_confusion_matrix_shows_its_shares_in_percent_where_they_count():
    _, ax = plt.subplots()
    draw.confusion(ax, np.array([[0.9, 0.1], [0.001, 0.999]]), ("cat", "sun"), "read")
    assert [(text.get_position(), text.get_text()) for text in ax.texts] == [((0, 0), "90"), ((1, 0), "10"), ((1, 1), "100")]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "sun"]


def test_groups_stand_beside_each_other_each_under_its_name():
    figure = draw.beside({"real": [zigzag()] * 5, "made": [zigzag()] * 3}, columns=2, size=1)
    (ax,) = figure.axes
    assert tuple(figure.get_size_inches()) == (5, 3.25) and ax.get_ylim() == (3, -0.25)
    assert {text.get_text(): text.get_position()[0] for text in ax.texts} == {"real": 1, "made": 4}
    corners = sorted({(int(path.vertices[:, 0].mean()), int(path.vertices[:, 1].mean())) for path in ax.collections[0].get_paths()})
    assert corners == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (3, 0), (3, 1), (4, 0)]
    with pytest.raises(DataError, match="no drawing"):
        draw.beside({"real": []})
