"""A critic from files of judgements, outside of a run's stages: the folder it makes is laid out like a run's `critic/`.

DIR/checkpoints/step-000100/   encoder and heads; `DIR/best` and `DIR/latest` are links
DIR/report.json                how well each head predicts the test part, beside two predictors that read no words
DIR/calibration.png, .csv
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import EMOTIONS, Split
from ecr_engine.data.store import SUMMARY, read_examples, split_path
from ecr_engine.emotion.recogniser import annotate
from ecr_engine.errors import DataError, UsageError
from ecr_engine.models.registry import check_encoder_name
from ecr_engine.runs.checkpoints import list_checkpoints, save_checkpoint, sweep
from ecr_engine.runs.events import Emit
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
        output: folder to make: new, or empty.
        limit: judgements at most.
        smoke: optimizer steps at most.
    """

    scores: tuple[Path, ...]
    data: Path
    output: Path
    limit: int | None = None
    smoke: int | None = None


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
    )


def train_judged_critic(request: CriticRequest, settings: Settings, emit: Emit) -> CriticTraining:
    """Trains a critic on files of judgements, measures it and writes it.

    Args:
        request: what is to be learned.
        settings: the sections `critic`, `checkpoints` and `compare`, the seed and the device are used.
        emit: how progress is told.

    Raises:
        DataError: a file is wrong, or speaks of turns that are not there.
        UsageError: the heads are not those of the labels, or the output has a critic already.
        UnavailableError: the encoder can't be had.
        DivergedError: the gradient is no longer finite.
    """
    judged, heads = _prepared(request, settings)
    from ecr_engine.evaluation.critic_report import measure_critic, summary
    from ecr_engine.models.backbone import pick_device
    from ecr_engine.models.placement import make_accelerator
    from ecr_engine.pipeline.critic_files import tell_report, write_report
    from ecr_engine.training.critic import STAGE, CriticTrainer

    emit(STAGE, "stage_started")
    _warn(judged, emit)
    critic = _built(judged, heads, settings)
    trainer = CriticTrainer(
        critic,
        settings.critic,
        make_accelerator(pick_device(settings.device), "no"),
        seed=settings.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=emit,
        save=_saving(request.output, critic, settings.checkpoints.keep_last, emit),
    )
    kept = trainer.train(judged.parts[Split.TRAIN], judged.parts[Split.VALID], most_steps=request.smoke)
    statistics = settings.compare
    report, columns = measure_critic(
        critic, judged, resamples=statistics.resamples, confidence=statistics.confidence, seed=settings.seed
    )
    write_report(request.output, report, columns)
    tell_report(report, emit)
    emit(STAGE, "validation", kept.steps, **summary(report))
    emit(STAGE, "stage_finished", kept.steps)
    return CriticTraining(request.output, kept, report)


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
    _check_output(request.output)
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


def _check_output(output: Path) -> None:
    if list_checkpoints(output):
        raise UsageError(
            "the folder holds a trained critic already",
            at=str(output),
            fix=f"train another beside it: --output {output}-2; or remove this one",
        )
    if output.exists() and (not output.is_dir() or any(_foreign(output))):
        raise UsageError(
            "the output folder holds other files", at=str(output), fix="give a folder that is new or empty"
        )


def _foreign(output: Path) -> Sequence[Path]:
    """What is in a folder beside what an interrupted training leaves."""
    return [path for path in output.iterdir() if path.name != "checkpoints"]


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


def _saving(output: Path, critic: CriticModel, keep_last: int, emit: Emit) -> Save:
    """A trainer's way to save into a folder that is no run's."""
    sweep(output)

    def save(step: int, metrics: dict[str, float], *, best: bool) -> None:
        path = save_checkpoint(output, step, critic.save, metrics=metrics, best=best, keep_last=keep_last)
        emit("critic", "checkpoint", step, path=path.name, best=best)

    return save
