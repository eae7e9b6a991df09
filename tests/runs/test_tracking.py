"""Trackers follow the events and never stop a run."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecr_engine.runs.events import Event
from ecr_engine.runs.tracking import WandbTracker

STEP = Event(1.0, "rl", 4, "step", {"objective/reward": 0.5, "policy/clip": True, "text": "x", "n": 3})


class RecordingRun:
    def __init__(self):
        self.logged, self.axes, self.finished = [], [], 0

    def define_metric(self, name, step_metric):
        self.axes.append((name, step_metric))

    def log(self, values):
        self.logged.append(values)

    def finish(self):
        self.finished += 1


def fake_wandb(monkeypatch, init):
    module = SimpleNamespace(init=init, Settings=lambda **settings: settings)
    monkeypatch.setitem(sys.modules, "wandb", module)


def tracker(folder, warnings, mode="offline"):
    return WandbTracker(mode, "project", "demo", folder, {"seed": 1}, warn=warnings.append)


def test_numbers_are_sent_over_the_stage_step(tmp_path, monkeypatch):
    run, begun, warnings = RecordingRun(), [], []

    def init(**arguments):
        begun.append(arguments)
        return run

    fake_wandb(monkeypatch, init)
    listener = tracker(tmp_path, warnings)
    listener(STEP)
    listener(Event(2.0, "rl", 5, "validation", {"eval/bleu": 0.1}))
    listener(Event(3.0, "rl", 5, "sample", {"n": 1}))
    listener(Event(4.0, "baseline", 0, "step", {"text": "no number"}))
    listener.close()
    listener.close()
    assert begun[0]["mode"] == "offline" and begun[0]["name"] == "demo" and begun[0]["config"] == {"seed": 1}
    assert run.logged == [
        {"rl/objective/reward": 0.5, "rl/n": 3, "rl/step": 4},
        {"rl/eval/bleu": 0.1, "rl/step": 5},
    ]
    assert run.axes == [("rl/*", "rl/step"), ("baseline/*", "baseline/step")]
    assert run.finished == 1
    assert warnings == []


class WandbOwnError(Exception):
    __module__ = "wandb.errors"


@pytest.mark.parametrize("error", [ConnectionError("no network"), WandbOwnError("quota")])
def test_a_failure_is_one_warning(tmp_path, monkeypatch, error):
    run, warnings = RecordingRun(), []

    def log(values):
        raise error

    run.log = log
    fake_wandb(monkeypatch, lambda **arguments: run)
    listener = tracker(tmp_path, warnings)
    for _ in range(3):
        listener(STEP)
    listener.close()
    assert warnings == [f"wandb failed and is off for the rest of the run: {type(error).__name__}: {error}"]


def test_a_tracker_that_cannot_begin(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    warnings = []
    listener = tracker(tmp_path, warnings)
    listener(STEP)
    listener.close()
    assert len(warnings) == 1 and "ModuleNotFoundError" in warnings[0]


def test_an_interrupt_is_no_fault_of_the_tracker(tmp_path, monkeypatch):
    def init(**arguments):
        raise KeyboardInterrupt

    fake_wandb(monkeypatch, init)
    with pytest.raises(KeyboardInterrupt):
        tracker(tmp_path, [])


def test_disabled_imports_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    warnings = []
    listener = tracker(tmp_path, warnings, mode="disabled")
    listener(STEP)
    listener.close()
    assert warnings == []


def test_the_real_one_offline(tmp_path, capfd):
    warnings = []
    listener = tracker(tmp_path, warnings)
    listener(STEP)
    listener.close()
    assert warnings == []
    (log,) = Path(tmp_path).glob("wandb/offline-run-*/*.wandb")
    # Its own process writes the file, and may be a moment behind.
    deadline = time.monotonic() + 20
    while b"rl/objective/reward" not in log.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert capfd.readouterr().out == ""
