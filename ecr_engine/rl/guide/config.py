"""`RLConfig`: the guide's flags as one object, each of them a setting of this project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from ecr_engine.config.checks import check_layer
from ecr_engine.config.layers import flag_layer
from ecr_engine.config.settings import Settings
from ecr_engine.config.tables import dotted
from ecr_engine.errors import Problem, SettingsError, suggestion

_DEFAULTS: Mapping[str, Any] = dict(dotted(Settings().model_dump()))

_KEY = "key"
"""What a field's metadata calls the settings key."""


def _setting(key: str) -> Any:
    """A field that stands for the setting `key` and has its default."""
    return field(default=_DEFAULTS[key], metadata={_KEY: key})


@dataclass(frozen=True, kw_only=True, slots=True)
class RLConfig:
    """What the guide's commands take as flags; the defaults are those of the settings.

    A field is checked as the flag of the same name is. An unknown name is a `TypeError` that proposes the nearest one.

    Attributes:
        rl_learning_rate: `ppo.learning_rate`, peak learning rate of the policy.
        rl_batch_size: `ppo.batch_size`, rollouts in one update.
        rl_max_steps: `ppo.max_steps`, PPO updates.
        ppo_clip_epsilon: `ppo.clip_epsilon`, range of the policy ratio.
        ppo_epochs: `ppo.epochs`, passes over each batch of rollouts.
        critic_learning_rate: `ppo.critic_learning_rate`, learning rate of the critic.
        per_device_train_batch_size: `ppo.micro_batch_size`, rollouts in one forward pass.
        bleu_weight: `rewards.bleu`, weight of that component.
        empathy_weight: `rewards.empathy`.
        recommendation_weight: `rewards.recommendation`.
        distinct_weight: `rewards.distinct`.
        context_max_length: `prompt.context_max_length`, prompt tokens at most.
        resp_max_length: `prompt.resp_max_length`, response tokens at most.
        on_warning: `health.on_warning`, whether a warning of the health watch stops the training.
        seed: `seed`, of everything random.
        device: `device`, where models and tensors are; `auto` is turned into what is at hand, so that a tensor can
            be made on it.
        debug: log the breakdown of each reward, at level INFO to the logger `ecr_engine.rl.guide`. It is no setting.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
        UnavailableError: the device is not there.
    """

    rl_learning_rate: float = _setting("ppo.learning_rate")
    rl_batch_size: int = _setting("ppo.batch_size")
    rl_max_steps: int = _setting("ppo.max_steps")
    ppo_clip_epsilon: float = _setting("ppo.clip_epsilon")
    ppo_epochs: int = _setting("ppo.epochs")
    critic_learning_rate: float = _setting("ppo.critic_learning_rate")
    per_device_train_batch_size: int = _setting("ppo.micro_batch_size")
    bleu_weight: float = _setting("rewards.bleu")
    empathy_weight: float = _setting("rewards.empathy")
    recommendation_weight: float = _setting("rewards.recommendation")
    distinct_weight: float = _setting("rewards.distinct")
    context_max_length: int = _setting("prompt.context_max_length")
    resp_max_length: int = _setting("prompt.resp_max_length")
    on_warning: str = _setting("health.on_warning")
    seed: int = _setting("seed")
    device: str = _setting("device")
    debug: bool = False

    def __new__(cls, **given: object) -> Self:
        """Refuses names that are no field, with a hint that the built-in message does not have."""
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                raise TypeError(f"RLConfig has no '{name}': {suggestion(name, known)}")
        return object.__new__(cls)

    def __post_init__(self) -> None:
        """Checks the values, and finds the device."""
        from ecr_engine.models.backbone import pick_device

        problems = [problem for one in fields(self) if _KEY in one.metadata for problem in self._problems(one.name)]
        if problems:
            raise SettingsError(problems)
        object.__setattr__(self, "device", str(pick_device(self.device)))

    def settings(self) -> Settings:
        """The settings that this stands for; what the guide has no flag for has its default."""
        values = Settings().model_dump()
        for key, value in self._by_key().items():
            table, _, name = key.rpartition(".")
            (values[table] if table else values)[name] = value
        return Settings(**values)

    def _by_key(self) -> dict[str, Any]:
        """The value of each setting that has a field."""
        return {one.metadata[_KEY]: getattr(self, one.name) for one in fields(self) if _KEY in one.metadata}

    def _problems(self, name: str) -> list[Problem]:
        """What is wrong with a field, in the words that the command line has for it."""
        one = next(entry for entry in fields(self) if entry.name == name)
        value = getattr(self, name)
        found = check_layer(flag_layer(one.metadata[_KEY], value, name), {}).problems
        return [Problem(p.what, f"RLConfig({name}={value!r})", f"for example {name}={one.default!r}") for p in found]
