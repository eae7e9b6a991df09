"""A dashboard while it runs: in a pseudo-terminal that changes its size, in pipes, and under Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live
from synthetic import STAGES, WEIGHTS, rl_events, rl_step, whole_run
from terminal_screen import Screen

from ecr_engine.runs.events import Event, EventLog
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord
from ecrctl.jobs import _heard_by
from ecrctl.signals import tell_of_stop
from ecrctl.ui.follow import Board, drawing
from ecrctl.ui.snapshot import begin, reduce_all

ECRCTL = [sys.executable, "-m", "ecrctl"]
HIDDEN = {"COLUMNS", "LINES", "NO_COLOR", "TERM"}
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in HIDDEN}
ENVIRONMENT |= {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color"}
PATIENCE = 120.0
"""Seconds to wait for a process that others may slow down."""

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run that somebody, this process, is at work in."""
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    events = whole_run()
    since = time.time() - events[-1].time
    with folder.events.open("w", encoding="utf-8") as handle:
        for event in events:
            values = {k: str(v) if isinstance(v, float) and v != v else v for k, v in event.values.items()}
            line = {"time": event.time + since, "stage": event.stage, "step": event.step, "kind": event.kind}
            handle.write(json.dumps({**line, "values": values}) + "\n")
    return folder


def resize(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 45, columns, 0, 0))


@contextmanager
def watching(run: RunFolder, columns: int, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`runs watch` in a pseudo-terminal."""
    master, slave = pty.openpty()
    resize(master, columns)
    process = subprocess.Popen(
        [*ECRCTL, "runs", "watch", "demo"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=run.root.parent,
        env={**ENVIRONMENT, **environment},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(slave)
    try:
        yield process, master
    finally:
        process.kill()
        process.wait()
        os.close(master)


def read_until(master: int, wanted: str) -> str:
    """What a terminal is given until `wanted` is among it, its styles aside."""
    text, end = "", time.monotonic() + PATIENCE
    while wanted not in _STYLE.sub("", text):
        assert time.monotonic() < end, text
        if select.select([master], [], [], 1.0)[0]:
            text += os.read(master, 65536).decode(errors="replace")
    return text


def read_to_the_end(master: int) -> str:
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            return text.decode(errors="replace")
        if not piece:
            return text.decode(errors="replace")
        text += piece


def test_the_dashboard_of_a_run_follows_its_events_and_the_size_of_the_terminal(run) -> None:
    with run.lock(), watching(run, 120) as (_, master):
        wide = read_until(master, "10/40 updates")
        # From 100 columns on, the stages stand beside the work.
        assert "– data          unchanged" in _STYLE.sub("", wide)
        EventLog(run.events).emit("rl", "progress", 11, done=11, total=40, what="updates")
        read_until(master, "11/40 updates")
        resize(master, 60)
        read_until(master, "– data  ✓ baseline")
        # A frame that is whole: from its first line to the next one's.
        frames = _STYLE.sub("", read_until(master, "ecrctl · demo") + read_until(master, "ecrctl · demo"))
    lines = frames.replace("\r", "").split("ecrctl · demo")[-2].splitlines()
    assert max(len(line) for line in lines[1:]) <= 60


def test_ctrl_c_gives_the_cursor_back_and_leaves_the_picture(run) -> None:
    with run.lock(), watching(run, 80) as (process, master):
        before = read_until(master, "10/40 updates")
        assert "\x1b[?25l" in before
        process.send_signal(signal.SIGINT)
        after = read_to_the_end(master)
        assert process.wait(PATIENCE) == 130
    assert after.rindex("\x1b[?25h") > after.rfind("\x1b[?25l")
    assert "10/40 updates" in after[after.rindex("\x1b[?25h") - 8000 :]
    assert "Traceback" not in after


def test_a_run_that_is_killed_while_it_is_watched(run) -> None:
    with watching(run, 80) as (process, master):
        text = read_to_the_end(master)
        assert process.wait(PATIENCE) == 0
    shown = _STYLE.sub("", text).replace("\r\n", "\n")
    assert "reward                 0.5000" in shown
    assert shown.endswith("demo: stopped\nnext  ecrctl run\n")


@pytest.mark.parametrize(("columns", "term"), [(40, "xterm-256color"), (120, "dumb")], ids=["narrow", "dumb"])
def test_lines_where_nothing_can_be_drawn(run, columns, term) -> None:
    with run.lock(), watching(run, columns, TERM=term) as (_, master):
        text = read_until(master, "what=")
    assert "stage=rl event=step step=10/40 objective/reward=0.5000" in text
    assert re.findall(r"\x1b\[[0-9;]*[A-HJKf]", text) == []


def test_lines_come_through_a_pipe_during_the_run(run) -> None:
    with run.lock():
        process = subprocess.Popen(
            [*ECRCTL, "runs", "watch", "demo"], stdout=subprocess.PIPE, cwd=run.root.parent, env=ENVIRONMENT, text=True
        )
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(2)]
        EventLog(run.events).emit("rl", "note", 12, what="written while it is watched")
        while "written while" not in seen[-1]:
            seen.append(process.stdout.readline())
            assert seen[-1]
        assert process.poll() is None
    rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "\x1b" not in "".join(seen) + rest


def test_a_reader_that_has_enough_ends_it_quietly(run) -> None:
    log = EventLog(run.events)
    for step in range(3000):
        log.emit("rl", "note", step, what="long " * 40)
    done = subprocess.run(
        ["bash", "-c", '"$0" -m ecrctl runs watch demo | head -1; echo "${PIPESTATUS[0]}"', sys.executable],
        capture_output=True,
        cwd=run.root.parent,
        env=ENVIRONMENT,
        text=True,
    )
    assert done.stdout.splitlines() == ["stage=data event=stage_skipped", "141"]
    assert done.stderr == ""


def test_json_can_be_read_whatever_else_is_said(run) -> None:
    done = subprocess.run(
        [*ECRCTL, "runs", "watch", "demo", "--json"],
        capture_output=True,
        cwd=run.root.parent,
        env=ENVIRONMENT,
        text=True,
    )
    assert json.loads(done.stdout)["state"] == "stopped"
    assert "stage=rl event=step step=10/40" in done.stderr


def test_a_terminal_that_becomes_narrow_keeps_one_picture() -> None:
    # ASCII only: the little screen counts letters.
    events = [event for event in rl_events() if event.kind not in {"sample", "warning"}]
    events.append(Event(events[-1].time, "rl", 10, "warning", {"what": "too far " * 12, "fix": "type this " * 9}))
    board = Board(reduce_all(begin("runs/demo", STAGES, WEIGHTS), events))
    board.ended = True
    screen = Screen(120)
    console = Console(file=screen, force_terminal=True, width=120, height=60, color_system="truecolor")
    with Live(board, console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        live.refresh()
        for width in (90, 60, 75, 50):
            if width < screen.width:
                screen.narrow(width)
            console.size = (width, 60)
            screen.width = width
            live.refresh()
            assert sum("ecrctl · runs/demo" in row for row in screen.rows) == 1
            assert sum("10/40 updates" in row for row in screen.rows) == 1
            assert max(len(row.rstrip()) for row in screen.rows) <= width
    assert screen.rows[0].startswith("ecrctl · runs/demo")


def test_what_a_dashboard_leaves_behind() -> None:
    board = Board(reduce_all(begin("runs/demo", STAGES, WEIGHTS), whole_run()))
    for breaks_off in (False, True):
        screen = Screen(80)
        console = Console(file=screen, force_terminal=True, width=80, height=50)
        try:
            with drawing(board, console):
                assert not screen.cursor_shown
                if breaks_off:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        assert screen.cursor_shown
        assert any("10/40 updates" in row for row in screen.rows) is breaks_off


def test_drawing_takes_little_of_a_core() -> None:
    events = [Event(1000.0 + n, "rl", n, "step", rl_step(n)) for n in range(1, 500)]
    board = Board(reduce_all(begin("runs/demo", STAGES, WEIGHTS), [*whole_run(), *events]))
    screen = Screen(120)
    console = Console(file=screen, force_terminal=True, width=120, height=50)
    with drawing(board, console):
        started, busy = time.monotonic(), time.process_time()
        time.sleep(3.0)
        share = (time.process_time() - busy) / (time.monotonic() - started)
    # The bound is 3 %; on a quiet machine it is about 1.
    assert share < 0.1


def test_a_dashboard_says_that_a_signal_was_heard_and_still_fits() -> None:
    board = Board(reduce_all(begin("runs/demo", STAGES, WEIGHTS), whole_run()))
    heard = _heard_by(board)
    heard(signal.SIGINT)
    screen = Screen(60)
    with drawing(board, Console(file=screen, force_terminal=True, width=60, height=24)):
        shown = [row.rstrip() for row in screen.rows]
    assert shown[-3:] == ["", "ending after this step, and saving it; once more ends it at", "once, unsaved"]
    assert len(shown) < 24
    assert _heard_by(lambda event: None) is tell_of_stop
