"""What a PPO training needs to be taken up exactly, beside the policy's own files.

| file | what |
|---|---|
| `trainer/values.safetensors` | the value function, if there is one |
| `trainer/policy_optimizer.safetensors`, `trainer/value_optimizer.safetensors` | moments and step counts |
| `trainer/random.safetensors` | every random generator, for the code of others: a custom reward may draw |
| `trainer/state.json` | the update, the KL weight, the running statistics of the scores, the best, the last responses |

There is no other state: what is drawn, in which order, with which seeds, the learning rates and the position in the
curriculum are functions of the seed and the update, and dropout is off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ecr_engine.models.training_state import Parts, read_state, write_state
from ecr_engine.rl.scaling import RunningStatistics


@dataclass(frozen=True, slots=True)
class Facts:
    """The numbers of a training's state.

    Attributes:
        step: updates made.
        kl_coefficient: weight of the KL penalty as it is now.
        scores: running statistics of the scores.
        best_step: update with the best validation reward; 0 for none yet.
        best_reward: that reward.
        width: rollouts in one forward pass of an update; less than the settings say once memory has run out.
        roll_width: the same while rolling out.
        recent: the last responses, each with the index of its example, where a credit for diversity counts them.
    """

    step: int
    kl_coefficient: float
    scores: RunningStatistics
    best_step: int
    best_reward: float
    width: int
    roll_width: int
    recent: tuple[tuple[int, Sequence[int]], ...] = ()


@dataclass(frozen=True, slots=True)
class Trained:
    """What the optimizers change beside the policy, and the optimizers themselves.

    Attributes:
        values: the value function; None for none.
        policy_optimizer: over the policy's weights.
        value_optimizer: over the value function's weights; None without one.
        scaler: the scale of losses in fp16; None in other precisions.
    """

    values: nn.Module | None
    policy_optimizer: Any
    value_optimizer: Any | None
    scaler: Any | None = None

    @property
    def parts(self) -> Parts:
        """The same by the names of their files."""
        optimizers = {"policy": self.policy_optimizer, "value": self.value_optimizer}
        return Parts(
            {name: found for name, found in optimizers.items() if found is not None},
            {} if self.values is None else {"values": self.values},
            self.scaler,
        )


def write_trained(folder: Path, trained: Trained, facts: Facts) -> None:
    """Writes the files of a training's state into `folder/trainer`, which does not exist yet."""
    write_state(folder, trained.parts, asdict(facts))


def read_trained(folder: Path, trained: Trained) -> Facts:
    """Restores the modules and optimizers of `trained` in place, and returns the numbers.

    Raises:
        DataError: the folder has no state, or that of another training.
    """
    found = read_state(folder, trained.parts)
    scores = RunningStatistics(**found["scores"])
    recent = tuple((example, ids) for example, ids in found.get("recent", ()))
    return Facts(**{**found, "scores": scores, "best_reward": float(found["best_reward"]), "recent": recent})
