"""Supervised fine-tuning of the baseline: cross-entropy on the recommender's tokens, early stopping on validation.

1. cut the training examples into batches of like length, in an order that changes with the epoch
2. for each batch: forward, mean negative log-likelihood over the batch's target tokens, backward, clip, step
3. at each validation: token-weighted loss on all validation examples; save if it is the best
4. stop when it has not improved `patience` times
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ecr_engine.config.sections.training import BaselineSettings
from ecr_engine.data.prompts import Encoded
from ecr_engine.errors import DivergedError
from ecr_engine.models.backbone import Backbone, effective_learning_rate
from ecr_engine.models.generation import by_length
from ecr_engine.models.placement import global_sum, own_part, own_share
from ecr_engine.models.response import ResponseModel, collate
from ecr_engine.runs.events import Emit

if TYPE_CHECKING:
    from accelerate import Accelerator

BUCKET = 16
"""Batches that are sorted by length together: enough to save padding, few enough to stay random."""

MOST_NATS = 700.0
"""A greater loss has no perplexity that a float can hold."""

FINAL_RATE = 0.1
"""The learning rate ends at this share of its peak."""


class Save(Protocol):
    """How a trainer asks for a checkpoint."""

    def __call__(self, step: int, metrics: dict[str, float], *, best: bool) -> None:
        """Saves the model as it is now."""


@dataclass(frozen=True, slots=True)
class SFTResult:
    """What a training came to.

    Attributes:
        steps: optimizer steps taken.
        best_step: step of the best validation loss.
        best_loss: that loss, in nats a token.
        stopped_early: whether the patience ran out before the steps did.
    """

    steps: int
    best_step: int
    best_loss: float
    stopped_early: bool


def epoch_batches(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> Iterator[list[int]]:
    """Batches of indices that use every example once; the order depends on seed and epoch.

    Args:
        lengths: tokens of each example.
        batch_size: examples in a batch; the last one may be smaller.
        seed: of the run.
        epoch: number of the pass.
    """
    draw = random.Random(f"{seed}-{epoch}")
    order = list(range(len(lengths)))
    draw.shuffle(order)
    batches = []
    for start in range(0, len(order), batch_size * BUCKET):
        bucket = sorted(order[start : start + batch_size * BUCKET], key=lambda index: lengths[index])
        batches += [bucket[at : at + batch_size] for at in range(0, len(bucket), batch_size)]
    draw.shuffle(batches)
    yield from batches


def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """Linear warm-up to `peak`, then a straight line down to a tenth of it.

    Args:
        step: optimizer steps already taken.
        total: steps in all.
        warmup: steps of warm-up.
        peak: the greatest rate.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    left = (total - step) / max(1, total - warmup)
    return peak * (FINAL_RATE + (1 - FINAL_RATE) * max(0.0, left))


class BaselineTrainer:
    """Trains a backbone on encoded examples.

    Args:
        backbone: what is trained, in place.
        settings: the section `[baseline]`.
        accelerator: placement and processes.
        seed: of order and dropout.
        scaled: whether the learning rate is stated for width 4096.
        emit: how progress is told.
        save: how checkpoints are made.
    """

    stage = "baseline"

    def __init__(
        self,
        backbone: Backbone,
        settings: BaselineSettings,
        accelerator: Accelerator,
        *,
        seed: int,
        scaled: bool,
        emit: Emit,
        save: Save,
    ) -> None:
        self.backbone = backbone
        self.settings = settings
        self.accelerator = accelerator
        self.seed = seed
        self.emit = emit
        self.save = save
        self.pad = int(backbone.tokenizer.pad_token_id)
        self.peak = effective_learning_rate(settings.learning_rate, backbone.hidden_size, scaled=scaled)
        backbone.model.to(accelerator.device)
        optimizer = torch.optim.AdamW(
            backbone.trained(), lr=self.peak, weight_decay=settings.weight_decay, betas=(0.9, 0.95)
        )
        self.model, self.optimizer = accelerator.prepare(ResponseModel(backbone.model), optimizer)

    def train(self, train: Sequence[Encoded], valid: Sequence[Encoded]) -> SFTResult:
        """Runs to the end or until the patience is out; the best checkpoint is the one saved as best."""
        settings = self.settings
        per_epoch = math.ceil(len(train) / settings.batch_size)
        total = settings.max_steps or settings.epochs * per_epoch
        every = max(1, per_epoch // settings.evaluations_per_epoch)
        lengths = [len(row.prompt) + len(row.target) for row in train]
        torch.manual_seed(self.seed)
        best, best_step, missed, step, epoch = math.inf, 0, 0, 0, 0
        while step < total:
            for batch in epoch_batches(lengths, settings.batch_size, seed=self.seed, epoch=epoch):
                self._step([train[index] for index in batch], step, total)
                step += 1
                if step % every and step < total:
                    continue
                loss = self.validate(valid)
                if not math.isfinite(loss):
                    raise DivergedError(
                        f"the validation loss is {loss} at step {step}",
                        at=f"baseline, step {step}",
                        fix="lower the learning rate: --learning_rate 1e-5",
                    )
                improved = loss < best
                self.emit(
                    self.stage,
                    "validation",
                    step,
                    **{"eval/loss": loss, "eval/perplexity": math.exp(min(loss, MOST_NATS))},
                )
                if improved:
                    best, best_step, missed = loss, step, 0
                    self.save(step, {"eval/loss": loss}, best=True)
                else:
                    missed += 1
                if missed >= settings.patience or step >= total:
                    return SFTResult(step, best_step, best, step < total)
            epoch += 1
        return SFTResult(step, best_step, best, stopped_early=False)

    def _step(self, rows: Sequence[Encoded], step: int, total: int) -> None:
        started = time.perf_counter()
        self.model.train()
        rate = learning_rate(step, total, self.settings.warmup_steps, self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Dividing by the batch's global token count makes neither micro-batches nor processes change the gradient.
        tokens = sum(len(row.target) for row in rows)
        own, weight = own_part(rows, self.accelerator)
        width = self.settings.micro_batch_size
        pieces = [own[at : at + width] for at in range(0, len(own), width)]
        loss = 0.0
        for index, piece in enumerate(pieces):
            loss += self._backward(piece, weight, tokens, last=index + 1 == len(pieces))
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        else:
            what = "a gradient is not finite: the step was skipped"
            self.emit(self.stage, "warning", step, what=what, fix="--learning_rate 1e-5")
        self.optimizer.zero_grad()
        seconds = time.perf_counter() - started
        values = {
            "train/loss": global_sum(loss, self.accelerator),
            "train/lr": rate,
            "train/grad_norm": float(norm),
            "perf/samples_per_s": len(rows) / seconds,
            "perf/tokens_per_s": sum(len(row.prompt) + len(row.target) for row in rows) / seconds,
        }
        self.emit(self.stage, "step", step + 1, **values)
        self.emit(self.stage, "progress", step + 1, done=step + 1, total=total, what="steps")

    def _backward(self, piece: Sequence[Encoded], weight: float, tokens: int, *, last: bool) -> float:
        batch = collate([row.prompt for row in piece], [row.target for row in piece], self.pad)
        context: Any = torch.enable_grad() if last else self.accelerator.no_sync(self.model)
        with context:
            output = self.model(batch.to(self.accelerator.device))
            loss = weight * -output.log_probs.sum() / tokens
            self.accelerator.backward(loss * self.accelerator.num_processes)
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, rows: Sequence[Encoded]) -> float:
        """Mean negative log-likelihood of a target token over `rows`, in nats; every token weighs the same."""
        self.model.eval()
        # Wrapped for several processes, a forward pass is one of all of them; here some may have one more than others.
        model = self.accelerator.unwrap_model(self.model)
        total, tokens = 0.0, 0
        own = own_share(rows, self.accelerator)
        lengths = [len(row.prompt) + len(row.target) for row in own]
        for indices in by_length(lengths, 2 * self.settings.micro_batch_size):
            batch = collate([own[i].prompt for i in indices], [own[i].target for i in indices], self.pad)
            total -= float(model(batch.to(self.accelerator.device)).log_probs.sum())
            tokens += int(batch.response_mask.sum())
        return global_sum(total, self.accelerator) / max(1.0, global_sum(tokens, self.accelerator))
