"""`train critic --scores` and `rl critic`, once their command lines are read."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import DataError, UsageError
from ecrctl.flags import Typed
from ecrctl.options import Execution, Layers, Output, Resume
from ecrctl.turns import TurnOptions, wanted_sample

if TYPE_CHECKING:
    from ecr_engine.data.schema import Sample


def from_scores(
    scores: Sequence[Path],
    folder: Path,
    execution: Execution,
    layers: Layers,
    typed: Typed,
    output: Output,
    resume: str = Resume.NEVER,
) -> None:
    """Trains a critic on files of judgements and prints its report; under `--dry-run` prints the plan.

    Args:
        scores: files of judgements.
        folder: the folder to make.
        execution: which turns were judged, and how much of it is done.
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        output: how to speak.
        resume: a word of `Resume`, or the checkpoint to go on from.

    Raises:
        UsageError: it is not said which turns were judged, or the settings are wrong.
        DataError: a file is wrong.
    """
    from ecr_engine.pipeline.judged_critic import CriticRequest, plan_critic, train_judged_critic
    from ecr_engine.pipeline.resuming import Wish
    from ecr_engine.runs.stopping import Stop
    from ecrctl.jobs import settings_from
    from ecrctl.ui import critic_view
    from ecrctl.ui.telling import telling

    settings = settings_from(layers, typed).settings
    wish = None if resume == Resume.NEVER else Wish(str(resume))
    request = CriticRequest(
        tuple(scores), _turns(execution), folder, execution.limit, execution.smoke, wish, execution.resume_anyway
    )
    if execution.dry_run:
        critic_view.show_plan(plan_critic(request, settings), as_json=output.json)
        return
    with telling("critic", folder, output, kept=lambda: _kept(folder)) as emit:
        training = train_judged_critic(request, settings, emit, Stop(_heard))
    critic_view.show_training(training, as_json=output.json)


def _kept(folder: Path) -> str | None:
    """The newest checkpoint that a training has made; None for none."""
    from ecr_engine.runs.checkpoints import list_checkpoints

    made = list_checkpoints(folder)
    return str(made[-1].path) if made else None


def _heard(number: int) -> None:
    """Says that the signal was heard; a system call only, since it breaks into whatever is being written."""
    if number == signal.SIGHUP:
        # Whoever would read it is gone.
        return
    os.write(2, b"\nending after this step, and saving it; once more ends it at once, unsaved\n")


def _turns(execution: Execution) -> Path:
    """The processed folder whose turns were judged."""
    from ecrctl.run_folders import existing_run

    if execution.data is not None:
        return execution.data
    if execution.run is not None:
        return existing_run(execution.run).data
    raise UsageError(
        "a file of judgements holds no dialogues, and it is not said which turns were judged",
        at="--scores",
        fix="name them: --data PROCESSED, or --run RUN",
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What `rl critic` is to look at.

    Attributes:
        turns: the options that say which responses.
        run: the run whose critic, and whose responses where none are named.
        critic: another critic's folder.
        limit: responses at most, the first ones.
    """

    turns: TurnOptions
    run: Path | None
    critic: Path | None
    limit: int | None


def look(wanted: Look, *, as_json: bool) -> None:
    """Prints what a critic says of responses, and the range of each of its heads.

    Raises:
        UsageError: no critic is named, or an option is wrong.
        DataError: the critic, the run or the file of samples is not there.
    """
    place = _critic_of(wanted)
    samples, source = _samples(wanted)
    # Only now: this is what loads torch, and a mistake in the command line should cost no seconds.
    from ecr_engine.evaluation.judging import pays_critic
    from ecr_engine.models.critic import load_critic
    from ecr_engine.training.critic_look import critic_folder, look_at
    from ecrctl.ui import critic_view

    folder = critic_folder(place)
    found = look_at(load_critic(folder), folder, samples)
    paid = None if source is None else pays_critic(source, found.judges)
    critic_view.show_look(found, paid, as_json=as_json)


def _critic_of(wanted: Look) -> Path:
    from ecrctl.run_folders import existing_run

    if wanted.critic is not None:
        return wanted.critic
    if wanted.run is not None:
        return existing_run(wanted.run).stage("critic")
    raise UsageError("no critic is named", at="ecrctl rl critic", fix="name a run: --run runs/demo; or --critic DIR")


def _samples(wanted: Look) -> tuple[list[Sample], Path | None]:
    """The responses to look at, and the file that they are all of: those of a file, or of the run; or one turn."""
    given = wanted.turns
    for flag, value in (("--reference", given.reference), ("--emotion", given.emotion)):
        if value:
            raise UsageError("a critic reads the dialogue and the response, nothing else", at=flag, fix="leave it out")
    if given.samples is not None and given.turn is None and given.response is None:
        return _read(given.samples, wanted.limit)
    sample = wanted_sample(given)
    if sample is not None:
        return [sample], None
    if wanted.run is not None:
        return _read(str(wanted.run), wanted.limit)
    raise UsageError(
        "there are no responses to look at",
        at="ecrctl rl critic",
        fix='give one: --context "…" --response "…"; or many: --samples FILE',
    )


def _read(address: str, limit: int | None) -> tuple[list[Sample], Path]:
    """The responses at an address, in any form that `score run` takes, and their file; rows without one are no part."""
    from ecr_engine.evaluation.responses import read_responses
    from ecrctl.samples import samples_path

    path = samples_path(address)
    found = [row.sample for row in read_responses(path, maximum=limit).rows() if not row.missing]
    if not found:
        raise DataError("no row has a response", at=str(path), fix="name a file whose rows have the field `response`")
    return found, path
