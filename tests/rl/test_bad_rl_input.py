"""What a training refuses before its first rollout, with its text; and odd input that has a defined result."""

import dataclasses
import math
import re

import pytest
from rl_toys import EXAMPLES, PROMPTS, constant, toy, word_tokenizer
from tiny_models import same_weights

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.errors import DataError, EcrError, ExitCode, UsageError
from ecr_engine.rl.checks import check_estimator, check_model, check_prompts, check_sizes
from ecr_engine.rl.types import Prompts


def problem(kind, call, *args):
    with pytest.raises(kind) as caught:
        call(*args)
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


@pytest.mark.parametrize(
    ("changes", "what", "at", "fix"),
    [
        ({"estimator": "rlo"}, "unknown estimator 'rlo'", "", "did you mean 'rloo'?"),
        (
            {"batch_size": 10, "samples_per_prompt": 4},
            "ppo.batch_size 10 is no multiple of ppo.samples_per_prompt 4",
            "ppo.samples_per_prompt",
            "--set ppo.samples_per_prompt=2",
        ),
        (
            {"batch_size": 7, "minibatch_size": 7, "samples_per_prompt": 2},
            "ppo.batch_size 7 is no multiple of ppo.samples_per_prompt 2",
            "ppo.samples_per_prompt",
            "--set ppo.samples_per_prompt=7",
        ),
        (
            {"estimator": "rloo"},
            "rloo compares the responses to one prompt, and ppo.samples_per_prompt is 1",
            "ppo.samples_per_prompt",
            "--set ppo.samples_per_prompt=4",
        ),
        (
            {"estimator": "grpo", "batch_size": 9},
            "grpo compares the responses to one prompt, and ppo.samples_per_prompt is 1",
            "ppo.samples_per_prompt",
            "--set ppo.samples_per_prompt=3",
        ),
        (
            {"estimator": "grpo", "batch_size": 1},
            "grpo compares the responses to one prompt, and ppo.samples_per_prompt is 1",
            "ppo.samples_per_prompt",
            "--set ppo.samples_per_prompt=4 --set ppo.batch_size=4",
        ),
    ],
)
def test_estimators_with_nothing_to_work_with(changes, what, at, fix):
    assert problem(UsageError, check_estimator, PPOSettings(**changes)) == (what, at, fix)


@pytest.mark.parametrize(
    ("sizes", "processes", "what", "fix"),
    [
        # 6 is the next that three can share, and divides 12.
        ((12, 4, 1), 3, "a minibatch of 4 rollouts", "--set ppo.minibatch_size=6"),
        # 6 does not divide 8.
        ((8, 4, 1), 3, "a minibatch of 4 rollouts", "--set ppo.minibatch_size=6 --set ppo.batch_size=12"),
        # A batch below the minibatch is one minibatch, and a greater minibatch alone would change nothing.
        ((4, 32, 1), 3, "a minibatch of 4 rollouts", "--set ppo.minibatch_size=6 --set ppo.batch_size=6"),
        # Groups of four have to fit into the batch as well.
        ((4, 4, 4), 3, "a minibatch of 4 rollouts", "--set ppo.minibatch_size=6 --set ppo.batch_size=12"),
    ],
)
def test_minibatches_that_processes_can_not_share(sizes, processes, what, fix):
    settings = PPOSettings(**dict(zip(("batch_size", "minibatch_size", "samples_per_prompt"), sizes, strict=True)))
    found = problem(UsageError, check_sizes, settings, processes)
    assert found == (f"{what} does not divide among {processes} processes", "ppo.minibatch_size", fix)
    mended = {key.removeprefix("ppo."): int(value) for key, value in re.findall(r"(\S+)=(\d+)", fix)}
    check_sizes(settings.model_copy(update=mended), processes)


@pytest.mark.parametrize("name", ["gae", "rloo", "grpo"])
def test_groups_that_work(name):
    check_estimator(PPOSettings(estimator=name, samples_per_prompt=4))


def prompts(*, ids=PROMPTS, length=6, examples=EXAMPLES):
    return Prompts(examples, ids, length)


def test_prompts_with_which_there_is_nothing_to_do():
    assert problem(UsageError, check_prompts, prompts(ids=(), examples=())) == (
        "there are no training turns to roll out",
        "data",
        "give more dialogues: --data DIR",
    )
    assert problem(UsageError, check_prompts, prompts(length=0)) == (
        "a response limit of 0 tokens leaves nothing to learn from",
        "prompt.resp_max_length",
        "--set prompt.resp_max_length=60",
    )
    assert problem(DataError, check_prompts, prompts(ids=(*PROMPTS[:3], [], *PROMPTS[4:]))) == (
        "the prompt of turn 3:1 is empty: nothing of it is left after the truncation",
        "train_data.jsonl:1",
        "give prompts more room: --set prompt.context_max_length=256",
    )


def test_a_pad_token_that_is_the_stop_token_or_missing():
    tokenizer = word_tokenizer()
    fix = "give it a pad_token of its own in its tokenizer_config.json"
    reason = "padding could not be told from the end of a response"
    tokenizer.pad_token = tokenizer.eos_token
    found = problem(UsageError, check_model, tokenizer, 256, prompts())
    assert found == (
        f"the policy's tokenizer pads with its stop token '</s>': {reason}",
        "backbone.name",
        fix,
    )
    tokenizer.pad_token = None
    found = problem(UsageError, check_model, tokenizer, 256, prompts())
    assert found == (f"the policy's tokenizer has no pad token: {reason}", "backbone.name", fix)


def test_a_window_that_is_too_small():
    # The longest of the prompts has nine tokens.
    check_model(word_tokenizer(), 15, prompts(length=6))
    assert problem(UsageError, check_model, word_tokenizer(), 14, prompts(length=6)) == (
        "a prompt of 9 and a response of 6 tokens exceed the policy's window of 14",
        "prompt.context_max_length",
        "--set prompt.context_max_length=8",
    )


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"estimator": "rloo"}, "rloo compares the responses to one prompt"),
        ({"batch_size": 5, "minibatch_size": 3}, "ppo.batch_size 5 is no multiple of ppo.minibatch_size 3"),
        ({"length": 0}, "a response limit of 0 tokens"),
        ({"length": 250}, "a prompt of 9 and a response of 250 tokens exceed the policy's window of 256"),
    ],
)
def test_the_trainer_refuses_them_before_it_does_anything(arguments, what):
    with pytest.raises(EcrError, match=what) as caught:
        toy(**arguments)
    assert caught.value.exit_code == ExitCode.USAGE


def nothing(samples):
    return [0.0] * len(samples), {"zero": [0.0] * len(samples)}


@pytest.mark.parametrize("estimator", ["gae", "rloo", "grpo"])
def test_rewards_that_are_all_zero_teach_nothing(estimator):
    samples = 1 if estimator == "gae" else 3
    made = toy(nothing, estimator=estimator, samples_per_prompt=samples, kl_coefficient=0.0).steps(2)
    # The critic says 0 as well, so that each advantage is.
    assert same_weights(made.policy.model, made.start)
    assert made.series("objective/reward") == [0.0, 0.0]
    assert made.series("policy/loss") == [0.0, 0.0]
    assert all(math.isfinite(value) for _, values in made.recorder.of("step") for value in values.values())


@pytest.mark.parametrize("estimator", ["gae", "rloo", "grpo"])
def test_one_training_example_is_answered_again_and_again(estimator):
    samples = 1 if estimator == "gae" else 3
    made = toy(examples=EXAMPLES[:1], ids=PROMPTS[:1], estimator=estimator, samples_per_prompt=samples).steps(2)
    assert {values["example"] for _, values in made.recorder.of("sample")} == {"0:1"}
    assert not same_weights(made.policy.model, made.start)
    assert all(math.isfinite(value) for _, values in made.recorder.of("step") for value in values.values())


def test_one_rollout_in_a_batch_is_a_batch():
    made = toy(constant, batch_size=1, minibatch_size=1, epochs=1).steps(2)
    assert made.series("objective/reward") == [0.5, 0.5]
    assert made.series("objective/reward_std") == [0.0, 0.0]


def test_prompts_are_told_apart_by_their_line():
    moved = tuple(dataclasses.replace(example, line=place + 40) for place, example in enumerate(EXAMPLES))
    _, at, _ = problem(DataError, check_prompts, prompts(ids=(*PROMPTS[:5], [], *PROMPTS[6:]), examples=moved))
    assert at == "train_data.jsonl:45"
