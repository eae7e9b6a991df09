"""`ecrctl score agree`: how far judges agree, with each other or with people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.options import Output
from ecrctl.panels import Panel


def agree(
    files: Annotated[
        list[Path], typer.Argument(metavar="A [B…]", help="Files of judgements, one a judge.", show_default=False)
    ],
    output: Output,
    human: Annotated[
        Path | None,
        typer.Option(
            "--human",
            metavar="FILE.csv",
            help="Labels of people, with a column example_id.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="COLUMN[=DIMENSION]",
            help="A column of labels; repeatable.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale",
            metavar="LOW:HIGH",
            help="Lowest and highest label.",
            show_default="that of the dimension",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    resamples: Annotated[
        int,
        typer.Option("--resamples", metavar="N", min=100, help="Bootstrap resamples.", rich_help_panel=Panel.HOW),
    ] = 2000,
    seed: Annotated[
        int, typer.Option("--seed", metavar="INTEGER", min=0, help="Seed of the resampling.", rich_help_panel=Panel.HOW)
    ] = 0,
) -> None:
    """Compare judges with each other, or with labels of people, by dimension, with 95 % intervals.

    Examples:
        ecrctl score agree llama.jsonl mistral.jsonl
        ecrctl score agree llama.jsonl mistral.jsonl rubric.jsonl --json
        ecrctl score agree llama.jsonl --human labels.csv --column empathy --column stars=overall --scale 1:5
    """
    from ecr_engine.errors import UsageError
    from ecr_engine.scoring.compare_judges import compare_judges
    from ecr_engine.scoring.labels import parse_scale
    from ecrctl.ui.score_tables import show_agreement

    if human is None and (column or scale):
        raise UsageError("there are columns and no file of labels", at="--column, --scale", fix="--human FILE.csv")
    if human is not None and not column:
        raise UsageError("no column of labels is named", at=f"--human {human}", fix="--column overall")
    found = compare_judges(
        files,
        human=human,
        columns=tuple(column or ()),
        scale=parse_scale(scale) if scale is not None else None,
        resamples=resamples,
        seed=seed,
    )
    show_agreement(found, as_json=output.json)
