"""`ecrctl eval`: answering held-out turns and measuring the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import EVAL_RUN, GENERAL, Typed
from ecrctl.grouping import grouped
from ecrctl.options import Dataset, Limit, Output, check_dataset
from ecrctl.panels import Panel
from ecrctl.reward_flag import RewardLayers

app = typer.Typer(no_args_is_help=True, help="Generate and measure responses on held-out turns.")

PLACE = tuple(flag for flag in GENERAL if flag.name in {"seed", "device"})


@app.callback()
def evaluate() -> None:
    """Generate and measure responses on held-out turns."""


@app.command()
@grouped
def run(
    typed: Annotated[Typed, PLACE],
    guide: Annotated[Typed, EVAL_RUN],
    layers: RewardLayers,
    output: Output,
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="CHECKPOINT", help="RUN, RUN:baseline, RUN:policy@best, or a folder.", show_default=False
        ),
    ] = None,
    model_path: Annotated[
        str | None,
        typer.Option(
            "--model-path", metavar="CHECKPOINT", help="The same, as the guide names it.", rich_help_panel=Panel.GUIDE
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir",
            metavar="DIR",
            help="Folder to write.",
            show_default="RUN/evaluation/NAME",
            rich_help_panel=Panel.GUIDE,
        ),
    ] = None,
    use_rl_eval: Annotated[
        bool,
        typer.Option(
            "--use-rl-eval", metavar="", help="Always so here: the reward is measured too.", rich_help_panel=Panel.GUIDE
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="A processed folder or a run.",
            show_default="that of the run",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="What it is called in tables.",
            show_default="baseline, policy, …",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    limit: Limit = None,
    dataset: Dataset = "redial",
) -> None:
    """Answer the held-out turns with a checkpoint, and measure the answers.

    The settings are those of the checkpoint's run, unless --profile or
    --config is given.

    Examples:
        ecrctl eval run runs/demo
        ecrctl eval run runs/demo:policy@best --split valid --limit 50
    """
    from ecrctl.evaluations import Evaluation, evaluate_request

    check_dataset(dataset)
    request = Evaluation(
        address=checkpoint or model_path,
        data=data,
        output=output_dir,
        name=name,
        limit=limit,
        layers=layers,
        typed={**typed, **guide},
        speech=output,
    )
    evaluate_request(request)
