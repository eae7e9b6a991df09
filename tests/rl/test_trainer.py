"""The training loop: that it learns, that it leaves alone what it must, and that it can be taken up exactly."""

import json
import math
import statistics

import pytest
import torch
from rl_toys import GOOD, constant, share_of_good, timeless, toy
from safetensors.torch import load_file
from tiny_models import same_weights

from ecr_engine.errors import DivergedError, ExitCode

LEARNING = {"batch_size": 32, "minibatch_size": 16, "micro_batch_size": 16, "max_steps": 15}
KINDS = ["critic", "trunk"]


@pytest.mark.parametrize("value", KINDS)
def test_a_toy_reward_rises_and_the_weights_move(value):
    made = toy(value=value, kl_coefficient=0.0, missing_stop_penalty=0.0, **LEARNING).steps(15)
    rewards = made.series("objective/reward")
    # One word in sixteen at the start.
    assert statistics.fmean(rewards[:2]) < 0.15
    assert statistics.fmean(rewards[-3:]) > 0.6
    assert not same_weights(made.policy.model, made.start)
    _, last = made.recorder.of("sample")[-1]
    assert last["response"].split().count(GOOD) >= 3
    assert made.series("rewards/good/mean") == pytest.approx(rewards)
    assert "rewards/nothing/mean" not in made.recorder.of("step")[0][1]


def test_the_kl_weight_holds_the_policy_back():
    free = toy(kl_coefficient=0.0, **LEARNING).steps(12).series("objective/kl")
    held = toy(kl_coefficient=1.0, **LEARNING).steps(12).series("objective/kl")
    assert statistics.fmean(free[-3:]) > 4 * abs(statistics.fmean(held[-3:]))


def test_a_constant_reward_without_kl_weight_moves_nothing():
    flat = {"kl_coefficient": 0.0, "missing_stop_penalty": 0.0, "gae_lambda": 1.0, "critic_learning_rate": 1e-12}
    made = toy(constant, **flat).steps(4)
    # Every advantage is 0.5 - 0, and whitened 0: there is nothing to learn.
    assert same_weights(made.policy.model, made.start)


def test_a_constant_reward_moves_the_policy_by_noise_only_while_the_critic_learns():
    changes = {"kl_coefficient": 0.0, "missing_stop_penalty": 0.0, **LEARNING}
    noise = toy(constant, **changes).steps(12).series("objective/kl_k3")[-1]
    signal = toy(share_of_good, **changes).steps(12).series("objective/kl_k3")[-1]
    assert signal > 5 * noise


@pytest.mark.parametrize("value", KINDS)
def test_the_reference_stays_bit_equal_and_gets_no_gradient(value):
    made = toy(value=value).steps(3)
    assert same_weights(made.reference, made.start)
    assert all(weight.grad is None and not weight.requires_grad for weight in made.reference.parameters())
    assert not same_weights(made.policy.model, made.reference)


def test_the_first_ratio_is_1_and_the_first_kl_0():
    made = toy(temperature=0.7, dropout=0.5).steps(3)
    assert made.series("policy/first_ratio") == pytest.approx([1.0] * 3, abs=1e-4)
    assert made.series("objective/kl")[0] == pytest.approx(0.0, abs=1e-4)
    assert made.series("objective/kl_k3")[0] == pytest.approx(0.0, abs=1e-4)
    assert abs(made.series("objective/kl_k3")[2]) > 1e-4


def test_in_the_critics_warm_up_only_the_critic_learns():
    made = toy(critic_warmup_steps=2).steps(2)
    assert same_weights(made.policy.model, made.start)
    assert made.series("train/grad_norm") == [0.0, 0.0]
    assert all(norm > 0 for norm in made.series("value/grad_norm"))
    assert made.trainer.learner.body.critic.value_head.weight.norm() > 0
    made.steps(1)
    assert not same_weights(made.policy.model, made.start)


def test_learning_rates_rise_and_fall_by_the_straight_lines():
    made = toy(learning_rate=0.01, warmup_steps=2, max_steps=4, schedule="linear").steps(4)
    # min(1, (step + 1) / 2) * (1 - step / 4) of 0.01
    assert made.series("train/lr") == pytest.approx([0.005, 0.0075, 0.005, 0.0025])
    made = toy(learning_rate=0.01, warmup_steps=4, max_steps=4, schedule="constant").steps(4)
    assert made.series("train/lr") == pytest.approx([0.0025, 0.005, 0.0075, 0.01])


def test_the_policy_warms_up_after_the_critic_has():
    made = toy(learning_rate=0.01, warmup_steps=2, critic_warmup_steps=2, max_steps=4, schedule="constant").steps(4)
    assert made.series("train/lr") == pytest.approx([0.0, 0.0, 0.005, 0.01])


def test_adam_has_the_epsilon_of_ppo_and_no_weight_decay():
    trainer = toy(critic_learning_rate=0.003).trainer
    for optimizer in (trainer.learner.policy_optimizer, trainer.learner.value_optimizer):
        assert [(group["eps"], group["weight_decay"]) for group in optimizer.param_groups] == [(1e-5, 0.0)]
    assert trainer.learner.rates == (0.01, 0.003)


def test_the_rate_of_full_tuning_is_a_share_of_that_for_adapters():
    assert toy(full_tuning_factor=0.25, critic_learning_rate=0.003).trainer.learner.rates == (0.0025, 0.003)


def test_the_kl_weight_adapts_and_is_told():
    made = toy(kl_controller="adaptive", kl_coefficient=0.1, kl_target=3.0, kl_horizon=100.0).steps(3)
    # The KL stays far below its target: every update of 6 responses takes 0.2 * 6 / 100.
    assert made.series("objective/kl_coefficient") == pytest.approx([0.1, 0.1 * 0.988, 0.1 * 0.988**2])


def test_values_of_the_batch_by_hand():
    made = toy(missing_stop_penalty=0.25, score=lambda samples: ([2.0] * len(samples), {"two": [2.0] * len(samples)}))
    rolled = []
    roll = made.trainer.roller.roll
    made.trainer.roller.roll = lambda *args: rolled.extend(roll(*args)) or list(rolled)
    made.steps(1)
    ((step, values),) = made.recorder.of("step")
    unfinished = sum(not episode.finished for episode in rolled)
    tokens = [len(episode.response) for episode in rolled]
    assert step == 1
    assert 0 < unfinished < 6
    assert values["objective/reward"] == 2.0
    assert values["objective/score"] == pytest.approx(2.0 - 0.25 * unfinished / 6)
    assert values["completions/clipped_ratio"] == pytest.approx(unfinished / 6)
    assert values["completions/mean_length"] == pytest.approx(sum(tokens) / 6)
    spread = [float(entropy) for episode in rolled for entropy in episode.entropy]
    assert len(spread) == sum(tokens)
    assert values["objective/entropy"] == pytest.approx(statistics.fmean(spread), rel=1e-5)
    assert (values["rewards/two/mean"], values["rewards/two/std"]) == (2.0, 0.0)
    assert made.recorder.of("progress") == [(1, {"done": 1, "total": 4, "what": "updates"})]


def test_a_gradient_that_is_not_finite_is_told_and_training_goes_on():
    made = toy(epochs=1)
    weight = made.policy.model.lm_head.weight
    handle = weight.register_hook(lambda gradient: gradient * math.nan)
    made.steps(1)
    assert made.series("train/skipped_steps") == [2.0]
    assert same_weights(made.policy.model, made.start)
    assert made.recorder.of("warning") == [
        (
            1,
            {
                "what": "a gradient was not finite: the optimizer step was skipped",
                "fix": "--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6",
            },
        )
    ]
    handle.remove()
    made.steps(1)
    assert made.series("train/skipped_steps") == [2.0, 0.0]
    assert not same_weights(made.policy.model, made.start)


def test_a_bad_gradient_of_the_critic_is_no_divergence_either():
    made = toy(epochs=1)
    made.trainer.learner.body.critic.value_head.weight.register_hook(lambda gradient: gradient * math.inf)
    made.steps(1)
    assert made.series("train/skipped_steps") == [2.0]
    assert len(made.recorder.of("warning")) == 1


def test_a_reward_that_is_not_finite_ends_the_training():
    made = toy(lambda samples: ([math.nan] * len(samples), {}))
    with pytest.raises(DivergedError) as caught:
        made.steps(1)
    problem = caught.value.problems[0]
    assert caught.value.exit_code is ExitCode.DIVERGED
    assert problem.what.startswith("objective/reward, ")
    assert problem.what.endswith(" not finite at update 1")
    assert problem.at == "rl, update 1"
    assert problem.fix == "--ppo_clip_epsilon 0.1 --ppo_epochs 2 --rl_learning_rate 5e-6"


def test_validations_and_checkpoints_come_when_they_are_due():
    rewards = iter([0.2, 0.1, 0.5, 0.4, 0.5])
    made = toy(
        validate=lambda model: {"eval/reward": next(rewards), "eval/components_below": 0.0},
        max_steps=7,
        validate_every=2,
    )
    result = made.trainer.train(save_every=3)
    assert [step for step, _ in made.recorder.of("validation")] == [0, 2, 4, 6, 7]
    # The best at 4; every third; the last, which only equals the best.
    assert made.saves == [
        (3, {}, False),
        (4, {"eval/reward": 0.5, "eval/components_below": 0.0}, True),
        (6, {}, False),
        (7, {}, False),
    ]
    assert (result.steps, result.best_step, result.best_reward) == (7, 4, 0.5)


def test_a_policy_that_gave_up_a_component_is_not_the_best():
    found = iter(((0.1, 0), (0.9, 1), (0.5, 0)))

    def validate(model):
        reward, below = next(found)
        return {"eval/reward": reward, "eval/components_below": float(below)}

    made = toy(validate=validate, max_steps=2, validate_every=1)
    result = made.trainer.train(save_every=100)
    assert (result.best_step, result.best_reward) == (2, 0.5)
    assert [(step, best) for step, _, best in made.saves] == [(2, True)]


def test_a_policy_that_never_beats_the_baseline_has_no_best():
    made = toy(validate=lambda model: {"eval/reward": 0.3, "eval/components_below": 0.0}, max_steps=2, validate_every=1)
    result = made.trainer.train(save_every=100)
    assert made.saves == [(2, {}, False)]
    assert (result.best_step, result.best_reward) == (0, 0.3)


RESUMED = [
    {"value": "critic", "schedule": "linear", "warmup_steps": 3},
    {"value": "trunk", "kl_controller": "adaptive", "kl_target": 0.5, "entropy_coefficient": 0.01},
    {"value": "critic", "critic_warmup_steps": 3},
    {"estimator": "rloo", "samples_per_prompt": 3, "reward_scaling": "running_std"},
]


@pytest.mark.parametrize("changes", RESUMED)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, changes):
    straight = toy(dropout=0.1, **changes).steps(4)
    first = toy(dropout=0.1, **changes).steps(2)
    (tmp_path / "at2").mkdir()
    first.trainer.write_state(tmp_path / "at2")
    second = toy(dropout=0.1, **changes)
    torch.manual_seed(12345)  # Another process has another random state.
    second.trainer.restore(tmp_path / "at2")
    assert second.trainer.step == 2
    second.steps(2)
    assert timeless(first.recorder) + timeless(second.recorder) == timeless(straight.recorder)
    for made, name in ((straight, "straight"), (second, "resumed")):
        (tmp_path / name).mkdir()
        made.trainer.write_state(tmp_path / name)
    files = [path.relative_to(tmp_path / "straight") for path in (tmp_path / "straight").rglob("*") if path.is_file()]
    whole = {"model.safetensors", "trainer/policy_optimizer.safetensors", "trainer/state.json"}
    if "estimator" not in changes:
        whole |= {"trainer/values.safetensors", "trainer/value_optimizer.safetensors"}
    assert {path.as_posix() for path in files} >= whole
    for path in files:
        if path.suffix == ".safetensors":
            one, other = load_file(tmp_path / "straight" / path), load_file(tmp_path / "resumed" / path)
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one), path
        else:
            assert (tmp_path / "straight" / path).read_bytes() == (tmp_path / "resumed" / path).read_bytes(), path


def test_the_best_so_far_is_part_of_the_state(tmp_path):
    rewards = iter([0.1, 0.7])
    made = toy(validate=lambda model: {"eval/reward": next(rewards), "eval/components_below": 0.0}, max_steps=1)
    made.trainer.train(save_every=1)
    made.trainer.write_state(tmp_path)
    facts = json.loads((tmp_path / "trainer" / "state.json").read_text())
    assert facts == {
        "step": 1,
        "kl_coefficient": 0.05,
        "scores": {"count": 0, "mean": 0.0, "squares": 0.0},
        "best_step": 1,
        "best_reward": 0.7,
        "width": 2,
        "roll_width": 2,
        "recent": [],
    }
    other = toy()
    other.trainer.restore(tmp_path)
    assert (other.trainer.best_step, other.trainer.best_reward) == (1, 0.7)


def test_a_checkpoint_loads_with_plain_transformers_and_holds_no_pickle(tmp_path):
    from transformers import AutoModelForCausalLM

    made = toy().steps(1)
    made.trainer.write_state(tmp_path)
    assert same_weights(AutoModelForCausalLM.from_pretrained(tmp_path), made.policy.model)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".jinja"}


def test_the_seed_decides_the_whole_run():
    assert timeless(toy(seed=1).steps(2).recorder) == timeless(toy(seed=1).steps(2).recorder)
    assert timeless(toy(seed=1).steps(2).recorder) != timeless(toy(seed=2).steps(2).recorder)


def test_micro_batches_change_nothing_but_rounding():
    one = toy(micro_batch_size=6, entropy_coefficient=0.01).steps(2)
    other = toy(micro_batch_size=1, entropy_coefficient=0.01).steps(2)
    for first, second in zip(one.policy.model.parameters(), other.policy.model.parameters(), strict=True):
        assert torch.allclose(first, second, atol=1e-4)
    assert one.series("policy/loss") == pytest.approx(other.series("policy/loss"), abs=1e-4)
