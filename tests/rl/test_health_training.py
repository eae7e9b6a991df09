"""Trainings that go wrong on purpose: each is named for what it is."""

from __future__ import annotations

import math
import random

import pytest
from health_histories import COMMAND
from rl_toys import constant, share_of_good, toy

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.errors import DivergedError, ExitCode
from ecr_engine.rl.health.remedies import Remedies
from ecr_engine.rl.health.watch import Ground, HealthWatch

QUICK = {"window": 5, "flat_updates": 8, "critic_updates": 6, "cool_down": 100}
"""Bounds for trainings of a few updates."""


def watched(score=share_of_good, *, health=None, length=6, **changes):
    """A toy training with a watch over it."""
    made = toy(score, length=length, **changes)
    made.trainer.watch = HealthWatch(
        HealthSettings(**{**QUICK, **(health or {})}),
        Remedies(COMMAND, made.trainer.settings, {}, length),
        made.recorder,
        last_healthy=lambda since: Ground(f"healthy before {since}", "from there"),
    )
    return made


def by_chance(seed):
    """A reward that nothing can be learned from."""
    rng = random.Random(seed)
    return lambda samples: ([rng.random() for _ in samples], {})


def names(made):
    return {values["name"] for _, values in made.recorder.of("warning") if "name" in values}


def test_a_training_that_goes_well_gets_no_warning():
    # The lengths are not the point of this toy: its responses have no end to find.
    made = watched(
        max_steps=10, health={"clipped_ratio_high": 1.0, "kl_high": 3.0, "flat_updates": 50, "critic_updates": 30}
    ).steps(10)
    assert made.series("objective/reward")[-1] > made.series("objective/reward")[0]
    assert names(made) == set()


def test_a_learning_rate_that_is_far_too_high_leaves_the_band():
    made = watched(max_steps=12, learning_rate=1.0, max_grad_norm=100.0, health={"clipped_ratio_high": 1.0})
    made.steps(8)
    assert "kl_beyond_band" in names(made)
    (found,) = [values for _, values in made.recorder.of("warning") if values.get("name") == "kl_beyond_band"]
    assert "KL" in found["what"]
    assert found["fix"].startswith(COMMAND)


def test_an_explosion_of_the_kl_ends_the_training_with_code_6():
    made = watched(max_steps=12, learning_rate=1.0, max_grad_norm=100.0, policy_scale=4.0, health={"kl_explosion": 2.0})
    with pytest.raises(DivergedError) as caught:
        made.steps(12)
    problem = caught.value.problems[0]
    assert caught.value.exit_code is ExitCode.DIVERGED
    assert problem.what.startswith("the KL to the reference exploded to ")
    assert problem.at == f"rl, update {made.trainer.step}; healthy before {made.trainer.step}"
    assert problem.fix.startswith("from there --ppo_clip_epsilon ")


def test_a_constant_reward_is_flat():
    made = watched(constant, max_steps=8).steps(6)
    (found,) = [(step, v["what"]) for step, v in made.recorder.of("warning") if v.get("name") == "reward_flat"]
    assert found == (5, "all responses of the last 5 updates got the same reward, 0.5000")


def test_a_reward_by_chance_does_not_rise():
    made = watched(by_chance(3), max_steps=20).steps(12)
    (found,) = [values["what"] for _, values in made.recorder.of("warning") if values.get("name") == "reward_flat"]
    assert "updates the mean reward is 0." in found


def test_a_critic_whose_rate_is_next_to_nothing_does_not_learn():
    made = watched(by_chance(1), critic_learning_rate=1e-12, max_steps=10).steps(6)
    assert made.recorder.of("warning")[-1][1]["what"] == (
        "the critic explains 0.000 of the variance of the returns "
        "(mean of the last 5 updates; 1 is all, 0 is what a constant does)"
    )


def test_a_limit_that_is_too_short_cuts_the_responses():
    made = watched(length=2, max_steps=6).steps(3)
    (found,) = [values for _, values in made.recorder.of("warning") if values.get("name") == "lengths_at_limit"]
    assert "end at the limit of 2 tokens (bound 30%" in found["what"]
    assert found["fix"] == f"{COMMAND} --set prompt.resp_max_length=4"


def test_a_policy_that_says_one_word_has_lost_its_entropy():
    made = watched(
        max_steps=40, kl_coefficient=0.0, learning_rate=0.06, health={"clipped_ratio_high": 1.0, "kl_high": 9.0}
    ).steps(16)
    assert "entropy_collapse" in names(made)


def test_a_component_that_pays_for_the_total():
    def bargain(samples):
        good, _ = share_of_good(samples)
        variety = [len(set(sample.response.split())) / 8 for sample in samples]
        return [2 * a + 0.2 * b for a, b in zip(good, variety, strict=True)], {"good": good, "variety": variety}

    made = watched(
        bargain,
        max_steps=40,
        kl_coefficient=0.0,
        learning_rate=0.06,
        health={"clipped_ratio_high": 1.0, "kl_high": 9.0, "entropy_share": 0.0, "deviations": 3.0},
    ).steps(16)
    found = [values for _, values in made.recorder.of("warning") if values.get("name") == "component_falling"]
    assert len(found) == 1
    assert found[0]["what"].startswith("the component variety fell from ")
    assert found[0]["fix"] == f"{COMMAND} --reward variety=1.0"


def test_a_gradient_that_is_never_finite_is_divergence():
    made = watched(max_steps=9, epochs=1)
    made.policy.model.lm_head.weight.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(DivergedError) as caught:
        made.steps(9)
    assert caught.value.problems[0].what == "in each of the last 3 updates a gradient was not finite"
    assert made.trainer.step == 3


def test_a_reward_that_is_not_a_number_is_named_by_the_watch():
    made = watched(lambda samples: ([math.nan] * len(samples), {}))
    with pytest.raises(DivergedError) as caught:
        made.steps(1)
    assert "objective/reward is nan" in caught.value.problems[0].what
    assert names(made) == {"not_finite"}
