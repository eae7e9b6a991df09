"""Numbers as people read them."""

from __future__ import annotations

import pytest

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.statistics import Interval


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.12345, False, "0.123"),
        (0.12345, True, "+0.123"),
        (-0.5, False, "−0.500"),
        (0.0, True, "0.000"),
        (1234.56, False, "1234.6"),
        (-1.5e300, True, "−1.5e+300"),
        (None, False, "–"),
    ],
)
def test_number(value, sign, text):
    assert wording.number(value, sign=sign) == text


def test_percent_interval_and_p():
    assert wording.percent(0.2) == "+20.0 %"
    assert wording.percent(-0.051) == "−5.1 %"
    assert wording.percent(2.5e200) == "+2.5e+202 %"
    assert wording.percent(None) == wording.interval(None) == wording.p_value(None) == "–"
    assert wording.interval(Interval(-0.01, 0.2)) == "−0.010 to +0.200"
    assert wording.p_value(0.0001) == "< 0.001"
    assert wording.p_value(0.04) == "0.040"


@pytest.mark.parametrize(("seconds", "text"), [(3.14, "3.1 s"), (148.2, "2.5 min"), (9000, "2.5 h")])
def test_duration(seconds, text):
    assert wording.duration(seconds) == text
