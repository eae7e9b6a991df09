"""Which values of an evaluation the reward pays for, and which were held out from it.

A value is in the reward if a component of it measures the same (`measure.PAID_BY`), if it is a judge's score and that
judge is in the reward, asked or through its critic, or if an encoder gives it that scores in the reward too. All else
is held out: only that is evidence beside the objective.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ecr_engine.evaluation.values import MetricValue
from ecr_engine.rewards.sources import RewardSources

JUDGE_PREFIX = "judge/"
"""Keys of what a judge says start with this."""

ENCODED = ("similarity",)
"""Metrics, by the start of their keys, that a text encoder gives."""


def marked(
    metrics: Mapping[str, MetricValue], sources: RewardSources, *, judge: str = "", encoder: str = ""
) -> dict[str, MetricValue]:
    """The values, with those that the reward's judges and encoders give marked as in the reward; no mark is taken away.

    Args:
        metrics: the values by key.
        sources: what the reward draws on.
        judge: who gave the values `judge/…`; empty if there are none.
        encoder: who gave the values that an encoder gives; empty if there are none.
    """
    return {
        key: replace(value, in_reward=True) if pays_for(key, sources, judge=judge, encoder=encoder) else value
        for key, value in metrics.items()
    }


def pays_for(key: str, sources: RewardSources, *, judge: str = "", encoder: str = "") -> bool:
    """Whether a reward pays for a value through its judges or encoders.

    Args:
        key: the value's.
        sources: what the reward draws on.
        judge: who gave the values `judge/…`.
        encoder: who gave the values that an encoder gives.
    """
    if key.startswith(JUDGE_PREFIX):
        return bool(judge) and sources.has_judge(judge)
    return bool(encoder) and key.startswith(ENCODED) and sources.has_encoder(encoder)


def held_out(metrics: Mapping[str, MetricValue]) -> tuple[str, ...]:
    """Keys of the values that the reward does not pay for."""
    return tuple(key for key, value in metrics.items() if not value.in_reward)
