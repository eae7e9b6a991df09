"""Several systems' responses to the same turns, read from their files and laid side by side.

The turns are those of the first file, in its order; each of the others is looked up by `example_id`. What is held in
memory is the others' responses, not their dialogues.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.schema import Example
from ecr_engine.errors import DataError, UsageError
from ecr_engine.evaluation.responses import read_responses
from ecr_engine.scoring.answers import ResponseRow
from ecr_engine.scoring.list_job import ListedResponses
from ecr_engine.scoring.listwise import PSEUDONYMS, ListedTurn

REFERENCE = "reference"
"""In the place of a file: the human responses, which stand in the first file."""


@dataclass(frozen=True, slots=True)
class System:
    """Whose responses are compared.

    Attributes:
        address: what was typed.
        path: the file of its responses; None for `REFERENCE`.
    """

    address: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class _Answered:
    """A response, without its dialogue.

    Attributes:
        response: its words; empty where the row has none.
        dialogue: hash of the words that it answers.
    """

    response: str
    dialogue: bytes


def read_listed(
    first: System, others: Sequence[System], *, start: int = 0, maximum: int | None = None
) -> ListedResponses:
    """The turns of the first file that all the others answer too.

    Args:
        first: the file whose turns are judged; not `REFERENCE`.
        others: whose responses are laid beside it.
        start: so many rows of the first are left out.
        maximum: so many rows of it are read at most.

    Raises:
        UsageError: there are too many systems, or one is named twice.
        DataError: a file is wrong, answers a turn twice or in another dialogue; or no turn is answered by all.
    """
    assert first.path is not None
    if len(others) >= len(PSEUDONYMS):
        raise UsageError(
            f"{len(others) + 1} systems side by side are too many",
            at="--listwise",
            fix=f"name {len(PSEUDONYMS) - 1} beside the input at most",
        )
    _check_apart([first, *others])
    rows = read_responses(first.path, start=start, maximum=maximum)
    answered = [_answered(other) for other in others]
    names = _names(first, others, next(rows.rows()).who)

    def turns() -> Iterator[ListedTurn]:
        for row in rows.rows():
            found = [_found(row, answers, other) for answers, other in zip(answered, others, strict=True)]
            if None not in found:
                said = [row.sample.response, *(each for each in found if each is not None)]
                yield ListedTurn(row.sample.example, dict(zip(names, said, strict=True)))

    _check_once(first, (row.sample.example.example_id for row in rows.rows()))
    total = sum(1 for _ in turns())
    if not total:
        raise DataError(
            "there is no turn that all of them answered",
            at=", ".join(system.address for system in (first, *others)),
            fix="lay responses to the same turns side by side: rows with the same example_id in each file",
        )
    return ListedResponses(names, total, rows.total - total, turns)


def _check_apart(systems: Sequence[System]) -> None:
    """Refuses a file that is laid beside itself."""
    seen: set[Path | None] = set()
    for system in systems:
        place = None if system.path is None else system.path.resolve()
        if place in seen:
            raise UsageError(
                f"'{system.address}' is named twice", at="--listwise", fix="name responses of different systems"
            )
        seen.add(place)


def _answered(system: System) -> Mapping[str, _Answered] | None:
    """The responses of a file by the turn that they answer; None for the human ones, which the first file has."""
    if system.path is None:
        return None
    found: dict[str, _Answered] = {}
    for row in read_responses(system.path).rows():
        name = row.sample.example.example_id
        if name in found:
            raise _twice(system, name)
        found[name] = _Answered(row.sample.response, _dialogue(row.sample.example))
    return found


def _check_once(system: System, names: Iterator[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _twice(system, name)
        seen.add(name)


def _twice(system: System, name: str) -> DataError:
    return DataError(
        f"'{system.address}' answers the turn '{name}' twice",
        at=str(system.path),
        fix="put the responses of each system into a file of its own, one a turn",
    )


def _found(row: ResponseRow, answers: Mapping[str, _Answered] | None, system: System) -> str | None:
    """What a system answered to the turn of a row; None if it did not."""
    example = row.sample.example
    if answers is None:
        return example.target or None
    answer = answers.get(example.example_id)
    if answer is None:
        return None
    if answer.dialogue != _dialogue(example):
        raise DataError(
            f"the turn '{example.example_id}' of '{system.address}' is in another dialogue than in the input",
            at=str(system.path),
            fix="lay responses to the same turns side by side",
        )
    return answer.response


def _dialogue(example: Example) -> bytes:
    text = "\0".join(f"{turn.role.value}\0{turn.text}" for turn in example.context)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _names(first: System, others: Sequence[System], who: str) -> tuple[str, ...]:
    """What the systems are called: by whose responses they are, or by what was typed where two would be the same."""
    named = [who, *(_who(other) for other in others)]
    systems = (first, *others)
    return tuple(
        name if named.count(name) == 1 else system.address for name, system in zip(named, systems, strict=True)
    )


def _who(system: System) -> str:
    return REFERENCE if system.path is None else next(read_responses(system.path, maximum=1).rows()).who
