"""Plain texts as dialogues: what the guide's functions and the command line are given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.errors import UsageError

Context = str | Sequence[str]
"""What was said before a response: the seeker's one turn, or the turns in their order."""

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
    """Refuses a batch whose columns do not belong together.

    Args:
        columns: the batch by the names of the arguments; `responses` is one of them.

    Raises:
        UsageError: a column is one text instead of a list, the columns differ in length, or they are empty.
    """
    for name, column in columns.items():
        if isinstance(column, str):
            raise UsageError(f"{name} is one text, and not a list of texts", at=name, fix=f"put it in a list: [{name}]")
    count = len(columns["responses"])
    if not count:
        raise UsageError("there are no responses", at="responses", fix="give one response at least")
    for name, column in columns.items():
        if len(column) != count:
            raise UsageError(
                f"{name} has {len(column)} entries where responses has {count}", at=name, fix="give one a response"
            )
