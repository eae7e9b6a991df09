"""`ecrctl chat` at a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from pathlib import Path

import pytest
from chat_runs import chat_run
from rich.cells import cell_len

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
"""Loading torch on a busy machine takes its time."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*(?:[A-Za-z]|$)|\x1b$")
"""Whole ones, and one that is cut short at the end of what was read."""


class Terminal:
    """A process at a terminal.

    Attributes:
        shown: what it has shown, without escapes.
        raw: the same with them.
    """

    def __init__(self, folder: Path, columns: int, *arguments: str, **environment: str) -> None:
        self.shown = ""
        self.raw = b""
        self._read = 0
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            clean = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES", "NO_COLOR"}}
            given = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
            os.execve(
                sys.executable,
                [sys.executable, "-m", "ecrctl", "chat", *arguments],
                {**clean, **given, **environment},
            )
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def until(self, text: str) -> str:
        """What is shown up to and with `text`, from where the last call ended."""
        deadline = time.monotonic() + PATIENCE_S
        while (place := self.shown.find(text, self._read)) < 0:
            assert time.monotonic() < deadline, self.shown
            assert self._more(), self.shown
        found, self._read = self.shown[self._read : place + len(text)], place + len(text)
        return found

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def interrupt(self, before: str = "") -> None:
        """Types some keys and Ctrl-C, once the process waits for them.

        Python's readline misses a signal that comes between the prompt and its wait for keys: then it is seen with the
        next key. Nobody types that fast.
        """
        os.write(self._terminal, before.encode())
        spent = None
        while (now := self._work_done()) != spent or now[0] != "S":
            spent = now
            time.sleep(0.3)
        os.write(self._terminal, b"\x03")

    def _work_done(self) -> list[str]:
        """State and processor time of the process: the same as before where it waits."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return [fields[0], *fields[11:13]]

    def end(self) -> int:
        """The exit code."""
        while self._more():
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _more(self) -> bool:
        """Reads what comes next; False at the end."""
        if not select.select([self._terminal], [], [], PATIENCE_S)[0]:
            return False
        try:
            chunk = os.read(self._terminal, 65536)
        except OSError:
            return False
        self.raw += chunk
        self.shown = _ESCAPES.sub("", self.raw.decode(errors="ignore"))
        return bool(chunk)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("terminal")
    chat_run(root / "demo")
    return root


def test_a_session_on_80_columns(runs):
    prompt = "seeker       "
    terminal = Terminal(runs, 80, "demo")
    head = terminal.until(prompt)
    assert "policy of demo, step-000003; temperature 0.7, top-p 1, seed 0\r\n" in head
    assert "/help lists what can be typed beside talk; Ctrl-D ends\r\n" in head
    terminal.type("I feel so sad 你好 👋\r")
    reply = terminal.until("recommender  ") + terminal.until("\r\n" + prompt)
    assert re.search(r"\r {13}negative 0\.\d\d\r\n", reply)
    terminal.type("/scores\r")
    table = terminal.until("\r\n" + prompt)
    assert re.search(r"bleu +– +1 +0", table)
    assert re.search(r"recommendation +no reference", table)
    terminal.type("/contxt\r")
    assert "error: there is no command '/contxt'\r\n  fix  did you mean '/context'?" in terminal.until("'/context'?")
    terminal.until(prompt)
    terminal.interrupt("half a line")
    assert "Ctrl-C again ends, and so does /quit" in terminal.until("/quit\r\n")
    terminal.until(prompt)
    terminal.type("\r/save chat.jsonl\r")
    assert terminal.until("chat.jsonl\r\n" + prompt).endswith("saved 1 reply to chat.jsonl\r\n" + prompt)
    terminal.type("/quit\r")
    assert terminal.end() == 0
    assert "half a line" not in (runs / "chat.jsonl").read_text(encoding="utf-8")


def test_a_narrow_one_without_colours_ends_with_ctrl_d(runs):
    terminal = Terminal(runs, 40, "demo:baseline", NO_COLOR="1")
    terminal.until("seeker> ")
    # More than a terminal passes on at once where a line is not edited.
    terminal.type("sad " * 1500 + "\r")
    said = terminal.until("recommender> ") + terminal.until("seeker> ")
    assert "the dialogue is longer" in said
    terminal.type("/help\r")
    shown = terminal.until("seeker> ")
    assert "/save FILE" in shown
    lines = shown.split("\r\n")
    assert max(map(cell_len, lines)) <= 40
    terminal.type("\x04")
    assert terminal.end() == 0
    # Bold and dim are no colours; 30 to 37 and 90 to 97 are.
    assert not re.search(rb"\x1b\[(?:\d+;)*[39][0-7][;m]", terminal.raw)


def test_ctrl_c_twice_is_an_interruption(runs):
    terminal = Terminal(runs, 80, "demo", "--quiet")
    terminal.until("seeker       ")
    terminal.interrupt()
    terminal.until("Ctrl-C again ends")
    terminal.until("seeker       ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
