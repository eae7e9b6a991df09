"""Sides of a comparison built in memory from texts, and written to disk where a test reads them from there."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.evaluation.contenders import Contender
from ecr_engine.evaluation.measure import measure
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, ScoredSample, write_evaluation
from ecr_engine.evaluation.values import MetricValue, mean

SPOKEN = "you might like <movie> it is so warm and funny what do enjoy watching at night i am sorry to hear that oh"
WORDS = SPOKEN.split()


def text(rng: random.Random, least: int = 3, most: int = 12) -> str:
    """Some words, the frequent ones first, as in real talk; one in ten texts has a word of its own."""
    words = [WORDS[min(len(WORDS) - 1, int(rng.expovariate(0.15)))] for _ in range(rng.randint(least, most))]
    if rng.random() < 0.1:
        words.append(f"w{rng.randrange(1000)}")
    return " ".join(words)


def turns(count: int, *, per_dialogue: int = 3, seed: int = 0) -> list[Example]:
    """Examples with references, some dialogues of them talkative."""
    rng = random.Random(seed)
    said = "i feel low"
    return [
        Example(
            f"{place // per_dialogue:04d}:{place % per_dialogue}", f"{place // per_dialogue:04d}", 1,
            (Turn(Role.SEEKER, said, said),), text(rng), (), (), ("negative",), "test_data.jsonl", place + 1,
        )
        for place in range(count)
    ]  # fmt: skip


def samples(examples: Sequence[Example], responses: Sequence[str]) -> list[Sample]:
    """The responses as samples."""
    pairs = zip(examples, responses, strict=True)
    return [Sample(example, said, finished=True, tokens=len(said.split())) for example, said in pairs]


def talk(examples: Sequence[Example], seed: int) -> list[Sample]:
    """Random responses; those of one dialogue are of like length."""
    rng = random.Random(seed)
    chatty = {example.conversation_id: rng.randint(0, 8) for example in examples}
    return samples(examples, [text(rng, 3, 6 + chatty[example.conversation_id]) for example in examples])


def result(name: str, metrics: Mapping[str, MetricValue], count: int, **changes: object) -> EvaluationResult:
    """An evaluation's values."""
    fields = {"decoding": {"temperature": 0.7}, "seed": 3, "seconds": 1.0, **changes}
    return EvaluationResult(
        schema=SCHEMA, name=name, checkpoint=f"runs/demo:{name}", split="test", split_fingerprint="split",
        prompt_fingerprint="prompt", turns=count, metrics=metrics, **fields,
    )  # fmt: skip


def value(of: float | None, *, better: bool | None = True, in_reward: bool = False, words: str = "It.") -> MetricValue:
    """A metric of which only the value matters."""
    return MetricValue(of, None, better, 0.0, 1.0, in_reward, words)


def contender(name: str, rows: Sequence[ScoredSample], corpus: Mapping[str, float] | None = None) -> Contender:
    """A side from turns: the means of what they have, and values over the corpus."""
    keys = dict.fromkeys(key for row in rows for key in row.metrics)
    metrics = {key: value(mean([row.metrics.get(key) for row in rows])) for key in keys}
    metrics |= {key: value(of) for key, of in (corpus or {}).items()}
    return Contender(name, (Path(name),), (result(name, metrics, len(rows)),), (tuple(rows),))


def scored(said: Sequence[Sample], columns: Mapping[str, Sequence[float | None]]) -> list[ScoredSample]:
    """Turns with their values."""
    return [ScoredSample(one, {key: rows[n] for key, rows in columns.items()}) for n, one in enumerate(said)]


def write_measured(folder: Path, said: Sequence[Sample], names: Sequence[str], **changes: object) -> Path:
    """Measures responses with real metrics and writes the evaluation."""
    measured = measure(said, metric_names=names, resamples=100)
    columns = {key: rows for key, rows in measured.per_sample.items() if rows}
    made = result(folder.name, measured.metrics, len(said), **{"failed": measured.failed, **changes})
    write_evaluation(folder, made, said, columns)
    return folder
