"""What the files of a run say: all that its report and its model card are made from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError
from ecr_engine.evaluation.comparison import Comparison, read_comparison
from ecr_engine.evaluation.run_facts import (
    HealthWarning,
    Setting,
    SplitFacts,
    StageFacts,
    settings_of,
    splits_of,
    stages_of,
    unfinished,
    warnings_of,
)
from ecr_engine.evaluation.store import EvaluationResult, is_evaluation, read_result
from ecr_engine.evaluation.turn_values import TurnValues, read_turns
from ecr_engine.rewards.sources import RewardSources, sources_from_json, trained_with
from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.links import checkpoint_name
from ecr_engine.runs.record import RunRecord

SIDES = ("baseline", "policy")
"""The evaluations that a run's report compares; what else has been evaluated is named."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The content of a run folder.

    Attributes:
        folder: the run's folder.
        name: its name.
        record: what the run is and how far it came.
        settings: all settings, in the order of the file; empty if the run has none on disk.
        config: the same as nested tables.
        events: the events, oldest first.
        warnings: what stages warned of.
        stages: the stages but that of the report, in the order in which they ran.
        splits: the data by split; empty if the run has none.
        baseline: evaluation of the baseline, if there is one.
        policy: evaluation of the policy, if there is one.
        others: the run's other evaluations, by the name of their folder.
        comparison: comparison of baseline and policy, if there is one.
        turns: what single turns of both came to, if both are there.
        sources: what the policy's reward draws on; None if the run does not say.
        missing: a sentence for each part that is not there.
    """

    folder: RunFolder
    name: str
    record: RunRecord
    settings: tuple[Setting, ...]
    config: Mapping[str, Any]
    events: tuple[Event, ...]
    warnings: tuple[HealthWarning, ...]
    stages: tuple[StageFacts, ...]
    splits: tuple[SplitFacts, ...]
    baseline: EvaluationResult | None
    policy: EvaluationResult | None
    others: Mapping[str, EvaluationResult]
    comparison: Comparison | None
    turns: TurnValues | None
    sources: RewardSources | None
    missing: tuple[str, ...]


def gather(run: Path) -> Evidence:
    """Reads the files of the run folder `run`; parts that are not there yet are named in `missing`.

    Raises:
        DataError: it is no run folder, or a file in it is damaged.
    """
    folder = RunFolder(run)
    record = folder.read_record()
    config = _config(folder.resolved_config)
    events = tuple(read_events(folder.events))
    baseline, policy = (_evaluation(folder.evaluation(name)) for name in SIDES)
    comparison = read_comparison(folder.comparison) if folder.comparison.is_file() else None
    turns = read_turns(*(folder.evaluation(name) for name in SIDES))
    missing = {
        "The settings (config.resolved.toml) are not in this run.": config,
        "There are no events (events.jsonl) in this run, so its curves are left out.": events,
        "The baseline has not been evaluated in this run.": baseline,
        "The policy has not been evaluated in this run.": policy,
        "The baseline and the policy have not been compared in this run.": comparison,
        "The turns of an evaluation (samples.jsonl) are not in this run, so their distributions are left out.": (
            turns or not (baseline and policy)
        ),
    }
    return Evidence(
        folder=folder,
        name=run.resolve().name,
        record=record,
        settings=tuple(settings_of(config, folder.config_origin)),
        config=config,
        events=events,
        warnings=tuple(warnings_of(events)),
        stages=tuple(stages_of(record, events)),
        splits=tuple(splits_of(folder.data / "summary.json")),
        baseline=baseline,
        policy=policy,
        others=_others(folder.comparison.parent),
        comparison=comparison,
        turns=turns,
        sources=_sources(folder, policy),
        missing=(*unfinished(record), *(sentence for sentence, part in missing.items() if not part)),
    )


def kl_target(config: Mapping[str, Any]) -> float | None:
    """The target of the KL where the run's settings follow one."""
    ppo = config.get("ppo", {})
    return float(ppo["kl_target"]) if ppo.get("kl_controller") == "adaptive" else None


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"the settings can't be read: {error}", at=str(path), fix="restore the file") from error


def _evaluation(folder: Path) -> EvaluationResult | None:
    return read_result(folder) if is_evaluation(folder) else None


def _others(evaluations: Path) -> dict[str, EvaluationResult]:
    """The evaluations beside those of the baseline and the policy."""
    places = sorted(path for path in evaluations.glob("*") if path.name not in SIDES)
    return {path.name: read_result(path) for path in places if is_evaluation(path)}


def _sources(folder: RunFolder, policy: EvaluationResult | None) -> RewardSources | None:
    """What the policy's reward draws on: the mark beside the policy, and what its evaluation says."""
    found = trained_with(folder.stage("policy") / "checkpoints" / checkpoint_name(0))
    if policy is not None:
        try:
            found |= sources_from_json(policy.reward)
        except TypeError as error:
            place = str(folder.evaluation(policy.name))
            what = f"what the reward of an evaluation draws on can't be read: {error}"
            raise DataError(what, at=place, fix="evaluate again: ecrctl eval run RUN") from error
    return found if found != RewardSources() else None
