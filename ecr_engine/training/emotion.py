"""Trains the emotion recogniser: a pretrained encoder, fine-tuned whole on labelled texts, many labels a text.

1. start the head's biases at how often each label occurs
2. for each batch of texts of like length: focal loss, backward, clip, step; a smaller rate for each lower layer
3. after each epoch: tune a threshold for each label on dev, and keep the weights with the best macro-F1
4. stop when that has not risen for `patience` epochs
5. measure what the recogniser shows of the test split, beside the lexical default and the majority
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ecr_engine.config.sections.training import EmotionSettings
from ecr_engine.data.staging import staged
from ecr_engine.emotion.goemotions import COVERED, MAPPING, MASK, LabelledCorpus, LabelledText
from ecr_engine.emotion.recognition import RECOGNISERS, EmotionRecogniser
from ecr_engine.emotion.trained import FACTS, Decision, TrainedRecogniser
from ecr_engine.errors import DivergedError
from ecr_engine.models.backbone import effective_learning_rate
from ecr_engine.models.classifier import TextClassifier, build_classifier
from ecr_engine.models.placement import global_sum, make_accelerator, own_share
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.events import Emit
from ecr_engine.runs.sealing import seal
from ecr_engine.training._layerwise import parameter_groups
from ecr_engine.training.emotion_plan import check_encoder, check_output, check_texts, not_covered, planned_steps
from ecr_engine.training.emotion_report import EmotionReport, best_thresholds, confusion, scores
from ecr_engine.training.sft import epoch_batches, learning_rate

if TYPE_CHECKING:
    from accelerate import Accelerator

STAGE = "emotion"
"""Name of the stage in events."""

DEFAULT = "lexical"
"""The recogniser that a trained one has to beat."""

_LEAST_SHARE = 1e-3
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class EmotionFit:
    """What a training came to.

    Attributes:
        steps: optimizer steps taken.
        best_epoch: the epoch whose weights were kept, from 1.
        dev_macro_f1: macro-F1 of the dev split then, each label by itself.
        thresholds: of each label, in the order of `COVERED`.
        seconds: how long it took, the evaluations on dev included.
    """

    steps: int
    best_epoch: int
    dev_macro_f1: float
    thresholds: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class EmotionTraining:
    """A recogniser that was trained and written.

    Attributes:
        folder: where it is.
        encoder: what was fine-tuned.
        fingerprint: of the data.
        train: texts that were learned from.
        dev: texts that thresholds were tuned on.
        fit: how the training went.
        report: how good it is.
    """

    folder: Path
    encoder: str
    fingerprint: str
    train: int
    dev: int
    fit: EmotionFit
    report: EmotionReport


def focal_loss(logits: Tensor, truth: Tensor, gamma: float) -> Tensor:
    """Focal loss of each text, summed over its labels (Lin et al., ICCV 2017, equation 4).

    -(1 - p)^gamma log p, where p is the probability that is given to what is true of a label.

    Args:
        logits: [B, L].
        truth: [B, L], 0 or 1.
        gamma: how much less what is nearly right counts; 0 is plain cross-entropy.

    Returns:
        [B], in nats.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    # 1 - p; kept off 0, where a power below 1 has no slope.
    missing = (-torch.expm1(-cross_entropy)).clamp(min=_TINY)
    return (missing**gamma * cross_entropy).sum(-1)


class EmotionTrainer:
    """Trains a classifier on labelled texts.

    Args:
        classifier: what is trained, in place; one output for each of `COVERED`.
        settings: the section `[emotion]`.
        accelerator: placement and processes; precision is a matter of the settings.
        seed: of order and dropout.
        scaled: whether the learning rate is stated for width 4096.
        emit: how progress is told.
    """

    def __init__(
        self,
        classifier: TextClassifier,
        settings: EmotionSettings,
        accelerator: Accelerator,
        *,
        seed: int,
        scaled: bool,
        emit: Emit,
    ) -> None:
        self.classifier = classifier
        self.settings = settings
        self.accelerator = accelerator
        self.seed = seed
        self.emit = emit
        self.peak = effective_learning_rate(settings.learning_rate, classifier.hidden_size, scaled=scaled)
        classifier.to(accelerator.device)
        groups = parameter_groups(
            classifier,
            layer_decay=settings.layer_decay,
            head_factor=settings.head_factor,
            weight_decay=settings.weight_decay,
        )
        optimizer = torch.optim.AdamW(groups, lr=self.peak, fused=True)
        self.model, self.optimizer = accelerator.prepare(classifier, optimizer)

    def train(
        self, train: Sequence[LabelledText], dev: Sequence[LabelledText], *, most_steps: int | None
    ) -> EmotionFit:
        """Trains, and leaves the weights of the best epoch in the classifier.

        Args:
            train: what is learned from.
            dev: what thresholds and the best epoch are chosen on.
            most_steps: optimizer steps at most; None for no limit but the epochs.
        """
        started = time.perf_counter()
        settings = self.settings
        rows, truth = self.classifier.encode([text.text for text in train]), _truth(train)
        dev_rows, dev_truth = self.classifier.encode([text.text for text in dev]), _truth(dev)
        total = planned_steps(len(train), settings, most_steps)
        _start_at_shares(self.classifier, truth)
        torch.manual_seed(self.seed)
        step, missed = 0, 0
        best = EmotionFit(0, 0, -math.inf, (), 0.0)
        kept: dict[str, Tensor] = {}
        for epoch in range(settings.epochs):
            batches = list(epoch_batches(list(map(len, rows)), settings.batch_size, seed=self.seed, epoch=epoch))
            for batch in batches[: total - step]:
                self._step([rows[index] for index in batch], truth[batch], step, total)
                step += 1
            macro, thresholds = self._validate(dev_rows, dev_truth, step)
            missed = 0 if macro > best.dev_macro_f1 else missed + 1
            if not missed:
                best = EmotionFit(step, epoch + 1, macro, thresholds, 0.0)
                kept = {name: weight.detach().clone() for name, weight in self.classifier.state_dict().items()}
            if missed >= settings.patience or step >= total:
                break
        self.classifier.load_state_dict(kept)
        return EmotionFit(step, best.best_epoch, best.dev_macro_f1, best.thresholds, time.perf_counter() - started)

    def _step(self, rows: Sequence[Sequence[int]], truth: Tensor, step: int, total: int) -> None:
        started = time.perf_counter()
        self.model.train()
        warmup = max(1, round(total * self.settings.warmup_share))
        rate = learning_rate(step, total, warmup, self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        own = own_share(range(len(rows)), self.accelerator)
        device = self.accelerator.device
        ids, mask = self.classifier.collate([rows[index] for index in own])
        with torch.autocast(device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            logits = self.model(ids.to(device), mask.to(device))
        loss = focal_loss(logits.float(), truth[list(own)].to(device), self.settings.gamma).sum() / len(rows)
        self.accelerator.backward(loss * self.accelerator.num_processes)
        norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm))
        if not math.isfinite(norm):
            fix = f"lower the learning rate: --set emotion.learning_rate={self.settings.learning_rate / 3:.1g}"
            raise DivergedError("the gradient is not finite", at=f"emotion, step {step + 1}", fix=fix)
        self.optimizer.step()
        self.optimizer.zero_grad()
        values = {
            "train/loss": global_sum(float(loss.detach()), self.accelerator),
            "train/lr": rate,
            "train/grad_norm": norm,
            "perf/samples_per_s": len(rows) / (time.perf_counter() - started),
        }
        self.emit(STAGE, "step", step + 1, **values)
        self.emit(STAGE, "progress", step + 1, done=step + 1, total=total, what="steps")

    def _validate(self, rows: Sequence[Sequence[int]], truth: Tensor, step: int) -> tuple[float, tuple[float, ...]]:
        """Macro-F1 over the labels that a text shows, and the thresholds that it takes."""
        probabilities = self.classifier.probabilities(rows).numpy()
        found = best_thresholds(probabilities, truth.numpy().astype(bool))
        shown = probabilities >= np.array(found, dtype=probabilities.dtype)
        macro = scores("dev", _named(truth.numpy()), _named(shown), COVERED).macro.f1
        self.emit(STAGE, "validation", step, **{"eval/macro_f1": macro})
        return macro, tuple(found)


def train_emotion(
    corpus: LabelledCorpus,
    output: Path,
    settings: EmotionSettings,
    *,
    seed: int,
    scaled: bool,
    device: torch.device,
    emit: Emit,
    most_steps: int | None = None,
) -> EmotionTraining:
    """Trains a recogniser, measures it, and writes it into a folder that is complete or not there.

    Args:
        corpus: labelled texts.
        output: the folder to make, new or empty.
        settings: the section `[emotion]`.
        seed: of the head's weights, the order and the dropout.
        scaled: whether the learning rate is stated for width 4096.
        device: where it is trained.
        emit: how progress is told.
        most_steps: optimizer steps at most; None for no limit but the epochs.

    Raises:
        UnavailableError: the encoder can't be had.
        UsageError: the output folder is not empty, or can't be made; the encoder's name is that of something else.
        DataError: all training texts show the same.
        DivergedError: the gradient is no longer finite.
    """
    check_output(output)
    check_encoder(settings.encoder)
    check_texts(corpus)
    with staged(output, lambda folder: False) as staging:
        emit(STAGE, "stage_started")
        started = time.perf_counter()
        _warn_of_gaps(corpus.train, emit)
        classifier = build_classifier(
            settings.encoder, len(COVERED), max_length=settings.max_length, seed=seed, at="emotion.encoder"
        )
        trainer = EmotionTrainer(
            classifier, settings, make_accelerator(device, "no"), seed=seed, scaled=scaled, emit=emit
        )
        fit = trainer.train(corpus.train, corpus.dev, most_steps=most_steps)
        decision = Decision(COVERED, dict(zip(COVERED, fit.thresholds, strict=True)))
        recogniser = TrainedRecogniser(str(output), classifier, decision, slot=MASK, encoder=settings.encoder)
        training = EmotionTraining(
            folder=output,
            encoder=settings.encoder,
            fingerprint=corpus.fingerprint,
            train=len(corpus.train),
            dev=len(corpus.dev),
            fit=fit,
            report=measure(recogniser, corpus),
        )
        classifier.save(staging)
        write_json(staging / FACTS, _facts(training, decision, classifier.max_length, settings, seed))
        seal(staging, fit.steps, {"eval/macro_f1": fit.dev_macro_f1}, best=True)
        emit(STAGE, "stage_finished", fit.steps, seconds=time.perf_counter() - started)
    return training


def measure(recogniser: EmotionRecogniser, corpus: LabelledCorpus) -> EmotionReport:
    """What a recogniser shows of the test split, beside the lexical default and the majority of the training split."""
    texts = [text.text for text in corpus.test]
    truth = [text.emotions for text in corpus.test]
    found = [_labels(emotions) for emotions in recogniser.recognise(texts)]
    by_words = [_labels(emotions) for emotions in RECOGNISERS.build(DEFAULT).recognise(texts)]
    most = Counter(emotion for text in corpus.train for emotion in text.emotions).most_common(1)[0][0]
    return EmotionReport(
        texts=len(texts),
        trained=scores("trained", truth, found, COVERED),
        lexical=scores(DEFAULT, truth, by_words, COVERED),
        majority=scores(f"always {most}", truth, [(most,)] * len(texts), COVERED),
        not_covered=not_covered(),
        confusion=confusion(truth, found, COVERED),
    )


def _truth(texts: Sequence[LabelledText]) -> Tensor:
    """[N, labels], 1 where a text shows a label."""
    return torch.tensor([[float(label in text.emotions) for label in COVERED] for text in texts])


def _named(shown: Any) -> list[tuple[str, ...]]:
    """The labels that are not 0 in each row of an array [N, labels]."""
    return [tuple(label for label, value in zip(COVERED, row, strict=True) if value) for row in shown.tolist()]


def _labels(emotions: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    return tuple(label for label, _ in emotions)


def _start_at_shares(classifier: TextClassifier, truth: Tensor) -> None:
    """Sets the head's biases to the log-odds of the labels, so that rare ones do not drown the first steps.

    Lin et al., section 4.1.
    """
    shares = truth.mean(0).clamp(_LEAST_SHARE, 1 - _LEAST_SHARE)
    with torch.no_grad():
        classifier.head.bias.copy_(torch.logit(shares))


def _warn_of_gaps(train: Sequence[LabelledText], emit: Emit) -> None:
    there = {emotion for text in train for emotion in text.emotions}
    absent = [label for label in COVERED if label not in there]
    if absent:
        what = f"no training text shows {', '.join(absent)}: it can't be learned"
        emit(STAGE, "warning", what=what, fix="train on more texts")


def _facts(
    training: EmotionTraining, decision: Decision, max_length: int, settings: EmotionSettings, seed: int
) -> dict[str, Any]:
    """What `emotion.json` holds; nothing in it depends on when or where it was made."""
    fit, report = training.fit, training.report
    return {
        "labels": decision.labels,
        "not_covered": report.not_covered,
        "thresholds": decision.thresholds,
        "max_length": max_length,
        "slot": MASK,
        "encoder": training.encoder,
        "source": "goemotions",
        "fingerprint": training.fingerprint,
        "mapping": MAPPING,
        "texts": {"train": training.train, "dev": training.dev, "test": report.texts},
        "training": {
            "settings": settings.model_dump(mode="json"),
            "seed": seed,
            "steps": fit.steps,
            "best_epoch": fit.best_epoch,
            "dev_macro_f1": fit.dev_macro_f1,
        },
        "report": asdict(report),
    }
