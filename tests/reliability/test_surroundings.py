"""R9: two processes on one run, a folder that can't be written or goes away, a clock that is set back."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import signal
import socket
import time
from contextlib import ExitStack

import pytest
from reliable_jobs import Command, last_step, newest, run, settings, wait_for

from ecr_engine.config.settings import Settings
from ecr_engine.errors import EcrError
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.saving import saving
from ecr_engine.runs.checkpoints import best, latest, save_checkpoint, sweep
from ecr_engine.runs.events import read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import verify

ENDLESS = 1_000_000
WORDS = "train baseline --run run --quiet --config small.toml --resume auto"


def write(folder):
    (folder / "part").write_bytes(b"x")


@pytest.fixture
def training(tmp_path):
    """A training that goes on for ever, in its tenth step or later."""
    settings(tmp_path, steps=ENDLESS, every=4)
    command = Command(WORDS, tmp_path)
    wait_for(lambda: last_step(tmp_path / "run", "baseline") >= 10)
    yield command
    if command.process.is_alive():
        command.send(signal.SIGKILL)
        command.wait()


def test_a_second_process_fails_at_once_and_the_first_goes_on(training, tmp_path):
    folder, reached = tmp_path / "run", last_step(tmp_path / "run", "baseline")
    code, told = run(WORDS, tmp_path)
    assert code == 1
    assert told == (
        f"error: the run folder run is in use by process {training.process.pid} on {socket.gethostname()}\n"
        "  at   run/.lock\n"
        "  fix  wait until it ends, or stop it\n"
    )
    wait_for(lambda: last_step(folder, "baseline") > reached + 2)
    assert training.process.is_alive()


ROUNDS = 40


def contend(folder, turns, told):
    """Asks for the lock of a run in the same instant as another process, again and again; tells whether it got it."""
    run = RunFolder(folder)
    for number in range(ROUNDS):
        turns.wait()
        with ExitStack() as held:
            try:
                held.enter_context(run.lock())
                told.put((number, True))
            except EcrError:
                told.put((number, False))
            turns.wait()


def test_of_two_that_ask_in_the_same_instant_one_gets_the_run(tmp_path):
    processes = multiprocessing.get_context("forkserver")
    turns, told = processes.Barrier(2, timeout=120), processes.Queue()
    both = [processes.Process(target=contend, args=(tmp_path, turns, told)) for _ in range(2)]
    for process in both:
        process.start()
    # Nobody asks for the next turn before both have had their answer; what they tell may come in any order.
    answers = [[] for _ in range(ROUNDS)]
    for _ in range(2 * ROUNDS):
        number, got = told.get(timeout=120)
        answers[number].append(got)
    for process in both:
        process.join()
    assert [sorted(answer) for answer in answers] == [[False, True]] * ROUNDS
    assert RunFolder(tmp_path).lock_holder() is None


def test_the_lock_of_a_killed_process_is_taken_over_and_that_is_told(training, tmp_path):
    folder, pid = tmp_path / "run", training.process.pid
    training.send(signal.SIGKILL)
    training.wait()
    assert json.loads((folder / ".lock").read_text()) == {"pid": pid, "host": socket.gethostname()}
    settings(tmp_path, steps=12, every=4)
    # The number of steps is another now.
    code, told = run(f"{WORDS} --resume-anyway", tmp_path)
    assert code == 0, told
    notes = [event.values.get("what") for event in read_events(folder / "events.jsonl") if event.kind == "note"]
    assert f"process {pid}, which was at work here, ended without a word: its lock was taken over" in notes
    assert not (folder / ".lock").exists()


def test_a_run_folder_that_vanishes_ends_the_training(training, tmp_path):
    away = tmp_path / "away"
    (tmp_path / "run").rename(away)
    code, told = training.wait()
    assert code == 1
    # Whichever is asked for first: the next event, or the next checkpoint.
    gone = "error: the run folder run is gone: nothing can be saved in it\n  at   run/run.json\n"
    assert told.startswith((gone, "error: no such file or directory: run/"))
    assert not (tmp_path / "run" / "run.json").exists()
    # Nothing of it was hurt.
    assert verify(latest(away / "baseline")) == []


def test_a_run_folder_that_is_gone_is_not_made_anew_by_a_checkpoint(tmp_path):
    context = StageContext(RunFolder(tmp_path / "run"), Settings(), None, lambda *_, **__: None, resume=False)
    with pytest.raises(EcrError) as caught:
        saving(context, "baseline", write)(1, {}, best=False)
    (problem,) = caught.value.problems
    assert problem.what == f"the run folder {tmp_path / 'run'} is gone: nothing can be saved in it"
    assert (problem.at, problem.fix) == (
        str(tmp_path / "run" / "run.json"),
        "bring it back and go on, or begin another run",
    )
    assert list(tmp_path.iterdir()) == []


CAP_DAC_OVERRIDE = 1
CAPABILITIES_3 = 0x20080522


def without_override():
    """Gives up root's right to write what may not be written; of any other user nothing changes."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for place in range(3):
        sets[place] &= ~(1 << CAP_DAC_OVERRIDE)
    assert libc.capset(header, sets) == 0


def test_a_folder_that_can_not_be_written_is_an_error_and_stays_as_it_was(tmp_path):
    settings(tmp_path)
    folder = tmp_path / "run"
    folder.mkdir(mode=0o555)
    code, told = run(WORDS, tmp_path, without_override)
    folder.chmod(0o755)
    assert code == 1
    assert told.startswith("error: permission denied: run/")
    assert "\n  fix  write elsewhere, or change who may: ls -ld shows it\n" in told
    assert list(folder.iterdir()) == []


def test_a_clock_that_is_set_back_changes_nothing(tmp_path, monkeypatch):
    now = iter([5000.0, 4000.0, 3000.0])
    for step in (1, 2, 3):
        moment = next(now)
        monkeypatch.setattr(time, "time", lambda it=moment: it)
        save_checkpoint(tmp_path, step, write, metrics={}, best=step < 3, keep_last=9)
    for link in ("latest", "best"):
        (tmp_path / link).unlink()
    sweep(tmp_path)
    assert (latest(tmp_path).name, best(tmp_path).name) == ("step-000003", "step-000002")


def clock_set_back():
    """The clock loses a day in the middle of the training."""
    real, begun = time.time, time.monotonic()
    time.time = lambda: real() - (86_400.0 if time.monotonic() - begun > 0.8 else 0.0)


def test_a_training_whose_clock_is_set_back_goes_on_to_its_end(tmp_path):
    settings(tmp_path, steps=12, every=4)
    assert run(WORDS, tmp_path, clock_set_back)[0] == 0
    assert newest(tmp_path / "run", "baseline") == 12
    steps = [
        e.step for e in read_events(tmp_path / "run" / "events.jsonl") if (e.stage, e.kind) == ("baseline", "step")
    ]
    assert steps == list(range(1, 13))
    assert run(WORDS, tmp_path)[0] == 0
