"""`ecrctl data`: from raw dialogues to examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import GENERAL, Typed
from ecrctl.grouping import grouped
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="Make, process and look at dialogues.")

SKIP_BAD = tuple(flag for flag in GENERAL if flag.name == "skip_bad")
SEED = tuple(flag for flag in GENERAL if flag.name == "seed")

Target = Annotated[
    Path,
    typer.Option("--output", metavar="DIR", help="Folder to write.", show_default=False, rich_help_panel=Panel.WHAT),
]
Processed = Annotated[Path, typer.Argument(metavar="SOURCE", help="A processed folder or a run.", show_default=False)]


@app.command()
@grouped
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


@app.command()
@grouped
def process(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of raw ReDial files.", show_default=False)],
    output_folder: Target,
    skip_bad: Annotated[Typed, SKIP_BAD],
    layers: Layers,
    output: Output,
) -> None:
    """Turn raw dialogues into examples, split by conversation.

    Examples:
        ecrctl data process redial/ --output processed/
        ecrctl data process redial/ --output processed/ --skip-bad --set data.test_share=0.2
    """
    from ecr_engine.data.process import process as process_source
    from ecrctl.jobs import settings_from
    from ecrctl.ui import data_view

    settings = settings_from(layers, skip_bad).settings.data
    summary = process_source(
        source,
        output_folder,
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        skip_bad=settings.skip_bad,
    )
    data_view.show_summary(output_folder, summary, as_json=output.json)


@app.command()
@grouped
def stats(source: Processed, output: Output) -> None:
    """Count the dialogues, turns and movies of a processed folder or of a run.

    Examples:
        ecrctl data stats processed/
        ecrctl data stats runs/demo --json
    """
    from ecr_engine.data.store import read_summary
    from ecrctl.ui import data_view

    folder = data_view.data_folder(source)
    data_view.show_summary(folder, read_summary(folder), as_json=output.json)


@app.command("show")
@grouped
def show_example(
    source: Processed,
    layers: Layers,
    output: Output,
    number: Annotated[int, typer.Argument(metavar="[N]", min=1, help="Which example, from 1.")] = 1,
    split: Annotated[
        str, typer.Option("--split", metavar="train|valid|test", help="The split.", rich_help_panel=Panel.WHAT)
    ] = "train",
) -> None:
    """Show one example: its prompt as the model reads it, the reference, the movies.

    Examples:
        ecrctl data show processed/
        ecrctl data show runs/demo 12 --split test
    """
    from ecrctl.jobs import settings_from
    from ecrctl.ui import data_view

    system = settings_from(layers, {}).settings.prompt.system
    data_view.show_example(data_view.data_folder(source), split, number, system, as_json=output.json)
