"""A critic from files of judgements, outside of a run's stages: the folder it makes is laid out like a run's `critic/`.

DIR/checkpoints/step-000100/   encoder and heads, and what a resume needs; `DIR/best` and `DIR/latest` are links
DIR/report.json                how well each head predicts the test part, beside two predictors that read no words
DIR/calibration.png, .csv
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import EMOTIONS, Split
from ecr_engine.data.store import SUMMARY, read_examples, split_path
from ecr_engine.emotion.recogniser import annotate
from ecr_engine.errors import DataError
from ecr_engine.models.registry import check_encoder_name
from ecr_engine.pipeline.critic_start import CriticStart, check_output, clear, held, origin, start_of
from ecr_engine.pipeline.resuming import Wish, write_origin
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.events import Emit
from ecr_engine.runs.stopping import Stop
from ecr_engine.training.critic_labels import Corpus, JudgedSet, check_heads, judged_set, wanted_heads

if TYPE_CHECKING:
    from ecr_engine.evaluation.critic_report import CriticReport
    from ecr_engine.models.critic import CriticModel
    from ecr_engine.training.critic import Kept
    from ecr_engine.training.sft import Save

SMALL = "small"


@dataclass(frozen=True, slots=True)
class CriticRequest:
    """What is to be learned, and where to.

    Attributes:
        scores: files of judgements.
        data: folder of the processed turns that were judged.
        output: folder to make: new or empty, or one of an earlier attempt that is to be gone on with.
        limit: judgements at most.
        smoke: optimizer steps at most.
        wish: from which checkpoint of an earlier attempt to go on; None to begin anew.
        anyway: whether to go on also with settings that change what the training computes.
    """

    scores: tuple[Path, ...]
    data: Path
    output: Path
    limit: int | None = None
    smoke: int | None = None
    wish: Wish | None = None
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class CriticPlan:
    """What would be trained.

    Attributes:
        output: the folder that would be made.
        scores: the files of judgements.
        data: the turns that were judged.
        judges: who judged.
        rows: judged responses by part.
        failed: judgements that failed and are left out.
        of_test: responses to turns of the corpus's test split.
        heads: names of the quality heads.
        settings: the section `[critic]`.
        seed: of the training.
        device: where it would run.
        goes_on_from: the checkpoint that it would go on from; None where it begins anew.
    """

    output: Path
    scores: tuple[Path, ...]
    data: Path
    judges: tuple[str, ...]
    rows: dict[str, int]
    failed: int
    of_test: int
    heads: tuple[str, ...]
    settings: dict[str, Any]
    seed: int
    device: str
    goes_on_from: str | None = None


@dataclass(frozen=True, slots=True)
class CriticTraining:
    """A critic that was trained and written.

    Attributes:
        folder: where it is.
        kept: how the training went.
        report: how good it is.
    """

    folder: Path
    kept: Kept
    report: CriticReport


def plan_critic(request: CriticRequest, settings: Settings) -> CriticPlan:
    """What `train_judged_critic` would do with the same arguments.

    Raises:
        EcrError: it would refuse them.
    """
    judged, heads = _prepared(request, settings)
    # Only where it matters: to say where a training would run takes torch.
    found = None if request.wish is None else _start(request, settings, judged).checkpoint
    return CriticPlan(
        output=request.output,
        scores=request.scores,
        data=request.data,
        judges=judged.judges,
        rows={split.value: len(rows) for split, rows in judged.parts.items()},
        failed=judged.failed,
        of_test=judged.of_test,
        heads=heads,
        settings=settings.critic.model_dump(mode="json"),
        seed=settings.seed,
        device=settings.device,
        goes_on_from=None if found is None else found.name,
    )


def train_judged_critic(
    request: CriticRequest, settings: Settings, emit: Emit, stop: Stop | None = None
) -> CriticTraining:
    """Trains a critic on files of judgements, measures it and writes it.

    Args:
        request: what is to be learned.
        settings: the sections `critic`, `checkpoints` and `compare`, the seed and the device are used.
        emit: how progress is told.
        stop: whether it was asked to end; what is learned then is saved first.

    Raises:
        DataError: a file is wrong, or speaks of turns that are not there; or there is no checkpoint as wished.
        UsageError: the heads are not those of the labels, or the output has a critic already.
        SettingsError: the checkpoint to go on from was trained with other settings.
        UnavailableError: the encoder can't be had.
        DivergedError: the gradient is no longer finite.
        EcrError: another process is training into the folder.
    """
    judged, heads = _prepared(request, settings)
    with held(request.output):
        start = _start(request, settings, judged)
        emit("critic", "stage_started")
        _warn(judged, emit)
        for text in clear(request.output, start):
            emit("critic", "warning", what=text)
        for text in start.notes:
            emit("critic", "note", what=text)
        critic = _built(judged, heads, settings)
        kept = _trained(critic, judged, request, settings, start, emit=emit, stop=stop)
        report = _measured(critic, judged, request.output, settings, emit)
        emit("critic", "stage_finished", kept.steps)
    return CriticTraining(request.output, kept, report)


def _start(request: CriticRequest, settings: Settings, judged: JudgedSet) -> CriticStart:
    return start_of(request.output, request.wish, origin(settings, judged, request.smoke), anyway=request.anyway)


def _trained(
    critic: CriticModel,
    judged: JudgedSet,
    request: CriticRequest,
    settings: Settings,
    start: CriticStart,
    *,
    emit: Emit,
    stop: Stop | None,
) -> Kept:
    """Trains a critic in place, from its first step or from a checkpoint on."""
    from ecr_engine.models.backbone import pick_device
    from ecr_engine.models.placement import make_accelerator
    from ecr_engine.training.critic import STAGE, CriticTrainer

    def write(folder: Path) -> None:
        trainer.write_state(folder)
        write_origin(folder, start.origin)

    trainer = CriticTrainer(
        critic,
        settings.critic,
        make_accelerator(pick_device(settings.device), "no"),
        seed=settings.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=emit,
        save=_saving(request.output, write, settings.checkpoints.keep_last, emit),
        stop=stop,
    )
    if start.checkpoint is not None:
        trainer.restore(start.checkpoint)
        emit(STAGE, "note", trainer.progress.step, what=f"taken up at step {trainer.progress.step}")
    return trainer.train(
        judged.parts[Split.TRAIN],
        judged.parts[Split.VALID],
        most_steps=request.smoke,
        save_every=settings.checkpoints.every,
    )


def _measured(critic: CriticModel, judged: JudgedSet, output: Path, settings: Settings, emit: Emit) -> CriticReport:
    """The report of a critic, written and told."""
    from ecr_engine.evaluation.critic_report import measure_critic, summary
    from ecr_engine.pipeline.critic_files import tell_report, write_report

    statistics = settings.compare
    report, columns = measure_critic(
        critic, judged, resamples=statistics.resamples, confidence=statistics.confidence, seed=settings.seed
    )
    write_report(output, report, columns)
    tell_report(report, emit)
    emit("critic", "validation", **summary(report))
    return report


def corpus_of(folder: Path) -> Corpus:
    """The turns of a processed folder, with the emotions of the seekers.

    Raises:
        DataError: it is no processed folder, or a line is wrong.
    """
    if not (folder / SUMMARY).is_file():
        raise DataError(
            "the folder holds no processed data",
            at=str(folder / SUMMARY),
            fix="name a run or a processed folder: --run RUN, or --data PROCESSED",
        )
    parts = {split: annotate(read_examples(split_path(folder, split))) for split in Split}
    examples = {example.example_id: example for part in parts.values() for example in part}
    return Corpus(examples, frozenset(example.example_id for example in parts[Split.TEST]), folder)


def _prepared(request: CriticRequest, settings: Settings) -> tuple[JudgedSet, tuple[str, ...]]:
    """The judged responses and the names of the heads, all checked."""
    section = settings.critic
    check_output(request.output, goes_on=request.wish is not None)
    check_encoder_name(section.encoder)
    judged = judged_set(
        request.scores,
        corpus_of(request.data),
        validation_share=section.validation_share,
        test_share=section.test_share,
        limit=request.limit,
    )
    heads = wanted_heads(section.dimensions, judged.dimensions)
    check_heads(heads, judged.dimensions)
    return judged, heads


def _warn(judged: JudgedSet, emit: Emit) -> None:
    if judged.of_test:
        emit(
            "critic",
            "warning",
            what=f"{judged.of_test} of the judged responses are to turns of the test split",
            why="a policy that this critic trains would be evaluated on turns that the critic knows",
            fix="judge turns of the training split, or keep this critic out of training",
        )


def _built(judged: JudgedSet, heads: tuple[str, ...], settings: Settings) -> CriticModel:
    """A critic with an untrained head for each label; the small encoder learns its words from the judged texts."""
    import torch

    from ecr_engine.models.critic import CriticOrigin, CriticShape, build_critic
    from ecr_engine.models.tokenizer import train_tokenizer

    section = settings.critic
    tokenizer = None
    if section.encoder == SMALL:
        rows = judged.parts[Split.TRAIN]
        tokenizer = train_tokenizer((f"{row.context}\n{row.response}" for row in rows), settings.backbone.vocabulary)
    return build_critic(
        section.encoder,
        shape=CriticShape(section.hidden_size, section.layers, section.heads, section.max_length),
        tokenizer=tokenizer,
        embeddings=torch.zeros(0),
        dimensions=heads,
        emotions=EMOTIONS,
        max_length=section.max_length,
        seed=settings.seed,
        origin=CriticOrigin(section.encoder, judged.judges, judged.ranges),
    )


def _saving(output: Path, write: Callable[[Path], None], keep_last: int, emit: Emit) -> Save:
    """A trainer's way to save into a folder that is no run's."""

    def save(step: int, metrics: dict[str, float], *, best: bool) -> None:
        path = save_checkpoint(output, step, write, metrics=metrics, best=best, keep_last=keep_last)
        emit("critic", "checkpoint", step, path=path.name, best=best)

    return save
