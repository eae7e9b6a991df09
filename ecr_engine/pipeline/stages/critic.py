"""Stage `critic`: trains the critic on the judge's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ecr_engine.config.settings import Settings
from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import EMOTIONS, Example, Split
from ecr_engine.data.splits import place_of
from ecr_engine.errors import DataError
from ecr_engine.models.backbone import pick_device
from ecr_engine.models.critic import CriticModel, CriticShape, build_critic
from ecr_engine.models.placement import make_accelerator
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.pipeline.stages.judge import JUDGEMENTS
from ecr_engine.pipeline.stages.saving import saving
from ecr_engine.runs.checkpoints import best
from ecr_engine.scoring.judge import DIMENSIONS
from ecr_engine.scoring.store import JudgedRow, read_judgements
from ecr_engine.training.critic import CriticTrainer, JudgedResponse

HELD_OUT = 0.15
"""Share of the judged dialogues that the critic is not trained on."""


def held_out(conversation_id: str) -> bool:
    """Whether a dialogue's judged responses are kept for the critic's validation."""
    return place_of(f"critic:{conversation_id}") < HELD_OUT


def judged_response(row: JudgedRow, example: Example) -> JudgedResponse:
    """One judged response as the critic learns from it."""
    return JudgedResponse(
        context=transcript(example.context),
        response=row.response,
        overall=row.judgement.scores["overall"],
        quality=tuple(row.judgement.scores[name] for name in DIMENSIONS),
        emotions=tuple(float(name in example.emotions) for name in EMOTIONS),
    )


def split_rows(
    rows: Sequence[JudgedRow], examples: Sequence[Example]
) -> tuple[list[JudgedResponse], list[JudgedResponse]]:
    """Training and held-out responses, split by dialogue; rows that the judge failed on are left out.

    Raises:
        DataError: one of the two parts is empty.
    """
    known = {example.example_id: example for example in examples}
    parts: tuple[list[JudgedResponse], list[JudgedResponse]] = ([], [])
    for row in rows:
        if row.judgement.failure is None:
            parts[held_out(row.conversation_id)].append(judged_response(row, known[row.judgement.example_id]))
    if not parts[0] or not parts[1]:
        raise DataError(
            f"{len(parts[0])} judged responses to train the critic on and {len(parts[1])} held out: too few",
            at="judge.turns",
            fix="judge more turns: --set judge.turns=200",
        )
    return parts


def make_critic(settings: Settings, context: StageContext) -> CriticModel:
    """A critic with untrained heads; the small encoder reads with the baseline's tokenizer."""
    section = settings.critic
    baseline = load_checkpoint(best(context.folder.stage("baseline")), "cpu")
    return build_critic(
        section.encoder,
        shape=CriticShape(section.hidden_size, section.layers, section.heads, section.max_length),
        tokenizer=baseline.tokenizer,
        embeddings=baseline.model.get_input_embeddings().weight.detach(),
        dimensions=DIMENSIONS,
        emotions=EMOTIONS,
        max_length=section.max_length,
        seed=settings.seed,
    )


def run(context: StageContext) -> None:
    """Trains, and keeps the checkpoint of the best validation error."""
    settings = context.settings
    rows = list(read_judgements(context.folder.scores / JUDGEMENTS))
    train, valid = split_rows(rows, load_split(context.folder, Split.TRAIN))
    critic = make_critic(settings, context)
    trainer = CriticTrainer(
        critic,
        settings.critic,
        make_accelerator(pick_device(settings.device), "no"),
        seed=settings.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=context.emit,
        save=saving(context, "critic", critic.save),
    )
    report = trainer.train(train, valid)
    context.emit(
        "critic",
        "note",
        what=f"held-out R2 {report.r2:.2f}, Pearson {report.pearson:.2f}, "
        f"MSE {report.mse:.4f} (training mean: {report.mean_mse:.4f})",
        **{f"critic/{name}": value for name, value in asdict(report).items()},
    )
