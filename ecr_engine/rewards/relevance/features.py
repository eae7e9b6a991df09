"""What the model looks at: a dialogue's state (`Scene`), a response (`Saying`), and the two together.

Features are places in one table of weights (the hashing trick, Weinberger et al., ICML 2009). They come in groups, and
a group of n features has the value 1/√n each, so that saying more is not worth more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ecr_engine.data.schema import SLOT, Example, Role
from ecr_engine.data.words import words
from ecr_engine.rewards.relevance.forms import COARSE, GREETINGS, acts, form, step
from ecr_engine.rewards.relevance.hashing import Ids, Places, distinct, join, places, runs, word_id, word_ids

BITS = 20
"""The table of weights has 2 ** BITS places."""

COUNT_BITS = 21
"""The table of counts has 2 ** COUNT_BITS places."""

MOST_WORDS = 80
"""So many words of a turn are looked at; nearly all turns of people are shorter."""

MOST_LETTERS = 12 * MOST_WORDS
"""So many letters are cut into words."""

MOST_CONTENT = 30
"""So many content words of a turn are paired with those of the response."""

USUAL = 3
"""A gram that fewer replies have is unknown."""

MOST_REPLIES = 255
"""Grams of more replies are not told apart."""

LATE_TURNS = 8
"""Turns back to which copying is looked for."""

FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "i",
        "you",
        "it",
        "is",
        "to",
        "and",
        "of",
        "in",
        "that",
        "was",
        "for",
        "me",
        "my",
        "have",
        "do",
        "are",
        "with",
        "but",
        "so",
        "on",
        "not",
        "be",
        "this",
        "at",
        "as",
        "or",
        "if",
        "its",
        "it's",
        "i'm",
        "im",
        "your",
    ]
) | frozenset([SLOT, *"""!"#$%&'()*+,-./:;<=>?@[]^_`{|}~"""])
"""What says nothing of its own."""

_EDGES = word_ids(["<start>", "<end>"])
_GROUPS = word_ids(f"<group {number}>" for number in range(9))
"""Numbers that keep groups of features, and kinds of grams, apart."""

_FACT = 0.5
"""Value of one feature of form or of what is taken up; these come in fixed numbers."""


Grams = tuple[Ids, Ids, Ids]
"""Words, pairs and runs of three of a text; none of the three is empty for a text that has words."""


@dataclass(frozen=True, slots=True)
class Features:
    """Places in the table of weights and the value of each.

    Attributes:
        index: int64 [n].
        value: float32 [n].
    """

    index: Places
    value: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scene:
    """The state of a dialogue before a response.

    Attributes:
        facts: what kind of moment it is.
        heard: content words of the last turn.
        asked: content words of the turn before it, which is the recommender's.
        last: the same words as in `heard`, as text.
        seeker: content words of all the seeker's turns.
        own: content words of all the recommender's turns.
        runs: numbers of runs of three words in the late turns.
        turns: the turns, as words.
    """

    facts: Ids
    heard: Ids
    asked: Ids
    last: frozenset[str]
    seeker: frozenset[str]
    own: frozenset[str]
    runs: frozenset[int]
    turns: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Saying:
    """A response by itself.

    Attributes:
        words: its words and marks, the first `MOST_WORDS`.
        content: its content words.
        content_ids: their numbers.
        heads: words, pairs, opening and ending, which are weighed by the moment.
        form: the outer form, weighed by the moment.
        runs: runs of three words.
        features: what does not depend on the dialogue.
    """

    words: tuple[str, ...]
    content: frozenset[str]
    content_ids: Ids
    heads: Ids
    form: Ids
    runs: tuple[int, ...]
    features: Features


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn of the context: words, content words, runs of three."""

    words: tuple[str, ...]
    content: tuple[str, ...]
    runs: tuple[int, ...]


_SILENCE = _Turn((), (), ())


@dataclass(frozen=True, slots=True)
class Known:
    """What of a text's grams occurs in replies of people.

    Attributes:
        grams: the grams, with one number in the place of all that do not occur: what was never seen is neither good
            nor bad by itself, and a reply that is learned from can't be known by what it alone has.
        shares: of words, of pairs and of runs, the share that occurs.
        means: of each, the mean of log(1 + replies that have it).
    """

    grams: Grams
    shares: tuple[float, ...]
    means: tuple[float, ...]


class Counts:
    """In how many replies of a corpus each word, pair and run of three occurs.

    Args:
        table: int32 [2 ** COUNT_BITS].
    """

    def __init__(self, table: NDArray[np.int32]) -> None:
        self.table = table

    def look_up(self, grams: Grams) -> Known:
        """What of a text's grams occurs in replies of people."""
        seen = np.minimum(self.table[self._places(grams)], MOST_REPLIES)
        sizes = [len(ids) for ids in grams]
        starts = [0, sizes[0], sizes[0] + sizes[1]]
        strange = seen < USUAL
        kept = np.where(strange, np.repeat(_GROUPS[:3], sizes), np.concatenate(grams))
        words_, pairs, triples = np.split(kept, starts[1:])
        known = np.add.reduceat((~strange).astype(np.int64), starts)
        often = np.add.reduceat(np.log1p(seen), starts)
        return Known(
            (words_, pairs, triples),
            tuple(float(n) / size for n, size in zip(known, sizes, strict=True)),
            tuple(float(n) / size for n, size in zip(often, sizes, strict=True)),
        )

    def add(self, grams: Grams, times: int) -> None:
        """Counts a reply `times` times; -1 takes it away again."""
        self.table[np.unique(self._places(grams))] += times

    def _places(self, grams: Grams) -> Places:
        salts = np.repeat(_GROUPS[:3], [len(ids) for ids in grams])
        return places(np.concatenate(grams) ^ salts, COUNT_BITS)


def cut(text: str) -> list[str]:
    """The words of a text that are looked at."""
    return words(text[:MOST_LETTERS])[:MOST_WORDS]


def grams_of(said: Sequence[str]) -> Grams:
    """Words, pairs and runs of three; pairs and runs know where the text begins and ends."""
    ids = word_ids(said)
    framed = np.concatenate([_EDGES[:1], ids, _EDGES[1:]])
    return ids, runs(framed, 2), runs(framed, 3)


def saying(response: str, counts: Counts) -> Saying | None:
    """A response as the model sees it; None if it has no words.

    Args:
        response: the response's words, with slots.
        counts: what occurs in replies of people.
    """
    text = response[:MOST_LETTERS].strip()
    said = cut(text)
    if not said:
        return None
    known = counts.look_up(grams_of(said))
    ids, pairs, triples = known.grams
    shape = form(text, said)
    heard = dict(zip(said, ids.tolist(), strict=True))
    content = _content(heard)
    single, double = distinct(ids), distinct(pairs)
    facts = [*shape, *_usual(known.shares, known.means, step(len(said), COARSE))]
    return Saying(
        words=tuple(said),
        content=frozenset(content),
        content_ids=distinct(np.array([heard[word] for word in content], dtype=np.uint64)),
        heads=np.concatenate([single, double, triples[:1], triples[-1:]]),
        form=_fact_ids(shape[:3]),
        runs=tuple(runs(word_ids(said), 3).tolist()),
        features=_grouped([single, double, distinct(triples)], _fact_ids(facts), 0),
    )


def scene(example: Example) -> Scene:
    """The state of a dialogue; that of an opening turn is known by having no turns."""
    turns = [(turn.role, _heard(turn.slots[:MOST_LETTERS])) for turn in example.context]
    last, before = (turns[-back][1] if len(turns) >= back else _SILENCE for back in (1, 2))
    said = {role: [turn for who, turn in turns if who is role] for role in Role}
    return Scene(
        facts=_fact_ids(_moment(example, last.words, before.words, said[Role.RECOMMENDER])),
        heard=word_ids(last.content[:MOST_CONTENT]),
        asked=word_ids(before.content[:MOST_CONTENT]),
        last=frozenset(last.content),
        seeker=frozenset(word for turn in said[Role.SEEKER] for word in turn.content),
        own=frozenset(word for turn in said[Role.RECOMMENDER] for word in turn.content),
        runs=frozenset(run for _, turn in turns[-LATE_TURNS:] for run in turn.runs),
        turns=frozenset(turn.words for _, turn in turns),
    )


@lru_cache(maxsize=1 << 14)
def _heard(text: str) -> _Turn:
    said = words(text)[:MOST_WORDS]
    return _Turn(tuple(said), tuple(_content(said)), tuple(runs(word_ids(said), 3).tolist()))


def features(where: Scene, what: Saying) -> Features:
    """All features of a response in a dialogue."""
    crossed = [
        _cross(where.facts, what.heads),
        _cross(where.facts, what.form),
        _cross(where.heard, what.content_ids),
        _cross(where.asked, what.content_ids),
    ]
    both = _grouped(crossed, _fact_ids(_taken_up(where, what)), 4)
    return Features(
        np.concatenate([what.features.index, both.index]), np.concatenate([what.features.value, both.value])
    )


def _content(said: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(said) if word not in FUNCTION_WORDS]


def _cross(first: Ids, second: Ids) -> Ids:
    return join(first[:, None], second[None, :]).ravel()


def _fact_ids(facts: Sequence[tuple[str, int, int]]) -> Ids:
    return np.array([_fact_id(fact) for fact in facts], dtype=np.uint64)


@lru_cache(maxsize=1 << 16)
def _fact_id(fact: tuple[str, int, int]) -> int:
    return word_id("{}={}/{}".format(*fact))


def _grouped(groups: Sequence[Ids], facts: Ids, first: int) -> Features:
    """Features of groups and facts, salted with the group's number so that the groups keep apart."""
    sizes = [len(ids) for ids in groups]
    values = [size**-0.5 if size else 0.0 for size in sizes]
    every = [*sizes, len(facts)]
    salts = np.repeat(_GROUPS[first : first + len(every)], every)
    index = places(np.concatenate([*groups, facts]) ^ salts, BITS)
    return Features(index, np.repeat(np.array([*values, _FACT], dtype=np.float32), every))


def _usual(shares: Sequence[float], means: Sequence[float], length: int) -> list[tuple[str, int, int]]:
    """How usual the words, pairs and runs are in replies of people."""
    (known, pairs, triples), (often, pairs_often, _) = shares, means
    return [
        ("known words", int(10 * known), length),
        ("known pairs", int(10 * pairs), length),
        ("known runs", int(10 * triples), length),
        ("usual words", int(2 * often), length),
        ("usual pairs", int(2 * pairs_often), length),
        ("known and usual", int(10 * triples), int(often)),
    ]


def _moment(
    example: Example, last: Sequence[str], before: Sequence[str], own: Sequence[_Turn]
) -> list[tuple[str, int, int]]:
    """What kind of moment it is; the first and last words of the seeker's turn stand as facts of their own."""
    turns = len(example.context)
    heard, asked = acts(last), acts(before)
    greeted = any(not GREETINGS.isdisjoint(turn.words) for turn in own)
    return [
        ("turns", step(turns, (0, 1, 2, 3, 4, 6, 8, 12)), 0),
        ("heard", heard, 0),
        ("asked", asked, 0),
        ("heard at", heard, step(turns, (0, 1, 2, 4, 8))),
        ("heard after", heard, asked),
        ("movies", step(len(example.mentioned), (0, 1, 2, 4)), 0),
        ("length heard", step(len(last), (0, 2, 5, 10, 20)), 0),
        ("greeted, asked", int(greeted), int(any("?" in turn.words for turn in own))),
        *((f"{place}:{' '.join(said)}", 0, 0) for place, said in _margins(last)),
    ]


def _margins(last: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    return [("first", last[:1]), ("first two", last[:2]), ("last two", last[-2:])]


def _taken_up(where: Scene, what: Saying) -> list[tuple[str, int, int]]:
    """What the response has in common with the dialogue: words taken up, said again, or copied."""
    length = step(len(what.words), COARSE)
    own = max(1, len(what.content))
    seeker = len(what.content & where.seeker)
    copied = sum(run in where.runs for run in what.runs) / max(1, len(what.runs))
    return [
        ("of the last turn", min(len(what.content & where.last), 4), length),
        ("of the seeker", min(seeker, 5), length),
        ("share of the seeker", int(4 * seeker / own), length),
        ("said again", int(4 * len(what.content & where.own) / own), length),
        ("copied", step(copied, (0.0, 0.1, 0.25, 0.5, 0.75)), length),
        ("a turn again", int(what.words in where.turns), 0),
    ]
