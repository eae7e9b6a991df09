"""Plain texts as dialogues: what the guide's functions and the command line are given."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Sized
from itertools import groupby

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.errors import UsageError

Context = str | Sequence[str]
"""What was said before a response: the seeker's one turn, or the turns in their order."""

_ENTRIES = {
    "context": "a text, or a list of texts",
    "responses": "a text",
    "targets": "a text, or None",
    "emotion_labels": "a name, a list of names, or None",
}
"""What the entries of each column of a batch are."""

_MARK = re.compile(r"\s*(seeker|recommender)\s*:\s*", re.IGNORECASE)
_OTHER = {Role.SEEKER: Role.RECOMMENDER, Role.RECOMMENDER: Role.SEEKER}


def turns_of(context: Context) -> tuple[Turn, ...]:
    """The turns of a context, oldest first.

    A text that begins with `seeker:` or `recommender:` is that side's. Others alternate, so that the last is the
    seeker's, whom the response answers. Texts of one side that follow each other are one turn; blank ones go.

    Args:
        context: one text, or several.
    """
    said = [context] if isinstance(context, str) else list(context)
    sides: list[tuple[Role, str]] = []
    following = Role.RECOMMENDER
    for text in reversed(said):
        mark = _MARK.match(text)
        following = Role(mark.group(1).lower()) if mark else _OTHER[following]
        sides.append((following, text[mark.end() :] if mark else text))
    spoken = [(role, text.strip()) for role, text in reversed(sides) if text.strip()]
    joined = [(role, " ".join(text for _, text in group)) for role, group in groupby(spoken, key=lambda pair: pair[0])]
    return tuple(Turn(role, text, text) for role, text in joined)


def sample_of(
    context: Sequence[Turn], response: str, reference: str, emotions: tuple[str, ...] = (), *, name: str, tokens: int
) -> Sample:
    """A finished response to given turns.

    Args:
        context: the turns before it.
        response: its words.
        reference: what a human answered; empty if nobody did.
        emotions: labels of what the seeker's last turn shows; empty to recognise them.
        name: what errors call it, such as "given:0".
        tokens: number of response tokens.
    """
    example = Example(
        example_id=name,
        conversation_id=name.partition(":")[0],
        turn=len(context),
        context=tuple(context),
        target=reference,
        items=(),
        mentioned=(),
        emotions=emotions,
        source="given",
        line=1,
    )
    return Sample(example, response, finished=True, tokens=tokens)


def check_batch(**columns: Sequence[object]) -> None:
    """Refuses a batch whose columns do not belong together, or hold something else than texts.

    Args:
        columns: the batch by the names of the arguments; `responses` is one of them.

    Raises:
        UsageError: a column is no list, the columns differ in length, they are empty, or an entry is no text.
    """
    for name, column in columns.items():
        check_list(name, column)
    count = len(columns["responses"])
    if not count:
        raise UsageError("there are no responses", at="responses", fix="give one response at least")
    for name, column in columns.items():
        if len(column) != count:
            raise UsageError(
                f"{name} has {len(column)} entries where responses has {count}", at=name, fix="give one a response"
            )
        for place, entry in enumerate(column):
            if not _is_entry(entry, name):
                at = f"{name}[{place}]"
                raise UsageError(f"{at} is of type {type(entry).__name__}", at=at, fix=f"give {_ENTRIES[name]}")


def check_list(name: str, column: object, of: str = "texts") -> None:
    """Refuses what is no list; a single text would be taken for a list of letters.

    Args:
        name: what it was given as.
        column: what was given.
        of: what the list is of.

    Raises:
        UsageError: it is one text, or can't be counted.
    """
    if isinstance(column, str):
        raise UsageError(f"{name} is one text, and not a list of {of}", at=name, fix=f"put it in a list: [{name}]")
    if not isinstance(column, Sized):
        raise UsageError(f"{name} is of type {type(column).__name__}, and not a list", at=name, fix=f"give {of}: […]")


def _is_entry(entry: object, name: str) -> bool:
    """Whether a column may have such an entry."""
    if entry is None:
        return "None" in _ENTRIES[name]
    if isinstance(entry, Collection) and not isinstance(entry, str) and "list" in _ENTRIES[name]:
        return all(isinstance(one, str) for one in entry)
    return isinstance(entry, str)
