"""Which of the nine emotions a text shows, by a lexicon: needs no model and no download.

A phrase of the lexicon counts with its weight, times the modifiers right before it ("really"), and times 1.1 in a
sentence that ends in "!". In the scope of a negation liking, joy and agreement turn into `negative` at 0.8, and other
emotions vanish. A question shows curiosity. Right after a request ("I'm looking for …") an emotion word says what is
wanted and not what is felt, so it counts half. The evidence of one emotion adds up like independent chances, each
phrase counted once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ecr_engine.data.schema import EMOTIONS, MOST_EMOTIONS, Example, Role
from ecr_engine.emotion.lexicon import Lexicon, Sense, emotion_lexicon
from ecr_engine.emotion.phrases import Hit, plain
from ecr_engine.emotion.sentences import Sentence, sentences

THRESHOLD = 0.35
"""An emotion below this score is not shown."""

QUESTION = 0.65
"""What a question mark, or a question's first words, say of curiosity."""

_REACH = 4
_REQUEST = 6
_FLIPPED = 0.8
_TURNS_NEGATIVE = frozenset({"like", "happy", "agreement"})
_WANTED = frozenset({"like", "happy", "negative", "surprise"})
_OPENERS = frozenset({"what", "which", "who", "whose", "when", "where", "why", "how"})
_INVERTED = frozenset(
    {"do", "does", "did", "is", "are", "was", "were", "can", "could", "would", "will", "should", "have", "has"}
)
_PERSONS = frozenset({"you", "it", "that", "there", "they", "i", "we", "anyone"})


@dataclass(frozen=True, slots=True)
class _Stream:
    """A sentence without its modifiers: word, what the modifiers multiply it by, whether a negation covers it."""

    tokens: list[str]
    boosts: list[float]
    negated: list[bool]


def recognise(text: str) -> tuple[tuple[str, float], ...]:
    """The emotions that `text` shows.

    Args:
        text: one utterance; movies stand as slots, so that their titles show no emotion.

    Returns:
        One or two pairs of emotion and score in [`THRESHOLD`, 1], the stronger first; equal scores keep the order of
        `EMOTIONS`. If nothing is found it is `neutral` alone, with 1 minus the best score among the others.
    """
    doubt = dict.fromkeys(EMOTIONS, 1.0)
    for emotion, weight in _evidence(sentences(text)).values():
        doubt[emotion] *= 1.0 - min(weight, 1.0)
    scores = {emotion: 1.0 - doubt[emotion] for emotion in EMOTIONS if emotion != "neutral"}
    shown = sorted(((e, s) for e, s in scores.items() if s >= THRESHOLD), key=lambda pair: -pair[1])
    return tuple(shown[:MOST_EMOTIONS]) or (("neutral", 1.0 - max(scores.values())),)


def emotions_of(example: Example) -> tuple[str, ...]:
    """The emotions of the seeker's last turn: the annotated ones, or else recognised now.

    A context that does not end with the seeker is `neutral`.
    """
    if example.emotions:
        return example.emotions
    if not example.context or example.context[-1].role is not Role.SEEKER:
        return ("neutral",)
    return tuple(emotion for emotion, _ in recognise(example.context[-1].slots))


def annotate(examples: Iterable[Example]) -> list[Example]:
    """The examples with the emotions of the seeker's last turn filled in; those already annotated stay as they are."""
    return [replace(example, emotions=emotions_of(example)) for example in examples]


def _evidence(parts: Sequence[Sentence]) -> dict[str, tuple[str, float]]:
    """The strongest evidence behind each phrase: phrase to emotion and weight. A phrase said twice is said once."""
    lexicon = emotion_lexicon()
    best: dict[str, tuple[str, float]] = {}
    for part in parts:
        for phrase, emotion, weight in _in_sentence(part, lexicon):
            if phrase not in best or best[phrase][1] < weight:
                best[phrase] = (emotion, weight)
    return best


def _in_sentence(part: Sentence, lexicon: Lexicon) -> Iterator[tuple[str, str, float]]:
    stream = _stream(part.tokens, lexicon)
    asked = -1
    for hit in lexicon.phrases.find(stream.tokens):
        felt = _felt(hit, stream)
        if felt is None:
            continue
        emotion, weight = felt
        weight *= 1.1 if part.exclaimed else 1.0
        wanted = asked >= 0 and emotion in _WANTED and _still_asking(stream.tokens[asked : hit.start + 1], lexicon)
        asked = hit.end if emotion == "curious" else asked
        yield hit.value.phrase, emotion, weight * (0.5 if wanted else 1.0)
    if part.question or _opens_question(stream.tokens):
        yield "?", "curious", QUESTION


def _still_asking(since: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether the words since a request, the next cue's first one included, still say what is wanted."""
    return len(since) <= _REQUEST and lexicon.breaks.isdisjoint(since) and lexicon.subjects.isdisjoint(since)


def _felt(hit: Hit[Sense], stream: _Stream) -> tuple[str, float] | None:
    emotion, weight = hit.value.emotion, hit.value.weight * stream.boosts[hit.start]
    if not stream.negated[hit.start]:
        return emotion, weight
    return ("negative", weight * _FLIPPED) if emotion in _TURNS_NEGATIVE else None


def _opens_question(tokens: Sequence[str]) -> bool:
    if len(tokens) < 3:
        return False
    return (tokens[0] in _OPENERS and tokens[1] != "a") or (tokens[0] in _INVERTED and tokens[1] in _PERSONS)


def _stream(tokens: Sequence[str], lexicon: Lexicon) -> _Stream:
    stream = _Stream([], [], [])
    boost, left, before = 1.0, 0, ""
    for index, token in enumerate(tokens):
        word = plain(token)
        if word in lexicon.modifiers:
            boost *= lexicon.modifiers[word]
            continue
        if (
            word in lexicon.breaks
            or not word[0].isalnum()
            or (word in lexicon.subjects and before not in lexicon.opinions)
        ):
            left = 0
        stream.tokens.append(word)
        stream.boosts.append(boost)
        stream.negated.append(left > 0)
        left = max(left - 1, 0)
        boost, before = 1.0, word
        if word in lexicon.negators and not (word == "no" and _answers(tokens[index + 1 :], lexicon)):
            left = _REACH
    return stream


def _answers(after: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether a "no" before these words is an answer ("no i love it") rather than a negation."""
    return not after or plain(after[0]) in lexicon.subjects
