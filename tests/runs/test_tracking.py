"""What trackers are given, and which there are."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ecr_engine.config.sections.keeping import TrackingSettings
from ecr_engine.errors import ExitCode, UnavailableError
from ecr_engine.runs.events import Event
from ecr_engine.runs.tensorboard_tracker import TensorboardTracker
from ecr_engine.runs.tracking import Tracked, check_trackers, numbers_of, trackers

STEP = Event(1.0, "rl", 4, "step", {"objective/reward": 0.5, "policy/clip": True, "text": "x", "n": 3})


def tracked(folder):
    return Tracked("demo", folder, {"seed": 1}, folder / "events.jsonl")


def test_the_numbers_of_an_event_keep_their_keys():
    assert numbers_of(STEP) == {"objective/reward": 0.5, "n": 3}


@pytest.mark.parametrize("kind", ["sample", "progress", "warning"])
def test_other_kinds_have_none(kind):
    assert numbers_of(Event(1.0, "rl", 4, kind, {"n": 1})) == {}


def test_without_a_tracker_nothing_is_started_or_written(tmp_path):
    with trackers(TrackingSettings(), tracked(tmp_path), tell=lambda kind, what: pytest.fail(what)) as found:
        assert found == ()
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_that_is_not_installed_is_said_before_any_work(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnavailableError) as caught:
        check_trackers(TrackingSettings(tensorboard=True))
    [problem] = caught.value.problems
    assert caught.value.exit_code == ExitCode.ENVIRONMENT == 5
    assert problem.what == "tensorboard is not installed"
    assert problem.at == "tracking.tensorboard"
    assert problem.fix == "pip install 'ecrctl[tensorboard]', or --set tracking.tensorboard=false"
    check_trackers(TrackingSettings(tensorboard=False))


class Writer:
    def __init__(self, log_dir):
        self.folder, self.texts, self.scalars, self.closed = log_dir, [], [], 0

    def add_text(self, tag, text):
        self.texts.append((tag, text))

    def add_scalar(self, tag, value, step):
        self.scalars.append((tag, value, step))

    def close(self):
        self.closed += 1


@pytest.fixture
def writers(monkeypatch):
    made = []

    def make(log_dir):
        made.append(Writer(log_dir))
        return made[-1]

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=make))
    return made


def test_tensorboard_gets_the_keys_of_the_events(tmp_path, writers):
    told = []
    listener = TensorboardTracker(tracked(tmp_path), tell=lambda kind, what: told.append(what))
    listener(STEP)
    listener.close()
    listener.close()
    [writer] = writers
    assert writer.folder == str(tmp_path / "tensorboard")
    assert writer.scalars == [("rl/objective/reward", 0.5, 4), ("rl/n", 3, 4)]
    assert writer.texts == [("settings", '```json\n{\n  "seed": 1\n}\n```')]
    assert (writer.closed, told) == (1, [])


def test_a_full_disk_is_one_warning(tmp_path, writers):
    told = []
    listener = TensorboardTracker(tracked(tmp_path), tell=lambda *said: told.append(said))

    def full(tag, value, step):
        raise OSError(28, "No space left on device")

    writers[0].add_scalar = full
    for _ in range(3):
        listener(STEP)
    listener.close()
    why = "tensorboard failed and is off for the rest of the run: OSError: [Errno 28] No space left on device"
    assert told == [("warning", why)]


def test_the_real_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with trackers(TrackingSettings(tensorboard=True), tracked(tmp_path), tell=lambda kind, what: pytest.fail(what)) as (
        listener,
    ):
        listener(STEP)
        listener(Event(2.0, "rl", 5, "step", {"objective/reward": 0.75}))
    read = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(row.step, row.value) for row in read.Scalars("rl/objective/reward")] == [(4, 0.5), (5, 0.75)]
