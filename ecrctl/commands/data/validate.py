"""`ecrctl data validate`: what is wrong with a source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecrctl.commands.data.arguments import FORMAT
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

if TYPE_CHECKING:
    from ecr_engine.data.prompts import Tokenizer

Checked = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Raw dialogues, a processed folder, or a run.", show_default=False)
]


def validate(
    source: Checked,
    flags: Annotated[Typed, (FORMAT,)],
    layers: Layers,
    output: Output,
    strict: Annotated[
        bool, typer.Option("--strict", metavar="", help="Fail on warnings too.", rich_help_panel=Panel.HOW)
    ] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="FOLDER|RUN",
            help="Tokenizer that counts tokens; without it they are estimated by words.",
            show_default=False,
            rich_help_panel=Panel.HOW,
        ),
    ] = None,
) -> None:
    """Look for leaks, duplicates and faults in dialogues; exit 4 if there is an error.

    Examples:
        ecrctl data validate redial/
        ecrctl data validate processed/ --strict --json
        ecrctl data validate runs/demo --tokenizer runs/demo
    """
    from ecr_engine.data.validation.examine import validate as validate_source
    from ecr_engine.runs.folder import RunFolder
    from ecrctl.jobs import settings_from
    from ecrctl.ui import validation_view

    run = RunFolder(source)
    settings = settings_from(layers, flags, base=run.resolved_config if run.exists() else None).settings
    report = validate_source(
        source,
        form=settings.data.format,
        system=settings.prompt.system,
        context_max_length=settings.prompt.context_max_length,
        resp_max_length=settings.prompt.resp_max_length,
        tokenizer=_loaded(tokenizer) if tokenizer else None,
    )
    validation_view.show_report(report, as_json=output.json)
    validation_view.check_verdict(report, strict=strict)


def _loaded(address: str) -> Tokenizer:
    from ecr_engine.models.tokenizer_files import load_tokenizer, tokenizer_folder

    tokenizer: Tokenizer = load_tokenizer(tokenizer_folder(address))
    return tokenizer
