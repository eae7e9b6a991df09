"""Adds what a judge says of an evaluation's responses to its metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.config.sections.evaluation import CompareSettings
from ecr_engine.data.schema import Sample
from ecr_engine.data.staging import check_output
from ecr_engine.errors import DataError
from ecr_engine.evaluation.marks import JUDGE_PREFIX
from ecr_engine.evaluation.measure import Measured, measured_columns
from ecr_engine.evaluation.metric import MetricResult
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.evaluation.rescore import write_with
from ecr_engine.evaluation.store import SAMPLES, EvaluationResult, is_evaluation, read_evaluation, read_result
from ecr_engine.rewards.sources import CRITIC, RewardSources, sources_from_json
from ecr_engine.scoring.judge import Judge, Judgement

OVERALL = "overall"
"""The mean of the dimensions, where the judge gives no overall score of its own."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a judging.

    Attributes:
        result: the evaluation with the judge's metrics.
        turns: responses that were judged.
        failures: why there are no scores, by example; a failure is no score of 0.
    """

    result: EvaluationResult
    turns: int
    failures: dict[str, str]


def judge_evaluation(
    folder: Path,
    output: Path,
    judge: Judge,
    statistics: CompareSettings,
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Judged:
    """Has a judge score the responses of an evaluation, and writes it with the metrics `judge/…` added.

    Args:
        folder: the evaluation.
        output: the folder to write; may be the same.
        judge: scores the responses.
        statistics: the section `[compare]`, for the intervals.
        limit: responses to judge at most, evenly spread over the evaluation; None for all.
        progress: told after each response.

    Raises:
        DataError: the evaluation can't be read, or the judge could score none of its responses.
        UsageError: `output` can't be written; it is looked at before the judge begins.
    """
    result, rows = read_evaluation(folder)
    check_output(output, is_evaluation)
    chosen = spread(len(rows), limit)
    judged = dict(zip(chosen, _judgements(judge, [rows[row].sample for row in chosen], progress), strict=True))
    failures = {one.example_id: one.failure for one in judged.values() if one.failure is not None}
    if len(failures) == len(judged):
        reason = next(iter(failures.values()), "there are none")
        raise DataError(
            f"the judge '{judge.name}' could score none of the responses: {reason}",
            at=str(folder),
            fix="name another judge with --judge, or see the judge's settings: ecrctl profile show --resolved",
        )
    columns = _columns(judge, [judged.get(row) for row in range(len(rows))])
    measured = _measured(judge, columns, [row.sample for row in rows], result, statistics)
    who = {
        "name": judge.name,
        "fingerprint": judge.fingerprint,
        "dimensions": judge.dimensions.name,
        "turns": len(judged) - len(failures),
        "failed": len(failures),
    }
    return Judged(write_with(result, rows, measured, output, judge=who), len(judged), failures)


def pays_judge(samples: Path, judge: str) -> bool | None:
    """Whether a judge is in the reward of an evaluation: that of the training, or the one that was measured.

    Args:
        samples: a file of responses.
        judge: the judge's name.

    Returns:
        None where that is not known: the file is not an evaluation's, or its `results.json` does not say.
    """
    sources = _sources(samples)
    return None if sources is None else sources.has_judge(judge)


def pays_critic(samples: Path, judges: Sequence[str]) -> bool | None:
    """Whether a critic, or a judge whose scores it learned, is in the reward of an evaluation.

    Args:
        samples: a file of responses.
        judges: the critic's.

    Returns:
        None where that is not known, as for `pays_judge`.
    """
    sources = _sources(samples)
    return None if sources is None else CRITIC in sources.components or any(map(sources.has_judge, judges))


def _sources(samples: Path) -> RewardSources | None:
    """What the reward of the evaluation that a file is of draws on; None where that is not known."""
    if samples.name != SAMPLES or not is_evaluation(samples.parent):
        return None
    try:
        result = read_result(samples.parent, any_schema=True)
    except DataError:
        return None
    return sources_from_json(result.reward) if result.reward else None


def spread(count: int, limit: int | None) -> list[int]:
    """`limit` of `count` places, evenly spread and the same each time, so that two systems' turns are the same."""
    if limit is None or limit >= count:
        return list(range(count))
    return [place * count // limit for place in range(limit)]


def _judgements(
    judge: Judge, samples: Sequence[Sample], progress: Callable[[int, int], None] | None
) -> Iterator[Judgement]:
    for done, judgement in enumerate(judge.judge(samples), start=1):
        yield judgement
        if progress is not None:
            progress(done, len(samples))


def _columns(judge: Judge, judged: Sequence[Judgement | None]) -> dict[str, list[float | None]]:
    """The scores by dimension, the overall one last; None for a turn without scores."""
    names = dict.fromkeys([*judge.dimensions.names, OVERALL])
    return {name: [None if one is None else _score(one, name, judge) for one in judged] for name in names}


def _score(judgement: Judgement, name: str, judge: Judge) -> float | None:
    if name in judgement.scores:
        return judgement.scores[name]
    known = [judgement.scores[each] for each in judge.dimensions.names if each in judgement.scores]
    return math.fsum(known) / len(known) if name == OVERALL and known else None


def _measured(
    judge: Judge,
    columns: dict[str, list[float | None]],
    samples: Sequence[Sample],
    result: EvaluationResult,
    statistics: CompareSettings,
) -> Measured:
    dimensions = judge.dimensions.dimensions
    bounds = {each.name: (each.low, each.high) for each in dimensions}
    bounds.setdefault(OVERALL, (min(each.low for each in dimensions), max(each.high for each in dimensions)))
    words = {each.name: each.definition.removesuffix(".") for each in dimensions}
    words.setdefault(OVERALL, "All dimensions together")
    by = f"scored by the judge '{judge.name}'"
    results: dict[str, tuple[MetricResult, tuple[float, float], str]] = {
        JUDGE_PREFIX + name: (mean_result(scores), bounds[name], f"{words[name]}; {by}.")
        for name, scores in columns.items()
    }
    paid = sources_from_json(result.reward).has_judge(judge.name)
    return measured_columns(
        results,
        samples,
        in_reward=paid,
        resamples=statistics.resamples,
        confidence=statistics.confidence,
        seed=result.seed,
    )
