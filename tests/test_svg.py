"""SVG text beyond what drawings and films already test: what stands in it is XML, whatever a class is called."""

import xml.etree.ElementTree as ET

from sketchlib.strokes import Drawing
from sketchlib.svg import still_svg


def test_the_title_is_the_class_and_the_colour_is_the_one_asked_for():
    tree = ET.fromstring(still_svg(Drawing(([[0, 0], [3, 4]],), "pig & <co>"), color="#123456"))
    lines, title = (tree.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("g", "title"))
    assert title.text == "pig & <co>" and lines.get("stroke") == "#123456"
