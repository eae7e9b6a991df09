"""Whether the fast update computes what PPO says: against a plain float32 implementation written for this purpose.

    python benchmarks/ppo_check.py --model DIR --prompts FILE

The plain one is one page: transformers' own forward pass, one unpadded sequence at a time, whole logits, sums written
out as the papers have them. It shares no code with the engine. Compared in float32: log-probs, the reference's, KL,
values, advantages, policy loss, value loss and the policy's gradient. In bf16: the ratio at the first minibatch. Exits
with 1 if anything is further off than allowed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from ppo_once import make_trainer
from torch import Tensor

from ecr_engine.rl.types import Episode, Rollout

ALLOWED = 1e-4
ALLOWED_RATIO = 0.02


class Plain(NamedTuple):
    """What the plain implementation says of a batch; lists have one tensor [T] an episode."""

    log_probs: list[Tensor]
    reference: list[Tensor]
    values: list[Tensor]
    advantages: list[Tensor]
    policy_loss: float
    value_loss: float


def sequence(model: Any, head: Any, prompt: list[int], answer: list[int]) -> tuple[Tensor, Tensor]:
    """Log-probs and values [T] of one response, by transformers, unpadded."""
    ids = torch.tensor([prompt + answer])
    output = model(input_ids=ids, output_hidden_states=True, use_cache=False)
    states = output.hidden_states[-1][0, len(prompt) - 1 : -1]
    logs = torch.log_softmax(output.logits[0, len(prompt) - 1 : -1].float(), -1)
    return logs[torch.arange(len(answer)), torch.tensor(answer)], head(states.detach().float())[:, 0]


def plain(model: Any, head: Any, reference: list[Tensor], episodes: list[Episode], settings: Any) -> Plain:
    """The whole update up to its first losses, whose gradient it leaves in the model."""
    beta, gamma, lam, total = settings.kl_coefficient, settings.gamma, settings.gae_lambda, 0
    logs, values, advantages, returns = [], [], [], []
    with torch.no_grad():
        for episode, other in zip(episodes, reference, strict=True):
            log, value = sequence(model, head, episode.prompt, episode.response)
            reward = -beta * (log - other)
            reward[-1] += episode.score
            length = len(log)
            ahead = torch.cat([value[1:], torch.zeros(1)])
            delta = reward + gamma * ahead - value
            # The definition: A_t = sum over k of (gamma * lambda)^k * delta_{t+k}.
            advantage = torch.stack(
                [sum((gamma * lam) ** (k - t) * delta[k] for k in range(t, length)) for t in range(length)]
            )
            logs.append(log)
            values.append(value)
            advantages.append(advantage)
            returns.append(advantage + value)
            total += length
    every = torch.cat(advantages)
    scaled = [(advantage - every.mean()) / math.sqrt(float(every.var()) + 1e-8) for advantage in advantages]
    model.zero_grad()
    policy_loss = value_loss = 0.0
    for episode, old, value, advantage, wanted in zip(episodes, logs, values, scaled, returns, strict=True):
        log, now = sequence(model, head, episode.prompt, episode.response)
        ratio = torch.exp(log - old)
        low, high = 1 - settings.clip_epsilon, 1 + settings.clip_epsilon
        loss = -torch.minimum(ratio * advantage, ratio.clamp(low, high) * advantage).sum() / total
        loss.backward()
        clipped = value + (now - value).clamp(-settings.value_clip, settings.value_clip)
        error = torch.maximum((now - wanted) ** 2, (clipped - wanted) ** 2)
        policy_loss += float(loss.detach())
        value_loss += float(0.5 * error.sum().detach()) / total
    return Plain(logs, reference, values, scaled, policy_loss, value_loss)


def gradient(model: Any) -> dict[str, Tensor]:
    """The gradients of a model's weights, by name; the model is left without any."""
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    return found


def largest(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """The largest difference between two lists of tensors."""
    return max(float((one - other).abs().max()) for one, other in zip(ours, theirs, strict=True))


def distance(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """Length of the difference of two gradients over all weights, as a share of the second's length."""
    apart = sum(float((ours[name] - other).square().sum()) for name, other in theirs.items())
    return math.sqrt(apart / sum(float(other.square().sum()) for other in theirs.values()))


def compare(arguments: argparse.Namespace) -> dict[str, float]:
    """The differences in float32, by name."""
    trainer = make_trainer(arguments)
    model, head = trainer.policy.model, trainer.learner.body.head
    reference_weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    torch.manual_seed(0)
    with torch.no_grad():
        # A policy that has left its reference behind, and a value function that says something.
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.02 * weight.std())
        head.weight.normal_(0.0, 0.05)
    episodes = trainer.roller.roll(trainer._draw(), trainer.prompts.examples)
    rollout: Rollout = trainer._rollout(episodes, None)
    moved = {name: weight.clone() for name, weight in model.state_dict().items()}
    model.load_state_dict(reference_weights)
    with torch.no_grad():
        reference = [sequence(model, head, e.prompt, e.response)[0] for e in episodes]
    model.load_state_dict(moved)
    wanted = plain(model, head, reference, episodes, trainer.settings)
    theirs = gradient(model)
    count = float(rollout.tokens.response_mask.sum())
    sums = trainer.updater._gradients(rollout, range(len(episodes)), count, train_policy=True)
    ours = gradient(model)
    lengths = [len(episode.response) for episode in episodes]
    kl = [e.log_probs - e.reference_log_probs for e in episodes]
    return {
        "log-probs": largest([e.log_probs for e in episodes], wanted.log_probs),
        "log-probs of the reference": largest([e.reference_log_probs for e in episodes], wanted.reference),
        "KL": largest(kl, [a - b for a, b in zip(wanted.log_probs, reference, strict=True)]),
        "values": largest([e.values for e in episodes], wanted.values),
        "advantages": largest(
            [rollout.advantages[row, :length] for row, length in enumerate(lengths)], wanted.advantages
        ),
        "policy loss": abs(sums.policy_loss / count - wanted.policy_loss),
        "value loss": abs(sums.value_loss / count - wanted.value_loss),
        "the gradient, relative": distance(ours, theirs),
    }


def main() -> None:
    """Compares, prints, and exits with 1 where something is further off than allowed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True, help="a JSON list of texts")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--response", type=int, default=40)
    given = parser.parse_args()
    common = {**vars(given), "micro_batch": 4, "epochs": 1, "lora": False}
    torch.set_num_threads(os.cpu_count() or 1)
    found = compare(argparse.Namespace(**common, precision="no"))
    for name, difference in found.items():
        print(f"float32, largest difference of {name:28} {difference:.1e}")
    trainer = make_trainer(argparse.Namespace(**common, precision="bf16"))
    ratio = trainer.train_step().first_ratio
    print(f"bf16, mean ratio at the first minibatch {ratio:.6f}")
    print(json.dumps({**found, "first_ratio": ratio}))
    if max(found.values()) > ALLOWED or abs(ratio - 1) > ALLOWED_RATIO:
        sys.exit(f"further off than {ALLOWED} (ratio: {ALLOWED_RATIO})")


if __name__ == "__main__":
    main()
