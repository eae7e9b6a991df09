"""Two runs with one seed tell the same of everything that is trained, to the last bit."""

from __future__ import annotations

import json

from small_jobs import events, job

from ecr_engine.pipeline.job import run_job

TRAINED = ("baseline", "critic", "rl")
CLOCKED = ("time/", "perf/", "seconds")


def told(folder):
    """The events of the trained stages, but for what a clock or the memory says, and for the run's own name.

    Other tests go on with the finished run, whose stages are then skipped.
    """
    found = []
    for stage in TRAINED:
        for event in events(folder, stage):
            if event.kind == "stage_skipped":
                continue
            values = {key: value for key, value in event.values.items() if not key.startswith(CLOCKED)}
            found.append((stage, event.kind, event.step, json.dumps(values).replace(str(folder), "RUN")))
    return found


def test_two_runs_with_one_seed_give_identical_events(finished, tmp_path):
    run_job(job(tmp_path / "again"), until="rl")
    again = told(tmp_path / "again")
    assert [step for stage, kind, step, _ in again if (stage, kind) == ("rl", "step")] == [1, 2, 3, 4]
    assert again == told(finished)


def test_another_seed_gives_others(finished, tmp_path):
    run_job(job(tmp_path / "other", "seed=1"), until="rl")
    assert told(tmp_path / "other") != told(finished)
