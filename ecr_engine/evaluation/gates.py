"""Gates: what a comparison has to show for a command to succeed.

A gate is written `METRIC[.FIELD] OPERATOR NUMBER[%]`:

    reward>=0.4            the second side's value
    bleu@1>=+20%           its relative difference from the first side: a percentage and no field
    empathy.p<0.05         the p value; `.holm` is the one that is corrected for all metrics
    distinct@2>=-5%        it may fall by a twentieth at most
    reward.interval.low>0  the whole interval of the difference is above 0; with `%`, as a share of the first side

Operators are `>=`, `<=`, `>` and `<`; fields are those of `FIELDS`. A gate whose field has no value is not met.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ecr_engine.errors import GateError, Problem, UsageError, suggestion
from ecr_engine.evaluation.comparison import Comparison, MetricComparison

FIELDS: Mapping[str, tuple[str, Callable[[MetricComparison], float | None]]] = {
    "a": ("{metric} of {a}", lambda m: m.a),
    "b": ("{metric} of {b}", lambda m: m.b),
    "difference": ("the difference of {metric}", lambda m: m.difference),
    "relative": ("the relative difference of {metric}", lambda m: m.relative),
    "p": ("p of {metric}", lambda m: m.p),
    "holm": ("Holm's p of {metric}", lambda m: m.p_holm),
    "effect": ("the effect size of {metric}", lambda m: m.effect),
    "wins": ("the number of turns with a better {metric}", lambda m: float(m.wins)),
    "losses": ("the number of turns with a worse {metric}", lambda m: float(m.losses)),
    "interval.low": ("the lower end of the interval of {metric}", lambda m: m.interval.low if m.interval else None),
    "interval.high": ("the upper end of the interval of {metric}", lambda m: m.interval.high if m.interval else None),
}
"""What a gate can ask for: in words, and where it is."""

SHARES = ("relative", "p", "holm", "interval.low", "interval.high")
"""Fields that can be given in percent."""

OPERATORS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    ">=": ("at least", operator.ge),
    "<=": ("at most", operator.le),
    ">": ("more than", operator.gt),
    "<": ("less than", operator.lt),
}

GRAMMAR = "write METRIC[.FIELD]>=NUMBER[%], as in 'bleu@1>=+20%' or 'empathy.p<0.05'"
EXACT = 1e-9
"""A value this close to the bound, relatively, is at the bound: `-5 %` is no number that a float can hold."""

_GATE = re.compile(
    r"\s*(?P<left>[^<>=\s]+)\s*(?P<operator>>=|<=|>|<)\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<percent>%?)\s*"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """One requirement.

    Attributes:
        text: as it was typed.
        left: the metric, with its field if one is named.
        operator: one of `OPERATORS`.
        bound: the number, of a percentage its hundredth.
        percent: whether it was given in percent.
    """

    text: str
    left: str
    operator: str
    bound: float
    percent: bool

    @property
    def where(self) -> str:
        """Where it was typed."""
        return f"--require '{self.text}'"


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What became of a gate in one comparison.

    Attributes:
        gate: as it was typed.
        side: the side that was compared with the first.
        value: what was found, in the gate's unit (of a percentage the hundredth); None where there is no value.
        met: whether the gate is met.
        told: what was found and what was asked for, in a sentence.
    """

    gate: str
    side: str
    value: float | None
    met: bool
    told: str


class UnmetGatesError(GateError):
    """Gates that were not met.

    Args:
        outcomes: those gates, at least one.
    """

    def __init__(self, outcomes: Sequence[GateOutcome]) -> None:
        super().__init__("; ".join(outcome.told for outcome in outcomes))
        fix = "see which turns got worse with --dialogues, or ask for less"
        self.problems = tuple(Problem(one.told, f"--require '{one.gate}'", fix) for one in outcomes)


def parse_gate(text: str) -> Gate:
    """The gate that a text says.

    Raises:
        UsageError: it is none.
    """
    found = _GATE.fullmatch(text)
    if found is None or not math.isfinite(float(found["number"])):
        raise UsageError(f"'{text}' is no gate", at=f"--require '{text}'", fix=GRAMMAR)
    percent = bool(found["percent"])
    bound = float(found["number"]) / (100.0 if percent else 1.0)
    return Gate(text, found["left"], found["operator"], bound, percent)


def check_gates(gates: Sequence[Gate], comparisons: Sequence[Comparison]) -> tuple[GateOutcome, ...]:
    """What becomes of each gate in each comparison: every side has to meet all of them.

    Raises:
        UsageError: a metric or a field is not known, or can't be given in percent.
    """
    return tuple(_outcome(gate, comparison) for comparison in comparisons for gate in gates)


def require(outcomes: Sequence[GateOutcome]) -> None:
    """Accepts outcomes that are all met.

    Raises:
        UnmetGatesError: some are not; each is named.
    """
    unmet = [outcome for outcome in outcomes if not outcome.met]
    if unmet:
        raise UnmetGatesError(unmet)


def _outcome(gate: Gate, comparison: Comparison) -> GateOutcome:
    metric, field = _meaning(gate, [*comparison.metrics, *comparison.skipped])
    words, get = FIELDS[field]
    what = words.format(metric=metric, a=comparison.a.name, b=comparison.b.name)
    side = comparison.b.name
    if metric in comparison.skipped:
        told = f"{metric} was not compared: {comparison.skipped[metric]}"
        return GateOutcome(gate.text, side, None, met=False, told=told)
    found = comparison.metrics[metric]
    value = _share(gate, field, found, get(found))
    if value is None:
        return GateOutcome(gate.text, side, None, met=False, told=f"there is no {what.removeprefix('the ')}")
    phrase, holds = OPERATORS[gate.operator]
    at_bound = math.isclose(value, gate.bound, rel_tol=EXACT, abs_tol=1e-12)
    met = "=" in gate.operator if at_bound else holds(value, gate.bound)
    told = f"{what} is {_number(value, gate)}, and {phrase} {_number(gate.bound, gate)} is required"
    return GateOutcome(gate.text, side, value, met, told)


def _meaning(gate: Gate, known: Sequence[str]) -> tuple[str, str]:
    """The metric and the field that a gate names."""
    whole = "relative" if gate.percent else "b"
    if gate.left in known:
        return gate.left, whole
    metric, field = _split(gate.left, known)
    if field and field not in FIELDS and metric in known:
        raise UsageError(f"unknown field '{field}' of '{metric}'", at=gate.where, fix=suggestion(field, list(FIELDS)))
    if metric not in known:
        raise UsageError(f"unknown metric '{metric}'", at=gate.where, fix=suggestion(metric, known))
    if gate.percent and field not in SHARES:
        fix = f"leave the % out, or give it for one of: {', '.join(SHARES)}"
        raise UsageError(f"'{field}' can't be given in percent", at=gate.where, fix=fix)
    return metric, field


def _split(left: str, known: Sequence[str]) -> tuple[str, str]:
    """A metric and a field with a point between: the longest known metric, or else what a known field leaves."""
    points = [place for place, letter in enumerate(left) if letter == "."]
    for point in reversed(points):
        if left[:point] in known:
            return left[:point], left[point + 1 :]
    for point in points:
        if left[point + 1 :] in FIELDS:
            return left[:point], left[point + 1 :]
    return left, ""


def _share(gate: Gate, field: str, metric: MetricComparison, value: float | None) -> float | None:
    """A value in the unit of the gate: ends of an interval in percent are shares of the first side."""
    if value is None or not gate.percent or not field.startswith("interval"):
        return value
    return value / abs(metric.a) if metric.a else None


def _number(value: float, gate: Gate) -> str:
    if not gate.percent:
        return f"{value:.4g}"
    return f"{100 * value:+.4g} %" if abs(value) < 1e6 else f"{100 * value:+.3g} %"
