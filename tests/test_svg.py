"""SVG out, whatever a class is called, and SVG in: shapes, transforms and curves as strokes, and what is refused."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketchlib.errors import DataError
from sketchlib.pictures.animation import animated_svg
from sketchlib.strokes import Drawing, simplify
from sketchlib.svg import parse_svg, read_svg, still_svg


def test_the_title_is_the_class_and_the_colour_is_the_one_asked_for():
    tree = ET.fromstring(still_svg(Drawing(([[0, 0], [3, 4]],), "pig & <co>"), color="#123456"))
    lines, title = (tree.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("g", "title"))
    assert title.text == "pig & <co>" and lines.get("stroke") == "#123456"


def test_a_class_with_characters_that_xml_forbids_is_read_by_its_readers():
    title = ET.fromstring(still_svg(Drawing(([[0, 0], [3, 4]],), "a\0b\x0bc\ud800d\ufffe"))).find("{http://www.w3.org/2000/svg}title")
    assert title.text == "abcd"


def svg(inside, head='viewBox="0 0 100 100"'):
    return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {head}>{inside}</svg>'


def strokes(inside, head='viewBox="0 0 100 100" stroke="black"', **options):
    return [np.round(stroke, 3).tolist() for stroke in parse_svg(svg(inside, head), **options).strokes]


coordinates = st.floats(-1000, 1000, width=32)
some_strokes = st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6), min_size=1, max_size=5)


@given(some_strokes)
@settings(max_examples=25, deadline=None)
def test_our_own_files_come_back_exactly_also_simplified(all_strokes):
    drawing = Drawing(all_strokes, "owl")
    for simplified in (False, True):
        found = parse_svg(still_svg(drawing, decimals=None), simplified=simplified)
        assert found.word == "owl" and len(found.strokes) == len(drawing.strokes)
        for one, other in zip(found.strokes, drawing.strokes, strict=True):
            short = len(other) == 2 and np.hypot(*(other[1] - other[0])) < 0.015  # a line of a hundredth is a dot
            assert np.array_equal(one, other) or (short and np.array_equal(one, other[:1]))


def test_an_animated_drawing_has_the_same_strokes_in_the_same_order():
    drawing = Drawing(([[0, 0], [200, 100]], [[10, 5]], [[255, 0], [3, 9], [0, 255]]), "owl")
    found = parse_svg(animated_svg(drawing, 255))
    assert [len(stroke) for stroke in found.strokes] == [2, 1, 3] and found.word == "owl"
    scale = found.strokes[0][1] - found.strokes[0][0]
    assert np.allclose(found.strokes[2][1] - found.strokes[2][0], scale * (-252 / 200, 9 / 100), atol=0.3)


DEFINED = '<defs><g id="a"><line x2="1"/></g></defs>'
SHAPES = {
    "line": ('<line x1="1" y1="2" x2="3" y2="4"/>', [[[1, 2], [3, 4]]]),
    "polyline": ('<polyline points="0,0 1,1-2.5.5 7"/>', [[[0, 0], [1, 1], [-2.5, 0.5]]]),
    "polygon": ('<polygon points="0 0 4 0 4 4"/>', [[[0, 0], [4, 0], [4, 4], [0, 0]]]),
    "rectangle": ('<rect x="1" y="2" width="10%" height="4"/>', [[[1, 2], [11, 2], [11, 6], [1, 6], [1, 2]]]),
    "path": ('<path d="M0 0l1 1h2v2H0zm5 5L6 6 7 5"/>', [[[0, 0], [1, 1], [3, 1], [3, 3], [0, 3], [0, 0]], [[5, 5], [6, 6], [7, 5]]]),
    "closed where it began": ('<path d="M0 0L3 0L0 0z"/>', [[[0, 0], [3, 0], [0, 0]]]),
    "dot": ('<path d="M7 8h0.01"/><path d="M5 5L5 5"/>', [[[7, 8]], [[5, 5], [5, 5]]]),
    "units": ('<line x2="1in" y2="10px"/>', [[[0, 0], [96, 10]]]),
    "moved": ('<g transform="translate(10 20)"><line x2="1" transform="rotate(90) scale(2)"/></g>', [[[10, 20], [10, 22]]]),
    "moved by its style": ('<line x2="1" style="transform:translate(3px,4px)"/>', [[[3, 4], [4, 4]]]),
    "in order": ('<g><line x2="1"/><g><line x2="2"/></g></g><line x2="3"/>', [[[0, 0], [n, 0]] for n in (1, 2, 3)]),
    "used": (DEFINED + '<use href="#a" x="5"/><use xlink:href="#a" y="2"/>', [[[5, 0], [6, 0]], [[0, 2], [1, 2]]]),
    "an svg within": ('<svg x="10" width="20" height="20" viewBox="0 0 10 10"><line x2="1" y2="3"/></svg>', [[[10, 0], [12, 6]]]),
    "not shown": ('<g display="none"><line x2="1"/></g><g visibility="hidden"><line x2="2"/></g><line x2="3"/>', [[[0, 0], [3, 0]]]),
    "not drawn": ('<clipPath><line x2="1"/></clipPath><text>A</text><image href="no.png"/><line x2="3"/>', [[[0, 0], [3, 0]]]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_becomes_these_strokes(shape):
    inside, expected = SHAPES[shape]
    assert strokes(inside) == expected


def test_lines_are_taken_before_what_is_filled_and_outlines_where_there_is_no_line():
    back, filled = '<rect width="100%" height="100%"/>', '<path d="M0 0L1 1" style="stroke: none; fill: #123"/>'
    assert strokes(f'{back}<line x2="1" stroke="red"/>{filled}', "") == [[[0, 0], [1, 0]]]
    assert strokes(f'{filled}<path d="M5 5L6 6" class="a"/><path d="M1 1L2 2" fill="none"/>', "") == [[[0, 0], [1, 1]], [[5, 5], [6, 6]]]


@pytest.mark.parametrize("tolerance", [0.02, 0.25, 3])
@pytest.mark.parametrize("scale", [0.001, 1, 1000])
def test_curves_are_nowhere_farther_from_their_lines_than_the_tolerance(tolerance, scale):
    t = np.linspace(0, 1, 400)[:, None]
    angle = 2 * np.pi * t
    curves = {
        "M0 0C0 200 255 200 255 0": 3 * (1 - t) ** 2 * t * (0, 200) + 3 * (1 - t) * t**2 * (255, 200) + t**3 * (255, 0),
        "M0 0Q100 255 255 0": 2 * (1 - t) * t * (100, 255) + t**2 * (255, 0),
        "M255 127.5A127.5 127.5 0 0 1 0 127.5A127.5 127.5 0 0 1 255 127.5": 127.5 + 127.5 * np.hstack([np.cos(angle), np.sin(angle)]),
    }
    for d, curve in curves.items():
        (line,) = parse_svg(svg(f'<path transform="scale({scale})" d="{d}"/>', 'stroke="red"'), tolerance=tolerance).strokes
        start, step = line[:-1] / scale, np.diff(line / scale, axis=0)
        along = ((curve[:, None] - start) * step).sum(2) / np.maximum((step**2).sum(1), 1e-12)
        away = np.linalg.norm(curve[:, None] - start - along.clip(0, 1)[..., None] * step, axis=2).min(1)
        assert away.max() <= tolerance * 1.02 + 1e-3 and len(line) < 30 / tolerance**0.5 + 20


def test_a_circle_is_round_and_closed():
    (line,) = parse_svg(svg('<circle cx="10" cy="20" r="5"/>', 'stroke="red"')).strokes
    assert np.allclose(np.hypot(*(line - (10, 20)).T), 5, atol=1e-3) and np.allclose(line[0], line[-1])


def test_files_of_others_are_simplified_on_request_as_raw_drawings_are():
    text = svg('<path d="M0 0C0 20 25 20 25 0"/><line x2="25"/>', 'stroke="red"')
    found, expected = parse_svg(text, simplified=True), simplify(parse_svg(text))
    assert all(map(np.array_equal, found.strokes, expected.strokes)) and max(found.bounds()) == 255


def test_a_file_of_another_program_with_its_document_type_is_read(tmp_path):
    path = tmp_path / "bird.svg"
    kind = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>{kind}' + svg('<path d="M0 0L3 4"/>'), encoding="utf-8")
    assert [len(stroke) for stroke in read_svg(path).strokes] == [2] and read_svg(path).word == "bird"


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
USE = '<use href="#g{}"/>'
NESTED = "".join(f'<g id="g{n}">{USE.format(n + 1) * 9}</g>' for n in range(20)) + '<path id="g20" d="M0 0L1 1"/>'
REFUSED = {
    "no XML": ("hello", "is not SVG"),
    "nothing": ("", "is not SVG"),
    "cut": (svg('<path d="M0 0L1 1"/>')[:-3], "is not SVG"),
    "another encoding": ('<?xml version="1.0" encoding="klingon"?><svg/>', "is not SVG"),
    "HTML": ("<html/>", "holds <html>"),
    "no line": (svg("<text>hello</text>"), "nothing in it is a line"),
    "an entity": (f'<!DOCTYPE svg [<!ENTITY a "b">]>{svg("<title>&a;</title>")}', "declares entities"),
    "a billion laughs": (f"<!DOCTYPE svg [{BOMB}]>{svg('<title>&e11;</title>')}", "declares entities"),
    "another file": (f'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>{svg("<title>&a;</title>")}', "declares entities"),
    "a parameter": (f'<!DOCTYPE svg [<!ENTITY % a SYSTEM "http://x/y"> %a;]>{svg("")}', "declares entities"),
    "another SVG": (svg('<use href="http://x/y.svg#a"/>'), "which is not in the file"),
    "a file beside": (svg('<use href="b.svg#a"/>'), "which is not in the file"),
    "itself": (svg('<g id="a"><use href="#a"/></g>'), "within itself"),
    "many within many": (svg(NESTED), "takes more than .* elements"),
    "infinite": (svg('<path d="M0 0L1e400 2"/>'), "not a finite number"),
    "huge": (svg('<path d="M0 0L1e38 2"/>'), "beyond all measure"),
    "huge by its transform": (svg('<path transform="scale(1e40)" d="M0 0L1 2"/>'), "beyond all measure"),
    "no path": (svg('<path d="hello"/>'), "a <path> cannot be read"),
    "half a path": (svg('<path d="M0 0C1 1"/>'), "a <path> cannot be read"),
    "half a matrix": (svg('<path transform="matrix(1 2)" d="M0 0L1 1"/>'), "transform that cannot be read"),
}


@pytest.mark.parametrize("bad", REFUSED)
def test_what_is_no_drawing_or_reaches_out_is_refused_in_one_sentence(tmp_path, bad, monkeypatch):
    monkeypatch.setenv("SKETCHLIB_MAX_BYTES", str(2**26))
    text, says = REFUSED[bad]
    (tmp_path / "x.svg").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"x\.svg: .*{says}") as error:
        read_svg(tmp_path / "x.svg")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="x.svg cannot be read"):
        read_svg(tmp_path / "x.svg")


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf")])
def test_a_tolerance_is_a_distance(tolerance):
    with pytest.raises(DataError, match="tolerance is"):
        parse_svg(svg('<path d="M0 0L1 1"/>'), tolerance=tolerance)


def test_deep_groups_do_not_matter():
    assert strokes("<g>" * 3000 + '<line x2="1"/>' + "</g>" * 3000) == [[[0, 0], [1, 0]]]
