"""The guide's flags that set no setting of the same name: what they mean here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from ecrctl.flags import EVAL_RUN, RL_TRAIN, TRAIN_BASELINE, SettingFlag, Typed
from ecrctl.options import Output
from ecrctl.panels import Panel

UseRL = Annotated[
    bool,
    typer.Option(
        "--use-rl",
        metavar="",
        help="Improve the baseline with PPO, as is the rule here; also --use_rl true, or false: only the baseline.",
        show_default=False,
        rich_help_panel=Panel.GUIDE,
    ),
]
# An option of its own, and hidden: beside `--use-rl` its name would leave no room for the help of any flag.
NoUseRL = Annotated[bool, typer.Option("--no-use-rl", metavar="", help="Only the baseline.", hidden=True)]
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
    bool,
    typer.Option(
        "--log-all", metavar="", help="Every event as a line, with all of its values.", rich_help_panel=Panel.GUIDE
    ),
]

SWITCHES = {
    "use_rl": "leave it out: PPO is part of `ecrctl run` and of `ecrctl rl train`",
    "use_rl_eval": "leave it out: `ecrctl eval run` always measures the reward",
    "use_wandb": "--set tracking.wandb=offline, or online",
    "debug": "--verbose",
    "log_all": "--verbose",
    "dataset": "leave it out: ReDial is the only one; files of your own go with --data DIR",
    "output_dir": "--run DIR",
    "model_path": "name the checkpoint itself: ecrctl eval run runs/demo",
}
"""What to type instead, where a command does not take a flag of the guide."""


@dataclass(frozen=True, slots=True)
class Switches:
    """The guide's switches of a training command."""

    use_rl: UseRL = True
    no_use_rl: NoUseRL = False
    use_wandb: UseWandb = False
    debug: Debug = False
    log_all: LogAll = False

    def settings(self) -> Typed:
        """The settings that the switches stand for."""
        return {"tracking.wandb": (_wandb_mode(), "--use-wandb")} if self.use_wandb else {}

    def until(self, stage: str) -> str:
        """The last stage to run where that is `stage` with PPO: without it the baseline."""
        return "baseline" if self.no_use_rl else stage

    def speech(self, output: Output) -> Output:
        """How to speak when the switches are heard too."""
        return replace(output, verbose=output.verbose or self.debug or self.log_all)


def instead(flag: str, value: str | None) -> str:
    """What to type for a flag of the guide on a command that does not take it; empty for any other flag.

    Args:
        flag: as typed or as Typer spells it, such as "--rl-learning-rate".
        value: what was typed with it.
    """
    name = flag.removeprefix("--").replace("-", "_")
    known = _setting(name)
    if known is not None:
        return f"--set {known.key}={value if value is not None else known.metavar}"
    return SWITCHES.get(name, "")


def _setting(name: str) -> SettingFlag | None:
    return next((flag for flag in (*TRAIN_BASELINE, *RL_TRAIN, *EVAL_RUN) if flag.name == name), None)


def _wandb_mode() -> str:
    """Online where wandb has a key, offline where it has none."""
    from ecr_engine.runs.wandb_tracker import has_key

    return "online" if has_key() else "offline"
