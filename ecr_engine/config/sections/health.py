"""The health watch: what counts as a sign that a training goes wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ecr_engine.config.sections.base import Count, Section, Share

Positive = Annotated[float, Field(gt=0.0)]


class HealthSettings(Section):
    """Bounds of the warnings in a PPO training. Means are over the last updates; KL and entropy are nats a token."""

    on_warning: Literal["stop", "continue"] = Field(
        "continue", description="What a warning does; divergence always ends the training."
    )
    window: Annotated[int, Field(ge=3)] = Field(10, description="Updates whose mean a warning looks at.")
    cool_down: Count = Field(25, description="Updates for which a warning that was given is not given again.")
    deviations: Positive = Field(
        4.0,
        description="Standard deviations by which a value, or a mean, has to be off to be no chance.",
    )
    policy_loss_rise: Positive = Field(0.05, description="Rise of the policy loss that is too fast.")
    explained_variance_least: Annotated[float, Field(lt=1.0)] = Field(
        0.02, description="Share of the returns' variance that the critic has to explain."
    )
    critic_updates: Count = Field(30, description="Updates that the critic has to learn it.")
    flat_updates: Annotated[int, Field(ge=4)] = Field(
        50, description="Updates of the policy in which the reward has to have risen."
    )
    kl_low: Annotated[float, Field(lt=0.0)] = Field(-0.05, description="KL to the reference that is too low.")
    kl_high: Positive = Field(0.5, description="KL to the reference that is too high.")
    kl_explosion: Positive = Field(5.0, description="KL to the reference at which a training has diverged.")
    approx_kl_high: Positive = Field(0.1, description="KL that one update may move the policy by.")
    entropy_share: Share = Field(0.3, description="Share of its first entropy that a policy may fall to.")
    clipped_ratio_high: Share = Field(0.3, description="Share of responses that may end at the length limit.")
    component_fall: Positive = Field(0.02, description="Fall of a component's mean that counts while the total rises.")
    skipped_updates: Count = Field(
        3, description="Updates in a row with a gradient that is not finite before a training has diverged."
    )
