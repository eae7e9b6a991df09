"""`ecrctl profile`: named sets of settings, and where each value comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Layers, Output, Sets
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="Profiles, and the settings that they lead to.")

Name = Annotated[
    str, typer.Argument(metavar="PROFILE", help="A profile, or a path that ends in .toml.", show_default=False)
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
        typer.Argument(metavar="[PROFILE]", help="A profile; without one, what applies here.", show_default=False),
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


@app.command()
@grouped
def validate(
    names: Annotated[
        list[str],
        typer.Argument(metavar="PROFILE|FILE…", help="Profiles, .toml files, or an ecr.toml.", show_default=False),
    ],
    output: Output,
) -> None:
    """Check profiles and settings files by themselves: every mistake at once, each with file and line.

    Exits with 2 if there is one.

    Examples:
        ecrctl profile validate balanced
        ecrctl profile validate mine.toml ecr.toml --json
    """
    from ecr_engine.config.profile_files import validate as validate_one
    from ecr_engine.pipeline.job import known_choices
    from ecrctl.ui import profile_view

    profile_view.show_validated([validate_one(name, known_choices()) for name in names], as_json=output.json)


@app.command()
@grouped
def create(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NEW", help="Its name, for NEW.toml here; or a path that ends in .toml.", show_default=False
        ),
    ],
    output: Output,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="PROFILE", help="Take its overrides; repeat it, later wins.", rich_help_panel=Panel.WHAT
        ),
    ] = None,
    sets: Sets = None,
    summary: Annotated[
        str, typer.Option("--summary", metavar="TEXT", help="What it does.", rich_help_panel=Panel.WHAT)
    ] = "",
    when: Annotated[
        str, typer.Option("--when", metavar="TEXT", help="When to use it.", rich_help_panel=Panel.WHAT)
    ] = "",
) -> None:
    """Write a profile of your own, from other profiles and single settings.

    A file that is there is never overwritten.

    Examples:
        ecrctl profile create warm --from empathy --set ppo.epochs=2
        ecrctl profile create careful --from conservative --from balanced --when "On little data."
    """
    from ecr_engine.config.profile_files import create as create_one
    from ecr_engine.pipeline.job import known_choices
    from ecrctl.ui import profile_view

    created = create_one(
        name, based_on=source or (), sets=sets or (), summary=summary, when=when, choices=known_choices()
    )
    profile_view.show_created(created, as_json=output.json)
