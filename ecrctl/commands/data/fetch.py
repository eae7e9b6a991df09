"""`ecrctl data fetch`: a corpus from its public address, verified, unpacked and processed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecr_engine.errors import ENDINGS
from ecrctl.commands.data.arguments import SKIP_BAD, Target
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

if TYPE_CHECKING:
    from ecr_engine.config.sections.data import FetchSettings
    from ecr_engine.data.fetch import Fetched

Corpus = Annotated[
    str, typer.Argument(metavar="redial|goemotions|epitome", help="The corpus to fetch.", show_default=False)
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="PATH",
        help="A file, or a folder of files, to take in place of the download.",
        show_default=False,
        rich_help_panel=Panel.WHAT,
    ),
]
Process = Annotated[
    bool,
    typer.Option("--process/--no-process", help="Make examples of dialogues; check labels.", rich_help_panel=Panel.HOW),
]
Force = Annotated[
    bool,
    typer.Option("--force", metavar="", help="Fetch again what is there and right.", rich_help_panel=Panel.HOW),
]


def fetch(
    corpus: Corpus,
    output_folder: Target,
    flags: Annotated[Typed, SKIP_BAD],
    layers: Layers,
    output: Output,
    source: From = None,
    process: Process = True,
    force: Force = False,
) -> None:
    """Fetch a corpus from its official address: resumed, verified, unpacked, and made into examples or counted.

    Addresses and SHA-256 are the settings fetch.*. DIR gets raw/ with the files and SOURCE.json, and processed/ with
    the examples of dialogues. Fetched again, files that are there and right are not downloaded.

    Examples:
        ecrctl data fetch redial --output redial/
        ecrctl data fetch goemotions --output goemotions/ --json
        ecrctl data fetch redial --output redial/ --from redial_dataset.zip --no-process
        ecrctl data fetch redial --output redial/ --set fetch.redial_url=https://mirror.example/redial_dataset.zip
    """
    from ecr_engine.data.fetch import process_fetched
    from ecrctl.jobs import settings_from
    from ecrctl.ui import fetch_view

    settings = settings_from(layers, flags).settings
    fetched = _fetched(corpus, output_folder, settings.fetch, source, force, output)
    processed = None
    if process:
        data = settings.data
        processed = process_fetched(
            fetched,
            output_folder,
            validation_share=data.validation_share,
            test_share=data.test_share,
            skip_bad=data.skip_bad,
        )
    fetch_view.show_fetched(fetched, processed, as_json=output.json)


def _fetched(
    corpus: str, folder: Path, settings: FetchSettings, source: Path | None, force: bool, output: Output
) -> Fetched:
    from ecr_engine.data.fetch import fetch as fetch_corpus
    from ecrctl.ui import fetch_view

    try:
        with fetch_view.following(quiet=output.quiet, everything=output.verbose) as listener:
            return fetch_corpus(corpus, folder, settings, listener=listener, source=source, force=force)
    except KeyboardInterrupt:
        fetch_view.say_interrupted(folder)
        raise
    except SystemExit as leaving:
        if leaving.code in ENDINGS:
            fetch_view.say_interrupted(folder)
        raise
