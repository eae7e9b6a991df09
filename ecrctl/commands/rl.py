"""`ecrctl rl`: PPO and its rewards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import GENERAL, RL_TRAIN, Typed
from ecrctl.grouping import grouped
from ecrctl.guide import Switches
from ecrctl.options import Dataset, Execution, Output, OutputDir, Resume, ResumeOption, check_dataset, folder_name
from ecrctl.panels import Panel
from ecrctl.reward_flag import RewardLayers
from ecrctl.tree import JobCommand
from ecrctl.turns import TurnOptions

app = typer.Typer(no_args_is_help=True, help="Improve the baseline with PPO, and look at its rewards.")


@app.command(cls=JobCommand)
@grouped
def train(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    guide: Annotated[Typed, RL_TRAIN],
    layers: RewardLayers,
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
        ecrctl rl train --run runs/demo --resume auto
        ecrctl rl train --run runs/demo --resume best --resume-anyway --ppo_clip_epsilon 0.1
        ecrctl rl train --profile conservative --profile empathy --dry-run
    """
    from ecrctl.jobs import Request, start

    check_dataset(dataset)
    typed = {**general, **guide, **switches.settings()}
    start(Request(switches.until("rl"), execution, layers, typed, switches.speech(output), resume, output_dir))


@app.command()
@grouped
def rewards(
    given: TurnOptions,
    layers: RewardLayers,
    output: Output,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="DIR",
            parser=folder_name,
            help="Take the settings, and what components draw on, from this run.",
            rich_help_panel=Panel.SETTINGS,
        ),
    ] = None,
) -> None:
    """List the reward components, or show what each gives for a response, and why.

    With --run the settings and what was fitted are those of that run.

    Examples:
        ecrctl rl rewards
        ecrctl rl rewards --context "I'm feeling sad today" --response "I'm sorry. Try <movie>, it is warm and funny."
        ecrctl rl rewards --samples runs/demo --turn 12 --run runs/demo
    """
    from ecrctl.rewarding import look_at

    look_at(given, layers, run, as_json=output.json)


@app.command()
@grouped
def critic(
    given: TurnOptions,
    output: Output,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="DIR",
            parser=folder_name,
            help="Ask this run's critic; about its policy's responses where no others are named.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--critic",
            metavar="DIR",
            help="Ask this critic: a checkpoint, or what `ecrctl train critic` made.",
            show_default="that of the run",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="Look at the first N responses.", rich_help_panel=Panel.HOW),
    ] = None,
) -> None:
    """Show what a critic says of responses, and the range of each of its heads.

    Examples:
        ecrctl rl critic --run runs/demo
        ecrctl rl critic --run runs/demo --context "I'm feeling sad" --response "I'm sorry. Try <movie>, it is funny."
        ecrctl rl critic --critic critics/minilm --samples runs/demo:baseline --limit 100 --json
    """
    from ecrctl.critics import Look, look

    look(Look(given, run, folder, limit), as_json=output.json)
