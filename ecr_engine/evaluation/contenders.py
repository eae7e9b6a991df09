"""The sides of a comparison: one evaluation, or several of one system trained or sampled with several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.errors import DataError, UsageError
from ecr_engine.evaluation.marks import JUDGE_PREFIX
from ecr_engine.evaluation.store import (
    REDO,
    RESULTS,
    SCHEMA,
    EvaluationResult,
    ScoredSample,
    read_evaluation,
    schema_of,
)
from ecr_engine.evaluation.values import OBJECTIVE


@dataclass(frozen=True, slots=True)
class Contender:
    """One side.

    Attributes:
        name: what it is called in tables.
        folders: the evaluation of each seed.
        results: their values.
        rows: their turns.
    """

    name: str
    folders: tuple[Path, ...]
    results: tuple[EvaluationResult, ...]
    rows: tuple[tuple[ScoredSample, ...], ...]

    @property
    def result(self) -> EvaluationResult:
        """The values of the first seed; what describes a metric is taken from it."""
        return self.results[0]


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns that all seeds of two sides have answered, in one order.

    Attributes:
        a: rows of the first side by seed.
        b: rows of the second side by seed.
        whole: whether these are all turns of all of them.
    """

    a: tuple[tuple[ScoredSample, ...], ...]
    b: tuple[tuple[ScoredSample, ...], ...]
    whole: bool

    @property
    def dialogues(self) -> list[str]:
        """The dialogue of each turn."""
        return [row.sample.example.conversation_id for row in self.a[0]]


def read_contender(folders: Sequence[Path], name: str | None, *, any_schema: bool = False) -> Contender:
    """Reads a side.

    Args:
        folders: the evaluation of each seed, at least one.
        name: what to call it; None: as its first evaluation is called.
        any_schema: read layouts of other versions too, as far as they can be read.

    Raises:
        DataError: an evaluation can't be read.
        UsageError: one is named twice: a seed counted twice would make the result look surer than it is.
    """
    for place, folder in enumerate(folders):
        if folder.resolve() in {other.resolve() for other in folders[:place]}:
            fix = "name each seed of a side once, with + between: runs/a1+runs/a2"
            raise UsageError("one evaluation is named as two seeds of a side", at=str(folder), fix=fix)
    for folder in folders:
        if not any_schema and schema_of(folder) != SCHEMA:
            raise DataError.at_line(
                f"the evaluation is of schema {schema_of(folder)}; this version reads schema {SCHEMA}",
                folder / RESULTS,
                1,
                f"{REDO}; `ecrctl compare --force` reads it as far as it can",
            )
    read = [read_evaluation(folder, any_schema=any_schema) for folder in folders]
    results, rows = tuple(result for result, _ in read), tuple(turns for _, turns in read)
    return Contender(results[0].name if name is None else name, tuple(folders), results, rows)


def refuse_different(a: Contender, b: Contender, *, force: bool) -> tuple[str, ...]:
    """What sets two sides apart that should not: turns, prompts, decoding, judges, layouts.

    Returns:
        The differences, in sentence parts, where they are accepted by `force`.

    Raises:
        UsageError: there are some, and `force` is not set.
    """
    found = tuple(dict.fromkeys(_all_differences(a, b)))
    if found and not force:
        raise UsageError(
            f"these evaluations can't be compared: {'; '.join(found)}",
            at=_places(a, b),
            fix="evaluate both with the same settings, or compare the turns they share with --force",
        )
    return found


def shared_turns(a: Contender, b: Contender) -> Turns:
    """The turns that are in every evaluation of both sides, in the order of the example ids.

    Raises:
        DataError: there are none.
    """
    tables = [{row.sample.example.example_id: row for row in rows} for rows in (*a.rows, *b.rows)]
    shared = sorted(set(tables[0]).intersection(*tables[1:]))
    if not shared:
        fix = "evaluate both on the same split"
        raise DataError("no turn is in both evaluations", at=_places(a, b), fix=fix)
    rows = tuple(tuple(table[example_id] for example_id in shared) for table in tables)
    whole = all(len(table) == len(shared) for table in tables)
    return Turns(rows[: len(a.rows)], rows[len(a.rows) :], whole)


def not_shared(a: Contender, b: Contender) -> dict[str, str]:
    """Why metrics of one side or the other are not compared, by key."""
    results = (*a.results, *b.results)
    keys = dict.fromkeys(key for result in results for key in (*result.metrics, *result.failed))
    missing = {key: _why_missing(key, a, b) for key in keys if any(key not in result.metrics for result in results)}
    if OBJECTIVE not in missing and len({_weights(result) for result in results}) > 1:
        missing[OBJECTIVE] = "the two sides weigh it differently; to measure both alike: ecrctl eval rescore RUN"
    return missing


def _why_missing(key: str, a: Contender, b: Contender) -> str:
    for side in (a, b):
        reasons = [result.failed[key] for result in side.results if key in result.failed]
        if reasons:
            return f"it failed for {side.name}: {reasons[0]}"
    return "only one side has it"


def _weights(result: EvaluationResult) -> str:
    """How the objective is defined: its explanation names the weights."""
    return result.metrics[OBJECTIVE].explanation if OBJECTIVE in result.metrics else ""


def _places(a: Contender, b: Contender) -> str:
    return " and ".join(str(folder) for folder in (*a.folders, *b.folders))


def _all_differences(a: Contender, b: Contender) -> Iterator[str]:
    """Each evaluation against the first."""
    first, *others = (*a.results, *b.results)
    for result in (first, *others):
        if result.schema != SCHEMA:
            yield f"{result.name} is of schema {result.schema}, and this version knows schema {SCHEMA}"
    for other in others:
        yield from _differences(first, other)


def _differences(a: EvaluationResult, b: EvaluationResult) -> Iterator[str]:
    """Why the two are not evaluations of the same thing, in sentence parts."""
    if a.split_fingerprint != b.split_fingerprint:
        yield f"they answer different turns ({a.split}, {a.turns} turns; {b.split}, {b.turns} turns)"
    if a.prompt_fingerprint != b.prompt_fingerprint:
        yield "their prompts differ"
    for key in sorted(key for key in {*a.decoding, *b.decoding} if a.decoding.get(key) != b.decoding.get(key)):
        yield f"decoding.{key} is {a.decoding.get(key)} and {b.decoding.get(key)}"
    if _judged(a) and _judged(b) and a.judge.get("fingerprint") != b.judge.get("fingerprint"):
        yield f"their judges differ ({_judge(a.judge)} and {_judge(b.judge)})"


def _judged(result: EvaluationResult) -> bool:
    return any(key.startswith(JUDGE_PREFIX) for key in result.metrics)


def _judge(judge: Mapping[str, object]) -> str:
    return f"{judge.get('name', 'unnamed')} {str(judge.get('fingerprint', 'unknown'))[:8]}"
