"""`ecrctl model`: the models that have a name here."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Output

app = typer.Typer(no_args_is_help=True, help="Backbones, judges and encoders that can be named.")


@app.command("list")
@grouped
def list_command(output: Output) -> None:
    """List the registered models and what each may be used for.

    Examples:
        ecrctl model list
        ecrctl model list --json
    """
    from ecr_engine.models.registry import MODELS
    from ecrctl.ui.console import results
    from ecrctl.ui.document import print_document
    from ecrctl.ui.tables import Column, show

    if output.json:
        print_document(MODELS)
        return
    columns = (
        Column("name"),
        Column("use"),
        Column("size", right=True),
        Column("what", folds=True),
        Column("source", spare=1),
    )
    show(results(), columns, [(m.name, ", ".join(m.uses), m.size, m.what, m.source) for m in MODELS])


@app.command()
@grouped
def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A registered name.", show_default=False)], output: Output
) -> None:
    """Show one registered model.

    Examples:
        ecrctl model info tiny
        ecrctl model info llama2-7b-chat --json
    """
    from ecr_engine.errors import UsageError, suggestion
    from ecr_engine.models.registry import find, model_names
    from ecrctl.ui.console import results
    from ecrctl.ui.document import print_document
    from ecrctl.ui.tables import facts

    model = find(name)
    if model is None:
        raise UsageError(f"unknown model '{name}'", at="ecrctl model info", fix=suggestion(name, model_names()))
    if output.json:
        print_document(model)
        return
    uses = ", ".join(model.uses)
    facts(
        results(),
        [("name", model.name), ("what", model.what), ("use", uses), ("size", model.size), ("source", model.source)],
    )
