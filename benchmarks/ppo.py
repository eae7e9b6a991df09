"""Time of a PPO update by phase, on a run's own baseline, critic and data.

    python benchmarks/ppo.py --run runs/demo --updates 7

Makes real updates from the run's settings, and saves nothing. The first update warms up and is not counted; the figures
are medians of the others.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from ecr_engine.config.resolve import resolve
from ecr_engine.errors import EcrError
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.runs.folder import RunFolder

SHOWN = (
    ("time/rollout_s", "rollout and scoring, s"),
    ("time/update_s", "update, s"),
    ("perf/samples_per_s", "samples a second"),
    ("completions/mean_length", "response tokens"),
    ("perf/peak_memory_mib", "peak memory, MiB"),
)


def measure(run: Path, updates: int) -> list[dict[str, Any]]:
    """The values of each update's `step` event, the first left out.

    Raises:
        EcrError: the run has no settings, baseline or critic.
    """
    from ecr_engine.pipeline.stages.rl import make_trainer

    steps: list[dict[str, Any]] = []

    def emit(stage: str, kind: str, step: int = 0, /, **values: Any) -> None:
        if kind == "step":
            steps.append(values)

    def save(step: int, metrics: dict[str, float], is_best: bool, write: Callable[[Path], None]) -> None:
        """Nothing is kept."""

    folder = RunFolder(run)
    settings = resolve(config=folder.resolved_config, environ={}, sets=("ppo.critic_warmup_steps=0",)).settings
    trainer = make_trainer(StageContext(folder, settings, None, emit, resume=False), save)
    for _ in range(updates + 1):
        trainer.train_step()
    return steps[1:]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/demo"))
    parser.add_argument("--updates", type=int, default=7)
    arguments = parser.parse_args()
    try:
        steps = measure(arguments.run, arguments.updates)
    except EcrError as error:
        sys.exit(f"{error}: make demo first, or name a run with --run")
    for key, label in SHOWN:
        values = [step[key] for step in steps]
        print(
            f"{label:24} {statistics.median(values):8.2f}   ({min(values):.2f} to {max(values):.2f}, n {len(values)})"
        )


if __name__ == "__main__":
    main()
