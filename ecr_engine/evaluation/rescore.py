"""Measures the responses of an evaluation again, without the model that made them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ecr_engine.config.sections.evaluation import CompareSettings
from ecr_engine.data.staging import check_output
from ecr_engine.errors import Problem
from ecr_engine.evaluation.marks import JUDGE_PREFIX, marked
from ecr_engine.evaluation.measure import Measured, measure
from ecr_engine.evaluation.store import (
    EvaluationResult,
    ScoredSample,
    is_evaluation,
    read_evaluation,
    read_result,
    write_evaluation,
)
from ecr_engine.evaluation.values import COMPONENT_PREFIX
from ecr_engine.rewards.composition import GATES, Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.sources import sources_from_json, sources_of
from ecr_engine.runs.folder import RunFolder

RELEVANCE = "relevance"
"""The component that learns from the corpus."""

_IN_A_RUN = 3
"""Parts of a checkpoint's path within its run: STAGE/checkpoints/step-000100."""


def run_around(folder: Path) -> RunFolder | None:
    """The run that an evaluation lies in; None if it lies in none."""
    run = RunFolder(folder.resolve().parent.parent)
    return run if run.exists() else None


def run_behind(folder: Path) -> RunFolder | None:
    """The run of the checkpoint that gave an evaluation's answers; None where it is not known, or no longer there.

    Raises:
        DataError: the evaluation can't be read.
    """
    checkpoint = Path(read_result(folder).checkpoint)
    # The main job names a checkpoint as it lies within its run, which does not say where the run is.
    if len(checkpoint.parts) <= _IN_A_RUN:
        return None
    run = RunFolder(checkpoint.parents[_IN_A_RUN - 1])
    return run if run.exists() else None


def without_corpus(folder: Path, run: RunFolder | None, composer: Composer, resources: Resources) -> Problem | None:
    """What a reward lacks that is measured away from the corpus of its run; None if it lacks nothing.

    Args:
        folder: the evaluation.
        run: its run, or that of its checkpoint; None if neither is known.
        composer: the reward.
        resources: what it draws on.

    Raises:
        DataError: the evaluation can't be read.
    """
    if resources.corpus is not None or RELEVANCE not in composer.components:
        return None
    gated = [name for name, gate in GATES.items() if gate == RELEVANCE and name in composer.components]
    lost = f" and no longer gates {' and '.join(gated)}" if gated else ""
    result = read_result(folder)
    if run is None:
        why = f"the evaluation lies in no run, and its checkpoint '{result.checkpoint}' leads to none"
        mend = f"rescore it inside its run: ecrctl eval rescore RUN:{shlex.quote(result.name)}"
    else:
        why = f"{run.root} has no processed dialogues"
        mend = f"put them back into {shlex.quote(str(run.data))}"
    alone = f"ecrctl eval rescore {shlex.quote(str(folder))} --metric default"
    return Problem(
        f"relevance does not count in this reward{lost}: {why}", str(folder), f"{mend}; or metrics alone: {alone}"
    )


def rescore(
    folder: Path,
    output: Path,
    statistics: CompareSettings,
    *,
    metric_names: Sequence[str],
    composer: Composer | None,
    resources: Resources,
) -> EvaluationResult:
    """Measures saved responses again and writes the evaluation with the new values.

    What is not measured now stays: single metrics are added to the others, and a judge's scores are kept.

    Args:
        folder: an evaluation; of `ecrctl eval generate` too, which has no metrics yet.
        output: the folder to write; may be the same.
        statistics: the section `[compare]`, for the intervals.
        metric_names: names, keys or patterns of metrics, `default` or `all`.
        composer: the composite reward; None to leave its values as they are.
        resources: what metrics draw on.

    Raises:
        DataError: the evaluation can't be read.
        UsageError: a metric is not registered, lacks what it needs, or `output` can't be written.
    """
    result, rows = read_evaluation(folder)
    check_output(output, is_evaluation)
    sources = sources_from_json(result.reward)
    if composer is not None:
        sources |= sources_of(composer.components, resources)
    measured = measure(
        [row.sample for row in rows],
        metric_names=metric_names,
        composer=composer,
        components=[
            *sources.components,
            *(key.removeprefix(COMPONENT_PREFIX) for key in result.metrics if key.startswith(COMPONENT_PREFIX)),
        ],
        resources=resources,
        resamples=statistics.resamples,
        confidence=statistics.confidence,
        seed=result.seed,
    )
    measured = replace(measured, metrics=marked(measured.metrics, sources, encoder=resources.encoder))
    result = replace(result, reward=sources.to_json())
    return write_with(result, rows, measured, output, fresh=composer is not None)


def write_with(
    result: EvaluationResult,
    rows: Sequence[ScoredSample],
    measured: Measured,
    output: Path,
    *,
    fresh: bool = False,
    judge: Mapping[str, object] | None = None,
) -> EvaluationResult:
    """Writes an evaluation with values added.

    Args:
        result: the evaluation as it is.
        rows: its turns.
        measured: the new values.
        output: the folder to write.
        fresh: drop the metrics that are not measured now, but for a judge's.
        judge: who judged, where that is what is new.
    """
    kept = [
        key
        for key in result.metrics
        if key not in measured.metrics and key not in measured.failed and (key.startswith(JUDGE_PREFIX) or not fresh)
    ]
    # A metric keeps its place: the objective and its components first, the judge's last.
    metrics = {**{key: result.metrics[key] for key in kept}, **measured.metrics}
    ordered = sorted(metrics, key=lambda key: _rank(key, [*result.metrics] if not fresh else [*measured.metrics]))
    columns: dict[str, Sequence[float | None]] = {
        key: [row.metrics.get(key) for row in rows] for key in kept if any(key in row.metrics for row in rows)
    }
    columns |= measured.per_sample
    failed = {key: why for key, why in result.failed.items() if not fresh and key not in measured.metrics}
    changed = replace(
        result,
        metrics={key: metrics[key] for key in ordered},
        failed={**failed, **measured.failed},
        judge=result.judge if judge is None else judge,
    )
    write_evaluation(output, changed, [row.sample for row in rows], columns)
    return changed


def _rank(key: str, known: Sequence[str]) -> tuple[bool, int]:
    return key.startswith(JUDGE_PREFIX), known.index(key) if key in known else len(known)
