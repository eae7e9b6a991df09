"""Stage `baseline`: supervised fine-tuning of the backbone on the recommender's turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ecr_engine.config.sections.data import PromptSettings
from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import Example, Split
from ecr_engine.errors import DataError, UsageError
from ecr_engine.evaluation.generate import prompt_encoder
from ecr_engine.models.adapters import lora_of
from ecr_engine.models.backbone import Backbone, TinyShape, build_tiny, load_backbone, pick_device
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.policies import Tuning, load_trainable
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.pipeline.stages.saving import saving, take_up
from ecr_engine.training.sft import BaselineTrainer

LEAST_PROMPT = 16
"""Prompt tokens below which the settings refuse to go."""

POSITIONS = 1024
"""Longest sequence of the tiny backbone, unless the limits ask for more."""


def make_backbone(settings: Settings, train: Sequence[Example]) -> Backbone:
    """The backbone before any training; a pretrained one with its adapter, if it gets one.

    The tiny backbone begins with random weights, and there is nothing in them to adapt: its baseline trains all of
    them, and the adapter comes with RL.
    """
    wanted = settings.prompt.context_max_length + settings.prompt.resp_max_length
    if settings.backbone.name != "tiny":
        backbone = load_trainable(settings.backbone.name, tuning_of(settings))
        check_window(backbone, settings.prompt)
        return backbone
    tiny = settings.backbone
    shape = TinyShape(
        vocabulary=tiny.vocabulary,
        hidden_size=tiny.hidden_size,
        layers=tiny.layers,
        heads=tiny.heads,
        intermediate_size=tiny.intermediate_size,
        positions=max(POSITIONS, wanted),
        dropout=settings.baseline.dropout,
    )
    return build_tiny(_texts(train, settings.prompt.system), shape, seed=settings.seed)


def tuning_of(settings: Settings) -> Tuning:
    """How the settings want a backbone trained."""
    backbone, lora = settings.backbone, settings.lora
    adapter = None
    if backbone.adapter == "lora":
        adapter = lora_of(lora.rank, lora.alpha, lora.dropout, lora.targets)
    return Tuning(adapter, backbone.quantisation, backbone.precision, settings.seed)


def check_window(backbone: Backbone, prompt: PromptSettings) -> None:
    """Refuses limits that do not fit the model's window.

    Raises:
        UsageError: prompt and response together are longer than the model's positions.
    """
    window = int(backbone.model.config.max_position_embeddings)
    wanted = prompt.context_max_length + prompt.resp_max_length
    if wanted > window:
        left = window - prompt.resp_max_length
        both = f"--set prompt.context_max_length={window - window // 4} --set prompt.resp_max_length={window // 4}"
        raise UsageError(
            f"a prompt of {prompt.context_max_length} and a response of {prompt.resp_max_length} tokens exceed "
            f"the model's window of {window}",
            at="prompt.context_max_length",
            fix=f"--set prompt.context_max_length={left}" if left >= LEAST_PROMPT else both,
        )


def _texts(train: Sequence[Example], system: str) -> Iterable[str]:
    """Every turn of the training dialogues once, as the prompts will show it."""
    yield system
    seen: set[tuple[str, int]] = set()
    for example in train:
        yield f" {example.target}"
        for place, turn in enumerate(example.context):
            if (example.conversation_id, place) not in seen:
                seen.add((example.conversation_id, place))
                yield f" {turn.text}"


def run(context: StageContext) -> None:
    """Trains, and keeps the checkpoint of the best validation loss."""
    settings = context.settings
    train, valid = load_split(context.folder, Split.TRAIN), load_split(context.folder, Split.VALID)
    if not valid:
        raise DataError(
            "the validation split has no recommender turn: early stopping needs one",
            at=str(context.folder.data),
            fix="--set data.validation_share=0.2, or give more dialogues",
        )
    backbone = make_backbone(settings, train)
    encoder = prompt_encoder(backbone.tokenizer, settings.prompt)
    context.emit("baseline", "note", what=f"{settings.backbone.name}: {weights(backbone)}")
    trainer = BaselineTrainer(
        backbone,
        settings.baseline,
        make_accelerator(pick_device(settings.device), settings.backbone.precision),
        seed=settings.seed,
        scaled=settings.backbone.scale_learning_rate,
        emit=context.emit,
        save=saving(context, "baseline", lambda folder: trainer.write_state(folder)),
        stop=context.stop,
    )
    take_up(context, trainer.restore)
    if context.start is not None:
        context.emit("baseline", "note", trainer.progress.step, what=f"taken up at step {trainer.progress.step}")
    result = trainer.train(
        [encoder.encode(row) for row in train],
        [encoder.encode(row) for row in valid],
        save_every=settings.checkpoints.every,
    )
    reason = "stopped early" if result.stopped_early else "all steps done"
    context.emit(
        "baseline",
        "note",
        result.steps,
        what=f"best validation loss {result.best_loss:.3f} at step {result.best_step} ({reason})",
    )


def weights(backbone: Backbone) -> str:
    """How many weights a backbone has, and how many of them are trained if those are not all."""
    trained = sum(parameter.numel() for parameter in backbone.trained())
    found = f"{backbone.parameters / 1e6:.1f} M weights"
    return f"{found}, {trained:,} of them trained (LoRA)" if backbone.adapted else found


def load_checkpoint(folder: Path, device: str) -> Backbone:
    """A backbone from a checkpoint of this project, on its device."""
    backbone = load_backbone(str(folder))
    backbone.model.to(pick_device(device))
    return backbone
