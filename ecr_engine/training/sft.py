"""Supervised fine-tuning of the baseline: cross-entropy on the recommender's tokens, early stopping on validation.

1. cut the training examples into batches of like length, in an order that changes with the epoch
2. for each batch: forward, mean negative log-likelihood over the batch's target tokens, backward, clip, step
3. at each validation: token-weighted loss on all validation examples; save if it is the best
4. stop when it has not improved `patience` times

A checkpoint holds all that a training needs to be taken up exactly, in the middle of an epoch too: see `write_state`.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from safetensors.torch import load_file, save_file

from ecr_engine.config.sections.training import BaselineSettings
from ecr_engine.data.prompts import Encoded
from ecr_engine.errors import DivergedError
from ecr_engine.models.backbone import Backbone, effective_learning_rate
from ecr_engine.models.generation import by_length
from ecr_engine.models.placement import any_of, global_sum, own_part, own_share
from ecr_engine.models.random_state import seed_all
from ecr_engine.models.response import ResponseModel, collate
from ecr_engine.models.training_state import FOLDER, Parts, copy_named, read_state, write_state
from ecr_engine.runs.events import Emit
from ecr_engine.runs.stopping import Stop

if TYPE_CHECKING:
    from accelerate import Accelerator

BUCKET = 16
"""Batches that are sorted by length together: enough to save padding, few enough to stay random."""

TRAINED_WEIGHTS = "trained.safetensors"
"""What is trained of a backbone with an adapter."""

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


@dataclass(slots=True)
class Progress:
    """How far a training came: with the seed it says which examples come next.

    Attributes:
        step: optimizer steps taken.
        best_loss: the least validation loss so far, in nats a token.
        best_step: its step; 0 before the first validation.
        missed: validations since then.
    """

    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    missed: int = 0


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


def batches_from(step: int, total: int, lengths: Sequence[int], batch_size: int, *, seed: int) -> Iterator[list[int]]:
    """The batches from a step to the last, each epoch's in an order of its own.

    Args:
        step: optimizer steps already taken.
        total: steps in all.
        lengths: tokens of each example.
        batch_size: examples in a batch.
        seed: of the run.
    """
    per_epoch = math.ceil(len(lengths) / batch_size)
    while step < total:
        epoch, done = divmod(step, per_epoch)
        for batch in list(epoch_batches(lengths, batch_size, seed=seed, epoch=epoch))[done : done + total - step]:
            step += 1
            yield batch


class Savable(Protocol):
    """A training that can be saved and asked to end."""

    save: Save
    stop: Stop
    accelerator: Accelerator


def save_if_due(trainer: Savable, step: int, every: int | None, *, saved: bool) -> None:
    """Saves what is due after a step; asked to end, saves what is not saved yet, and ends.

    Args:
        trainer: the training.
        step: optimizer steps taken.
        every: steps between saves; None for no others than those of the best.
        saved: whether this step was saved already.
    """
    asked = any_of(trainer.stop.asked, trainer.accelerator)
    due = every is not None and step % every == 0
    if not saved and (due or asked):
        trainer.save(step, {}, best=False)
    if asked:
        trainer.stop.leave()


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
        stop: whether the training was asked to end.

    Attributes:
        progress: how far it came.
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
        stop: Stop | None = None,
    ) -> None:
        self.backbone = backbone
        self.settings = settings
        self.accelerator = accelerator
        self.seed = seed
        self.emit = emit
        self.save = save
        self.stop = Stop() if stop is None else stop
        self.progress = Progress()
        self.pad = int(backbone.tokenizer.pad_token_id)
        self.peak = effective_learning_rate(settings.learning_rate, backbone.hidden_size, scaled=scaled)
        backbone.model.to(accelerator.device)
        optimizer = torch.optim.AdamW(
            backbone.trained(), lr=self.peak, weight_decay=settings.weight_decay, betas=(0.9, 0.95)
        )
        self.model, self.optimizer = accelerator.prepare(ResponseModel(backbone.model), optimizer)

    def train(self, train: Sequence[Encoded], valid: Sequence[Encoded], *, save_every: int | None = None) -> SFTResult:
        """Runs from the present step to the last, or until the patience is out; the best is saved as best.

        Args:
            train: what is learned from.
            valid: what early stopping looks at.
            save_every: steps between checkpoints beside those of the best; None for no others.

        Raises:
            DivergedError: the validation loss is not finite.
        """
        settings, progress = self.settings, self.progress
        per_epoch = math.ceil(len(train) / settings.batch_size)
        total = settings.max_steps or settings.epochs * per_epoch
        every = max(1, per_epoch // settings.evaluations_per_epoch)
        lengths = [len(row.prompt) + len(row.target) for row in train]
        if progress.step == 0:
            seed_all(self.seed)
        with self.stop.held():
            for batch in batches_from(progress.step, total, lengths, settings.batch_size, seed=self.seed):
                if progress.missed >= settings.patience:
                    break
                self._step([train[index] for index in batch], progress.step, total)
                progress.step += 1
                due = progress.step % every == 0 or progress.step >= total
                saved = due and self._validate(valid)
                save_if_due(self, progress.step, save_every, saved=saved)
        return SFTResult(progress.step, progress.best_step, progress.best_loss, progress.step < total)

    def _validate(self, valid: Sequence[Encoded]) -> bool:
        """Measures the validation loss; saves the model if it is the least so far, and returns whether it was.

        Raises:
            DivergedError: it is not finite.
        """
        progress = self.progress
        loss = self.validate(valid)
        if not math.isfinite(loss):
            raise DivergedError(
                f"the validation loss is {loss} at step {progress.step}",
                at=f"baseline, step {progress.step}",
                fix="lower the learning rate: --learning_rate 1e-5",
            )
        values = {"eval/loss": loss, "eval/perplexity": math.exp(min(loss, MOST_NATS))}
        self.emit(self.stage, "validation", progress.step, **values)
        if loss >= progress.best_loss:
            progress.missed += 1
            return False
        progress.best_loss, progress.best_step, progress.missed = loss, progress.step, 0
        self.save(progress.step, {"eval/loss": loss}, best=True)
        return True

    def write_state(self, folder: Path) -> None:
        """Writes the backbone as a plain model folder, and under `trainer/` all that a resume needs."""
        self.backbone.save(folder)
        write_state(folder, self._parts(), asdict(self.progress))
        if self.backbone.adapted:
            save_file(self._trained_weights(), folder / FOLDER / TRAINED_WEIGHTS)

    def restore(self, folder: Path) -> None:
        """Takes up what `write_state` wrote: what follows equals an uninterrupted run bit for bit on one machine.

        Raises:
            DataError: the folder has no state, or that of another training.
        """
        if self.backbone.adapted:
            copy_named(self.backbone.model, load_file(folder / FOLDER / TRAINED_WEIGHTS))
        else:
            self.backbone.restore(folder)
        numbers = read_state(folder, self._parts())
        self.progress = Progress(**{**numbers, "best_loss": float(numbers["best_loss"])})

    def _parts(self) -> Parts:
        return Parts({"model": self.optimizer}, scaler=self.accelerator.scaler)

    def _trained_weights(self) -> dict[str, torch.Tensor]:
        """All weights that are trained, by name: the rows of new tokens too, which the model's files hold merged."""
        found = self.backbone.model.named_parameters()
        return {name: weight.detach().contiguous() for name, weight in found if weight.requires_grad}

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
