"""An update's statistics over minibatches of unlike size: tokens count the same, and skipped steps not at all."""

from __future__ import annotations

import math

import pytest

from ecr_engine.rl.tally import Norms, Sums, Tally


def tally():
    """A minibatch of 2 tokens and one of 6."""
    found = Tally()
    found.begin_epoch()
    found.add(Sums(policy_loss=2.0, value_loss=4.0, kl=1.0, clipped=1.0, ratio=2.2), 2.0, Norms(3.0, 1.0, taken=True))
    found.add(Sums(policy_loss=-3.0, value_loss=3.0, kl=0.0, clipped=0.0, ratio=6.0), 6.0, Norms(5.0, 2.0, taken=True))
    return found


def test_every_token_counts_the_same():
    stats = tally().stats(stopped_early=False)
    # Over 8 tokens. Means of the minibatches would give 0.25 and 1.25 for the losses, and 1.05 for the ratio.
    assert (stats.policy_loss, stats.value_loss) == (-0.125, 0.875)
    assert (stats.approx_kl, stats.clip_fraction) == (0.125, 0.125)
    assert stats.ratio == pytest.approx(1.025)
    assert stats.first_ratio == pytest.approx(1.1)
    assert (stats.policy_grad_norm, stats.value_grad_norm, stats.skipped) == (4.0, 1.5, 0)


def test_a_step_that_was_skipped_has_no_norm():
    found = tally()
    found.add(Sums(), 2.0, Norms(math.inf, 7.0, taken=False))
    stats = found.stats(stopped_early=True)
    assert (stats.policy_grad_norm, stats.value_grad_norm, stats.skipped) == (4.0, 1.5, 1)
    assert stats.stopped_early


def test_an_epoch_has_gone_too_far_by_the_mean_over_its_own_tokens():
    found = tally()
    # 1 nat over 8 tokens; the mean of the minibatches' means would be 0.25.
    assert not found.too_far(0.2)
    assert found.too_far(0.1)
    assert not found.too_far(None)
    found.begin_epoch()
    found.add(Sums(kl=0.6), 2.0, Norms(1.0, 1.0, taken=True))
    assert found.too_far(0.2)
