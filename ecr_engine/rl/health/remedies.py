"""What to type against each trouble: the guide's figures, or a step further in their direction where they are in use.

The figures are those of the RL enhancement guide under "Configuration Tuning" and "Common Issues and Solutions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ecr_engine.config.sections.rl import PPOSettings

STEADY_CLIP, STEADY_EPOCHS, STEADY_RATE = 0.1, 2, 5e-6
"""The guide's answer to an unstable training."""

BOLD_RATE = 2e-5
"""The guide's rate of an aggressive training."""

BALANCED = {"bleu": 0.5, "empathy": 1.0, "recommendation": 0.5}
"""The guide's answer to a reward that does not rise."""

CRITIC_RATE = 2e-5
"""The guide's answer to a critic that does not learn."""

FLAGGED = frozenset({"bleu", "distinct", "empathy", "recommendation"})
"""The components whose weights have a flag of their own in the guide."""

_LEADING_ZEROS = re.compile(r"e([+-])0+")


@dataclass(frozen=True, slots=True)
class Remedies:
    """Commands for a training with these settings.

    Attributes:
        command: what is typed before the flags, such as `ecrctl rl train --run runs/demo --resume auto`.
        ppo: the section `[ppo]` of the training.
        rewards: the weights of its reward components.
        resp_max_length: its limit of response tokens.
    """

    command: str
    ppo: PPOSettings
    rewards: Mapping[str, float]
    resp_max_length: int

    def steadier(self) -> str:
        """Smaller and fewer steps."""
        ppo = self.ppo
        flags = [
            f"--ppo_clip_epsilon {spelled(_below(ppo.clip_epsilon, STEADY_CLIP))}",
            f"--ppo_epochs {STEADY_EPOCHS if ppo.epochs > STEADY_EPOCHS else 1}",
            f"--rl_learning_rate {spelled(_below(ppo.learning_rate, STEADY_RATE))}",
        ]
        return self._typed(*flags)

    def closer(self) -> str:
        """A stronger pull to the reference."""
        pull = 2 * self.ppo.kl_coefficient or 0.05
        rate = spelled(_below(self.ppo.learning_rate, STEADY_RATE))
        return self._typed(f"--set ppo.kl_coefficient={spelled(pull)}", f"--rl_learning_rate {rate}")

    def livelier(self) -> str:
        """A bonus for entropy."""
        bonus = 2 * self.ppo.entropy_coefficient or 0.01
        rate = spelled(_below(self.ppo.learning_rate, STEADY_RATE))
        return self._typed(f"--set ppo.entropy_coefficient={spelled(bonus)}", f"--rl_learning_rate {rate}")

    def exact(self) -> str:
        """Log-probabilities at full precision and at the temperature that the model was trained at."""
        return self._typed("--set backbone.precision=no", "--set ppo.temperature=1.0")

    def faster_critic(self) -> str:
        """A higher rate of the critic."""
        rate = self.ppo.critic_learning_rate
        return self._typed(f"--critic_learning_rate {spelled(CRITIC_RATE if rate < CRITIC_RATE else 2 * rate)}")

    def other_weights(self) -> str:
        """The guide's weights; where they are in use, a higher rate of the policy."""
        if all(self.rewards.get(name) == weight for name, weight in BALANCED.items()):
            rate = self.ppo.learning_rate
            return self._typed(f"--rl_learning_rate {spelled(BOLD_RATE if rate < BOLD_RATE else 2 * rate)}")
        return self._typed(*(f"--{name}_weight {spelled(weight)}" for name, weight in BALANCED.items()))

    def heavier(self, component: str) -> str:
        """More weight for one component."""
        weight = spelled(1.5 * self.rewards.get(component, 0.0) or 1.0)
        flag = f"--{component}_weight {weight}" if component in FLAGGED else f"--reward {component}={weight}"
        return self._typed(flag)

    def longer(self) -> str:
        """Room for longer responses."""
        return self._typed(f"--set prompt.resp_max_length={2 * self.resp_max_length}")

    def typed_after(self, command: str, fix: str) -> str:
        """One of these remedies with another beginning.

        Args:
            command: what is typed before its flags instead.
            fix: the remedy.
        """
        return command + fix.removeprefix(self.command)

    def _typed(self, *flags: str) -> str:
        return " ".join((self.command, *flags))


def spelled(value: float) -> str:
    """A number as the guide types it: 0.1, 5e-6, 1.0."""
    if float(value).is_integer():
        return f"{value:.1f}"
    return _LEADING_ZEROS.sub(r"e\1", f"{value:g}")


def _below(present: float, guide: float) -> float:
    """The guide's figure, or half of the present one where that is no higher."""
    return guide if present > guide else present / 2
