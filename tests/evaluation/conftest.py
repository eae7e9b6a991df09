"""Samples and evaluations to compare."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ecr_engine.data.schema import Example, Item, Role, Sample, Turn
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.evaluation.values import MetricValue

MakeSample = Callable[..., Sample]
WriteEvaluation = Callable[..., Path]


def make_sample(
    response: str,
    reference: str = "you should see <movie> !",
    *,
    conversation: str = "1",
    turn: int = 1,
    finished: bool = True,
) -> Sample:
    """A sample of a dialogue with one seeker turn."""
    example = Example(
        example_id=f"{conversation}:{turn}",
        conversation_id=conversation,
        turn=turn,
        context=(Turn(Role.SEEKER, "I feel low & like Heat (1995)", "I feel low & like <movie>", ("11",)),),
        target=reference,
        items=(Item("22", "Alien (1979)", liked=True, seen=None, suggested=True),),
        mentioned=("11",),
        emotions=("negative", "like"),
        source="test_data.jsonl",
        line=7,
    )
    return Sample(example, response, finished, len(response.split()) + 1)


def metric_value(value: float | None, *, in_reward: bool = True, better: bool | None = True) -> MetricValue:
    """A metric in [0, 1] whose interval does not matter."""
    interval = None if value is None else Interval(value - 0.1, value + 0.1)
    return MetricValue(value, interval, better, 0.0, 1.0, in_reward, "What it says.")


@pytest.fixture
def sample() -> MakeSample:
    """Builds samples."""
    return make_sample


@pytest.fixture
def evaluation(tmp_path: Path) -> WriteEvaluation:
    """Writes an evaluation with two turns a dialogue from reward values, and other metrics if given."""

    def write(
        name: str,
        rewards: Sequence[float | None],
        *,
        corpus: dict[str, float] | None = None,
        outside: dict[str, Sequence[float | None]] | None = None,
        split_fingerprint: str = "split-1",
        prompt_fingerprint: str = "prompt-1",
        decoding: dict[str, object] | None = None,
        first_dialogue: int = 0,
    ) -> Path:
        samples = [
            make_sample(f"{name} says {n}", conversation=f"{first_dialogue + n // 2:04d}", turn=1 + 2 * (n % 2))
            for n in range(len(rewards))
        ]
        rows = {"reward": rewards, **(outside or {})}
        metrics = {key: metric_value(_mean(values), in_reward=key == "reward") for key, values in rows.items()}
        metrics |= {key: metric_value(value, in_reward=False) for key, value in (corpus or {}).items()}
        result = EvaluationResult(
            SCHEMA,
            name,
            f"runs/demo:{name}",
            "test",
            split_fingerprint,
            prompt_fingerprint,
            len(samples),
            {"decoding": "sample", "temperature": 0.7} if decoding is None else decoding,
            3,
            metrics,
            1.5,
        )
        folder = tmp_path / "evaluation" / name
        write_evaluation(folder, result, samples, rows)
        return folder

    return write


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.mean(known) if known else None


@pytest.fixture
def noisy_pair(evaluation: WriteEvaluation) -> tuple[Path, Path]:
    """A baseline, and a policy whose reward is 0.1 higher on average, on 100 dialogues of two turns."""
    rng = random.Random(5)
    baseline = [rng.uniform(0.2, 0.6) for _ in range(200)]
    policy = [value + 0.1 + rng.gauss(0.0, 0.05) for value in baseline]
    same = [rng.random() for _ in range(200)]
    return (
        evaluation("baseline", baseline, corpus={"dist@1": 0.4}, outside={"length": same}),
        evaluation("policy", policy, corpus={"dist@1": 0.5}, outside={"length": same[::-1]}),
    )
