"""`ecrctl compare`: two results, turn by turn."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.options import Layers, Output
from ecrctl.panels import Panel


def compare(
    addresses: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_A [RUN_B]",
            help="Two runs, RUN:NAME or evaluation folders; of one run alone, its baseline with its policy.",
            show_default=False,
        ),
    ],
    layers: Layers,
    output: Output,
    force: Annotated[
        bool,
        typer.Option(
            "--force", metavar="", help="Compare although turns, prompts or decoding differ.", rich_help_panel=Panel.HOW
        ),
    ] = False,
) -> None:
    """Compare two evaluations of the same turns, with paired intervals.

    Within one run the statistics are those of its settings, unless --profile
    or --config is given.

    Examples:
        ecrctl compare runs/demo
        ecrctl compare runs/demo runs/other --json
        ecrctl compare runs/demo:baseline runs/other:policy
    """
    from ecr_engine.evaluation.compare import compare as compare_evaluations
    from ecrctl.comparing import pair_of
    from ecrctl.jobs import settings_from
    from ecrctl.ui.comparison import show_comparison
    from ecrctl.ui.console import results
    from ecrctl.ui.document import print_document

    pair = pair_of(addresses)
    settings = settings_from(layers, {}, base=pair.base).settings
    comparison = compare_evaluations(
        pair.a,
        pair.b,
        resamples=settings.compare.resamples,
        confidence=settings.compare.confidence,
        seed=settings.seed,
        names=pair.names,
        force=force,
    )
    if output.json:
        print_document(comparison.to_json())
    else:
        show_comparison(results(), comparison)
