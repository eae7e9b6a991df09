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

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of settings: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSettings(Section):
    """What the corpus is made from."""

    sample_dialogues: Annotated[int, Field(ge=10)] = Field(720, description="Dialogues in the generated sample corpus.")
    sample_movies: Annotated[int, Field(ge=50)] = Field(240, description="Movies in the generated sample corpus.")
    validation_share: Share = Field(0.1, description="Share of the training conversations set apart for validation.")
    test_share: Share = Field(0.15, description="Share set apart for the test split where the source has none.")
    skip_bad: bool = Field(False, description="Skip dialogues that can't be read; they are counted and listed.")
    format: str = Field("auto", description="The source's format; `auto` looks at its files.")
    knowledge: str | None = Field(
        None, description="Folder of knowledge-graph files (entity2id.json, kg.json, …); `auto` takes the source's own."
    )


class FetchSettings(Section):
    """Where `data fetch` gets corpora, and what their files must be. An empty SHA-256 is one that is not known."""

    redial_url: str = Field(
        "https://github.com/ReDialData/website/raw/data/redial_dataset.zip",
        description="Address of the archive of ReDial.",
    )
    redial_sha256: str = Field(
        "b48756681ec6f84e0af36979c5e9baa21ea8d9e7036b8764ea9b787bb0baf69b",
        description="SHA-256 of the archive of ReDial.",
    )
    goemotions_train_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/train.tsv",
        description="Address of GoEmotions' training split.",
    )
    goemotions_train_sha256: str = Field(
        "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
        description="SHA-256 of GoEmotions' training split.",
    )
    goemotions_dev_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/dev.tsv",
        description="Address of GoEmotions' validation split.",
    )
    goemotions_dev_sha256: str = Field(
        "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
        description="SHA-256 of GoEmotions' validation split.",
    )
    goemotions_test_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/test.tsv",
        description="Address of GoEmotions' test split.",
    )
    goemotions_test_sha256: str = Field(
        "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
        description="SHA-256 of GoEmotions' test split.",
    )
    goemotions_labels_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/emotions.txt",
        description="Address of GoEmotions' list of emotions.",
    )
    goemotions_labels_sha256: str = Field(
        "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
        description="SHA-256 of GoEmotions' list of emotions.",
    )
    epitome_emotional_reactions_url: str = Field(
        "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset/emotional-reactions-reddit.csv",
        description="Address of EPITOME's emotional reactions.",
    )
    epitome_emotional_reactions_sha256: str = Field("", description="SHA-256 of EPITOME's emotional reactions.")
    epitome_interpretations_url: str = Field(
        "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset/interpretations-reddit.csv",
        description="Address of EPITOME's interpretations.",
    )
    epitome_interpretations_sha256: str = Field("", description="SHA-256 of EPITOME's interpretations.")
    epitome_explorations_url: str = Field(
        "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset/explorations-reddit.csv",
        description="Address of EPITOME's explorations.",
    )
    epitome_explorations_sha256: str = Field("", description="SHA-256 of EPITOME's explorations.")
    max_mib: Count = Field(2048, description="MiB that one file may have.")
    max_unpacked_mib: Count = Field(8192, description="MiB that one archive may unpack to.")


class PromptSettings(Section):
    """How a dialogue becomes a Llama-2 chat prompt."""

    system: str = Field(
        "You recommend movies. Feel with the seeker.",
        description="The system message of every prompt.",
        min_length=1,
    )
    context_max_length: Annotated[int, Field(ge=16)] = Field(
        150, description="Prompt tokens at most; the oldest turns are dropped first."
    )
    resp_max_length: Annotated[int, Field(ge=1)] = Field(60, description="Response tokens at most.")


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


class JudgeSettings(Section):
    """Which judge scores responses, and how many."""

    name: str = Field("rubric", description="The judge.")
    turns: Count = Field(500, description="Training turns whose baseline response and reference are judged.")


class CriticSettings(Section):
    """The critic: an encoder with value, quality and emotion heads."""

    encoder: str = Field("small", description="`small` (trained from nothing), a registered encoder or a local folder.")
    hidden_size: Annotated[int, Field(ge=8)] = Field(192, description="Width of the small encoder.")
    layers: Count = Field(2, description="Layers of the small encoder.")
    heads: Count = Field(3, description="Attention heads of the small encoder.")
    max_length: Annotated[int, Field(ge=16)] = Field(128, description="Tokens of context and response at most.")
    learning_rate: Rate = Field(3e-5, description="Peak learning rate at hidden size 4096.")
    batch_size: Count = Field(32, description="Judged responses in one optimizer step, over all processes.")
    epochs: Count = Field(5, description="Passes over the judged responses at most.")
    patience: Count = Field(2, description="Stop after so many epochs without a better validation loss.")
    quality_weight: Annotated[float, Field(ge=0.0)] = Field(1.0, description="Weight of the quality loss.")
    emotion_weight: Annotated[float, Field(ge=0.0)] = Field(0.2, description="Weight of the emotion loss.")
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Global gradient norm is clipped to this.")


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


class PPOSettings(Section):
    """Proximal policy optimisation (Schulman et al., arXiv 1707.06347)."""

    learning_rate: Rate = Field(1e-5, description="Peak learning rate of the policy at hidden size 4096.")
    full_tuning_factor: Rate = Field(
        0.25,
        description="The policy's rate is stated for adapters; where all weights are trained it is multiplied by this.",
    )
    critic_learning_rate: Rate = Field(1e-5, description="Learning rate of the critic at hidden size 4096.")
    max_steps: Count = Field(60, description="PPO updates, each on one batch of rollouts.")
    batch_size: Count = Field(64, description="Rollouts in one update, over all processes.")
    minibatch_size: Count = Field(32, description="Rollouts in one optimizer step, over all processes.")
    micro_batch_size: Count = Field(32, description="Rollouts in one forward pass of one process.")
    epochs: Count = Field(4, description="Passes over each batch of rollouts.")
    clip_epsilon: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.2, description="Range of the policy ratio.")
    value_clip: Annotated[float, Field(gt=0.0)] | None = Field(0.2, description="Range of the value clip.")
    value_coefficient: Annotated[float, Field(ge=0.0)] = Field(0.5, description="Weight of the value loss.")
    entropy_coefficient: Annotated[float, Field(ge=0.0)] = Field(0.0, description="Weight of the entropy bonus.")
    estimator: str = Field("gae", description="Advantage estimator.")
    value: Literal["critic", "trunk"] = Field(
        "critic", description="Value of a response from the critic's encoder, or of each token from the policy's trunk."
    )
    gamma: Share = Field(1.0, description="Discount.")
    gae_lambda: Share = Field(0.95, description="Lambda of generalised advantage estimation.")
    whiten_advantages: bool = Field(True, description="Give advantages mean 0 and variance 1 over valid tokens.")
    kl_coefficient: Annotated[float, Field(ge=0.0)] = Field(0.05, description="Weight of the KL penalty.")
    kl_controller: Literal["fixed", "adaptive"] = Field("fixed", description="Whether the KL weight follows a target.")
    kl_target: Annotated[float, Field(gt=0.0)] = Field(3.0, description="Target of the KL of a response, in nats.")
    kl_horizon: Annotated[float, Field(gt=0.0)] = Field(2000.0, description="Samples over which the KL weight adapts.")
    stop_kl: Annotated[float, Field(gt=0.0)] | None = Field(
        None, description="Stop the epochs of an update when approx_kl passes this."
    )
    temperature: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Temperature of rollouts and log-probs.")
    missing_stop_penalty: Annotated[float, Field(ge=0.0)] = Field(
        0.0,
        description="Taken from the score of a response that does not stop, beside what the `format` component takes.",
    )
    warmup_steps: Annotated[int, Field(ge=0)] = Field(5, description="Updates of linear learning-rate warm-up.")
    schedule: Literal["constant", "linear"] = Field("linear", description="Learning rate after the warm-up.")
    critic_warmup_steps: Annotated[int, Field(ge=0)] = Field(
        5, description="First updates in which only the critic learns."
    )
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(1.0, description="Global gradient norm is clipped to this.")
    validate_every: Count = Field(10, description="Updates between validations; the best one's checkpoint is kept.")
    validation_turns: Count = Field(192, description="Validation turns that are answered and scored each time.")


class RewardOptionSettings(Section):
    """How single reward components work; their weights are the table `rewards`."""

    similarity_encoder: str = Field(
        "minilm-l6", description="Sentence encoder of `similarity`: a name, a local folder or a hub id.", min_length=1
    )
    recommendation_mode: Literal["slot", "grounded"] = Field(
        "slot",
        description="Whether `recommendation` counts movies, or also looks at which ones a response names "
        "(needs the data's knowledge graph).",
    )
    length_shortest: Count = Field(4, description="Words from which `length` finds a response long enough.")
    length_longest: Count = Field(30, description="Words up to which `length` finds a response short enough.")


class EvaluationSettings(Section):
    """How responses are generated and measured."""

    split: Literal["valid", "test"] = Field("test", description="The held-out split.")
    limit: int | None = Field(None, ge=1, description="Turns at most; all of the split if not set.")
    batch_size: Count = Field(64, description="Responses generated at a time.")
    decoding: Literal["greedy", "sample"] = Field("sample", description="How the next token is chosen.")
    temperature: Annotated[float, Field(gt=0.0)] = Field(0.7, description="Temperature of sampling.")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="Nucleus of sampling.")


class CompareSettings(Section):
    """Statistics of a comparison."""

    resamples: Annotated[int, Field(ge=100)] = Field(10_000, description="Bootstrap resamples.")
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = Field(0.95, description="Confidence of the intervals.")


class CheckpointSettings(Section):
    """What is kept of a training."""

    every: Count = Field(100, description="Steps between checkpoints.")
    keep_last: Count = Field(2, description="Newest checkpoints kept beside the best.")


class TrackingSettings(Section):
    """Trackers that follow the events."""

    wandb: Literal["disabled", "offline", "online"] = Field("disabled", description="Weights & Biases.")
    project: str = Field("ecrctl", description="Project name in the tracker.")


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
    baseline: BaselineSettings = BaselineSettings()
    judge: JudgeSettings = JudgeSettings()
    critic: CriticSettings = CriticSettings()
    emotion: EmotionSettings = EmotionSettings()
    empathy_training: EmpathyTrainingSettings = EmpathyTrainingSettings()
    ppo: PPOSettings = PPOSettings()
    rewards: dict[str, Annotated[float, Field(ge=0.0)]] = Field(
        {"bleu": 1.0, "distinct": 0.5, "empathy": 2.0, "recommendation": 1.5, "format": 1.0},
        description="Weight of each reward component; 0 switches it off.",
    )
    reward_options: RewardOptionSettings = RewardOptionSettings()
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
