"""Numbers as text, the same in the report and in the model card."""

from __future__ import annotations

from ecr_engine.evaluation.comparison import MetricComparison
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE
from ecr_engine.evaluation.verdict import is_significant

NOTHING = "–"
MINUS = "−"
OBJECTIVE_GROUP = "Objective"
COMPONENT_GROUP = "Components of the reward"
HELD_OUT_GROUP = "Held out from the reward"
PAID_GROUP = "Paid for by the reward"

OUTCOMES = ("better", "worse", "higher", "lower", "unclear", "not tested")
"""All that `outcome` can say, in the order of a summary."""

HARDWARE = {"cpu_count": "CPU cores", "memory_mib": "Memory (MiB)", "gpus": "GPUs"}
"""What the facts of a machine are called; others by their own names."""

VAST = 1e6
"""From here on a number is written with a power of ten: its digits would fill the page."""


def number(value: float | None, *, sign: bool = False) -> str:
    """Three decimals below 100, one above, a power of ten from a million on; a true minus sign; a dash for None."""
    if value is None:
        return NOTHING
    style = ".3f" if abs(value) < 100 else ".1f" if abs(value) < VAST else ".3g"
    text = format(value, f"+{style}" if sign and value else style)
    return text.replace("-", MINUS)


def percent(value: float | None) -> str:
    """A signed percentage with one decimal; a dash for None."""
    if value is None:
        return NOTHING
    style = "+.1f" if abs(value) < VAST else "+.3g"
    return f"{100 * value:{style}} %".replace("-", MINUS)


def interval(value: Interval | None) -> str:
    """Both ends; a dash for None."""
    return NOTHING if value is None else f"{number(value.low, sign=True)} to {number(value.high, sign=True)}"


def p_value(p: float | None) -> str:
    """Three decimals; a dash for None."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def outcome(metric: MetricComparison, confidence: float) -> str:
    """What a metric's comparison shows, one of `OUTCOMES`."""
    if metric.p_holm is None:
        return "not tested"
    if not is_significant(metric, confidence):
        return "unclear"
    if metric.higher_is_better is None:
        return "higher" if metric.difference > 0 else "lower"
    return "better" if (metric.difference > 0) == metric.higher_is_better else "worse"


def group(metric: MetricComparison) -> str:
    """The part of a table that a metric belongs in."""
    if metric.metric == OBJECTIVE:
        return OBJECTIVE_GROUP
    if metric.metric.startswith(COMPONENT_PREFIX):
        return COMPONENT_GROUP
    return PAID_GROUP if metric.in_reward else HELD_OUT_GROUP


def direction(metric: MetricComparison) -> str:
    """Which way is better, in two or three words."""
    if metric.higher_is_better is None:
        return "no direction"
    return "higher is better" if metric.higher_is_better else "lower is better"


def mark(metric: MetricComparison) -> str:
    """Whether the reward pays for a metric, in two words."""
    return "in reward" if metric.in_reward else "held out"


def plain(value: object) -> str:
    """A recorded fact as a reader says it: lists with commas, "none" where there is nothing."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def hardware(key: str) -> str:
    """What a fact of the machine is called."""
    return HARDWARE.get(key, key.replace("_", " ").capitalize())
