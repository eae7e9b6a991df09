"""One PPO update: its gradient against the formulas by hand, its order, its safety."""

import copy
import math

import pytest
import torch
from rl_toys import PAD, SMALL
from tiny_models import FAMILIES, same_weights, tiny_llama

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.response import ResponseModel, collate
from ecr_engine.rl.estimator import ESTIMATORS
from ecr_engine.rl.ppo import PPOUpdate, build_rollout, cut, minibatches
from ecr_engine.rl.types import Episode
from ecr_engine.rl.values import TrunkValues

LENGTHS = [5, 1, 3, 2, 6, 4]
HIDDEN = 16


def responses():
    return [[10 + row * 7 + place for place in range(length)] for row, length in enumerate(LENGTHS)]


def prompts():
    return [[5, 6], [7, 8, 9, 10], [11], [12, 13, 14], [15, 16], [17]]


def head(seed=1):
    torch.manual_seed(seed)
    values = TrunkValues(HIDDEN)
    torch.nn.init.normal_(values.head.weight, std=0.3)
    return values


def episodes(model, values, *, temperature=1.0, shift=0.0):
    """Episodes with scores 0, 1, 2, … whose log-probs are the model's own."""
    wrapped, found = ResponseModel(model), []
    for row, (prompt, response) in enumerate(zip(prompts(), responses(), strict=True)):
        with torch.no_grad():
            output = wrapped(collate([prompt], [response], PAD), temperature=temperature)
            guess = values(output.hidden, torch.zeros(0), torch.zeros(0))
        found.append(
            Episode(
                index=row,
                example=row,
                prompt=prompt,
                response=response,
                finished=True,
                text="",
                log_probs=output.log_probs[0],
                reference_log_probs=output.log_probs[0] - shift,
                entropy=torch.zeros(len(response)),
                values=guess[0],
                reward=float(row),
                score=float(row),
                components={},
            )
        )
    return found


CONTEXTS = (torch.tensor([[1, 2, 0]] * 5 + [[1, 2, 3]]), torch.tensor([[1, 2, 0]] * 5 + [[1, 1, 2]]))


def rolled(model, values, *, temperature=1.0, shift=0.0, kl_coefficient=0.0, **changes):
    return build_rollout(
        episodes(model, values, temperature=temperature, shift=shift),
        CONTEXTS,
        settings(**changes),
        ESTIMATORS.build("gae"),
        kl_coefficient=kl_coefficient,
        pad=PAD,
    )


def settings(**changes):
    whole = {"batch_size": 6, "minibatch_size": 6, "micro_batch_size": 6, "epochs": 1, "max_grad_norm": 1e9}
    return PPOSettings(**{**SMALL, **whole, **changes})


class Update:
    """An update whose optimizers step by exactly the gradient: weights before less weights after are the gradient."""

    def __init__(self, model, values, *, seed=0, rate=1.0, **changes):
        self.before = copy.deepcopy(model), copy.deepcopy(values)
        self.model, self.values = model, values
        self.policy = ResponseModel(model)
        self.optimizers = [torch.optim.SGD(module.parameters(), lr=rate) for module in (model, values)]
        accelerator = make_accelerator(torch.device("cpu"), "no")
        self.updater = PPOUpdate(self.policy, values, *self.optimizers, accelerator, settings(**changes), seed=seed)

    def run(self, rollout, *, step=0, train_policy=True):
        return self.updater.update(rollout, step, train_policy=train_policy)

    def gradients(self):
        return [
            torch.cat([(a - b).flatten() for a, b in zip(old.parameters(), new.parameters(), strict=True)]).detach()
            for old, new in zip(self.before, (self.model, self.values), strict=True)
        ]


def drifted(seed=2):
    """A policy that is no longer the one that drew the responses, so that ratios and clips are at work."""
    model = tiny_llama(64)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.02)
    return model


def gradients_by_hand(model, values, rollout, *, epsilon, value_clip, value_coefficient, entropy_coefficient):
    """The objective written out token by token, each response alone and unpadded."""
    total, tokens = torch.zeros(()), sum(LENGTHS)
    for row, (prompt, response) in enumerate(zip(prompts(), responses(), strict=True)):
        ids = torch.tensor([prompt + response])
        logs = torch.log_softmax(model(ids).logits[0], -1)
        states = model.base_model(ids).last_hidden_state[0].detach()
        for place, token in enumerate(response):
            here = logs[len(prompt) + place - 1]
            ratio = torch.exp(here[token] - rollout.log_probs[row, place])
            gain = rollout.advantages[row, place]
            bound = torch.clamp(ratio, 1 - epsilon, 1 + epsilon)
            value = values.head(states[len(prompt) + place - 1])[0]
            old, target = rollout.values[row, place], rollout.returns[row, place]
            near = old + torch.clamp(value - old, -value_clip, value_clip)
            error = torch.max((value - target) ** 2, (near - target) ** 2)
            entropy = -(here.exp() * here).sum()
            total = total - torch.min(ratio * gain, bound * gain)
            total = total + value_coefficient * 0.5 * error - entropy_coefficient * entropy
    model.zero_grad()
    values.zero_grad()
    (total / tokens).backward()
    found = [torch.cat([weight.grad.flatten() for weight in m.parameters()]) for m in (model, values)]
    model.zero_grad()
    values.zero_grad()
    return found


@pytest.mark.parametrize("micro", [6, 4, 1])
def test_the_gradient_is_that_of_the_formulas_however_the_minibatch_is_cut(micro):
    values = head()
    rollout = rolled(tiny_llama(64), values)
    model = drifted()
    torch.nn.init.normal_(values.head.bias, mean=1.0)
    numbers = {"value_coefficient": 0.7, "entropy_coefficient": 0.1, "value_clip": 0.2}
    wanted = gradients_by_hand(model, values, rollout, epsilon=0.2, **numbers)
    update = Update(model, values, micro_batch_size=micro, clip_epsilon=0.2, **numbers)
    stats = update.run(rollout)
    assert 0.1 < stats.clip_fraction < 0.9
    for found, gradient in zip(update.gradients(), wanted, strict=True):
        assert gradient.norm() > 0.05
        assert torch.allclose(found, gradient, rtol=1e-3, atol=2e-5)
    assert stats.policy_grad_norm == pytest.approx(float(wanted[0].norm()), rel=1e-3)
    assert stats.value_grad_norm == pytest.approx(float(wanted[1].norm()), rel=1e-3)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_ratio_is_1_before_anything_has_changed(family, temperature):
    model, values = FAMILIES[family](), head()
    rollout = rolled(model, values, temperature=temperature)
    stats = Update(model, values, minibatch_size=3, epochs=2, temperature=temperature).run(rollout)
    assert stats.first_ratio == pytest.approx(1.0, abs=1e-4)
    assert abs(stats.ratio - 1) > 1e-3


def test_another_temperature_in_the_update_shows_in_the_ratio():
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values, temperature=0.7)
    stats = Update(model, values, temperature=1.0).run(rollout)
    assert abs(stats.first_ratio - 1) > 0.3


def test_dropout_is_off_in_the_update():
    model, values = tiny_llama(64, dropout=0.5), head()
    rollout = rolled(model, values)
    model.train()
    assert Update(model, values).run(rollout).first_ratio == pytest.approx(1.0, abs=1e-4)


def test_the_statistics_are_means_over_tokens():
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values, whiten_advantages=False)
    torch.nn.init.zeros_(values.head.weight)
    with torch.no_grad():
        values.head.bias.fill_(2.0)
    stats = Update(model, values, rate=0.0, value_clip=None, micro_batch_size=2).run(rollout)
    tokens = [(row, place) for row, length in enumerate(LENGTHS) for place in range(length)]
    assert len(tokens) == 21
    advantages = [float(rollout.advantages[token]) for token in tokens]
    errors = [(2.0 - float(rollout.returns[token])) ** 2 / 2 for token in tokens]
    # At ratio 1 the surrogate is minus the mean advantage.
    assert stats.policy_loss == pytest.approx(-math.fsum(advantages) / 21, rel=1e-4)
    assert stats.value_loss == pytest.approx(math.fsum(errors) / 21, rel=1e-4)
    assert (stats.clip_fraction, stats.skipped, stats.stopped_early) == (0.0, 0, False)
    assert stats.ratio == pytest.approx(1.0, abs=1e-4)
    assert stats.approx_kl == pytest.approx(0.0, abs=1e-6)


def test_approx_kl_and_clip_fraction_by_hand():
    values = head()
    rollout = rolled(tiny_llama(64), values)
    # Log-probs as if the policy that drew the responses had given each token e^0.3 times as much.
    rollout = rollout._replace(log_probs=rollout.log_probs + 0.3 * rollout.tokens.response_mask)
    rollout = rollout._replace(advantages=-rollout.tokens.response_mask.float())
    stats = Update(tiny_llama(64), values).run(rollout)
    assert stats.ratio == pytest.approx(math.exp(-0.3), rel=1e-4)
    # k3 of the old policy to the new: log r = -0.3.
    assert stats.approx_kl == pytest.approx(math.exp(-0.3) - 1 + 0.3, rel=1e-3)
    # A ratio of 0.74 under a negative advantage is clipped for every token.
    assert stats.clip_fraction == 1.0
    assert stats.policy_loss == pytest.approx(0.8, rel=1e-4)


def order_of(**changes):
    """The rows that each epoch goes through, in order, one a minibatch; `step` and `seed` as given."""
    model, values = tiny_llama(64), head()
    step = changes.pop("step", 0)
    rollout = rolled(model, values)
    update = Update(model, values, rate=0.0, minibatch_size=1, **{"epochs": 3, **changes})
    seen = []
    first = {response[0]: row for row, response in enumerate(responses())}
    update.policy.register_forward_pre_hook(
        lambda _module, inputs: seen.append(first[int(inputs[0].ids[0, -inputs[0].response_mask.shape[1]])])
    )
    update.run(rollout, step=step)
    return [tuple(seen[at : at + 6]) for at in range(0, len(seen), 6)]


def test_every_sample_is_used_once_an_epoch_in_a_new_order():
    epochs = order_of()
    assert len(epochs) == 3
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len(set(epochs)) == 3


def test_responses_to_one_prompt_stay_in_one_minibatch():
    found = minibatches(12, 6, seed=1, step=2, epoch=0, together=3)
    assert sorted(row for rows in found for row in rows) == list(range(12))
    for rows in found:
        assert [row - rows[0] for row in rows[:3]] == [0, 1, 2] and rows[0] % 3 == 0
        assert [row - rows[3] for row in rows[3:]] == [0, 1, 2] and rows[3] % 3 == 0
    orders = {tuple(map(tuple, minibatches(12, 6, seed=1, step=step, epoch=0, together=3))) for step in range(9)}
    assert len(orders) > 3


def test_where_they_do_not_fit_rows_are_mixed():
    mixed = minibatches(12, 4, seed=1, step=2, epoch=0, together=3)
    assert mixed == minibatches(12, 4, seed=1, step=2, epoch=0)
    assert sorted(row for rows in mixed for row in rows) == list(range(12))


def test_the_order_depends_on_seed_and_step_and_nothing_else():
    wanted = order_of()
    torch.manual_seed(77)
    assert order_of() == wanted
    assert order_of(seed=1) != wanted
    assert order_of(step=1) != wanted


def test_gradients_are_clipped_and_their_norm_is_told_as_it_was():
    model, values = tiny_llama(64), head()
    update = Update(model, values, max_grad_norm=0.01)
    stats = update.run(rolled(model, values))
    for gradient, norm in zip(update.gradients(), (stats.policy_grad_norm, stats.value_grad_norm), strict=True):
        assert float(gradient.norm()) == pytest.approx(0.01, rel=1e-2)
        assert norm > 0.05


def test_a_gradient_that_is_not_finite_skips_the_step():
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values)
    rollout = rollout._replace(advantages=rollout.advantages * math.nan)
    update = Update(model, values, minibatch_size=3, epochs=2)
    stats = update.run(rollout)
    assert stats.skipped == 4
    assert same_weights(model, update.before[0])
    assert same_weights(values, update.before[1])
    assert all(weight.grad is None or not weight.grad.any() for weight in model.parameters())


def poisoned(weight, times):
    """Makes the next `times` gradients of a weight not finite."""
    left = [times]

    def spoil(gradient):
        left[0] -= 1
        return gradient * math.inf if left[0] >= 0 else gradient

    weight.register_hook(spoil)


@pytest.mark.parametrize("which", ["policy", "values"])
def test_one_bad_gradient_skips_one_step_and_the_rest_goes_on(which):
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values)
    poisoned(model.lm_head.weight if which == "policy" else values.head.weight, 1)
    update = Update(model, values, rate=0.01, minibatch_size=3)
    stats = update.run(rollout)
    assert stats.skipped == 1
    assert not same_weights(model, update.before[0])
    assert not same_weights(values, update.before[1])
    assert all(torch.isfinite(weight).all() for module in (model, values) for weight in module.parameters())
    # The norms are those of the steps that were taken.
    assert 0 < stats.policy_grad_norm < math.inf
    assert 0 < stats.value_grad_norm < math.inf


def test_in_the_critics_warm_up_the_policy_stays_bit_equal():
    model, values = tiny_llama(64), head()
    update = Update(model, values, epochs=2)
    stats = update.run(rolled(model, values), train_policy=False)
    assert same_weights(model, update.before[0])
    assert not same_weights(values, update.before[1])
    assert stats.policy_grad_norm == 0.0
    assert all(weight.grad is None for weight in model.parameters())


def test_the_value_loss_never_moves_the_policy():
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values)
    rollout = rollout._replace(advantages=torch.zeros_like(rollout.advantages))
    update = Update(model, values, epochs=2)
    update.run(rollout)
    assert same_weights(model, update.before[0])
    assert not same_weights(values, update.before[1])


def test_the_value_loss_trains_a_shared_trunk():
    model, values = tiny_llama(64), TrunkValues(HIDDEN, trunk_gradient=True)
    torch.nn.init.normal_(values.head.weight)
    rollout = rolled(model, values)
    rollout = rollout._replace(advantages=torch.zeros_like(rollout.advantages))
    update = Update(model, values)
    update.run(rollout)
    assert not same_weights(model.model, update.before[0].model)
    # The head of the words says nothing about values.
    assert same_weights(model.lm_head, update.before[0].lm_head)


def test_an_update_without_a_value_function():
    model = tiny_llama(64)
    rollout = rolled(model, head(), kl_coefficient=0.0)
    accelerator = make_accelerator(torch.device("cpu"), "no")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    wanted = Update(tiny_llama(64), head())
    wanted.run(rollout)
    updater = PPOUpdate(ResponseModel(model), None, optimizer, None, accelerator, settings(), seed=0)
    stats = updater.update(rollout, 0, train_policy=True)
    # The policy's gradient is the same with a value function beside it.
    assert same_weights(model, wanted.model)
    assert (stats.value_loss, stats.value_grad_norm) == (0.0, 0.0)


def epochs_run(**changes):
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values)
    update = Update(model, values, epochs=4, **changes)
    calls = []
    update.policy.register_forward_pre_hook(lambda *_: calls.append(1))
    return len(calls), update.run(rollout).stopped_early, len(calls)


def test_an_update_stops_when_it_has_gone_too_far():
    # The first epoch measures a KL of 0 before its step, the second what that step did.
    assert epochs_run(stop_kl=1e-4) == (0, True, 2)
    assert epochs_run(stop_kl=1e9) == (0, False, 4)
    assert epochs_run(stop_kl=None) == (0, False, 4)


def test_a_rollout_by_hand():
    model, values = tiny_llama(64), head()
    made = rolled(model, values, shift=0.5, kl_coefficient=0.1, gamma=0.9, gae_lambda=0.8, whiten_advantages=False)
    for row, (episode, length) in enumerate(zip(episodes(model, values), LENGTHS, strict=True)):
        # k1 is 0.5 a token; the score, which is the row's number, comes with the last.
        rewards = [-0.05] * length
        rewards[-1] += row
        guesses = [*episode.values.tolist(), 0.0]
        deltas = [rewards[t] + 0.9 * guesses[t + 1] - guesses[t] for t in range(length)]
        for t in range(length):
            wanted = sum(0.72**k * deltas[t + k] for k in range(length - t))
            assert float(made.advantages[row, t]) == pytest.approx(wanted, abs=1e-4)
            assert float(made.returns[row, t]) == pytest.approx(wanted + guesses[t], abs=1e-4)
        assert made.advantages[row, length:].tolist() == [0.0] * (6 - length)
    assert made.tokens.response_mask.sum(-1).tolist() == LENGTHS


def test_whitening_comes_after_the_returns():
    model, values = tiny_llama(64), head()
    plain = rolled(model, values, whiten_advantages=False)
    made = rolled(model, values, whiten_advantages=True)
    valid = made.advantages[made.tokens.response_mask.bool()]
    assert float(valid.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(valid.var()) == pytest.approx(1.0, abs=1e-4)
    assert torch.equal(made.returns, plain.returns)
    assert made.advantages[made.tokens.response_mask == 0].tolist() == [0.0] * 15


def test_a_cut_drops_what_is_padding_in_all_of_its_rows():
    model, values = tiny_llama(64), head()
    rollout = rolled(model, values)
    part = cut(rollout, [2, 3], torch.device("cpu"))
    assert part.tokens.ids.tolist() == [[0, 0, 11, 24, 25, 26], [12, 13, 14, 31, 32, 0]]
    assert part.tokens.mask.tolist() == [[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]]
    assert part.tokens.response_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert part.contexts.tolist() == [[1, 2], [1, 2]]
    assert cut(rollout, [0, 5], torch.device("cpu")).contexts.tolist() == [[1, 2, 0], [1, 2, 3]]
    for name in ("log_probs", "values", "advantages", "returns"):
        assert torch.equal(getattr(part, name), getattr(rollout, name)[2:4, :3])
