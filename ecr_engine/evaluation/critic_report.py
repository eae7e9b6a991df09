"""How well a critic predicts held-out judgements, head by head, beside predictors that have not read a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecr_engine.data.schema import Split
from ecr_engine.evaluation.prediction import Draws, Estimate, PredictionScores, Vector, mean_ranks, prediction_scores
from ecr_engine.models.critic import CriticModel
from ecr_engine.models.critic_predictions import Predictions
from ecr_engine.training.critic import predictions_of
from ecr_engine.training.critic_labels import OVERALL, JudgedResponse, JudgedSet
from ecr_engine.training.critic_look import BEFORE

RESAMPLES = 1000
"""Bootstrap resamples at most: the ranks of each have to be found anew."""

KNOTS = 8
"""Places at which the line of the length-only predictor may bend."""

CROSSED = 0.1
"""How much better the heads must fit each other's labels before their labels count as crossed."""


@dataclass(frozen=True, slots=True)
class HeadReport:
    """One head on the test part.

    Attributes:
        head: its name: `overall`, `before the response`, a dimension or an emotion.
        kind: "value", "quality" or "emotion".
        mean: mean of the labels, as shares of the range.
        spread: their standard deviation.
        critic: how well the head predicts them.
        mean_predictor: the same of the training labels' mean.
        length_only: the same of a line through the training labels over the number of words, bent at a few places.
        beats: whether the interval of the critic's Spearman lies above those of both others.
    """

    head: str
    kind: str
    mean: float
    spread: float
    critic: PredictionScores
    mean_predictor: PredictionScores
    length_only: PredictionScores
    beats: bool


@dataclass(frozen=True, slots=True)
class Crossing:
    """A head that fits the labels of another one better than its own.

    Attributes:
        head: the head.
        follows: the dimension whose labels it fits.
        own: its Spearman with its own labels.
        other: its Spearman with those.
    """

    head: str
    follows: str
    own: float
    other: float


@dataclass(frozen=True, slots=True)
class CriticReport:
    """A critic on the part of the judged responses that nothing was chosen on.

    Attributes:
        judges: whose scores it predicts.
        encoder: what it was made from.
        rows: judged responses by part.
        dialogues: dialogues by part.
        heads: the heads that have labels, `overall` first.
        crossed: heads whose labels look crossed; empty is how it should be.
        confidence: confidence of the intervals.
        resamples: resamples behind them.
    """

    judges: tuple[str, ...]
    encoder: str
    rows: Mapping[str, int]
    dialogues: Mapping[str, int]
    heads: tuple[HeadReport, ...]
    crossed: tuple[Crossing, ...]
    confidence: float
    resamples: int

    def head(self, name: str) -> HeadReport:
        """The head called `name`, which the report has."""
        return next(found for found in self.heads if found.head == name)


@dataclass(frozen=True, slots=True)
class HeadColumns:
    """One head's predictions and labels on the test part, and what the length-only predictor reads.

    Attributes:
        head: its name.
        kind: "value", "quality" or "emotion".
        said: the predictions.
        truth: the labels.
        known: the labels of the training part.
        words: words of each test row: of the response, or of the context where the head reads no more.
        known_words: words of each training row.
    """

    head: str
    kind: str
    said: tuple[float, ...]
    truth: tuple[float, ...]
    known: tuple[float, ...]
    words: tuple[int, ...]
    known_words: tuple[int, ...]


def head_columns(said: Predictions, judged: JudgedSet) -> tuple[HeadColumns, ...]:
    """The heads side by side with their labels, by name: value heads, then dimensions, then emotions that occur.

    Args:
        said: what the critic says of the test part.
        judged: the judged responses.
    """
    return tuple(_columns(said, judged.parts[Split.TRAIN], judged.parts[Split.TEST]))


def _columns(
    said: Predictions, train: Sequence[JudgedResponse], test: Sequence[JudgedResponse]
) -> Iterator[HeadColumns]:
    answers = tuple(_words(row.response) for row in test), tuple(_words(row.response) for row in train)
    contexts = tuple(_words(row.context) for row in test), tuple(_words(row.context) for row in train)
    overall = tuple(row.overall for row in test), tuple(row.overall for row in train)
    yield HeadColumns(OVERALL, "value", said.value, *overall, *answers)
    yield HeadColumns(BEFORE, "value", said.before, *overall, *contexts)
    for name, scores in said.quality.items():
        labels = tuple(row.quality[name] for row in test), tuple(row.quality[name] for row in train)
        yield HeadColumns(name, "quality", scores, *labels, *answers)
    for name, chances in said.emotions.items():
        shown = tuple(tuple(float(name in row.emotions) for row in rows) for rows in (test, train))
        if len(set(shown[0])) > 1:
            yield HeadColumns(name, "emotion", chances, shown[0], shown[1], *contexts)


def measure_critic(
    critic: CriticModel, judged: JudgedSet, *, resamples: int, confidence: float, seed: int
) -> tuple[CriticReport, tuple[HeadColumns, ...]]:
    """Measures a critic on the test part.

    Args:
        critic: the critic, its heads named as the labels are.
        judged: the judged responses.
        resamples: bootstrap resamples of the intervals; `RESAMPLES` at most.
        confidence: confidence of the intervals.
        seed: seed of the resampling.

    Returns:
        The report, and what it was made from.
    """
    test = judged.parts[Split.TEST]
    columns = head_columns(predictions_of(critic, test), judged)
    draws = Draws([row.conversation_id for row in test], min(resamples, RESAMPLES), confidence, seed)
    report = CriticReport(
        judges=critic.origin.judges,
        encoder=critic.origin.encoder,
        rows={split.value: len(rows) for split, rows in judged.parts.items()},
        dialogues={split.value: len({row.conversation_id for row in rows}) for split, rows in judged.parts.items()},
        heads=tuple(_head(each, draws) for each in columns),
        crossed=crossings([each for each in columns if each.kind == "quality"]),
        confidence=confidence,
        resamples=draws.resamples,
    )
    return report, columns


def _head(columns: HeadColumns, draws: Draws) -> HeadReport:
    truth = np.array(columns.truth)
    mean = float(np.mean(columns.known))
    critic = prediction_scores(columns.said, columns.truth, draws)
    others = [
        prediction_scores([mean] * len(truth), columns.truth, draws),
        prediction_scores(length_only(columns.known_words, columns.known, columns.words), columns.truth, draws),
    ]
    return HeadReport(
        head=columns.head,
        kind=columns.kind,
        mean=float(truth.mean()),
        spread=float(truth.std()),
        critic=critic,
        mean_predictor=others[0],
        length_only=others[1],
        beats=all(_above(critic.spearman, other.spearman) for other in others),
    )


def _above(a: Estimate, b: Estimate) -> bool:
    return a.interval is not None and b.interval is not None and a.interval.low > b.interval.high


def length_only(known_words: Sequence[int], known: Sequence[float], words: Sequence[int]) -> list[float]:
    """What a label would be by the number of words alone: least squares on a line that bends at quantiles.

    Args:
        known_words: words of the training rows.
        known: their labels.
        words: words of the rows to predict.
    """
    inner = np.quantile(known_words, np.linspace(0, 1, KNOTS + 2)[1:-1])
    knots = np.unique(inner)
    weights, *_ = np.linalg.lstsq(_bent(known_words, knots), np.array(known), rcond=None)
    # Beyond what was seen the line would run anywhere.
    seen = np.clip(words, min(known_words), max(known_words))
    found: list[float] = (_bent(seen, knots) @ weights).tolist()
    return found


def _bent(words: Sequence[int] | Vector, knots: Vector) -> Vector:
    """A constant, the words, and the words beyond each knot, [rows, 2 + knots]."""
    count = np.asarray(words, dtype=np.float64)
    return np.column_stack([np.ones(len(count)), count, np.maximum(0, count[:, None] - knots)])


def _words(text: str) -> int:
    return len(text.split())


def crossings(columns: Sequence[HeadColumns]) -> tuple[Crossing, ...]:
    """The heads whose labels look crossed.

    A head follows another dimension if it ranks that one's labels better than its own, and better than that one's own
    head does, each time by `CROSSED` and three standard errors of a chance correlation. A head that is merely weak
    passes: the labels it resembles have a better head.

    Args:
        columns: the quality heads.
    """
    said = np.array([_centred(mean_ranks(each.said)) for each in columns])
    truth = np.array([_centred(mean_ranks(each.truth)) for each in columns])
    fits = said @ truth.T if len(columns) > 1 else np.zeros((0, 0))
    own = np.diag(fits)
    margin = CROSSED + 3 / np.sqrt(max(1, said.shape[-1] - 1))
    pairs = [(head, label) for head, label in np.ndindex(fits.shape) if head != label]
    return tuple(
        Crossing(columns[head].head, columns[label].head, float(own[head]), float(fits[head, label]))
        for head, label in pairs
        if fits[head, label] - max(own[head], own[label]) > margin
    )


def _centred(ranks: Vector) -> Vector:
    """Ranks with mean 0 and length 1; all 0 where they are all the same."""
    centred: Vector = ranks - ranks.mean()
    length = float(np.linalg.norm(centred))
    return np.divide(centred, length) if length else centred


def summary(report: CriticReport) -> dict[str, float]:
    """The figures of `overall` by event key."""
    scores = report.head(OVERALL)
    values = {
        "r2": scores.critic.r2.value,
        "spearman": scores.critic.spearman.value,
        "pearson": scores.critic.pearson.value,
        "mse": scores.critic.mse.value,
        "mean_mse": scores.mean_predictor.mse.value,
        "length_mse": scores.length_only.mse.value,
        "value_r2": report.head(BEFORE).critic.r2.value,
    }
    return {f"critic/{name}": value for name, value in values.items() if value is not None}


def to_json(report: CriticReport) -> dict[str, Any]:
    """The report in the types that JSON has."""
    from dataclasses import asdict

    return asdict(report)
