"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ecrctl.__main__ import invoke


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def ecrctl(capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch) -> Run:
    """Runs a command line in this process, in an empty folder, and returns how it ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object) -> Finished:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr("sys.argv", ["ecrctl", *words])
        capsys.readouterr()
        try:
            code = invoke(words)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return run
