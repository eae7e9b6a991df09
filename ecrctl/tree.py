"""How the command tree parses: what Typer alone does not do."""

from __future__ import annotations

from typing import Any

# Typer carries its own copy of click, whose context is what these methods are given.
from typer._click import Context
from typer.core import TyperCommand, TyperGroup

from ecrctl.completion_shells import register

SMOKE_STEPS = 2
"""Steps of `--smoke` without a number."""

ORDER = (
    *("run", "data", "train", "score", "rl", "eval", "compare", "runs", "checkpoint", "chat"),
    *("profile", "model", "init", "doctor"),
)
"""The commands in the order of the work, which is the order of help."""


class Root(TyperGroup):
    """The root of the tree, its commands in the order of the work, its completion as the shells take it."""

    def __init__(self, **settings: Any) -> None:
        # Typer puts its own completion in place just before it makes the root.
        super().__init__(**settings)
        register()

    def list_commands(self, ctx: Context) -> list[str]:
        """The names of all commands."""
        return sorted(super().list_commands(ctx), key=ORDER.index)


USE_RL = "--use-rl"
"""The guide's switch, which people also type with a value."""

_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


class JobCommand(TyperCommand):
    """A command whose `--smoke` may stand without its number, and whose `--use_rl` with a value."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Gives a bare `--smoke` its number, and `--use_rl` its two forms, before the arguments are parsed."""
        typed = with_smoke_steps(args)
        takes_use_rl = any(USE_RL in param.opts for param in self.params)
        return super().parse_args(ctx, with_plain_use_rl(typed) if takes_use_rl else typed)


class ProcessCommand(TyperCommand):
    """A command whose `--knowledge` may stand without its folder."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Gives a bare `--knowledge` the source's own folder before the arguments are parsed."""
        return super().parse_args(ctx, with_own_knowledge(args))


def with_own_knowledge(arguments: list[str]) -> list[str]:
    """The arguments with `--knowledge=auto` for each `--knowledge` that is last or stands before another flag."""
    following = [*arguments[1:], "--"]
    return (
        [
            "--knowledge=auto" if word == "--knowledge" and after.startswith("-") else word
            for word, after in zip(arguments, following, strict=True)
        ]
        if arguments
        else []
    )


def with_plain_use_rl(arguments: list[str]) -> list[str]:
    """The arguments with `--use-rl` for `--use_rl true`, and `--no-use-rl` for `--use_rl false`, also after `=`."""
    found: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        if flag.replace("_", "-") == USE_RL:
            following = rest[0] if rest and not equals else value
            if following.lower() in _TRUE | _FALSE:
                word = USE_RL if following.lower() in _TRUE else f"--no-{USE_RL.removeprefix('--')}"
                rest = rest if equals else rest[1:]
        found.append(word)
    return found


def with_smoke_steps(arguments: list[str]) -> list[str]:
    """The arguments with `--smoke=N` in the place of `--smoke N` and of a bare `--smoke`."""
    found: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--smoke":
            steps = rest.pop(0) if rest and rest[0].isdecimal() else str(SMOKE_STEPS)
            word = f"--smoke={steps}"
        found.append(word)
    return found
