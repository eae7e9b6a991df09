"""The options that commands share: one name means one thing everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ecr_engine.errors import UsageError
from ecrctl.flags import Typed
from ecrctl.panels import Panel


def folder_name(text: str) -> Path:
    """A folder that was named on the command line.

    Raises:
        UsageError: the name is empty.
    """
    if not text.strip():
        raise UsageError("the name of the run folder is empty", at="--run or --output-dir", fix="--run runs/demo")
    return Path(text)


Json = Annotated[
    bool,
    typer.Option(
        "--json", metavar="", help="Print one JSON document, and nothing else, on stdout.", rich_help_panel=Panel.OUTPUT
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", metavar="", help="No progress on stderr.", rich_help_panel=Panel.OUTPUT)
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", metavar="", help="Every event as a line, and tracebacks.", rich_help_panel=Panel.OUTPUT
    ),
]
Profile = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Profile to start from; repeat it, later wins.",
        rich_help_panel=Panel.SETTINGS,
    ),
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings.", rich_help_panel=Panel.SETTINGS)
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="One setting, such as ppo.epochs=2; repeatable.",
        rich_help_panel=Panel.SETTINGS,
    ),
]
RunFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        parser=folder_name,
        help="The run folder.",
        show_default="runs/NAME of the data",
        rich_help_panel=Panel.WHAT,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Raw ReDial files.",
        show_default="the built-in sample corpus",
        rich_help_panel=Panel.WHAT,
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Use N turns at most.", rich_help_panel=Panel.HOW)
]
Smoke = Annotated[
    int | None,
    typer.Option(
        "--smoke",
        metavar="[N]",
        min=1,
        help="Really run, but only N (2) steps of each stage.",
        rich_help_panel=Panel.HOW,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", metavar="", help="Show the settings and the plan; run nothing.", rich_help_panel=Panel.HOW
    ),
]
OutputDir = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        metavar="DIR",
        parser=folder_name,
        help="The run folder, as the guide names it.",
        rich_help_panel=Panel.GUIDE,
    ),
]
Dataset = Annotated[
    str, typer.Option("--dataset", metavar="redial", help="The guide's data set.", rich_help_panel=Panel.GUIDE)
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]


class Resume(StrEnum):
    """What to do with a run folder that has the stage already; anything else is the checkpoint to go on from."""

    NEVER = "never"
    AUTO = "auto"
    LAST = "last"
    BEST = "best"


ResumeOption = Annotated[
    str,
    typer.Option(
        "--resume",
        metavar="auto|last|best|PATH|never",
        help="Go on from the newest, the best or that checkpoint; auto: if there is one.",
        rich_help_panel=Panel.HOW,
    ),
]
ResumeAnyway = Annotated[
    bool,
    typer.Option(
        "--resume-anyway",
        metavar="",
        help="Go on also with settings that change what the training computes.",
        rich_help_panel=Panel.HOW,
    ),
]


@dataclass(frozen=True, slots=True)
class Output:
    """How a command speaks; every command takes these."""

    json: Json = False
    quiet: Quiet = False
    verbose: Verbose = False

    def __post_init__(self) -> None:
        """Refuses to be silent and to tell everything at once.

        Raises:
            UsageError: both were asked for.
        """
        if self.quiet and self.verbose:
            raise UsageError(
                "no progress and every event can't both be had",
                at="--quiet and --verbose",
                fix="leave one of the two out",
            )


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of settings that a command line can add."""

    profile: Profile = None
    config: Config = None
    sets: Sets = None

    def flags(self) -> Typed:
        """Settings that stand in flags of this group; a larger group has some."""
        return {}


@dataclass(frozen=True, slots=True)
class Execution:
    """Where a job runs, on what, and how much of it."""

    run: RunFolderOption = None
    data: Data = None
    limit: Limit = None
    smoke: Smoke = None
    dry_run: DryRun = False
    resume_anyway: ResumeAnyway = False


def check_dataset(name: str) -> None:
    """Refuses a data set that the guide's flag does not know.

    Raises:
        UsageError: it is not ReDial.
    """
    if name != "redial":
        raise UsageError(
            f"unknown dataset '{name}'", at="--dataset", fix="choose redial; files of your own go with --data DIR"
        )
