"""`ecrctl rl`: PPO and its rewards."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.flags import GENERAL, RL_TRAIN, Typed
from ecrctl.grouping import grouped
from ecrctl.guide import Switches
from ecrctl.options import Dataset, Execution, Layers, Output, OutputDir, Resume, ResumeOption, check_dataset
from ecrctl.panels import Panel
from ecrctl.tree import JobCommand

app = typer.Typer(no_args_is_help=True, help="Improve the baseline with PPO, and look at its rewards.")


@app.command(cls=JobCommand)
@grouped
def train(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    guide: Annotated[Typed, RL_TRAIN],
    layers: Layers,
    switches: Switches,
    output: Output,
    output_dir: OutputDir = None,
    dataset: Dataset = "redial",
    resume: ResumeOption = Resume.NEVER,
) -> None:
    """Improve the baseline with PPO; runs what it needs first.

    A run folder that exists brings its own settings and data, unless --profile, --config or --data is given.

    Examples:
        ecrctl rl train --run runs/demo
        ecrctl rl train --run runs/demo --empathy_weight 3.0 --ppo_clip_epsilon 0.1 --resume auto
        ecrctl rl train --profile conservative --profile empathy --dry-run
    """
    from ecrctl.jobs import Request, start

    check_dataset(dataset)
    typed = {**general, **guide, **switches.settings()}
    start(Request("rl", execution, layers, typed, switches.speech(output), resume, output_dir))


@app.command()
@grouped
def rewards(
    layers: Layers,
    output: Output,
    response: Annotated[
        str | None, typer.Option("--response", metavar="TEXT", help="A response to score.", rich_help_panel=Panel.WHAT)
    ] = None,
    context: Annotated[
        str,
        typer.Option("--context", metavar="TEXT", help="What the seeker said before it.", rich_help_panel=Panel.WHAT),
    ] = "",
    reference: Annotated[
        str, typer.Option("--reference", metavar="TEXT", help="What a human answered.", rich_help_panel=Panel.WHAT)
    ] = "",
) -> None:
    """List the reward components, or show what each gives for a response.

    Examples:
        ecrctl rl rewards
        ecrctl rl rewards --context "I'm feeling sad today" --response "I'm sorry. Try <movie>, it is warm and funny."
    """
    from ecr_engine.errors import UsageError
    from ecrctl.jobs import settings_from
    from ecrctl.ui import rewards_view

    if response is None and (context or reference):
        raise UsageError(
            "there is no response to score",
            at="--context" if context else "--reference",
            fix='add --response "…", or leave both out for the list of components',
        )

    weights = settings_from(layers, {}).settings.rewards
    if response is None:
        rewards_view.show_components(weights, as_json=output.json)
    else:
        rewards_view.show_breakdown(weights, context, response, reference, as_json=output.json)
