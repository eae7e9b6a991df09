"""The console entry point as a process: pipes, signals, terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from synthetic import whole_run

from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

ECRCTL = [sys.executable, "-m", "ecrctl"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def run(tmp_path) -> Path:
    """A run that has ended, with the synthetic events."""
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0, status="done"))
    with folder.events.open("w", encoding="utf-8") as handle:
        for event in whole_run():
            values = {k: str(v) if isinstance(v, float) and v != v else v for k, v in event.values.items()}
            line = {"time": event.time, "stage": event.stage, "step": event.step, "kind": event.kind, "values": values}
            handle.write(json.dumps(line) + "\n")
    return folder.root


def in_terminal(columns: int, *arguments: str, cwd: Path, **environment: str) -> str:
    """What a command writes to a terminal of `columns` by 30."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    variables = {key: value for key, value in ENVIRONMENT.items() if key not in {"COLUMNS", "LINES", "NO_COLOR"}}
    process = subprocess.Popen(
        [*ECRCTL, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=cwd,
        env={**variables, "TERM": "xterm-256color", **environment},
    )
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(master)
    assert process.wait(20) == 0
    return text.decode().replace("\r\n", "\n")


def test_a_terminal_gets_the_dashboard(run, tmp_path) -> None:
    text = in_terminal(80, "runs", "watch", "demo", cwd=tmp_path)
    assert "\x1b[" in text
    # A run that is done is summed up, and its stages can be seen again.
    assert "✓ baseline" in text
    assert "next  ecrctl data show demo\n" not in text
    assert "stage=rl" not in text
    assert "mean of 100" in in_terminal(80, "runs", "watch", "demo", "--stage", "rl", cwd=tmp_path)


def test_no_color_means_no_colour(run, tmp_path) -> None:
    import re

    text = in_terminal(80, "runs", "watch", "demo", "--stage", "rl", cwd=tmp_path, NO_COLOR="1")
    assert "mean of 100" in text
    assert re.findall(r"\x1b\[[0-9;]*3[0-7]", text) == []


@pytest.mark.parametrize(("columns", "term"), [(49, "xterm-256color"), (80, "dumb")])
def test_a_narrow_or_dumb_terminal_gets_lines(run, tmp_path, columns, term) -> None:
    text = in_terminal(columns, "runs", "watch", "demo", cwd=tmp_path, TERM=term)
    assert "stage=rl event=step step=10/40" in text
    assert "mean of 100" not in text


def test_no_escape_byte_in_a_pipe_even_on_a_ci_service(run, tmp_path) -> None:
    for arguments in (["--help"], ["runs", "watch", "demo"], ["profile", "list"], ["run", "--nope"]):
        done = subprocess.run(
            [*ECRCTL, *arguments], capture_output=True, cwd=tmp_path, env={**ENVIRONMENT, "GITHUB_ACTIONS": "true"}
        )
        assert b"\x1b" not in done.stdout + done.stderr
        assert done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["profile", "show", "--resolved"], ["rl", "train", "--help"]])
def test_a_closed_pipe_is_141_and_quiet(tmp_path, arguments) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*ECRCTL, *arguments], stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, env=ENVIRONMENT, text=True
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


WAITING = """
import sys, time
import ecr_engine.pipeline.job as job
def run_job(*arguments, **options):
    print("started", flush=True)
    time.sleep(30)
job.run_job = run_job
sys.argv = ["ecrctl", "run", "--quiet"]
from ecrctl.__main__ import main
main()
"""


def test_a_full_disk_behind_stdout(tmp_path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*ECRCTL, "profile", "list"], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, env=ENVIRONMENT, text=True
        )
    assert (done.returncode, done.stderr) == (
        1,
        "error: no space left on device: stdout\n  at   stdout\n  fix  free some space, or write elsewhere\n",
    )


def test_a_closed_stdout(tmp_path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m ecrctl profile list >&-', sys.executable],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=ENVIRONMENT,
        text=True,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "error: stdout is closed\n  at   stdout\n  fix  send it somewhere: > result.txt, or > /dev/null\n",
    )


def test_a_closed_stderr_is_only_silent(tmp_path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m ecrctl run --nope 2>&-', sys.executable],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=ENVIRONMENT,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals(tmp_path, number, code) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=ENVIRONMENT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == code
    assert errors == ("interrupted; what is finished is kept in runs/demo\n  fix  go on with it: ecrctl run --quiet\n")


def test_a_fault_of_ours_exits_with_1_in_one_line(tmp_path) -> None:
    code = WAITING.replace("time.sleep(30)", "return 1 / 0")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, env=ENVIRONMENT, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "error: ZeroDivisionError: division by zero\n  fix  run again with --verbose for the traceback, and report it\n"
    )
