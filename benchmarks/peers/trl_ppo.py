"""TRL's PPO on a causal LM and given prompts: what ours is compared with.

Runs in a virtual environment of its own, with trl 1.11.0, the last release line that has a PPO:

    python -m venv build/trl
    build/trl/bin/pip install torch==2.13.0 trl==1.11.0 "transformers>=5" accelerate datasets
    build/trl/bin/python benchmarks/peers/trl_ppo.py --model DIR --prompts FILE --precision bf16

Policy, reference, value and reward model are all of MODEL, as in TRL's own example; one minibatch. Prints one JSON
object. Time is that of `train()` alone; the phases are told apart by the functions that TRL spends them in.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer


class Clock:
    """Seconds spent in functions, by phase, and the tokens of the responses."""

    def __init__(self) -> None:
        self.seconds = {"rollout": 0.0, "scoring": 0.0}
        self.tokens = 0
        self.responses = 0

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added to a phase."""

        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            result = function(*args, **kwargs)
            self.seconds[phase] += time.perf_counter() - started
            return result

        return call

    def counted(self, generate: Callable[..., Any]) -> Callable[..., Any]:
        """`batch_generation`, its responses' tokens counted."""

        def call(model: Any, queries: Any, *args: Any) -> Any:
            answered, logits = generate(model, queries, *args)
            self.tokens += (answered.shape[1] - queries.shape[1]) * len(queries)
            self.responses += len(queries)
            return answered, logits

        return call


def make_trainer(arguments: argparse.Namespace) -> PPOTrainer:
    """TRL's trainer on the given model and prompts."""
    tokenizer = AutoTokenizer.from_pretrained(arguments.model, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    prompts = json.loads(arguments.prompts.read_text(encoding="utf-8"))
    episodes = arguments.batch * arguments.updates
    rows = [tokenizer(prompt)["input_ids"] for prompt in prompts]
    dataset = Dataset.from_dict({"input_ids": (rows * (episodes // len(rows) + 1))[:episodes]})

    def scalar() -> torch.nn.Module:
        kind = AutoModelForSequenceClassification
        model = kind.from_pretrained(arguments.model, num_labels=1, dtype=torch.float32)
        model.config.pad_token_id = tokenizer.pad_token_id
        return model

    def causal() -> torch.nn.Module:
        return AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)

    config = PPOConfig(
        output_dir=tempfile.mkdtemp(prefix="trl-ppo-"),
        per_device_train_batch_size=arguments.batch,
        local_rollout_forward_batch_size=arguments.batch,
        gradient_accumulation_steps=1,
        num_mini_batches=1,
        num_ppo_epochs=arguments.epochs,
        total_episodes=episodes,
        response_length=arguments.response,
        learning_rate=1e-6,
        num_sample_generations=0,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=arguments.precision == "bf16",
        gradient_checkpointing=False,
    )
    return PPOTrainer(
        args=config,
        processing_class=tokenizer,
        model=causal(),
        ref_model=causal(),
        reward_model=scalar(),
        value_model=scalar(),
        train_dataset=dataset,
        eval_dataset=dataset.select(range(min(arguments.batch, len(dataset)))),
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True, help="a JSON list of texts")
    parser.add_argument("--precision", choices=("no", "bf16"), default="bf16")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--response", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--updates", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    trainer = make_trainer(arguments)
    clock = Clock()
    ppo_trainer.batch_generation = clock.timed("rollout", clock.counted(ppo_trainer.batch_generation))
    ppo_trainer.get_reward = clock.timed("scoring", ppo_trainer.get_reward)
    started = time.perf_counter()
    trainer.train()
    seconds = (time.perf_counter() - started) / arguments.updates
    rollout, scoring = (clock.seconds[phase] / arguments.updates for phase in ("rollout", "scoring"))
    print(
        json.dumps(
            {
                "who": "trl",
                "samples_per_s": arguments.batch / seconds,
                "seconds": seconds,
                "rollout_s": rollout,
                "scoring_s": scoring,
                "update_s": seconds - rollout - scoring,
                "response_tokens": clock.tokens / clock.responses,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
