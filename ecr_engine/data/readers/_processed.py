"""Dialogues from turns: the lines with `context` and `resp` that UniCRS made common, and ECR and CFCRS took over.

One line is one turn: `context` holds the texts before it, `resp` the turn itself, `rec` the movies (and in unmasked
files the other entities) of the turn, `entity` those of the context. The context of the next line is this context and
this response, with the names of movies where the response has a mask. So the last line of a dialogue has all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_engine.data.cleaning import clean
from ecr_engine.data.reader import MalformedError, Message, Oddity, RawDialogue, Record
from ecr_engine.data.readers._emotions import likely
from ecr_engine.data.readers._titles import Title, gaps, has_year, plain, split_at, title
from ecr_engine.data.records import decode_object, kind, required, role_of, text_list
from ecr_engine.data.schema import Emotions, Item, Role

_MASK = re.compile("<movie>|<mask>")
_GAP = "\ue000"  # a private character that cleaning leaves alone; no text of a source may hold it


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of a dialogue.

    Attributes:
        context: the texts before it.
        response: its text.
        role: who speaks, where the line says so.
        recommended: ids or names of what it mentions.
        entities: ids or names of what the context mentions.
        emotions: for each of `entities` what the turn showed that mentions it; empty in forms without emotions.
    """

    context: tuple[str, ...]
    response: str
    role: Role | None
    recommended: tuple[str, ...]
    entities: tuple[str, ...]
    emotions: tuple[Emotions, ...]

    def pieces(self) -> tuple[str, ...]:
        """The cleaned response, cut at its masks."""
        return tuple(clean(_MASK.sub(_GAP, self.response.replace(_GAP, ""))).split(_GAP))


@dataclass(frozen=True, slots=True)
class Known:
    """What a form, or the files beside it, say of names and speakers.

    Attributes:
        every_turn: whether the seeker's turns are lines too.
        names: names of ids; an id that is not in it is a name itself unless it is a number.
        movies: ids of movies; None if nobody says which entities are movies.
        masks_are_movies: whether a mask stands for a movie and nothing else.
        recommended_are_movies: whether an unmasked line's `rec` holds movies and nothing else.
    """

    every_turn: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    movies: frozenset[str] | None = None
    masks_are_movies: bool = True
    recommended_are_movies: bool = False

    def name(self, entity: str) -> str:
        """The name of an entity; empty if it is not known."""
        return clean(plain(self.names.get(entity, "" if entity.isdigit() else entity)))


def line_of(content: bytes) -> Line:
    """The turn in a line.

    Raises:
        MalformedError: it can't be read.
    """
    raw = decode_object(content, "a turn")
    response = required(raw, "resp")
    if not isinstance(response, str):
        raise MalformedError(f"'resp' must be text, found {kind(response)}")
    return Line(
        text_list(required(raw, "context"), "context"),
        response,
        role_of(raw["role"], "'role'") if "role" in raw else None,
        _entities(raw.get("rec", []), "rec"),
        _entities(raw.get("entity", []), "entity"),
        tuple(_shown(raw)),
    )


def joins(before: Line, after: Line) -> bool:
    """Whether a line goes on with the dialogue of the line before it."""
    size = len(before.context)
    if len(after.context) <= size or after.context[:size] != before.context:
        return False
    # Many dialogues begin alike; from the third text on the context itself is proof enough.
    said = after.context[size]
    return size > 2 or said == before.response or gaps(before.pieces(), _cleaned(said)) is not None


def dialogue(record: Record, conversation: str, lines: Sequence[Line], known: Known) -> RawDialogue:
    """The dialogue in its lines.

    Args:
        record: where the lines are from.
        conversation: the dialogue's id.
        lines: in their order, at least one.
        known: what is known beside the lines.

    Raises:
        MalformedError: nobody says anything, or the lines do not go on from one another.
    """
    texts = (*lines[-1].context, lines[-1].response)
    if any(texts[: len(line.context)] != line.context for line in lines):
        raise MalformedError("the lines of the dialogue do not go on from one another: their contexts differ")
    # An empty first text says that the recommender opens; it is a turn only if a line says so.
    first = 0 if texts[0].strip() or any(not line.context for line in lines) else 1
    roles = _roles(texts, first, lines, known)
    cast = _Cast()
    messages: dict[int, Message] = {}
    for line in lines:
        at = len(line.context)
        if (message := _unmasked(line, texts, roles[at], cast, known, conversation)) is not None:
            messages[at] = message
    for at in range(first, len(texts)):
        if at not in messages:
            messages[at] = _searched(at, texts[at], roles[at], lines, cast, known)
    spoken = tuple(messages[at] for at in range(first, len(texts)))
    if all(message.is_blank() for message in spoken):
        raise MalformedError("the dialogue has no messages")
    return RawDialogue(conversation, record.split, spoken, cast.items, record.source, record.line)


class _Cast:
    """The movies of one dialogue, so that one name is one id all through it."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self._ids: dict[str, str] = {}

    def add(self, name: str, item_id: str = "") -> str:
        """Notes a movie and returns its id; the first name with a year stays."""
        known = self._ids.setdefault(name.casefold(), item_id or name) if name else item_id
        if known not in self.items or (has_year(name) and not has_year(self.items[known].name)):
            self.items[known] = Item(known, name)
        return known

    def titles(self) -> Iterator[Title]:
        """Titles for texts of which the form does not say that they mention a movie."""
        return (title(item.item_id, item.name, dated=True) for item in self.items.values() if item.name)


def _cleaned(text: str) -> str:
    return clean(text.replace(_GAP, ""))


def _roles(texts: Sequence[str], first: int, lines: Sequence[Line], known: Known) -> tuple[Role, ...]:
    """Who says each text: as a line says, or the other one than the line after (or before) it."""
    if known.every_turn and all(line.role is None for line in lines):
        # Nobody says who speaks; the seeker opens most dialogues of ReDial.
        return tuple(_alternate(Role.SEEKER, at - first) for at in range(len(texts)))
    at_line = {len(line.context): line.role or Role.RECOMMENDER for line in lines}
    last = len(texts) - 1
    roles: list[Role] = []
    for at in range(len(texts)):
        near = next(place for place in range(at, last + 1) if place in at_line)
        roles.append(_alternate(at_line[near], near - at))
    return tuple(roles)


def _alternate(role: Role, steps: int) -> Role:
    other = Role.SEEKER if role is Role.RECOMMENDER else Role.RECOMMENDER
    return other if steps % 2 else role


def _unmasked(
    line: Line, texts: Sequence[str], role: Role, cast: _Cast, known: Known, conversation: str
) -> Message | None:
    """The message of a masked line, its names from the text that later contexts have; None if they do not tell."""
    at, pieces = len(line.context), line.pieces()
    if len(pieces) == 1 or (at < len(texts) - 1 and not known.masks_are_movies):
        return None
    if at == len(texts) - 1:  # no later context has the names
        ids = line.recommended if len(line.recommended) == len(pieces) - 1 else ()
        movies = [
            cast.add(known.name(ids[n]), ids[n]) if ids else cast.add("", f"{conversation}#{at}.{n}")
            for n in range(len(pieces) - 1)
        ]
        return Message(role, pieces, tuple(movies))
    names = gaps(pieces, _cleaned(texts[at]))
    if names is None:
        return None
    return Message(role, pieces, tuple(_identified(names, line.recommended, cast, known)))


def _identified(names: Sequence[str], ids: Sequence[str], cast: _Cast, known: Known) -> list[str]:
    """The ids of movies by name: those whose known names agree, and for the others those left, in their order."""
    bases = {title("", known.name(item_id)).base.casefold(): item_id for item_id in reversed(ids)}
    agreed = [bases.get(title("", name.strip()).base.casefold(), "") for name in names]
    left = [item_id for item_id in ids if item_id not in agreed]
    in_order = iter(left if len(left) == agreed.count("") else [])
    return [cast.add(name.strip(), item_id or next(in_order, "")) for name, item_id in zip(names, agreed, strict=True)]


def _searched(at: int, text: str, role: Role, lines: Sequence[Line], cast: _Cast, known: Known) -> Message:
    """The message of an unmasked text, its movies found by name."""
    mentioned, certain = _mentioned(at, lines, known)
    titles = [wanted for entity in mentioned if (wanted := _title(entity, certain, known)) is not None]
    words, found = split_at(_cleaned(text), [*titles, *cast.titles()])
    names = {wanted.item_id: known.name(wanted.item_id) for wanted in titles}
    movies = []
    for item_id, name in found:
        listed = names.get(item_id, "")
        movies.append(cast.add(name if has_year(name) or not listed else listed, item_id))
    others = [known.name(entity) for entity in mentioned if known.movies is not None and entity not in known.movies]
    emotions = _emotions(at, lines) if role is Role.SEEKER else ()
    return Message(role, words, tuple(movies), tuple(dict.fromkeys(filter(None, others))), emotions)


def _mentioned(at: int, lines: Sequence[Line], known: Known) -> tuple[Sequence[str], bool]:
    """What a text may mention, and whether all of it are movies."""
    line = next((line for line in lines if len(line.context) == at), None)
    if line is not None and line.recommended:
        return line.recommended, known.recommended_are_movies or len(line.pieces()) > 1
    before = next((line.entities for line in reversed(lines) if len(line.context) <= at), ())
    after = next((line.entities for line in lines if len(line.context) > at), ())
    if after[: len(before)] == before:
        return list(dict.fromkeys(after[len(before) :])), False
    return [entity for entity in dict.fromkeys(after) if entity not in before], False


def _title(entity: str, certain: bool, known: Known) -> Title | None:
    name = known.name(entity)
    if not name or (known.movies is not None and entity not in known.movies):
        return None
    return title(entity, name, dated=not (certain or known.movies is not None or has_year(name)))


def _emotions(at: int, lines: Sequence[Line]) -> Emotions:
    """What the next line says of the entities that the turn at `at` mentions."""
    line = next((line for line in lines if len(line.context) == at), None)
    after = next((line for line in lines if len(line.context) == at + 1), None)
    if line is None or after is None or len(after.emotions) <= len(line.entities):
        return ()
    return after.emotions[len(line.entities)]


def _entities(value: Any, name: str) -> tuple[str, ...]:
    """Ids as text, or names."""
    if not isinstance(value, list):
        raise MalformedError(f"'{name}' must be a list, found {kind(value)}")
    for entry in value:
        if isinstance(entry, bool) or not isinstance(entry, int | str):
            raise MalformedError(f"'{name}' must hold ids or names, found {kind(entry)}")
    return tuple(map(str, value))


def _shown(raw: dict[str, Any]) -> Iterator[Emotions]:
    """ECR's emotions: for each entity a list of labels, and a list of their probabilities."""
    labels, probabilities = raw.get("emotion_entity", []), raw.get("emotion_probs_entity", [])
    if not isinstance(labels, list) or not isinstance(probabilities, list) or len(labels) != len(probabilities):
        raise MalformedError("'emotion_entity' and 'emotion_probs_entity' must be lists of equal length")
    for names, shares in zip(labels, probabilities, strict=True):
        if not isinstance(names, list) or not isinstance(shares, list) or len(names) != len(shares):
            raise MalformedError("'emotion_entity' and 'emotion_probs_entity' must hold lists of equal length")
        yield likely(zip(text_list(names, "emotion_entity"), shares, strict=True), "the turn")


def oddities(raw: RawDialogue, lines: Sequence[Line]) -> Iterator[Oddity]:
    """What is odd in a dialogue that `dialogue` accepts."""
    texts = (*lines[-1].context, lines[-1].response)
    for line in lines:
        later = texts[len(line.context)]
        if later != line.response and gaps(line.pieces(), _cleaned(later)) is None:
            yield Oddity("a response and the context after it differ", line.response[:60])
    for item in raw.items.values():
        if not item.name:
            yield Oddity("a movie has no name", f"movie {item.item_id}")
