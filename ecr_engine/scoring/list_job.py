"""A job that judges several systems' responses side by side: turn by turn, one row a response, resumable to the turn.

A row is what a pointwise job writes, with the place where the response stood. In a swap test each turn is judged in its
order and in the opposite one; the score of a response is the mean of the two, so that its place counts for nothing, and
both are in the row, so that `ecr_engine.scoring.bias` can say what the place was worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, tee
from pathlib import Path
from statistics import fmean

from ecr_engine.errors import DataError, UsageError
from ecr_engine.runs.lock import locked
from ecr_engine.scoring.answers import Origin, checked
from ecr_engine.scoring.growing import GrowingFile, count_rows, keep_rows, repair
from ecr_engine.scoring.job import TELL_S, Listener, exists, lock_path
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.listwise import ComparingJudge, ListedJudgement, ListedTurn
from ecr_engine.scoring.store import JudgedRow, Place, encode_row, read_judgements
from ecr_engine.scoring.tally import JobSummary, Tally

SAME = "give the same --input, --listwise and --start as before, or name another file with --output"


@dataclass(frozen=True, slots=True)
class ListedResponses:
    """The turns that a job is about.

    Attributes:
        systems: whose responses are laid side by side, in the order in which they were named.
        total: turns that all of them answered.
        left_out: turns of the first that another did not answer.
        turns: reads them from the first on; each call begins anew.
    """

    systems: tuple[str, ...]
    total: int
    left_out: int
    turns: Callable[[], Iterator[ListedTurn]]


@dataclass(frozen=True, slots=True)
class ListPlan:
    """What a job does.

    Attributes:
        output: the file of judgements; its folder exists.
        seed: of the orders in which responses stand.
        swap: judge each turn in the opposite order too.
        resume: go on with a file that is there; without it such a file is an error.
    """

    output: Path
    seed: int = 0
    swap: bool = False
    resume: bool = False


def run_list_job(
    responses: ListedResponses,
    judge: ComparingJudge,
    plan: ListPlan,
    listener: Listener = lambda progress: None,
) -> JobSummary:
    """Judges turns into a file, a row for each response, those of a turn together.

    Args:
        responses: what is judged.
        judge: who judges.
        plan: where to, and how.
        listener: hears how far it is, in responses.

    Raises:
        UsageError: the file is there, or was judged in another way.
        DataError: the file is of other responses, or is damaged.
        EcrError: another process is writing it, or the judge can't go on; what is judged is kept.
    """
    tally = Tally(responses.total * len(responses.systems))
    with locked(lock_path(plan.output), f"the output '{plan.output}'"):
        kept = 0
        if plan.output.exists():
            if not plan.resume:
                raise exists(plan.output)
            kept = _kept(responses, judge, plan)
            for row in read_judgements(plan.output):
                tally.add(row.judgement, Origin.KEPT)
        _write(responses, judge, plan, kept, tally, listener)
        return tally.summary(plan.output, judge.name, judge.dimensions.name)


def fingerprint(judge: ComparingJudge, plan: ListPlan) -> str:
    """What the scores of a job depend on beside the responses."""
    return f"{judge.fingerprint}-list-{plan.seed}{'-swapped' if plan.swap else ''}"


def _kept(responses: ListedResponses, judge: ComparingJudge, plan: ListPlan) -> int:
    """Whole turns of the file that is there; what comes after them is taken away.

    Raises:
        UsageError: it was judged in another way.
        DataError: it is of other responses.
    """
    repair(plan.output)
    wide = len(responses.systems)
    whole = count_rows(plan.output) // wide
    if whole > responses.total:
        raise DataError(
            f"'{plan.output}' has {whole} turns, and {responses.total} are to be judged", at=str(plan.output), fix=SAME
        )
    expected = _expected(responses)
    for number, (row, (turn, system)) in enumerate(zip(read_judgements(plan.output), expected, strict=False), start=1):
        _check_row(row, turn, system, judge, plan, number)
    keep_rows(plan.output, whole * wide)
    return whole


def _expected(responses: ListedResponses) -> Iterator[tuple[ListedTurn, str]]:
    return ((turn, system) for turn in responses.turns() for system in responses.systems)


def _check_row(
    row: JudgedRow, turn: ListedTurn, system: str, judge: ComparingJudge, plan: ListPlan, number: int
) -> None:
    if (row.judges, row.set_name, row.fingerprint) != ((judge.name,), judge.dimensions.name, fingerprint(judge, plan)):
        raise UsageError(
            f"'{plan.output}' was judged by another judge, with other settings, or not side by side in these orders",
            at=f"{plan.output}:{number}",
            fix="use the judge, the settings, the seed and --swap-test of the first time, or name another file with "
            "--output",
        )
    if (row.example_id, row.who, row.response) != (turn.example.example_id, system, turn.responses[system]):
        raise DataError.at_line(
            f"the judgement is of '{row.example_id}' by '{row.who}', which is not what comes next in the input "
            f"('{turn.example.example_id}' by '{system}')",
            plan.output,
            number,
            SAME,
        )


def _write(
    responses: ListedResponses, judge: ComparingJudge, plan: ListPlan, kept: int, tally: Tally, listener: Listener
) -> None:
    told = time.monotonic()
    turns, again = tee(islice(responses.turns(), kept, None))
    with GrowingFile(plan.output) as file:
        for turn, orders in zip(again, _judged(judge, turns, plan), strict=True):
            rows = [_row(turn, system, orders, judge, plan) for system in responses.systems]
            # The rows of a turn at once: what a kill leaves of it is taken away by a resume.
            file.add(b"".join(map(encode_row, rows)))
            for row in rows:
                tally.add(row.judgement, Origin.JUDGE)
            if time.monotonic() - told >= TELL_S:
                told = time.monotonic()
                listener(tally.progress())
    listener(tally.progress())


def _judged(
    judge: ComparingJudge, turns: Iterator[ListedTurn], plan: ListPlan
) -> Iterator[tuple[ListedJudgement, ...]]:
    """What the judge says of each turn: once, or in both orders."""
    if not plan.swap:
        return ((listed,) for listed in judge.judge_list(turns, seed=plan.seed))
    # One after the other in one go: the judge's batches, and the limits of an endpoint, are for both.
    twice = (each for turn in turns for each in (turn, replace(turn, swapped=True)))
    said = judge.judge_list(twice, seed=plan.seed)
    return zip(said, said, strict=True)


def _row(
    turn: ListedTurn, system: str, orders: Sequence[ListedJudgement], judge: ComparingJudge, plan: ListPlan
) -> JudgedRow:
    example = turn.example
    said = [checked(listed.judgements[system], judge.dimensions) for listed in orders]
    places = tuple(
        Place(listed.order.index(system) + 1, len(listed.order), one.scores)
        for listed, one in zip(orders, said, strict=True)
    )
    return JudgedRow(
        example_id=example.example_id,
        conversation_id=example.conversation_id,
        response=turn.responses[system],
        who=system,
        judgement=_mean(example.example_id, said),
        judges=(judge.name,),
        dimensions=judge.dimensions.name,
        fingerprint=fingerprint(judge, plan),
        places=places,
    )


def _mean(example_id: str, said: Sequence[Judgement]) -> Judgement:
    """One judgement out of those of each order; a failure in one of them is one of both."""
    cut = max(one.turns_cut for one in said)
    failure = next((one.failure for one in said if one.failure is not None), None)
    if failure is not None:
        return Judgement(example_id, {}, {}, failure, cut)
    scores: Mapping[str, float] = {
        name: fmean(one.scores[name] for one in said)
        for name in said[0].scores
        if all(name in one.scores for one in said)
    }
    return Judgement(example_id, scores, {}, None, cut)
