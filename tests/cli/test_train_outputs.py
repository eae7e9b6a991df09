"""A dry run of a training refuses the outputs that the training would refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from epitome_fixture import write_epitome
from goemotions_fixture import write_goemotions

NEW = "give a folder that is new or empty"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_goemotions(tmp_path / "goemotions")
    write_epitome(tmp_path / "epitome")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    return tmp_path


@pytest.mark.parametrize("command", [("emotion", "goemotions"), ("empathy", "epitome")])
@pytest.mark.parametrize(
    ("output", "what", "fix"),
    [
        ("file", "the output is a file", NEW),
        ("full", "the output folder holds other files", NEW),
        ("file/inner", "the output folder can't be made: Not a directory", "give a folder you can write to"),
    ],
)
def test_an_output_that_can_not_be(ecrctl, place, command, output, what, fix) -> None:
    name, data = command
    more = ("--set", "empathy_training.test_share=0.3", "--set", "empathy_training.validation_share=0.3")
    refused = ecrctl(
        "train", name, "--data", data, "--output", output, "--dry-run", *(more if name == "empathy" else ())
    )
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"error: {what}\n  at   {place}/{output}\n  fix  {fix}\n"
