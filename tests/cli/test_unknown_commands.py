"""A command typed without its group: the answer names the groups that have it."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("typed", "fix"),
    [
        ("rescore", "did you mean 'ecrctl eval rescore'?"),
        ("watch", "did you mean 'ecrctl runs watch'?"),
        ("report", "did you mean 'ecrctl score report' or 'ecrctl runs report'?"),
        (
            "list",
            "did you mean 'ecrctl runs list', 'ecrctl checkpoint list', 'ecrctl profile list' or 'ecrctl model list'?",
        ),
        ("trian", "did you mean 'train'?"),
        ("zzzzzz", "ecrctl --help"),
    ],
)
def test_what_is_meant_by_a_command_that_the_root_does_not_have(ecrctl, typed, fix) -> None:
    finished = ecrctl(typed, "runs/x")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err == f"error: no such command '{typed}'\n  at   ecrctl\n  fix  {fix}\n"


def test_inside_of_a_group_the_group_itself_is_meant(ecrctl) -> None:
    finished = ecrctl("rl", "rescore")
    assert finished.err == "error: no such command 'rescore'\n  at   ecrctl rl\n  fix  ecrctl rl --help\n"
