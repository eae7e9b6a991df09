"""How a recommender's response shows empathy: the three mechanisms of EPITOME, by lexical rules.

Source of the mechanisms and their levels (0 none, 1 weak, 2 strong): Sharma et al., "A Computational Approach to
Understanding Empathy Expressed in Text-Based Mental Health Support", EMNLP 2020. The rules are this project's own, for
talk about movies:

- *Emotional reaction*: a warm feeling that fits. Sympathy answers `negative`; gladness answers `like`, `happy`,
  `nostalgia`, `surprise`, `agreement` and `grateful`; politeness fits everything, and is strong only to thanks. Level 2
  speaks the feeling out ("I'm glad you …"), level 1 hints at it ("great choice"). A feeling of the wrong kind is no
  reaction but a mismatch.
- *Interpretation*: says back what the seeker means. Level 2 is a frame ("sounds like you …", "if you liked …") followed
  by a content word of the seeker's, or by a word of sorrow when they are sad; level 1 is a bare frame, agreement, or a
  content word of theirs in a statement.
- *Exploration*: asks about taste, feeling or experience. Level 2 is a question that fits this seeker: it takes up a
  word of theirs, asks how they found the movie that they have just named, or comes when they have not yet said what
  they want; level 1 is any other question to them.

What takes up nothing that this seeker said is not *grounded*: it could be said to anyone.
A cue counts once, only inside something like a sentence, and not in words copied from the seeker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ecr_engine.data.schema import SLOT
from ecr_engine.emotion.grounding import content, copied_share
from ecr_engine.emotion.lexicon import emotion_lexicon, read_list
from ecr_engine.emotion.phrases import PhraseTable, plain_words
from ecr_engine.emotion.sentences import Sentence, looks_like_sentence, sentences

POSITIVE = frozenset({"like", "happy", "nostalgia", "surprise", "agreement", "grateful"})
"""Emotions that gladness answers."""

COPIED = 0.6
"""A sentence with this share of copied words says nothing of its own."""

CLAUSE = 5
"""What a frame says back stands among so many words after it."""

LEAD_IN = frozenset(
    {"hi", "hello", "hey", "there", "ok", "okay", "oh", "yes", "yeah", "no", "well", "and", "great", "nice", "cool"}
)
"""Words that may stand before a question without a question mark ("hello there what genres …")."""

_RATED = frozenset({"like", "happy", "negative"})
_ADDRESS = frozenset({"you", "your", "youre", "youve"})
_IN_QUESTIONS = frozenset({"if", "since", "because", "sounds", "seems", "in"})


@dataclass(frozen=True, slots=True)
class Mechanisms:
    """The empathy of one response.

    Attributes:
        reaction: level of emotional reaction: 0, 1 or 2.
        interpretation: level of interpretation.
        exploration: level of exploration.
        mismatch: whether it shows a feeling of the wrong kind.
        grounded: whether it takes up something of this seeker's, or they have said nothing to take up.
        feelings: number of different cues of feeling, fitting or not; many of them are too much.
        reasons: what led to each level, such as "reaction 2: 'sorry to hear'".
    """

    reaction: int
    interpretation: int
    exploration: int
    mismatch: bool
    grounded: bool
    feelings: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cues:
    """The cue lists; tables of feeling give kind and level."""

    feelings: PhraseTable[tuple[str, int]]
    interjections: frozenset[tuple[str, ...]]
    frames: PhraseTable[None]
    agreement: PhraseTable[None]
    openers: PhraseTable[None]
    tastes: PhraseTable[None]
    experience: PhraseTable[None]
    sorrow: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Seeker:
    """The seeker: emotions, content words of all their turns, and whether they have just named a movie unrated."""

    emotions: frozenset[str]
    said: frozenset[str]
    unrated: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """One cue: its level and the words."""

    level: int
    words: str


def _table(phrases: Iterable[str]) -> PhraseTable[None]:
    return PhraseTable((phrase, None) for phrase in phrases)


@cache
def _cues() -> _Cues:
    raw = read_list("cues.json")
    kinds = ("sympathy", "gladness", "warmth")
    feelings = ((p, (kind, int(level))) for kind in kinds for level, found in raw[kind].items() for p in found)
    return _Cues(
        feelings=PhraseTable(feelings),
        interjections=frozenset(tuple(plain_words(phrase)) for phrase in raw["interjections"]),
        frames=_table(raw["frames"]),
        agreement=_table(raw["agreement"]),
        openers=_table(raw["openers"]),
        tastes=_table(raw["tastes"]),
        experience=_table(raw["experience"]),
        sorrow=frozenset(raw["sorrow"]),
    )


def mechanisms(response: str, seeker_text: str, emotions: Sequence[str], earlier: str = "") -> Mechanisms:
    """The mechanisms that `response` uses towards a seeker.

    Args:
        response: the recommender's words, with slots.
        seeker_text: the seeker's last turn, with slots; empty if they have not spoken.
        emotions: what the seeker shows in it (labels of `EMOTIONS`, at least one).
        earlier: what the seeker said in the turns before.
    """
    return mechanisms_of(sentences(response), sentences(seeker_text), emotions, sentences(earlier))


def mechanisms_of(
    parts: Sequence[Sentence], heard: Sequence[Sentence], emotions: Sequence[str], earlier: Sequence[Sentence] = ()
) -> Mechanisms:
    """`mechanisms` of texts that are already cut into sentences."""
    last = content(word for part in heard for word in part.words)
    seeker = _Seeker(
        emotions=frozenset(emotions),
        said=last | content(word for part in earlier for word in part.words),
        unrated=SLOT in last and _RATED.isdisjoint(emotions),
    )
    own = [part for part in dict.fromkeys(parts) if _speaks(part) and copied_share([part], [heard]) < COPIED]
    felt = list(dict.fromkeys(cue for part in own for cue in _feelings(part)))
    levels = {
        "reaction": _best([_Found(_fit(kind, level, seeker), cue) for cue, kind, level in felt]),
        "interpretation": _best([found for part in own for found in _interpretations(part, seeker)]),
        "exploration": _best([found for part in own for found in _explorations(part, seeker)]),
    }
    mismatch = any(_clash(kind, level, seeker) for _, kind, level in felt)
    reasons = [f"{name} {found.level}: '{found.words}'" for name, found in levels.items() if found.level]
    return Mechanisms(
        reaction=levels["reaction"].level,
        interpretation=levels["interpretation"].level,
        exploration=levels["exploration"].level,
        mismatch=mismatch,
        grounded=_grounded(own, seeker, levels["interpretation"].level, levels["exploration"].level),
        feelings=len(felt),
        reasons=(*reasons, "a feeling that does not fit the seeker's") if mismatch else tuple(reasons),
    )


def _grounded(own: Sequence[Sentence], seeker: _Seeker, interpretation: int, exploration: int) -> bool:
    shared = content(word for part in own for word in part.words) & seeker.said - {SLOT}
    return not seeker.said or bool(shared) or 2 in (interpretation, exploration)


def _best(found: Sequence[_Found]) -> _Found:
    return max(found, key=lambda one: one.level, default=_Found(0, ""))


def _content_tokens(part: Sentence) -> list[str]:
    """The words of a sentence without modifiers, as the cue lists have them."""
    modifiers = emotion_lexicon().modifiers
    return [word for word in part.words if word not in modifiers]


def _speaks(part: Sentence) -> bool:
    """Whether cues in this sentence count: it could be a sentence, or is one or two words long ("you too")."""
    return 1 <= len(part.words) <= 2 or looks_like_sentence(part.words)


def _feelings(part: Sentence) -> Iterator[tuple[str, str, int]]:
    """Cue, kind and level of the feelings in a sentence."""
    cues = _cues()
    said = _content_tokens(part)
    for hit in cues.feelings.find(said):
        kind, level = hit.value
        yield " ".join(said[hit.start : hit.end]), kind, level
    first = tuple(_opening(part))
    if first in cues.interjections:
        yield " ".join(first), "gladness", 1


def _opening(part: Sentence) -> list[str]:
    """The words before the first comma: where "Great, …" is a feeling and "great movie" is not."""
    cut = next((i for i, token in enumerate(part.tokens) if token in ",;:"), len(part.words))
    return list(part.words[:cut])


def _fit(kind: str, level: int, seeker: _Seeker) -> int:
    """The level of reaction that a feeling amounts to, given what the seeker shows."""
    if kind == "warmth":
        return level if "grateful" in seeker.emotions else 1
    if kind == "sympathy":
        return level if "negative" in seeker.emotions else 0
    if seeker.emotions & POSITIVE:
        return level
    return 0 if "negative" in seeker.emotions else 1


def _clash(kind: str, level: int, seeker: _Seeker) -> bool:
    """Whether a feeling spoken out is of the wrong kind; to a seeker with mixed feelings none is."""
    if level < 2:
        return False
    sad = "negative" in seeker.emotions
    return (kind == "sympathy" and not sad) or (kind == "gladness" and sad and not seeker.emotions & POSITIVE)


def _interpretations(part: Sentence, seeker: _Seeker) -> Iterator[_Found]:
    cues = _cues()
    said = _content_tokens(part)
    asks = part.question or _opens(said, cues)
    for hit in cues.frames.find(said):
        if asks and said[hit.start] not in _IN_QUESTIONS:
            continue
        meant = _said_back(said[hit.end : hit.end + CLAUSE], seeker)
        words = " ".join(said[hit.start : hit.end])
        yield _Found(2, f"{words} … {meant[0]}") if meant else _Found(1, words)
    if asks:
        return
    for hit in cues.agreement.find(said):
        if seeker.said:
            yield _Found(1, " ".join(said[hit.start : hit.end]))
    for word in sorted(content(said) & seeker.said - {SLOT}):
        yield _Found(1, word)


def _said_back(clause: Sequence[str], seeker: _Seeker) -> list[str]:
    """What a frame says back, in the words after it.

    A slot counts only right behind the frame: in "if you liked that, you will love <movie>" it is another movie.
    """
    taken_up = content(clause) & seeker.said
    if SLOT not in clause[:1]:
        taken_up -= {SLOT}
    sorrow = _cues().sorrow.intersection(clause) if "negative" in seeker.emotions else frozenset()
    return sorted(taken_up) or sorted(sorrow)


def _explorations(part: Sentence, seeker: _Seeker) -> Iterator[_Found]:
    cues = _cues()
    said = _content_tokens(part)
    if not part.question and not _opens(said, cues):
        return
    specific = bool(seeker.said & content(said))
    for table, open_ in ((cues.tastes, not seeker.said), (cues.experience, seeker.unrated)):
        for hit in table.find(said):
            yield _Found(2 if specific or open_ else 1, " ".join(said[hit.start : hit.end]))
    if not _ADDRESS.isdisjoint(said):
        yield _Found(1, " ".join(said[:4]))


def _opens(said: Sequence[str], cues: _Cues) -> bool:
    """Whether a sentence without a question mark begins like a question, perhaps after a greeting."""
    first = next(iter(cues.openers.find(said)), None)
    return len(said) >= 3 and first is not None and LEAD_IN.issuperset(said[: first.start])
