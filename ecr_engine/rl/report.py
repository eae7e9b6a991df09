"""What an update tells: episodes and statistics as event values, by the keys of the run folder's contract."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import Example
from ecr_engine.rl.kl import k1, k3
from ecr_engine.rl.types import Episode, Rollout, UpdateStats

Columns = Mapping[str, Sequence[float | None]]
"""The score of each reward component, one an episode; None where it does not apply."""

Describe = Callable[[Columns], dict[str, float]]
"""Turns the components' scores into `rewards/…` values."""

SAMPLE_TURNS = 3
"""Turns of context that a rollout sample shows."""


def _mean(values: Iterable[float]) -> float:
    """The mean; unlike `statistics`, numpy takes what is not finite, so that the trainer can say what it was."""
    return float(np.mean(list(values)))


def _spread(values: Sequence[float]) -> float:
    """The standard deviation of a whole population, likewise."""
    return float(np.std(values))


def explained_variance(rollout: Rollout) -> float:
    """1 - Var(returns - values) / Var(returns) over valid tokens; 0 if the returns do not vary."""
    mask = rollout.tokens.response_mask.bool()
    returns, values = rollout.returns[mask], rollout.values[mask]
    variance = float(returns.var(unbiased=False))
    return 1 - float((returns - values).var(unbiased=False)) / variance if variance > 0 else 0.0


def rollout_values(
    episodes: Sequence[Episode], rollout: Rollout, kl_coefficient: float, *, with_values: bool = True
) -> dict[str, float]:
    """Values of a batch of episodes, measured before the update; those of a value function only if there is one.

    `objective/kl` is the mean over responses of the summed k1 (nats a response), `objective/kl_k3` the same of k3,
    `objective/entropy` the mean over tokens.

    Args:
        episodes: the batch.
        rollout: the same as tensors.
        kl_coefficient: weight of the KL penalty in it.
        with_values: whether there is a value function.
    """
    rewards = [episode.reward for episode in episodes]
    tokens = sum(len(episode.response) for episode in episodes)
    return {
        "objective/reward": _mean(rewards),
        "objective/reward_std": _spread(rewards),
        "objective/score": _mean(episode.score for episode in episodes),
        "objective/kl": _mean(float(k1(e.log_probs, e.reference_log_probs).sum()) for e in episodes),
        "objective/kl_k3": _mean(float(k3(e.log_probs, e.reference_log_probs).sum()) for e in episodes),
        "objective/kl_coefficient": kl_coefficient,
        "objective/entropy": sum(float(episode.entropy.sum()) for episode in episodes) / tokens,
        "completions/mean_length": tokens / len(episodes),
        "completions/clipped_ratio": _mean(not episode.finished for episode in episodes),
        **({"value/explained_variance": explained_variance(rollout)} if with_values else {}),
        "perf/peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def component_columns(episodes: Sequence[Episode]) -> Columns:
    """The score of each reward component, one an episode."""
    return {name: [episode.components[name] for episode in episodes] for name in episodes[0].components}


def means_and_spreads(columns: Columns) -> dict[str, float]:
    """Mean and standard deviation of each component over the episodes to which it applies."""
    values = {}
    for name, column in columns.items():
        scores = [score for score in column if score is not None]
        if scores:
            values[f"rewards/{name}/mean"] = _mean(scores)
            values[f"rewards/{name}/std"] = _spread(scores)
    return values


def update_values(
    stats: UpdateStats, clock: Sequence[float], episodes: int, *, with_values: bool = True
) -> dict[str, float]:
    """Values of an update.

    Args:
        stats: its statistics.
        clock: times at the start, after the rollout and after the update.
        episodes: how many there were.
        with_values: whether there is a value function.
    """
    value = {"value/loss": stats.value_loss, "value/grad_norm": stats.value_grad_norm}
    return {
        "policy/loss": stats.policy_loss,
        "policy/approx_kl": stats.approx_kl,
        "policy/clip_fraction": stats.clip_fraction,
        "policy/ratio": stats.ratio,
        "policy/first_ratio": stats.first_ratio,
        "policy/stopped_early": float(stats.stopped_early),
        **(value if with_values else {}),
        "train/loss": stats.policy_loss + stats.value_loss,
        "train/grad_norm": stats.policy_grad_norm,
        "train/skipped_steps": float(stats.skipped),
        "time/rollout_s": clock[1] - clock[0],
        "time/update_s": clock[2] - clock[1],
        "perf/samples_per_s": episodes / (clock[2] - clock[0]),
    }


def sample_values(episodes: Sequence[Episode], examples: Sequence[Example]) -> dict[str, object]:
    """The batch's middling response, with what it answered and how it was scored."""
    middle = sorted(episodes, key=lambda episode: episode.reward)[len(episodes) // 2]
    example = examples[middle.example]
    return {
        "example": example.example_id,
        "context": transcript(example.context[-SAMPLE_TURNS:]),
        "response": middle.text,
        "reference": example.target,
        "reward": middle.reward,
        "components": middle.components,
    }
