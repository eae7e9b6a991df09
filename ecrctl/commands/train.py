"""`ecrctl train`: the supervised stages."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.flags import GENERAL, TRAIN_BASELINE, Typed
from ecrctl.grouping import grouped
from ecrctl.options import Dataset, Execution, Layers, Output, OutputDir, Resume, ResumeOption, check_dataset
from ecrctl.tree import JobCommand

app = typer.Typer(no_args_is_help=True, help="Train the baseline or the critic.")


@app.command(cls=JobCommand)
@grouped
def baseline(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    guide: Annotated[Typed, TRAIN_BASELINE],
    layers: Layers,
    output: Output,
    output_dir: OutputDir = None,
    dataset: Dataset = "redial",
    resume: ResumeOption = Resume.NEVER,
) -> None:
    """Fine-tune the backbone on the recommender's turns: the baseline.

    A run folder that exists brings its own settings and data, unless --profile, --config or --data is given.

    Examples:
        ecrctl train baseline --run runs/demo
        ecrctl train baseline --data redial/ --num_train_epochs 3 --learning_rate 1e-5 --output_dir runs/redial
    """
    from ecrctl.jobs import Request, start

    check_dataset(dataset)
    start(Request("baseline", execution, layers, {**general, **guide}, output, resume, output_dir))


@app.command(cls=JobCommand)
@grouped
def critic(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    layers: Layers,
    output: Output,
    resume: ResumeOption = Resume.NEVER,
) -> None:
    """Train the critic on the judge's scores; runs what it needs first.

    Examples:
        ecrctl train critic --run runs/demo
        ecrctl train critic --run runs/demo --set critic.epochs=2
    """
    from ecrctl.jobs import Request, start

    start(Request("critic", execution, layers, general, output, resume))
