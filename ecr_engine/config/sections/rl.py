"""Reinforcement learning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Rate, Section, Share


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
    clip_epsilon_high: Annotated[float, Field(gt=0.0)] | None = Field(
        None, description="Range of the policy ratio above 1; `none`: the same as below."
    )
    value_clip: Annotated[float, Field(gt=0.0)] | None = Field(0.2, description="Range of the value clip.")
    value_coefficient: Annotated[float, Field(ge=0.0)] = Field(0.5, description="Weight of the value loss.")
    entropy_coefficient: Annotated[float, Field(ge=0.0)] = Field(0.0, description="Weight of the entropy bonus.")
    diversity_coefficient: Annotated[float, Field(ge=0.0)] = Field(
        0.0,
        description="Credit of a token for each nat by which the responses to other prompts do not use it; "
        "added to its advantage.",
    )
    diversity_order: Annotated[int, Field(ge=1, le=4)] = Field(
        1, description="Tokens of the longest phrases that the credit for diversity compares; 1 compares words."
    )
    diversity_cap: Annotated[float, Field(gt=0.0)] | None = Field(
        None,
        description="Most nats that a token is credited for diversity; `none`: the rarest pays most.",
    )
    estimator: str = Field("gae", description="Advantage estimator.")
    samples_per_prompt: Count = Field(
        1, description="Responses that a batch has to each of its prompts; `rloo` and `grpo` compare them."
    )
    value: Literal["critic", "trunk"] = Field(
        "critic", description="Value of a response from the critic's encoder, or of each token from the policy's trunk."
    )
    trunk_gradient: bool = Field(
        False, description="Whether the value loss trains the policy's trunk too, where that gives the values."
    )
    gamma: Share = Field(1.0, description="Discount.")
    gae_lambda: Share = Field(0.95, description="Lambda of generalised advantage estimation.")
    whiten_advantages: bool = Field(
        True,
        description="Give advantages mean 0 and variance 1 over valid tokens; `rloo` and `grpo` have their own scale.",
    )
    whiten_rewards: bool = Field(
        False, description="Give the rewards of tokens variance 1 over a batch; their mean stays."
    )
    reward_scaling: Literal["none", "running_std"] = Field(
        "none", description="Divide scores by their standard deviation over all updates so far."
    )
    reward_clip: Annotated[float, Field(gt=0.0)] | None = Field(
        None, description="Keep scores within this of 0, after the scaling."
    )
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
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = Field(
        None, description="Seed of the rollouts and updates alone; `none`: the run's, which the baseline uses too."
    )
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
