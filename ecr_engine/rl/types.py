"""What travels through an update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from ecr_engine.data.schema import Example
from ecr_engine.models.response import TokenBatch


@dataclass(frozen=True, slots=True)
class Prompts:
    """The training contexts.

    Attributes:
        examples: what rewards look at.
        ids: prompt ids of each example.
        resp_max_length: response tokens at most.
    """

    examples: Sequence[Example]
    ids: Sequence[list[int]]
    resp_max_length: int


@dataclass(frozen=True, slots=True)
class Episode:
    """One response that the policy drew, and what was measured of it before any update.

    Attributes:
        index: place in the global batch of rollouts.
        example: index of the example among the training examples.
        prompt: ids [P].
        response: ids [T], the stop token last if finished.
        finished: whether it stopped by itself within the limit.
        text: the response decoded.
        log_probs: [T] under the policy that drew it.
        reference_log_probs: [T] under the reference policy.
        entropy: [T] of the policy's distribution at each token, in nats.
        values: [T] that the value function gave.
        reward: the composite reward.
        score: the reward less the penalty for a missing stop token: what sits on the last token.
        components: score of each reward component; None where it does not apply.
    """

    index: int
    example: int
    prompt: list[int]
    response: list[int]
    finished: bool
    text: str
    log_probs: Tensor
    reference_log_probs: Tensor
    entropy: Tensor
    values: Tensor
    reward: float
    score: float
    components: dict[str, float | None]


class Rollout(NamedTuple):
    """A batch of episodes as tensors, ready for the update; B episodes, T response tokens at most.

    Attributes:
        tokens: prompts and responses.
        contexts: ids [B, L] of the contexts as the critic reads them.
        contexts_mask: [B, L].
        log_probs: [B, T] of the policy that drew the responses.
        values: [B, T] before the update.
        advantages: [B, T], whitened if so set; 0 where masked.
        returns: [B, T] targets of the value function; 0 where masked.
    """

    tokens: TokenBatch
    contexts: Tensor
    contexts_mask: Tensor
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor


class UpdateStats(NamedTuple):
    """Means of one PPO update, over all optimizer steps and valid tokens.

    Attributes:
        policy_loss: the clipped surrogate.
        value_loss: the clipped squared error, halved; 0 without a value function.
        approx_kl: k3 between the policy before and during the update.
        clip_fraction: share of tokens whose ratio was clipped.
        ratio: mean probability ratio.
        first_ratio: the same in the first minibatch of the first epoch, where it has to be 1.
        policy_grad_norm: norm of the policy's gradient before clipping, over the steps that were taken; 0 in critic
            warm-up, or if none was.
        value_grad_norm: the same of the value function's gradient; 0 without one.
        skipped: optimizer steps left out because a gradient was not finite.
        stopped_early: whether the KL bound ended the epochs.
    """

    policy_loss: float
    value_loss: float
    approx_kl: float
    clip_fraction: float
    ratio: float
    first_ratio: float
    policy_grad_norm: float
    value_grad_norm: float
    skipped: int
    stopped_early: bool
