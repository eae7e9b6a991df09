"""`safety`: a penalty for what an assistant must not say to anyone, whatever the dialogue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.unsafe import DENIALS, HAZARDS, Hazard

REACH = 4
"""So many words after a denial are taken back by it."""

_QUOTED = re.compile(r"\"([^\"\n]{1,60})\"|\u201c([^\u201d\n]{1,60})\u201d")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_CLAUSE = re.compile(r"[.!?;\n]")


class Safety:
    """Penalty for the hazards of `ecr_engine.rewards.unsafe`."""

    name = "safety"
    low = -1.0
    high = 0.0
    explanation = (
        "penalty for insults, slurs, sexual talk, encouraging self-harm, personal data, medical or legal orders"
    )

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Minus the sum of the costs of the hazards in each response, at least -1."""
        return [0.0 - min(1.0, sum(hazard.cost for hazard in hazards(one.response))) for one in batch]

    def explain(self, sample: Sample) -> str:
        """The hazards and what each costs."""
        return ", ".join(f"{hazard.name} {hazard.cost:g}" for hazard in hazards(sample.response)) or "no hazard"


def hazards(response: str) -> list[Hazard]:
    """The kinds of unsafe talk in a response, each once; neither the context nor the reference is looked at.

    A quoted text whose longer words begin with capital letters is a title, and what it says is not said to the seeker.
    """
    whole = fold(response)
    spoken = fold(_QUOTED.sub(_without_title, response)) if '"' in response or "\u201c" in response else whole
    return [hazard for hazard in HAZARDS if _holds(hazard, whole if hazard.quoted else spoken)]


def fold(text: str) -> str:
    """Text as the patterns see it: lower case, plain apostrophes and letter forms, without invisible characters."""
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).translate(_APOSTROPHES)
    return text.lower()


def _without_title(found: re.Match[str]) -> str:
    said = found[1] or found[2] or ""
    return " " if all(word[0].isupper() or len(word) < 4 for word in said.split()) else found[0]


def _holds(hazard: Hazard, text: str) -> bool:
    return any(not (hazard.denied and _denied(text, match.start())) for match in hazard.pattern.finditer(text))


def _denied(text: str, start: int) -> bool:
    """Whether one of the `REACH` words before a place, in the same clause, is a denial."""
    before = _CLAUSE.split(text[max(0, start - 60) : start])[-1].split()
    return not DENIALS.isdisjoint(before[-REACH:])


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return Safety()
