"""Evaluations on disk: `results.json` with the values, `samples.jsonl` with every turn that they come from.

The samples hold all of the example, so that they can be scored again without the corpus and without the model.
"""

from __future__ import annotations

import json
import math
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecr_engine.data.schema import Sample
from ecr_engine.data.staging import staged
from ecr_engine.errors import DataError, EcrError, Problem
from ecr_engine.evaluation.documents import (
    MetricError,
    NotFiniteError,
    line_of,
    number,
    optional_number,
    parse,
    read_document,
)
from ecr_engine.evaluation.sample_lines import (
    FieldError,
    LineError,
    field_of,
    in_words,
    parse_line,
    sample_from_json,
    sample_to_json,
)
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE, MetricValue, mean
from ecr_engine.runs.atomic import write_json

SCHEMA = 1
"""Version of the layout of both files."""

AGREEMENT = 1e-6
"""How far a mean over turns in `results.json` may be from the mean of the turns in `samples.jsonl`."""

RESULTS = "results.json"
SAMPLES = "samples.jsonl"
KEPT = "evaluation_results_*.json"
"""Files of the guide's form: each evaluation adds one."""

REDO = "evaluate again: ecrctl eval run RUN"


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The outcome of one evaluation.

    Attributes:
        schema: version of the layout.
        name: what the system is called in tables, such as "baseline".
        checkpoint: address of the checkpoint that answered.
        split: the split whose turns were answered.
        split_fingerprint: hash of those turns.
        prompt_fingerprint: hash of all that shapes the prompts.
        turns: number of turns answered.
        decoding: how responses were decoded, by setting.
        seed: seed of the sampling.
        metrics: values by metric key, the objective `reward` and its components `reward/…` included.
        seconds: how long generating and measuring took.
        failed: why a metric has no value, by its key.
        judge: who gave the metrics `judge/…`: name, fingerprint, dimensions and turns judged; empty if nobody did.
        reward: what the reward draws on, that of the training and the measured one: `components`, `judges`, `encoders`.
    """

    schema: int
    name: str
    checkpoint: str
    split: str
    split_fingerprint: str
    prompt_fingerprint: str
    turns: int
    decoding: Mapping[str, Any]
    seed: int
    metrics: Mapping[str, MetricValue]
    seconds: float
    failed: Mapping[str, str] = field(default_factory=dict)
    judge: Mapping[str, Any] = field(default_factory=dict)
    reward: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoredSample:
    """One turn of an evaluation.

    Attributes:
        sample: the example and the response to it.
        metrics: value by metric key; None where the metric does not apply to this turn. Metrics that exist only over a
            corpus are not in it.
    """

    sample: Sample
    metrics: Mapping[str, float | None]


def write_evaluation(
    folder: Path,
    result: EvaluationResult,
    samples: Sequence[Sample],
    per_sample: Mapping[str, Sequence[float | None]],
    *,
    documents: Mapping[str, object] | None = None,
) -> None:
    """Writes one evaluation; the folder appears complete or not at all, and replaces an older one.

    Args:
        folder: the evaluation's folder, such as `runs/demo/evaluation/policy`.
        result: the values.
        samples: the turns, in order.
        per_sample: one value a sample by metric key; a metric with an empty sequence is left out.
        documents: further JSON files to write, by name; those of earlier evaluations in the folder stay (`KEPT`).

    Raises:
        UsageError: the folder is there and holds something else.
    """
    rows = {key: values for key, values in per_sample.items() if values}
    with staged(folder, is_evaluation) as stage:
        for earlier in folder.glob(KEPT):
            shutil.copy2(earlier, stage / earlier.name)
        for name, document in (documents or {}).items():
            write_json(stage / name, document)
        write_json(stage / RESULTS, _result_to_json(result))
        # A lone surrogate, which JSON can hold and UTF-8 can't, is written as the escape that it came as.
        with (stage / SAMPLES).open("w", encoding="utf-8", errors="backslashreplace") as handle:
            for place, sample in enumerate(samples):
                metrics = {key: _finite(values[place]) for key, values in rows.items()}
                row = {**sample_to_json(sample), "metrics": metrics}
                handle.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def is_evaluation(folder: Path) -> bool:
    """Whether `folder` holds an evaluation."""
    return (folder / RESULTS).is_file()


def read_evaluation(folder: Path, *, any_schema: bool = False) -> tuple[EvaluationResult, tuple[ScoredSample, ...]]:
    """The evaluation in `folder`.

    Args:
        folder: the evaluation's folder.
        any_schema: read a layout of another version too, as far as it can be read.

    Raises:
        DataError: a file is missing, can't be read, is of another schema, does not have the turns it should have, or
            the files contradict each other.
    """
    result = read_result(folder, any_schema=any_schema)
    path = folder / SAMPLES
    if not path.is_file():
        raise DataError("an evaluation without its samples", at=str(path), fix=REDO)
    rows = tuple(_read_row(line, path, place) for place, line in _lines(path))
    if len(rows) != result.turns:
        what = f"{len(rows)} samples where {RESULTS} speaks of {result.turns}"
        raise DataError.at_line(what, path, max(1, len(rows)), REDO)
    _refuse_duplicates(rows, path)
    _refuse_contradictions(result, rows, folder / RESULTS)
    return result, rows


def read_result(folder: Path, *, any_schema: bool = False) -> EvaluationResult:
    """The values of the evaluation in `folder`, without its turns.

    Args:
        folder: the evaluation's folder.
        any_schema: read a layout of another version too, as far as it can be read.

    Raises:
        DataError: `results.json` is missing, can't be read or is of another schema.
    """
    path = folder / RESULTS
    raw = read_document(path, "evaluation", schema_of(folder) if any_schema else SCHEMA, REDO)
    try:
        return _result_from_json(raw)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        line = line_of(f'"{error.key}":', path.read_text(encoding="utf-8")) if isinstance(error, MetricError) else 1
        raise DataError.at_line(f"a results file with a wrong or missing field: {error}", path, line, REDO) from error


def schema_of(folder: Path) -> int:
    """The version that an evaluation says it is of; this one where it can't be read, so that reading says why."""
    try:
        raw = json.loads((folder / RESULTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return SCHEMA
    schema = raw.get("schema") if isinstance(raw, dict) else None
    return schema if type(schema) is int else SCHEMA


def failures(result: EvaluationResult, folder: Path) -> tuple[Problem, ...]:
    """What is to be said of the metrics of an evaluation that failed."""
    return tuple(
        Problem(
            f"metric '{key}' failed: {reason}",
            str(folder / RESULTS),
            "the other metrics are written; to measure it again: "
            f"ecrctl eval rescore {shlex.quote(str(folder))} --metric {key}",
        )
        for key, reason in result.failed.items()
    )


class FailedMetricsError(EcrError):
    """Metrics that gave no value in an evaluation whose other metrics are written.

    Args:
        problems: what is to be said of them, at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = tuple(problems)


def _result_to_json(result: EvaluationResult) -> dict[str, Any]:
    return {
        "schema": result.schema,
        "name": result.name,
        "checkpoint": result.checkpoint,
        "split": result.split,
        "split_fingerprint": result.split_fingerprint,
        "prompt_fingerprint": result.prompt_fingerprint,
        "turns": result.turns,
        "decoding": dict(result.decoding),
        "seed": result.seed,
        "seconds": result.seconds,
        "metrics": {key: metric_to_json(value) for key, value in result.metrics.items()},
        "reward_sources": dict(result.reward),
        "failed": dict(result.failed),
        "judge": dict(result.judge),
    }


def metric_to_json(value: MetricValue) -> dict[str, Any]:
    """One metric of `results.json`; a bound or value that is not finite is written as null."""
    return {
        "value": _finite(value.value),
        "interval": [value.interval.low, value.interval.high] if value.interval else None,
        "higher_is_better": value.higher_is_better,
        "low": _finite(value.low),
        "high": _finite(value.high),
        "in_reward": value.in_reward,
        "held_out": not value.in_reward,
        "explanation": value.explanation,
    }


def _result_from_json(raw: Mapping[str, Any]) -> EvaluationResult:
    return EvaluationResult(
        schema=raw["schema"],
        name=field_of(raw, "name", str),
        checkpoint=field_of(raw, "checkpoint", str),
        split=field_of(raw, "split", str),
        split_fingerprint=str(raw["split_fingerprint"]),
        prompt_fingerprint=str(raw["prompt_fingerprint"]),
        turns=_count(raw, "turns"),
        decoding=dict(raw["decoding"]),
        seed=_count(raw, "seed"),
        metrics={key: _metric_from_json(key, value) for key, value in raw["metrics"].items()},
        seconds=number(raw["seconds"]),
        failed={str(key): str(reason) for key, reason in dict(raw.get("failed", {})).items()},
        judge=dict(raw.get("judge", {})),
        reward=dict(raw.get("reward_sources", {})),
    )


def _metric_from_json(key: str, raw: Mapping[str, Any]) -> MetricValue:
    try:
        interval = raw["interval"]
        return MetricValue(
            value=optional_number(raw["value"]),
            interval=None if interval is None else Interval(number(interval[0]), number(interval[1])),
            higher_is_better=None if raw["higher_is_better"] is None else field_of(raw, "higher_is_better", bool),
            low=-math.inf if raw["low"] is None else number(raw["low"]),
            high=math.inf if raw["high"] is None else number(raw["high"]),
            in_reward=field_of(raw, "in_reward", bool),
            explanation=field_of(raw, "explanation", str),
        )
    except (LookupError, TypeError, ArithmeticError, FieldError) as error:
        raise MetricError(key, error) from error


def _count(raw: Mapping[str, Any], key: str) -> int:
    """A field that has to be a whole number from 0 on."""
    count = field_of(raw, key, int)
    if count < 0:
        raise FieldError(f"'{key}' is {count}, not 0 or more")
    return count


def _finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity; both are "there is no number here"."""
    return value if value is not None and math.isfinite(value) else None


def _lines(path: Path) -> list[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1."""
    return [(number, line) for number, line in enumerate(path.read_bytes().split(b"\n"), start=1) if line.strip()]


def _read_row(line: bytes, path: Path, place: int) -> ScoredSample:
    try:
        raw = parse_line(line, parse)
    except (LineError, NotFiniteError) as error:
        raise DataError.at_line(str(error), path, place, REDO) from error
    try:
        metrics = field_of(raw, "metrics", dict)
        return ScoredSample(sample_from_json(raw), {key: _cell(key, cell) for key, cell in metrics.items()})
    except (KeyError, FieldError, MetricError) as error:
        raise DataError.at_line(f"a sample with a wrong or missing field: {error}", path, place, REDO) from error


def _cell(key: str, value: object) -> float | None:
    """One metric of one turn."""
    if isinstance(value, list | dict):
        raise MetricError(key, TypeError(f"{in_words(value)} is not a number"))
    try:
        return optional_number(value)
    except (TypeError, ArithmeticError) as error:
        raise MetricError(key, error) from error


def _refuse_duplicates(rows: Sequence[ScoredSample], path: Path) -> None:
    """Two rows of one example can't be paired."""
    seen: set[str] = set()
    for place, row in enumerate(rows, start=1):
        example_id = row.sample.example.example_id
        if example_id in seen:
            raise DataError.at_line(f"the example '{example_id}' is there twice", path, place, REDO)
        seen.add(example_id)


def _refuse_contradictions(result: EvaluationResult, rows: Sequence[ScoredSample], path: Path) -> None:
    """A mean over turns has to be that of the turns beside it: else one of the two files was changed."""
    for key, metric in result.metrics.items():
        if not (_is_of_turns(key, metric) and any(key in row.metrics for row in rows)):
            continue
        average = mean([row.metrics.get(key) for row in rows])
        if not _agree(metric.value, average):
            what = f"'{key}' is {_shown(metric.value)}, and the mean of its turns in {SAMPLES} is {_shown(average)}"
            raise DataError.at_line(what, path, line_of(f'"{key}":', path.read_text(encoding="utf-8")), REDO)


def _is_of_turns(key: str, metric: MetricValue) -> bool:
    """Whether a metric is the mean over its turns: all of the reward is, and whatever has an interval."""
    return key == OBJECTIVE or key.startswith(COMPONENT_PREFIX) or metric.interval is not None


def _agree(value: float | None, average: float | None) -> bool:
    if value is None or average is None:
        return value is average
    return math.isclose(value, average, rel_tol=1e-9, abs_tol=AGREEMENT)


def _shown(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.9g}"
