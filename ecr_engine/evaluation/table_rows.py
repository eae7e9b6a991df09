"""The rows of the table of metrics: grouped by what they prove, families folded, the important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.expected_gains import expected_gain

GROUPS = (
    wording.OBJECTIVE_GROUP,
    wording.COMPONENT_GROUP,
    wording.HELD_OUT_GROUP,
    wording.PAID_GROUP,
)
"""The headings of the table, in its order."""

LEAST_FOLDED = 2
"""A family of fewer further rows is not folded: a row that hides one row saves none."""

SEPARATORS = "@/"
"""What stands in a key between the family and the member: `bleu@2`, `emotion_f1/happy`."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of one family behind one row that opens.

    Attributes:
        family: the family's name, such as "emotion_f1".
        rows: its rows beside the one that is shown.
    """

    family: str
    rows: tuple[MetricComparison, ...]

    def counted(self, confidence: float) -> str:
        """How many there are and how they came out, in words."""
        outcomes = [wording.outcome(row, confidence) for row in self.rows]
        told = [f"{outcomes.count(each)} {each}" for each in wording.OUTCOMES if each in outcomes]
        return f"{len(self.rows)} more of {self.family}: {', '.join(told)}"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of the table under one heading.

    Attributes:
        title: the heading.
        rows: those that are shown, in order.
        folds: those behind a row that opens, by the key of the row that it follows.
    """

    title: str
    rows: tuple[MetricComparison, ...]
    folds: dict[str, Fold]

    @property
    def all_rows(self) -> tuple[MetricComparison, ...]:
        """The shown rows and the folded ones, in order."""
        found: list[MetricComparison] = []
        for row in self.rows:
            found.append(row)
            if row.metric in self.folds:
                found += self.folds[row.metric].rows
        return tuple(found)


def grouped_rows(comparison: Comparison) -> tuple[Group, ...]:
    """The metrics of a comparison under the headings of the table; headings without metrics are left out.

    Under a heading, metrics that the guide expects something of come first, then those that were tested, each in the
    order of the comparison. Of a family these are shown: the one that bears its name, or else its first, and those that
    the guide expects something of; its further members are folded where there are two or more.
    """
    metrics = list(comparison.metrics.values())
    found = ((title, [m for m in metrics if wording.group(m) == title]) for title in GROUPS)
    return tuple(_group(title, rows) for title, rows in found if rows)


def family(key: str) -> str:
    """The family of a metric: its key up to the first `@` or `/`."""
    for place, letter in enumerate(key):
        if letter in SEPARATORS:
            return key[:place]
    return key


def _group(title: str, metrics: Sequence[MetricComparison]) -> Group:
    if title in (wording.OBJECTIVE_GROUP, wording.COMPONENT_GROUP):
        return Group(title, tuple(metrics), {})
    families: dict[str, list[MetricComparison]] = {}
    for metric in metrics:
        families.setdefault(family(metric.metric), []).append(metric)
    shown: list[MetricComparison] = []
    folds: dict[str, Fold] = {}
    for name, members in families.items():
        first, *others = sorted(members, key=lambda member: member.metric != name)
        heads = [first, *(other for other in others if expected_gain(other.metric) is not None)]
        rest = [other for other in others if other not in heads]
        shown += heads
        if len(rest) < LEAST_FOLDED:
            shown += rest
        else:
            folds[heads[-1].metric] = Fold(name, tuple(rest))
    return Group(title, tuple(sorted(shown, key=_place)), folds)


def _place(metric: MetricComparison) -> tuple[bool, bool]:
    return expected_gain(metric.metric) is None, metric.p_holm is None
