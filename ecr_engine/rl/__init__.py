"""Reinforcement learning: rollouts, rewards and critic in PPO.

`from ecr_engine.rl import RLConfig, PPOTrainer, CriticAgent, RewardCalculator` gives the names of the RL enhancement
guide. Each is imported when it is asked for, so that the package by itself loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecr_engine.rl.guide.config import RLConfig
    from ecr_engine.rl.guide.critic import CriticAgent
    from ecr_engine.rl.guide.rewards import RewardCalculator
    from ecr_engine.rl.trainer import PPOTrainer

__all__ = ["CriticAgent", "PPOTrainer", "RLConfig", "RewardCalculator"]

_PLACES = {
    "CriticAgent": "ecr_engine.rl.guide.critic",
    "PPOTrainer": "ecr_engine.rl.trainer",
    "RLConfig": "ecr_engine.rl.guide.config",
    "RewardCalculator": "ecr_engine.rl.guide.rewards",
}
"""The module that each name of the guide lives in."""


def __getattr__(name: str) -> object:
    """A name of the guide, imported now (PEP 562).

    Raises:
        AttributeError: it is none of them.
    """
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """The names of the module, those that are not imported yet included."""
    return sorted({*globals(), *__all__})
