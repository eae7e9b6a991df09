"""What is odd in real ReDial is found; the numbers were counted on their own from the raw files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecr_engine.data.validation.examine import validate

SHARED = Path(os.environ.get("ECR_SHARED", "../shared")) / "data" / "redial"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="real ReDial dialogues are not at hand")


@pytest.fixture(scope="module")
def report():
    return validate(SHARED, form="redial", system="x", context_max_length=150, resp_max_length=60)


@pytest.mark.parametrize(
    ("code", "grade", "count", "cases"),
    [
        ("source-form-empty-list-object-belongs", "note", 36, 42),
        ("unnamed-movie", "warning", 1, 1),
        ("unlisted-movie", "warning", 1, 1),
        ("yearless-movie", "note", 523, 523),
        ("source-movie-name-stray-or-double-blanks", "note", 1735, 4674),
        ("source-messages-have-no-time", "note", 950, 950),
        ("glued-mention", "note", 896, 896),
        ("source-two-sides-disagree-liked", "note", 189, 256),
        ("source-two-sides-disagree-seen", "note", 655, 1101),
        ("source-two-sides-disagree-suggested", "note", 386, 564),
        ("source-text-holds-html-entity", "note", 38, 62),
        ("blank-message", "note", 1, 1),
        ("new-movie", "note", 198, 198),
    ],
)
def test_the_known_oddities(report, code, grade, count, cases) -> None:
    found = {finding.code: finding for finding in report.findings}[code]
    assert (str(found.grade), found.count, found.cases) == (grade, count, cases)


def test_21_dialogues_lack_each_of_the_forms(report) -> None:
    found = {finding.code: finding for finding in report.findings}["source-form-empty-list-object-belongs"]
    assert found.parts == {"initiatorQuestions": 21, "respondentQuestions": 21}


def test_there_is_no_leak_and_no_duplicate(report) -> None:
    assert report.errors == 0
    assert not [one.code for one in report.findings if one.code.startswith(("leak", "duplicate", "same"))]


def test_all_dialogues_were_seen(report) -> None:
    assert {split: size.dialogues for split, size in report.splits.items()} == {
        "train": 1450,
        "valid": 100,
        "test": 300,
    }
