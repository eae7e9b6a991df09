"""What an output folder is refused for, before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecr_engine.data.staging import check_output, staged
from ecr_engine.errors import UsageError

NEW = "give a folder that is new or empty"
WRITABLE = "give a folder you can write to"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "file").write_text("years of work")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    (tmp_path / "empty").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "what", "at", "fix"),
    [
        ("file", "the output is a file", "{}/file", NEW),
        ("full", "the output folder holds other files", "{}/full", NEW),
        ("file/inner/most", "the output folder can't be made: Not a directory", "{}/file/inner/most", WRITABLE),
        (
            "here",
            "the output is the folder that you are in",
            "{}/here",
            "give a folder inside of it, such as --output data",
        ),
    ],
)
def test_it_is_what_staging_refuses_too(place: Path, output: str, what: str, at: str, fix: str) -> None:
    before = sorted(place.rglob("*"))
    with pytest.raises(UsageError) as looked:
        check_output(place / output, lambda folder: False)
    with pytest.raises(UsageError) as made, staged(place / output, lambda folder: False):
        pass
    for caught in (looked, made):
        [problem] = caught.value.problems
        assert (problem.what, problem.at, problem.fix) == (what, at.format(place), fix)
    assert sorted(place.rglob("*")) == before


def test_a_parent_that_can_not_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != place)
    with pytest.raises(UsageError) as caught:
        check_output(place / "new" / "inner", lambda folder: False)
    [problem] = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (
        "the output folder can't be made: Permission denied",
        f"{place}/new/inner",
        WRITABLE,
    )


def test_what_can_be_made_or_is_ours_is_no_fault_and_nothing_is_written(place: Path) -> None:
    before = sorted(place.rglob("*"))
    for output in ("empty", "new/inner"):
        check_output(place / output, lambda folder: False)
    check_output(place / "full", lambda folder: (folder / "thesis.tex").is_file())
    assert sorted(place.rglob("*")) == before
