"""Errors as people see them: what is wrong, where, and what to type; and the exit code that goes with it."""

from __future__ import annotations

import errno
import re
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType

from rich.text import Text

# Typer carries its own copy of click, and only the base of these exceptions is public.
from typer import TyperException
from typer._click.exceptions import BadParameter, MissingParameter, NoArgsIsHelpError, NoSuchOption, UsageError
from typer.core import TyperCommand, TyperGroup

from ecr_engine.errors import EcrError, ExitCode, Problem, nearest
from ecrctl.guide import SWITCHES, instead
from ecrctl.reference import examples, leaves
from ecrctl.ui.console import progress

_VERBOSE_FLAGS = {"--verbose", "-v", "--debug"}
_SYSTEM_FIXES = {
    errno.ENOSPC: "free some space, or write elsewhere",
    errno.EACCES: "write elsewhere, or change who may: ls -ld shows it",
    errno.EPERM: "write elsewhere, or change who may: ls -ld shows it",
    errno.EROFS: "write elsewhere: this file system can only be read",
}
_SYSTEM_FIX = "see that the path is there and can be written"
_LEAST = re.compile(r"Input should be greater than or equal to (\S+)", re.IGNORECASE)
_KINDS = {"valid integer": "a whole number", "valid number": "a number"}
_SWITCH = re.compile(r"Option '(--\S+)' does not take a value")
_NO_COMMAND = re.compile(r"No such command '([^']+)'")


def show_problems(problems: Iterable[Problem]) -> None:
    """Three lines on stderr for each problem: what is wrong, `at`, `fix`; a line with nothing to say is left out."""
    for problem in problems:
        _show(("error: ", "bold red"), problem)


def show_warning(problem: Problem) -> None:
    """The same three lines for what was done all the same, but not as one may believe."""
    _show(("warning: ", "yellow"), problem)


def show_engine_error(error: EcrError, arguments: list[str]) -> int:
    """Shows an error of the engine, with its traceback under `--verbose`.

    Returns:
        The exit code.
    """
    if wants_traceback(arguments):
        traceback.print_exception(error)
    show_problems(error.problems)
    return int(error.exit_code)


def show_system_error(error: OSError, arguments: list[str]) -> int:
    """Shows what the operating system refused: a full disk, a folder that may not be written, a closed stream.

    Returns:
        The exit code.
    """
    if wants_traceback(arguments):
        traceback.print_exception(error)
    # Only a stream has no name.
    place = "stdout" if error.filename is None else str(error.filename)
    reason = (error.strerror or str(error)).lower()
    show_problems([Problem(f"{reason}: {place}", place, _SYSTEM_FIXES.get(error.errno or 0, _SYSTEM_FIX))])
    return int(ExitCode.FAILED)


def show_usage_error(error: TyperException, arguments: list[str]) -> int:
    """Shows what Typer found wrong with the command line.

    Returns:
        The exit code.
    """
    if isinstance(error, NoArgsIsHelpError):
        # Typer has printed the help by now.
        return error.exit_code
    show_problems([_usage_problem(error, arguments)])
    return error.exit_code


def show_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The `sys.excepthook`: one line for a fault of ours, the traceback only under `--verbose`."""
    if wants_traceback(sys.argv[1:]):
        traceback.print_exception(kind, error, trace)
        return
    show_problems(
        [Problem(f"{kind.__name__}: {error}", fix="run again with --verbose for the traceback, and report it")]
    )


def _show(label: tuple[str, str], problem: Problem) -> None:
    console = progress()
    console.print(Text.assemble(label, problem.what), soft_wrap=True)
    if problem.at:
        console.print(Text.assemble(("  at   ", "dim"), problem.at), soft_wrap=True)
    if problem.fix:
        console.print(Text.assemble(("  fix  ", "green"), problem.fix), soft_wrap=True)


def wants_traceback(arguments: list[str]) -> bool:
    """Whether `--verbose` (or the guide's `--debug`) is among the arguments."""
    return not _VERBOSE_FLAGS.isdisjoint(arguments)


def _usage_problem(error: TyperException, arguments: list[str]) -> Problem:
    """A usage error as what, where and fix."""
    where = ""
    help_line = "ecrctl --help"
    example = ""
    if isinstance(error, UsageError) and error.ctx is not None:
        where = error.ctx.command_path
        help_line = f"{where} --help"
        example = _example(error.ctx.command)
    if isinstance(error, NoSuchOption):
        return Problem(
            f"no such option: {error.option_name}", where, _option_fix(error, arguments) or example + help_line
        )
    if isinstance(error, BadParameter) and error.param is not None and not isinstance(error, MissingParameter):
        flag = error.param.opts[0]
        return Problem(_bad_value(error.message, _value_of(flag, arguments)), f"{where} {flag}".strip(), help_line)
    switch = _SWITCH.match(error.format_message())
    if switch is not None:
        name = switch.group(1).removeprefix("--").replace("-", "_")
        fix = SWITCHES[name] if name in {"use_rl", "use_rl_eval"} else f"type {switch.group(1)} alone, or leave it out"
        return Problem(f"{switch.group(1)} is a switch: it takes no value", switch.group(1), fix)
    elsewhere = _in_groups(error)
    what, _, hint = error.format_message().partition(". Did you mean ")
    if elsewhere:
        return Problem(_sentence(what), where, elsewhere)
    return Problem(_sentence(what), where, f"did you mean {hint}" if hint else example + help_line)


def _in_groups(error: TyperException) -> str:
    """What to type for an unknown command of the root that one or more groups have; empty if none has it."""
    named = _NO_COMMAND.match(error.format_message())
    if named is None or not isinstance(error, UsageError) or error.ctx is None or error.ctx.parent is not None:
        return ""
    root = error.ctx.command
    assert isinstance(root, TyperGroup)
    *others, last = [f"'{full}'" for full, _ in leaves(root) if full.split()[-1] == named.group(1)] or [""]
    meant = f"{', '.join(others)} or {last}" if others else last
    return f"did you mean {meant}?" if meant else ""


def _example(command: object) -> str:
    """The first example of a command's help, which runs as it stands, before the mention of the help itself."""
    shown = examples(command) if isinstance(command, TyperCommand) else []
    return f"for example: {shown[0]}; all of it: " if shown else ""


def _option_fix(error: NoSuchOption, arguments: list[str]) -> str:
    """What to type for an unknown option: the setting of a guide's flag, or the option most like it."""
    takes_settings = error.ctx is not None and any("--set" in param.opts for param in error.ctx.command.params)
    fix = instead(error.option_name, _value_of(error.option_name, arguments)) if takes_settings else ""
    if fix:
        return fix
    near = nearest(error.option_name, error.possibilities or ())
    return f"did you mean '{near}'?" if near else ""


def _value_of(flag: str, arguments: list[str]) -> str | None:
    """What was typed with a flag, in either of its spellings."""
    for index, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") == flag:
            following = arguments[index + 1 : index + 2]
            return value if equals else next((text for text in following if not text.startswith("--")), None)
    return None


def _bad_value(message: str, value: str | None) -> str:
    """What is wrong with a value, in plain words where Typer's are known."""
    typed = "" if value is None else f", not {value}"
    least = _LEAST.search(message)
    if least is not None:
        return f"the value must be at least {least.group(1)}{typed}"
    wanted = next((words for part, words in _KINDS.items() if part in message), None)
    return _sentence(message) if wanted is None else f"the value must be {wanted}{typed}"


def _sentence(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line[:1].lower() + line[1:]
