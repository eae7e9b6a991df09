"""The reference of commands is that of the code, and the examples in every help are command lines that parse."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from ecrctl.app import app
from ecrctl.reference import commands_document, examples, leaves

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
ROOT = get_command(app)
assert isinstance(ROOT, TyperGroup)
EXAMPLES = [(name, line) for name, command in leaves(ROOT) for line in examples(command)]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == commands_document(), "python tools/document_commands.py"


def test_it_holds_what_a_reader_looks_for() -> None:
    text = commands_document()
    assert "### `ecrctl profile create NEW`" in text
    assert "| `--from` `wheel\\|hub` | Where from. |" in text
    assert "ecrctl model pull llama2-7b-chat --from hub" in text
    assert text.index("## run") < text.index("## rl") < text.index("## doctor")


def test_every_command_has_an_example_of_its_own() -> None:
    with_one = {name for name, line in EXAMPLES if line.startswith(f"{name} ") or line == name}
    assert {name for name, _ in leaves(ROOT)} - with_one == set()


@pytest.mark.parametrize("line", sorted({line for _, line in EXAMPLES}))
def test_an_example_parses(line) -> None:
    """Each word is a command, a known option or its value; nothing is run."""
    words = shlex.split(line.split(" | ")[0].split(" > ")[0], comments=True)
    assert words[0] == "ecrctl", line
    command, rest, context = ROOT, words[1:], None
    while isinstance(command, TyperGroup):
        name, *rest = rest
        context = command.make_context("ecrctl", [name], resilient_parsing=True)
        command = command.commands[name]
    parsed = command.make_context(
        words[1], list(rest), parent=context, token_normalize_func=lambda n: n.replace("_", "-")
    )
    assert parsed.args == []
