"""What a training refuses before its first rollout. Imports no torch, so that settings can be checked at any time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.config.together import group_that_fits
from ecr_engine.errors import DataError, UsageError
from ecr_engine.rl.estimator import ESTIMATORS

if TYPE_CHECKING:
    from ecr_engine.rl.types import Prompts

GOOD_GROUP = 4
"""Responses to a prompt that are proposed where they have to be compared."""


def check_estimator(settings: PPOSettings) -> None:
    """Refuses an estimator that does not exist, or that the settings give nothing to work with.

    Raises:
        UsageError: with what to type instead.
    """
    estimator = ESTIMATORS.build(settings.estimator)
    samples, batch = settings.samples_per_prompt, settings.batch_size
    if batch % samples:
        raise UsageError(
            f"ppo.batch_size {batch} is no multiple of ppo.samples_per_prompt {samples}",
            at="ppo.samples_per_prompt",
            fix=f"--set ppo.samples_per_prompt={group_that_fits(batch, samples)}",
        )
    if estimator.needs_group and samples == 1:
        alone = f"--set ppo.samples_per_prompt={GOOD_GROUP} --set ppo.batch_size={GOOD_GROUP}"
        raise UsageError(
            f"{estimator.name} compares the responses to one prompt, and ppo.samples_per_prompt is 1",
            at="ppo.samples_per_prompt",
            fix=f"--set ppo.samples_per_prompt={group_that_fits(batch, GOOD_GROUP)}" if batch > 1 else alone,
        )


def check_sizes(settings: PPOSettings, processes: int) -> None:
    """Refuses batch sizes that do not divide.

    Raises:
        UsageError: with the setting's name and what to use instead.
    """
    # A batch below the minibatch is one minibatch: the guide's `--rl_batch_size 4` needs no second flag.
    minibatch = min(settings.minibatch_size, settings.batch_size)
    if settings.batch_size % minibatch:
        raise UsageError(
            f"ppo.batch_size {settings.batch_size} is no multiple of ppo.minibatch_size {minibatch}",
            at="ppo.minibatch_size",
            fix=f"--set ppo.minibatch_size={math.gcd(settings.batch_size, minibatch)}",
        )
    if minibatch % processes:
        raise UsageError(
            f"a minibatch of {minibatch} rollouts does not divide among {processes} processes",
            at="ppo.minibatch_size",
            fix=_sizes_for(settings, minibatch, processes),
        )


def _sizes_for(settings: PPOSettings, minibatch: int, processes: int) -> str:
    """The next greater minibatch that divides among processes, and where need be the next batch that it divides."""
    wanted = processes * math.ceil(minibatch / processes)
    unit = math.lcm(wanted, settings.samples_per_prompt)
    batch = unit * math.ceil(settings.batch_size / unit)
    fix = f"--set ppo.minibatch_size={wanted}"
    return fix if batch == settings.batch_size else f"{fix} --set ppo.batch_size={batch}"


def check_prompts(prompts: Prompts) -> None:
    """Refuses training contexts with which there is nothing to roll out.

    Raises:
        UsageError: there are none, or responses may have no token.
        DataError: one is empty; the error names its line.
    """
    if not prompts.examples:
        raise UsageError("there are no training turns to roll out", at="data", fix="give more dialogues: --data DIR")
    if prompts.resp_max_length < 1:
        raise UsageError(
            f"a response limit of {prompts.resp_max_length} tokens leaves nothing to learn from",
            at="prompt.resp_max_length",
            fix="--set prompt.resp_max_length=60",
        )
    for example, ids in zip(prompts.examples, prompts.ids, strict=True):
        if not ids:
            raise DataError(
                f"the prompt of turn {example.example_id} is empty: nothing of it is left after the truncation",
                at=f"{example.source}:{example.line}",
                fix="give prompts more room: --set prompt.context_max_length=256",
            )


def check_model(tokenizer: Any, window: int, prompts: Prompts) -> None:
    """Refuses a tokenizer that can't tell padding from an end, and prompts that leave no room for a response.

    Args:
        tokenizer: the policy's.
        window: positions of the policy.
        prompts: the training contexts.

    Raises:
        UsageError: with the reason.
    """
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        stop = tokenizer.eos_token
        what = "has no pad token" if tokenizer.pad_token_id is None else f"pads with its stop token '{stop}'"
        raise UsageError(
            f"the policy's tokenizer {what}: padding could not be told from the end of a response",
            at="backbone.name",
            fix="give it a pad_token of its own in its tokenizer_config.json",
        )
    longest = max(map(len, prompts.ids))
    if longest + prompts.resp_max_length > window:
        raise UsageError(
            f"a prompt of {longest} and a response of {prompts.resp_max_length} tokens exceed the policy's window "
            f"of {window}",
            at="prompt.context_max_length",
            fix=f"--set prompt.context_max_length={max(1, window - prompts.resp_max_length)}",
        )
