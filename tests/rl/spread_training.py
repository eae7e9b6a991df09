"""Trains the toys in however many processes there are, and writes what came of it: started by `test_processes.py`.

The number of a process is in RANK; only the first writes.
"""

import json
import sys
from pathlib import Path

import torch
from rl_toys import timeless, toy
from safetensors.torch import save_file
from tiny_models import Recorder, tiny_backbone

from ecr_engine.config.sections.training import BaselineSettings
from ecr_engine.data.prompts import Encoded
from ecr_engine.models.placement import make_accelerator
from ecr_engine.runs import processes
from ecr_engine.training.sft import BaselineTrainer

PPO = {
    # Uneven micro-batches, an entropy bonus, both value functions, and groups.
    "critic": {"micro_batch_size": 2, "entropy_coefficient": 0.01, "reward_scaling": "running_std"},
    "trunk": {"micro_batch_size": 1, "value": "trunk", "critic_warmup_steps": 1, "kl_controller": "adaptive"},
    "rloo": {"micro_batch_size": 4, "estimator": "rloo", "samples_per_prompt": 4},
}


def sft(recorder):
    """Eleven examples in batches of four and five: the last batch has fewer examples than there are processes."""
    backbone = tiny_backbone(hidden=16)
    rows = [Encoded([1, *range(5, 7 + place)], [*range(20, 22 + place), 2]) for place in range(9)]
    settings = BaselineSettings(batch_size=4, micro_batch_size=2, epochs=2, warmup_steps=1, learning_rate=0.01)
    trainer = BaselineTrainer(
        backbone,
        settings,
        make_accelerator(torch.device("cpu"), "no"),
        seed=0,
        scaled=False,
        emit=recorder,
        save=lambda *_args, **_named: None,
    )
    trainer.train(rows, rows[:3])
    return backbone.model


def main(folder):
    weights, events = {}, {}
    for name, changes in PPO.items():
        made = toy(batch_size=8, minibatch_size=4, **changes).steps(3)
        weights |= {f"{name}.{key}": value for key, value in made.policy.model.state_dict().items()}
        if made.trainer.learner.body is not None:
            weights |= {f"{name}.value.{key}": value for key, value in made.trainer.learner.body.state_dict().items()}
        events[name] = timeless(made.recorder)
    recorder = Recorder()
    weights |= {f"sft.{key}": value for key, value in sft(recorder).state_dict().items()}
    events["sft"] = timeless(recorder)
    if processes.is_first():
        save_file({name: value.detach().clone() for name, value in weights.items()}, folder / "weights.safetensors")
        (folder / "events.json").write_text(json.dumps(events))
    processes.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
