"""`ecrctl data sample`: the generated corpus."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.commands.data.arguments import SEED, Target
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel


def sample(
    output_folder: Target,
    seed: Annotated[Typed, SEED],
    layers: Layers,
    output: Output,
    dialogues: Annotated[
        int | None,
        typer.Option(
            "--dialogues", metavar="N", help="Dialogues. Sets data.sample_dialogues.", rich_help_panel=Panel.WHAT
        ),
    ] = None,
    movies: Annotated[
        int | None,
        typer.Option("--movies", metavar="N", help="Movies. Sets data.sample_movies.", rich_help_panel=Panel.WHAT),
    ] = None,
) -> None:
    """Write a corpus of made-up dialogues in ReDial's raw format; the same seed gives the same dialogues.

    Examples:
        ecrctl data sample --output sample/
        ecrctl data sample --output small/ --dialogues 100 --seed 7
    """
    from ecr_engine.data.sample import write_sample
    from ecrctl.jobs import settings_from
    from ecrctl.ui import data_view

    counts = {"data.sample_dialogues": (dialogues, "--dialogues"), "data.sample_movies": (movies, "--movies")}
    typed: Typed = {**seed, **{key: given for key, given in counts.items() if given[0] is not None}}
    settings = settings_from(layers, typed).settings
    write_sample(
        output_folder, dialogues=settings.data.sample_dialogues, movies=settings.data.sample_movies, seed=settings.seed
    )
    data_view.show_sample(output_folder, settings, as_json=output.json)
