"""One PPO update, step by step (Schulman et al., arXiv 1707.06347; for language models Ziegler et al., 1909.08593).

1. shape the rewards: the score on the last token, minus beta * k1 on every token
2. advantages and returns by the estimator; whiten the advantages over valid tokens
3. for each epoch, in a new order: for each minibatch, for each micro-batch:
   log-probs and values now, clipped surrogate, clipped value loss, entropy bonus, backward
4. clip the gradients, step both optimizers; skip a step whose gradient is not finite
5. stop the epochs if the KL to the policy that drew the responses passes its bound
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.models.placement import global_sum, own_share
from ecr_engine.models.response import TokenBatch, collate
from ecr_engine.rl.estimator import Estimator
from ecr_engine.rl.kl import k1, k3, shaped_rewards
from ecr_engine.rl.losses import policy_loss, value_loss
from ecr_engine.rl.masked import whiten
from ecr_engine.rl.types import Episode, Rollout, UpdateStats

if TYPE_CHECKING:
    from accelerate import Accelerator


def build_rollout(
    episodes: Sequence[Episode],
    contexts: tuple[Tensor, Tensor],
    settings: PPOSettings,
    estimator: Estimator,
    *,
    kl_coefficient: float,
    pad: int,
) -> Rollout:
    """Steps 1 and 2: episodes as tensors, with advantages and returns."""
    tokens = collate([e.prompt for e in episodes], [e.response for e in episodes], pad)
    mask = tokens.response_mask
    log_probs = pad_sequence([e.log_probs for e in episodes], batch_first=True)
    reference = pad_sequence([e.reference_log_probs for e in episodes], batch_first=True)
    values = pad_sequence([e.values for e in episodes], batch_first=True)
    scores = torch.tensor([e.score for e in episodes], dtype=torch.float32)
    rewards = shaped_rewards(scores, k1(log_probs, reference), mask, kl_coefficient)
    advantages, returns = estimator.advantages(rewards, values, mask, gamma=settings.gamma, lam=settings.gae_lambda)
    if settings.whiten_advantages:
        advantages = whiten(advantages, mask, keep_mean=False)
    return Rollout(tokens, *contexts, log_probs, values, advantages, returns)


class _Sums(NamedTuple):
    """Sums over the valid tokens of one micro-batch."""

    policy_loss: float
    value_loss: float
    kl: float
    clipped: float
    ratio: float


class PPOUpdate:
    """Steps 3 to 5, on a policy and a value function.

    Args:
        policy: the policy behind its `ResponseModel`, prepared by accelerate.
        values: the value function, prepared by accelerate.
        policy_optimizer: over the policy's weights.
        value_optimizer: over the value function's weights.
        accelerator: placement and processes.
        settings: the section `[ppo]`.
        seed: of the order of minibatches.
    """

    def __init__(
        self,
        policy: Any,
        values: Any,
        policy_optimizer: Any,
        value_optimizer: Any,
        accelerator: Accelerator,
        settings: PPOSettings,
        *,
        seed: int,
    ) -> None:
        self.policy = policy
        self.values = values
        self.policy_optimizer = policy_optimizer
        self.value_optimizer = value_optimizer
        self.accelerator = accelerator
        self.settings = settings
        self.seed = seed

    def update(self, rollout: Rollout, step: int, *, train_policy: bool) -> UpdateStats:
        """Runs the epochs over one rollout.

        Args:
            rollout: the whole global batch, the same on every process.
            step: number of the update; with the seed it decides the order.
            train_policy: False in critic warm-up: the policy is left bit-equal.
        """
        for model in (self.policy, self.values):
            model.eval()  # Dropout would make the ratio differ from 1 where nothing has changed.
        history: list[_Sums] = []
        counts: list[float] = []
        norms: list[tuple[float, float]] = []
        skipped, stopped, first_ratio = 0, False, 1.0
        for epoch in range(self.settings.epochs):
            epoch_kl, epoch_tokens = 0.0, 0.0
            for rows in self._minibatches(len(rollout.values), step, epoch):
                count = float(rollout.tokens.response_mask[rows].sum())
                sums = self._minibatch(rollout, rows, count, train_policy=train_policy)
                policy_norm, value_norm, taken = self._apply(train_policy=train_policy)
                skipped += not taken
                if not history:
                    first_ratio = sums.ratio / count
                history.append(sums)
                counts.append(count)
                if taken:
                    norms.append((policy_norm, value_norm))
                epoch_kl, epoch_tokens = epoch_kl + sums.kl, epoch_tokens + count
            if self.settings.stop_kl is not None and epoch_kl / epoch_tokens > self.settings.stop_kl:
                stopped = epoch + 1 < self.settings.epochs
                break
        return _stats(history, counts, norms, first_ratio, skipped, stopped)

    def _minibatches(self, size: int, step: int, epoch: int) -> list[list[int]]:
        order = list(range(size))
        random.Random(f"{self.seed}-{step}-{epoch}").shuffle(order)
        width = self.settings.minibatch_size
        return [order[at : at + width] for at in range(0, size, width)]

    def _minibatch(self, rollout: Rollout, rows: Sequence[int], count: float, *, train_policy: bool) -> _Sums:
        """Gradients of one minibatch, accumulated over this process's micro-batches of like length."""
        lengths = rollout.tokens.mask.sum(-1).tolist()
        own = sorted(own_share(rows, self.accelerator), key=lambda row: lengths[row])
        width = self.settings.micro_batch_size
        pieces = [own[at : at + width] for at in range(0, len(own), width)]
        total = _Sums(0.0, 0.0, 0.0, 0.0, 0.0)
        for piece in pieces:
            part = self._micro(cut(rollout, piece, self.accelerator.device), count, train_policy=train_policy)
            total = _Sums(*(a + b for a, b in zip(total, part, strict=True)))
        return _Sums(*(global_sum(value, self.accelerator) for value in total))

    def _micro(self, batch: Rollout, count: float, *, train_policy: bool) -> _Sums:
        settings, mask = self.settings, batch.tokens.response_mask
        with torch.set_grad_enabled(train_policy):
            output = self.policy(
                batch.tokens, temperature=settings.temperature, with_entropy=settings.entropy_coefficient > 0
            )
        surrogate = policy_loss(
            output.log_probs, batch.log_probs, batch.advantages, mask, epsilon=settings.clip_epsilon, count=count
        )
        values = self.values(output.hidden, batch.contexts, batch.contexts_mask)
        error = value_loss(values, batch.values, batch.returns, mask, clip=settings.value_clip, count=count)
        loss = settings.value_coefficient * error
        if train_policy:
            bonus = (output.entropy * mask).sum() / count
            loss = loss + surrogate.loss - settings.entropy_coefficient * bonus
        self.accelerator.backward(loss * self.accelerator.num_processes)
        drift = k3(batch.log_probs, output.log_probs.detach())
        return _Sums(
            float(surrogate.loss.detach()) * count,
            float(error.detach()) * count,
            float((drift * mask).sum()),
            float(surrogate.clipped.sum()),
            float((surrogate.ratio.detach() * mask).sum()),
        )

    def _apply(self, *, train_policy: bool) -> tuple[float, float, bool]:
        """Clips and steps; returns both norms and whether the step was taken."""
        bound = self.settings.max_grad_norm
        policy_norm = (
            self.accelerator.clip_grad_norm_(self.policy.parameters(), bound) if train_policy else torch.zeros(())
        )
        value_norm = self.accelerator.clip_grad_norm_(self.values.parameters(), bound)
        finite = bool(torch.isfinite(policy_norm)) and bool(torch.isfinite(value_norm))
        if finite:
            self.value_optimizer.step()
            if train_policy:
                self.policy_optimizer.step()
        self.policy_optimizer.zero_grad()
        self.value_optimizer.zero_grad()
        return float(policy_norm), float(value_norm), finite


def cut(rollout: Rollout, rows: Sequence[int], device: torch.device) -> Rollout:
    """Some rows of a rollout, without the columns that are padding in all of them."""
    index = torch.tensor(list(rows))
    tokens = rollout.tokens
    width = tokens.response_mask.shape[1]
    longest = int(tokens.response_mask[index].sum(-1).max())
    prompt_mask = tokens.mask[index, :-width]
    head = prompt_mask.shape[1] - int(prompt_mask.sum(-1).max())
    end = tokens.ids.shape[1] - width + longest
    batch = TokenBatch(tokens.ids[index, head:end], tokens.mask[index, head:end], tokens.response_mask[index, :longest])
    context = int((rollout.contexts_mask[index] > 0).sum(-1).max())
    return Rollout(
        batch.to(device),
        rollout.contexts[index, :context].to(device),
        rollout.contexts_mask[index, :context].to(device),
        *(part[index, :longest].to(device) for part in rollout[3:]),
    )


def _stats(
    history: Sequence[_Sums],
    counts: Sequence[float],
    norms: Sequence[tuple[float, float]],
    first_ratio: float,
    skipped: int,
    stopped: bool,
) -> UpdateStats:
    tokens = sum(counts)
    means = [sum(column) / tokens for column in zip(*history, strict=True)]
    # A step that was skipped has no norm to speak of; the count of them says what happened.
    policy_norm, value_norm = (sum(column) / len(norms) for column in zip(*norms, strict=True)) if norms else (0.0, 0.0)
    policy, value, drift, clipped, ratio = means
    return UpdateStats(
        policy_loss=policy,
        value_loss=value,
        approx_kl=drift,
        clip_fraction=clipped,
        ratio=ratio,
        first_ratio=first_ratio,
        policy_grad_norm=policy_norm,
        value_grad_norm=value_norm,
        skipped=skipped,
        stopped_early=stopped,
    )
