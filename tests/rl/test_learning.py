"""Each estimator learns a toy reward: the share of one word, from one in sixteen to 95 % of the most there is."""

import statistics

import pytest
from rl_toys import constant, share_of_good, toy
from tiny_models import same_weights

from ecr_engine.rl.estimator import ESTIMATORS

MOST_UPDATES = 60
SIZES = {"batch_size": 32, "minibatch_size": 16, "micro_batch_size": 16, "kl_coefficient": 0.0, "max_steps": 60}


def group_of(name):
    return 4 if ESTIMATORS.build(name).needs_group else 1


@pytest.mark.parametrize("name", ESTIMATORS.names())
def test_each_estimator_learns_the_toy(name):
    made = toy(estimator=name, samples_per_prompt=group_of(name), **SIZES)
    rewards = made.series("objective/reward")
    while len(rewards) < MOST_UPDATES and statistics.fmean(rewards[-3:] or [0.0]) < 0.95:
        made.steps(1)
        rewards = made.series("objective/reward")
    assert statistics.fmean(rewards[:2]) < 0.15
    assert statistics.fmean(rewards[-3:]) >= 0.95


@pytest.mark.parametrize("name", ["rloo", "grpo"])
def test_without_a_critic_nothing_of_one_is_run_or_told(name):
    made = toy(estimator=name, samples_per_prompt=3, critic_warmup_steps=3)
    critic = made.critic
    critic.register_forward_pre_hook(lambda *_: pytest.fail("the critic was run"))
    critic.encode = lambda *_: pytest.fail("the critic read a context")
    made.steps(2)
    told = made.recorder.of("step")[-1][1]
    assert not [key for key in told if key.startswith("value/")]
    # There is no critic to wait for: the policy moves from the first update on.
    assert made.series("train/lr") == [0.01, 0.01]
    assert all(norm > 0 for norm in made.series("train/grad_norm"))
    assert made.trainer.learner.value_optimizer is None


@pytest.mark.parametrize("name", ESTIMATORS.names())
def test_a_constant_reward_moves_nothing(name):
    flat = {"kl_coefficient": 0.0, "gae_lambda": 1.0, "critic_learning_rate": 1e-12}
    made = toy(constant, estimator=name, samples_per_prompt=3, **flat).steps(3)
    assert same_weights(made.policy.model, made.start)


def test_each_prompt_of_a_batch_is_answered_by_its_group():
    made = toy(share_of_good, estimator="rloo", samples_per_prompt=3)
    seen = []
    roll = made.trainer.roller.roll

    def watched(prompts, examples):
        seen.append(prompts)
        return roll(prompts, examples)

    made.trainer.roller.roll = watched
    made.steps(4)
    for prompts in seen:
        examples = [prompt.example for prompt in prompts]
        # Two prompts in a batch of six, three rows each, side by side, and no two rows with one seed.
        assert examples == [examples[0]] * 3 + [examples[3]] * 3
        assert [prompt.index for prompt in prompts] == list(range(6))
        assert len({prompt.seed for prompt in prompts}) == 6
    # Seven examples, two an update: after four updates one has been drawn twice.
    drawn = [prompts[place].example for prompts in seen for place in (0, 3)]
    assert sorted(drawn[:7]) == list(range(7))


def test_the_value_of_the_trunk_trains_it_only_if_so_set():
    assert toy(value="trunk", trunk_gradient=True).trainer.learner.body.trunk_gradient
    assert not toy(value="trunk").trainer.learner.body.trunk_gradient
