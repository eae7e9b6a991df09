"""Builds a whole run folder from nothing: files as a finished run has them, numbers as one might have them."""

from __future__ import annotations

import math
import random
from pathlib import Path

from ecr_engine.data.schema import Example, Item, Role, Sample, Turn
from ecr_engine.evaluation.compare import compare, write_comparison
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.evaluation.values import MetricValue
from ecr_engine.runs.events import EventLog
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord, StageRecord

COMPONENTS = {
    "bleu": (0.18, 0.02),
    "distinct": (0.72, 0.03),
    "empathy": (0.34, 0.22),
    "recommendation": (0.41, 0.09),
    "format": (-0.21, 0.15),
}
"""Where each component starts, and what it gains."""
OPENINGS = ("I'm sorry to hear that.", "That sounds like a lot!", "Oh, how nice —", "Hello!")
ASKS = ("Have you seen <movie>?", "You might like <movie>, it is <b>warm</b> & funny.", "What do you usually watch?")
STAGES = {"data": 3.1, "baseline": 71.0, "judge": 9.4, "critic": 22.8, "rl": 148.2, "evaluate": 41.7, "compare": 1.2}


def make_run(root: Path, *, turns: int = 240) -> RunFolder:
    """A finished run in the folder `root`, without its report."""
    run = RunFolder(root)
    run.create()
    stages = {
        name: StageRecord(f"{place:04x}", "done", seconds, 1_700_000_000.0 + 100 * place)
        for place, (name, seconds) in enumerate(STAGES.items())
    }
    run.write_record(
        RunRecord(
            command=("ecrctl", "run", "--run", "runs/demo", "--set", "prompt.system=Feel & recommend"),
            seed=7,
            git_revision="0123456789abcdef0123456789abcdef01234567",
            packages={"torch": "2.13.0", "transformers": "5.23.0"},
            hardware={"cpu": "x86_64", "cores": 2, "memory_gib": 15.6, "accelerator": None},
            data_fingerprint="feedc0ffee",
            profiles=("balanced", "empathy"),
            started=1_700_000_000.0,
            stages=stages,
            status="done",
            exit_code=0,
            finished=1_700_000_300.0,
        )
    )
    run.resolved_config.write_text(CONFIG, encoding="utf-8")
    run.config_origin.write_text(ORIGIN, encoding="utf-8")
    _events(EventLog(run.events))
    _evaluations(run, turns)
    write_comparison(
        run.comparison,
        compare(run.evaluation("baseline"), run.evaluation("policy"), resamples=1000, confidence=0.95, seed=7),
    )
    return run


CONFIG = """seed = 7
device = "auto"

[prompt]
system = "Feel & recommend <movies>"

[ppo]
learning_rate = 1e-05
kl_controller = "adaptive"
kl_target = 3.0

[backbone]
name = "tiny"

[evaluation]
split = "test"

[rewards]
bleu = 1.0
empathy = 2.0
"""

ORIGIN = """{
  "seed": {"layer": "flag", "where": "--seed"},
  "device": {"layer": "default", "where": "ecr_engine/config/settings.py"},
  "prompt.system": {"layer": "flag", "where": "--set prompt.system"},
  "ppo.learning_rate": {"layer": "profile balanced", "where": "balanced.toml:9"},
  "rewards.empathy": {"layer": "profile empathy", "where": "empathy.toml:7"}
}
"""


def _events(log: EventLog) -> None:
    rng = random.Random(1)
    log.emit("baseline", "stage_started")
    for step in range(160):
        loss = 2.2 + 4.6 * math.exp(-step / 35) + rng.gauss(0, 0.12)
        log.emit("baseline", "step", step, **{"train/loss": loss, "train/lr": 1e-3, "train/grad_norm": 1.0})
        if step % 20 == 19:
            validation = 2.45 + 4.0 * math.exp(-step / 33) + max(0, step - 110) / 500
            log.emit("baseline", "validation", step, **{"eval/loss": validation})
    log.emit("rl", "stage_started")
    for step in range(80):
        gone = 1 - math.exp(-step / 30)
        values = {
            "objective/reward": 0.36 + 0.2 * gone + rng.gauss(0, 0.02),
            "objective/reward_std": 0.16 - 0.04 * gone,
            "objective/kl": 4.1 * gone + rng.gauss(0, 0.15),
            "objective/entropy": 3.0 - gone,
        }
        for name, (start, gain) in COMPONENTS.items():
            values[f"rewards/{name}/mean"] = start + gain * gone + rng.gauss(0, 0.015)
        log.emit("rl", "step", step, **values)
    log.emit("rl", "warning", 61, what="clip fraction 0.34 is above 0.3: the updates are large")
    log.emit("rl", "stage_finished", 80)


def _evaluations(run: RunFolder, turns: int) -> None:
    rng = random.Random(2)
    base = [{name: start + rng.gauss(0, 0.12) for name, (start, _) in COMPONENTS.items()} for _ in range(turns)]
    for name, step in (("baseline", 0.0), ("policy", 1.0)):
        scores = [
            {part: row[part] + step * COMPONENTS[part][1] + rng.gauss(0, 0.08) for part in COMPONENTS} for row in base
        ]
        rows: dict[str, list[float | None]] = {
            "reward": [
                (r["bleu"] + 2 * r["empathy"] + 1.5 * r["recommendation"]) / 4.5 + 0.5 * r["format"] for r in scores
            ]
        }
        rows |= {f"reward/{part}": [row[part] for row in scores] for part in COMPONENTS}
        rows["bleu@1"] = [max(0.0, row["bleu"] - 0.02) for row in scores]
        rows["length"] = [float(rng.randint(6, 24)) for _ in range(turns)]
        rows["finished"] = [float(rng.random() < 0.9 + 0.05 * step) for _ in range(turns)]
        metrics = {key: _metric(key, sum(v for v in values if v is not None) / turns) for key, values in rows.items()}
        metrics["dist@1"] = _metric("dist@1", 1.31 - 0.2 * step)
        result = EvaluationResult(
            SCHEMA, name, f"runs/demo:{name}", "test", "5eed", "9a9a", turns,
            {"decoding": "sample", "temperature": 0.7, "top_p": 1.0}, 7, metrics, 20.5,
        )  # fmt: skip
        write_evaluation(run.evaluation(name), result, [_sample(rng, place) for place in range(turns)], rows)


def _metric(key: str, value: float) -> MetricValue:
    paid = key.startswith("reward") or key in {"bleu@1", "finished", "length"}
    return MetricValue(value, None, None if key == "length" else True, 0.0, 1.0, paid, f"What {key} measures.")


def _sample(rng: random.Random, place: int) -> Sample:
    said = "Hi! I feel a bit low & I loved Heat (1995) <3"
    seeker = Turn(Role.SEEKER, said, said.replace("Heat (1995)", "<movie>"), ("11",))
    context = (seeker, Turn(Role.RECOMMENDER, "Poor you.", "Poor you."), seeker) if place % 2 else (seeker,)
    example = Example(
        f"{place // 2}:{len(context)}", f"{place // 2}", len(context), context, "Try <movie> !",
        (Item("22", "Alien (1979)"),), ("11",), ("negative",), "test_data.jsonl", place + 1,
    )  # fmt: skip
    return Sample(example, f"{rng.choice(OPENINGS)} {rng.choice(ASKS)}", rng.random() < 0.9, 12)
