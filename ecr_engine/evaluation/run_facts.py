"""What a run folder says of its settings, stages, data and warnings, in the words of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.config.tables import dotted
from ecr_engine.errors import DataError
from ecr_engine.runs.events import Event
from ecr_engine.runs.record import RunRecord, read_json

STAGES = ("data", "baseline", "judge", "critic", "rl", "evaluate", "compare")
"""The stages of the main job that a report speaks of: all before the report itself."""

REPORT = "report"
"""The stage that writes the report, and so is never done while it does."""


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

    @property
    def chosen(self) -> bool:
        """Whether somebody chose it: it comes from another layer than the defaults."""
        return self.layer not in ("", "default")


@dataclass(frozen=True, slots=True)
class StageFacts:
    """One stage of a run.

    Attributes:
        name: its name.
        status: how far it came.
        seconds: how long it took; None while it runs.
        note: the last thing that it told; empty if it told nothing.
    """

    name: str
    status: str
    seconds: float | None
    note: str


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """One split of the run's data.

    Attributes:
        name: its name.
        dialogues: its dialogues.
        turns: the recommender turns in them.
    """

    name: str
    dialogues: int
    turns: int


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


def settings_of(config: Mapping[str, Any], origins: Path) -> Iterator[Setting]:
    """The settings in the order of their file.

    Args:
        config: the resolved settings.
        origins: the file that says where each comes from; it may be missing.

    Raises:
        DataError: that file is damaged.
    """
    known = read_json(origins, "origin file") if origins.is_file() else {}
    for name, value in dotted(config):
        origin = known.get(name, {})
        yield Setting(name, _toml(value), str(origin.get("layer", "")), str(origin.get("where", "")))


def stages_of(record: RunRecord, events: Sequence[Event]) -> Iterator[StageFacts]:
    """The stages but that of the report, in the order in which they ran."""
    told = {event.stage: event.values["what"] for event in events if event.kind == "note" and "what" in event.values}
    for name, stage in record.stages.items():
        if name != REPORT:
            seconds = None if stage.status == "running" else stage.seconds
            yield StageFacts(name, stage.status, seconds, str(told.get(name, "")))


def unfinished(record: RunRecord) -> Iterator[str]:
    """Sentences on the stages that were not run, or did not come to their end."""
    never = [name for name in STAGES if name not in record.stages]
    if never:
        yield f"Stages that were not run: {', '.join(never)}."
    for name, stage in record.stages.items():
        if stage.status != "done" and name != REPORT:
            yield f"The stage {name} is not done: {stage.status}."


def splits_of(summary: Path) -> Iterator[SplitFacts]:
    """The data by split, as the stage that processed it counted; nothing where there is no such file.

    Raises:
        DataError: the file is damaged.
    """
    if not summary.is_file():
        return
    try:
        for name, counts in read_json(summary, "data summary")["splits"].items():
            yield SplitFacts(str(name), int(counts["dialogues"]), int(counts["recommender_turns"]))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"the data summary has a wrong or missing field: {error}"
        raise DataError.at_line(what, summary, 1, "ecrctl run, with the settings of the run, makes it again") from error


def warnings_of(events: Sequence[Event]) -> Iterator[HealthWarning]:
    """The warnings; those of a stage that have one name, or say the same, together."""
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.kind == "warning":
            found.setdefault((event.stage, str(event.values.get("name") or _text(event.values))), []).append(event)
    for (stage, _), given in found.items():
        last = given[-1].values
        why, fix = (str(last.get(key, "")) for key in ("why", "fix"))
        yield HealthWarning(stage, _text(last), tuple(event.step for event in given), why, fix)


def _toml(value: object) -> str:
    """A setting's value as TOML writes it, strings bare."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(values: Mapping[str, Any]) -> str:
    """What a warning saw, or without such words all its values: texts first, as they are, then numbers with keys."""
    if values.get("what"):
        return str(values["what"])
    texts = [str(value) for value in values.values() if isinstance(value, str)]
    numbers = [f"{key} {value}" for key, value in values.items() if not isinstance(value, str)]
    return ", ".join(texts + numbers)
