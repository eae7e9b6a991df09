"""What a judge is, and how one is found by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Sample
from ecr_engine.errors import UnavailableError, UsageError, nearest
from ecr_engine.models.registry import Use, find, model_names
from ecr_engine.registry import Registry
from ecr_engine.scoring.dimensions import DimensionSet, dimension_set

DIMENSIONS = ("empathy", "informativeness", "recommendation", "engagement")
"""The quality dimensions that every judge of the set `guide` scores, each in [0, 1]; `overall` sums them up."""

ENDPOINT = "openai:"
"""What the name of a judge behind an OpenAI-compatible endpoint begins with: `openai:URL#MODEL`."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one response.

    Attributes:
        example_id: the example that was answered.
        scores: score by dimension, in the range of the dimension (`scoring.dimensions`); empty on failure.
        reasons: for each dimension, which rules or words led to the score; may be empty.
        failure: why there are no scores; None on success. A failure is never a score of 0.
        turns_cut: turns of the context, the oldest, that the judge did not see since they did not fit.
    """

    example_id: str
    scores: Mapping[str, float]
    reasons: Mapping[str, str]
    failure: str | None = None
    turns_cut: int = 0


class Judge(Protocol):
    """Scores responses.

    Attributes:
        name: what it was asked for by: a registered name, a folder, a hub id or an address.
        explanation: one sentence that says what kind of judge it is.
        fingerprint: what its scores depend on beside the response and its context: equal fingerprints, equal scores.
        dimensions: what it scores.
    """

    @property
    def name(self) -> str:
        """See the class."""

    @property
    def explanation(self) -> str:
        """See the class."""

    @property
    def fingerprint(self) -> str:
        """See the class."""

    @property
    def dimensions(self) -> DimensionSet:
        """See the class."""

    def judge(self, rows: Iterable[Sample]) -> Iterator[Judgement]:
        """One judgement for each row, in order; reads a window of rows at a time, so that any number fits."""


JUDGES: Registry[Judge] = Registry("ecr_engine.scoring.judges", "judge")


def judge_names() -> list[str]:
    """Names of judges that need no address: those that are a file here, and models that may judge."""
    return [*JUDGES.names(), *model_names(Use.JUDGE)]


def check_judge_name(name: str) -> None:
    """Refuses what can't be a judge, as far as it shows without loading anything.

    Args:
        name: a registered name, a local folder, a hub id, or `openai:URL#MODEL`.

    Raises:
        UsageError: no such name, or a registered model that is no judge.
        UnavailableError: no such folder, or one that holds no model.
    """
    if name in JUDGES.names() or name.startswith(ENDPOINT):
        return
    use = f"use one of {', '.join(judge_names())}, a folder with a causal language model, or openai:URL#MODEL"
    info = find(name)
    if info is not None:
        if Use.JUDGE not in info.uses:
            raise UsageError(f"'{name}' can't be the judge: it is {info.what}", at="judge.name", fix=use)
        return
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file():
            raise UnavailableError(
                f"folder '{name}' holds no model: it has no config.json", at="judge.name", fix="name a model folder"
            )
        return
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UnavailableError(f"there is no folder '{name}'", at="judge.name", fix=use)
    if "/" not in name:
        near = nearest(name, judge_names())
        raise UsageError(f"unknown judge '{name}'", at="judge.name", fix=f"did you mean '{near}'?" if near else use)


def check_judge(settings: JudgeSettings) -> None:
    """Refuses a judge that can't be, or can't score what it is asked for, as far as it shows without loading anything.

    Args:
        settings: the section `[judge]`.

    Raises:
        UsageError: no such name or dimensions, or the judge can't score them.
        UnavailableError: no such folder, or one that holds no model.
    """
    dimensions = dimension_set(settings.dimensions)
    check_judge_name(settings.name)
    if settings.name in JUDGES.names():
        JUDGES.build(settings.name, dimensions)


def find_judge(name: str, settings: JudgeSettings | None = None, *, device: str = "auto") -> Judge:
    """The judge of this name, ready to score.

    Args:
        name: `rubric`, a registered model, a local folder, a hub id, or `openai:URL#MODEL`.
        settings: how it judges; the defaults if None. Its `name` is not looked at.
        device: where a local model runs: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: there are no such dimensions, or the judge can't score them, or the name can't be a judge.
        UnavailableError: the model can't be had.
    """
    settings = settings or JudgeSettings()
    dimensions = dimension_set(settings.dimensions)
    check_judge_name(name)
    if name in JUDGES.names():
        return JUDGES.build(name, dimensions)
    if name.startswith(ENDPOINT):
        from ecr_engine.scoring.endpoint.judge import endpoint_judge

        return endpoint_judge(name, dimensions, settings)
    from ecr_engine.scoring.local.judge import local_judge

    return local_judge(name, dimensions, settings, device=device)
