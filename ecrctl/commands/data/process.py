"""`ecrctl data process`: from any source to examples."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.commands.data.arguments import FORMAT, KNOWLEDGE, SKIP_BAD, Source, Target
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel


def process(
    source: Source,
    output_folder: Target,
    flags: Annotated[Typed, (*SKIP_BAD, FORMAT, KNOWLEDGE)],
    layers: Layers,
    output: Output,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            max=256,
            help="Processes; the result does not depend on it.",
            rich_help_panel=Panel.HOW,
        ),
    ] = 1,
) -> None:
    """Turn raw dialogues into examples, split by conversation.

    Examples:
        ecrctl data process redial/ --output processed/
        ecrctl data process redial_dataset.zip --output processed/ --skip-bad --set data.test_share=0.2
        ecrctl data process cfcrs/ --output processed/ --format cfcrs --knowledge --workers 4
    """
    from ecr_engine.data.process import knowledge_of
    from ecr_engine.data.process import process as process_source
    from ecrctl.jobs import settings_from
    from ecrctl.ui import data_view

    settings = settings_from(layers, flags).settings.data
    summary = process_source(
        source,
        output_folder,
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        skip_bad=settings.skip_bad,
        form=settings.format,
        knowledge=knowledge_of(settings.knowledge, source),
        workers=workers,
    )
    data_view.show_summary(output_folder, summary, as_json=output.json)
