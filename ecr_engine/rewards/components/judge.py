"""`judge`: what the judge of the settings thinks of the response as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from ecr_engine.data.schema import Sample
from ecr_engine.errors import UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.cache import FILE, JudgementCache, content_key
from ecr_engine.scoring.judge import JUDGES, Judge, Judgement, find_judge

OVERALL = "overall"
"""The judge's own summary of its dimensions."""


class JudgeScore:
    """The judge's overall score as a share of its range; the mean of its dimensions where it gives no overall one.

    The same response to the same context is judged once in a training, and all of a batch that is new is judged
    together.

    Args:
        judge: who is asked.
        cache: file in which judgements outlive the process; None to keep them in memory only.
    """

    name = "judge"
    low = 0.0
    high = 1.0

    def __init__(self, judge: Judge, cache: Path | None = None) -> None:
        self._judge = judge
        self._cache = cache
        self._known: dict[bytes, float] = {}
        self.explanation = f"overall score of the judge '{judge.name}'"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The overall score of each response; None where the judge fails, which is asked again the next time."""
        keys = [content_key(self._judge, sample) for sample in batch]
        new = {key: sample for key, sample in zip(keys, batch, strict=True) if key not in self._known}
        failed = self._ask(new)
        return [self._known.get(key) for key in keys if key in self._known or key in failed]

    def _ask(self, new: Mapping[bytes, Sample]) -> set[bytes]:
        """Learns the scores of new responses, from the cache or the judge; returns those that the judge failed on."""
        failed = set()
        with nullcontext() if self._cache is None else JudgementCache(self._cache) as cache:
            kept = {} if cache is None else {key: cache.get(key, _id(sample)) for key, sample in new.items()}
            found = {key: judgement for key, judgement in kept.items() if judgement is not None}
            asked = [key for key in new if key not in found]
            said = list(zip(asked, self._judge.judge([new[key] for key in asked]), strict=False)) if asked else []
            if cache is not None:
                cache.put(said)
        for key, judgement in (*found.items(), *said):
            if judgement.failure is None:
                self._known[key] = self._overall(judgement)
            else:
                failed.add(key)
        return failed

    def _overall(self, judgement: Judgement) -> float:
        bounds = {each.name: (each.low, each.high) for each in self._judge.dimensions.dimensions}
        shares = {
            name: (score - bounds[name][0]) / (bounds[name][1] - bounds[name][0]) if name in bounds else score
            for name, score in judgement.scores.items()
        }
        return shares.get(OVERALL, sum(shares.values()) / len(shares))

    def explain(self, sample: Sample) -> str:
        """What the judge says of each dimension, or why it failed."""
        [judgement] = self._judge.judge([sample])
        if judgement.failure is not None:
            return judgement.failure
        scores = [(name, score) for name, score in judgement.scores.items() if name != OVERALL]
        return "; ".join(
            f"{name} {score:.2f}" + (f" ({judgement.reasons[name]})" if judgement.reasons.get(name) else "")
            for name, score in scores
        )


def _id(sample: Sample) -> str:
    return sample.example.example_id


def build(resources: Resources) -> RewardComponent:
    """The component with the judge of the settings.

    Raises:
        UsageError: no judge is named, there is none of this name, or it can't score the dimensions.
        UnavailableError: its model can't be had.
    """
    if not resources.judge:
        raise UsageError(
            "reward component 'judge' needs a judge",
            at="judge.name",
            fix="--set judge.name=rubric, or --set rewards.judge=0",
        )
    judge = find_judge(resources.judge, resources.judging, device=resources.device)
    # Rules are faster than a look into a file.
    kept = resources.fitted is not None and resources.judge not in JUDGES.names()
    return JudgeScore(judge, resources.fitted / FILE if kept and resources.fitted is not None else None)
