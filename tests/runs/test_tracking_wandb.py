"""wandb in its own process: it is told everything, and nothing that it does can hurt the run."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from ecr_engine.runs.events import Event, EventLog
from ecr_engine.runs.tracking import Tracked
from ecr_engine.runs.wandb_tracker import NO_KEY, WandbTracker, has_key, read_kept, sync_command

STEP = Event(1.0, "rl", 4, "step", {"objective/reward": 0.5, "policy/clip": True, "text": "x", "n": 3})

FAKE = """
import json, os, time
class Error(Exception): pass
class CommError(Error): pass
class _Settings:
    def __init__(self, **given): self.__dict__.update(given)
def Settings(**given): return _Settings(**given)
def _note(*what):
    with open(os.environ["NOTES"], "a") as out: out.write(json.dumps(what) + "\\n")
def setup(settings): pass
def teardown(): pass
class Run:
    step = 7
    def __init__(self, how):
        self.settings = _Settings(sync_dir=how["dir"] + "/wandb/" + how["mode"] + "-run-1", mode=how["mode"])
        os.makedirs(self.settings.sync_dir, exist_ok=True)
    def define_metric(self, name, step_metric): _note("axis", name, step_metric)
    def log(self, values, step): _note("log", values, step)
    def finish(self, exit_code): _note("finish", exit_code)
def init(**how):
    settings = how.pop("settings")
    _note("init", how, {key: getattr(settings, key) for key in ("x_disable_meta", "disable_git", "save_code")})
    return Run(how)
"""


class Fake:
    """A wandb module on the path of the process, and what was done with it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fake"
        self.path.mkdir()
        self.notes = folder / "notes"
        self.write("")

    def write(self, more: str) -> None:
        (self.path / "wandb.py").write_text(FAKE + more, encoding="utf-8")

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.path), "NOTES": str(self.notes), "WANDB_API_KEY": "k" * 40}

    def done(self, what: str) -> list[list[object]]:
        found = [json.loads(line) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []
        return [note[1:] for note in found if note[0] == what]


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "demo").mkdir()
    return Tracked("demo", tmp_path / "demo", {"seed": 1}, tmp_path / "demo" / "events.jsonl")


def tracker(run, told, *, mode="offline", timeout_s=60.0, environ=None):
    return WandbTracker(
        run,
        mode=mode,
        project="project",
        timeout_s=timeout_s,
        tell=lambda *said: told.append(said),
        environ=os.environ if environ is None else environ,
    )


def test_numbers_are_sent_over_the_stage_step(run, fake):
    told = []
    listener = tracker(run, told, environ=fake.environ)
    listener(STEP)
    listener(Event(2.0, "rl", 5, "validation", {"eval/bleu": 0.1}))
    listener(Event(3.0, "rl", 5, "sample", {"n": 1}))
    listener(Event(4.0, "baseline", 0, "step", {"text": "no number"}))
    listener(Event(4.0, "baseline", 1, "step", {"train/loss": 2.0}))
    listener.close()
    listener.close()
    [[how, settings]] = fake.done("init")
    assert settings == {"x_disable_meta": True, "disable_git": True, "save_code": False}
    assert how == {
        "mode": "offline",
        "project": "project",
        "name": "demo",
        "id": read_kept(run.folder).id,
        "resume": "allow",
        "dir": str(run.folder),
        "config": {"seed": 1},
    }
    # The fake run says that it has 7 rows already.
    assert fake.done("log") == [
        [{"rl/objective/reward": 0.5, "rl/n": 3, "rl/step": 4}, 7],
        [{"rl/eval/bleu": 0.1, "rl/step": 5}, 8],
        [{"baseline/train/loss": 2.0, "baseline/step": 1}, 9],
    ]
    assert fake.done("axis") == [["rl/*", "rl/step"], ["baseline/*", "baseline/step"]]
    assert fake.done("finish") == [[0]]
    assert told == []


def test_a_run_that_goes_on_continues_the_same_run_behind_its_rows(run, fake):
    log = EventLog(run.events)
    for step in range(12):
        log.emit("rl", "step", step, x=1.0)
    log.emit("rl", "note", what="no row")
    told = []
    for _ in range(2):
        listener = tracker(run, told, environ=fake.environ)
        listener(STEP)
        listener.close()
    first, second = (how for how, _ in fake.done("init"))
    assert first["id"] == second["id"]
    assert len(first["id"]) == 8
    # 12 rows before the first part; its own row is the 13th.
    assert [step for _, step in fake.done("log")] == [12, 13]
    assert told == []


def test_what_was_kept_offline_is_named_for_sending(run, fake):
    assert sync_command(run.folder) == ""
    listener = tracker(run, [], environ=fake.environ)
    listener.close()
    assert sync_command(run.folder) == f"wandb sync {run.folder}/wandb/offline-run-1"


def test_what_was_sent_is_not(run, fake):
    listener = tracker(run, [], mode="online", environ=fake.environ)
    listener.close()
    assert fake.done("init")[0][0]["mode"] == "online"
    assert sync_command(run.folder) == ""


def test_without_a_key_online_is_offline(run, fake, tmp_path):
    told = []
    environ = {**fake.environ, "WANDB_API_KEY": "", "NETRC": str(tmp_path / "none")}
    listener = tracker(run, told, mode="online", environ=environ)
    listener.close()
    assert told == [("note", NO_KEY)]
    assert NO_KEY == "wandb has no key, so the run is kept offline: `wandb login` gives it one"
    assert fake.done("init")[0][0]["mode"] == "offline"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("machine api.wandb.ai login user password 123\n", True),
        ("machine example.org login user password 123\n", False),
        ("nonsense {", False),
    ],
    ids=["key", "other", "damaged"],
)
def test_a_key_where_wandb_login_puts_it(tmp_path, content, found):
    (tmp_path / "netrc").write_text(content)
    assert has_key({"NETRC": str(tmp_path / "netrc")}) is found


def test_a_network_that_is_not_there_keeps_the_run_offline(run, fake):
    fake.write(
        "\n_init = init\ndef init(**how):\n"
        "    if how['mode'] == 'online': raise CommError('no\\nnetwork')\n"
        "    return _init(**how)\n"
    )
    told = []
    listener = tracker(run, told, mode="online", environ=fake.environ)
    listener(STEP)
    listener.close()
    assert told == [("warning", "wandb can't be reached, and keeps the run offline: CommError: no network")]
    assert len(fake.done("log")) == 1
    assert sync_command(run.folder).startswith("wandb sync ")


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def broken(method):
    return f"\ndef _broken(self, *given, **more): raise CommError('quota')\nRun.{method} = _broken\n"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (broken("log"), "CommError: quota"),
        (broken("finish"), "CommError: quota"),
        ("\nraise ImportError('no such part')\n", "wandb can't be imported: no such part"),
        ("\ndef init(**how): os._exit(3)\n", "its process ended with code 3"),
        ("\ndef init(**how): raise OSError(28, 'No space left')\n", "OSError: [Errno 28] No space left"),
    ],
    ids=["log", "finish", "import", "dies", "disk"],
)
def test_a_failure_is_one_warning(run, fake, more, why):
    fake.write(more)
    told = []
    listener = tracker(run, told, environ=fake.environ)
    for _ in range(3):
        listener(STEP)
    listener.close()
    listener(STEP)
    assert told == [("warning", f"wandb failed and is off for the rest of the run: {why}")]


def test_one_that_fails_in_the_middle_is_noticed_at_the_next_event(run, fake):
    fake.write(broken("log"))
    told = []
    listener = tracker(run, told, environ=fake.environ)

    def noticed():
        listener(STEP)
        return bool(told)

    eventually(noticed)
    listener.close()
    assert len(told) == 1


def test_one_that_hangs_at_its_end_is_left_behind(run, fake):
    fake.write(
        "\ndef _hang(self, exit_code):\n    _note('finish', os.getpid())\n    time.sleep(600)\nRun.finish = _hang\n"
    )
    told = []
    listener = tracker(run, told, mode="online", timeout_s=8.0, environ=fake.environ)
    listener(STEP)
    eventually(lambda: fake.done("log"))
    began = time.monotonic()
    listener.close()
    assert 7.0 < time.monotonic() - began < 60
    assert told == [("warning", "wandb failed and is off for the rest of the run: it did not finish within 8 seconds")]
    [[child]] = fake.done("finish")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert sync_command(run.folder) == f"wandb sync {run.folder}/wandb/online-run-1"


def test_one_that_hangs_from_the_start_costs_an_event_nothing(run, fake):
    fake.write("\ndef init(**how): time.sleep(600)\n")
    told = []
    listener = tracker(run, told, timeout_s=1.0, environ=fake.environ)
    began = time.monotonic()
    # More than a pipe takes, so that a blocking write would never come back.
    for step in range(2000):
        listener(Event(1.0, "rl", step, "step", {f"key/{number}": 0.5 for number in range(20)}))
    assert time.monotonic() - began < 30
    listener.close()
    assert [what for _, what in told] == [
        "wandb failed and is off for the rest of the run: it did not finish within 1 seconds"
    ]


def test_a_run_that_is_killed_ends_there_as_failed(run, fake):
    child = os.fork()
    if child == 0:
        listener = tracker(run, [], environ=fake.environ)
        listener(STEP)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    eventually(lambda: fake.done("finish"))
    assert fake.done("finish") == [[1]]
    assert len(fake.done("log")) == 1


def test_a_damaged_file_of_the_trackers_begins_a_new_run(run, fake):
    (run.folder / "tracking.json").write_text("{torn", encoding="utf-8")
    told = []
    listener = tracker(run, told, environ=fake.environ)
    listener.close()
    assert told == []
    assert read_kept(run.folder) is not None


def test_the_real_one_offline(run, capfd):
    told = []
    listener = tracker(run, told)
    listener(STEP)
    listener.close()
    assert told == []
    (log,) = run.folder.glob("wandb/offline-run-*/*.wandb")
    assert b"rl/objective/reward" in log.read_bytes()
    assert sync_command(run.folder) == f"wandb sync {log.parent}"
    assert capfd.readouterr() == ("", "")
