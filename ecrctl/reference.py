"""The reference of all commands as Markdown, read from the command tree itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

EXAMPLES = "Examples:"
_HEAD = """\
# Commands

Written from the code by `python tools/document_commands.py`; a test holds the two together. Every flag may be typed
with `-` or `_` inside its name. `--json`, `--quiet`, `--verbose` and `--help` are flags of every command: one JSON
document on stdout, no progress, every event and tracebacks, and the help.
"""
_BAR = "\\|"
"""A bar inside of a table's cell."""

_EVERYWHERE = frozenset({"--json", "--quiet", "--verbose", "--help"})


def commands_document() -> str:
    """The whole page."""
    from ecrctl.app import app

    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return "\n".join([_HEAD, *_group(root, "ecrctl")]).rstrip() + "\n"


def examples(command: TyperCommand) -> list[str]:
    """The command lines under `Examples:` in a command's help."""
    _, _, listed = inspect.cleandoc(command.help or "").partition(EXAMPLES)
    return [line.strip() for line in listed.splitlines() if line.strip()]


def leaves(group: TyperGroup, above: str = "ecrctl") -> Iterator[tuple[str, TyperCommand]]:
    """Every command that runs something, by its full name, in the order of help."""
    for name in _names(group):
        command = group.commands[name]
        if isinstance(command, TyperGroup):
            yield from leaves(command, f"{above} {name}")
        else:
            assert isinstance(command, TyperCommand), name
            yield f"{above} {name}", command


def _names(group: TyperGroup) -> list[str]:
    from ecrctl.tree import ORDER

    return (
        sorted(group.commands, key=lambda name: ORDER.index(name)) if group.name == "ecrctl" else list(group.commands)
    )


def _group(root: TyperGroup, above: str) -> Iterator[str]:
    told = ""
    for full, command in leaves(root, above):
        head = full.split()[1]
        if head != told:
            yield f"## {head}\n"
            told = head
        yield from _command(full, command)


def _command(full: str, command: TyperCommand) -> Iterator[str]:
    text, _, _ = inspect.cleandoc(command.help or "").partition(EXAMPLES)
    arguments = [str(param.metavar) for param in command.params if isinstance(param, TyperArgument)]
    yield f"### `{' '.join([full, *arguments])}`\n"
    yield f"{text.strip()}\n"
    yield "```bash\n" + "\n".join(examples(command)) + "\n```\n"
    rows = [row for param in command.params if isinstance(param, TyperOption) and (row := _row(param))]
    if rows:
        yield "| flag | |\n|---|---|"
        yield "\n".join(rows) + "\n"


def _row(option: TyperOption) -> str:
    if option.hidden or not _EVERYWHERE.isdisjoint(option.opts):
        return ""
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    value = f" `{option.metavar}`" if option.metavar else ""
    cells = (f"{flags}{value}", " ".join((option.help or "").split()))
    return f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |"
