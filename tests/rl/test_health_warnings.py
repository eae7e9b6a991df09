"""Each warning as a pure function: on histories worked out by hand, and on the noise of healthy trainings."""

from __future__ import annotations

import math

import pytest
from health_histories import COMMAND, first_finding, remedies, steps

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.errors import UsageError
from ecr_engine.rl.health.finding import WARNINGS
from ecr_engine.rl.health.history import Step

STEADIER = f"{COMMAND} --ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6"


def test_the_warnings_there_are():
    assert WARNINGS.names() == [
        "component_falling",
        "critic_not_learning",
        "entropy_collapse",
        "kl_beyond_band",
        "lengths_at_limit",
        "not_finite",
        "policy_loss_rising",
        "reward_flat",
    ]
    with pytest.raises(UsageError, match="unknown health warning 'reward_flatt'"):
        WARNINGS.build("reward_flatt", HealthSettings(), remedies())


@pytest.mark.parametrize("name", WARNINGS.names())
@pytest.mark.parametrize("seed", range(4))
def test_none_fires_on_a_healthy_training(name, seed):
    assert first_finding(name, steps(250, noise_of=seed)) is None


@pytest.mark.parametrize("name", WARNINGS.names())
def test_none_fires_where_there_is_no_critic(name):
    history = [
        Step(step.number, {key: value for key, value in step.values.items() if not key.startswith("value/")})
        for step in steps(120, noise_of=1)
    ]
    assert first_finding(name, history) is None


@pytest.mark.parametrize("name", WARNINGS.names())
def test_none_fires_on_a_few_updates_or_on_values_it_does_not_know(name):
    assert first_finding(name, steps(2)) is None
    bare = [Step(number, {"objective/reward": 0.5}) for number in range(1, 81)]
    # Only a reward that does not rise can be seen in the reward alone, and not without a policy that learns.
    assert first_finding(name, bare) is None


def test_the_policy_loss_rises():
    # -0.017 up to update 20, then 0.1 more at each: three in a row are 0.05 above it at update 23.
    found = first_finding("policy_loss_rising", steps(30, lambda s: {"policy/loss": -0.017 + 0.1 * max(0, s - 20)}))
    assert found is not None
    step, finding = found
    assert (step, finding.since, finding.diverged) == (23, 21, False)
    assert finding.what == (
        "the policy loss rose from -0.0170 (mean of 10 updates) to 0.0830, 0.1830, 0.2830 in the last 3"
    )
    assert finding.fix == STEADIER


def test_a_slow_rise_of_the_policy_loss_is_none():
    # 0.001 an update: the last but two is 5.5 updates from the middle of the ten before it, which is 0.0055.
    assert first_finding("policy_loss_rising", steps(60, lambda s: {"policy/loss": -0.05 + 0.001 * s})) is None


def test_a_rise_within_the_spread_is_none():
    history = steps(60, lambda s: {"policy/loss": 0.4 * (s % 2)})
    assert first_finding("policy_loss_rising", history) is None


def test_the_critics_warm_up_is_no_rise():
    # While the policy is not trained, its loss is 0, above the -0.1 that it has afterwards.
    idle = {"train/grad_norm": 0.0, "policy/loss": 0.0}
    history = steps(30, lambda s: {"policy/loss": -0.1} if s < 15 else idle)
    assert first_finding("policy_loss_rising", history) is None


def test_the_critic_does_not_learn():
    found = first_finding("critic_not_learning", steps(40, lambda s: {"value/explained_variance": -0.125}))
    assert found is not None
    step, finding = found
    assert (step, finding.since) == (30, 30)
    assert finding.what == (
        "the critic explains -0.125 of the variance of the returns "
        "(mean of the last 10 updates; 1 is all, 0 is what a constant does)"
    )
    assert finding.fix == f"{COMMAND} --critic_learning_rate 2e-5"


def test_the_critic_has_time_to_learn():
    history = steps(120, lambda s: {"value/explained_variance": 0.0 if s <= 20 else 0.3})
    assert first_finding("critic_not_learning", history) is None


def test_a_critic_has_nothing_to_learn_from_equal_rewards():
    flat = {"value/explained_variance": 0.0, "objective/reward_std": 0.0}
    assert first_finding("critic_not_learning", steps(60, lambda s: flat)) is None


def test_a_constant_reward():
    found = first_finding("reward_flat", steps(20, lambda s: {"objective/reward": 0.5, "objective/reward_std": 1e-17}))
    assert found is not None
    assert found[0] == 10
    assert found[1].what == "all responses of the last 10 updates got the same reward, 0.5000"
    assert found[1].fix == f"{COMMAND} --bleu_weight 0.5 --empathy_weight 1.0 --recommendation_weight 0.5"


def test_batches_of_one_response_have_no_spread_and_are_not_flat():
    history = steps(40, lambda s: {"objective/reward": 0.3 + 0.01 * s, "objective/reward_std": 0.0})
    assert first_finding("reward_flat", history) is None


def test_a_reward_that_does_not_rise():
    # 0.4 and 0.5 by turns: 13 and 12 of them in the first 25, 12 and 13 in the last, so the means differ by 0.004.
    found = first_finding("reward_flat", steps(60, lambda s: {"objective/reward": 0.5 if s % 2 else 0.4}))
    assert found is not None
    assert found[0] == 50
    # Variance of 25 values 0.1 apart: 0.01 * 12 * 13 / 25 / 24 = 0.0026; the error is sqrt(2 * 0.0026 / 25).
    assert found[1].what == (
        "after 50 updates the mean reward is 0.4480, at the start it was 0.4520 "
        "(means of 25 updates, standard error 0.0144)"
    )


def test_a_moving_weight_moves_the_total_so_it_is_not_compared():
    def ramp(step):
        return {"objective/reward": 0.5 - 0.001 * step, "rewards/empathy/weight": 0.01 * step}

    assert first_finding("reward_flat", steps(120, ramp)) is None
    assert first_finding("component_falling", steps(120, lambda s: {**ramp(s), "rewards/bleu/mean": -0.01 * s})) is None


def test_harder_dialogues_make_the_reward_fall_so_it_is_not_compared():
    history = steps(120, lambda s: {"objective/reward": 0.5 - 0.001 * s, "curriculum/open": 10.0 * s})
    assert first_finding("reward_flat", history) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite(value):
    found = first_finding("not_finite", steps(9, lambda s: {"policy/loss": value if s == 7 else -0.01}))
    assert found is not None
    step, finding = found
    assert (step, finding.since, finding.diverged) == (7, 7, True)
    assert finding.what == f"policy/loss is {value}"
    assert finding.fix == STEADIER


def test_gradients_that_are_never_finite():
    found = first_finding("not_finite", steps(20, lambda s: {"train/skipped_steps": 4.0 if s >= 8 else 0.0}))
    assert found is not None
    step, finding = found
    assert (step, finding.since, finding.diverged) == (10, 8, True)
    assert finding.what == "in each of the last 3 updates a gradient was not finite"


def test_a_skipped_step_now_and_then_is_no_divergence():
    assert first_finding("not_finite", steps(40, lambda s: {"train/skipped_steps": float(s % 3 == 0)})) is None


def test_values_that_are_not_finite_are_for_one_warning_to_tell():
    history = steps(60, lambda s: dict.fromkeys(("objective/reward", "policy/loss", "objective/kl"), math.nan))
    for name in set(WARNINGS.names()) - {"not_finite"}:
        assert first_finding(name, history) is None


def test_the_kl_leaves_its_band():
    # 17 tokens a response: 0.5 nats a token is 8.5 nats, which 1.0 an update passes at update 9.
    found = first_finding("kl_beyond_band", steps(20, lambda s: {"objective/kl": 1.0 * s}))
    assert found is not None
    step, finding = found
    assert (step, finding.since, finding.diverged) == (11, 9, False)
    assert finding.what == "the KL to the reference is 0.647 nats a token (bound 0.5, beyond it for 3 updates)"
    assert finding.fix == f"{COMMAND} --set ppo.kl_coefficient=0.1 --rl_learning_rate 5e-6"


def test_one_update_beyond_the_band_may_be_chance():
    history = steps(40, lambda s: {"objective/kl": 12.0 if s % 3 == 0 else 1.0})
    assert first_finding("kl_beyond_band", history) is None


def test_the_kl_explodes():
    found = first_finding("kl_beyond_band", steps(9, lambda s: {"objective/kl": 102.0 if s == 6 else 1.0}))
    assert found is not None
    step, finding = found
    assert (step, finding.since, finding.diverged) == (6, 6, True)
    assert finding.what == "the KL to the reference exploded to 6.000 nats a token (bound 5, beyond it for this update)"
    assert finding.fix == STEADIER


def test_a_negative_kl_means_two_distributions():
    found = first_finding("kl_beyond_band", steps(9, lambda s: {"objective/kl": -1.7}))
    assert found is not None
    assert found[0] == 3
    assert found[1].what == "the KL to the reference is -0.100 nats a token (bound -0.05, beyond it for 3 updates)"
    assert found[1].fix == f"{COMMAND} --set backbone.precision=no --set ppo.temperature=1.0"


def test_updates_that_move_the_policy_too_far():
    found = first_finding("kl_beyond_band", steps(9, lambda s: {"policy/approx_kl": 0.05 * s}))
    assert found is not None
    step, finding = found
    assert (step, finding.since) == (5, 3)
    assert finding.what == (
        "one update moves the policy by a KL of 0.250 nats a token (bound 0.1, beyond it for 3 updates)"
    )
    assert finding.fix == STEADIER


def test_the_entropy_collapses():
    # 2.0 at the start; 30 % of it is 0.6, which 2.04 - 0.1 (s - 3) falls below at update 18.
    falling = steps(30, lambda s: {"objective/entropy": 2.0 if s <= 3 else 2.04 - 0.1 * (s - 3)})
    found = first_finding("entropy_collapse", falling)
    assert found is not None
    step, finding = found
    assert (step, finding.since) == (20, 18)
    assert finding.what == (
        "the entropy is 0.340 nats a token, 17% of the 2.000 at the start (bound 30%, below it for 3 updates)"
    )
    assert finding.fix == f"{COMMAND} --set ppo.entropy_coefficient=0.01 --rl_learning_rate 5e-6"


def test_an_entropy_that_only_falls_somewhat():
    history = steps(60, lambda s: {"objective/entropy": max(0.7, 2.0 - 0.05 * s)})
    assert first_finding("entropy_collapse", history) is None


def test_lengths_at_the_limit():
    found = first_finding("lengths_at_limit", steps(9, lambda s: {"completions/clipped_ratio": 0.5}))
    assert found is not None
    step, finding = found
    assert (step, finding.since) == (3, 1)
    assert finding.what == (
        "50% of the responses of the last 3 updates end at the limit of 60 tokens (bound 30%, mean length 17.0)"
    )
    assert finding.fix == f"{COMMAND} --set prompt.resp_max_length=120"


def test_a_component_falls_while_the_total_rises():
    # The total of `steps` rises by 0.001 an update without noise; bleu falls by 0.002 an update.
    found = first_finding("component_falling", steps(40, lambda s: {"rewards/bleu/mean": 0.3 - 0.002 * s}))
    assert found is not None
    step, finding = found
    # The means of the first and the last ten lie n - 10 updates apart: a fall of more than 0.02 takes 11, at update
    # 21. Ten numbers 0.002 apart have a variance of 4e-6 * 9.1667, so four errors of the difference of two means are
    # 4 * sqrt(2 * 4e-6 * 9.1667 / 10) = 0.0108, which is less; for the total, 0.001 apart, they are 0.0054.
    assert (step, finding.since) == (21, 12)
    assert finding.what == (
        "the component bleu fell from 0.289 to 0.267 while the total rose from 0.406 to 0.416 "
        "(means of the first and the last 10 updates)"
    )
    assert finding.fix == f"{COMMAND} --bleu_weight 1.5"


def test_a_penalty_that_deepens_is_a_fall_and_has_no_flag_of_its_own():
    found = first_finding("component_falling", steps(40, lambda s: {"rewards/format/mean": -0.01 * s}))
    assert found is not None
    assert found[1].what.startswith("the component format fell from -0.055 to ")
    assert found[1].fix == f"{COMMAND} --reward format=1.5"


def test_the_deepest_fall_is_told():
    history = steps(40, lambda s: {"rewards/bleu/mean": 0.3 - 0.005 * s, "rewards/format/mean": -0.02 * s})
    found = first_finding("component_falling", history)
    assert found is not None
    assert found[1].what.startswith("the component format fell")


def test_a_component_that_falls_with_the_total_is_no_bargain():
    history = steps(60, lambda s: {"objective/reward": 0.5 - 0.001 * s, "rewards/bleu/mean": 0.3 - 0.002 * s})
    assert first_finding("component_falling", history) is None


class TestRemedies:
    """The guide's figures, and a step further where they are in use."""

    def test_where_the_guides_figures_are_in_use(self):
        in_use = remedies(
            clip_epsilon=0.1, epochs=2, learning_rate=5e-6, critic_learning_rate=2e-5, entropy_coefficient=0.02
        )
        assert in_use.steadier() == f"{COMMAND} --ppo_clip_epsilon 0.05 --ppo_epochs 1 --rl_learning_rate 2.5e-6"
        assert in_use.faster_critic() == f"{COMMAND} --critic_learning_rate 4e-5"
        assert in_use.livelier().startswith(f"{COMMAND} --set ppo.entropy_coefficient=0.04 ")

    def test_where_the_guides_weights_are_in_use(self):
        in_use = remedies(rewards={"bleu": 0.5, "empathy": 1.0, "recommendation": 0.5, "distinct": 0.5})
        assert in_use.other_weights() == f"{COMMAND} --rl_learning_rate 2e-5"

    def test_a_component_without_weight_gets_one(self):
        assert remedies(rewards={}).heavier("safety") == f"{COMMAND} --reward safety=1.0"

    def test_a_penalty_of_zero_becomes_one(self):
        assert remedies(kl_coefficient=0.0).closer().startswith(f"{COMMAND} --set ppo.kl_coefficient=0.05 ")
