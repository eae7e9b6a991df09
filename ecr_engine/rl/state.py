"""What a training needs to be taken up exactly, in files without pickle.

| file | what |
|---|---|
| `trainer/values.safetensors` | the value function, if there is one |
| `trainer/policy_optimizer.safetensors`, `trainer/value_optimizer.safetensors` | moments and step counts |
| `trainer/state.json` | the update, the KL weight, the running statistics of the scores, the best so far |

There is no other state: what is drawn, in which order, with which seeds, the learning rates and the position in the
curriculum are functions of the seed and the update, and dropout is off.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ecr_engine.models.tensors import load_module, load_optimizer, save_module, save_optimizer
from ecr_engine.rl.scaling import RunningStatistics

FOLDER = "trainer"


@dataclass(frozen=True, slots=True)
class Facts:
    """The numbers of a training's state.

    Attributes:
        step: updates made.
        kl_coefficient: weight of the KL penalty as it is now.
        scores: running statistics of the scores.
        best_step: update with the best validation reward; 0 for none yet.
        best_reward: that reward.
    """

    step: int
    kl_coefficient: float
    scores: RunningStatistics
    best_step: int
    best_reward: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What the optimizers change beside the policy, and the optimizers themselves.

    Attributes:
        values: the value function; None for none.
        policy_optimizer: over the policy's weights.
        value_optimizer: over the value function's weights; None without one.
    """

    values: nn.Module | None
    policy_optimizer: Any
    value_optimizer: Any | None


def write_trained(folder: Path, trained: Trained, facts: Facts) -> None:
    """Writes the files of a training's state into `folder/trainer`, which does not exist yet."""
    state = folder / FOLDER
    state.mkdir()
    save_optimizer(trained.policy_optimizer, state / "policy_optimizer.safetensors")
    if trained.values is not None and trained.value_optimizer is not None:
        save_module(trained.values, state / "values.safetensors")
        save_optimizer(trained.value_optimizer, state / "value_optimizer.safetensors")
    (state / "state.json").write_text(json.dumps(asdict(facts), indent=2) + "\n", encoding="utf-8")


def read_trained(folder: Path, trained: Trained) -> Facts:
    """Restores the modules and optimizers of `trained` in place, and returns the numbers."""
    state = folder / FOLDER
    load_optimizer(trained.policy_optimizer, state / "policy_optimizer.safetensors")
    if trained.values is not None and trained.value_optimizer is not None:
        load_module(trained.values, state / "values.safetensors")
        load_optimizer(trained.value_optimizer, state / "value_optimizer.safetensors")
    facts = json.loads((state / "state.json").read_text(encoding="utf-8"))
    return Facts(**{**facts, "scores": RunningStatistics(**facts["scores"])})
