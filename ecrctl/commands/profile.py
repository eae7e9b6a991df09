"""`ecrctl profile`: named sets of settings, and where each value comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="Profiles, and the settings that they lead to.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A profile, or a path that ends in .toml.", show_default=False)
]


@app.command("list")
@grouped
def list_command(output: Output) -> None:
    """List the profiles and when to use them.

    Examples:
        ecrctl profile list
        ecrctl profile list --json
    """
    from ecrctl.ui import profile_view

    profile_view.show_list(as_json=output.json)


@app.command()
@grouped
def show(
    layers: Layers,
    output: Output,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A profile; without one, what applies here.", show_default=False),
    ] = None,
    resolved: Annotated[
        bool,
        typer.Option(
            "--resolved",
            metavar="",
            help="All settings, with the origin of what is no default.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
) -> None:
    """Show what a profile changes, or all settings and where each comes from.

    Examples:
        ecrctl profile show conservative
        ecrctl profile show conservative --resolved --set ppo.epochs=3
        ecrctl profile show --resolved
    """
    from dataclasses import replace

    from ecrctl.jobs import settings_from
    from ecrctl.ui import profile_view

    if name is not None and not resolved:
        profile_view.show_profile(name, as_json=output.json)
        return
    with_name = replace(layers, profile=[*(layers.profile or []), *([name] if name is not None else [])])
    profile_view.show_resolved(settings_from(with_name, {}), as_json=output.json)


@app.command()
@grouped
def diff(first: Name, second: Name, output: Output) -> None:
    """Show in which settings two profiles differ.

    Examples:
        ecrctl profile diff conservative aggressive
        ecrctl profile diff balanced mine.toml --json
    """
    from ecrctl.ui import profile_view

    profile_view.show_difference(first, second, as_json=output.json)
