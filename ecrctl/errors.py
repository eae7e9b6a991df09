"""Errors as people see them: what is wrong, where, and what to type; and the exit code that goes with it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from types import TracebackType

from rich.text import Text

# Typer carries its own copy of click, and only the base of these exceptions is public.
from typer import TyperException
from typer._click.exceptions import BadParameter, MissingParameter, NoArgsIsHelpError, NoSuchOption, UsageError

from ecr_engine.errors import EcrError, Problem, nearest
from ecrctl.ui.console import progress

_VERBOSE_FLAGS = {"--verbose", "-v", "--debug"}


def show_problems(problems: Iterable[Problem]) -> None:
    """Three lines on stderr for each problem: what is wrong, `at`, `fix`; a line with nothing to say is left out."""
    console = progress()
    for problem in problems:
        console.print(Text.assemble(("error: ", "bold red"), problem.what), soft_wrap=True)
        if problem.at:
            console.print(Text.assemble(("  at   ", "dim"), problem.at), soft_wrap=True)
        if problem.fix:
            console.print(Text.assemble(("  fix  ", "green"), problem.fix), soft_wrap=True)


def show_engine_error(error: EcrError, arguments: list[str]) -> int:
    """Shows an error of the engine, with its traceback under `--verbose`.

    Returns:
        The exit code.
    """
    if wants_traceback(arguments):
        traceback.print_exception(error)
    show_problems(error.problems)
    return int(error.exit_code)


def show_usage_error(error: TyperException) -> int:
    """Shows what Typer found wrong with the command line.

    Returns:
        The exit code.
    """
    if isinstance(error, NoArgsIsHelpError):
        # Typer has printed the help by now.
        return error.exit_code
    show_problems([_usage_problem(error)])
    return error.exit_code


def show_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The `sys.excepthook`: one line for a fault of ours, the traceback only under `--verbose`."""
    if wants_traceback(sys.argv[1:]):
        traceback.print_exception(kind, error, trace)
        return
    show_problems(
        [Problem(f"{kind.__name__}: {error}", fix="run again with --verbose for the traceback, and report it")]
    )


def wants_traceback(arguments: list[str]) -> bool:
    """Whether `--verbose` (or the guide's `--debug`) is among the arguments."""
    return not _VERBOSE_FLAGS.isdisjoint(arguments)


def _usage_problem(error: TyperException) -> Problem:
    """A usage error as what, where and fix."""
    where = ""
    help_line = "ecrctl --help"
    if isinstance(error, UsageError) and error.ctx is not None:
        where = error.ctx.command_path
        help_line = f"{where} --help"
    if isinstance(error, NoSuchOption):
        near = nearest(error.option_name, error.possibilities or ())
        return Problem(f"no such option: {error.option_name}", where, f"did you mean '{near}'?" if near else help_line)
    if isinstance(error, BadParameter) and error.param is not None and not isinstance(error, MissingParameter):
        return Problem(_sentence(error.message), f"{where} {error.param.opts[0]}".strip(), help_line)
    what, _, hint = error.format_message().partition(". Did you mean ")
    return Problem(_sentence(what), where, f"did you mean {hint}" if hint else help_line)


def _sentence(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line[:1].lower() + line[1:]
