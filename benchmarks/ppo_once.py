"""PPO updates of the engine on a causal LM and given prompts, once, as one process: time by phase and peak memory.

    python benchmarks/ppo_once.py --model DIR --prompts FILE --precision bf16 [--lora]

What is timed is `PPOTrainer.train_step`, the whole of an update: answering, scoring, measuring, the epochs. Responses
run to the limit, stop token or not, since the peer's do. All weights are trained unless `--lora` is given; the value
function is a head on the trunk; the reward is the composite of the built-in lexical components. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.models.adapters import lora_of
from ecr_engine.models.backbone import load_backbone
from ecr_engine.models.generation import Decoding, Generation, generate
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.policies import adapt
from ecr_engine.rewards.composition import Composer
from ecr_engine.rl.reference import reference_of
from ecr_engine.rl.trainer import PPOTrainer, Prompts

NO_STOP = -1
WEIGHTS = {"distinct": 0.5, "empathy": 2.0, "recommendation": 1.5, "format": 1.0, "relevance": 1.0}


def examples_of(texts: list[str]) -> list[Example]:
    """Examples whose context is one text each; there is no reference to compare a response with."""
    return [
        Example(
            example_id=f"{row}:1",
            conversation_id=str(row),
            turn=1,
            context=(Turn(Role.SEEKER, text, text),),
            target="",
            items=(),
            mentioned=(),
            emotions=(),
            source="prompts",
            line=row + 1,
        )
        for row, text in enumerate(texts)
    ]


def make_trainer(arguments: argparse.Namespace) -> PPOTrainer:
    """The engine's trainer, as a run's RL stage builds it, but for the stop token."""
    accelerator = make_accelerator(torch.device("cpu"), arguments.precision)
    policy = load_backbone(str(arguments.model))
    if arguments.lora:
        adapt(policy, lora_of(16, 32.0, 0.0, "all"), seed=0)
    texts = json.loads(arguments.prompts.read_text(encoding="utf-8"))
    composer = Composer({name: weight for name, weight in WEIGHTS.items() if name != "relevance"})

    def score(samples: list[Sample]) -> Any:
        reward = composer.score(samples)
        return reward.total, dict(reward.components)

    settings = PPOSettings(
        batch_size=arguments.batch,
        minibatch_size=arguments.batch,
        micro_batch_size=arguments.micro_batch or arguments.batch,
        epochs=arguments.epochs,
        learning_rate=1e-6,
        warmup_steps=0,
        critic_warmup_steps=0,
        value="trunk",
    )
    trainer = PPOTrainer(
        policy=policy,
        reference=reference_of(policy, accelerator.autocast),
        critic=None,
        score=score,
        prompts=Prompts(
            examples_of(texts), [policy.tokenizer(text)["input_ids"] for text in texts], arguments.response
        ),
        settings=settings,
        accelerator=accelerator,
        seed=0,
        scaled=False,
        emit=lambda *_args, **_values: None,
        save=lambda *_args: None,
        validate=lambda _model: {},
    )

    def answer(prompts: Any, decoding: Decoding, seeds: Any) -> Generation:
        policy.model.eval()
        return generate(policy.model, prompts, decoding, pad=policy.tokenizer.pad_token_id, stop=NO_STOP, seeds=seeds)

    trainer.roller.answer = answer
    return trainer


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True, help="a JSON list of texts")
    parser.add_argument("--precision", choices=("no", "bf16"), default="bf16")
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--micro-batch", type=int, default=None)
    parser.add_argument("--response", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--updates", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    trainer = make_trainer(arguments)
    answering = scoring = 0.0
    first_ratio = 1.0
    started, used = time.perf_counter(), time.process_time()
    for _ in range(arguments.updates):
        stats = trainer.train_step()
        first_ratio = max(first_ratio, stats.first_ratio, key=lambda ratio: abs(ratio - 1))
        answering += trainer.roller.seconds.answer
        scoring += trainer.roller.seconds.score + trainer.roller.seconds.measure
    seconds = (time.perf_counter() - started) / arguments.updates
    answering, scoring = answering / arguments.updates, scoring / arguments.updates
    print(
        json.dumps(
            {
                "who": "ours, LoRA" if arguments.lora else "ours",
                "samples_per_s": arguments.batch / seconds,
                "seconds": seconds,
                "rollout_s": answering,
                "scoring_s": scoring,
                "update_s": seconds - answering - scoring,
                "cpu_s": (time.process_time() - used) / arguments.updates,
                "response_tokens": arguments.response,
                "first_ratio": first_ratio,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
