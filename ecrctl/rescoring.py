"""`eval rescore` and `eval judge`, once their command line is read: which evaluation, with what, where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecrctl.evaluations import STAGE, emitting
from ecrctl.flags import Typed
from ecrctl.jobs import settings_from
from ecrctl.options import Layers, Output

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.runs.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What the command line asks for.

    Attributes:
        address: the evaluation.
        output: folder to write; None: the evaluation itself.
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        speech: how to speak.
    """

    address: str
    output: Path | None
    layers: Layers
    typed: Typed
    speech: Output


def rescore_request(request: Rescoring, metrics: list[str]) -> None:
    """Measures saved responses again and prints the metrics.

    An evaluation outside of a run is measured as in the run of the checkpoint that answered, where that is still there.

    Args:
        request: what is asked for.
        metrics: measure these alone; empty: the reward and the metrics of the settings.

    Raises:
        DataError: the evaluation can't be read.
        UsageError: a metric is not registered, or lacks what it needs.
        FailedMetricsError: a metric failed; the others are written and printed.
    """
    from ecr_engine.evaluation.measure import split_names
    from ecr_engine.evaluation.rescore import rescore, run_around, run_behind, without_corpus
    from ecr_engine.pipeline.rewarding import resources_for
    from ecr_engine.rewards.composition import Composer
    from ecr_engine.runs.addresses import resolve_evaluation
    from ecrctl.errors import show_warning
    from ecrctl.ui.console import note
    from ecrctl.ui.evaluation_view import show_evaluation

    folder = resolve_evaluation(request.address)
    around = run_around(folder)
    run = around or run_behind(folder)
    if run is not None and around is None and not request.speech.quiet:
        note(f"measured as in {run.root}, whose checkpoint answered")
    settings = _settings(request, run)
    resources = resources_for(run, settings)
    composer = None if metrics else Composer(settings.rewards, resources=resources)
    warning = None if composer is None else without_corpus(folder, run, composer, resources)
    target = request.output or folder
    result = rescore(
        folder,
        target,
        settings.compare,
        metric_names=metrics or split_names(settings.evaluation.metrics),
        composer=composer,
        resources=resources,
    )
    if warning is not None:
        show_warning(warning)
    show_evaluation(target, result, as_json=request.speech.json, warning=None if warning is None else warning.what)


def judge_request(request: Rescoring, limit: int | None) -> None:
    """Has a judge score saved responses and prints the evaluation's metrics.

    Args:
        request: what is asked for.
        limit: responses to judge at most.

    Raises:
        DataError: the evaluation can't be read, or the judge could score none of its responses.
        UsageError: the judge can't be one, or can't score the dimensions.
        UnavailableError: the judge can't be had.
    """
    from ecr_engine.evaluation.judging import judge_evaluation
    from ecr_engine.evaluation.rescore import run_around
    from ecr_engine.runs.addresses import resolve_evaluation
    from ecr_engine.scoring.judge import find_judge
    from ecrctl.ui.console import note
    from ecrctl.ui.evaluation_view import show_evaluation
    from ecrctl.ui.follow import following
    from ecrctl.ui.snapshot import begin

    folder = resolve_evaluation(request.address)
    settings = _settings(request, run_around(folder))
    judge = find_judge(settings.judge.name, settings.judge, device=settings.device)
    target = request.output or folder
    with following(
        begin(str(target), (STAGE,)), quiet=request.speech.quiet, everything=request.speech.verbose
    ) as listener:
        emit = emitting(listener)
        judged = judge_evaluation(
            folder,
            target,
            judge,
            settings.compare,
            limit=limit,
            progress=lambda done, total: emit(STAGE, "progress", done=done, total=total, what="responses judged"),
        )
    if judged.failures and not request.speech.quiet:
        example, reason = next(iter(judged.failures.items()))
        note(f"{len(judged.failures)} of {judged.turns} responses have no scores, such as {example}: {reason}")
    show_evaluation(target, judged.result, as_json=request.speech.json)


def _settings(request: Rescoring, run: RunFolder | None) -> Settings:
    """The settings: those of the run, if there is one and nothing else is stated."""
    base = run.resolved_config if run is not None else None
    return settings_from(request.layers, request.typed, base=base).settings
