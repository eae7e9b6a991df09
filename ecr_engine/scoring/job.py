"""A scoring job: any number of responses, one judgement a line, resumable to the row.

The file only grows: each row is written whole as soon as the rows before it are, and forced to the disk about once a
second. After a kill the last line may be torn; it is taken away, and the job goes on after the last whole one. A second
process on the same file is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, UsageError
from ecr_engine.runs.atomic import sync_folder
from ecr_engine.runs.lock import locked
from ecr_engine.scoring.answers import Answers, Origin, ResponseRow
from ecr_engine.scoring.cache import JudgementCache
from ecr_engine.scoring.growing import GrowingFile, count_rows, repair
from ecr_engine.scoring.judge import Judge, Judgement
from ecr_engine.scoring.store import JudgedRow, encode_row, read_judgements
from ecr_engine.scoring.tally import JobProgress, JobSummary, Tally

TELL_S = 0.2
"""The listener hears of progress once in so many seconds."""

Listener = Callable[[JobProgress], None]


@dataclass(frozen=True, slots=True)
class Responses:
    """The responses that a job is about.

    Attributes:
        total: how many there are.
        rows: reads them from the first on; each call begins anew.
    """

    total: int
    rows: Callable[[], Iterator[ResponseRow]]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """What a job does.

    Attributes:
        output: the file of judgements; its folder exists.
        resume: go on with a file that is there; without it such a file is an error.
        retry_failures: judge the failures of that file again, first of all.
    """

    output: Path
    resume: bool = False
    retry_failures: bool = False


def run_job(
    responses: Responses,
    judge: Judge,
    plan: JobPlan,
    *,
    cache: JudgementCache | None = None,
    listener: Listener = lambda progress: None,
) -> JobSummary:
    """Judges responses into a file.

    Args:
        responses: what is judged.
        judge: who judges.
        plan: where to, and what to do with what is there.
        cache: what is known already, and gets what is new; None for none.
        listener: hears how far it is.

    Raises:
        UsageError: the file is there, or was judged in another way.
        DataError: the file is of other responses, or is damaged.
        EcrError: another process is writing it, or the judge can't go on; what is judged is kept.
    """
    with locked(lock_path(plan.output), f"the output '{plan.output}'"):
        job = _Job(responses, judge, plan, cache, listener)
        if plan.output.exists():
            if not (plan.resume or plan.retry_failures):
                raise exists(plan.output)
            repair(plan.output)
            _check_kept(responses, judge, plan.output)
        job.run(retry=plan.retry_failures)
        return job.tally.summary(plan.output, judge.name, judge.dimensions.name)


def lock_path(output: Path) -> Path:
    """The lock file of an output."""
    return output.with_name(f".{output.name}.lock")


def exists(output: Path) -> UsageError:
    """The error for an output that is there."""
    return UsageError(
        f"'{output}' is there already",
        at=f"--output {output}",
        fix="go on with it: --resume auto; or name another file with --output",
    )


def _check_kept(responses: Responses, judge: Judge, output: Path) -> None:
    """Refuses to go on with a file that is of something else."""
    rows = responses.rows()
    for number, kept in enumerate(read_judgements(output), start=1):
        if (kept.judges, kept.set_name, kept.fingerprint) != ((judge.name,), judge.dimensions.name, judge.fingerprint):
            raise _other_judge(kept, judge, output, number)
        row = next(rows, None)
        if row is None:
            raise DataError(
                f"'{output}' has {count_rows(output)} judgements, and {responses.total} responses are to be judged",
                at=f"{output}:{number}",
                fix="give the same --input, --start and --max as before, or name another file with --output",
            )
        if (row.sample.example.example_id, row.sample.response) != (kept.example_id, kept.response):
            raise DataError.at_line(
                f"the judgement is of '{kept.example_id}', which is not response {number} of the input "
                f"('{row.sample.example.example_id}')",
                output,
                number,
                "give the same --input and --start as before, or name another file with --output",
            )


def _other_judge(kept: JudgedRow, judge: Judge, output: Path, number: int) -> UsageError:
    if (kept.judges, kept.set_name) == ((judge.name,), judge.dimensions.name):
        how = f"by '{judge.name}' with other settings, or another version of it"
    else:
        how = f"by '{' and '.join(kept.judges) or 'a judge it does not name'}' on the dimensions '{kept.set_name}'"
    return UsageError(
        f"'{output}' was judged {how}",
        at=f"{output}:{number}",
        fix="use the judge and the settings of the first time, or name another file with --output",
    )


class _Job:
    """A job under its lock."""

    def __init__(
        self, responses: Responses, judge: Judge, plan: JobPlan, cache: JudgementCache | None, listener: Listener
    ) -> None:
        self._responses = responses
        self._judge = judge
        self._output = plan.output
        self._cache = cache
        self._listener = listener
        self._fresh: list[tuple[bytes, Judgement]] = []
        self.tally = Tally(responses.total)

    def run(self, *, retry: bool) -> None:
        """Keeps what the file has, and judges what it does not have yet.

        Args:
            retry: judge the failures of the file again first.
        """
        rows = self._responses.rows()
        if self._output.exists():
            if retry:
                self._retry(rows)
            else:
                self._keep(rows)
        self._write(self._output, ((row, None) for row in rows))

    def _keep(self, rows: Iterator[ResponseRow]) -> None:
        for kept, _ in zip(read_judgements(self._output), rows, strict=False):
            self.tally.add(kept.judgement, Origin.KEPT)

    def _retry(self, rows: Iterator[ResponseRow]) -> None:
        """Writes the file anew, with other judgements for its failures; it is replaced when all of them are there."""
        beside = self._output.with_name(f".{self._output.name}.retry")
        beside.unlink(missing_ok=True)
        old = (row.judgement if row.judgement.failure is None else None for row in read_judgements(self._output))
        try:
            # The old ones first: where they end, no row may have been read.
            self._write(beside, ((row, judgement) for judgement, row in zip(old, rows, strict=False)))
            beside.replace(self._output)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(self._output.parent)

    def _write(self, path: Path, rows: Iterable[tuple[ResponseRow, Judgement | None]]) -> None:
        told = time.monotonic()
        with GrowingFile(path, self._remember) as file:
            for answer in Answers(self._judge, self._cache).of(rows):
                assert answer.judgement is not None
                file.add(encode_row(self._row(answer.row, answer.judgement)))
                if answer.origin is Origin.JUDGE and answer.key:
                    self._fresh.append((answer.key, answer.judgement))
                self.tally.add(answer.judgement, answer.origin)
                if time.monotonic() - told >= TELL_S:
                    told = time.monotonic()
                    self._listener(self.tally.progress())
        self._listener(self.tally.progress())

    def _remember(self) -> None:
        """Puts into the cache what is on the disk."""
        if self._cache is not None:
            self._cache.put(self._fresh)
        self._fresh.clear()

    def _row(self, row: ResponseRow, judgement: Judgement) -> JudgedRow:
        example = row.sample.example
        return JudgedRow(
            example_id=example.example_id,
            conversation_id=example.conversation_id,
            response=row.sample.response,
            who=row.who,
            judgement=judgement,
            judges=(self._judge.name,),
            dimensions=self._judge.dimensions.name,
            fingerprint=self._judge.fingerprint,
        )
