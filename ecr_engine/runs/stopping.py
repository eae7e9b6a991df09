"""Ending a training by a signal without losing what it has learned.

    with stop.held():
        while ...:
            step()
            if stop.asked:
                save()
                stop.leave()

Inside of the block the first SIGINT, SIGTERM or SIGHUP is only noted. `leave` hands it to the handler that was there
before, as if it had come just then; a second one is handed on at once, wherever the training is. A hang-up never counts
as the second: it says that a terminal is gone, often twice, and not that somebody is in a hurry. At the end of the
block the handlers are those from before it, and a signal that no step looked for any more is handed on.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask for an end."""

Tell = Callable[[int], None]
"""Called with the first signal, and with each hang-up after it, between any two instructions: it may do no more than a
system call or two."""


def _say_nothing(_number: int) -> None:
    """Nobody is told."""


class Stop:
    """Whether a training was asked to end.

    Args:
        tell: called when a signal is noted.
    """

    def __init__(self, tell: Tell = _say_nothing) -> None:
        self._tell = tell
        self._number: int | None = None
        self._before: dict[int, Any] = {}
        self._holds = False

    @property
    def asked(self) -> bool:
        """Whether an end was asked for."""
        return self._number is not None

    @property
    def holds(self) -> bool:
        """Whether a training is under way that looks after each step whether it was asked to end."""
        return self._holds

    @contextmanager
    def held(self) -> Iterator[None]:
        """Notes the first signal while the block runs; outside of the main thread, where none arrive, nothing.

        A signal that is ignored, as by `nohup` or in the background of a script, stays ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        found = {int(number): signal.getsignal(number) for number in SIGNALS}
        self._before = {number: handler for number, handler in found.items() if handler is not signal.SIG_IGN}
        self._holds = True
        try:
            for number in self._before:
                signal.signal(number, self._note)
            yield
        finally:
            self._restore()
        if self.asked:
            self.leave()

    def ask(self, number: int) -> None:
        """Asks for an end in place of a signal; where one came before, that one counts.

        Args:
            number: the signal that it is to be as if it had come.
        """
        if self._number is None:
            self._number = number

    def leave(self) -> NoReturn:
        """Ends the training: the signal that was noted takes its effect now.

        Raises:
            BaseException: what the handler from before raises, such as KeyboardInterrupt.
            SystemExit: there is none that raises, or it was another process that was asked.
        """
        number = int(signal.SIGTERM) if self._number is None else self._number
        self._restore()
        self._pass_on(number, None)
        raise SystemExit(128 + number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number != signal.SIGHUP:
            self._restore()
            self._pass_on(number, frame)
            return
        self.ask(number)
        self._tell(number)

    def _restore(self) -> None:
        """Puts the handlers from before back, once: what they change afterwards is theirs."""
        if self._holds:
            self._holds = False
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        handler = self._before.get(number)
        if callable(handler):
            handler(number, frame)
        elif handler is signal.SIG_DFL:
            os.kill(os.getpid(), number)
