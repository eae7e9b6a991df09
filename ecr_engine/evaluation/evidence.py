"""What the files of a run say: all that its report and its model card are made from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.config.tables import dotted
from ecr_engine.errors import DataError
from ecr_engine.evaluation.comparison import Comparison, read_comparison
from ecr_engine.evaluation.store import EvaluationResult, is_evaluation, read_result
from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord, read_json


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a run.

    Attributes:
        name: `section.key`.
        value: as it is written in TOML-like text.
        layer: the layer that it came from; empty if the run does not say.
        where: the file and line, flag or variable; empty if the run does not say.
    """

    name: str
    value: str
    layer: str
    where: str


@dataclass(frozen=True, slots=True)
class HealthWarning:
    """A warning that a stage gave, once or many times.

    Attributes:
        stage: the stage.
        text: what it said, the last time.
        steps: the steps at which it said so, in order.
        why: why that matters; empty if it did not say.
        fix: what to type against it; empty if it did not say.
    """

    stage: str
    text: str
    steps: tuple[int, ...]
    why: str = ""
    fix: str = ""


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
        baseline: evaluation of the baseline, if there is one.
        policy: evaluation of the policy, if there is one.
        comparison: comparison of both, if there is one.
        missing: a sentence for each part that is not there.
    """

    folder: RunFolder
    name: str
    record: RunRecord
    settings: tuple[Setting, ...]
    config: Mapping[str, Any]
    events: tuple[Event, ...]
    warnings: tuple[HealthWarning, ...]
    baseline: EvaluationResult | None
    policy: EvaluationResult | None
    comparison: Comparison | None
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
    baseline, policy = (_evaluation(folder.evaluation(name)) for name in ("baseline", "policy"))
    comparison = read_comparison(folder.comparison) if folder.comparison.is_file() else None
    missing = {
        "The settings (config.resolved.toml) are not in this run.": config,
        "There are no events (events.jsonl) in this run, so its curves are left out.": events,
        "The baseline has not been evaluated in this run.": baseline,
        "The policy has not been evaluated in this run.": policy,
        "The baseline and the policy have not been compared in this run.": comparison,
    }
    return Evidence(
        folder=folder,
        name=run.resolve().name,
        record=record,
        settings=tuple(_settings(config, folder.config_origin)),
        config=config,
        events=events,
        warnings=tuple(_warnings(events)),
        baseline=baseline,
        policy=policy,
        comparison=comparison,
        missing=tuple(sentence for sentence, part in missing.items() if not part),
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


def _settings(config: Mapping[str, Any], origins: Path) -> Iterator[Setting]:
    known = read_json(origins, "origin file") if origins.is_file() else {}
    for name, value in dotted(config):
        origin = known.get(name, {})
        yield Setting(name, _toml(value), str(origin.get("layer", "")), str(origin.get("where", "")))


def _toml(value: object) -> str:
    """A setting's value as TOML writes it, strings bare."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _warnings(events: Sequence[Event]) -> Iterator[HealthWarning]:
    """The warnings; those of a stage that have one name, or say the same, together."""
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.kind == "warning":
            found.setdefault((event.stage, str(event.values.get("name") or _text(event.values))), []).append(event)
    for (stage, _), given in found.items():
        last = given[-1].values
        why, fix = (str(last.get(key, "")) for key in ("why", "fix"))
        yield HealthWarning(stage, _text(last), tuple(event.step for event in given), why, fix)


def _text(values: Mapping[str, Any]) -> str:
    """What a warning saw, or without such words all its values: texts first, as they are, then numbers with keys."""
    if values.get("what"):
        return str(values["what"])
    texts = [str(value) for value in values.values() if isinstance(value, str)]
    numbers = [f"{key} {value}" for key, value in values.items() if not isinstance(value, str)]
    return ", ".join(texts + numbers)
