"""How much of a judge's scores comes from where a response stands and from how long it is.

Position: the same responses are judged side by side twice, the second time in the opposite order (the swap test of
Zheng et al., "Judging LLM-as-a-Judge", arXiv 2306.05685, section 3.4). Length: scores against the number of words.
Neither is wrong by itself, since longer responses may be better; both have to be known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np

from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.listwise import ListedJudgement, ListedTurn, ListJudge
from ecr_engine.scoring.store import JudgedRow

Z_95 = 1.959963984540054
"""Quantile of the normal distribution for an interval of 95 %."""

LEAST_ROWS = 4
"""Fewer rows than this have no interval of a correlation."""


@dataclass(frozen=True, slots=True)
class PositionBias:
    """What the swap test found for one dimension.

    Attributes:
        dimension: its name.
        turns: turns that were judged in both orders without a failure.
        preference: mean score where a response stood earlier, less its score where it stood later, in the dimension's
            units; 0 for a judge that does not look at the place, positive for one that favours what comes first.
        interval: 95 % interval of it over turns (normal); None with fewer than two turns.
        shift: mean of the difference's absolute value: how far a score moves when the order does.
        flipped: share of pairs of responses whose better one changes with the order, among the pairs that have a
            better one in both orders; None if there is no such pair.
    """

    dimension: str
    turns: int
    preference: float
    interval: tuple[float, float] | None
    shift: float
    flipped: float | None


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How one dimension's scores go with the length of responses.

    Attributes:
        dimension: its name.
        rows: judged responses, failures left out.
        pearson: correlation of score and number of words; None if one of the two is constant.
        spearman: the same of their ranks.
        interval: 95 % interval of `spearman` (Fisher's z with the variance of Bonett and Wright 2000); None if there is
            no `spearman`, or fewer than four rows.
    """

    dimension: str
    rows: int
    pearson: float | None
    spearman: float | None
    interval: tuple[float, float] | None


def swap_test(judge: ListJudge, turns: Sequence[ListedTurn], *, seed: int = 0) -> tuple[PositionBias, ...]:
    """Has turns judged in one order and in its opposite, and says what the place is worth, by dimension.

    Args:
        judge: a judge that compares.
        turns: what is judged; it is gone through twice.
        seed: of the first order.
    """
    return position_bias(judge.judge_list(turns, seed=seed), judge.judge_list(turns, seed=seed, reverse=True))


def position_bias(first: Iterable[ListedJudgement], second: Iterable[ListedJudgement]) -> tuple[PositionBias, ...]:
    """What the place is worth, by dimension; turns with a failure in either order are left out.

    Args:
        first: turns in one order.
        second: the same turns, each in the opposite order.
    """
    differences: dict[str, list[list[float]]] = {}
    flips: dict[str, list[bool]] = {}
    for one, other in zip(first, second, strict=True):
        if any(each.failure for each in (*one.judgements.values(), *other.judgements.values())):
            continue
        for dimension in one.judgements[one.order[0]].scores:
            there = {system: judged.scores[dimension] for system, judged in one.judgements.items()}
            back = {system: judged.scores[dimension] for system, judged in other.judgements.items()}
            differences.setdefault(dimension, []).append(_earlier_less_later(one.order, there, back))
            flips.setdefault(dimension, []).extend(_flips(one.order, there, back))
    return tuple(_position(dimension, found, flips[dimension]) for dimension, found in differences.items())


def placed_bias(rows: Iterable[JudgedRow]) -> tuple[PositionBias, ...]:
    """What the place is worth, by dimension, as a file of judgements has it; nothing where there was no swap test.

    Args:
        rows: judgements, those of a turn together; what was judged by itself, or in one order only, is left out.
    """
    pairs = [_both_orders(turn) for turn in _turns(rows)]
    return position_bias((one for one, _ in pairs), (other for _, other in pairs))


def _turns(rows: Iterable[JudgedRow]) -> Iterator[list[JudgedRow]]:
    """The rows of each turn that was judged in two orders."""
    swapped = (row for row in rows if len(row.places) == 2)
    for _, found in groupby(swapped, key=lambda row: row.example_id):
        yield list(found)


def _both_orders(turn: Sequence[JudgedRow]) -> tuple[ListedJudgement, ListedJudgement]:
    name = turn[0].example_id
    return (_order(name, turn, 0), _order(name, turn, 1))


def _order(name: str, turn: Sequence[JudgedRow], number: int) -> ListedJudgement:
    placed = sorted(turn, key=lambda row: row.places[number].place)
    judgements = {row.who: Judgement(name, row.places[number].scores, {}, row.judgement.failure) for row in placed}
    return ListedJudgement(name, tuple(row.who for row in placed), judgements)


def length_bias(rows: Iterable[JudgedRow]) -> tuple[LengthBias, ...]:
    """Correlation of scores with the number of words of the response, by dimension; failures are left out."""
    words: dict[str, list[int]] = {}
    scores: dict[str, list[float]] = {}
    for row in rows:
        for dimension, score in row.judgement.scores.items():
            words.setdefault(dimension, []).append(len(row.response.split()))
            scores.setdefault(dimension, []).append(score)
    return tuple(_length(dimension, words[dimension], found) for dimension, found in scores.items())


def _earlier_less_later(order: Sequence[str], there: dict[str, float], back: dict[str, float]) -> list[float]:
    """Of each response that changed its place: its score where it stood earlier less the other one."""
    last = len(order) - 1
    return [
        there[system] - back[system] if place < last - place else back[system] - there[system]
        for place, system in enumerate(order)
        if place != last - place
    ]


def _flips(order: Sequence[str], there: dict[str, float], back: dict[str, float]) -> list[bool]:
    """For each pair of responses with a better one in both orders, whether that changes."""
    pairs = [(there[a] - there[b], back[a] - back[b]) for a, b in combinations(order, 2)]
    return [(one > 0) != (other > 0) for one, other in pairs if one != 0 and other != 0]


def _position(dimension: str, found: Sequence[Sequence[float]], flips: Sequence[bool]) -> PositionBias:
    means = np.array([np.mean(turn) for turn in found])
    centre = float(means.mean())
    reach = Z_95 * float(means.std(ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else None
    return PositionBias(
        dimension=dimension,
        turns=len(found),
        preference=centre,
        interval=None if reach is None else (centre - reach, centre + reach),
        shift=float(np.mean([abs(difference) for turn in found for difference in turn])),
        flipped=sum(flips) / len(flips) if flips else None,
    )


def _length(dimension: str, words: Sequence[int], scores: Sequence[float]) -> LengthBias:
    if len(set(words)) < 2 or len(set(scores)) < 2:
        return LengthBias(dimension, len(scores), None, None, None)
    from scipy.stats import rankdata

    pearson = float(np.corrcoef(words, scores)[0, 1])
    spearman = float(np.corrcoef(rankdata(words), rankdata(scores))[0, 1])
    return LengthBias(dimension, len(scores), pearson, spearman, _interval(spearman, len(scores)))


def _interval(correlation: float, rows: int) -> tuple[float, float] | None:
    """95 % interval of a rank correlation."""
    if rows < LEAST_ROWS:
        return None
    # Fisher's z is infinite for a correlation of 1.
    centre = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, correlation)))
    reach = Z_95 * math.sqrt((1 + correlation**2 / 2) / (rows - 3))
    return math.tanh(centre - reach), math.tanh(centre + reach)
