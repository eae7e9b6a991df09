"""Settings that are each in range but contradict one another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ecr_engine.config.adapters import target_layers
from ecr_engine.errors import Problem, UsageError

if TYPE_CHECKING:
    from ecr_engine.config.resolve import Origin, Resolved

_LAYERS = ("default", "profile", "project file", "--config", "environment", "--set", "flag")
"""Layers from the lowest to the highest."""


def check_together(resolved: Resolved) -> list[Problem]:
    """What no layer can see by itself: a problem for each contradiction, at the value that was given last.

    Shapes are looked at only where they are used: a pretrained model brings its own.

    Args:
        resolved: the settings of all layers.
    """
    return [
        *_backbone_shape(resolved),
        *_adapters(resolved),
        *_critic_shape(resolved),
        *_minibatches(resolved),
        *_groups(resolved),
        *_weights(resolved),
        *_lengths(resolved),
        *_shares(resolved),
    ]


def _backbone_shape(resolved: Resolved) -> list[Problem]:
    backbone = resolved.settings.backbone
    # Rotary position embeddings turn pairs of a head's numbers, so a head has an even number of them.
    unit = 2 * backbone.heads
    if backbone.name != "tiny" or backbone.hidden_size % unit == 0:
        return []
    return [
        Problem(
            f"backbone.hidden_size {backbone.hidden_size} does not divide into {backbone.heads} heads of an even size",
            _place(resolved, "backbone.hidden_size", "backbone.heads"),
            f"--set backbone.hidden_size={_multiple(backbone.hidden_size, unit)}",
        )
    ]


def _adapters(resolved: Resolved) -> list[Problem]:
    backbone = resolved.settings.backbone
    problems = []
    if backbone.quantisation != "none" and backbone.adapter == "none":
        problems.append(
            Problem(
                f"{backbone.quantisation} weights can't be trained: backbone.quantisation needs an adapter",
                _place(resolved, "backbone.adapter", "backbone.quantisation"),
                "--set backbone.adapter=lora, or --set backbone.quantisation=none",
            )
        )
    try:
        target_layers(resolved.settings.lora.targets)
    except UsageError as error:
        found = error.problems[0]
        problems.append(Problem(found.what, _place(resolved, "lora.targets"), found.fix))
    return problems


def _critic_shape(resolved: Resolved) -> list[Problem]:
    critic = resolved.settings.critic
    if critic.encoder != "small" or critic.hidden_size % critic.heads == 0:
        return []
    return [
        Problem(
            f"critic.hidden_size {critic.hidden_size} does not divide into {critic.heads} heads",
            _place(resolved, "critic.hidden_size", "critic.heads"),
            f"--set critic.hidden_size={_multiple(critic.hidden_size, critic.heads)}",
        )
    ]


def _minibatches(resolved: Resolved) -> list[Problem]:
    batch, minibatch = resolved.settings.ppo.batch_size, resolved.settings.ppo.minibatch_size
    # A batch below the minibatch is one minibatch.
    if batch <= minibatch or batch % minibatch == 0:
        return []
    return [
        Problem(
            f"ppo.batch_size {batch} is no multiple of ppo.minibatch_size {minibatch}",
            _place(resolved, "ppo.batch_size", "ppo.minibatch_size"),
            f"--set ppo.minibatch_size={math.gcd(batch, minibatch)}",
        )
    ]


def _groups(resolved: Resolved) -> list[Problem]:
    batch, samples = resolved.settings.ppo.batch_size, resolved.settings.ppo.samples_per_prompt
    if batch % samples == 0:
        return []
    return [
        Problem(
            f"ppo.batch_size {batch} is no multiple of ppo.samples_per_prompt {samples}",
            _place(resolved, "ppo.batch_size", "ppo.samples_per_prompt"),
            f"--set ppo.samples_per_prompt={group_that_fits(batch, samples)}",
        )
    ]


def group_that_fits(batch: int, wanted: int) -> int:
    """Responses to a prompt that divide a batch: as many as wanted or fewer, but more than one where that can be.

    Args:
        batch: rollouts in a batch.
        wanted: responses to a prompt, at least 1.
    """
    sizes = [size for size in range(2, batch + 1) if batch % size == 0]
    return max((size for size in sizes if size <= wanted), default=min(sizes, default=1))


def _weights(resolved: Resolved) -> list[Problem]:
    weights = resolved.settings.rewards
    if any(weight > 0 for weight in weights.values()):
        return []
    keys = [f"rewards.{name}" for name in weights]
    return [
        Problem(
            "every reward weight is 0: there is nothing to learn from",
            _place(resolved, *keys),
            "give one a weight, such as --set rewards.empathy=2.0",
        )
    ]


def _lengths(resolved: Resolved) -> list[Problem]:
    options = resolved.settings.reward_options
    if options.length_shortest <= options.length_longest:
        return []
    return [
        Problem(
            f"the shortest good response has {options.length_shortest} words, the longest {options.length_longest}",
            _place(resolved, "reward_options.length_shortest", "reward_options.length_longest"),
            f"--set reward_options.length_shortest={options.length_longest}",
        )
    ]


def _shares(resolved: Resolved) -> list[Problem]:
    data = resolved.settings.data
    total = data.validation_share + data.test_share
    if total < 1:
        return []
    return [
        Problem(
            f"data.validation_share and data.test_share leave no training dialogue: they make {total:g}",
            _place(resolved, "data.validation_share", "data.test_share"),
            "set them to a sum below 1, such as --set data.validation_share=0.1 --set data.test_share=0.15",
        )
    ]


def _multiple(size: int, unit: int) -> int:
    """The smallest multiple of `unit` that is no less than `size`."""
    return unit * math.ceil(size / unit)


def _place(resolved: Resolved, *keys: str) -> str:
    """Where the one of `keys` stands that the highest layer set; the later key of two in the same layer."""
    ranked = sorted((resolved.origins[key] for key in keys), key=_rank)
    origin = ranked[-1]
    return f"environment variable {origin.where}" if origin.layer == "environment" else origin.where


def _rank(origin: Origin) -> int:
    return _LAYERS.index(origin.layer)
