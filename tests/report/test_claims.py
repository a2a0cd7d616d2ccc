"""A claim's verdict follows from its rule, and tables and counts hold every claim once."""

import numpy as np
import pytest

from sketchlib.errors import DataError
from sketchlib.report.claims import VERDICTS, Claims, decided, verdict


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


def test_a_table_has_the_claims_of_its_parts_in_order(claims):
    lines = claims.table("conclusion", "evaluation").splitlines()
    assert lines[0] == "| claim | rule | figure | verdict | note |"
    assert lines[2:] == [
        "| sketches depend on the class | above chance | 40 % | **reproduced with a correction** | trained on all |",
        "| sketches differ | above 0.5 | 0.9 | **reproduced** |  |",
        "| rates fall | a cut | no cut | **not reproduced** | one validation |",
    ]
    assert claims.table("conclusion").splitlines() == lines[:3]
    with pytest.raises(DataError, match="no claims of table; there are some of evaluation, conclusion"):
        claims.table("evaluation", "table")


def test_counts_have_every_claim_and_every_verdict(claims):
    assert claims.counts() == {
        "evaluation": dict(zip(VERDICTS, (1, 0, 1, 0), strict=True)),
        "conclusion": dict(zip(VERDICTS, (0, 1, 0, 0), strict=True)),
    }
    claims.add("approach", "forcing helps", "none", "no run", None)
    assert claims.counts()["approach"]["cannot be tested"] == 1
    assert len(claims) == sum(sum(found.values()) for found in claims.counts().values()) == 4


def test_a_claim_is_added_once_to_a_part(claims):
    claims.add("conclusion", "sketches differ", "above 0.5", "0.9", True)
    with pytest.raises(DataError, match="'sketches differ' is in part 'evaluation' already"):
        claims.add("evaluation", "sketches differ", "above 0.4", "0.9", True)
    assert len(claims) == 4
