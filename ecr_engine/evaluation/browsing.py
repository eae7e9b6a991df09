"""Responses to look at, of a training's rollouts or of an evaluation: sorted by a score, filtered by an emotion."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ecr_engine.data.schema import EMOTIONS, Role, Split
from ecr_engine.data.store import split_path, stream_examples
from ecr_engine.emotion.recogniser import emotions_of
from ecr_engine.errors import DataError, UsageError, suggestion
from ecr_engine.evaluation.store import ScoredSample, read_evaluation
from ecr_engine.runs.addresses import DEFAULT_STAGE, RESULTS, resolve_evaluation
from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.folder import RunFolder

ROLLOUTS = "rollouts"
"""What follows the colon of an address that means the rollouts of a run's training: `runs/demo:rollouts`."""

REWARD, LENGTH = "reward", "length"
"""Sort keys that every response has, beside the names of its components and metrics."""

LIMIT = 10
"""Responses that are shown where nobody says how many."""

_COMPONENT = "reward/"


@dataclass(frozen=True, slots=True)
class Shown:
    """One response and how it was scored.

    Attributes:
        example_id: the turn that it answers.
        step: the update of the training that it was sampled in; None of an evaluation.
        context: the turns before it, each as who spoke and what.
        response: the response.
        reference: what a human answered.
        emotions: what the seeker shows, as far as it is known.
        scores: `reward`, `length` in words, each reward component and each metric; None where one does not apply.
        components: the names of the reward components among them.
    """

    example_id: str
    step: int | None
    context: tuple[tuple[str, str], ...]
    response: str
    reference: str
    emotions: tuple[str, ...]
    scores: Mapping[str, float | None]
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which responses to show, and in what order.

    Attributes:
        sort: `reward`, `length`, or the name of a component or metric.
        ascending: the lowest first.
        emotion: only where the seeker shows it; None for all.
        limit: so many at most.
    """

    sort: str = REWARD
    ascending: bool = False
    emotion: str | None = None
    limit: int = LIMIT


@dataclass(frozen=True, slots=True)
class Picked:
    """Responses that were picked.

    Attributes:
        source: the address of what they were picked from.
        total: how many there are.
        matching: how many of them have the emotion.
        shown: those that were picked, in order.
    """

    source: str
    total: int
    matching: int
    shown: tuple[Shown, ...]


def browse(address: str, wish: Wish) -> Picked:
    """The responses behind an address.

    Args:
        address: `RUN` (its policy's evaluation, or its rollouts where there is none yet), `RUN:NAME`, `RUN:rollouts`,
            or an evaluation folder.
        wish: which of them.

    Raises:
        UsageError: the sort key or the emotion is none.
        DataError: there are no responses.
    """
    if wish.emotion is not None and wish.emotion not in EMOTIONS:
        raise UsageError(f"unknown emotion '{wish.emotion}'", at="--emotion", fix=suggestion(wish.emotion, EMOTIONS))
    source, found = _found(address, with_emotions=wish.emotion is not None)
    matching = [each for each in found if wish.emotion is None or wish.emotion in each.emotions]
    return Picked(source, len(found), len(matching), tuple(_sorted(matching, found, wish)[: wish.limit]))


def _found(address: str, *, with_emotions: bool) -> tuple[str, list[Shown]]:
    """What an address means, in full, and the responses behind it."""
    root, _, name = address.rpartition(":")
    wants_rollouts = name == ROLLOUTS and RunFolder(Path(root)).exists()
    run = RunFolder(Path(root if wants_rollouts else address))
    if wants_rollouts or (run.exists() and not (run.evaluation(DEFAULT_STAGE) / RESULTS).is_file()):
        rollouts = _rollouts(run)
        return f"{run.root}:{ROLLOUTS}", _with_emotions(rollouts, run) if with_emotions else rollouts
    _, rows = read_evaluation(resolve_evaluation(address))
    return f"{run.root}:{DEFAULT_STAGE}" if run.exists() else address, [_evaluated(row) for row in rows]


def _rollouts(run: RunFolder) -> list[Shown]:
    """The responses that a training told of, one an update.

    Raises:
        DataError: it has told of none.
    """
    found = [_rollout(event) for event in read_events(run.events) if event.kind == "sample"]
    if not found:
        folder = shlex.quote(str(run.root))
        raise DataError(f"{run.root} has no samples yet", at=str(run.events), fix=f"ecrctl rl train --run {folder}")
    return found


def _rollout(event: Event) -> Shown:
    values = event.values
    components: dict[str, float | None] = dict(values.get("components", {}))
    return Shown(
        example_id=str(values.get("example", "")),
        step=event.step,
        context=tuple(_turns(str(values.get("context", "")))),
        response=str(values.get("response", "")),
        reference=str(values.get("reference", "")),
        emotions=(),
        scores=_scores(values.get("reward"), str(values.get("response", "")), components),
        components=tuple(components),
    )


def _turns(transcript: str) -> Iterator[tuple[str, str]]:
    """The turns of a transcript; a line that names no speaker goes on with the turn before."""
    who, words = "", ""
    for line in transcript.splitlines():
        role, colon, rest = line.partition(": ")
        if colon and role in set(Role):
            if who:
                yield who, words
            who, words = role, rest
        else:
            who, words = who or Role.SEEKER, f"{words} {line}".strip()
    if who:
        yield who, words


def _with_emotions(rollouts: Sequence[Shown], run: RunFolder) -> list[Shown]:
    """The rollouts with the emotions that the run's training split knows of their turns."""
    wanted = {each.example_id for each in rollouts}
    examples = stream_examples(split_path(run.data, Split.TRAIN))
    known = {each.example_id: emotions_of(each) for each in examples if each.example_id in wanted}
    return [replace(each, emotions=known.get(each.example_id, ())) for each in rollouts]


def _evaluated(row: ScoredSample) -> Shown:
    example = row.sample.example
    components = {
        key.removeprefix(_COMPONENT): value for key, value in row.metrics.items() if key.startswith(_COMPONENT)
    }
    metrics = {key: value for key, value in row.metrics.items() if not key.startswith(_COMPONENT) and key != REWARD}
    scores = _scores(row.metrics.get(REWARD), row.sample.response, components)
    return Shown(
        example_id=example.example_id,
        step=None,
        context=tuple((str(turn.role), turn.text) for turn in example.context),
        response=row.sample.response,
        reference=example.target,
        emotions=example.emotions,
        scores={**metrics, **scores},
        components=tuple(components),
    )


def _scores(reward: float | None, response: str, components: Mapping[str, float | None]) -> dict[str, float | None]:
    return {REWARD: reward, LENGTH: float(len(response.split())), **components}


def _sorted(matching: Iterable[Shown], known: Iterable[Shown], wish: Wish) -> list[Shown]:
    """The responses by a score; those without it last.

    Raises:
        UsageError: no response has such a score.
    """
    names = list(dict.fromkeys(name for each in known for name in each.scores))
    if wish.sort not in names:
        raise UsageError(f"no score is called '{wish.sort}'", at="--sort", fix=suggestion(wish.sort, names))
    sign = 1.0 if wish.ascending else -1.0

    def place(each: Shown) -> float:
        value = each.scores.get(wish.sort)
        return sign * value if value is not None and math.isfinite(value) else math.inf

    return sorted(matching, key=place)
