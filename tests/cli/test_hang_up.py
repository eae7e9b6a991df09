"""A training that is ended by a signal says so, leaves nothing, and exits with the signal's code."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from goemotions_fixture import write_goemotions

from ecr_engine.errors import ExitCode
from ecr_engine.rewards.foreign import attempt
from ecrctl.signals import Ended

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

TRAINING = """
import sys, time
import ecr_engine.training.emotion as emotion
def build(*arguments, **options):
    print("started", flush=True)
    time.sleep(30)
emotion.build_classifier = build
sys.argv = ["ecrctl", "train", "emotion", "--data", "data", "--output", "out", "--quiet"]
from ecrctl.__main__ import main
main()
"""


def started(place: Path, before: str = "") -> subprocess.Popen[str]:
    """A training that waits with its staging folder and its lock in place."""
    write_goemotions(place / "data")
    process = subprocess.Popen(
        [sys.executable, "-c", before + TRAINING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=place,
        env=ENVIRONMENT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    assert {path.name for path in place.iterdir()} == {"data", ".out.ecr-staging", ".out.ecr-lock"}
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["HUP", "TERM", "INT"]
)
def test_a_signal_leaves_nothing_behind(tmp_path, number, code) -> None:
    process = started(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (code, "interrupted; nothing was written to out\n")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_terminal_that_closes_leaves_nothing_behind(tmp_path) -> None:
    write_goemotions(tmp_path / "data")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        code = TRAINING.replace('print("started", flush=True)', 'open("started", "w").close()').replace(
            ', "--quiet"', ""
        )
        os.execve(sys.executable, [sys.executable, "-c", code], ENVIRONMENT)
    while not (tmp_path / "started").exists():
        time.sleep(0.05)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 129
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "started"]


def test_under_nohup_a_hang_up_is_no_end(tmp_path) -> None:
    process = started(tmp_path, "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143


def test_foreign_code_does_not_hold_up_a_hang_up() -> None:
    def told():
        raise Ended(signal.SIGHUP)

    with pytest.raises(Ended) as caught:
        attempt(told)
    assert (caught.value.number, caught.value.code) == (signal.SIGHUP, 129)
    assert ExitCode.HUNG_UP == 129
