"""What a trainer is told from outside: a watch, moving weights, an order of the examples; and the scale of scores."""

import json

import pytest
import torch
from rl_toys import share_of_good, timeless, toy
from tiny_models import same_weights

from ecr_engine.errors import DivergedError
from ecr_engine.models.generation import Decoding
from ecr_engine.rl.order import Order


class Weighed:
    """Two parts, weighed; the weights at each call are kept."""

    def __init__(self):
        self.weights = {"good": 1.0, "short": 1.0}
        self.seen = []

    def update_weights(self, weights):
        self.weights = dict(weights)

    def __call__(self, samples):
        self.seen.append(dict(self.weights))
        parts = {"good": share_of_good(samples)[0], "short": [1 / sample.tokens for sample in samples]}
        totals = [sum(self.weights[name] * parts[name][row] for name in parts) for row in range(len(samples))]
        return totals, parts


def test_the_watch_sees_each_update_after_it_was_told():
    seen = []

    def watch(step, values):
        seen.append((step, len(made.recorder.of("step")), values["objective/reward"]))

    made = toy(seams={"watch": watch})
    made.steps(3)
    assert seen == [(step, step, made.series("objective/reward")[step - 1]) for step in (1, 2, 3)]


def test_a_watch_can_end_the_training():
    def watch(step, values):
        if step == 2:
            raise DivergedError("the KL left its band")

    made = toy(seams={"watch": watch})
    with pytest.raises(DivergedError, match="the KL left its band"):
        made.trainer.train(save_every=100)
    assert made.trainer.step == 2


def test_weights_move_with_the_progress_before_each_rollout():
    score = Weighed()
    made = toy(score, seams={"weights_at": lambda progress: {"good": progress, "short": 1.0}}).steps(4)
    assert score.seen == [{"good": progress, "short": 1.0} for progress in (0.0, 0.25, 0.5, 0.75)]
    assert made.series("rewards/good/weight") == [0.0, 0.25, 0.5, 0.75]
    assert made.series("rewards/short/weight") == [1.0] * 4


def test_without_moving_weights_none_are_told():
    assert "rewards/good/weight" not in toy().steps(1).recorder.of("step")[0][1]


def test_the_easy_examples_come_first():
    order = Order((6, 4, 2, 0, 1, 3, 5), share=0.25, until=1.0)
    made = toy(batch_size=2, minibatch_size=2, seams={"order": order})
    seen = []
    roll = made.trainer.roller.roll
    made.trainer.roller.roll = lambda prompts, examples: (
        seen.append([p.example for p in prompts]) or roll(prompts, examples)
    )
    made.steps(4)
    # A quarter of seven are the two easiest, and that is what a batch of two takes at first.
    assert sorted(seen[0]) == [4, 6]
    assert {example for batch in seen for example in batch} > {4, 6}
    opened = [values["curriculum/open"] for _, values in made.recorder.of("step")]
    assert opened[0] == 2
    assert opened == sorted(opened)


def test_the_method_is_told_before_the_first_update():
    made = toy(estimator="grpo", samples_per_prompt=2, max_steps=1)
    made.trainer.train(save_every=1)
    kinds = [kind for _, kind, _, _ in made.recorder.events]
    assert kinds[0] == "config"
    assert made.recorder.of("config") == [
        (
            0,
            {
                "estimator": "grpo",
                "samples_per_prompt": 2,
                "kl_in_reward": "k1",
                "kl_logged": "k1 as objective/kl, k3 as objective/kl_k3 and policy/approx_kl",
                "kl_controller": "fixed",
            },
        )
    ]


def test_rollouts_draw_from_the_whole_distribution_at_the_set_temperature():
    decoding = toy(temperature=0.7, length=5).trainer.roller.decoding
    assert decoding == Decoding(5, sample=True, temperature=0.7, top_p=1.0)


class Watched:
    """A scaling whose scores, before and after, are kept."""

    def __init__(self, scaling):
        self.inner, self.raw, self.paid = scaling, [], []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def apply(self, scores):
        self.raw.append(list(scores))
        self.paid.append(self.inner.apply(scores))
        return self.paid[-1]


def rolled_scores(**changes):
    """Two updates, with the scores that the episodes had and those that the updates were given."""
    made = toy(**changes)
    made.trainer.scaling = watched = Watched(made.trainer.scaling)
    return made.steps(2), watched.raw, watched.paid


def test_scores_are_scaled_for_the_update_and_told_as_they_are():
    made, raw, paid = rolled_scores(reward_scaling="running_std", reward_clip=1.0)
    numbers = raw[0] + raw[1]
    mean = sum(numbers) / 12
    std = (sum((number - mean) ** 2 for number in numbers) / 12) ** 0.5
    assert paid[1] == pytest.approx([max(-1.0, min(1.0, score / std)) for score in raw[1]])
    assert made.series("objective/score_scale")[1] == pytest.approx(std)
    assert made.series("objective/score")[1] == pytest.approx(sum(raw[1]) / 6)


def test_the_running_statistics_are_part_of_the_state(tmp_path):
    made, raw, _ = rolled_scores(reward_scaling="running_std")
    made.trainer.scaling = made.trainer.scaling.inner
    made.trainer.write_state(tmp_path)
    facts = json.loads((tmp_path / "trainer" / "state.json").read_text())["scores"]
    numbers = raw[0] + raw[1]
    assert facts["count"] == 12
    assert facts["mean"] == pytest.approx(sum(numbers) / 12)
    other = toy(reward_scaling="running_std")
    other.trainer.restore(tmp_path)
    assert other.trainer.scaling.statistics == made.trainer.scaling.statistics
    assert other.trainer.scaling.statistics.std != 1.0


@pytest.mark.parametrize("name", ["whiten_rewards", "clip_epsilon_high", "reward_clip", "reward_scaling"])
def test_each_switch_reaches_the_update(name):
    changed = {"whiten_rewards": True, "clip_epsilon_high": 5.0, "reward_clip": 0.01, "reward_scaling": "running_std"}
    hot = {"learning_rate": 0.05, "epochs": 3, "whiten_advantages": False}
    plain, made = toy(**hot).steps(2), toy(**hot, **{name: changed[name]}).steps(2)
    assert not same_weights(plain.policy.model, made.policy.model)
    assert all(torch.isfinite(weight).all() for weight in made.policy.model.parameters())


def test_a_training_with_moving_weights_and_an_order_is_taken_up_where_it_was(tmp_path):
    def make():
        seams = {
            "weights_at": lambda progress: {"good": 1.0 + progress, "short": 1.0 - progress},
            "order": Order((6, 4, 2, 0, 1, 3, 5), share=0.25, until=1.0),
        }
        return toy(Weighed(), reward_scaling="running_std", seams=seams)

    straight, first, second = make().steps(4), make().steps(2), make()
    first.trainer.write_state(tmp_path)
    second.trainer.restore(tmp_path)
    second.steps(2)
    assert timeless(first.recorder) + timeless(second.recorder) == timeless(straight.recorder)
    assert same_weights(second.policy.model, straight.policy.model)
