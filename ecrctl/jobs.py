"""Starts the main job, or a part of it, for the commands that do: resolve, plan, run, show."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import ENDINGS, UsageError
from ecrctl.flags import Typed
from ecrctl.options import Execution, Layers, Output, Resume
from ecrctl.signals import prepare_for_end, tell_of_stop, unbroken

if TYPE_CHECKING:
    from ecr_engine.config.resolve import Resolved
    from ecr_engine.pipeline.job import Job, JobResult
    from ecr_engine.runs.events import Listener
    from ecrctl.ui.snapshot import Snapshot

RUNS = Path("runs")
SAMPLE_RUN = "demo"
STAGE_FOLDERS = {"baseline": "baseline", "critic": "critic", "rl": "policy"}
"""Where in a run folder the result of a stage lies."""

LAST = "report"
"""The last stage of the whole job."""

ENDING = "ending after this step, and saving it; once more ends it at once, unsaved"
"""What a dashboard says when a signal was heard."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a command line asks for.

    Attributes:
        until: the last stage to run.
        execution: where it runs, on what, and how much of it.
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        output: how to speak.
        resume: what to do with a folder that has the stage already: a word of `Resume`, or a checkpoint to go on
            from; None: whatever is still valid stays.
        output_dir: the run folder, as the guide names it.
    """

    until: str
    execution: Execution
    layers: Layers
    typed: Typed = field(default_factory=dict)
    output: Output = field(default_factory=Output)
    resume: str | None = None
    output_dir: Path | None = None


def settings_from(layers: Layers, typed: Typed, *, base: Path | None = None) -> Resolved:
    """The settings that a command line leads to.

    Args:
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        base: a file of settings to use where neither a profile nor a file was given.
    """
    from ecr_engine.config.resolve import resolve
    from ecr_engine.pipeline.job import known_choices

    stated = layers.config is not None or layers.profile
    return resolve(
        profiles=layers.profile or (),
        config=layers.config if stated else base,
        sets=layers.sets or (),
        flags={**typed, **layers.flags()},
        choices=known_choices(),
    )


def start(request: Request) -> None:
    """Runs the job of `request` up to its last stage, or only shows the plan under `--dry-run`."""
    from ecr_engine.runs import processes
    from ecrctl.ui import outcome

    job = _job(request)
    if request.execution.dry_run:
        if processes.is_first():
            outcome.show_plan(job, request.until, as_json=request.output.json)
        return
    _refuse_existing(job.folder, request)
    # All have looked at the folder before the first writes into it.
    processes.meet()
    result = _run(job, request)
    if processes.is_first():
        outcome.show_result(result, request.until, as_json=request.output.json, summed_up=_sums_up(request.output))
    processes.leave()


def _run(job: Job, request: Request) -> JobResult:
    from ecr_engine.pipeline.job import run_job
    from ecr_engine.runs import processes
    from ecr_engine.runs.stopping import Stop
    from ecrctl.ui.follow import following

    try:
        quiet = request.output.quiet or not processes.is_first()
        with following(
            _picture(job, request), quiet=quiet, everything=request.output.verbose, summed_up=True
        ) as listener:
            # Of several processes the first speaks.
            stop = Stop(_heard_by(listener) if processes.is_first() else prepare_for_end)
            return run_job(job, until=request.until, listeners=(unbroken(listener, stop),), stop=stop)
    except KeyboardInterrupt:
        _say_how_to_go_on(job)
        raise
    except SystemExit as leaving:
        if leaving.code in ENDINGS:
            _say_how_to_go_on(job)
        raise
    finally:
        if not request.output.quiet and processes.is_first():
            _say_how_to_sync(job)


def _picture(job: Job, request: Request) -> Snapshot:
    """The picture before the first event: of a run that goes on, what its events told before."""
    from ecr_engine.pipeline.job import STAGES
    from ecr_engine.runs.events import read_events
    from ecr_engine.runs.folder import RunFolder
    from ecrctl.ui.aims import aims
    from ecrctl.ui.follow import shows_board
    from ecrctl.ui.snapshot import begin, recalled

    stages = STAGES[: STAGES.index(request.until) + 1]
    picture = replace(begin(str(job.folder), stages), aims=aims(job.resolved.settings.model_dump()))
    if not shows_board(quiet=request.output.quiet, everything=request.output.verbose):
        return picture
    return recalled(picture, read_events(RunFolder(job.folder).events))


def _heard_by(listener: Listener) -> Callable[[int], None]:
    """How it is said that a signal was heard: under a dashboard, which would draw over a line on the terminal."""
    from ecrctl.ui.follow import Board

    if not isinstance(listener, Board):
        return tell_of_stop
    board = listener

    def heard(number: int) -> None:
        prepare_for_end(number)
        board.notice = ENDING

    return heard


def _sums_up(output: Output) -> bool:
    """Whether a dashboard leaves its summary on the terminal that the result is printed on too."""
    from ecrctl.ui.follow import shows_board

    return sys.stdout.isatty() and shows_board(quiet=output.quiet, everything=output.verbose)


def _job(request: Request) -> Job:
    from ecr_engine.models.registry import check_backbone_name, check_encoder_name
    from ecr_engine.pipeline.job import Job
    from ecr_engine.pipeline.resuming import Wish
    from ecr_engine.runs.folder import RunFolder

    execution = request.execution
    folder = run_folder(execution, request.output_dir)
    _check_place(folder)
    source = execution.data
    command = ["ecrctl", *sys.argv[1:]]
    base = None
    recorded = RunFolder(folder)
    if request.until != LAST and recorded.exists():
        # A single stage goes on with what the run was made with; the whole job is told everything each time.
        base = recorded.resolved_config
        if source is None:
            source = _recorded_source(recorded.read_record().command)
            command += [] if source is None else ["--data", str(source)]
    resolved = settings_from(request.layers, request.typed, base=base)
    check_backbone_name(resolved.settings.backbone.name)
    check_encoder_name(resolved.settings.critic.encoder)
    return Job(
        resolved=resolved,
        folder=folder,
        source=source,
        command=tuple(command),
        smoke=execution.smoke,
        limit=execution.limit,
        wish=None if request.resume in (None, Resume.NEVER) else Wish(str(request.resume)),
        anyway=execution.resume_anyway,
    )


def _recorded_source(command: Sequence[str]) -> Path | None:
    """The `--data` of the command that a run was made with."""
    for index, word in enumerate(command):
        if word == "--data" and index + 1 < len(command):
            return Path(command[index + 1])
        if word.startswith("--data="):
            return Path(word.removeprefix("--data="))
    return None


def run_folder(execution: Execution, output_dir: Path | None = None) -> Path:
    """The run folder that was named, or one named after the data."""
    if execution.run is not None and output_dir is not None and execution.run != output_dir:
        raise UsageError(
            f"two run folders: {execution.run} and {output_dir}", at="--run and --output-dir", fix="name one of them"
        )
    named = execution.run or output_dir
    return named or RUNS / (SAMPLE_RUN if execution.data is None else execution.data.resolve().name)


def _check_place(folder: Path) -> None:
    """Refuses a run folder that is no folder, or that is full of something else.

    Raises:
        UsageError: the path, or one above it, is a file; or the folder holds files and no run.
    """
    from ecr_engine.runs.folder import RunFolder

    file = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
    if file is not None:
        raise UsageError(f"'{file}' is a file, not a run folder", at=str(folder), fix="name a folder: --run runs/demo")
    if folder.is_dir() and not RunFolder(folder).exists() and any(map(_holds_something, folder.iterdir())):
        raise UsageError(
            f"'{folder}' holds files, and no run",
            at=str(folder),
            fix=f"name a new folder: --run {shlex.quote(f'{folder}-2')}; or empty this one",
        )


def _holds_something(entry: Path) -> bool:
    """Whether this is more than what a run leaves that was stopped before its record was written."""
    if entry.is_dir():
        return any(entry.iterdir())
    return entry.name != ".lock"


def _refuse_existing(folder: Path, request: Request) -> None:
    """A stage that is there already is not trained over in silence."""
    if request.resume != Resume.NEVER:
        return
    place = folder / STAGE_FOLDERS[request.until] / "checkpoints"
    if place.is_dir() and any(place.iterdir()):
        raise UsageError(
            f"{folder} has this stage already",
            at=str(place),
            fix=f"go on with it: --resume auto; or start another: --run {shlex.quote(f'{folder}-2')}",
        )


def _say_how_to_go_on(job: Job) -> None:
    from ecrctl.ui.console import note
    from ecrctl.ui.next_step import going_on

    note(f"interrupted; what is finished is kept in {job.folder}")
    note(f"  fix  go on with it: {going_on(job.command)}")


def _say_how_to_sync(job: Job) -> None:
    """Says how to send what wandb has kept offline, if it was to follow the run."""
    from ecr_engine.runs.wandb_tracker import sync_command
    from ecrctl.ui.console import note

    if job.resolved.settings.tracking.wandb != "disabled" and (command := sync_command(job.folder)):
        note(f"wandb was kept offline; to send it: {command}")
