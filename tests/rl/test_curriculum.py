"""Reward weights as functions of progress, by hand."""

import pytest

from ecr_engine.config.sections.curriculum import CurriculumSettings
from ecr_engine.rl.curriculum import schedule, used_components, weights_at

REWARDS = {"bleu": 1.0, "empathy": 2.0}


def settings(**tables):
    return CurriculumSettings(**tables)


def test_the_guides_own_curriculum():
    # 0.5 + progress * 1.5, and progress * 1.5; bleu has no ramp.
    ramps = settings(empathy={"start": 0.5, "end": 2.0}, recommendation={"start": 0.0, "end": 1.5}).ramps
    for progress, empathy, recommendation in ((0.0, 0.5, 0.0), (0.25, 0.875, 0.375), (0.5, 1.25, 0.75), (1, 2.0, 1.5)):
        assert weights_at(progress, REWARDS, ramps) == pytest.approx(
            {"bleu": 1.0, "empathy": empathy, "recommendation": recommendation}
        )


@pytest.mark.parametrize(
    ("shape", "halfway", "quarter"),
    [
        ("linear", 2.0, 1.5),
        # (1 - cos(pi / 4)) / 2 = (1 - 0.70710678) / 2 = 0.14644661 of the way from 1 to 3.
        ("cosine", 2.0, 1.29289322),
    ],
)
def test_a_ramp_between_two_moments(shape, halfway, quarter):
    ramps = settings(empathy={"start": 1.0, "end": 3.0, "from": 0.2, "until": 0.6, "shape": shape}).ramps
    found = [weights_at(progress, REWARDS, ramps)["empathy"] for progress in (0.0, 0.2, 0.3, 0.4, 0.6, 0.9)]
    assert found == pytest.approx([1.0, 1.0, quarter, halfway, 3.0, 3.0])


def test_an_end_that_is_not_set_is_the_components_own_weight():
    ramps = settings(empathy={"start": 0.0, "until": 0.5}, bleu={"end": 0.0}).ramps
    assert weights_at(0.25, REWARDS, ramps) == pytest.approx({"bleu": 0.75, "empathy": 1.0})


def test_a_weight_may_fall():
    ramps = settings(bleu={"start": 1.0, "end": 0.2}).ramps
    assert weights_at(0.5, REWARDS, ramps)["bleu"] == pytest.approx(0.6)


def test_a_schedule_is_there_only_if_a_weight_moves():
    assert schedule(settings(order="turns"), REWARDS) is None
    weights = schedule(settings(empathy={"start": 0.0}), REWARDS)
    assert weights is not None
    assert weights(0.5) == pytest.approx({"bleu": 1.0, "empathy": 1.0})


def test_what_has_to_be_there_before_the_training():
    curriculum = settings(length={"end": 1.0}, safety={"start": 0.0, "end": 0.0}, bleu={"start": 0.0, "end": 0.0})
    assert used_components(curriculum, {"bleu": 1.0, "empathy": 2.0, "format": 0.0}) == ["empathy", "length"]


def test_a_trainers_rollouts_are_scored_with_the_weights_of_the_moment():
    from rl_toys import share_of_good, toy

    class Weighed:
        """A score that remembers how it was weighed."""

        def __init__(self):
            self.given = []

        def __call__(self, samples):
            return share_of_good(samples)

        def update_weights(self, weights):
            self.given.append(dict(weights))

    score = Weighed()
    weights = schedule(settings(good={"start": 0.5, "end": 1.5}), {"good": 1.0})
    made = toy(score, max_steps=4)
    made.trainer.weights_at = weights
    made.steps(4)
    assert score.given == [{"good": 0.5}, {"good": 0.75}, {"good": 1.0}, {"good": 1.25}]
    assert made.series("rewards/good/weight") == [0.5, 0.75, 1.0, 1.25]
