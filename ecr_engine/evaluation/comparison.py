"""What a comparison of two evaluations holds, and its JSON.

`Comparison.to_json()` is a dict of this shape; `comparison_from_json` reads it back:

```
schema        1
a, b          {"name", "checkpoint", "seed", "runs": [{"folder", "checkpoint", "seed"}]} of the two sides;
              differences are b - a; a side with several seeds has a run for each of them
split         the split's name
turns         turns compared;  dialogues: the dialogues that they are from
decoding      decoding settings of a
confidence, resamples, seed   of the statistics
forced        differences between the sides that were accepted by force (sentences)
skipped       metric key -> why it could not be compared
metrics       metric key -> {a, b, difference, relative, interval: [low, high], p, p_holm, n, effect, interval_a,
              interval_b, higher_is_better, in_reward, held_out, wins, ties, losses, explanation, expected, method,
              runs_a, runs_b}
settings      [{"name", "a", "b"}]: the settings that differ between the runs of the two sides
dialogues_improved, dialogues_harmed, dialogues_random
              [{example_id, context: [{role, text}], reference, a, b, reward_a, reward_b}]
```

`relative` is null where `a` is 0. `method` says what `interval` and `p` are: "bootstrap" (dialogues are drawn, p by
exchanging the sides), "jackknife" (dialogues are left out, normal distribution), or "none", and then they are null.
`expected` is the relative difference that the guide expects, or null. `runs_a` and `runs_b` are the values of each
seed.

Files written before `runs`, `settings`, `expected`, `method` and `runs_a` were added are read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError
from ecr_engine.evaluation.documents import MetricError, line_of, number, optional_number, read_document
from ecr_engine.evaluation.setting_changes import SettingChange
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.runs.atomic import write_json

SCHEMA = 1
BY_DIALOGUE, JACKKNIFE, NOT_TESTED = "bootstrap", "jackknife", "none"
"""How intervals and p values are had."""

REDO = "remove the file, and type `ecrctl run` again with the same settings"


@dataclass(frozen=True, slots=True)
class SideRun:
    """One evaluation of a side.

    Attributes:
        folder: the evaluation's folder, as it was named.
        checkpoint: address of the checkpoint that answered.
        seed: seed of the sampling.
    """

    folder: str
    checkpoint: str
    seed: int


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two systems.

    Attributes:
        name: what it is called in tables.
        checkpoint: address of the checkpoint that answered; of several, the first.
        seed: seed of the sampling; of several, the first.
        runs: each evaluation of it; empty in files of earlier versions.
    """

    name: str
    checkpoint: str
    seed: int
    runs: tuple[SideRun, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric on both sides.

    Attributes:
        metric: its key.
        a: value of the first side: over the turns where both sides have one, or over the corpus.
        b: the same of the second side.
        difference: `b - a`.
        relative: the difference divided by |a|; None where a is 0.
        interval: interval of the difference, by `method`; None where `method` is "none".
        p: p value of no difference, by `method`; None where `method` is "none".
        p_holm: `p` with Holm's correction over the metrics of all comparisons that were made together.
        n: turns where both sides have a value; None where the value is not one of turns.
        effect: difference in standard deviations of the paired differences.
        interval_a: interval of `a`.
        interval_b: interval of `b`.
        higher_is_better: the direction; None if neither direction is better.
        in_reward: whether the reward pays for it.
        wins: turns where b is better; where b is greater, if neither direction is better.
        ties: turns where both are equal.
        losses: turns where b is worse.
        explanation: the definition in one sentence.
        expected: the relative difference that the guide expects, as a share; None where it says nothing.
        method: how `interval` and `p` were had: "bootstrap", "jackknife" or "none".
        runs_a: the value of each seed of the first side; empty in files of earlier versions.
        runs_b: the same of the second side.
    """

    metric: str
    a: float
    b: float
    difference: float
    relative: float | None
    interval: Interval | None
    p: float | None
    p_holm: float | None
    n: int | None
    effect: float | None
    interval_a: Interval | None
    interval_b: Interval | None
    higher_is_better: bool | None
    in_reward: bool
    wins: int
    ties: int
    losses: int
    explanation: str
    expected: float | None = None
    method: str = NOT_TESTED
    runs_a: tuple[float, ...] = ()
    runs_b: tuple[float, ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether the reward does not pay for it: only then is a gain evidence beside the objective."""
        return not self.in_reward


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of a dialogue as it is shown.

    Attributes:
        role: "seeker" or "recommender".
        text: the words.
    """

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One turn that both sides answered.

    Attributes:
        example_id: the example.
        context: what was said before, oldest first.
        reference: the human response.
        a: response of the first side.
        b: response of the second side.
        reward_a: composite reward of a; None if it was not measured.
        reward_b: the same of b.
    """

    example_id: str
    context: tuple[Line, ...]
    reference: str
    a: str
    b: str
    reward_a: float | None
    reward_b: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations of the same turns. The fields are those of the JSON at the top of this module.

    Attributes:
        a: the first side; the baseline, usually.
        b: the second side; differences are `b - a`.
        split: name of the split.
        turns: turns compared.
        dialogues: dialogues that they are from.
        decoding: decoding settings of a.
        confidence: confidence of the intervals.
        resamples: resamples of the bootstrap and the permutation test.
        seed: seed of both.
        forced: differences between the sides that were accepted by force.
        skipped: why a metric could not be compared, by key.
        metrics: by key, the objective first.
        improved: the turns whose reward rose most, the greatest first.
        harmed: the turns whose reward fell most, the worst first.
        random: turns drawn at random.
        settings: the settings that differ between the runs of the two sides.
    """

    a: Side
    b: Side
    split: str
    turns: int
    dialogues: int
    decoding: Mapping[str, Any]
    confidence: float
    resamples: int
    seed: int
    forced: tuple[str, ...]
    skipped: Mapping[str, str]
    metrics: Mapping[str, MetricComparison]
    improved: tuple[SideBySide, ...]
    harmed: tuple[SideBySide, ...]
    random: tuple[SideBySide, ...]
    settings: tuple[SettingChange, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The dict described at the top of this module."""
        return {
            "schema": SCHEMA,
            "a": asdict(self.a),
            "b": asdict(self.b),
            "split": self.split,
            "turns": self.turns,
            "dialogues": self.dialogues,
            "decoding": dict(self.decoding),
            "confidence": self.confidence,
            "resamples": self.resamples,
            "seed": self.seed,
            "forced": list(self.forced),
            "skipped": dict(self.skipped),
            "metrics": {key: _metric_to_json(metric) for key, metric in self.metrics.items()},
            "settings": [asdict(change) for change in self.settings],
            "dialogues_improved": [_dialogue_to_json(dialogue) for dialogue in self.improved],
            "dialogues_harmed": [_dialogue_to_json(dialogue) for dialogue in self.harmed],
            "dialogues_random": [_dialogue_to_json(dialogue) for dialogue in self.random],
        }


def comparison_from_json(raw: Mapping[str, Any]) -> Comparison:
    """The comparison that `to_json` wrote.

    Raises:
        KeyError: a field is missing.
        TypeError: a field has the wrong shape.
        ValueError: a metric has a value of the wrong kind.
    """
    return Comparison(
        a=_side_from_json(raw["a"]),
        b=_side_from_json(raw["b"]),
        split=raw["split"],
        turns=raw["turns"],
        dialogues=raw["dialogues"],
        decoding=dict(raw["decoding"]),
        confidence=number(raw["confidence"]),
        resamples=raw["resamples"],
        seed=raw["seed"],
        forced=tuple(raw["forced"]),
        skipped=dict(raw["skipped"]),
        metrics={key: _metric_from_json(key, metric) for key, metric in raw["metrics"].items()},
        improved=tuple(_dialogue_from_json(dialogue) for dialogue in raw["dialogues_improved"]),
        harmed=tuple(_dialogue_from_json(dialogue) for dialogue in raw["dialogues_harmed"]),
        random=tuple(_dialogue_from_json(dialogue) for dialogue in raw["dialogues_random"]),
        settings=tuple(SettingChange(**change) for change in raw.get("settings", ())),
    )


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Writes the comparison as JSON; the file appears complete or not at all.

    Args:
        path: the file, such as `runs/demo/evaluation/comparison.json`; its folder exists.
        comparison: what to write.
    """
    write_json(path, comparison.to_json())


def read_comparison(path: Path) -> Comparison:
    """The comparison in a file.

    Raises:
        DataError: the file is missing, is not JSON, or is of another schema or shape.
    """
    raw = read_document(path, "comparison", SCHEMA, REDO)
    try:
        return comparison_from_json(raw)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        line = line_of(f'"{error.key}":', path.read_text(encoding="utf-8")) if isinstance(error, MetricError) else 1
        raise DataError.at_line(f"a comparison with a wrong or missing field: {error}", path, line, REDO) from error


def _side_from_json(raw: Mapping[str, Any]) -> Side:
    return Side(**{**raw, "runs": tuple(SideRun(**run) for run in raw.get("runs", ()))})


def _metric_to_json(metric: MetricComparison) -> dict[str, Any]:
    return {
        "a": metric.a,
        "b": metric.b,
        "difference": metric.difference,
        "relative": metric.relative,
        "interval": _pair(metric.interval),
        "p": metric.p,
        "p_holm": metric.p_holm,
        "n": metric.n,
        "effect": metric.effect,
        "interval_a": _pair(metric.interval_a),
        "interval_b": _pair(metric.interval_b),
        "higher_is_better": metric.higher_is_better,
        "in_reward": metric.in_reward,
        "held_out": metric.held_out,
        "wins": metric.wins,
        "ties": metric.ties,
        "losses": metric.losses,
        "explanation": metric.explanation,
        "expected": metric.expected,
        "method": metric.method,
        "runs_a": list(metric.runs_a),
        "runs_b": list(metric.runs_b),
    }


def _metric_from_json(key: str, raw: Mapping[str, Any]) -> MetricComparison:
    try:
        numbers = {name: number(raw[name]) for name in ("a", "b", "difference")}
        optional = {name: optional_number(raw[name]) for name in ("relative", "p", "p_holm", "effect")}
        optional["expected"] = optional_number(raw.get("expected"))
        runs = {name: tuple(map(number, raw.get(name, ()))) for name in ("runs_a", "runs_b")}
        intervals = {name: _interval(raw[name]) for name in ("interval", "interval_a", "interval_b")}
    except (LookupError, TypeError, ArithmeticError) as error:
        raise MetricError(key, error) from error
    # Earlier versions knew no other method.
    method = raw.get("method", NOT_TESTED if raw["interval"] is None else BY_DIALOGUE)
    # It is the opposite of `in_reward`, written for readers of the JSON; older files lack it.
    fields = {name: value for name, value in raw.items() if name != "held_out"}
    return MetricComparison(metric=key, **{**fields, **numbers, **optional, **intervals, **runs, "method": method})


def _dialogue_to_json(dialogue: SideBySide) -> dict[str, Any]:
    return {
        "example_id": dialogue.example_id,
        "context": [{"role": line.role, "text": line.text} for line in dialogue.context],
        "reference": dialogue.reference,
        "a": dialogue.a,
        "b": dialogue.b,
        "reward_a": dialogue.reward_a,
        "reward_b": dialogue.reward_b,
    }


def _dialogue_from_json(raw: Mapping[str, Any]) -> SideBySide:
    return SideBySide(**{**raw, "context": tuple(Line(**line) for line in raw["context"])})


def _pair(interval: Interval | None) -> list[float] | None:
    return [interval.low, interval.high] if interval else None


def _interval(raw: list[float] | None) -> Interval | None:
    return Interval(number(raw[0]), number(raw[1])) if raw is not None else None
