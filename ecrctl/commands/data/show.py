"""`ecrctl data show`: one example as the model sees it."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.commands.data.arguments import Processed
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel


def show(
    source: Processed,
    layers: Layers,
    output: Output,
    number: Annotated[
        int | None, typer.Argument(metavar="[N]", min=1, help="Which example of the split.", show_default="1")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="train|valid|test",
            help="The split.",
            show_default="train; with --id all",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    example_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="EXAMPLE_ID", help="Which example, as CONVERSATION:TURN.", rich_help_panel=Panel.WHAT
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="DIR|RUN",
            help="Tokenizer to cut the prompt with.",
            show_default="the run's own",
            rich_help_panel=Panel.HOW,
        ),
    ] = None,
) -> None:
    """Show one example as training sees it: the prompt, the trained tokens in colour, what the limits cut.

    Examples:
        ecrctl data show processed/
        ecrctl data show runs/demo 12 --split test
        ecrctl data show processed/ --id 391:3 --tokenizer runs/demo
    """
    from ecrctl.examples import inspected, wanted
    from ecrctl.ui.example_view import show_example

    found = wanted(source, number, split, example_id)
    show_example(found, inspected(source, found, layers, tokenizer), as_json=output.json)
