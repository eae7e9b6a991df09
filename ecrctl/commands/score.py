"""`ecrctl score`: judging responses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import JUDGE, Typed
from ecrctl.grouping import grouped
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="Let a judge score responses.")


@app.callback()
def score() -> None:
    """Let a judge score responses."""


@app.command()
@grouped
def run(
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="RUN|FILE",
            help="A run, an evaluation or a samples.jsonl.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output",
            metavar="FILE",
            help="File of judgements to write.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ],
    judge: Annotated[Typed, JUDGE],
    layers: Layers,
    output: Output,
    maximum: Annotated[
        int | None,
        typer.Option("--max", metavar="N", min=1, help="Score N responses at most.", rich_help_panel=Panel.HOW),
    ] = None,
    start: Annotated[
        int,
        typer.Option("--start", metavar="N", min=0, help="Leave out the first N responses.", rich_help_panel=Panel.HOW),
    ] = 0,
) -> None:
    """Score the responses of an evaluation, one judgement a line.

    Examples:
        ecrctl score run --input runs/demo --output judged.jsonl
        ecrctl score run --input runs/demo:baseline --output judged.jsonl --max 50
    """
    from ecrctl.jobs import settings_from
    from ecrctl.samples import read_samples, samples_path
    from ecrctl.scoring import check_target, score_samples
    from ecrctl.ui import score_view

    settings = settings_from(layers, judge).settings.judge
    path = samples_path(source)
    check_target(target, path)
    samples = read_samples(path)[start:][:maximum]
    rows = score_samples(samples, settings.name, target, who=path.parent.name, quiet=output.quiet)
    score_view.show_scores(target, rows, settings.name, as_json=output.json)
