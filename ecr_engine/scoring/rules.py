"""The written-down rules of the judge `rubric`: a response in its context, without the reference.

Each dimension is a sum of points, at most 1, times the response's coherence (the share of its words that stand in
something like a sentence, `ecr_engine.emotion.sentences`). An empty response has 0 in all.

| dimension | points |
|---|---|
| empathy | 0.1 for an answer · emotional reaction 0.2 / 0.4 (weak / strong) · interpretation 0.15 / 0.3 · exploration 0.1 / 0.2 · −0.4 for a feeling that does not fit · at most 0.5 if it could be said to anyone, unless it answers thanks or sorrow |
| informativeness | 0.2 for a slot · 0.2 for each kind of fact (genre, people, story, time, quality), three at most · 0.2 if a slot and a fact stand in the same or in neighbouring sentences |
| recommendation | the seeker says goodbye or thanks: 1 without a slot and with a kind word, 0.7 without both, 0.5 with a slot · they have not said yet what they want: 1 with a question about taste, 0.5 with a slot, 0.3 else · they have: one to three slots 0.7, and 0.3 more if tied to a fact or to the seeker's words; more slots 0.4; only a question 0.4; nothing 0.1 |
| engagement | 0.35 for a question or an invitation · 0.3 for 6 to 45 words, 0.15 for 3 to 5 or 46 to 70 · 0.15 for speaking to the seeker ("you") · 0.2 for not repeating an earlier turn |

The mechanisms of empathy are those of `ecr_engine.emotion.mechanisms`. `overall` is the mean of the four.
"""  # noqa: E501 - a table row can't be broken

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ecr_engine.data.schema import SLOT, Role, Sample
from ecr_engine.emotion.grounding import content, copied_share
from ecr_engine.emotion.mechanisms import Mechanisms, mechanisms_of
from ecr_engine.emotion.phrases import PhraseTable
from ecr_engine.emotion.recogniser import emotions_of
from ecr_engine.emotion.sentences import Sentence, coherence, sentences

GENERIC_CAP = 0.5
"""Most empathy of what could be said to anyone."""

MANY_SLOTS = 3
"""More slots than this are a list, not a recommendation."""

REPEATED = 0.5
"""A response with this share of words from earlier turns repeats."""

INVITATION = "invitations"

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+ [A-Z][a-z]+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b|\b\d0'?s\b")
_ADDRESS = frozenset({"you", "your", "youre", "youll", "youd", "youve"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of one dimension.

    Attributes:
        score: in [0, 1].
        reason: which rules gave it.
    """

    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """A response with all that the rules look at.

    Attributes:
        text: the response.
        parts: its sentences.
        turns: the sentences of each turn before it, oldest first.
        emotions: what the seeker shows.
        wanted: content words of all that the seeker said, slots included.
        found: the response's empathy mechanisms.
        facts: for each sentence, the kinds of fact in it.
        sense: its coherence.
    """

    text: str
    parts: tuple[Sentence, ...]
    turns: tuple[tuple[Sentence, ...], ...]
    emotions: tuple[str, ...]
    wanted: frozenset[str]
    found: Mechanisms
    facts: tuple[frozenset[str], ...]
    sense: float

    @property
    def slots(self) -> int:
        """Number of slots."""
        return self.text.count(SLOT)

    @property
    def asks(self) -> bool:
        """Whether it asks something."""
        return self.found.exploration > 0 or any(part.question for part in self.parts)


@cache
def _facts() -> PhraseTable[str]:
    text = resources.files("ecr_engine.scoring").joinpath("facts.json").read_text(encoding="utf-8")
    return PhraseTable((phrase, kind) for kind, phrases in json.loads(text).items() for phrase in phrases)


def case_of(sample: Sample) -> Case:
    """Prepares a sample for the rules."""
    parts = sentences(sample.response)
    context = sample.example.context
    turns = tuple(sentences(turn.slots) for turn in context)
    theirs = [cut for turn, cut in zip(context, turns, strict=True) if turn.role is Role.SEEKER]
    earlier = [part for cut in theirs[:-1] for part in cut]
    emotions = emotions_of(sample.example)
    names = frozenset(match.group().split()[0].lower() for match in _NAME.finditer(sample.response))
    return Case(
        text=sample.response,
        parts=parts,
        turns=turns,
        emotions=emotions,
        wanted=content(word for cut in theirs for part in cut for word in part.words),
        found=mechanisms_of(parts, theirs[-1] if theirs else [], emotions, earlier),
        facts=tuple(_kinds(part, names) for part in parts),
        sense=coherence(parts),
    )


def _kinds(part: Sentence, names: frozenset[str]) -> frozenset[str]:
    """The kinds of fact in a sentence, `INVITATION` among them; `names` are first names in the response."""
    kinds = {hit.value for hit in _facts().find(part.words)}
    if not names.isdisjoint(part.words):
        kinds.add("people")
    if any(_YEAR.fullmatch(word) for word in part.words):
        kinds.add("time")
    return frozenset(kinds)


def empathy(case: Case) -> Verdict:
    """Points for the mechanisms of empathy."""
    found = case.found
    points = 0.1 + 0.2 * found.reaction + 0.15 * found.interpretation + 0.1 * found.exploration
    generic = not found.grounded and not {"grateful", "negative"} & set(case.emotions)
    if generic:
        points = min(points, GENERIC_CAP)
    if found.mismatch:
        points = max(0.0, points - 0.4)
    reason = "; ".join(found.reasons) or "no mechanism of empathy"
    return _verdict(points, case, f"{reason}; could be said to anyone" if generic else reason)


def informativeness(case: Case) -> Verdict:
    """Points for movies and facts, and for facts that stand beside their movie."""
    kinds = sorted(frozenset().union(*case.facts) - {INVITATION})
    points = (0.2 if case.slots else 0.0) + 0.2 * min(3, len(kinds))
    reasons = ([f"slots: {case.slots}"] if case.slots else []) + [f"facts: {', '.join(kinds)}"] * bool(kinds)
    if _explained(case):
        points += 0.2
        reasons.append("says why")
    return _verdict(points, case, "; ".join(reasons) or "no movie and no fact")


def recommendation(case: Case) -> Verdict:
    """Points for naming movies where they are wanted."""
    if "grateful" in case.emotions and "curious" not in case.emotions:
        if case.slots:
            return _verdict(0.5, case, "a movie where the seeker takes leave")
        kind = case.found.reaction > 0
        return _verdict(1.0 if kind else 0.7, case, "no movie wanted" + ("; a kind word" if kind else ""))
    if not case.wanted:
        return _opening(case)
    if not case.slots:
        return _verdict(0.4 if case.asks else 0.1, case, "only a question" if case.asks else "no movie")
    if case.slots > MANY_SLOTS:
        return _verdict(0.4, case, f"slots: {case.slots}, a list")
    shared = content(word for part in case.parts for word in part.words) & case.wanted - {SLOT}
    tied = bool(shared) or _explained(case)
    why = f"; takes up {', '.join(sorted(shared)[:3])}" if shared else "; says why" if tied else "; no reason given"
    return _verdict(1.0 if tied else 0.7, case, f"slots: {case.slots}{why}")


def engagement(case: Case) -> Verdict:
    """Points for keeping the dialogue going."""
    length = sum(len(part.words) for part in case.parts)
    invites = any(INVITATION in kinds for kinds in case.facts)
    addressed = any(not _ADDRESS.isdisjoint(part.words) for part in case.parts)
    repeated = copied_share(case.parts, case.turns) >= REPEATED
    points = (
        (0.35 if case.asks or invites else 0.0)
        + (0.3 if 6 <= length <= 45 else 0.15 if 3 <= length <= 70 else 0.0)
        + (0.15 if addressed else 0.0)
        + (0.0 if repeated else 0.2)
    )
    reasons = [
        "asks" if case.asks else "invites" if invites else "neither asks nor invites",
        f"{length} words",
        "speaks to the seeker" if addressed else "does not speak to the seeker",
    ]
    return _verdict(points, case, "; ".join(reasons + ["repeats an earlier turn"] * repeated))


def _opening(case: Case) -> Verdict:
    if case.found.exploration:
        return _verdict(1.0, case, "asks about taste first")
    if case.slots:
        return _verdict(0.5, case, "a movie before any taste is known")
    return _verdict(0.3, case, "neither asks nor names a movie")


def _explained(case: Case) -> bool:
    """Whether a slot and a fact stand in the same sentence or in neighbouring ones."""
    slots = [index for index, part in enumerate(case.parts) if SLOT in part.words]
    facts = [index for index, kinds in enumerate(case.facts) if kinds - {INVITATION}]
    return any(abs(slot - fact) <= 1 for slot in slots for fact in facts)


def _verdict(points: float, case: Case, reason: str) -> Verdict:
    if case.sense < 1.0:
        reason = f"{reason}; coherence {case.sense:.2f}"
    return Verdict(min(1.0, points) * case.sense, reason)
