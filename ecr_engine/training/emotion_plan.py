"""What a training of the emotion recogniser would do, and whether it can: known before a model is loaded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.config.sections.training import EmotionSettings
from ecr_engine.data.schema import EMOTIONS
from ecr_engine.emotion.goemotions import COVERED, LEAST, LabelledCorpus, LabelledText
from ecr_engine.emotion.trained import is_recogniser
from ecr_engine.errors import DataError, UsageError
from ecr_engine.models.registry import Use, find, model_names

SMOKE_TEXTS = 200
"""Texts of dev and of test that are looked at where only a few steps are made."""

_FROM_NOTHING = "small"


@dataclass(frozen=True, slots=True)
class EmotionPlan:
    """What would be trained.

    Attributes:
        output: the folder that would be made.
        fingerprint: of the data.
        texts: texts by split.
        labels: texts of each split that show each covered emotion.
        not_covered: emotions that the source has no example of.
        steps: optimizer steps.
        settings: the section `[emotion]`.
        seed: of the training.
        device: where it would run.
    """

    output: Path
    fingerprint: str
    texts: dict[str, int]
    labels: dict[str, dict[str, int]]
    not_covered: tuple[str, ...]
    steps: int
    settings: dict[str, Any]
    seed: int
    device: str


def plan_emotion(
    corpus: LabelledCorpus,
    output: Path,
    settings: EmotionSettings,
    *,
    seed: int,
    device: str,
    most_steps: int | None = None,
) -> EmotionPlan:
    """What `train_emotion` would do with the same arguments.

    Raises:
        UsageError: it would refuse the output or the encoder.
        DataError: it would refuse the texts.
    """
    check_output(output)
    check_encoder(settings.encoder)
    check_texts(corpus)
    splits = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}
    return EmotionPlan(
        output=output,
        fingerprint=corpus.fingerprint,
        texts={name: len(texts) for name, texts in splits.items()},
        labels={name: _counts(texts) for name, texts in splits.items()},
        not_covered=not_covered(),
        steps=planned_steps(len(corpus.train), settings, most_steps),
        settings=settings.model_dump(mode="json"),
        seed=seed,
        device=device,
    )


def cut(corpus: LabelledCorpus, settings: EmotionSettings, *, limit: int | None, smoke: int | None) -> LabelledCorpus:
    """As much of the corpus as is asked for.

    Args:
        corpus: all texts.
        settings: the section `[emotion]`.
        limit: texts of each split at most.
        smoke: optimizer steps at most; there are texts for so many, and `SMOKE_TEXTS` in the other splits.
    """
    few = None if smoke is None else max(LEAST, smoke * settings.batch_size)
    return corpus.limited(limit, limit).limited(few, None if smoke is None else SMOKE_TEXTS)


def planned_steps(texts: int, settings: EmotionSettings, most_steps: int | None) -> int:
    """Optimizer steps of a whole training."""
    steps = settings.epochs * math.ceil(texts / settings.batch_size)
    return steps if most_steps is None else min(steps, most_steps)


def not_covered() -> tuple[str, ...]:
    """The emotions that the source has no example of."""
    return tuple(emotion for emotion in EMOTIONS if emotion not in COVERED)


def check_output(output: Path) -> None:
    """Refuses to train over a recogniser.

    Raises:
        UsageError: the folder holds one.
    """
    if is_recogniser(output):
        raise UsageError(
            "the folder holds a trained recogniser already",
            at=str(output),
            fix=f"train another beside it: --output {output}-2; or remove this one",
        )


def check_encoder(name: str, at: str = "emotion.encoder", task: str = "recognise emotions") -> None:
    """Refuses a registered model that is no pretrained encoder.

    Args:
        name: a registered name, a folder or a hub id.
        at: the setting that names it, for the error.
        task: what it is to be fine-tuned for, for the error.

    Raises:
        UsageError: it is something else.
    """
    info = find(name)
    if info is not None and (Use.ENCODER not in info.uses or info.name == _FROM_NOTHING):
        pretrained = [encoder for encoder in model_names(Use.ENCODER) if encoder != _FROM_NOTHING]
        raise UsageError(
            f"'{name}' can't be fine-tuned to {task}: it is {info.what}",
            at=at,
            fix=f"use one of {', '.join(pretrained)}, or a folder with a pretrained encoder",
        )


def check_texts(corpus: LabelledCorpus) -> None:
    """Refuses to learn from texts that all show the same.

    Raises:
        DataError: they do.
    """
    shown = {text.emotions for text in corpus.train}
    if len(shown) == 1:
        raise DataError(
            f"all {len(corpus.train):,} training texts show {' and '.join(*shown)}",
            at="train.tsv",
            fix="train on texts of at least two emotions: nothing can be learned from one",
        )


def _counts(texts: Sequence[LabelledText]) -> dict[str, int]:
    found = Counter(emotion for text in texts for emotion in text.emotions)
    return {label: found[label] for label in COVERED}
