"""Every setting, with its default, its bounds and the sentence that becomes its help.

One frozen object holds them all. Sections are tables in TOML (`[ppo]`), keys are written `section.key` everywhere else.
The defaults make the demo: backbone `tiny` on the built-in sample corpus.

Learning rates are stated for a model of hidden size 4096 (Llama-2-7B), as the guide and the ECR paper state them, and
are multiplied by 4096 / hidden_size when used: under Adam the best rate falls with the width (Yang et al., "Tensor
Programs V", arXiv 2203.03466). So one profile serves a tiny model and a 7B one; `backbone.scale_learning_rate`
switches it off, and the rate that was used is in the events as `train/lr`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ecr_engine.config.sections.curriculum import CurriculumSettings
from ecr_engine.config.sections.data import DataSettings, FetchSettings, PromptSettings
from ecr_engine.config.sections.evaluation import CompareSettings, EvaluationSettings, JudgeSettings
from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.config.sections.keeping import CheckpointSettings, TrackingSettings
from ecr_engine.config.sections.models import BackboneSettings, CriticSettings, LoraSettings
from ecr_engine.config.sections.rl import PPOSettings, RewardOptionSettings
from ecr_engine.config.sections.training import BaselineSettings, EmotionSettings, EmpathyTrainingSettings


class Settings(BaseSettings):
    """All settings of a run. Built by `resolve`, which layers the sources; never reads the environment by itself."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="ECR_", env_nested_delimiter="__", allow_inf_nan=False
    )

    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(0, description="Seed of everything random.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where models run.")
    data: DataSettings = DataSettings()
    fetch: FetchSettings = FetchSettings()
    prompt: PromptSettings = PromptSettings()
    backbone: BackboneSettings = BackboneSettings()
    lora: LoraSettings = LoraSettings()
    baseline: BaselineSettings = BaselineSettings()
    judge: JudgeSettings = JudgeSettings()
    critic: CriticSettings = CriticSettings()
    emotion: EmotionSettings = EmotionSettings()
    empathy_training: EmpathyTrainingSettings = EmpathyTrainingSettings()
    ppo: PPOSettings = PPOSettings()
    rewards: dict[str, Annotated[float, Field(ge=0.0)]] = Field(
        {"bleu": 1.0, "distinct": 0.5, "empathy": 2.0, "recommendation": 1.5, "format": 1.0, "relevance": 1.0},
        description="Weight of each reward component; 0 switches it off.",
    )
    reward_options: RewardOptionSettings = RewardOptionSettings()
    curriculum: CurriculumSettings = CurriculumSettings()
    health: HealthSettings = HealthSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    compare: CompareSettings = CompareSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()
    tracking: TrackingSettings = TrackingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: layering and the environment are `resolve`'s business."""
        return (init_settings,)
