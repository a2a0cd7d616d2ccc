"""The tables of chapters 4 and 5 that say where each setting is from."""

import pytest

from sketchlib.report.chapters.origins import HEAD, WHY, origins
from sketchlib.report.profile import load_profile


@pytest.mark.parametrize("section", WHY)
def test_the_table_tells_of_every_setting_of_a_section_but_which_weights_are_kept_and_which_drawings_are_read(section):
    profile = load_profile("smoke")
    rows = origins(profile, section)
    named = {row[0].strip("`") for row in rows}
    left_out = {"keep", "classes"} | ({"per_class"} if section == "data" else set())
    assert named - {"dropout"} == set(profile.section(section)) - left_out
    assert all(len(row) == len(HEAD) for row in rows)
