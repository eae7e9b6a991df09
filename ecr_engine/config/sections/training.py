"""Supervised training: the baseline and the recognisers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Rate, Section, Share


class BaselineSettings(Section):
    """Supervised fine-tuning of the baseline."""

    learning_rate: Rate = Field(5e-5, description="Peak learning rate at hidden size 4096.")
    batch_size: Count = Field(16, description="Examples in one optimizer step, over all processes.")
    micro_batch_size: Count = Field(16, description="Examples in one forward pass of one process.")
    epochs: Count = Field(5, description="Passes over the training split at most.")
    max_steps: int | None = Field(None, ge=1, description="Optimizer steps at most; overrides the epochs.")
    warmup_steps: Annotated[int, Field(ge=0)] = Field(40, description="Steps of linear warm-up.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.05, description="Decoupled weight decay.")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.0, description="Attention dropout of the tiny backbone.")
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Global gradient norm is clipped to this.")
    evaluations_per_epoch: Count = Field(1, description="How often the validation loss is measured in an epoch.")
    patience: Count = Field(2, description="Stop after so many validations without a better loss.")


class EmotionSettings(Section):
    """Who recognises emotions and empathy, and how an emotion recogniser is trained."""

    recogniser: str = Field(
        "lexical", description="Emotion recogniser: a name, or the folder of a trained one.", min_length=1
    )
    empathy: str = Field(
        "lexical", description="Empathy recogniser: a name, or the folder of a trained one.", min_length=1
    )
    encoder: str = Field(
        "minilm-l6", description="What is fine-tuned: a registered encoder, a local folder or a hub id.", min_length=1
    )
    max_length: Annotated[int, Field(ge=8)] = Field(48, description="Tokens of a text at most; its end is cut.")
    learning_rate: Rate = Field(1.4e-5, description="Peak learning rate at hidden size 4096.")
    head_factor: Annotated[float, Field(gt=0.0)] = Field(5.0, description="The head's rate is the peak times this.")
    layer_decay: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.9, description="Each layer's rate is that of the layer above times this."
    )
    batch_size: Count = Field(32, description="Texts in one optimizer step, over all processes.")
    epochs: Count = Field(2, description="Passes over the training split at most.")
    patience: Count = Field(1, description="Stop after so many epochs without a better macro-F1 on dev.")
    warmup_share: Share = Field(0.06, description="Share of the steps in which the learning rate rises.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.01, description="Decoupled weight decay.")
    gamma: Annotated[float, Field(ge=0.0)] = Field(
        1.0, description="Focus of the focal loss on what is still wrong; 0 is plain cross-entropy."
    )
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Global gradient norm is clipped to this.")
    precision: Literal["no", "bf16"] = Field(
        "bf16", description="Mixed precision of training; `no` is faster on processors without bf16."
    )


class EmpathyTrainingSettings(Section):
    """Training of the empathy recogniser: an encoder that reads both texts, and a head for each mechanism."""

    encoder: str = Field("minilm-l6", description="Text encoder: a registered one, a local folder or a hub id.")
    max_length: Annotated[int, Field(ge=8, le=512)] = Field(96, description="Tokens of each of the two texts at most.")
    learning_rate: Rate = Field(1e-5, description="Peak learning rate at hidden size 4096.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.01, description="Decoupled weight decay.")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.1, description="Dropout before the heads.")
    batch_size: Count = Field(32, description="Pairs in one optimizer step, over all processes.")
    epochs: Count = Field(6, description="Passes over the training pairs at most.")
    patience: Count = Field(2, description="Stop after so many epochs without a better macro-F1 on validation.")
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Global gradient norm is clipped to this.")
    validation_share: Annotated[float, Field(gt=0.0, le=0.4)] = Field(
        0.05, description="Share of the posts that early stopping looks at."
    )
    test_share: Annotated[float, Field(gt=0.0, le=0.4)] = Field(
        0.2, description="Share of the posts that the report is made on."
    )
    precision: Literal["no", "bf16"] = Field(
        "bf16", description="Mixed precision of training; `no` is faster on processors without bf16."
    )
