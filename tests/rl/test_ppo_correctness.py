"""What a correct PPO has to get right and no other module here holds; `docs/ppo.md` says which test holds what."""

import math
import re
from pathlib import Path

import pytest
import torch
from rl_toys import PAD, SMALL, STOP, toy
from tiny_models import FAMILIES, tiny_llama

from ecr_engine.config.sections.rl import PPOSettings
from ecr_engine.models.generation import Decoding, Generation, generate
from ecr_engine.models.response import ResponseModel, collate
from ecr_engine.rl.estimator import ESTIMATORS
from ecr_engine.rl.ppo import build_rollout
from ecr_engine.rl.types import Episode
from ecr_engine.rl.values import TrunkValues

ROOT = Path(__file__).parents[2]
NO_CONTEXTS = (torch.zeros(4, 1, dtype=torch.long), torch.ones(4, 1, dtype=torch.long))


@pytest.mark.parametrize("family", sorted(FAMILIES))
@torch.no_grad()
def test_log_probs_and_values_are_those_of_the_sample_alone(family):
    model, head = ResponseModel(FAMILIES[family]()), TrunkValues(16)
    torch.nn.init.normal_(head.head.weight)
    prompts, answers = [[5, 6, 7, 8, 9, 10, 11], [12], [13, 14, 15]], [[20], [21, 22, 23, 24, 25], [26, 27]]
    together = model(collate(prompts, answers, PAD))
    values = head(together.hidden, *NO_CONTEXTS)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        alone = model(collate([prompt], [answer], PAD))
        length = len(answer)
        assert torch.allclose(together.log_probs[row, :length], alone.log_probs[0], atol=1e-4)
        assert torch.allclose(values[row, :length], head(alone.hidden, *NO_CONTEXTS)[0], atol=1e-4)


def test_the_stop_token_may_be_another_than_the_models_end():
    model = tiny_llama(16, scale=1.0)
    assert model.config.eos_token_id == STOP
    made = generate(model, [[1, 4]] * 24, Decoding(12), pad=PAD, stop=7, seeds=range(24))
    assert {True, False} == set(made.finished)
    for ids, finished in zip(made.ids, made.finished, strict=True):
        assert 7 not in ids[:-1]
        assert finished == (ids[-1] == 7)
    # The model's own end is a token like any other, in the middle of a response too.
    assert any(STOP in ids[:-1] for ids in made.ids)


def test_the_shortest_and_the_longest_responses_with_and_without_an_end():
    answers = [[STOP], [4], [5, 4, 5, 4, 5, STOP], [5, 4, 5, 4, 5, 4], [5, STOP], [4, 4]]
    finished = [ids[-1] == STOP for ids in answers]
    made = toy(missing_stop_penalty=0.25)
    made.trainer.roller.answer = lambda *_: Generation(answers, finished)
    made.steps(1)
    values = made.recorder.of("step")[0][1]
    # 0, 0, 3/6, 3/6, 1/2 and 0 of the tokens are good; three responses have no end.
    assert values["objective/reward"] == pytest.approx(1.5 / 6)
    assert values["objective/score"] == pytest.approx((1.5 - 0.75) / 6)
    assert values["completions/clipped_ratio"] == 0.5
    assert values["completions/mean_length"] == pytest.approx(18 / 6)
    assert values["policy/first_ratio"] == pytest.approx(1.0, abs=1e-4)
    assert all(math.isfinite(value) for value in values.values())


LENGTHS, SCORES = [3, 1, 2, 3], [2.0, -1.0, 0.5, 0.0]
KL = [[0.5, -0.25, 1.0], [2.0], [0.0, 4.0], [-1.0, -1.0, 0.5]]


def episodes():
    """Four responses whose log-probs are those of the reference plus what `KL` says, with values of 0."""
    reference = [torch.linspace(-3, -1, length) for length in LENGTHS]
    return [
        Episode(
            index=row,
            example=row,
            prompt=[5] * (row + 1),
            response=[10 + row] * length,
            finished=True,
            text="",
            log_probs=reference[row] + torch.tensor(KL[row]),
            reference_log_probs=reference[row],
            entropy=torch.zeros(length),
            values=torch.zeros(length),
            reward=SCORES[row],
            score=SCORES[row],
            components={},
        )
        for row, length in enumerate(LENGTHS)
    ]


def rolled(some=None, estimator="gae", **changes):
    plain = {"gamma": 1.0, "gae_lambda": 1.0, "whiten_advantages": False}
    return build_rollout(
        some or episodes(),
        NO_CONTEXTS,
        PPOSettings(**{**SMALL, **plain, **changes}),
        ESTIMATORS.build(estimator),
        kl_coefficient=0.1,
        pad=PAD,
    )


def test_what_a_response_is_paid_is_its_score_less_its_kl():
    made = rolled()
    # With values of 0, lambda 1 and no discount, the first return is the sum of all rewards.
    wanted = [2.0 - 0.125, -1.0 - 0.2, 0.5 - 0.4, 0.0 + 0.15]
    assert made.returns[:, 0].tolist() == pytest.approx(wanted, abs=1e-6)
    # What is left at the last token is the score less that token's own KL.
    last = [float(made.returns[row, length - 1]) for row, length in enumerate(LENGTHS)]
    assert last == pytest.approx([2.0 - 0.1, -1.0 - 0.2, 0.5 - 0.4, 0.0 - 0.05], abs=1e-6)


def test_rewards_are_whitened_over_tokens_and_keep_their_mean():
    # At lambda 0 with values of 0 an advantage is the token's reward.
    made = rolled(whiten_rewards=True, gae_lambda=0.0)
    rewards = [-0.05, 0.025, 1.9, -1.2, 0.0, 0.1, 0.1, 0.1, -0.05]
    mean = math.fsum(rewards) / 9
    std = (math.fsum((reward - mean) ** 2 for reward in rewards) / 8) ** 0.5
    found = made.advantages[made.tokens.response_mask.bool()].tolist()
    assert found == pytest.approx([(reward - mean) / std + mean for reward in rewards], abs=1e-5)
    assert made.advantages[made.tokens.response_mask == 0].tolist() == [0.0, 0.0, 0.0]


def test_scores_on_another_scale_take_the_place_of_the_episodes_own():
    made = build_rollout(
        episodes(),
        NO_CONTEXTS,
        PPOSettings(**{**SMALL, "gae_lambda": 1.0, "whiten_advantages": False}),
        ESTIMATORS.build("gae"),
        kl_coefficient=0.0,
        pad=PAD,
        scores=[7.0, 8.0, 9.0, 10.0],
    )
    assert made.returns[:, 0].tolist() == [7.0, 8.0, 9.0, 10.0]


@pytest.mark.parametrize("whitened", [True, False])
def test_permuting_the_batch_permutes_what_it_is_paid(whitened):
    order = [2, 0, 3, 1]
    plain = rolled(whiten_advantages=whitened)
    made = rolled([episodes()[row] for row in order], whiten_advantages=whitened)
    for place, row in enumerate(order):
        length = LENGTHS[row]
        assert torch.allclose(made.advantages[place, :length], plain.advantages[row, :length], atol=1e-6)
        assert torch.allclose(made.returns[place, :length], plain.returns[row, :length], atol=1e-6)


def test_groups_are_the_responses_to_one_prompt():
    made = rolled(estimator="rloo", samples_per_prompt=2, whiten_advantages=True)
    # 1.875 and -1.2 answer one prompt, 0.1 and 0.15 the other; whitening over the batch is not for groups.
    assert made.advantages[:, 0].tolist() == pytest.approx([3.075, -3.075, -0.05, 0.05], abs=1e-6)


LINE = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_the_page_names_a_test_for_each_of_the_lines():
    lines = LINE.findall((ROOT / "docs" / "ppo.md").read_text(encoding="utf-8"))
    assert [int(number) for number, _, _ in lines] == list(range(1, 35))
    for number, _, held in lines:
        named = NAMED.findall(held)
        assert named, f"line {number} names no test"
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"line {number}: {path}::{name}"
