"""R1: SIGKILL at random moments. Nothing unreadable, nothing announced that is not there, nothing left lying about."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest
from courses import different
from reliable_jobs import Command, last_step, newest, run, settings, told_of, wait_for

from ecr_engine.runs.checkpoints import latest, list_checkpoints, sweep
from ecr_engine.runs.events import read_events
from ecr_engine.runs.folder import TRAINED_STAGES
from ecr_engine.runs.links import step_of
from ecr_engine.runs.manifest import verify

BEGIN = """
import sys
from pathlib import Path
from ecr_engine.runs.checkpoints import latest, save_checkpoint, sweep
from ecr_engine.runs.links import step_of
from ecr_engine.runs.events import EventLog, drop_events

stage = Path(sys.argv[1])
events = stage / "events.jsonl"

def write(folder):
    for number in range(6):
        (folder / f"part{number}").write_bytes(bytes([step % 256]) * 150_000)
"""

STAGED = (
    BEGIN
    + """
sweep(stage)
step = step_of(latest(stage)) if (stage / "latest").exists() else 0
drop_events(events, "rl", after=step)
log = EventLog(events)
print("ready", flush=True)
while True:
    step += 1
    log.emit("rl", "step", step, loss=1.0)
    save_checkpoint(stage, step, write, metrics={"step": step}, best=step % 3 == 0, keep_last=2)
    log.emit("rl", "checkpoint", step)
"""
)

IN_PLACE = (
    BEGIN
    + """
found = sorted((stage / "checkpoints").glob("step-*"))
step = step_of(found[-1]) if found else 0
print("ready", flush=True)
while True:
    step += 1
    folder = stage / "checkpoints" / f"step-{step:06d}"
    folder.mkdir(parents=True)
    write(folder)
"""
)
"""The way of many trainers: straight into the folder that the next run reads."""


def killed(script, stage, wait):
    """Runs a script that saves for ever, for so many seconds."""
    process = subprocess.Popen([sys.executable, "-c", script, str(stage)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("kills", [26, pytest.param(196, marks=pytest.mark.slow)])
def test_no_kill_leaves_anything_unreadable_missing_or_lying_about(tmp_path, kills):
    moments, staging, reached = random.Random(kills), 0, 0
    (tmp_path / "checkpoints").mkdir()
    for _ in range(kills):
        killed(STAGED, tmp_path, moments.random() * 0.12)
        whole = [info.step for info in list_checkpoints(tmp_path)]
        assert [path.name for path in (tmp_path / "checkpoints").glob("step-*") if verify(path)] == []
        told = list(read_events(tmp_path / "events.jsonl"))
        announced = [event.step for event in told if event.kind == "checkpoint"]
        # What was announced is there, or two newer ones are, for which it had to go.
        assert [step for step in announced if step not in whole and len([one for one in whole if one > step]) < 2] == []
        steps = [event.step for event in told if event.kind == "step"]
        assert steps == list(range(1, len(steps) + 1))
        staging += len(list((tmp_path / "checkpoints").glob(".*")))
        sweep(tmp_path)
        assert list((tmp_path / "checkpoints").glob(".*")) == []
        assert not whole or step_of(latest(tmp_path)) == whole[-1] >= reached
        reached = whole[-1] if whole else 0
    # Else the kills fell between the saves, and nothing was shown.
    assert staging > kills / 10
    assert reached > kills / 6


def test_the_naive_way_fails_the_same_test(tmp_path):
    moments, unreadable = random.Random(0), 0
    (tmp_path / "checkpoints").mkdir()
    for _ in range(8):
        killed(IN_PLACE, tmp_path, moments.random() * 0.12)
        found = sorted((tmp_path / "checkpoints").glob("step-*"))
        sizes = [path.stat().st_size for path in found[-1].glob("part*")] if found else []
        unreadable += bool(found) and sizes != [150_000] * 6
    assert unreadable > 0


@pytest.mark.parametrize(("kills", "within"), [(4, 1.5), pytest.param(30, 0.5, marks=pytest.mark.slow)])
def test_a_job_that_is_killed_again_and_again_ends_as_one_that_was_left_alone(tmp_path, kills, within):
    file, moments = settings(tmp_path), random.Random(kills)
    words = f"rl train --config {file} --quiet --run run --resume auto"
    places = [tmp_path / "alone", tmp_path / "killed"]
    for place in places:
        place.mkdir()
    assert run(words, places[0])[0] == 0
    straight, folder = (place / "run" for place in places)
    hits = 0
    for _ in range(kills):
        before = _size(folder)
        command = Command(words, places[1])
        wait_for(lambda it=command, was=before: not it.process.is_alive() or _size(folder) != was)
        time.sleep(moments.random() * within)
        hits += command.kill()
        command.wait()
        for stage in TRAINED_STAGES:
            assert [info.path.name for info in list_checkpoints(folder / stage) if verify(info.path)] == []
    # A quick machine may be through with the job before the last kill.
    assert hits >= kills // 2
    assert run(words, places[1])[0] == 0
    for stage, name in (("baseline", "baseline"), ("critic", "critic"), ("rl", "policy")):
        assert told_of(folder, stage) == told_of(straight, stage)
        assert last_step(folder, stage) == last_step(straight, stage) > 0
        assert newest(folder, name) == newest(straight, name) > 0
        # The manifest has the time in it.
        assert set(different(latest(straight / name), latest(folder / name))) <= {"manifest.json"}
        assert list((folder / name / "checkpoints").glob(".*")) == []


def _size(folder):
    events = folder / "events.jsonl"
    return events.stat().st_size if events.exists() else 0
