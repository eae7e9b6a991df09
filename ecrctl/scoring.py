"""Runs a judge over samples, writes what it says and shows how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.data.schema import Sample
    from ecr_engine.runs.events import Listener
    from ecr_engine.scoring.judge import Judge
    from ecr_engine.scoring.store import JudgedRow

STAGE = "score"


def check_target(target: Path, source: Path) -> None:
    """Refuses to write over anything.

    Args:
        target: the file to write.
        source: the file that is read.

    Raises:
        UsageError: there is something at `target`.
    """
    from ecr_engine.errors import UsageError

    if target.resolve() == source.resolve():
        raise UsageError("the output is the input", at=f"--output {target}", fix="name another file with --output")
    if target.exists():
        raise UsageError(
            f"'{target}' is there already", at=f"--output {target}", fix="name another file with --output, or remove it"
        )


def score_samples(samples: Sequence[Sample], judge: str, target: Path, *, who: str, quiet: bool) -> list[JudgedRow]:
    """Writes one judgement for each sample.

    Args:
        samples: what is judged, at least one.
        judge: the judge's registered name.
        target: the file to write; it appears whole or not at all.
        who: whose responses these are.
        quiet: show no progress.

    Returns:
        The rows that were written.

    Raises:
        UsageError: there is nothing to score.
        DataError: the folder of `target` is not there.
    """
    from ecr_engine.errors import DataError, UsageError
    from ecr_engine.scoring.judge import JUDGES
    from ecr_engine.scoring.store import write_judgements
    from ecrctl.ui.follow import following
    from ecrctl.ui.snapshot import begin

    if not samples:
        raise UsageError("no responses are left to score", at="--start", fix="give a smaller --start")
    if not target.parent.is_dir():
        raise DataError(
            f"there is no folder '{target.parent}'", at=f"--output {target}", fix=f"mkdir -p {target.parent}"
        )
    rows: list[JudgedRow] = []
    with following(begin(str(target), (STAGE,)), quiet=quiet) as listener:
        write_judgements(target, _kept(_judged(JUDGES.build(judge), samples, who, listener), rows))
    return rows


def _judged(judge: Judge, samples: Sequence[Sample], who: str, listener: Listener) -> Iterator[JudgedRow]:
    from ecr_engine.runs.events import Event
    from ecr_engine.scoring.store import JudgedRow

    for done, (sample, judgement) in enumerate(zip(samples, judge.judge(samples), strict=True), start=1):
        example = sample.example
        yield JudgedRow(example.example_id, example.conversation_id, sample.response, who, judgement)
        values = {"done": done, "total": len(samples), "what": "responses"}
        listener(Event(time.time(), STAGE, done, "progress", values))


def _kept(rows: Iterator[JudgedRow], into: list[JudgedRow]) -> Iterator[JudgedRow]:
    for row in rows:
        into.append(row)
        yield row
