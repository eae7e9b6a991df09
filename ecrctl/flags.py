"""Flags that set a setting, one table a command: flag, settings key, help.

The guide's flags keep their names, and each may be typed with `_` or `-`. A flag only knows its type; whether the
value is in range is for the settings to say, so that all mistakes of a command line are reported together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ecrctl.panels import Panel

Typed = Mapping[str, tuple[object, str]]
"""Settings key to (value, flag as the user knows it), for each flag that was given."""


@dataclass(frozen=True, slots=True)
class SettingFlag:
    """A flag that is another name for one settings key.

    Attributes:
        name: the parameter's name, with underscores.
        key: the settings key, such as `ppo.learning_rate`.
        kind: the type of its value; `bool` makes it a switch.
        metavar: what the help shows in the place of the value; empty for a switch.
        help: one sentence.
        panel: the help panel it is listed under.
    """

    name: str
    key: str
    kind: type
    metavar: str
    help: str
    panel: Panel = Panel.GUIDE

    @property
    def flag(self) -> str:
        """The flag as help shows it."""
        return "--" + self.name.replace("_", "-")


GENERAL = (
    SettingFlag(
        "backbone",
        "backbone.name",
        str,
        "NAME",
        "Language model: a registered Llama, a folder or a hub id.",
        Panel.WHAT,
    ),
    SettingFlag(
        "skip_bad", "data.skip_bad", bool, "", "Skip dialogues that can't be read; they are counted.", Panel.WHAT
    ),
    SettingFlag("seed", "seed", int, "INTEGER", "Seed of everything random.", Panel.SETTINGS),
    SettingFlag("device", "device", str, "auto|cpu|cuda", "Where models run.", Panel.SETTINGS),
)

_PROMPT = (
    SettingFlag("context_max_length", "prompt.context_max_length", int, "TOKENS", "Prompt tokens at most."),
    SettingFlag("resp_max_length", "prompt.resp_max_length", int, "TOKENS", "Response tokens at most."),
)

TRAIN_BASELINE = (
    *_PROMPT,
    SettingFlag("per_device_train_batch_size", "baseline.micro_batch_size", int, "N", "Examples in one forward pass."),
    SettingFlag("num_train_epochs", "baseline.epochs", int, "N", "Passes over the training split at most."),
    SettingFlag("learning_rate", "baseline.learning_rate", float, "RATE", "Peak learning rate."),
    SettingFlag("num_warmup_steps", "baseline.warmup_steps", int, "N", "Steps of linear warm-up."),
)

RL_TRAIN = (
    SettingFlag("rl_learning_rate", "ppo.learning_rate", float, "RATE", "Peak learning rate of the policy."),
    SettingFlag("rl_batch_size", "ppo.batch_size", int, "N", "Rollouts in one update."),
    SettingFlag("rl_max_steps", "ppo.max_steps", int, "N", "PPO updates."),
    SettingFlag("bleu_weight", "rewards.bleu", float, "WEIGHT", "Weight of the bleu component."),
    SettingFlag("empathy_weight", "rewards.empathy", float, "WEIGHT", "Weight of the empathy component."),
    SettingFlag(
        "recommendation_weight", "rewards.recommendation", float, "WEIGHT", "Weight of the recommendation component."
    ),
    SettingFlag("distinct_weight", "rewards.distinct", float, "WEIGHT", "Weight of the distinct component."),
    SettingFlag("ppo_clip_epsilon", "ppo.clip_epsilon", float, "RANGE", "Range of the policy ratio."),
    SettingFlag("ppo_epochs", "ppo.epochs", int, "N", "Passes over each batch of rollouts."),
    SettingFlag("critic_learning_rate", "ppo.critic_learning_rate", float, "RATE", "Learning rate of the critic."),
    SettingFlag("per_device_train_batch_size", "ppo.micro_batch_size", int, "N", "Rollouts in one forward pass."),
    SettingFlag(
        "on_warning",
        "health.on_warning",
        str,
        "stop|continue",
        "What a warning of the health watch does; divergence always ends the training.",
        Panel.HOW,
    ),
)

EVAL_RUN = (
    SettingFlag("split", "evaluation.split", str, "valid|test", "The held-out split."),
    SettingFlag("per_device_eval_batch_size", "evaluation.batch_size", int, "N", "Responses generated at a time."),
    *_PROMPT,
)

JUDGE = (SettingFlag("judge", "judge.name", str, "NAME", "The judge.", Panel.WHAT),)
