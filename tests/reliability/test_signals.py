"""R4: SIGINT, SIGTERM and SIGHUP at random moments end the step, save it, and exit with 130, 143 or 129."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from courses import Baseline
from reliable_jobs import Command, last_step, newest, run, settings, wait_for

from ecr_engine.runs.checkpoints import latest, list_checkpoints, save_checkpoint, sweep
from ecr_engine.runs.events import EventLog, drop_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.manifest import verify

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
NUMBERS = tuple(CODES)
ENDLESS = 1_000_000
WORDS = "train baseline --run run --resume auto --quiet --config small.toml"
HEARD = "\nending after this step, and saving it; once more ends it at once, unsaved\n"
TYPED = "ecrctl train baseline --run run --quiet --config small.toml"
GO_ON = f"interrupted; what is finished is kept in run\n  fix  go on with it: {TYPED} --resume auto\n"


def begun(place, prepare=None):
    """The training, once it has made a step."""
    folder = place / "run"
    before = last_step(folder, "baseline")
    command = Command(WORDS, place, prepare)
    wait_for(lambda: last_step(folder, "baseline") > before)
    return command


@pytest.mark.parametrize("times", [6, pytest.param(40, marks=pytest.mark.slow)])
def test_a_signal_at_any_moment_loses_no_step(tmp_path, times):
    settings(tmp_path, steps=ENDLESS, every=ENDLESS)
    folder, moments = tmp_path / "run", random.Random(times)
    for turn in range(times):
        number = NUMBERS[turn % 3]
        command = begun(tmp_path)
        time.sleep(moments.random() * 0.2)
        command.send(number)
        code, told = command.wait()
        assert (code, told.count(HEARD)) == (CODES[number], 1)
        assert GO_ON in told
        reached = last_step(folder, "baseline")
        assert newest(folder, "baseline") == reached > turn
        assert verify(latest(folder / "baseline")) == []
        record = RunFolder(folder).read_record()
        assert (record.status, record.exit_code) == ("interrupted", CODES[number])
        assert RunFolder(folder).lock_holder() is None


def toy():
    """Makes `ecrctl train baseline` train a toy for ever, which is ready at once and saves every third step."""
    import ecrctl.jobs
    from ecr_engine.runs.stopping import Stop
    from ecrctl.signals import tell_of_stop

    class Endless(Baseline):
        every = 3

        def save(self, step, metrics, best, write):
            save_checkpoint(self.folder, step, write, metrics=metrics, best=best, keep_last=2)

    def start(request):
        folder = Path("toy")
        course = Endless(folder, total=ENDLESS)
        course.trainer.stop = Stop(tell_of_stop)
        if list_checkpoints(folder):
            sweep(folder)
            course.trainer.restore(latest(folder))
        drop_events(Path("events.jsonl"), "baseline", after=course.trainer.progress.step)
        course.trainer.emit = EventLog(Path("events.jsonl")).emit
        course.run()

    ecrctl.jobs.start = start


@pytest.mark.parametrize("times", [34, pytest.param(160, marks=pytest.mark.slow)])
def test_a_signal_at_any_moment_of_a_toy_loses_no_step(tmp_path, times):
    moments, reached, saves = random.Random(times), 0, 0
    for turn in range(times):
        number = NUMBERS[turn % 3]
        command = Command("train baseline", tmp_path, toy)
        wait_for(lambda was=reached: last_step(tmp_path, "baseline") > was)
        time.sleep(moments.random() * 0.06)
        command.send(number)
        code, told = command.wait()
        assert (code, told) == (CODES[number], HEARD)
        found = newest(tmp_path, "toy")
        assert found == last_step(tmp_path, "baseline") > reached
        assert verify(latest(tmp_path / "toy")) == []
        reached, saves = found, saves + (found % 3 == 0)
    # Some signals came while it saved anyway, and some did not.
    assert 0 < saves < times


def test_a_signal_before_the_first_step_loses_nothing(tmp_path):
    settings(tmp_path, steps=ENDLESS, every=ENDLESS)
    folder, moments = tmp_path / "run", random.Random(1)
    command = begun(tmp_path)
    command.send(signal.SIGTERM)
    assert command.wait()[0] == 143
    reached = newest(folder, "baseline")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        size = (folder / "events.jsonl").stat().st_size
        command = Command(WORDS, tmp_path)
        wait_for(lambda was=size: (folder / "events.jsonl").stat().st_size != was)
        time.sleep(moments.random() * 0.1)
        command.send(number)
        code, told = command.wait()
        assert code == CODES[number], told
        assert newest(folder, "baseline") >= reached
        reached = newest(folder, "baseline")
        assert last_step(folder, "baseline") == reached


def slow_steps():
    """Makes the training's tenth step and all after it take a minute."""
    from ecr_engine.training.sft import BaselineTrainer

    step = BaselineTrainer._step

    def slow(self, rows, number, total):
        step(self, rows, number, total)
        if number >= 9:
            time.sleep(60)

    BaselineTrainer._step = slow


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_a_second_signal_ends_it_at_once(tmp_path, number):
    settings(tmp_path, steps=ENDLESS, every=4)
    folder = tmp_path / "run"
    command = Command(WORDS, tmp_path, slow_steps)
    wait_for(lambda: last_step(folder, "baseline") == 10)
    command.send(number)
    wait_for(lambda: HEARD in command.told.read_text(encoding="utf-8"))
    started = time.monotonic()
    command.send(number)
    code, told = command.wait()
    assert code == CODES[number]
    assert time.monotonic() - started < 20
    assert "ecrctl train baseline" in told
    # What was saved is whole; the step that was under way is lost.
    assert newest(folder, "baseline") == 8
    assert verify(latest(folder / "baseline")) == []


def slower_steps():
    """Makes each step of the training take a third of a second."""
    from ecr_engine.training.sft import BaselineTrainer

    step = BaselineTrainer._step

    def slow(self, rows, number, total):
        step(self, rows, number, total)
        time.sleep(0.3)

    BaselineTrainer._step = slow


def test_a_hang_up_that_comes_twice_loses_no_step(tmp_path):
    # The kernel and the shell both send one when a terminal closes.
    settings(tmp_path, steps=ENDLESS, every=ENDLESS)
    folder = tmp_path / "run"
    command = begun(tmp_path, slower_steps)
    command.send(signal.SIGHUP)
    command.send(signal.SIGHUP)
    code, _ = command.wait()
    assert code == 129
    assert newest(folder, "baseline") == last_step(folder, "baseline") > 0
    assert verify(latest(folder / "baseline")) == []
    record = RunFolder(folder).read_record()
    assert (record.status, record.exit_code, record.stages["baseline"].status) == ("interrupted", 129, "interrupted")


def unread_stderr():
    """Makes stderr a pipe whose reader ends once a step was shown."""
    reader, writer = os.pipe()
    os.dup2(writer, 2)
    os.close(writer)

    def read():
        shown = b""
        while b"step=" not in shown:
            shown += os.read(reader, 1 << 16)
        os.close(reader)

    threading.Thread(target=read, daemon=True).start()


def test_a_pipe_that_nobody_reads_any_more_loses_no_step(tmp_path):
    settings(tmp_path, steps=ENDLESS, every=ENDLESS)
    folder = tmp_path / "run"
    words = WORDS.replace("--quiet", "--verbose")
    code, _ = Command(words, tmp_path, unread_stderr).wait()
    assert code == 141
    assert newest(folder, "baseline") == last_step(folder, "baseline") > 0
    assert verify(latest(folder / "baseline")) == []
    record = RunFolder(folder).read_record()
    assert (record.status, record.exit_code) == ("interrupted", 141)


def wait_in_policy():
    """Lets an update of the policy take long enough to be met."""
    from ecr_engine.rl.trainer import PPOTrainer

    step = PPOTrainer.train_step

    def slow(self):
        found = step(self)
        time.sleep(0.3)
        return found

    PPOTrainer.train_step = slow


def test_the_policy_is_saved_too(tmp_path):
    settings(tmp_path, every=100)
    words = "rl train --run run --quiet --config small.toml"
    command = Command(words, tmp_path, wait_in_policy)
    folder = tmp_path / "run"
    wait_for(lambda: last_step(folder, "rl") == 2)
    command.send(signal.SIGTERM)
    code, told = command.wait()
    assert code == 143
    assert f"fix  go on with it: ecrctl {words} --resume auto\n" in told
    assert newest(folder, "policy") == last_step(folder, "rl") >= 2
    assert run(f"{words} --resume last", tmp_path)[0] == 0
    assert newest(folder, "policy") == 6
