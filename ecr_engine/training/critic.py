"""Supervised training of the critic on judged responses, encoder and heads together.

The value head learns the judge's `overall` twice: of the context with its response, and of the context alone. The
first makes it a judge's stand-in; the second is the expected score before anything is said, which is what PPO
subtracts from a reward. The quality head learns the judge's dimensions, the emotion head the seeker's emotions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.config.sections.models import CriticSettings
from ecr_engine.models.backbone import effective_learning_rate
from ecr_engine.models.critic import CriticModel, CriticOutput
from ecr_engine.models.placement import global_sum, own_part
from ecr_engine.runs.events import Emit
from ecr_engine.training.sft import Save, epoch_batches, learning_rate

if TYPE_CHECKING:
    from accelerate import Accelerator

WARMUP_SHARE = 0.1
"""Share of the steps in which the learning rate rises."""

LEAST_VARIANCE = 1e-6
"""Scores that vary less are all the same: the rounding that is left is no scale to divide by."""


@dataclass(frozen=True, slots=True)
class JudgedResponse:
    """A training example of the critic.

    Attributes:
        context: the dialogue so far, as text.
        response: what was answered.
        overall: the judge's overall score.
        quality: the judge's score of each dimension, in the critic's order.
        emotions: 1 for each emotion that the seeker shows, else 0, in the critic's order.
    """

    context: str
    response: str
    overall: float
    quality: tuple[float, ...]
    emotions: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CriticReport:
    """How well the critic predicts held-out judgements.

    Attributes:
        mse: mean squared error of `overall`.
        mean_mse: the same of a predictor that always says the training mean.
        r2: 1 - mse / variance, of `overall`.
        pearson: correlation with `overall`.
        value_r2: the same r2 of the value of the context alone: how much of a score is decided before the response.
    """

    mse: float
    mean_mse: float
    r2: float
    pearson: float
    value_r2: float


class CriticTrainer:
    """Trains a critic on judged responses.

    Args:
        critic: what is trained, in place.
        settings: the section `[critic]`.
        accelerator: placement and processes.
        seed: of order and dropout.
        scaled: whether the learning rate is stated for width 4096.
        emit: how progress is told.
        save: how checkpoints are made.
    """

    stage = "critic"

    def __init__(
        self,
        critic: CriticModel,
        settings: CriticSettings,
        accelerator: Accelerator,
        *,
        seed: int,
        scaled: bool,
        emit: Emit,
        save: Save,
    ) -> None:
        self.critic = critic
        self.settings = settings
        self.accelerator = accelerator
        self.seed = seed
        self.emit = emit
        self.save = save
        self.variance = 1.0
        self.peak = effective_learning_rate(settings.learning_rate, critic.hidden_size, scaled=scaled)
        critic.to(accelerator.device)
        optimizer = torch.optim.AdamW(critic.parameters(), lr=self.peak, weight_decay=0.01)
        self.model, self.optimizer = accelerator.prepare(critic, optimizer)

    def train(self, train: Sequence[JudgedResponse], valid: Sequence[JudgedResponse]) -> CriticReport:
        """Trains until the validation loss has not improved for `patience` epochs; returns the best epoch's report."""
        settings = self.settings
        lengths = [len(row.context) + len(row.response) for row in train]
        per_epoch = math.ceil(len(train) / settings.batch_size)
        total = settings.epochs * per_epoch
        mean = float(np.mean([row.overall for row in train]))
        # Scores vary little: unscaled, their squared error would drown in the other heads' losses.
        variance = float(np.var([row.overall for row in train]))
        self.variance = variance if variance > LEAST_VARIANCE else 1.0
        torch.manual_seed(self.seed)
        best, missed, step = math.inf, 0, 0
        report = self.report(valid, mean)
        for epoch in range(settings.epochs):
            for batch in epoch_batches(lengths, settings.batch_size, seed=self.seed, epoch=epoch):
                self._step([train[index] for index in batch], step, total)
                step += 1
            current = self.report(valid, mean)
            values = {
                "eval/loss": current.mse,
                "eval/r2": current.r2,
                "eval/pearson": current.pearson,
                "eval/value_r2": current.value_r2,
            }
            self.emit(self.stage, "validation", step, **values)
            if current.mse < best:
                best, missed, report = current.mse, 0, current
                self.save(step, values, best=True)
            else:
                missed += 1
            if missed >= settings.patience:
                break
        return report

    def _loss(self, output: CriticOutput, alone: CriticOutput, rows: Sequence[JudgedResponse]) -> Tensor:
        """Sum of the losses over the rows, each head's mean over its outputs."""
        device = output.value.device
        overall = torch.tensor([row.overall for row in rows], device=device)
        quality = torch.tensor([row.quality for row in rows], device=device)
        emotions = torch.tensor([row.emotions for row in rows], device=device)
        value = ((output.value - overall) ** 2 + (alone.value - overall) ** 2) / self.variance
        dimensions = F.binary_cross_entropy_with_logits(output.quality, quality, reduction="none").mean(-1)
        feelings = F.binary_cross_entropy_with_logits(alone.emotion, emotions, reduction="none").mean(-1)
        settings = self.settings
        return (value + settings.quality_weight * dimensions + settings.emotion_weight * feelings).sum()

    def _forward(self, rows: Sequence[JudgedResponse]) -> tuple[CriticOutput, CriticOutput]:
        """Outputs for the rows with their responses, and for their contexts alone."""
        contexts = [row.context for row in rows]
        ids, mask = self.critic.encode(contexts * 2, [row.response for row in rows] + [""] * len(rows))
        both = self.model(ids.to(self.accelerator.device), mask.to(self.accelerator.device))
        return CriticOutput(*(t[: len(rows)] for t in both)), CriticOutput(*(t[len(rows) :] for t in both))

    def _step(self, rows: Sequence[JudgedResponse], step: int, total: int) -> None:
        self.model.train()
        rate = learning_rate(step, total, max(1, int(total * WARMUP_SHARE)), self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        own, weight = own_part(rows, self.accelerator)
        loss = weight * self._loss(*self._forward(own), own) / len(rows)
        self.accelerator.backward(loss * self.accelerator.num_processes)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        values = {
            "train/loss": global_sum(float(loss.detach()), self.accelerator),
            "train/lr": rate,
            "train/grad_norm": float(norm),
        }
        self.emit(self.stage, "step", step + 1, **values)
        self.emit(self.stage, "progress", step + 1, done=step + 1, total=total, what="steps")

    @torch.no_grad()
    def report(self, rows: Sequence[JudgedResponse], train_mean: float) -> CriticReport:
        """The critic's errors on `rows`.

        Args:
            rows: held-out judged responses.
            train_mean: mean overall score of the training rows, for the predictor to beat.
        """
        self.model.eval()
        values, alone = [], []
        for start in range(0, len(rows), 2 * self.settings.batch_size):
            output, context = self._forward(rows[start : start + 2 * self.settings.batch_size])
            values.append(output.value.float().cpu())
            alone.append(context.value.float().cpu())
        truth = np.array([row.overall for row in rows])
        predicted, before = torch.cat(values).numpy(), torch.cat(alone).numpy()
        mse = float(np.mean((predicted - truth) ** 2))
        variance = float(truth.var()) or math.nan
        spread = float(predicted.std()) * float(truth.std())
        pearson = float(np.mean((predicted - predicted.mean()) * (truth - truth.mean()))) / spread if spread else 0.0
        value_r2 = 1 - float(np.mean((before - truth) ** 2)) / variance
        return CriticReport(mse, float(np.mean((train_mean - truth) ** 2)), 1 - mse / variance, pearson, value_r2)
