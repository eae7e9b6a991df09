"""How well graded empathy is recognised: accuracy and macro-F1 of levels, beside those of simpler ways to grade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecr_engine.data.schema import Split
from ecr_engine.emotion.empathy import EMPATHY_RECOGNISERS, LEVELS
from ecr_engine.emotion.epitome import MECHANISMS, EmpathyData

LEXICAL = "lexical"
"""The recogniser that a trained one has to beat."""


@dataclass(frozen=True, slots=True)
class LevelScores:
    """How well levels were told.

    Attributes:
        accuracy: share of the pairs with the right level.
        macro_f1: mean of the F1 of the levels that occur.
        f1: F1 of each level, in the order of `LEVELS`; None for a level that does not occur.
    """

    accuracy: float
    macro_f1: float
    f1: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MechanismReport:
    """One mechanism on the test part.

    Attributes:
        file: where its grades are from.
        rows: graded pairs of each part.
        levels: how often each level occurs on test, by name.
        trained: scores of the trained recogniser.
        lexical: scores of the lexical one.
        majority: scores of always saying the commonest level of the training part.
    """

    file: str
    rows: Mapping[str, int]
    levels: Mapping[str, int]
    trained: LevelScores
    lexical: LevelScores
    majority: LevelScores


@dataclass(frozen=True, slots=True)
class EmpathyReport:
    """What a training came to.

    Attributes:
        folder: where the recogniser is.
        encoder: what it was trained from.
        seed: of the training.
        posts: different posts in each part; no post is in two.
        steps: optimizer steps taken.
        best_step: the step of the weights that were kept.
        validation_macro_f1: their macro-F1 on the validation part, the mean over the mechanisms.
        mechanisms: the report of each mechanism; None for one that had no file.
    """

    folder: str
    encoder: str
    seed: int
    posts: Mapping[str, int]
    steps: int
    best_step: int
    validation_macro_f1: float
    mechanisms: Mapping[str, MechanismReport | None]


def level_scores(truth: Sequence[int], told: Sequence[int]) -> LevelScores:
    """The scores of levels that were told.

    Args:
        truth: the right levels, at least one.
        told: as many, of a recogniser.
    """
    right = Counter(want for want, got in zip(truth, told, strict=True) if want == got)
    wanted, given = Counter(truth), Counter(told)
    f1 = tuple(
        2 * right[level] / (wanted[level] + given[level]) if wanted[level] else None for level in range(len(LEVELS))
    )
    occurring = [value for value in f1 if value is not None]
    return LevelScores(right.total() / len(truth), sum(occurring) / len(occurring), f1)


def mean_macro_f1(scores: Mapping[str, LevelScores]) -> float:
    """The mean of the macro-F1 of all mechanisms."""
    return sum(found.macro_f1 for found in scores.values()) / len(scores)


def graded_scores(data: EmpathyData, part: Split, told: Mapping[str, Sequence[int]]) -> dict[str, LevelScores]:
    """The scores of each mechanism that has a file.

    Args:
        data: the graded pairs.
        part: the part that was graded.
        told: mechanism to a level for each pair of the part; those of pairs without a grade are not looked at.
    """
    scores = {}
    for mechanism in data.mechanisms:
        place = MECHANISMS.index(mechanism)
        both = [
            (truth, level)
            for pair, level in zip(data.parts[part], told[mechanism], strict=True)
            if (truth := pair.levels[place]) is not None
        ]
        scores[mechanism] = level_scores([truth for truth, _ in both], [level for _, level in both])
    return scores


def mechanism_reports(data: EmpathyData, told: Mapping[str, Sequence[int]]) -> dict[str, MechanismReport | None]:
    """The report of every mechanism on the test part, the baselines beside.

    Args:
        data: the graded pairs.
        told: mechanism to the trained recogniser's level for each pair of the test part.
    """
    test = data.parts[Split.TEST]
    graded = EMPATHY_RECOGNISERS.build(LEXICAL).levels([(pair.seeker, pair.response) for pair in test])
    by_words = {name: [levels._asdict()[name] for levels in graded] for name in MECHANISMS}
    common = {name: _commonest(data.grades(name, Split.TRAIN)) for name in data.mechanisms}
    trained = graded_scores(data, Split.TEST, told)
    lexical = graded_scores(data, Split.TEST, by_words)
    majority = graded_scores(data, Split.TEST, {name: [level] * len(test) for name, level in common.items()})
    return {
        name: MechanismReport(
            file=str(data.files[name]),
            rows={part.value: len(data.grades(name, part)) for part in Split},
            levels=_occurrences(data.grades(name, Split.TEST)),
            trained=trained[name],
            lexical=lexical[name],
            majority=majority[name],
        )
        if name in data.files
        else None
        for name in MECHANISMS
    }


def _commonest(levels: Sequence[int]) -> int:
    """The level that occurs most often, the lower of two."""
    counts = Counter(levels)
    return min(counts, key=lambda level: (-counts[level], level))


def _occurrences(levels: Sequence[int]) -> dict[str, int]:
    counts = Counter(levels)
    return {name: counts[level] for level, name in enumerate(LEVELS)}
