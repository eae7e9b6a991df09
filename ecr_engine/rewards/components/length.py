"""`length`: whether the response is as long as a chat turn should be."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.config.sections.rl import RewardOptionSettings
from ecr_engine.data.schema import Sample
from ecr_engine.data.words import is_word
from ecr_engine.errors import UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources


class Length:
    """1 inside a band of words, falling in straight lines outside.

    Three quarters of the human replies in ReDial have at least 4 words, and 99 % at most 30: hence the default band.

    Args:
        options: the settings of the band.

    Raises:
        UsageError: the band is empty.
    """

    name = "length"
    low = 0.0
    high = 1.0

    def __init__(self, options: RewardOptionSettings) -> None:
        self._shortest, self._longest = options.length_shortest, options.length_longest
        if self._shortest > self._longest:
            raise UsageError(
                f"the shortest good response has {self._shortest} words, the longest {self._longest}",
                at="reward_options.length_shortest",
                fix=f"--set reward_options.length_shortest={self._longest}",
            )
        self.explanation = (
            f"1 for {self._shortest} to {self._longest} words, less in proportion for fewer, "
            f"and down to 0 at {2 * self._longest}"
        )

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The score of each response's number of words, slots included; punctuation does not count."""
        return [in_band(sum(map(is_word, cut(one.response))), self._shortest, self._longest) for one in batch]

    def explain(self, sample: Sample) -> str:
        """The number of words, and the band."""
        return f"{sum(map(is_word, cut(sample.response)))} words, {self._shortest} to {self._longest} are good"


def in_band(count: int, shortest: int, longest: int) -> float:
    """`count / shortest` below the band, 1 in it, `2 - count / longest` above it, and never below 0.

    Args:
        count: words of a response.
        shortest: the fewest good words, at least 1.
        longest: the most good words, no less than `shortest`.
    """
    return max(0.0, min(1.0, count / shortest, 2.0 - count / longest))


def build(resources: Resources) -> RewardComponent:
    """The component with the band of the settings."""
    return Length(resources.options)
