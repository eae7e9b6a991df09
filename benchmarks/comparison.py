"""What comparing two evaluations costs, and the report of a run that holds them.

    python benchmarks/comparison.py                     5,000 turns, 10,000 resamples, one core
    python benchmarks/comparison.py --turns 10000

Times are CPU times of this process, files read and written included. `compare` is measured with 15 metrics, among them
four over the corpus, and with all metrics that need no model. The report (`report.html` with its plots) is that of a
run whose events are those of 500 updates.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from evaluation import samples

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.compare import compare, write_comparison
from ecr_engine.evaluation.measure import measure
from ecr_engine.evaluation.report import write_report
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.runs.events import EventLog
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

TURNS = 5_000
RESAMPLES = 10_000
UPDATES = 500
FIFTEEN = (
    "bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "dist_1", "dist_2", "distinct_1", "distinct_2", "hit_1",
    "hit_10", "item_ratio", "finished", "length", "repetition",
)  # fmt: skip
LIMIT_S = 3.0
REPORT_LIMIT_S = 6.0


def sides(turns: int) -> dict[str, list[Sample]]:
    """Two systems' responses to the same turns."""
    first, second = samples(14)[:turns], samples(14, seed=1)[:turns]
    other = [replace(one, response=two.response) for one, two in zip(first, second, strict=True)]
    return {"baseline": first, "policy": other}


def evaluate(run: RunFolder, said: dict[str, list[Sample]], names: Sequence[str]) -> None:
    """Measures both systems and writes the evaluations into a run."""
    for name, own in said.items():
        measured = measure(own, metric_names=names, resamples=100)
        result = EvaluationResult(
            SCHEMA, name, f"{run.root}:{name}", "test", "split", "prompt", len(own), {}, 0, measured.metrics, 1.0
        )
        columns = {key: rows for key, rows in measured.per_sample.items() if rows}
        write_evaluation(run.evaluation(name), result, own, columns)


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def with_events(run: RunFolder) -> None:
    """The record and the events of a training."""
    run.create()
    run.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0, status="done"))
    log = EventLog(run.events)
    for step in range(UPDATES):
        values = {"objective/reward": 0.4 + step / UPDATES / 10, "objective/kl": step / UPDATES, "policy/loss": 0.1}
        log.emit("rl", "step", step, **values)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS, help="turns of the test split, 10,000 at most")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        with_events(run)
        said = sides(turns)
        paths = (run.evaluation("baseline"), run.evaluation("policy"))

        def compared() -> None:
            write_comparison(run.comparison, compare(*paths, resamples=RESAMPLES, confidence=0.95, seed=0))

        for what, names in ((f"{len(FIFTEEN)} metrics", FIFTEEN), ("all metrics", ("default",))):
            evaluate(run, said, names)
            seconds = timed(compared)
            print(f"compare, {what:14} {seconds:6.2f} s for {turns:,} turns (at most {LIMIT_S:g})")
        print(f"{'report':23} {timed(lambda: write_report(run.root)):6.2f} s (at most {REPORT_LIMIT_S:g})")


if __name__ == "__main__":
    main()
