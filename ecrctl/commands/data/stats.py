"""`ecrctl data stats`: the numbers of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.commands.data.arguments import FORMAT
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output

Counted = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Raw dialogues, a processed folder, or a run.", show_default=False)
]


def stats(source: Counted, flags: Annotated[Typed, (FORMAT,)], layers: Layers, output: Output) -> None:
    """Count dialogues, turns, movies and likes, beside the table of the ReDial paper.

    Examples:
        ecrctl data stats redial/
        ecrctl data stats processed/
        ecrctl data stats runs/demo --json
    """
    from ecr_engine.data.statistics import statistics
    from ecrctl.jobs import settings_from
    from ecrctl.ui import stats_view

    found = statistics(source, form=settings_from(layers, flags).settings.data.format)
    stats_view.show_statistics(found, as_json=output.json)
