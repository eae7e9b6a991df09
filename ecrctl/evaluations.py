"""`eval run` and `eval generate`, once their command line is read: which checkpoint, which turns, where to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.errors import DataError, UsageError
from ecrctl.flags import Typed
from ecrctl.jobs import settings_from
from ecrctl.options import Layers, Output

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.runs.events import Emit, Listener
    from ecr_engine.runs.folder import RunFolder

STAGE = "evaluate"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the command line asks for.

    Attributes:
        address: the checkpoint.
        data: folder of the turns; None: those of the checkpoint's run.
        output: folder to write; None: in the checkpoint's run.
        name: what it is called; None: by the address.
        limit: turns at most.
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        speech: how to speak.
        command: what was typed, for errors.
    """

    address: str | None
    data: Path | None
    output: Path | None
    name: str | None
    limit: int | None
    layers: Layers
    typed: Typed
    speech: Output
    command: str = "ecrctl eval run"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request, once everything in it is found.

    Attributes:
        checkpoint: the model's folder.
        run: the run that it lies in; None if it lies in none.
        settings: what it is evaluated with.
        turns: the file of examples.
        target: the folder to write.
        name: what the system is called.
        limit: turns at most.
    """

    checkpoint: Path
    run: RunFolder | None
    settings: Settings
    turns: Path
    target: Path
    name: str
    limit: int | None


def evaluate_request(request: Evaluation) -> None:
    """Evaluates a checkpoint and prints its metrics.

    Raises:
        UsageError: no checkpoint was named.
        DataError: a checkpoint outside of a run, without the turns or the folder that a run would have.
        FailedMetricsError: a metric failed; the others are written and printed.
    """
    from ecrctl.ui.evaluation_view import show_evaluation
    from ecrctl.ui.follow import following
    from ecrctl.ui.snapshot import begin

    plan = _plan(request)
    # Only now: this is what loads torch, and a mistake in the command line should cost no seconds.
    from ecr_engine.pipeline.rewarding import resources_for
    from ecr_engine.pipeline.stages.evaluate import evaluate_checkpoint

    with following(
        begin(str(plan.target), (STAGE,)), quiet=request.speech.quiet, everything=request.speech.verbose
    ) as listener:
        result = evaluate_checkpoint(
            plan.checkpoint,
            plan.turns,
            plan.target,
            plan.settings,
            name=plan.name,
            address=str(plan.checkpoint),
            limit=plan.limit,
            emit=emitting(listener),
            resources=resources_for(plan.run, plan.settings),
            guide=True,
        )
    show_evaluation(plan.target, result, as_json=request.speech.json)


def generate_request(request: Evaluation) -> None:
    """Answers turns with a checkpoint, and says where the answers are.

    Raises:
        UsageError: no checkpoint was named.
        DataError: a checkpoint outside of a run, without the turns or the folder that a run would have.
    """
    from ecrctl.ui.evaluation_view import show_generation
    from ecrctl.ui.follow import following
    from ecrctl.ui.snapshot import begin

    plan = _plan(request)
    from ecr_engine.pipeline.stages.evaluate import generate_checkpoint

    with following(
        begin(str(plan.target), (STAGE,)), quiet=request.speech.quiet, everything=request.speech.verbose
    ) as listener:
        result = generate_checkpoint(
            plan.checkpoint,
            plan.turns,
            plan.target,
            plan.settings,
            name=plan.name,
            address=str(plan.checkpoint),
            limit=plan.limit,
            emit=emitting(listener),
        )
    show_generation(plan.target, result, as_json=request.speech.json)


def _plan(request: Evaluation) -> _Plan:
    """Finds what a request names."""
    from ecr_engine.data.schema import Split
    from ecr_engine.data.store import split_path
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecrctl.ui.data_view import data_folder

    if request.address is None:
        raise UsageError("no checkpoint is named", at=request.command, fix=f"name a run: {request.command} runs/demo")
    checkpoint = resolve_checkpoint(request.address)
    run = _run_of(checkpoint)
    base = run.resolved_config if run is not None else None
    settings = settings_from(request.layers, request.typed, base=base).settings
    name = request.name or _name(request, checkpoint, settings.evaluation.split)
    if request.output is None and (name == ".." or Path(name).name != name):
        fix = "leave the slashes out, or say where it goes: --output-dir DIR"
        raise UsageError("the name of an evaluation is that of its folder, and no path", at=f"--name {name}", fix=fix)
    turns = data_folder(request.data) if request.data is not None else _in_run(run, "--data", checkpoint).data
    return _Plan(
        checkpoint=checkpoint,
        run=run,
        settings=settings,
        turns=split_path(turns, Split(settings.evaluation.split)),
        target=request.output or _in_run(run, "--output-dir", checkpoint).evaluation(name),
        name=name,
        limit=settings.evaluation.limit if request.limit is None else request.limit,
    )


def emitting(listener: Listener) -> Emit:
    """A way to emit events that only a listener hears."""
    from ecr_engine.runs.events import Event

    def emit(stage: str, kind: str, step: int = 0, /, **values: Any) -> None:
        listener(Event(time.time(), stage, step, kind, values))

    return emit


def _run_of(checkpoint: Path) -> RunFolder | None:
    """The run that a checkpoint lies in: RUN/STAGE/checkpoints/step-000100."""
    from ecr_engine.runs.folder import RunFolder

    run = RunFolder(checkpoint.parents[2])
    return run if run.exists() else None


def _in_run(run: RunFolder | None, flag: str, checkpoint: Path) -> RunFolder:
    if run is None:
        raise DataError("the checkpoint lies in no run", at=str(checkpoint), fix=f"say where: {flag} DIR")
    return run


def _name(request: Evaluation, checkpoint: Path, split: str) -> str:
    """What follows the run's name in the address, or the stage that the checkpoint is of.

    Another split or a part of it is named too, so that it takes no whole evaluation's place.
    """
    from ecr_engine.runs.addresses import usual_name

    assert request.address is not None
    _, colon, rest = request.address.rpartition(":")
    name = usual_name(rest) if colon and not Path(request.address).is_dir() else checkpoint.parents[1].name
    parts = [name, *([split] if "evaluation.split" in request.typed else [])]
    return "-".join([*parts, *([str(request.limit)] if request.limit is not None else [])])
