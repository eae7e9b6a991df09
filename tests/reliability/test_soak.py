"""R10: thousands of steps, with everything that a run does beside them. Memory stays, and every event can be read."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

import pytest
from courses import Baseline, Policy

from ecr_engine.runs.checkpoints import list_checkpoints, save_checkpoint
from ecr_engine.runs.events import EventLog, read_events
from ecr_engine.runs.manifest import verify
from ecrctl.ui.snapshot import begin, reduce

GROWTH = 1.05
"""What memory may come to at the end, in units of what it was after the first tenth."""


def resident():
    """Bytes of memory that this process has."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "steps"), [(Baseline, 10_000), (Policy, 2_000)], ids=["baseline", "policy"])
def test_memory_does_not_grow(tmp_path, kind, steps):
    picture, memory = [begin("soak", ("baseline", "rl"), {"first": 1.0, "noise": 1.0})], {}

    def watched(event):
        picture[0] = reduce(picture[0], event)
        if event.kind == "step" and event.step in (steps // 10, steps):
            memory[event.step] = resident()

    class Soak(kind):
        every = 100

        def save(self, step, metrics, best, write):
            save_checkpoint(self.folder, step, write, metrics=metrics, best=best, keep_last=2)

    course = Soak(tmp_path / "run", total=steps)
    course.trainer.emit = EventLog(tmp_path / "events.jsonl", (watched,)).emit
    course.run()
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert len(list(read_events(tmp_path / "events.jsonl"))) == len(lines)
    found = [json.loads(line) for line in lines]
    assert [one["step"] for one in found if one["kind"] == "step"] == list(range(1, steps + 1))
    kept = list_checkpoints(tmp_path / "run")
    assert kept[-1].step == steps and len(kept) <= 3
    assert [problem for info in kept for problem in verify(info.path)] == []
    sys.stdout.write(f"{memory[steps // 10] / 2**20:.0f} MiB, then {memory[steps] / 2**20:.0f} MiB\n")
    assert memory[steps] <= GROWTH * memory[steps // 10]
