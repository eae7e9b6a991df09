"""The entry point: `ecrctl …`, or `python -m ecrctl …`. Turns every outcome into an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn, TextIO

import typer
from typer.main import get_command

from ecr_engine.errors import EcrError, ExitCode, Problem
from ecrctl import signals
from ecrctl.app import app
from ecrctl.errors import show_engine_error, show_problems, show_system_error, show_unexpected, show_usage_error


def main() -> NoReturn:
    """Runs the command line of this process and exits with its code."""
    _need_streams()
    sys.excepthook = show_unexpected
    signals.heed()
    if not sys.stdout.isatty():
        # Typer colours its help in any pipe of a CI service; a pipe gets no escape bytes.
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")
    # A thread that spins while it waits takes the core from the thread it waits for: with anything else running on the
    # machine, training slows down many times. It has to be set before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Runs one command line.

    Args:
        arguments: what follows the program's name.

    Returns:
        The exit code.
    """
    try:
        code = get_command(app).main(arguments, prog_name="ecrctl", standalone_mode=False)
        sys.stdout.flush()
    except EcrError as error:
        return show_engine_error(error, arguments)
    except typer.TyperException as error:
        return show_usage_error(error, arguments)
    except typer.Abort:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as error:
        if error.errno is None:
            # A library's own, not the system's.
            raise
        code = show_system_error(error, arguments)
        _drop_buffered()
        return code
    except SystemExit as leaving:
        # Rich and Typer leave with 1 when they meet a closed pipe.
        if isinstance(leaving.__context__, BrokenPipeError):
            return _broken_pipe()
        raise
    return code if isinstance(code, int) else int(ExitCode.DONE)


def _need_streams() -> None:
    """Ends the process where stdout is closed; a closed stderr only means that nobody wants to read it."""
    out: TextIO | None = sys.stdout
    err: TextIO | None = sys.stderr
    if err is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if out is None:
        show_problems([Problem("stdout is closed", "stdout", "send it somewhere: > result.txt, or > /dev/null")])
        sys.exit(int(ExitCode.FAILED))


def _broken_pipe() -> int:
    """The reader of our output has gone."""
    _drop_buffered()
    return int(ExitCode.BROKEN_PIPE)


def _drop_buffered() -> None:
    """What stdout still holds and can't get rid of goes nowhere, so that the exit is quiet."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
