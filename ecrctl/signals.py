"""The signals that end a command, and the streams that go away while it works: both lose nothing that can be saved."""

from __future__ import annotations

import errno
import os
import signal
import stat
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from ecr_engine.errors import ExitCode

if TYPE_CHECKING:
    from ecr_engine.runs.events import Event, Listener
    from ecr_engine.runs.stopping import Stop

CODES = {signal.SIGTERM: ExitCode.TERMINATED, signal.SIGHUP: ExitCode.HUNG_UP}
"""The signals that end a command as Ctrl-C does, and the exit code of each."""

_STDERR = 2
_HEARD = b"\nending after this step, and saving it; once more ends it at once, unsaved\n"


class Ended(SystemExit):
    """A signal has told the process to end; its code is the exit code that goes with the signal.

    Args:
        number: the signal.
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(int(CODES[number]))
        self.number = number


def heed() -> None:
    """Lets the signals that end a process leave through what tidies up."""
    for number in CODES:
        # `nohup` has the hang-up ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def tell_of_stop(number: int) -> None:
    """Says that a signal was heard which a training waits with until its step is saved.

    It breaks into whatever is being written, so it makes system calls only.

    Args:
        number: the signal.
    """
    prepare_for_end(number)
    try:
        os.write(_STDERR, _HEARD)
    except OSError:
        # Ctrl-C also ends the `tee` that stderr went into.
        _forget(_STDERR)


def prepare_for_end(number: int) -> None:
    """What is said to a terminal that is gone from now on goes nowhere, instead of failing.

    Args:
        number: the signal that was heard.
    """
    if number == signal.SIGHUP:
        for stream in (1, _STDERR):
            _drop_closed_terminal(stream)


def unbroken(listener: Listener, stop: Stop) -> Listener:
    """A listener whose reader may go away without a step being lost.

    Where stderr is a pipe that nobody reads any more, a training ends after its step, saved, and the command exits with
    141. Where it is a terminal that is gone, the command goes on in silence: had it been meant to end, a signal would
    have said so.

    Args:
        listener: shows events on stderr.
        stop: how a training is asked to end.
    """

    def listen(event: Event) -> None:
        try:
            listener(event)
        except BrokenPipeError:
            _end_for_lack_of_a_reader(stop)
        except SystemExit as leaving:
            # Rich leaves with 1 when it meets a closed pipe.
            if not isinstance(leaving.__context__, BrokenPipeError):
                raise
            _end_for_lack_of_a_reader(stop)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            _drop_closed_terminal(_STDERR)

    return listen


def _end_for_lack_of_a_reader(stop: Stop) -> None:
    _forget(_STDERR)
    if not stop.holds:
        raise SystemExit(int(ExitCode.BROKEN_PIPE))
    stop.ask(signal.SIGPIPE)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    prepare_for_end(number)
    if number == signal.SIGHUP:
        # The kernel and the shell both send it when a terminal closes; the second would break into the tidying up.
        signal.signal(number, signal.SIG_IGN)
    raise Ended(signal.Signals(number))


def _drop_closed_terminal(stream: int) -> None:
    if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
        _forget(stream)


def _forget(stream: int) -> None:
    """What is written to a stream from now on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)
