"""Where the documents of `compare` can't go: said before anything is compared."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from sides import talk, turns, write_measured

FIX = "name another file, in a folder that you can write to"


@pytest.fixture
def compared(ecrctl, tmp_path, monkeypatch):
    """Compares two evaluations with the given flags."""
    for seed, name in enumerate(("a", "b")):
        write_measured(tmp_path / name, talk(turns(6), seed), ["rouge_l"])
    (tmp_path / "notes.txt").write_text("mine")
    return lambda *flags: ecrctl("compare", "a", "b", *flags)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--md", "a"), "error: 'a' is a folder\n  at   --md a\n  fix  name a file in it: --md a/comparison.md\n"),
        (
            ("--csv", "notes.txt/x.csv"),
            f"error: 'notes.txt' is a file, not a folder\n  at   --csv notes.txt/x.csv\n  fix  {FIX}\n",
        ),
        (
            ("--md", "my run/x.md"),
            "error: there is no folder 'my run'\n  at   --md\n  fix  mkdir -p 'my run'\n",
        ),
        (
            ("--md", "out", "--html", "./out"),
            f"error: two documents in one file: 'out'\n  at   --md and --html\n  fix  {FIX}\n",
        ),
    ],
    ids=["folder", "below-a-file", "no-folder", "one-for-two"],
)
def test_a_place_that_can_not_be(compared, monkeypatch, tmp_path, flags, text) -> None:
    monkeypatch.setattr("ecr_engine.evaluation.compare.compare_all", None)
    found = compared(*flags)
    assert (found.code, found.out, found.err) == (2, "", text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "notes.txt"]


def test_a_folder_that_can_not_be_written(compared, monkeypatch, tmp_path) -> None:
    (tmp_path / "locked").mkdir()
    real = os.access
    # Nothing is locked to a superuser, who may run the tests.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked" and real(path, mode))
    found = compared("--md", "locked/x.md")
    text = f"error: the file can't be written: Permission denied\n  at   --md locked/x.md\n  fix  {FIX}\n"
    assert (found.code, found.out, found.err) == (1, "", text)


def test_a_file_that_turns_out_not_to_be_writable(compared, monkeypatch) -> None:
    def refuse(path, text):
        raise OSError(30, "Read-only file system", f".{path}.0.tmp")

    monkeypatch.setattr("ecr_engine.runs.atomic.write_text", refuse)
    found = compared("--html", "x.html")
    text = f"error: the file can't be written: Read-only file system\n  at   --html x.html\n  fix  {FIX}\n"
    assert (found.code, found.err) == (1, text)


def test_one_side_that_lacks_a_metric(ecrctl, tmp_path) -> None:
    write_measured(tmp_path / "a", talk(turns(6), 1), ["rouge_l", "length"])
    write_measured(tmp_path / "b", talk(turns(6), 2), ["rouge_l"])
    found = ecrctl("compare", "a", "b", "--require", "length>1")
    assert found.code == 4
    assert found.err.startswith("error: length was not compared: only one side has it\n  at   --require 'length>1'\n")


def test_one_evaluation_as_two_seeds(compared, ecrctl, tmp_path) -> None:
    found = ecrctl("compare", "a+a", "b")
    assert (found.code, found.err) == (
        2,
        f"error: one evaluation is named as two seeds of a side\n  at   {tmp_path / 'a'}\n"
        "  fix  name each seed of a side once, with + between: runs/a1+runs/a2\n",
    )


def test_half_a_character_in_a_response(compared, tmp_path) -> None:
    path = tmp_path / "b" / "samples.jsonl"
    path.write_text(path.read_text().replace('"response": "', r'"response": "\ud83c 🎬 ', 1), encoding="utf-8")
    found = compared("--md", "x.md", "--html", "x.html", "--json")
    assert (found.code, found.err) == (0, "")
    assert r"\ud83c 🎬 " in found.out
    for name in ("x.md", "x.html"):
        assert "\ufffd 🎬 " in (tmp_path / name).read_text(encoding="utf-8")
