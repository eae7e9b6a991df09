"""The main job: which stages there are, which of them are still valid, and running the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ecr_engine.config.resolve import Origin, Resolved
from ecr_engine.config.settings import Settings
from ecr_engine.errors import UsageError, suggestion
from ecr_engine.models.registry import check_backbone_name, check_encoder_name
from ecr_engine.pipeline.book import recorded, run_log
from ecr_engine.pipeline.peers import end_together, train_along
from ecr_engine.pipeline.resuming import Wish
from ecr_engine.pipeline.rewarding import check_rewards
from ecr_engine.pipeline.running import Task, damage, run_stage, start_of
from ecr_engine.pipeline.stage import Stage, fingerprint
from ecr_engine.pipeline.table import TABLE, source_fingerprint
from ecr_engine.rl.checks import check_estimator
from ecr_engine.runs import processes
from ecr_engine.runs.events import Listener
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.lock import taken_over
from ecr_engine.runs.record import RunRecord
from ecr_engine.runs.stopping import Stop
from ecr_engine.runs.tracking import check_trackers
from ecr_engine.scoring.judge import check_judge

if TYPE_CHECKING:
    from ecr_engine.evaluation.comparison import Comparison

STAGES = tuple(stage.name for stage in TABLE)
"""The stages of the main job, in their order."""

TYPED = frozenset({"--set", "flag"})
"""The layers of settings that stand on the command line."""

Action = Literal["run", "skip"]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Attributes:
        resolved: the settings and where they come from.
        folder: the run's folder.
        source: folder of raw dialogues; None for the sample corpus.
        command: what was typed, for the record.
        smoke: really run every stage, but only so many steps of it; None for all.
        limit: evaluate on so many turns at most; None for all.
        wish: how the last stage is to be gone on with; None: only if nothing has changed.
        anyway: whether a continuation is wanted that is not exact.
    """

    resolved: Resolved
    folder: Path
    source: Path | None
    command: tuple[str, ...] = ()
    smoke: int | None = None
    limit: int | None = None
    wish: Wish | None = None
    anyway: bool = False

    def settled(self) -> Job:
        """The same job with `smoke` and `limit` turned into settings, so that the run's record holds them."""
        resolved = self.resolved
        if self.smoke is not None:
            # What the user typed stands: a short run of their own settings is what they asked for.
            short = smoke_settings(self.smoke).items()
            free = {key: value for key, value in short if resolved.origins[key].layer not in TYPED}
            resolved = _override(resolved, free, Origin("flag", f"--smoke {self.smoke}"))
        if self.limit is not None:
            resolved = _override(resolved, {"evaluation.limit": self.limit}, Origin("flag", f"--limit {self.limit}"))
        return replace(self, resolved=resolved, smoke=None, limit=None)


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What will become of one stage.

    Attributes:
        stage: its name.
        action: whether it will run.
        why: in a few words.
    """

    stage: str
    action: Action
    why: str


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What became of one stage.

    Attributes:
        stage: its name.
        action: whether it ran.
        seconds: how long it took, now or when it last ran.
    """

    stage: str
    action: Action
    seconds: float


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job came to.

    Attributes:
        folder: the run's folder.
        outcomes: the stages, in order.
        comparison: policy against baseline; None if the job ended before that.
    """

    folder: Path
    outcomes: tuple[StageOutcome, ...]
    comparison: Comparison | None


def smoke_settings(steps: int) -> dict[str, object]:
    """Settings that make every stage really run, but only `steps` steps of it."""
    return {
        "data.sample_dialogues": 60,
        "baseline.max_steps": steps,
        "baseline.warmup_steps": 1,
        "baseline.epochs": 1,
        "judge.turns": 60,
        "critic.epochs": 1,
        "ppo.max_steps": steps,
        "ppo.batch_size": 8,
        "ppo.minibatch_size": 8,
        "ppo.critic_warmup_steps": 0,
        "ppo.validation_turns": 8,
        "evaluation.limit": 24,
        "compare.resamples": 1000,
    }


def known_choices() -> dict[str, list[str]]:
    """What the registries know, for the settings that name one of their entries; the open table `rewards` by keys."""
    from ecr_engine.rewards.custom import component_names
    from ecr_engine.rl.estimator import ESTIMATORS

    return {"rewards": component_names(), "ppo.estimator": ESTIMATORS.names()}


def plan(job: Job, until: str = "report") -> list[StagePlan]:
    """What `run_job` would do, without doing any of it.

    Raises:
        EcrError: the source can't be read, the backbone is no Llama, or the encoder is unknown.
    """
    job = job.settled()
    check_backbone_name(job.resolved.settings.backbone.name)
    check_encoder_name(job.resolved.settings.critic.encoder)
    check_judge(job.resolved.settings.judge)
    check_rewards(job.resolved.settings)
    check_estimator(job.resolved.settings.ppo)
    check_trackers(job.resolved.settings.tracking)
    folder = RunFolder(job.folder)
    record = folder.read_record() if folder.exists() else None
    plans: list[StagePlan] = []
    wanted = _fingerprints(job, _stages(until))
    for stage in _stages(until):
        why = _why(stage, folder, record, wanted, {p.stage for p in plans if p.action == "run"})
        plans.append(StagePlan(stage.name, "run" if why else "skip", why or "done, nothing it reads has changed"))
    return plans


def run_job(
    job: Job, *, until: str = "report", listeners: Sequence[Listener] = (), stop: Stop | None = None
) -> JobResult:
    """Runs the stages that are not valid any more, in order, up to `until`.

    A stage is valid if it is recorded as done with the fingerprint it would have now, its outputs are there, and
    nothing it reads had to run again.

    Args:
        job: what is to be done.
        until: the last stage.
        listeners: called with every event.
        stop: whether the job was asked to end; a signal then ends a training after its step, saved.

    Raises:
        EcrError: a stage failed for a reason the user can mend; the record says which.
    """
    stages = _stages(until)
    job = job.settled()
    check_backbone_name(job.resolved.settings.backbone.name)
    check_encoder_name(job.resolved.settings.critic.encoder)
    check_judge(job.resolved.settings.judge)
    check_rewards(job.resolved.settings)
    check_estimator(job.resolved.settings.ppo)
    check_trackers(job.resolved.settings.tracking)
    folder = RunFolder(job.folder)
    if not processes.is_first():
        train_along(stages, folder, job.resolved.settings, job.source)
        return JobResult(job.folder, (), None)
    wanted = _fingerprints(job, stages)
    stop = Stop() if stop is None else stop
    task = Task(folder, job.resolved.settings, job.source, wanted, stages, job.wish, job.anyway, stop)
    folder.create()
    with (
        folder.lock() as stale,
        _wish_granted(task),
        recorded(job, folder, wanted) as book,
        run_log(job, folder, listeners) as log,
    ):
        if stale is not None:
            log.emit(stages[0].name, "note", what=taken_over(stale))
        outcomes = []
        ran: set[str] = set()
        for stage in stages:
            why = _why(stage, folder, book.record, wanted, ran) or _wished(stage, task)
            if why is None:
                log.emit(stage.name, "stage_skipped")
                outcomes.append(StageOutcome(stage.name, "skip", book.record.stages[stage.name].seconds))
                continue
            ran.add(stage.name)
            outcomes.append(StageOutcome(stage.name, "run", run_stage(stage, task, book, log)))
        end_together()
    return JobResult(job.folder, tuple(outcomes), _comparison(folder, stages))


@contextmanager
def _wish_granted(task: Task) -> Iterator[None]:
    """Refuses what can't be gone on with before anything of the run is touched.

    Raises:
        EcrError: see `start_of`.
    """
    stages = task.folder.read_record().stages if task.folder.exists() else {}
    begun = {name for name, found in stages.items() if found.status != "done"}
    for stage in task.stages:
        if stage.name in begun or (task.wish is not None and stage == task.stages[-1]):
            start_of(stage, task, stages)
    yield


def _wished(stage: Stage, task: Task) -> str | None:
    """Why a valid stage runs all the same: it is to be gone on with from a checkpoint that was named."""
    named = task.wish is not None and task.wish.start not in ("auto", "last")
    return "gone on with from another checkpoint" if named and stage == task.stages[-1] else None


def _override(resolved: Resolved, values: Mapping[str, object], origin: Origin) -> Resolved:
    """Settings with some values replaced, by dotted key."""
    tables = resolved.settings.model_dump()
    for key, value in values.items():
        section, _, name = key.partition(".")
        tables[section][name] = value
    origins = resolved.origins | dict.fromkeys(values, origin)
    return Resolved(Settings(**tables), origins, resolved.profiles)


def _stages(until: str) -> tuple[Stage, ...]:
    if until not in STAGES:
        raise UsageError(f"unknown stage '{until}'", fix=suggestion(until, STAGES))
    return TABLE[: STAGES.index(until) + 1]


def _fingerprints(job: Job, stages: Sequence[Stage]) -> dict[str, str]:
    source = source_fingerprint(job.source, job.resolved.settings.data)
    wanted: dict[str, str] = {}
    for stage in stages:
        needed = {name: wanted[name] for name in stage.needs}
        wanted[stage.name] = fingerprint(stage, job.resolved.settings, needed, source)
    return wanted


def _why(
    stage: Stage, folder: RunFolder, record: RunRecord | None, wanted: Mapping[str, str], running: set[str]
) -> str | None:
    """Why a stage has to run, in a few words; None if it is valid."""
    done = record.stages.get(stage.name) if record else None
    if done is None:
        return "not done yet"
    if done.fingerprint != wanted[stage.name]:
        return "its settings or what it reads have changed"
    if done.status != "done":
        return "it did not end"
    found = next((text for name in stage.outputs if (text := damage(folder, name))), None)
    if found:
        return found
    again = [name for name in stage.needs if name in running]
    return f"{again[0]} runs again" if again else None


def _comparison(folder: RunFolder, stages: Sequence[Stage]) -> Comparison | None:
    if "compare" not in {stage.name for stage in stages}:
        return None
    from ecr_engine.evaluation.comparison import read_comparison

    return read_comparison(folder.comparison)
