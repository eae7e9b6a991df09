"""The help of every command that there is, each in a process of its own, and what that process has imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command

from ecrctl.app import app

HEAVY = frozenset({"torch", "transformers", "matplotlib", "scipy", "wandb", "pandas"})


def walk(command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """A command and all below it, as they are typed."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))


COMMANDS = tuple(walk(get_command(app)))


def test_the_walk_reaches_the_leaves() -> None:
    assert {(), ("compare",), ("rl", "train"), ("checkpoint", "import"), ("data", "fetch")} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command) or "ecrctl")
def test_help_imports_nothing_heavy(command) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(name for name in sys.modules if '.' not in name), file=sys.stderr))\n"
        "from ecrctl.__main__ import main\n"
        f"sys.argv[1:] = {[*command, '--help']!r}\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    imported = set(done.stderr.split())
    assert "typer" in imported
    assert imported & HEAVY == set()
