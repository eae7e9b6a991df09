"""Stage `critic`: trains the critic on the judge's scores, or takes one over, and reports how good it is."""

from __future__ import annotations

from pathlib import Path

from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import EMOTIONS, Split
from ecr_engine.evaluation.critic_report import measure_critic, summary
from ecr_engine.models.backbone import pick_device
from ecr_engine.models.critic import CriticModel, CriticOrigin, CriticShape, build_critic, load_critic
from ecr_engine.models.placement import make_accelerator
from ecr_engine.pipeline.critic_files import tell_report, write_report
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.pipeline.stages.judge import JUDGEMENTS
from ecr_engine.pipeline.stages.saving import saving, take_up
from ecr_engine.runs import processes
from ecr_engine.runs.checkpoints import best
from ecr_engine.training.critic import STAGE, CriticTrainer, check_labels
from ecr_engine.training.critic_labels import Corpus, JudgedSet, check_heads, judged_set, wanted_heads


def judged_of(context: StageContext) -> JudgedSet:
    """The judgements of the run's own judge stage.

    Raises:
        DataError: a part of them is empty, or a line is wrong.
    """
    section = context.settings.critic
    examples = {example.example_id: example for example in load_split(context.folder, Split.TRAIN)}
    return judged_set(
        [context.folder.scores / JUDGEMENTS],
        Corpus(examples, frozenset(), context.folder.data),
        validation_share=section.validation_share,
        test_share=section.test_share,
    )


def make_critic(settings: Settings, context: StageContext, judged: JudgedSet) -> CriticModel:
    """A critic with an untrained head for each label; the small encoder reads with the baseline's tokenizer.

    Raises:
        UsageError: the heads that the settings name are not those of the labels.
    """
    section = settings.critic
    heads = wanted_heads(section.dimensions, judged.dimensions)
    check_heads(heads, judged.dimensions)
    baseline = load_checkpoint(best(context.folder.stage("baseline")), "cpu")
    return build_critic(
        section.encoder,
        shape=CriticShape(section.hidden_size, section.layers, section.heads, section.max_length),
        tokenizer=baseline.tokenizer,
        embeddings=baseline.model.get_input_embeddings().weight.detach(),
        dimensions=heads,
        emotions=EMOTIONS,
        max_length=section.max_length,
        seed=settings.seed,
        origin=CriticOrigin(section.encoder, judged.judges or (settings.judge.name,), judged.ranges),
    )


def run(context: StageContext) -> None:
    """Trains, keeps the checkpoint of the best validation error, and writes the report beside it."""
    settings = context.settings
    judged = judged_of(context)
    critic = _taken_over(context, judged) if settings.critic.trained else _trained(context, judged)
    if not processes.is_first():
        return
    statistics = settings.compare
    report, columns = measure_critic(
        critic, judged, resamples=statistics.resamples, confidence=statistics.confidence, seed=settings.seed
    )
    write_report(context.folder.stage("critic"), report, columns)
    tell_report(report, context.emit)
    context.emit(STAGE, "validation", **summary(report))


def _trained(context: StageContext, judged: JudgedSet) -> CriticModel:
    settings = context.settings
    critic = make_critic(settings, context, judged)
    trainer = CriticTrainer(
        critic,
        settings.critic,
        make_accelerator(pick_device(settings.device), "no"),
        seed=settings.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=context.emit,
        save=saving(context, "critic", lambda folder: trainer.write_state(folder)),
        stop=context.stop,
    )
    take_up(context, trainer.restore)
    if context.start is not None:
        context.emit(STAGE, "note", trainer.progress.step, what=f"taken up at step {trainer.progress.step}")
    trainer.train(judged.parts[Split.TRAIN], judged.parts[Split.VALID], save_every=context.settings.checkpoints.every)
    return critic


def _taken_over(context: StageContext, judged: JudgedSet) -> CriticModel:
    """The critic that the settings name, as the stage's only checkpoint.

    Raises:
        DataError: there is none in the folder.
        UsageError: its heads are not those of this run's labels.
    """
    folder = Path(context.settings.critic.trained).expanduser()
    critic = load_critic(folder).to(pick_device(context.settings.device))
    check_labels(critic, judged.parts[Split.TEST])
    if context.start is None:
        saving(context, "critic", critic.save)(0, {}, best=True)
    context.emit(STAGE, "note", what=f"taken over from {folder}, not trained here")
    return critic
