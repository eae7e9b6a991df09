"""Training of the empathy recogniser: class-weighted cross-entropy on EPITOME's levels, stopped early on validation.

1. cut the training pairs into batches of like length, in an order that changes with the epoch
2. for each batch: logits of all mechanisms, cross-entropy of each one over the pairs that are graded for it, their mean
3. after each epoch: macro-F1 of each mechanism on validation; the weights are kept if the mean is the best so far
4. stop when it has not become better for `patience` epochs, and put the best weights back
5. grade the test part, beside the lexical recogniser and the commonest level, and write the folder
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.config.sections.training import EmpathyTrainingSettings
from ecr_engine.data.schema import Split
from ecr_engine.data.staging import staged
from ecr_engine.emotion.empathy import LEVELS
from ecr_engine.emotion.epitome import MECHANISMS, EmpathyData, Pair
from ecr_engine.emotion.trained_empathy import predict
from ecr_engine.errors import DivergedError
from ecr_engine.models.backbone import effective_learning_rate
from ecr_engine.models.bi_encoder import BiEncoder, BiEncoderFacts, build_bi_encoder
from ecr_engine.models.placement import global_sum, make_accelerator, own_share
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.events import Emit
from ecr_engine.runs.sealing import seal
from ecr_engine.training.emotion_plan import check_encoder
from ecr_engine.training.empathy_scores import EmpathyReport, graded_scores, mean_macro_f1, mechanism_reports
from ecr_engine.training.sft import epoch_batches, learning_rate

if TYPE_CHECKING:
    from accelerate import Accelerator

STAGE = "empathy"

WARMUP_SHARE = 0.1
"""Share of the steps in which the learning rate rises."""

UNGRADED = -100
"""Stands for the level of a mechanism that a pair is not graded for; the loss leaves it out."""

REPORT = "report.json"
"""The report in the folder of a recogniser."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model is trained, and at which rate.

    Attributes:
        device: where it runs.
        scaled: whether the learning rate is stated for width 4096.
    """

    device: torch.device
    scaled: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """The weights that a training kept.

    Attributes:
        steps: optimizer steps taken in all.
        best_step: after how many of them the weights were kept.
        macro_f1: their macro-F1 on validation, the mean over the mechanisms.
    """

    steps: int
    best_step: int
    macro_f1: float


def class_weights(levels: Iterable[int]) -> tuple[float, ...]:
    """A weight for each level: n / (k·n_level), with k the number of levels that occur; 0 for one that does not.

    So every level that occurs weighs the same in all, and the mean weight of a row is 1.
    """
    counts = Counter(levels)
    total = counts.total()
    return tuple(total / (len(counts) * counts[level]) if counts[level] else 0.0 for level in range(len(LEVELS)))


class EmpathyTrainer:
    """Trains a bi-encoder on graded pairs.

    Args:
        model: what is trained, in place.
        data: the graded pairs; its mechanisms are the model's.
        settings: the section `[empathy_training]`.
        accelerator: placement and processes.
        seed: of order and dropout.
        scaled: whether the learning rate is stated for width 4096.
        emit: how progress is told.
    """

    def __init__(
        self,
        model: BiEncoder,
        data: EmpathyData,
        settings: EmpathyTrainingSettings,
        accelerator: Accelerator,
        *,
        seed: int,
        scaled: bool,
        emit: Emit,
    ) -> None:
        self.bare = model
        self.data = data
        self.settings = settings
        self.accelerator = accelerator
        self.seed = seed
        self.emit = emit
        self.peak = effective_learning_rate(settings.learning_rate, model.hidden_size, scaled=scaled)
        self._places = [MECHANISMS.index(name) for name in data.mechanisms]
        grades = [data.grades(name, Split.TRAIN) for name in data.mechanisms]
        self.weights = torch.tensor([class_weights(levels) for levels in grades], device=accelerator.device)
        model.to(accelerator.device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=self.peak, weight_decay=settings.weight_decay)
        self.model, self.optimizer = accelerator.prepare(model, optimizer)

    def train(self, *, max_steps: int | None = None) -> Kept:
        """Trains until the patience is out, and puts the best weights back.

        Args:
            max_steps: optimizer steps at most; those of the epochs if None.

        Raises:
            DivergedError: the loss is not finite.
        """
        pairs = self.data.parts[Split.TRAIN]
        lengths = [len(pair.seeker) + len(pair.response) for pair in pairs]
        total = self.settings.epochs * math.ceil(len(pairs) / self.settings.batch_size)
        total = min(total, max_steps or total)
        torch.manual_seed(self.seed)
        kept, best, missed, step = Kept(0, 0, -1.0), self._weights(), 0, 0
        for epoch in range(self.settings.epochs):
            for batch in epoch_batches(lengths, self.settings.batch_size, seed=self.seed, epoch=epoch):
                if step < total:
                    self._step([pairs[index] for index in batch], step, total)
                    step += 1
            score = self._validate(step)
            if score > kept.macro_f1:
                kept, best, missed = Kept(step, step, score), self._weights(), 0
            else:
                missed += 1
            if missed >= self.settings.patience or step >= total:
                break
        self.bare.load_state_dict(best)
        # What is written is run without mixed precision, so that is what has to be measured.
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        return Kept(step, kept.best_step, kept.macro_f1)

    def loss(self, logits: Tensor, levels: Tensor, everyone: Tensor) -> Tensor:
        """Class-weighted cross-entropy of each mechanism, averaged over those that somebody is graded for.

        Args:
            logits: [B, M, K].
            levels: [B, M], `UNGRADED` where a pair is not graded.
            everyone: the levels of the whole batch over all processes, [N, M], by which the sums are divided.
        """
        losses = []
        for place, weights in enumerate(self.weights):
            graded = everyone[:, place][everyone[:, place] != UNGRADED]
            mass = weights[graded].sum()
            if mass > 0:
                summed = F.cross_entropy(
                    logits[:, place], levels[:, place], weights, ignore_index=UNGRADED, reduction="sum"
                )
                losses.append(summed / mass)
        return torch.stack(losses).mean()

    def _levels(self, pairs: Sequence[Pair]) -> Tensor:
        rows = [[UNGRADED if pair.levels[p] is None else pair.levels[p] for p in self._places] for pair in pairs]
        return torch.tensor(rows, device=self.accelerator.device)

    def _step(self, pairs: Sequence[Pair], step: int, total: int) -> None:
        self.model.train()
        rate = learning_rate(step, total, max(1, int(total * WARMUP_SHARE)), self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        own = own_share(pairs, self.accelerator)
        texts = (*self.bare.encode([p.seeker for p in own]), *self.bare.encode([p.response for p in own]))
        logits = self.model(*(tensor.to(self.accelerator.device) for tensor in texts)).float()
        loss = self.loss(logits, self._levels(own), self._levels(pairs))
        self.accelerator.backward(loss * self.accelerator.num_processes)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        whole = global_sum(float(loss.detach()), self.accelerator)
        if not math.isfinite(whole):
            raise DivergedError(
                f"the loss is {whole} at step {step + 1}",
                at=f"{STAGE}, step {step + 1}",
                fix=f"lower the learning rate: --set empathy_training.learning_rate={self.settings.learning_rate / 10}",
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.emit(STAGE, "step", step + 1, **{"train/loss": whole, "train/lr": rate, "train/grad_norm": float(norm)})
        self.emit(STAGE, "progress", step + 1, done=step + 1, total=total, what="steps")

    def _validate(self, step: int) -> float:
        told = grade(self.bare, self.data.parts[Split.VALID])
        scores = graded_scores(self.data, Split.VALID, told)
        mean = mean_macro_f1(scores)
        by_name = {f"eval/{name}_macro_f1": found.macro_f1 for name, found in scores.items()}
        self.emit(STAGE, "validation", step, **{"eval/macro_f1": mean, **by_name})
        return mean

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in self.bare.state_dict().items()}


def grade(model: BiEncoder, pairs: Sequence[Pair]) -> dict[str, list[int]]:
    """Mechanism to the model's level for each pair."""
    rows = predict(model, [(pair.seeker, pair.response) for pair in pairs])
    return {name: [row[place] for row in rows] for place, name in enumerate(model.facts.mechanisms)}


def train_empathy(
    data: EmpathyData,
    output: Path,
    settings: EmpathyTrainingSettings,
    placement: Placement,
    *,
    seed: int,
    emit: Emit,
    max_steps: int | None = None,
) -> EmpathyReport:
    """Trains a recogniser and writes its folder, which is complete or not there.

    Args:
        data: the graded pairs.
        output: the folder to make: new, or empty.
        settings: the section `[empathy_training]`.
        placement: where and how it is trained.
        seed: of everything random.
        emit: how progress is told.
        max_steps: optimizer steps at most; those of the epochs if None.

    Raises:
        UsageError: `output` is there already, or the encoder can't be used.
        UnavailableError: the encoder can't be had.
        DivergedError: the loss is not finite.
    """
    check_encoder(settings.encoder, "empathy_training.encoder", "grade empathy")
    with staged(output, lambda folder: False) as folder:
        emit(STAGE, "stage_started")
        started = time.perf_counter()
        facts = BiEncoderFacts(
            settings.encoder, data.mechanisms, len(LEVELS), settings.max_length, dropout=settings.dropout
        )
        model = build_bi_encoder(facts, seed=seed)
        accelerator = make_accelerator(placement.device, settings.precision)
        trainer = EmpathyTrainer(model, data, settings, accelerator, seed=seed, scaled=placement.scaled, emit=emit)
        kept = trainer.train(max_steps=max_steps)
        report = EmpathyReport(
            folder=str(output),
            encoder=settings.encoder,
            seed=seed,
            posts={part.value: data.posts(part) for part in Split},
            steps=kept.steps,
            best_step=kept.best_step,
            validation_macro_f1=kept.macro_f1,
            mechanisms=mechanism_reports(data, grade(model, data.parts[Split.TEST])),
        )
        model.save(folder)
        write_json(folder / REPORT, {name: value for name, value in asdict(report).items() if name != "folder"})
        seal(folder, kept.steps, {"eval/macro_f1": kept.macro_f1}, best=True)
        emit(STAGE, "stage_finished", kept.steps, seconds=time.perf_counter() - started)
    return report
