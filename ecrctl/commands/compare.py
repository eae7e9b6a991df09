"""`ecrctl compare`: two results, turn by turn."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.options import Layers, Output
from ecrctl.panels import Panel


def compare(
    first: Annotated[
        str, typer.Argument(metavar="RUN_A", help="A run, RUN:baseline, or an evaluation folder.", show_default=False)
    ],
    layers: Layers,
    output: Output,
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN_B]",
            help="What to compare it with; without it, RUN_A's baseline with its policy.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", metavar="", help="Compare although turns, prompts or decoding differ.", rich_help_panel=Panel.HOW
        ),
    ] = False,
) -> None:
    """Compare two evaluations of the same turns, with paired intervals.

    Examples:
        ecrctl compare runs/demo
        ecrctl compare runs/demo runs/other --json
        ecrctl compare runs/demo:baseline runs/other:policy
    """
    from ecr_engine.evaluation.compare import compare as compare_evaluations
    from ecr_engine.runs.addresses import resolve_evaluation
    from ecrctl.jobs import settings_from
    from ecrctl.ui.comparison import show_comparison
    from ecrctl.ui.console import results
    from ecrctl.ui.document import print_document

    a, b = (f"{first}:baseline", f"{first}:policy") if second is None else (first, second)
    settings = settings_from(layers, {}).settings
    comparison = compare_evaluations(
        resolve_evaluation(a),
        resolve_evaluation(b),
        resamples=settings.compare.resamples,
        confidence=settings.compare.confidence,
        seed=settings.seed,
        names=None if second is None else (first, second),
        force=force,
    )
    if output.json:
        print_document(comparison.to_json())
    else:
        show_comparison(results(), comparison)
