"""One PPO update, step by step (Schulman et al., arXiv 1707.06347; for language models Ziegler et al., 1909.08593).

1. shape the rewards: the score on the last token, minus beta * k1 on every token
2. advantages and returns by the estimator; whiten the advantages over valid tokens; add each token's own credit
3. for each epoch, in a new order: for each minibatch, for each micro-batch:
   log-probs and values now, clipped surrogate, clipped value loss, entropy bonus, backward
4. clip the gradients, step both optimizers; skip a step whose gradient is not finite
5. stop the epochs if the KL to the policy that drew the responses passes its bound

An estimator without a value function leaves out the values, their loss and their optimizer; the rest is the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

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
from ecr_engine.rl.micro_batches import halving, memory_warning
from ecr_engine.rl.tally import Norms, Sums, Tally
from ecr_engine.rl.types import Episode, Rollout, UpdateStats

if TYPE_CHECKING:
    from accelerate import Accelerator

Warn = Callable[[Mapping[str, str]], None]
"""Tells a warning: its `what` and its `fix`."""


def build_rollout(
    episodes: Sequence[Episode],
    contexts: tuple[Tensor, Tensor],
    settings: PPOSettings,
    estimator: Estimator,
    *,
    kl_coefficient: float,
    pad: int,
    scores: Sequence[float] | None = None,
    credit: Tensor | None = None,
) -> Rollout:
    """Steps 1 and 2: episodes as tensors, with advantages and returns.

    Args:
        episodes: B of them, those of one prompt side by side.
        contexts: ids and mask, each [B, L], as the critic reads them.
        settings: the section `[ppo]`.
        estimator: of the advantages.
        kl_coefficient: weight of the KL penalty, beta.
        pad: pad id.
        scores: one an episode, where they are on another scale than the episodes' own.
        credit: [B, T] what is due to a token whatever comes after it, such as that of `ecr_engine.rl.diversity`.
    """
    tokens = collate([e.prompt for e in episodes], [e.response for e in episodes], pad)
    mask = tokens.response_mask
    log_probs = pad_sequence([e.log_probs for e in episodes], batch_first=True)
    reference = pad_sequence([e.reference_log_probs for e in episodes], batch_first=True)
    values = pad_sequence([e.values for e in episodes], batch_first=True)
    paid = torch.tensor([e.score for e in episodes] if scores is None else scores, dtype=torch.float32)
    rewards = shaped_rewards(paid, k1(log_probs, reference), mask, kl_coefficient)
    if settings.whiten_rewards:
        rewards = whiten(rewards, mask, keep_mean=True)
    groups = torch.tensor([e.index // settings.samples_per_prompt for e in episodes])
    advantages, returns = estimator.advantages(
        rewards, values, mask, groups, gamma=settings.gamma, lam=settings.gae_lambda
    )
    if settings.whiten_advantages and not estimator.needs_group:
        advantages = whiten(advantages, mask, keep_mean=False)
    if credit is not None:
        advantages = advantages + credit * mask
    return Rollout(tokens, *contexts, log_probs, values, advantages, returns)


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


def minibatches(size: int, width: int, *, seed: int, step: int, epoch: int, together: int = 1) -> list[list[int]]:
    """The rows 0 to size - 1 in minibatches: each row once, in an order that seed, update and epoch decide.

    Args:
        size: rows.
        width: of a minibatch.
        seed: of the order, with `step` and `epoch`.
        step: number of the update.
        epoch: pass over the rows.
        together: neighbours that stay together, where so many divide `width`. Responses to one prompt do: their
            advantages add up to nothing, and their prompt is computed once.
    """
    block = together if width % together == 0 and size % together == 0 else 1
    blocks = [range(at, at + block) for at in range(0, size, block)]
    random.Random(f"{seed}-{step}-{epoch}").shuffle(blocks)
    order = [row for rows in blocks for row in rows]
    return [order[at : at + width] for at in range(0, size, width)]


class PPOUpdate:
    """Steps 3 to 5, on a policy and a value function.

    Args:
        policy: the policy behind its `ResponseModel`, prepared by accelerate.
        values: the value function, prepared by accelerate; None for none.
        policy_optimizer: over the policy's weights.
        value_optimizer: over the value function's weights; None without one.
        accelerator: placement and processes.
        settings: the section `[ppo]`.
        seed: of the order of minibatches.
        warn: told where memory ran out and micro-batches are halved.

    Attributes:
        width: rollouts in one forward pass; less than was set once memory has run out.
    """

    def __init__(
        self,
        policy: Any,
        values: Any | None,
        policy_optimizer: Any,
        value_optimizer: Any | None,
        accelerator: Accelerator,
        settings: PPOSettings,
        *,
        seed: int,
        warn: Warn = lambda _: None,
    ) -> None:
        self.policy = policy
        self.values = values
        self.policy_optimizer = policy_optimizer
        self.value_optimizer = value_optimizer
        self.accelerator = accelerator
        self.settings = settings
        self.seed = seed
        self.warn = warn
        self.width = settings.micro_batch_size

    @property
    def models(self) -> list[Any]:
        """The policy, and the value function if there is one."""
        return [self.policy] if self.values is None else [self.policy, self.values]

    def update(self, rollout: Rollout, step: int, *, train_policy: bool) -> UpdateStats:
        """Runs the epochs over one rollout.

        Args:
            rollout: the whole global batch, the same on every process.
            step: number of the update; with the seed it decides the order.
            train_policy: False in critic warm-up: the policy is left bit-equal.
        """
        for model in self.models:
            model.eval()  # Dropout would make the ratio differ from 1 where nothing has changed.
        settings, tally, size = self.settings, Tally(), len(rollout.values)
        for epoch in range(settings.epochs):
            tally.begin_epoch()
            order = minibatches(
                size,
                settings.minibatch_size,
                seed=self.seed,
                step=step,
                epoch=epoch,
                together=settings.samples_per_prompt,
            )
            for rows in order:
                count = float(rollout.tokens.response_mask[rows].sum())
                sums = self._gradients(rollout, rows, count, train_policy=train_policy)
                tally.add(sums, count, self._apply(train_policy=train_policy))
            if tally.too_far(settings.stop_kl):
                return tally.stats(stopped_early=epoch + 1 < settings.epochs)
        return tally.stats(stopped_early=False)

    def _gradients(self, rollout: Rollout, rows: Sequence[int], count: float, *, train_policy: bool) -> Sums:
        """Gradients of one minibatch, accumulated over this process's micro-batches of prompts of like length."""
        lengths = (rollout.tokens.mask.sum(-1) - rollout.tokens.response_mask.sum(-1)).tolist()
        own = sorted(own_share(rows, self.accelerator), key=lambda row: lengths[row])

        def accumulate(width: int) -> Sums:
            self._forget_gradients()
            total = Sums()
            for at in range(0, len(own), width):
                batch = cut(rollout, own[at : at + width], self.accelerator.device)
                with self._sums_over_processes(last=at + width >= len(own)):
                    total = total.plus(self._micro(batch, count, train_policy=train_policy))
            return total

        total, width = halving(self.width, accumulate, alone=self.accelerator.num_processes == 1)
        if width != self.width:
            self.warn(memory_warning(self.width, width, "update"))
            self.width = width
        return Sums(*(global_sum(value, self.accelerator) for value in total))

    def _sums_over_processes(self, *, last: bool) -> ExitStack:
        """Processes sum their gradients once a minibatch, in the backward pass of its last micro-batch."""
        stack = ExitStack()
        if not last:
            for model in self.models:
                stack.enter_context(self.accelerator.no_sync(model))
        return stack

    def _micro(self, batch: Rollout, count: float, *, train_policy: bool) -> Sums:
        """The loss of one micro-batch and its gradients; `count` is of the tokens of the whole minibatch."""
        settings, mask = self.settings, batch.tokens.response_mask
        with torch.set_grad_enabled(train_policy):
            output = self.policy(
                batch.tokens, temperature=settings.temperature, with_entropy=settings.entropy_coefficient > 0
            )
        surrogate = policy_loss(
            output.log_probs,
            batch.log_probs,
            batch.advantages,
            mask,
            epsilon=settings.clip_epsilon,
            epsilon_high=settings.clip_epsilon_high,
            count=count,
        )
        error = torch.zeros(())
        loss = torch.zeros((), device=surrogate.loss.device)
        if self.values is not None:
            values = self.values(output.hidden, batch.contexts, batch.contexts_mask)
            error = value_loss(values, batch.values, batch.returns, mask, clip=settings.value_clip, count=count)
            loss = settings.value_coefficient * error
        if train_policy:
            bonus = (output.entropy * mask).sum() / count
            loss = loss + surrogate.loss - settings.entropy_coefficient * bonus
        # Processes average their gradients, and the count is that of all of them together.
        self.accelerator.backward(loss * self.accelerator.num_processes)
        drift = k3(batch.log_probs, output.log_probs.detach())
        return Sums(
            policy_loss=float(surrogate.loss.detach()) * count,
            value_loss=float(error.detach()) * count,
            kl=float((drift * mask).sum()),
            clipped=float(surrogate.clipped.sum()),
            ratio=float((surrogate.ratio.detach() * mask).sum()),
        )

    def _apply(self, *, train_policy: bool) -> Norms:
        """Clips and steps, unless a gradient is not finite."""
        policy_norm = self._clip(self.policy) if train_policy else torch.zeros(())
        value_norm = torch.zeros(()) if self.values is None else self._clip(self.values)
        finite = bool(torch.isfinite(policy_norm)) and bool(torch.isfinite(value_norm))
        if finite:
            if self.value_optimizer is not None:
                self.value_optimizer.step()
            if train_policy:
                self.policy_optimizer.step()
        self._forget_gradients()
        return Norms(float(policy_norm), float(value_norm), finite)

    def _clip(self, model: Any) -> Tensor:
        """Scales a model's gradient to the set norm if it is above; returns the norm that it had."""
        norm: Tensor = self.accelerator.clip_grad_norm_(model.parameters(), self.settings.max_grad_norm)
        return norm

    def _forget_gradients(self) -> None:
        for optimizer in (self.policy_optimizer, self.value_optimizer):
            if optimizer is not None:
                optimizer.zero_grad()
