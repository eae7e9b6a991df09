"""Names that were typed wrong are answered with the known name most like them, whatever their case."""

import pytest

from ecr_engine.errors import nearest, suggestion


@pytest.mark.parametrize(
    ("typed", "known", "best"),
    [
        ("POLITENES", ["Length", "POLITENESS"], "POLITENESS"),
        ("politenes", ["Length", "POLITENESS"], "POLITENESS"),
        ("Politenes", ["length", "politeness"], "politeness"),
        # In another case it is nearer than what shares a few small letters.
        ("RUBRIC", ["RUBRICS", "ru"], "RUBRICS"),
        ("Abc", ["abc", "Abc", "ABC"], "Abc"),
        ("ABC", ["abc", "Abc", "ABC"], "ABC"),
        ("zzz", ["POLITENESS"], None),
    ],
)
def test_case_does_not_count(typed, known, best):
    assert nearest(typed, known) == best


def test_the_name_is_proposed_as_it_is_written():
    assert suggestion("POLITENES", ["POLITENESS"]) == "did you mean 'POLITENESS'?"
