"""`ecrctl compare`: results, turn by turn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

Markdown = Annotated[
    Path | None,
    typer.Option("--md", metavar="FILE", help="Also write it as Markdown; - is stdout.", rich_help_panel=Panel.OUTPUT),
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Also write the table as CSV; - is stdout.", rich_help_panel=Panel.OUTPUT
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Also write it as one HTML page; - is stdout.", rich_help_panel=Panel.OUTPUT
    ),
]


def compare(
    addresses: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_A [RUN_B…]",
            help="Runs, RUN:NAME or evaluation folders, each against the first; several seeds of one side with + "
            "between; of one run alone, its baseline with its policy.",
            show_default=False,
        ),
    ],
    layers: Layers,
    output: Output,
    require: Annotated[
        list[str] | None,
        typer.Option(
            "--require",
            metavar="GATE",
            help="End with 4 unless METRIC[.FIELD]>=NUMBER[%] holds, such as 'bleu@1>=+20%' or 'empathy.p<0.05'; "
            "repeatable.",
            rich_help_panel=Panel.HOW,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            metavar="",
            help="Compare although turns, prompts, decoding, judges or layouts differ.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
    dialogues: Annotated[
        bool,
        typer.Option(
            "--dialogues",
            metavar="",
            help="Also show the dialogues that improved most, those that suffered most, and random ones.",
            rich_help_panel=Panel.OUTPUT,
        ),
    ] = False,
    md: Markdown = None,
    csv: Table = None,
    html: Page = None,
) -> None:
    """Compare evaluations of the same turns, with paired intervals.

    Within one run the statistics are those of its settings, unless --profile
    or --config is given.

    Examples:
        ecrctl compare runs/demo
        ecrctl compare runs/demo runs/other --json
        ecrctl compare runs/demo:baseline runs/other:policy --dialogues
        ecrctl compare runs/a1+runs/a2+runs/a3 runs/b1+runs/b2+runs/b3
        ecrctl compare runs/demo --md - --require 'reward.interval.low>0'
    """
    from ecr_engine.evaluation.compare import Resampling, compare_all
    from ecr_engine.evaluation.gates import check_gates, parse_gate
    from ecr_engine.evaluation.gates import require as require_met
    from ecrctl.comparing import Documents, sides_of
    from ecrctl.jobs import settings_from

    documents = Documents(as_json=output.json, md=md, csv=csv, html=html)
    gates = [parse_gate(text) for text in require or ()]
    sides = sides_of(addresses)
    settings = settings_from(layers, {}, base=sides.base).settings
    resampling = Resampling(settings.compare.resamples, settings.compare.confidence, settings.seed)
    comparisons = compare_all(sides.folders, resampling, names=sides.names, force=force)
    outcomes = check_gates(gates, comparisons)
    documents.give(comparisons, outcomes, dialogues=dialogues)
    require_met(outcomes)
