"""What a run's settings make of its curriculum."""

from __future__ import annotations

import pytest
from tiny_models import example, tiny_backbone

from ecr_engine.config.settings import Settings
from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.data.schema import Sample
from ecr_engine.errors import EcrError
from ecr_engine.pipeline.curriculum import MovingScore, training_composer, training_order
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources

SAMPLE = Sample(example("1:1", "i want a movie"), "try <movie> , it is warm", True, 7)


class Fixed:
    """A component that gives every sample one score."""

    name, low, high = "fixed", 0.0, 1.0

    def __init__(self, score):
        self._score = score

    def score(self, batch):
        return [self._score] * len(batch)


def test_totals_follow_the_weights_of_the_moment():
    score = MovingScore(Composer({"kind": 1.0, "short": 1.0}, {"kind": Fixed(1.0), "short": Fixed(0.0)}))
    totals = []
    for kind, short in ((1.0, 1.0), (3.0, 1.0), (0.0, 1.0)):
        score.update_weights({"kind": kind, "short": short})
        totals.append(score([SAMPLE])[0][0])
    # The weighted mean of 1 and 0.
    assert totals == pytest.approx([0.5, 0.75, 0.0])


def test_a_component_that_comes_later_is_built_before_the_training():
    settings = Settings(
        rewards={"bleu": 1.0, "length": 0.0}, curriculum={"length": {"start": 0.0, "end": 1.0}, "bleu": {"end": 2.0}}
    )
    composer = training_composer(settings, Resources())
    assert composer.weights == {"bleu": 1.0, "length": 0.0}
    assert list(composer.components) == ["bleu"]


def test_one_that_can_not_be_built_is_told_of_before_the_training():
    settings = Settings(rewards={"bleu": 1.0}, curriculum={"nowhere.to_be:Found": {"start": 0.0, "end": 1.0}})
    with pytest.raises(EcrError, match="nowhere"):
        training_composer(settings, Resources())


def test_the_order_by_the_baselines_loss_is_that_of_a_plain_loop():
    import torch

    backbone = tiny_backbone(scale=4.0)
    encoder = PromptEncoder(backbone.tokenizer, system="feel", context_max_length=64, resp_max_length=12)
    rows = [
        example("1:1", "i feel sad today", target="i am sorry"),
        example("2:1", "i want a movie", "have you seen <movie> ?", "no", target="it is warm and funny"),
        example("3:1", "hello", target="a movie"),
    ]
    losses = []
    for row in rows:
        found = encoder.encode(row)
        logits = backbone.model(torch.tensor([found.prompt + found.target])).logits[0].detach().double().log_softmax(-1)
        places = range(len(found.prompt) - 1, len(found.prompt) + len(found.target) - 1)
        picked = [float(logits[place, token]) for place, token in zip(places, found.target, strict=True)]
        losses.append(-sum(picked) / len(picked))
    settings = Settings(curriculum={"order": "baseline_loss", "open": 0.5}, ppo={"micro_batch_size": 2})
    order = training_order(settings, rows, encoder, backbone)
    assert order is not None
    assert [losses[index] for index in order.ranking] == sorted(losses)
    assert (order.share, order.until) == (0.5, 0.5)


def test_without_an_order_nothing_is_computed():
    assert training_order(Settings(), [], None, None) is None
