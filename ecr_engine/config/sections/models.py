"""The models: the backbone, the adapter on it, and the critic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Rate, Section, Share

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of a Llama's blocks: what an adapter can be put on."""


class BackboneSettings(Section):
    """The language model that answers."""

    name: str = Field("tiny", description="A registered model, a local folder or a hub id; its architecture is Llama.")
    vocabulary: Annotated[int, Field(ge=400, le=200_000)] = Field(
        3000, description="Tokens of the tiny backbone's tokenizer."
    )
    hidden_size: Annotated[int, Field(ge=8)] = Field(192, description="Width of the tiny backbone.")
    layers: Count = Field(4, description="Layers of the tiny backbone.")
    heads: Count = Field(3, description="Attention heads of the tiny backbone.")
    intermediate_size: Count = Field(512, description="Width of the tiny backbone's feed-forward layers.")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="Mixed precision of training (accelerate).")
    scale_learning_rate: bool = Field(
        True,
        description="Multiply learning rates by 4096 / hidden size, so that they mean the same for every backbone.",
    )
    adapter: Literal["none", "lora"] = Field(
        "none", description="Train all weights, or a LoRA adapter beside frozen ones."
    )
    quantisation: Literal["none", "4bit", "8bit"] = Field(
        "none", description="Bits of the frozen weights under an adapter (bitsandbytes; 4-bit is NF4)."
    )


class LoraSettings(Section):
    """The LoRA adapter, where `backbone.adapter` is `lora` (Hu et al., arXiv 2106.09685)."""

    rank: Count = Field(16, description="Rank of the adapter's matrices.")
    alpha: Annotated[float, Field(gt=0.0)] = Field(32.0, description="The adapter's product is scaled by alpha / rank.")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Dropout of the adapter's input in supervised training; RL has none."
    )
    targets: str = Field(
        "all",
        description=f"Linear layers with an adapter: all, or some of {', '.join(LINEAR_LAYERS)} with commas between.",
        min_length=1,
    )


class CriticSettings(Section):
    """The critic: an encoder with value, quality and emotion heads."""

    encoder: str = Field("small", description="`small` (trained from nothing), a registered encoder or a local folder.")
    trained: str = Field("", description="Folder of a critic to take over as it is; empty: train one.")
    dimensions: str = Field(
        "judged",
        description="Quality heads: `judged` (one for each judged dimension), or their names with commas between.",
        min_length=1,
    )
    hidden_size: Annotated[int, Field(ge=8)] = Field(192, description="Width of the small encoder.")
    layers: Count = Field(2, description="Layers of the small encoder.")
    heads: Count = Field(3, description="Attention heads of the small encoder.")
    max_length: Annotated[int, Field(ge=16)] = Field(128, description="Tokens of context and response at most.")
    validation_share: Annotated[float, Field(gt=0.0, le=0.4)] = Field(
        0.1, description="Share of the judged dialogues that early stopping looks at."
    )
    test_share: Annotated[float, Field(gt=0.0, le=0.4)] = Field(
        0.1, description="Share of the judged dialogues that the report is made on."
    )
    learning_rate: Rate = Field(3e-5, description="Peak learning rate at hidden size 4096.")
    warmup_share: Share = Field(0.1, description="Share of the steps in which the learning rate rises.")
    layer_decay: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        1.0, description="Each layer's rate is that of the layer above times this; 0.9 suits a pretrained encoder."
    )
    head_factor: Annotated[float, Field(gt=0.0)] = Field(1.0, description="The heads' rate is the peak times this.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.01, description="Decoupled weight decay.")
    batch_size: Count = Field(32, description="Judged responses in one optimizer step, over all processes.")
    epochs: Count = Field(5, description="Passes over the judged responses at most.")
    patience: Count = Field(2, description="Stop after so many epochs without a better validation loss.")
    quality_weight: Annotated[float, Field(ge=0.0)] = Field(1.0, description="Weight of the quality loss.")
    emotion_weight: Annotated[float, Field(ge=0.0)] = Field(0.2, description="Weight of the emotion loss.")
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Global gradient norm is clipped to this.")
    precision: Literal["no", "bf16"] = Field("no", description="Mixed precision of training; bf16 where it is fast.")
