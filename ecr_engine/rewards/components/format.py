"""`format`: a penalty for what no finished chat turn has in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources

FAULTS: tuple[tuple[str, float, re.Pattern[str]], ...] = (
    ("template leftover", 0.5, re.compile(r"\[/?INST\]|<</?SYS>>|</?s>|<\|\w+\|>|<(?:unk|pad)>", re.IGNORECASE)),
    ("raw movie id", 0.5, re.compile(r"@\d+")),
    (
        "speaks as the other side",
        0.5,
        re.compile(r"(?:^|[\n.!?>])\s*(?:seeker|user|human|recommender|assistant|system)\s*:", re.IGNORECASE),
    ),
    ("control character", 0.5, re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\ufffd]")),
    ("glued slots", 0.25, re.compile(rf"{SLOT}(?:\s*{SLOT})+|\w{SLOT}|{SLOT}\w")),
    ("character noise", 0.25, re.compile(r"(\w)\1{4,}|([^\w\s.])\2{4,}|\.{6,}|(?:[^\w\s<>'\"][ \t]*){7,}")),
    ("word noise", 0.25, re.compile(r"\b(\w+)(?:\W+\1\b){3,}", re.IGNORECASE)),
    # No small letter outside of slots, and four words of capitals.
    ("shouting", 0.25, re.compile(rf"\A(?=(?:{SLOT}|[^a-z])*\Z)(?:[^A-Z]*+[A-Z][A-Z'’]*+){{4}}")),
)
"""Fault, what it costs, and how it is recognised; each costs once, however often it occurs."""

UNFINISHED = 0.5
"""What a response costs that was cut off at the length limit."""


class Format:
    """Penalty for template leftovers, noise, cut-off and empty responses."""

    name = "format"
    low = -1.0
    high = 0.0
    explanation = "penalty for empty or cut-off responses, template leftovers, talk for the other side and noise"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Minus the sum of the faults' costs, at least -1; an empty response is -1."""
        return [0.0 - min(1.0, sum(cost for _, cost in faults(sample))) for sample in batch]

    def explain(self, sample: Sample) -> str:
        """The faults and what each costs."""
        return ", ".join(f"{name} {cost:g}" for name, cost in faults(sample)) or "no fault"


def faults(sample: Sample) -> list[tuple[str, float]]:
    """The faults of a response, each with its cost."""
    if not sample.response.strip():
        return [("empty", 1.0)]
    found = [(name, cost) for name, cost, pattern in FAULTS if pattern.search(sample.response)]
    return found if sample.finished else [*found, ("unfinished", UNFINISHED)]


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return Format()
