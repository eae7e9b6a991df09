"""Rollouts: what an episode holds, against loops over unpadded prefixes, and which tokens a score belongs to."""

import pytest
import torch
from rl_toys import EXAMPLES, PAD, PROMPTS, STOP, share_of_good, word_critic, word_policy
from tiny_models import same_weights, tiny_llama

from ecr_engine.models.generation import Decoding, Generation
from ecr_engine.models.placement import make_accelerator
from ecr_engine.models.response import ResponseModel
from ecr_engine.rl.rollout import Prompt, Roller, critic_inputs, decode, local_answers
from ecr_engine.rl.values import CriticValues, TrunkValues

TEMPERATURE = 0.7
POLICY = word_policy(scale=6.0)
REFERENCE = tiny_llama(16, seed=9, layers=1, scale=6.0)
CRITIC = word_critic()
torch.nn.init.normal_(CRITIC.value_head.weight)


def roller(*, answer=None, score=share_of_good, micro=3, values=None, penalty=0.5, temperature=TEMPERATURE):
    return Roller(
        policy=ResponseModel(POLICY.model),
        reference=ResponseModel(REFERENCE),
        values=values or CriticValues(CRITIC),
        critic=CRITIC,
        answer=answer or local_answers(POLICY.model, POLICY.tokenizer),
        tokenizer=POLICY.tokenizer,
        score=score,
        accelerator=make_accelerator(torch.device("cpu"), "no"),
        decoding=Decoding(8, temperature=temperature),
        missing_stop_penalty=penalty,
        micro_batch_size=micro,
    )


def prompts(order=range(7)):
    return [Prompt(place, index, PROMPTS[index], 50 + index) for place, index in enumerate(order)]


def by_hand(model, prompt, answer):
    """Log-prob and entropy of each token at the rollouts' temperature."""
    found = []
    for place, token in enumerate(answer):
        logits = model(torch.tensor([prompt + answer[:place]])).logits[0, -1].double() / TEMPERATURE
        logs = logits - torch.logsumexp(logits, 0)
        found.append((float(logs[token]), -float((logs.exp() * logs).sum())))
    return found


def test_responses_to_one_prompt_are_measured_side_by_side():
    rolling = roller(micro=3)
    seen = []
    real = rolling.reference

    def noting(batch, **options):
        seen.append([tuple(row[kept].tolist()) for row, kept in zip(batch.ids, batch.mask.bool(), strict=True)])
        return real(batch, **options)

    rolling.reference = noting
    same = [Prompt(place, index, PROMPTS[index], 50 + place) for place, index in enumerate([3, 3, 3, 5, 5, 5])]
    found = rolling.roll(same, EXAMPLES)
    # However long their responses are: the longer prompt's first.
    wanted = [tuple(e.prompt + e.response) for e in found]
    assert seen == [wanted[3:], wanted[:3]]


@torch.no_grad()
def test_log_probs_entropy_and_values_against_a_loop():
    episodes = roller().roll(prompts(), EXAMPLES)
    lengths = [len(episode.response) for episode in episodes]
    assert len(set(lengths)) > 1
    for episode in episodes:
        policy = by_hand(POLICY.model, episode.prompt, episode.response)
        reference = by_hand(REFERENCE, episode.prompt, episode.response)
        assert episode.log_probs.tolist() == pytest.approx([pair[0] for pair in policy], abs=1e-4)
        assert episode.entropy.tolist() == pytest.approx([pair[1] for pair in policy], abs=1e-4)
        assert episode.reference_log_probs.tolist() == pytest.approx([pair[0] for pair in reference], abs=1e-4)
        value = CRITIC(*critic_inputs(CRITIC, [EXAMPLES[episode.example]])).value
        assert episode.values.tolist() == pytest.approx([float(value)] * len(episode.response), abs=1e-4)


def test_the_tokens_are_drawn_with_the_same_temperature():
    cold = roller(temperature=1e-4).roll(prompts(), EXAMPLES)
    # As good as greedy: each token is the likeliest.
    for episode in cold:
        assert episode.log_probs.tolist() == pytest.approx([0.0] * len(episode.response), abs=1e-3)


def test_a_response_ends_with_its_first_stop_token_or_at_the_limit():
    episodes = roller().roll(prompts(), EXAMPLES)
    assert {episode.finished for episode in episodes} == {True, False}
    for episode in episodes:
        assert episode.finished == (episode.response[-1] == STOP)
        assert STOP not in episode.response[:-1]
        assert len(episode.response) == 8 or episode.finished


def scripted(ids, finished):
    return lambda _prompts, _decoding, _seeds: Generation(ids, finished)


def test_rewards_see_the_text_and_a_missing_stop_costs():
    seen = []

    def score(samples):
        seen.extend(samples)
        return share_of_good(samples)

    answer = scripted([[5, 4, STOP], [5, 5], [STOP]], [True, False, True])
    episodes = roller(answer=answer, score=score).roll(prompts([2, 0, 1]), EXAMPLES)
    assert [(s.response, s.finished, s.tokens) for s in seen] == [("b a", True, 3), ("b b", False, 2), ("", True, 1)]
    assert [sample.example.example_id for sample in seen] == ["2:1", "0:1", "1:1"]
    assert [episode.text for episode in episodes] == ["b a", "b b", ""]
    assert [episode.reward for episode in episodes] == pytest.approx([1 / 3, 1.0, 0.0])
    assert [episode.score for episode in episodes] == pytest.approx([1 / 3, 0.5, 0.0])
    assert [episode.components["good"] for episode in episodes] == pytest.approx([1 / 3, 1.0, 0.0])
    assert [episode.components["nothing"] for episode in episodes] == [None, None, None]


def test_without_a_penalty_the_score_is_the_reward():
    answer = scripted([[5, 5]], [False])
    (episode,) = roller(answer=answer, penalty=0.0).roll(prompts([0]), EXAMPLES)
    assert (episode.reward, episode.score) == (1.0, 1.0)


def test_an_episode_depends_on_its_own_prompt_and_seed_alone():
    wanted = {episode.example: episode for episode in roller(micro=7).roll(prompts(), EXAMPLES)}
    for order, micro in (([6, 0, 3, 1, 5, 2, 4], 2), ([3], 1)):
        for episode in roller(micro=micro).roll(prompts(order), EXAMPLES):
            other = wanted[episode.example]
            assert (episode.response, episode.text) == (other.response, other.text)
            assert (episode.reward, episode.score) == (other.reward, other.score)
            for name in ("log_probs", "reference_log_probs", "entropy", "values"):
                assert torch.allclose(getattr(episode, name), getattr(other, name), atol=1e-4)


def test_episodes_come_in_the_order_of_the_batch():
    episodes = roller(micro=2).roll(prompts([6, 0, 3]), EXAMPLES)
    assert [(episode.index, episode.example) for episode in episodes] == [(0, 6), (1, 0), (2, 3)]


def test_values_of_the_trunk_are_measured_too():
    values = TrunkValues(16)
    with torch.no_grad():
        values.head.bias.fill_(0.25)
    episodes = roller(values=values).roll(prompts([0, 6]), EXAMPLES)
    assert all(episode.values.tolist() == [0.25] * len(episode.response) for episode in episodes)


def test_rolling_trains_nothing_and_leaves_no_gradient():
    import copy

    before = copy.deepcopy(POLICY.model), copy.deepcopy(REFERENCE)
    episodes = roller().roll(prompts(), EXAMPLES)
    assert same_weights(before[0], POLICY.model)
    assert same_weights(before[1], REFERENCE)
    assert not any(episode.log_probs.requires_grad or episode.values.requires_grad for episode in episodes)
    assert all(weight.grad is None for weight in REFERENCE.parameters())


def test_dropout_is_off():
    policy = word_policy(dropout=0.5)
    made = roller()
    made.policy = ResponseModel(policy.model)
    made.answer = local_answers(policy.model, policy.tokenizer)
    policy.model.train()
    first = made.roll(prompts(), EXAMPLES)
    policy.model.train()
    second = made.roll(prompts(), EXAMPLES)
    for one, other in zip(first, second, strict=True):
        assert one.response == other.response
        assert torch.equal(one.log_probs, other.log_probs)


def test_decoding_keeps_slots_and_drops_the_stop_token():
    from tiny_models import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    ids = tokenizer.encode(" have you seen <movie> ? [/INST]", add_special_tokens=False)
    assert decode(tokenizer, [*ids, tokenizer.eos_token_id]) == "have you seen <movie> ? [/INST]"
    assert decode(tokenizer, [tokenizer.eos_token_id]) == ""


def test_the_critic_reads_the_context_alone():
    ids, mask = critic_inputs(CRITIC, [EXAMPLES[0], EXAMPLES[1]])
    # stop, "seeker:" (unknown), a, b (and c), stop: no response follows.
    assert ids.tolist() == [[STOP, 3, 4, 5, STOP, PAD], [STOP, 3, 4, 5, 6, STOP]]
    assert mask.tolist() == [[1, 1, 1, 1, 2, 0], [1, 1, 1, 1, 1, 2]]


class Scarce(ResponseModel):
    """A policy that has memory for two rows at a time."""

    def __init__(self, model):
        super().__init__(model)
        self.widths = []

    def forward(self, batch, **more):
        self.widths.append(len(batch.ids))
        if len(batch.ids) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return super().forward(batch, **more)


def test_measuring_goes_on_with_half_the_micro_batch_where_memory_runs_out():
    wanted = roller(micro=2).roll(prompts(), EXAMPLES)
    warnings = []
    made = roller(micro=7)
    made.policy = Scarce(POLICY.model)
    made.warn = warnings.append
    episodes = made.roll(prompts(), EXAMPLES)
    assert made.policy.widths == [7, 4, 2, 2, 2, 1]
    assert made.micro_batch_size == 2
    assert warnings == [
        {
            "what": "memory ran out in the rollout: micro-batches of 2 rollouts instead of 7 from here on; "
            "results stay the same",
            "fix": "--set ppo.micro_batch_size=2",
        }
    ]
    for one, other in zip(episodes, wanted, strict=True):
        assert one.response == other.response
        assert torch.equal(one.log_probs, other.log_probs)


def test_each_part_of_a_rollout_is_timed():
    import time

    def slow(samples):
        time.sleep(0.05)
        return share_of_good(samples)

    made = roller(score=slow)
    made.roll(prompts([0]), EXAMPLES)
    assert made.seconds.score >= 0.05
    assert min(made.seconds) > 0
