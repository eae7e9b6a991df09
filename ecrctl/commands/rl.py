"""`ecrctl rl`: PPO and its rewards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import GENERAL, RL_TRAIN, Typed
from ecrctl.grouping import grouped
from ecrctl.options import Dataset, Execution, Layers, Output, OutputDir, Resume, ResumeOption, check_dataset
from ecrctl.panels import Panel
from ecrctl.tree import JobCommand

app = typer.Typer(no_args_is_help=True, help="Improve the baseline with PPO, and look at its rewards.")

UseRL = Annotated[
    bool,
    typer.Option(
        "--use-rl",
        metavar="",
        help="Always so here; taken as the guide types it.",
        show_default=False,
        rich_help_panel=Panel.GUIDE,
    ),
]
UseWandb = Annotated[
    bool,
    typer.Option(
        "--use-wandb",
        metavar="",
        help="Follow with wandb; offline without a key. Sets tracking.wandb.",
        rich_help_panel=Panel.GUIDE,
    ),
]
Debug = Annotated[bool, typer.Option("--debug", metavar="", help="The same as --verbose.", rich_help_panel=Panel.GUIDE)]
LogAll = Annotated[
    bool, typer.Option("--log-all", metavar="", help="Every event as a line.", rich_help_panel=Panel.GUIDE)
]


@app.command(cls=JobCommand)
@grouped
def train(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    guide: Annotated[Typed, RL_TRAIN],
    layers: Layers,
    output: Output,
    output_dir: OutputDir = None,
    dataset: Dataset = "redial",
    use_rl: UseRL = True,
    use_wandb: UseWandb = False,
    debug: Debug = False,
    log_all: LogAll = False,
    resume: ResumeOption = Resume.NEVER,
) -> None:
    """Improve the baseline with PPO; runs what it needs first.

    A run folder that exists brings its own settings and data, unless --profile, --config or --data is given.

    Examples:
        ecrctl rl train --run runs/demo
        ecrctl rl train --run runs/demo --empathy_weight 3.0 --ppo_clip_epsilon 0.1 --resume auto
        ecrctl rl train --profile conservative --profile empathy --dry-run
    """
    from dataclasses import replace

    from ecrctl.jobs import Request, start

    check_dataset(dataset)
    typed = {**general, **guide}
    if use_wandb:
        typed["tracking.wandb"] = (_wandb_mode(), "--use-wandb")
    everything = replace(output, verbose=output.verbose or debug or log_all)
    start(Request("rl", execution, layers, typed, everything, resume, output_dir))


def _wandb_mode() -> str:
    """Online where wandb has a key, offline where it has none."""
    import netrc
    import os

    if os.environ.get("WANDB_API_KEY"):
        return "online"
    login = Path("~/.netrc").expanduser()
    known = login.is_file() and netrc.netrc(login).authenticators("api.wandb.ai") is not None
    return "online" if known else "offline"


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
    from ecrctl.jobs import settings_from
    from ecrctl.ui import rewards_view

    weights = settings_from(layers, {}).settings.rewards
    if response is None:
        rewards_view.show_components(weights, as_json=output.json)
    else:
        rewards_view.show_breakdown(weights, context, response, reference, as_json=output.json)
