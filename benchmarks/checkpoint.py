"""What saving costs: the share of a run's time that it adds, and how fast a checkpoint is verified.

    python benchmarks/checkpoint.py --run runs/demo      with the models and the updates of a run
    python benchmarks/checkpoint.py --megabytes 1000     so much is verified

1. share: the time of one save (all weights, two moments of each; hashed, flushed, renamed) over the time of the steps
   between two saves at the default frequency. For the baseline both are measured here, at the default batch size. For
   the policy the time of an update is that of the run, from its events, and a save writes the files of its checkpoint.
2. verification: `verify` on a checkpoint of so many random megabytes, read from memory.

The figures are printed, not asserted: machines differ, and shared ones are noisy.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.config.settings import Settings
from ecr_engine.runs.checkpoints import latest, save_checkpoint
from ecr_engine.runs.events import read_events
from ecr_engine.runs.manifest import MANIFEST, verify

if TYPE_CHECKING:
    from ecr_engine.data.prompts import Encoded
    from ecr_engine.training.sft import BaselineTrainer

STEPS = 12
"""Steps that are timed, after two that are not."""

SAVES = 7
"""Saves that are timed, after one that is not."""


def trainer_of(run: Path) -> tuple[BaselineTrainer, list[Encoded]]:
    """A trainer of a run's baseline at the default settings, and encoded examples for it."""
    from ecr_engine.data.schema import Split
    from ecr_engine.data.store import read_examples, split_path
    from ecr_engine.evaluation.generate import prompt_encoder
    from ecr_engine.models.backbone import load_backbone, pick_device
    from ecr_engine.models.placement import make_accelerator
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecr_engine.training.sft import BaselineTrainer

    settings = Settings()
    backbone = load_backbone(str(resolve_checkpoint(f"{run}:baseline")))
    encoder = prompt_encoder(backbone.tokenizer, settings.prompt)
    trainer = BaselineTrainer(
        backbone,
        settings.baseline,
        make_accelerator(pick_device("auto"), "no"),
        seed=0,
        scaled=True,
        emit=lambda *_, **__: None,
        save=lambda *_, **__: None,
    )
    examples = list(read_examples(split_path(run / "data", Split.TRAIN)))
    return trainer, [encoder.encode(example) for example in examples[: settings.baseline.batch_size * (STEPS + 2)]]


def seconds_of(action: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def seconds_of_a_save(place: Path, write: Callable[[Path], None]) -> tuple[float, float]:
    """Seconds of one save, the median of several, and its megabytes."""
    with tempfile.TemporaryDirectory(dir=place) as folder:

        def save(number: int) -> None:
            save_checkpoint(Path(folder), number, write, metrics={}, best=False, keep_last=2)

        saves = [seconds_of(lambda number=number: save(number)) for number in range(1, SAVES + 2)]
        files = [path for path in latest(Path(folder)).rglob("*") if path.is_file()]
        return statistics.median(saves[1:]), sum(path.stat().st_size for path in files) / 1e6


def show(name: str, step: float, save: tuple[float, float]) -> None:
    """One line: a step, a save, and the share of the saves."""
    every = Settings().checkpoints.every
    seconds, size = save
    print(
        f"{name:10} step {step * 1000:7.0f} ms   save {seconds * 1000:6.0f} ms ({size:.1f} MB)   "
        f"share {100 * seconds / (every * step):.2f} % with a save every {every} steps"
    )


def baseline_share(run: Path) -> None:
    """What saving adds to the baseline's training at the default frequency."""
    trainer, rows = trainer_of(run)
    size = trainer.settings.batch_size
    batches = [rows[at : at + size] for at in range(0, len(rows) - size + 1, size)]
    steps = [
        seconds_of(lambda at=at, batch=batch: trainer._step(batch, at, len(batches)))
        for at, batch in enumerate(batches)
    ]
    show("baseline", statistics.median(steps[2:]), seconds_of_a_save(run.parent, trainer.write_state))


def policy_share(run: Path) -> None:
    """What saving adds to the policy's training at the default frequency, by the updates that the run has made."""
    times = [event.time for event in read_events(run / "events.jsonl") if (event.stage, event.kind) == ("rl", "step")]
    folder = latest(run / "policy")

    def write(staging: Path) -> None:
        shutil.copytree(folder, staging, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))

    update = statistics.median(later - before for before, later in pairwise(times))
    show("policy", update, seconds_of_a_save(run.parent, write))


def verification(megabytes: int, place: Path) -> None:
    """How fast a checkpoint is verified."""
    block = os.urandom(1_000_000)

    def write(folder: Path) -> None:
        for number in range(4):
            with (folder / f"part{number}").open("wb") as handle:
                for _ in range(megabytes // 4):
                    handle.write(block)

    with tempfile.TemporaryDirectory(dir=place) as folder:
        path = save_checkpoint(Path(folder), 1, write, metrics={}, best=False, keep_last=1)
        times = [seconds_of(lambda: verify(path)) for _ in range(3)]
    size = megabytes // 4 * 4
    print(f"verification {size / min(times):.0f} MB/s, the best of 3 of {size} MB")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/demo"), help="a run with a baseline")
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the checkpoint that is verified")
    given = parser.parse_args()
    baseline_share(given.run)
    policy_share(given.run)
    verification(given.megabytes, given.run.parent)


if __name__ == "__main__":
    main()
