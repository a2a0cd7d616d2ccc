"""A claim's verdict follows from its rule, and tables and counts hold every claim once."""

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.report.chapters.claims import VERDICTS, Claims, decided, verdict


@pytest.fixture
def claims():
    some = Claims()
    some.add("evaluation", "sketches differ", "above 0.5", "0.9", True)
    some.add("conclusion", "sketches depend on the class", "above chance", "40 %", True, "trained on all")
    some.add("evaluation", "rates fall", "a cut", "no cut", False, "one validation")
    return some


def test_verdicts():
    cases = {(None, ""): "cannot be tested", (False, "x"): "not reproduced", (True, "x"): "reproduced with a correction"}
    assert all(verdict(*case) == expected for case, expected in cases.items())
    assert verdict(np.True_) == "reproduced"
    assert {verdict(True), *cases.values()} == set(VERDICTS)


def test_what_rests_on_a_value_that_is_not_finite_is_not_decided():
    assert decided(True, 0.5, 1.0) is True and decided(False, 0.5) is False
    assert decided(True, 0.5, float("nan")) is None and decided(False, np.inf) is None


def test_the_table_has_every_claim_once_and_those_that_failed_first(claims):
    lines = claims.table().splitlines()
    assert lines[0] == "| verdict | part | claim | rule | found |" and len(lines) == 2 + len(claims)
    assert lines[2] == "| not reproduced | evaluation | rates fall | a cut | no cut; one validation |"
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == [VERDICTS[2], VERDICTS[1], VERDICTS[0]]
    assert all(sum(f"| {one.text} |" in line for line in lines) == 1 for one in claims.kept)


def test_counts_have_every_claim_and_every_verdict(claims):
    assert claims.counts() == {
        "evaluation": dict(zip(VERDICTS, (1, 0, 1, 0), strict=True)),
        "conclusion": dict(zip(VERDICTS, (0, 1, 0, 0), strict=True)),
    }
    claims.add("approach", "forcing helps", "none", "no run", None)
    assert claims.counts()["approach"]["cannot be tested"] == 1
    assert len(claims) == sum(sum(found.values()) for found in claims.counts().values()) == 4


@pytest.mark.parametrize("total", [(2, 1, 1, 0), (1, 1, 2, 0), (1, 1, 1, 1)])
def test_a_claim_without_its_figure_gets_the_verdict_that_is_left_over(claims, total):
    claims.add("evaluation", "order", "alike", "–", None)
    claims.settle("order", dict(zip(VERDICTS, total, strict=True)))
    expected = next(name for name, n, before in zip(VERDICTS, total, (1, 1, 1, 0), strict=True) if n > before)
    assert claims.kept[-1].verdict == expected and "left over" in claims.kept[-1].note
    assert [sum(part[name] for part in claims.counts().values()) for name in VERDICTS] == list(total)


@pytest.mark.parametrize("total", [(2, 2, 0, 0), (3, 1, 1, 0), (float("nan"),) * 4])
def test_a_claim_stays_undecided_where_the_others_do_not_leave_one_verdict(claims, total):
    claims.add("evaluation", "order", "alike", "–", None)
    claims.settle("order", dict(zip(VERDICTS, total, strict=True)))
    assert claims.kept[-1].verdict == "cannot be tested" and claims.kept[-1].note == "its figure was not recorded"


def test_a_claim_is_added_once_to_a_part(claims):
    claims.add("conclusion", "sketches differ", "above 0.5", "0.9", True)
    with pytest.raises(DataError, match="'sketches differ' is in part 'evaluation' already"):
        claims.add("evaluation", "sketches differ", "above 0.4", "0.9", True)
    assert len(claims) == 4
