"""`repetition`: a penalty for saying the same again, within the response or from turn to turn."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Example, Role, Sample
from ecr_engine.data.words import is_word
from ecr_engine.emotion.sentences import sentences
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.components.distinct import with_numbered_slots
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources

RUN = 3
"""Words in a row that make a repetition when they come twice."""

SENTENCE = 5
"""Words that a sentence has at least to count as said before: everybody says "Have you seen <movie>?" again."""


class Repetition:
    """Minus the share of the response that is repeated."""

    name = "repetition"
    low = -1.0
    high = 0.0
    explanation = "penalty for words in a row that come again, and for sentences of the recommender's earlier turns"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Minus the sum of `repeated_share` and `said_before_share`, at least -1."""
        return [
            0.0 - min(1.0, repeated_share(cut(one.response)) + said_before_share(one.response, one.example))
            for one in batch
        ]

    def explain(self, sample: Sample) -> str:
        """The two shares."""
        again = repeated_share(cut(sample.response))
        before = said_before_share(sample.response, sample.example)
        return f"{again:.0%} of its runs of {RUN} words come again, {before:.0%} of its words were said before"


def repeated_share(tokens: Sequence[str]) -> float:
    """Share of the runs of `RUN` words that came before in the same text, in [0, 1]; 0 for fewer words.

    Punctuation does not count, and the first slots are different words: a list of movies repeats nothing.

    Args:
        tokens: as `ecr_engine.data.words.words` gives them.
    """
    said = list(with_numbered_slots(token for token in tokens if is_word(token)))
    runs = list(zip(*(said[offset:] for offset in range(RUN)), strict=False))
    return 1.0 - len(set(runs)) / len(runs) if runs else 0.0


def said_before_share(response: str, example: Example) -> float:
    """Share of the words that stand in sentences which the recommender has said before in the dialogue, in [0, 1].

    Args:
        response: the response.
        example: what it answers; only sentences of `SENTENCE` words or more are compared.
    """
    parts = [part.words for part in sentences(response) if part.words]
    earlier = {
        part.words for turn in example.context if turn.role is Role.RECOMMENDER for part in sentences(turn.slots)
    }
    copied = sum(len(part) for part in parts if len(part) >= SENTENCE and part in earlier)
    return copied / sum(map(len, parts)) if copied else 0.0


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return Repetition()
