"""The root of the command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.commands import (
    chat,
    checkpoint,
    compare,
    data,
    doctor,
    evaluate,
    init,
    model,
    profile,
    rl,
    run,
    runs,
    score,
    train,
)
from ecrctl.grouping import grouped
from ecrctl.panels import Panel
from ecrctl.tree import JobCommand, Root

SETTINGS = {"token_normalize_func": lambda name: name.replace("_", "-"), "help_option_names": ["--help", "-h"]}
"""Flags may be typed with `_` or `-`."""

app = typer.Typer(
    cls=Root,
    name="ecrctl",
    context_settings=SETTINGS,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Train an empathetic conversational movie recommender, improve it with PPO, and prove that it got better.",
    epilog="Start with `ecrctl run`: it needs nothing but this package.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        from ecrctl.ui.console import say

        say(f"ecrctl {version('ecrctl')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Train an empathetic conversational movie recommender, improve it with PPO, and prove that it got better."""
    if context.invoked_subcommand is None:
        from ecrctl.ui.console import say

        say(context.get_help())


app.command("run", cls=JobCommand, rich_help_panel=Panel.MAIN)(grouped(run.run))
app.add_typer(data.app, name="data", rich_help_panel=Panel.STAGES)
app.add_typer(train.app, name="train", rich_help_panel=Panel.STAGES)
app.add_typer(score.app, name="score", rich_help_panel=Panel.STAGES)
app.add_typer(rl.app, name="rl", rich_help_panel=Panel.STAGES)
app.add_typer(evaluate.app, name="eval", rich_help_panel=Panel.STAGES)
app.command("compare", rich_help_panel=Panel.LOOK)(grouped(compare.compare))
app.add_typer(runs.app, name="runs", rich_help_panel=Panel.LOOK)
app.add_typer(checkpoint.app, name="checkpoint", rich_help_panel=Panel.LOOK)
app.command("chat", rich_help_panel=Panel.LOOK)(grouped(chat.chat))
app.add_typer(profile.app, name="profile", rich_help_panel=Panel.ABOUT)
app.add_typer(model.app, name="model", rich_help_panel=Panel.ABOUT)
app.command("init", rich_help_panel=Panel.ABOUT)(grouped(init.init))
app.command("doctor", rich_help_panel=Panel.ABOUT)(grouped(doctor.doctor))
