"""Sampling: against transformers' own greedy search, against closed-form distributions, whatever the batch."""

import math
from types import SimpleNamespace

import pytest
import torch
from tiny_models import FAMILIES

from ecr_engine.models import generation
from ecr_engine.models.generation import Decoding, by_length, generate, left_pad

PAD = 0
PROMPTS = [[5, 6, 7, 8, 9, 10], [11], [12, 13, 14], [15, 16, 17, 18], [30, 31], [40, 41, 42, 43, 44]]
NO_STOP = 99  # not in the vocabulary


@pytest.fixture(params=sorted(FAMILIES))
def model(request):
    return FAMILIES[request.param](seed=3)


def answers(model, prompts, *, stop, seeds=None, **decoding):
    seeds = seeds or [100 + place for place in range(len(prompts))]
    return generate(model, prompts, Decoding(**decoding), pad=PAD, stop=stop, seeds=seeds)


def greedy_by_transformers(model, prompt, length):
    ids = torch.tensor([prompt])
    made = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=length,
        eos_token_id=None,
        pad_token_id=PAD,
    )
    return made[0, len(prompt) :].tolist()


def frequent_stop(rows):
    """A token that ends some rows early and leaves others whole."""
    for token in range(64):
        ending = [row for row in rows if token in row[:-1]]
        if 2 <= len(ending) < len(rows) and any(row.index(token) < 3 for row in ending):
            return token
    raise AssertionError(rows)


def until(row, stop):
    return row[: row.index(stop) + 1] if stop in row else row


def test_left_pad_by_hand():
    ids, mask = left_pad([[7], [8, 9, 10]], 0)
    assert ids.tolist() == [[0, 0, 7], [8, 9, 10]]
    assert mask.tolist() == [[0, 0, 1], [1, 1, 1]]


def test_batches_go_from_long_to_short_and_hold_every_row_once():
    assert list(by_length([3, 9, 3, 7, 1], 2)) == [[1, 3], [0, 2], [4]]


def test_greedy_equals_that_of_transformers(model):
    wanted = [greedy_by_transformers(model, prompt, 12) for prompt in PROMPTS]
    stop = frequent_stop(wanted)
    made = answers(model, PROMPTS, stop=stop, max_new_tokens=12, sample=False)
    assert made.ids == [until(row, stop) for row in wanted]
    assert made.finished == [stop in row for row in wanted]


def test_a_response_ends_with_its_first_stop_token(model):
    free = answers(model, PROMPTS, stop=NO_STOP, max_new_tokens=16)
    assert [len(row) for row in free.ids] == [16] * 6
    assert free.finished == [False] * 6
    stop = frequent_stop(free.ids)
    cut = answers(model, PROMPTS, stop=stop, max_new_tokens=16)
    assert cut.ids == [until(row, stop) for row in free.ids]
    assert cut.finished == [stop in row for row in free.ids]


def test_a_stop_token_at_the_limit_counts_as_finished():
    model = Fixed([0.0, 1.0])
    made = generate(model, [[5]], Decoding(1), pad=PAD, stop=1, seeds=[0])
    assert (made.ids, made.finished) == ([[1]], [True])


def test_a_response_depends_on_its_prompt_and_seed_alone(model):
    seeds = [7, 8, 9, 10, 11, 12]
    wanted = answers(model, PROMPTS, stop=NO_STOP, seeds=seeds, max_new_tokens=16).ids
    stop = frequent_stop(wanted)
    wanted = [until(row, stop) for row in wanted]
    for order in ([0, 1, 2, 3, 4, 5], [5, 3, 1, 0, 2, 4], [4, 2], [1]):
        made = answers(
            model, [PROMPTS[i] for i in order], stop=stop, seeds=[seeds[i] for i in order], max_new_tokens=16
        )
        assert made.ids == [wanted[i] for i in order]


def test_another_seed_gives_another_response(model):
    first = answers(model, PROMPTS, stop=NO_STOP, seeds=[1] * 6, max_new_tokens=16).ids
    second = answers(model, PROMPTS, stop=NO_STOP, seeds=[2] * 6, max_new_tokens=16).ids
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_sampling_leaves_the_global_random_state_alone(model):
    torch.manual_seed(1)
    wanted = torch.rand(1)
    torch.manual_seed(1)
    answers(model, PROMPTS, stop=NO_STOP, max_new_tokens=4)
    assert torch.equal(torch.rand(1), wanted)


def test_finished_rows_leave_the_batch_and_the_others_stay_the_same(model, monkeypatch):
    free = answers(model, PROMPTS, stop=NO_STOP, max_new_tokens=16).ids
    stop = frequent_stop(free)
    sizes = []
    build = generation.decoder_of

    def noting(*args):
        decoder = build(*args)
        for name in ("start", "step"):
            monkeypatch.setattr(decoder, name, counted(getattr(decoder, name)))
        return decoder

    def counted(method):
        def call(*args):
            logits = method(*args)
            sizes.append(len(logits))
            return logits

        return call

    monkeypatch.setattr(generation, "decoder_of", noting)
    made = answers(model, PROMPTS, stop=stop, max_new_tokens=16)
    assert made.ids == [until(row, stop) for row in free]
    assert sizes[0] == 6
    unfinished = sum(stop not in row[:-1] for row in free)
    assert sizes[-1] < 6
    # At the end no more rows are computed than shrinking below 3/4 leaves in.
    assert unfinished >= 0.75 * sizes[-1]
    assert sizes == sorted(sizes, reverse=True)


class Fixed:
    """A causal LM that says the same at every place: logits that a test chooses."""

    device = torch.device("cpu")

    def __init__(self, probabilities):
        self.logits = torch.tensor([math.log(p) if p > 0 else -math.inf for p in probabilities])

    def __call__(self, *, input_ids, **_):
        logits = self.logits.expand(len(input_ids), 1, -1)
        return SimpleNamespace(logits=logits, past_key_values=SimpleNamespace(batch_select_indices=lambda _: None))


PROBABILITIES = [0.05, 0.5, 0.0, 0.15, 0.3]


def shares(**decoding):
    """Share of each token among 4000 draws."""
    draws = generate(
        Fixed(PROBABILITIES), [[1]] * 4000, Decoding(1, **decoding), pad=0, stop=99, seeds=list(range(4000))
    )
    counts = [0] * 5
    for row in draws.ids:
        counts[row[0]] += 1
    return [count / 4000 for count in counts]


def test_draws_follow_the_distribution():
    found = shares()
    assert found == pytest.approx(PROBABILITIES, abs=0.03)
    assert found[2] == 0.0


def test_temperature_sharpens_as_the_power_of_the_probabilities():
    # At T = 0.5 a probability p becomes p² / Σp² : 0.0025, 0.25, 0, 0.0225, 0.09 over 0.365.
    assert shares(temperature=0.5) == pytest.approx([0.00685, 0.68493, 0.0, 0.06164, 0.24658], abs=0.03)


@pytest.mark.parametrize(
    ("top_p", "wanted"),
    [
        (0.45, [0.0, 1.0, 0.0, 0.0, 0.0]),
        (0.7, [0.0, 0.625, 0.0, 0.0, 0.375]),  # 0.5 / 0.8 and 0.3 / 0.8
        (0.9, [0.0, 0.52632, 0.0, 0.15789, 0.31579]),  # over 0.95
        (0.99, PROBABILITIES),
    ],
)
def test_top_p_draws_from_the_likeliest_tokens_that_hold_it(top_p, wanted):
    found = shares(top_p=top_p)
    assert found == pytest.approx(wanted, abs=0.03)
    assert [share == 0 for share in found] == [share == 0 for share in wanted]
