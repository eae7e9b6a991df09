"""Sends a run's numbers to Weights & Biases, by a process of its own (`wandb_child`).

The run never waits for it: numbers go into a pipe that does not block, and only at the end, and only for so long, is it
waited for. What it says is read whenever there is a new event. A run that goes on later continues the same run there:
its id is in `tracking.json`.
"""

from __future__ import annotations

import json
import netrc
import os
import select
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ecr_engine.errors import DataError
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.record import read_json
from ecr_engine.runs.tracking import TRACKED_KINDS, Tell, Tracked, numbers_of

FILE = "tracking.json"
"""What a run folder keeps of its trackers."""

CHILD = Path(__file__).with_name("wandb_child.py")
_OFFLINE = "wandb/offline-run-"
"""How the folders of offline parts begin, in a run's folder."""

HOST = "https://api.wandb.ai"
NO_KEY = "wandb has no key, so the run is kept offline: `wandb login` gives it one"

_MOST_WAITING = 2**24
"""Bytes that may wait for the process before it counts as hanging."""

_LEAVING_S = 10.0
"""Seconds the process has to leave once it is done."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a run in wandb.

    Attributes:
        id: its id there.
        rows: numbers that were handed over so far, in rows.
        unsent: folders of parts of it that were not sent, relative to the run's folder.
    """

    id: str
    rows: int = 0
    unsent: tuple[str, ...] = ()


def has_key(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether wandb finds a key: in the environment, or where `wandb login` puts it."""
    if environ.get("WANDB_API_KEY") or environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    login = Path(environ.get("NETRC") or "~/.netrc").expanduser()
    host = urlsplit(environ.get("WANDB_BASE_URL") or HOST).netloc
    try:
        return login.is_file() and netrc.netrc(login).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def read_kept(folder: Path) -> Kept | None:
    """What a run folder keeps of wandb; None if it was never followed, or the file is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        match read_json(path, "file of the trackers").get("wandb"):
            case {"id": str(name), "rows": int(rows), "unsent": list(unsent)}:
                return Kept(name, rows, tuple(map(str, unsent)))
    except DataError:
        # Numbers that go to a new run there are better than a training that does not begin.
        return None
    return None


def sync_command(folder: Path) -> str:
    """What to type to send what was kept offline; empty if nothing was."""
    kept = read_kept(folder)
    there = [name for name in kept.unsent if (folder / name).is_dir()] if kept is not None else []
    if len(there) > 1 and all(name.startswith(_OFFLINE) for name in there):
        # What was sent already is passed over.
        return f"wandb sync {shlex.quote(str(folder / _OFFLINE))}*"
    return " ".join(["wandb sync", *(shlex.quote(str(folder / name)) for name in there)]) if there else ""


class WandbTracker:
    """Hands numbers to the process, and tells what becomes of it.

    Args:
        run: what is followed.
        mode: "offline" writes into the run's folder; "online" sends, and is offline where there is no key.
        project: the project's name there.
        timeout_s: seconds that the end of the run waits for it at most.
        tell: called with what goes wrong, once; it is not used after that.
        environ: the environment.
    """

    def __init__(
        self,
        run: Tracked,
        *,
        mode: Literal["offline", "online"],
        project: str,
        timeout_s: float,
        tell: Tell,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._run = run
        self._tell = tell
        self._timeout_s = timeout_s
        self._waiting = b""
        self._heard = b""
        self._kept = read_kept(run.folder) or Kept(uuid.uuid4().hex[:8])
        self._part = ""
        self._done = False
        self._process: subprocess.Popen[bytes] | None = None
        if mode == "online" and not has_key(environ):
            tell("note", NO_KEY)
            mode = "offline"
        rows = max(self._kept.rows, sum(event.kind in TRACKED_KINDS for event in read_events(run.events)))
        self._kept = replace(self._kept, rows=rows)
        begin = {
            "mode": mode,
            "project": project,
            "name": run.name,
            "id": self._kept.id,
            "folder": str(run.folder),
            "config": run.config,
            "rows": rows,
            "timeout_s": timeout_s,
        }
        self._start(begin, environ)

    def __call__(self, event: Event) -> None:
        """Hands the event's numbers on, if it has any that count."""
        numbers = numbers_of(event)
        if self._process is None or not numbers:
            return
        self._kept = replace(self._kept, rows=self._kept.rows + 1)
        self._send({"stage": event.stage, "step": event.step, "numbers": numbers})
        self._listen()
        if self._process is not None and len(self._waiting) > _MOST_WAITING:
            self._fail("it takes nothing any more")

    def close(self) -> None:
        """Waits until all is sent or written, but no longer than it may; can be called more than once."""
        if self._process is None:
            return
        deadline = time.monotonic() + self._timeout_s
        self._send(None)
        while self._process is not None and not self._done and time.monotonic() < deadline:
            self._wait(deadline)
            self._send_waiting()
            self._listen()
        if self._process is not None and not self._done:
            self._fail(f"it did not finish within {self._timeout_s:g} seconds")
        self._end(_LEAVING_S)
        self._keep()

    def _start(self, begin: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(
                # Not beside this file's neighbours, whose names are those of other packages too.
                [sys.executable, "-P", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=dict(environ),
                # What is typed at the run's terminal is meant for the run.
                start_new_session=True,
            )
        except OSError as error:
            self._tell("warning", _off(f"it can't be started: {error}"))
            return
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._keep()
        self._send(begin)

    def _send(self, line: object) -> None:
        self._waiting += json.dumps(line).encode() + b"\n"
        self._send_waiting()

    def _send_waiting(self) -> None:
        """Writes as much as the pipe takes now."""
        if self._process is None or not self._waiting:
            return
        assert self._process.stdin is not None
        # A full pipe is emptied later; a broken one is noticed by what the process says, or by its end.
        with suppress(BlockingIOError, BrokenPipeError):
            self._waiting = self._waiting[os.write(self._process.stdin.fileno(), self._waiting) :]

    def _wait(self, deadline: float) -> None:
        """Sleeps until the process says something, takes something, or the time is over."""
        assert self._process is not None
        writing = [self._process.stdin] if self._waiting and self._process.stdin is not None else []
        reading = [self._process.stdout] if self._process.stdout is not None else []
        select.select(reading, writing, [], max(0.0, min(1.0, deadline - time.monotonic())))

    def _listen(self) -> None:
        """Reads what the process has said, without waiting for more."""
        if self._process is None:
            return
        assert self._process.stdout is not None
        ended = False
        while True:
            try:
                chunk = os.read(self._process.stdout.fileno(), 65536)
            except BlockingIOError:
                break
            if not chunk:
                ended = True
                break
            self._heard += chunk
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            self._hear(json.loads(line))
        if ended and self._process is not None and not self._done:
            self._fail(f"its process ended with code {self._process.wait()}")

    def _hear(self, said: Mapping[str, Any]) -> None:
        match said:
            case {"kind": "begun", "folder": str(folder), "offline": bool(offline)}:
                self._part = os.path.relpath(folder, self._run.folder)
                if offline:
                    self._is_unsent()
            case {"kind": "warning", "what": str(what)}:
                self._tell("warning", what)
            case {"kind": "failed", "what": str(what)}:
                self._fail(what)
            case {"kind": "done"}:
                self._done = True

    def _fail(self, why: str) -> None:
        self._tell("warning", _off(why))
        self._is_unsent()
        self._end(0.0)

    def _is_unsent(self) -> None:
        """What this part of the run has written has to be sent by hand."""
        if self._part and self._part not in self._kept.unsent:
            self._kept = replace(self._kept, unsent=(*self._kept.unsent, self._part))
            self._keep()

    def _end(self, patience_s: float) -> None:
        """Lets the process end by itself for so long, and then ends it with what it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def _keep(self) -> None:
        """Writes down what a later part of the run needs."""
        try:
            write_json(self._run.folder / FILE, {"schema": 1, "wandb": asdict(self._kept)})
        except OSError as error:
            self._tell("warning", f"what wandb needs to go on with this run later can't be written: {error}")


def _off(why: str) -> str:
    return f"wandb failed and is off for the rest of the run: {why}"
