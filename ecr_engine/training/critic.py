"""Supervised training of the critic on judged responses, encoder and heads together.

The value head learns the judge's `overall` twice: of the context with its response, and of the context alone. The
first makes it a judge's stand-in; the second is the expected score before anything is said, which is what PPO
subtracts from a reward. The quality head learns the judge's dimensions, the emotion head the seeker's emotions.

1. cut the judged responses into batches of like length, in an order that changes with the epoch
2. for each batch: both readings, the losses of all heads by the names of their labels, backward, clip, step
3. after each epoch: the error on validation; the weights are kept, and saved, if it is the least so far
4. stop when it has not fallen for `patience` epochs, and put the best weights back
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from ecr_engine.config.sections.models import CriticSettings
from ecr_engine.errors import DivergedError
from ecr_engine.models.backbone import effective_learning_rate
from ecr_engine.models.critic import CriticModel, CriticOutput, load_critic
from ecr_engine.models.critic_predictions import Predictions, predict
from ecr_engine.models.placement import global_sum, own_part
from ecr_engine.models.random_state import seed_all
from ecr_engine.models.training_state import FOLDER, Parts, read_state, write_state
from ecr_engine.runs.events import Emit
from ecr_engine.runs.stopping import Stop
from ecr_engine.training._layerwise import parameter_groups
from ecr_engine.training.critic_labels import JudgedResponse, check_emotions, check_heads
from ecr_engine.training.sft import Save, batches_from, learning_rate, save_if_due

if TYPE_CHECKING:
    from accelerate import Accelerator

STAGE = "critic"
"""Name of the stage in events."""

LEAST_SHARE = 1e-3
"""Nearer to 0 and 1 a mean has a log-odds that no step would leave again."""

BEST_WEIGHTS = "best.safetensors"
"""The weights of the best step, in a checkpoint of a later one."""

LEAST_VARIANCE = 1e-6
"""Scores that vary less are all the same: the rounding that is left is no scale to divide by."""


@dataclass(frozen=True, slots=True)
class Validation:
    """How far the critic is off on held-out judgements.

    Attributes:
        loss: squared errors in units of the training labels' variance: that of `overall` and the mean of the
            dimensions' count the same. What early stopping looks at; 1 is no better than the mean.
        mse: mean squared error of `overall`.
        r2: 1 - mse / variance, of `overall`; NaN where all scores are the same.
        pearson: correlation with `overall`; 0 where either does not vary.
        value_r2: the same r2 of the value of the context alone: how much of a score is decided before the response.
    """

    loss: float
    mse: float
    r2: float
    pearson: float
    value_r2: float


@dataclass(slots=True)
class Progress:
    """How far a training came: with the seed it says which responses come next.

    Attributes:
        step: optimizer steps taken.
        best_step: after how many of them the validation loss was the least so far; 0 before the first validation.
        missed: validations since then.
        kept: the errors at the best step.
    """

    step: int = 0
    best_step: int = 0
    missed: int = 0
    kept: Validation | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The weights that a training kept.

    Attributes:
        steps: optimizer steps taken in all.
        best_step: after how many of them the weights were kept.
        validation: their errors.
    """

    steps: int
    best_step: int
    validation: Validation


class CriticTrainer:
    """Trains a critic on judged responses.

    Args:
        critic: what is trained, in place.
        settings: the section `[critic]`.
        accelerator: placement and processes; precision is a matter of the settings.
        seed: of order and dropout.
        scaled: whether the learning rate is stated for width 4096.
        emit: how progress is told.
        save: how checkpoints are made.
        stop: whether the training was asked to end.

    Attributes:
        progress: how far it came.
        best: the weights at the best step so far.
    """

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
        stop: Stop | None = None,
    ) -> None:
        self.critic = critic
        self.settings = settings
        self.accelerator = accelerator
        self.seed = seed
        self.emit = emit
        self.save = save
        self.stop = Stop() if stop is None else stop
        self.progress = Progress()
        self.variance = 1.0
        self.peak = effective_learning_rate(settings.learning_rate, critic.hidden_size, scaled=scaled)
        critic.to(accelerator.device)
        groups = parameter_groups(
            critic,
            layer_decay=settings.layer_decay,
            head_factor=settings.head_factor,
            weight_decay=settings.weight_decay,
        )
        optimizer = torch.optim.AdamW(_value_apart(groups, critic), lr=self.peak, fused=True)
        self.model, self.optimizer = accelerator.prepare(critic, optimizer)
        self.best = self._weights()

    def train(
        self,
        train: Sequence[JudgedResponse],
        valid: Sequence[JudgedResponse],
        *,
        most_steps: int | None = None,
        save_every: int | None = None,
    ) -> Kept:
        """Trains until the validation loss has not fallen for `patience` epochs; the best weights are put back.

        Args:
            train: what is learned from.
            valid: what early stopping looks at.
            most_steps: optimizer steps at most; those of the epochs if None.
            save_every: steps between checkpoints beside those of the best; None for no others.

        Raises:
            UsageError: a label has no head, or a head no label.
            DataError: an emotion has no head.
            DivergedError: the gradient is no longer finite.
        """
        for rows in (train, valid):
            check_labels(self.critic, rows)
        progress, per_epoch = self.progress, math.ceil(len(train) / self.settings.batch_size)
        total = min(self.settings.epochs * per_epoch, most_steps or self.settings.epochs * per_epoch)
        spread = _variances(train)
        # Scores vary little: unscaled, their squared error would drown in the other heads' losses.
        self.variance = spread[""]
        if progress.step == 0:
            seed_all(self.seed)
            _start_at_means(self.critic, train)
        lengths = [len(row.context) + len(row.response) for row in train]
        with self.stop.held():
            for batch in batches_from(progress.step, total, lengths, self.settings.batch_size, seed=self.seed):
                if progress.missed >= self.settings.patience:
                    break
                self._step([train[index] for index in batch], progress.step, total)
                progress.step += 1
                ended = progress.step % per_epoch == 0 or progress.step == total
                saved = ended and self._tell(self.validate(valid, spread))
                save_if_due(self, progress.step, save_every, saved=saved)
        assert progress.kept is not None, "the first validation is the best so far"
        self.critic.load_state_dict(self.best)
        return Kept(progress.step, progress.best_step, progress.kept)

    def write_state(self, folder: Path) -> None:
        """Writes the critic, and under `trainer/` all that a resume needs."""
        self.critic.save(folder)
        write_state(folder, self._parts(), asdict(self.progress))
        if self.progress.best_step not in (0, self.progress.step):
            save_file(self.best, folder / FOLDER / BEST_WEIGHTS)

    def restore(self, folder: Path) -> None:
        """Takes up what `write_state` wrote: what follows equals an uninterrupted run bit for bit on one machine.

        Raises:
            DataError: the folder has no state, or that of another training.
        """
        self.critic.load_state_dict(load_critic(folder).state_dict())
        # The rest is drawn from last: what loading has drawn is forgotten.
        numbers = read_state(folder, self._parts())
        kept = numbers["kept"]
        self.progress = Progress(
            **{**numbers, "kept": kept and Validation(**{name: float(value) for name, value in kept.items()})}
        )
        self.best = self._weights()
        if self.progress.best_step not in (0, self.progress.step):
            self.best = load_file(folder / FOLDER / BEST_WEIGHTS, device=self.accelerator.device.type)

    def _parts(self) -> Parts:
        return Parts({"model": self.optimizer}, scaler=self.accelerator.scaler)

    def _loss(self, output: CriticOutput, alone: CriticOutput, rows: Sequence[JudgedResponse]) -> Tensor:
        """Sum of the losses over the rows, each head's mean over its outputs."""
        device = output.value.device
        overall = torch.tensor([row.overall for row in rows], device=device)
        # By name, in the order of the heads: the order of the labels decides nothing.
        quality = torch.tensor([[row.quality[name] for name in self.critic.dimensions] for row in rows], device=device)
        shown = [[float(name in row.emotions) for name in self.critic.emotions] for row in rows]
        emotions = torch.tensor(shown, device=device)
        value = ((output.value - overall) ** 2 + (alone.value - overall) ** 2) / self.variance
        dimensions = F.binary_cross_entropy_with_logits(output.quality, quality, reduction="none").mean(-1)
        feelings = F.binary_cross_entropy_with_logits(alone.emotion, emotions, reduction="none").mean(-1)
        settings = self.settings
        return (value + settings.quality_weight * dimensions + settings.emotion_weight * feelings).sum()

    def _forward(self, rows: Sequence[JudgedResponse]) -> tuple[CriticOutput, CriticOutput]:
        """Outputs for the rows with their responses, and for their contexts alone."""
        contexts = [row.context for row in rows]
        ids, mask = self.critic.encode(contexts * 2, [row.response for row in rows] + [""] * len(rows))
        device = self.accelerator.device
        with self._autocast():
            both = CriticOutput(*(part.float() for part in self.model(ids.to(device), mask.to(device))))
        return CriticOutput(*(t[: len(rows)] for t in both)), CriticOutput(*(t[len(rows) :] for t in both))

    def _step(self, rows: Sequence[JudgedResponse], step: int, total: int) -> None:
        self.model.train()
        rate = learning_rate(step, total, max(1, int(total * self.settings.warmup_share)), self.peak)
        for group in self.optimizer.param_groups:
            # The value is in the judge's units: a step that suits a logit is many of its standard deviations.
            unit = math.sqrt(self.variance) if group["value"] else 1.0
            group["lr"] = rate * group["scale"] * unit
        own, weight = own_part(rows, self.accelerator)
        loss = weight * self._loss(*self._forward(own), own) / len(rows)
        self.accelerator.backward(loss * self.accelerator.num_processes)
        norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm))
        if not math.isfinite(norm):
            fix = f"lower the learning rate: --set critic.learning_rate={self.settings.learning_rate / 3:.1g}"
            raise DivergedError("the gradient is not finite", at=f"critic, step {step + 1}", fix=fix)
        self.optimizer.step()
        self.optimizer.zero_grad()
        values = {
            "train/loss": global_sum(float(loss.detach()), self.accelerator),
            "train/lr": rate,
            "train/grad_norm": norm,
        }
        self.emit(STAGE, "step", step + 1, **values)
        self.emit(STAGE, "progress", step + 1, done=step + 1, total=total, what="steps")

    def validate(self, rows: Sequence[JudgedResponse], spread: Mapping[str, float]) -> Validation:
        """The critic's errors on `rows`.

        Args:
            rows: held-out judged responses.
            spread: variance of the training labels by dimension; that of `overall` under the empty name.
        """
        with self._autocast():
            said = predictions_of(self.critic, rows)
        truth = np.array([row.overall for row in rows])
        value, before = np.array(said.value), np.array(said.before)
        mse = float(np.mean((value - truth) ** 2))
        variance = float(truth.var()) or math.nan
        errors = [
            float(np.mean((np.array(said.quality[name]) - [row.quality[name] for row in rows]) ** 2)) / spread[name]
            for name in self.critic.dimensions
        ]
        loss = mse / spread[""]
        return Validation(
            loss=(loss + float(np.mean(errors))) / 2 if errors else loss,
            mse=mse,
            r2=1 - mse / variance,
            pearson=_pearson(value, truth),
            value_r2=1 - float(np.mean((before - truth) ** 2)) / variance,
        )

    def _tell(self, found: Validation) -> bool:
        """Tells what a validation found; saves the weights if they are the best, and returns whether they are."""
        progress = self.progress
        values = {
            "eval/loss": found.loss,
            "eval/mse": found.mse,
            "eval/r2": found.r2,
            "eval/pearson": found.pearson,
            "eval/value_r2": found.value_r2,
        }
        self.emit(STAGE, "validation", progress.step, **values)
        if progress.kept is not None and not found.loss < progress.kept.loss:
            progress.missed += 1
            return False
        progress.kept, progress.best_step, progress.missed = found, progress.step, 0
        self.best = self._weights()
        metrics = {name: value for name, value in values.items() if math.isfinite(value)}
        self.save(progress.step, metrics, best=True)
        return True

    def _autocast(self) -> torch.autocast:
        enabled = self.settings.precision == "bf16"
        return torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=enabled)

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in self.critic.state_dict().items()}


def predictions_of(critic: CriticModel, rows: Sequence[JudgedResponse]) -> Predictions:
    """What a critic says of judged responses."""
    return predict(critic, [row.context for row in rows], [row.response for row in rows])


def check_labels(critic: CriticModel, rows: Sequence[JudgedResponse]) -> None:
    """Holds a critic's heads against the labels of judged responses.

    Raises:
        UsageError: a judged dimension has no head, or a head has no label.
        DataError: an emotion has no head.
    """
    for labels in {tuple(sorted(row.quality)) for row in rows}:
        check_heads(critic.dimensions, labels)
    check_emotions(critic.emotions, rows)


def _value_apart(groups: Sequence[dict[str, Any]], critic: CriticModel) -> list[dict[str, Any]]:
    """The groups of an optimizer, those of the value head by themselves and marked as `value`."""
    head = {id(weight) for weight in critic.value_head.parameters()}
    parted = []
    for group in groups:
        for is_value in (False, True):
            weights = [weight for weight in group["params"] if (id(weight) in head) == is_value]
            if weights:
                parted.append({**group, "params": weights, "value": is_value})
    return parted


@torch.no_grad()
def _start_at_means(critic: CriticModel, rows: Sequence[JudgedResponse]) -> None:
    """Sets the heads' biases so that each says the mean of its labels: no step is spent on finding that."""
    count = len(rows)
    critic.value_head.bias.fill_(sum(row.overall for row in rows) / count)
    quality = [sum(row.quality[name] for row in rows) / count for name in critic.dimensions]
    emotions = [sum(name in row.emotions for row in rows) / count for name in critic.emotions]
    for head, means in ((critic.quality_head, quality), (critic.emotion_head, emotions)):
        head.bias.copy_(torch.logit(torch.tensor(means), eps=LEAST_SHARE))


def _variances(rows: Sequence[JudgedResponse]) -> dict[str, float]:
    """Variance of each dimension's labels, and under the empty name that of `overall`; 1 where they do not vary."""
    columns = {name: [row.quality[name] for row in rows] for name in rows[0].quality}
    columns[""] = [row.overall for row in rows]
    found = {name: float(np.var(values)) for name, values in columns.items()}
    return {name: variance if variance > LEAST_VARIANCE else 1.0 for name, variance in found.items()}


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    spread = float(a.std()) * float(b.std())
    return float(np.mean((a - a.mean()) * (b - b.mean()))) / spread if spread else 0.0
