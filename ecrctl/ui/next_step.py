"""The command to type after what was just shown."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecr_engine.errors import ExitCode

if TYPE_CHECKING:
    from ecr_engine.runs.folder import RunFolder
    from ecr_engine.runs.record import RunRecord

_AFTER = {
    "data": "ecrctl data show {run}",
    "baseline": "ecrctl train critic --run {run}",
    "critic": "ecrctl rl train --run {run}",
    "rl": "ecrctl eval run {run}:policy",
}
"""What to type after a single stage."""

_TOLD = (("train", "baseline"), ("train", "critic"), ("rl", "train"))
"""The commands that go on only when they are told to."""


def after_stage(stage: str, run: object) -> str | None:
    """What to type after a single stage of a run; None if that leads nowhere in particular."""
    command = _AFTER.get(stage)
    return None if command is None else command.format(run=shlex.quote(str(run)))


def after_run(run: RunFolder, record: RunRecord, state: str) -> str | None:
    """What to type after a look at a run that nobody is at work in; None while somebody is.

    Args:
        run: the run.
        record: its record.
        state: how it stands.
    """
    folder = shlex.quote(str(run.root))
    if state == "running":
        return None
    if state == "failed" and _data_failed(record):
        return f"{_look_at_data(record.command)}; then {going_on(record.command)}"
    if state != "done":
        return going_on(record.command)
    if run.comparison.is_file():
        return f"ecrctl runs show {folder}"
    last = next(reversed(record.stages), "")
    return after_stage(last, run.root)


def _data_failed(record: RunRecord) -> bool:
    """Whether a run ended where its dialogues were read: the same command again would end there, too."""
    data = record.stages.get("data")
    return data is not None and data.status == "failed" and record.exit_code == ExitCode.DATA


def _look_at_data(command: Sequence[str]) -> str:
    """The command that lists what is wrong with the dialogues of another one."""
    words = iter(command)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--data":
            return shlex.join(["ecrctl", "data", "validate", value if equals else next(words, "")])
    return "ecrctl data validate SOURCE"


def going_on(command: Sequence[str]) -> str:
    """The command that goes on where another one stopped.

    Args:
        command: what was typed.
    """
    words: list[str] = []
    rest = iter(command)
    for word in rest:
        if word == "--resume":
            next(rest, None)
        elif not word.startswith("--resume="):
            words.append(word)
    return shlex.join([*words, "--resume", "auto"] if tuple(words[1:3]) in _TOLD else words)
