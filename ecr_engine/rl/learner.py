"""What an update trains: the policy and its value function, placed, each with an optimizer and a learning rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.models.backbone import Backbone, effective_learning_rate
from ecr_engine.models.critic import CriticModel
from ecr_engine.models.response import ResponseModel
from ecr_engine.rl.no_critic import NoContexts
from ecr_engine.rl.rates import adam, rate_share, set_rate
from ecr_engine.rl.state import Facts, Trained, read_trained, write_trained
from ecr_engine.rl.values import CriticValues, TrunkValues

if TYPE_CHECKING:
    from accelerate import Accelerator

Values = CriticValues | TrunkValues


def value_function(policy: Backbone, critic: CriticModel | None, settings: PPOSettings) -> Values:
    """The value function that the settings choose.

    Args:
        policy: what a head on the trunk belongs to.
        critic: the trained critic; needed where it is what gives values.
        settings: the section `[ppo]`.
    """
    if settings.value == "trunk":
        return TrunkValues(policy.hidden_size, trunk_gradient=settings.trunk_gradient)
    assert critic is not None, "values of the critic need a critic"
    return CriticValues(critic)


class Learner:
    """The models and optimizers of a training.

    Args:
        policy: what is trained, in place.
        body: the value function; None for an estimator that uses none.
        settings: the section `[ppo]`.
        accelerator: placement and processes.
        scaled: whether learning rates are stated for width 4096.

    Attributes:
        contexts: reads contexts for the value function; what it reads is empty where that looks at none.
        rates: peak learning rates of the policy and of the value function.
        warmup_steps: first updates in which only the value function learns; none where there is none to wait for.
        inner: the policy behind its `ResponseModel`.
        model: the same, prepared by accelerate.
        policy_optimizer: over the policy's weights that are trained.
        values: the value function, prepared by accelerate; None for none.
        value_optimizer: over its weights; None for none.
    """

    def __init__(
        self,
        policy: Backbone,
        body: Values | None,
        settings: PPOSettings,
        accelerator: Accelerator,
        *,
        scaled: bool,
    ) -> None:
        self.policy, self.body, self.settings = policy, body, settings
        self.contexts: Any = body.critic if isinstance(body, CriticValues) else NoContexts()
        self.warmup_steps = 0 if body is None else settings.critic_warmup_steps
        # The rate is stated for adapters.
        peak = settings.learning_rate * (1.0 if policy.adapted else settings.full_tuning_factor)
        width = body.critic.hidden_size if isinstance(body, CriticValues) else policy.hidden_size
        self.rates = (
            effective_learning_rate(peak, policy.hidden_size, scaled=scaled),
            effective_learning_rate(settings.critic_learning_rate, width, scaled=scaled),
        )
        self.scaler = accelerator.scaler
        policy.model.to(accelerator.device)
        self.inner = ResponseModel(policy.model)
        self.model, self.policy_optimizer = accelerator.prepare(
            self.inner, adam(self.inner.parameters(), self.rates[0])
        )
        self.values, self.value_optimizer = None, None
        if body is not None:
            body.to(accelerator.device)
            self.values, self.value_optimizer = accelerator.prepare(body, adam(body.parameters(), self.rates[1]))

    def set_rates(self, step: int) -> None:
        """Gives both optimizers the learning rate of an update, from 0."""
        # The policy's warm-up begins where the critic's ends: before, it takes no steps that could warm anything up.
        share = rate_share(step - self.warmup_steps, step, self.settings)
        set_rate(self.policy_optimizer, self.rates[0] * share)
        if self.value_optimizer is not None:
            set_rate(self.value_optimizer, self.rates[1] * rate_share(step, step, self.settings))

    @property
    def rate(self) -> float:
        """The policy's learning rate as it is now."""
        return float(self.policy_optimizer.param_groups[0]["lr"])

    def write(self, folder: Path, facts: Facts) -> None:
        """Writes the policy as a plain model folder, and under `trainer/` all that a resume needs."""
        self.policy.save(folder)
        write_trained(folder, self._trained(), facts)

    def read(self, folder: Path) -> Facts:
        """Takes up in place what `write` wrote, and returns its numbers."""
        self.policy.restore(folder)
        return read_trained(folder, self._trained())

    def _trained(self) -> Trained:
        return Trained(self.body, self.policy_optimizer, self.value_optimizer, self.scaler)
