"""What the true reply is ranked above: replies of other dialogues, spoilt replies, and things said to anyone.

The sentences of `negatives.json` and the ways of spoiling are examples of kinds, not a list of what is punished: the
model has to carry over to other wordings.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from ecr_engine.data.schema import SLOT, Example
from ecr_engine.data.words import is_word, words

USUAL = 2
"""A sentence or reply that occurs so often in the corpus is a usual one."""

VOCABULARY = 600
"""So many of the most frequent words are strung together."""

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_CHOICE = re.compile(r"\{([^}]*)\}")
_GREEK = str.maketrans("aoeinvpxAEBHIKMNOPTXZ", "αοеinνρχΑΕΒΗΙΚΜΝΟΡΤΧΖ")
_SCRIPTS = (0x61, 0x31, 0x1F600, 0x1F440, 0x3B1, 0x5D0, 0x4E00, 0x627)
_MARKS = "!?.,;:-*#"


@dataclass(frozen=True, slots=True)
class Stock:
    """What a corpus offers for negatives.

    Attributes:
        replies: usual replies, each once, sorted.
        sentences: usual sentences of replies, as often as they occur, sorted.
        vocabulary: the most frequent words.
    """

    replies: tuple[str, ...]
    sentences: tuple[str, ...]
    vocabulary: tuple[str, ...]


def stock(replies: Sequence[str]) -> Stock:
    """The usual replies, sentences and words of a corpus; some of each even where nothing is usual."""
    whole = Counter(reply.strip() for reply in replies)
    parts = Counter(part.strip() for reply in replies for part in _SENTENCE.findall(reply))
    spoken = Counter(word for reply in replies for word in words(reply) if is_word(word))
    usual = sorted(reply for reply, count in whole.items() if count >= USUAL and reply)
    sentences = sorted(part for part, count in parts.items() if count >= USUAL and part for _ in range(count))
    return Stock(
        replies=tuple(usual) or tuple(sorted(whole)),
        sentences=tuple(sentences) or tuple(sorted(parts)),
        vocabulary=tuple(word for word, _ in sorted(spoken.items(), key=lambda one: (-one[1], one[0]))[:VOCABULARY]),
    )


def composed(rng: Random) -> str:
    """One to four sentences that could be said to anyone, in one of the ways that people write."""
    lists = _lists()
    kinds = [kind for kind in lists if kind not in ("openings", "keywords")]
    count = rng.choice((1, 1, 2, 2, 2, 3, 3, 4))
    chosen = rng.sample(kinds, count) if rng.random() < 0.7 else rng.choices(kinds, k=count)
    sentences = [_expanded(rng.choice(lists[kind]), rng) + "?" * (kind == "question") for kind in chosen]
    return _casual(_written(sentences, rng), rng)


def _written(sentences: Sequence[str], rng: Random) -> str:
    """Sentences in a row, with their marks; two are sometimes joined, and sometimes a word stands before."""
    text = rng.choice(_lists()["openings"]) if rng.random() < 0.3 else ""
    for sentence in sentences:
        joined = bool(text) and text[-1] in ".!" and rng.random() < 0.2
        text = text[:-1] + rng.choice((",", " and", ", and", " but")) if joined else text
        begun = sentence if joined or text.endswith(",") else sentence[0].upper() + sentence[1:]
        text += " " * bool(text) + begun + ("" if sentence.endswith("?") else rng.choice(".!"))
    return text


def _expanded(template: str, rng: Random) -> str:
    """A sentence of a template, in which `{a|b}` stands for one of two."""
    return " ".join(_CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template).split())


def usual_sentences(corpus: Stock, rng: Random) -> str:
    """One to three usual sentences of the corpus, put together."""
    return " ".join(rng.choice(corpus.sentences) for _ in range(rng.choice((1, 2, 2, 3))))


def strung(corpus: Stock, rng: Random) -> str:
    """Words without a sentence: one word again and again, keywords, slots, marks, strange letters, frequent words."""
    keywords = _lists()["keywords"]
    match rng.randrange(6):
        case 0:
            return " ".join([rng.choice(keywords)] * rng.randint(1, 14))
        case 1:
            return " ".join(rng.choices(keywords, k=rng.randint(2, 14)))
        case 2:
            return rng.choice((" ", ", ", " and ")).join([SLOT] * rng.choice((1, 1, 2, 3, 4, 6, 9, 12)))
        case 3:
            return " ".join(rng.choice(_MARKS) * rng.randint(1, 3) for _ in range(rng.randint(1, 8)))
        case 4:
            start = rng.choice(_SCRIPTS)
            return "".join(
                chr(start + rng.randrange(20)) + " " * (rng.random() < 0.3) for _ in range(rng.randint(1, 30))
            )
        case _:
            said = " ".join(rng.choices(corpus.vocabulary, k=rng.choice((1, 1, 1, 2, 3, 8, 15))))
            return _casual(said[0].upper() + said[1:], rng) + rng.choice(("", "", ".", "!", "?"))


def echoed(example: Example, rng: Random) -> str:
    """The context said again: a turn, a piece of one, a turn as a question, several turns."""
    turns = [turn.slots for turn in example.context]
    turn = rng.choice(turns[-6:]) if rng.random() < 0.5 else turns[-1]
    said = turn.split()
    match rng.randrange(4):
        case 0 if len(said) > 3:
            start = rng.randrange(len(said) // 2 + 1)
            return " ".join(said[start : start + max(3, len(said) // 2)])
        case 1:
            return turn.rstrip(".!? ") + "?"
        case 2:
            return " ".join(turns[-rng.randint(2, 4) :])
        case _:
            return turn


def spoilt(reply: str, rng: Random) -> str:
    """A reply made worse: words shuffled, dropped or swapped, cut off, doubled, shouted, in look-alike letters."""
    return rng.choice(_SPOILING)(reply, rng)


def _shuffled(reply: str, rng: Random) -> str:
    said = reply.split()
    rng.shuffle(said)
    return " ".join(said)


def _reversed(reply: str, rng: Random) -> str:
    return " ".join(reversed(reply.split()))


def _swapped(reply: str, rng: Random) -> str:
    said = reply.split()
    for _ in range(1 + len(said) // 5 if len(said) > 1 else 0):
        at = rng.randrange(len(said) - 1)
        said[at], said[at + 1] = said[at + 1], said[at]
    return " ".join(said)


def _thinned(reply: str, rng: Random) -> str:
    return " ".join(word for word in reply.split() if rng.random() < 0.7)


def _cut_off(reply: str, rng: Random) -> str:
    said = reply.split()
    return " ".join(said[: rng.randint(1, max(1, len(said) - 1))])


def _begun_late(reply: str, rng: Random) -> str:
    said = reply.split()
    return " ".join(said[rng.randint(1, max(1, len(said) - 1)) :])


def _piece(reply: str, rng: Random) -> str:
    said = reply.split()
    start = rng.randrange(len(said))
    return " ".join(said[start : start + rng.randint(1, 4)])


def _garbled(reply: str, rng: Random) -> str:
    """Some words become words that nobody says: their letters in another order."""
    said = reply.split()
    for at, word in enumerate(said):
        if SLOT not in word and rng.random() < 0.4:
            said[at] = "".join(rng.sample(word, len(word)))
    return " ".join(said)


def _doubled(reply: str, rng: Random) -> str:
    return f"{reply} {reply}"


def _shouted(reply: str, rng: Random) -> str:
    return SLOT.join(part.upper() for part in reply.split(SLOT))


def _disguised(reply: str, rng: Random) -> str:
    swapped = (
        "".join(mark.translate(_GREEK) if rng.random() < 0.6 else mark for mark in part) for part in reply.split(SLOT)
    )
    return SLOT.join(swapped)


_SPOILING: tuple[Callable[[str, Random], str], ...] = (
    _shuffled, _shuffled, _reversed, _swapped, _thinned, _cut_off, _cut_off, _cut_off, _begun_late, _piece, _doubled,
    _shouted, _disguised, _garbled, _garbled,
)  # fmt: skip


def _casual(text: str, rng: Random) -> str:
    """As many people write: sometimes without capitals, sometimes without the last mark."""
    how = rng.random()
    if how < 0.35:
        text = text.lower()
    return text.rstrip(".!") if how < 0.5 else text


@cache
def _lists() -> dict[str, list[str]]:
    raw: dict[str, list[str]] = json.loads((files(__package__) / "negatives.json").read_text(encoding="utf-8"))
    return raw
