"""Log-probabilities of response tokens, against loops over unpadded prefixes and closed forms."""

import math

import pytest
import torch
from tiny_models import FAMILIES, tiny_llama
from torch.utils._python_dispatch import TorchDispatchMode

from ecr_engine.models import response
from ecr_engine.models.generation import positions
from ecr_engine.models.response import ResponseModel, collate

PAD = 0
PROMPTS = [[5, 6, 7, 8, 9, 10], [11], [12, 13, 14]]
RESPONSES = [[20, 2], [21, 22, 23, 24, 25], [2]]


@pytest.fixture(params=sorted(FAMILIES))
def model(request):
    return FAMILIES[request.param]()


def by_hand(model, prompt, answer, temperature):
    """Log-prob and entropy of each answer token, one forward pass of the bare prefix for each of them."""
    found = []
    for place, token in enumerate(answer):
        logits = model(torch.tensor([prompt + answer[:place]])).logits[0, -1].double() / temperature
        probabilities = torch.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        entropy = -sum(float(p) * math.log(float(p)) for p in probabilities if p > 0)
        found.append((math.log(float(probabilities[token])), entropy))
    return found


def test_collate_by_hand():
    batch = collate([[5, 6], [7]], [[8], [9, 10, 2]], PAD)
    assert batch.ids.tolist() == [[5, 6, 8, 0, 0], [0, 7, 9, 10, 2]]
    assert batch.mask.tolist() == [[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]]
    assert batch.response_mask.tolist() == [[1, 0, 0], [1, 1, 1]]


def test_a_pad_id_inside_of_a_response_is_a_token_like_any_other():
    batch = collate([[5]], [[0, 9]], PAD)
    assert batch.mask.tolist() == [[1, 1, 1]]
    assert batch.response_mask.tolist() == [[1, 1]]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@torch.no_grad()
def test_log_probs_and_entropy_equal_a_loop_over_prefixes(model, temperature):
    output = ResponseModel(model)(collate(PROMPTS, RESPONSES, PAD), temperature=temperature, with_entropy=True)
    for row, (prompt, answer) in enumerate(zip(PROMPTS, RESPONSES, strict=True)):
        wanted = by_hand(model, prompt, answer, temperature)
        for place, (log_prob, entropy) in enumerate(wanted):
            assert float(output.log_probs[row, place]) == pytest.approx(log_prob, abs=1e-4)
            assert float(output.entropy[row, place]) == pytest.approx(entropy, abs=1e-4)


@torch.no_grad()
def test_nothing_behind_the_response_counts(model):
    output = ResponseModel(model)(collate(PROMPTS, RESPONSES, PAD), with_entropy=True)
    behind = collate(PROMPTS, RESPONSES, PAD).response_mask == 0
    assert behind.sum() == 7
    assert torch.all(output.log_probs[behind] == 0)
    assert torch.all(output.entropy[behind] == 0)


@torch.no_grad()
def test_a_sample_alone_and_padded_in_a_batch_are_equal(model):
    wrapped = ResponseModel(model)
    together = wrapped(collate(PROMPTS, RESPONSES, PAD))
    for row, (prompt, answer) in enumerate(zip(PROMPTS, RESPONSES, strict=True)):
        alone = wrapped(collate([prompt], [answer], PAD))
        length = len(answer)
        assert torch.allclose(together.log_probs[row, :length], alone.log_probs[0], atol=1e-4)
        assert torch.allclose(together.hidden[row, :length], alone.hidden[0], atol=1e-4)


@torch.no_grad()
def test_positions_follow_the_mask(monkeypatch):
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0]])
    assert positions(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4], [0, 0, 1, 2, 2]]
    # What counting columns would do to a model with learned positions, so that the invariance above means something.
    wrapped = ResponseModel(FAMILIES["gpt2"]())
    right = wrapped(collate(PROMPTS, RESPONSES, PAD)).log_probs
    monkeypatch.setattr(response, "positions", lambda mask: torch.arange(mask.shape[1]).expand_as(mask))
    wrong = wrapped(collate(PROMPTS, RESPONSES, PAD)).log_probs
    assert torch.allclose(right[0], wrong[0], atol=1e-4)
    assert (right[1] - wrong[1]).abs().max() > 1


def test_a_uniform_model_gives_minus_the_log_of_the_vocabulary():
    model = tiny_llama(50)
    torch.nn.init.zeros_(model.lm_head.weight)
    output = ResponseModel(model)(collate(PROMPTS, RESPONSES, PAD), temperature=0.3, with_entropy=True)
    assert output.log_probs.sum().item() == pytest.approx(-8 * math.log(50), abs=1e-4)
    assert output.entropy.sum().item() == pytest.approx(8 * math.log(50), abs=1e-4)


class MadeLogits(TorchDispatchMode):
    """Notes the rows of every matrix product that is as wide as the vocabulary."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if "mm" in str(func) and made.shape[-1] == 50:
            self.rows.append(made.shape[0])
        return made


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_logits_are_made_for_response_tokens_only_and_in_pieces(family, monkeypatch):
    model = FAMILIES[family](50)
    with MadeLogits() as made:
        whole = ResponseModel(model)(collate(PROMPTS, RESPONSES, PAD), with_entropy=True)
    assert made.rows == [8]  # 2 + 5 + 1 response tokens; with prompts and padding it would be 33
    monkeypatch.setattr(response, "LOGITS_AT_A_TIME", 3 * 50 + 5)
    with MadeLogits() as made:
        pieces = ResponseModel(model)(collate(PROMPTS, RESPONSES, PAD), with_entropy=True)
    assert made.rows == [3, 3, 2]
    assert torch.allclose(whole.log_probs, pieces.log_probs, atol=1e-6)
    assert torch.allclose(whole.entropy, pieces.entropy, atol=1e-6)


def test_softmax_is_taken_in_float32_under_a_bfloat16_model():
    output = ResponseModel(tiny_llama().to(torch.bfloat16))(collate(PROMPTS, RESPONSES, PAD))
    assert output.log_probs.dtype is torch.float32


def test_no_gradient_comes_from_padding():
    model = tiny_llama()
    gradients = []
    for prompts, responses in ((PROMPTS, RESPONSES), (PROMPTS[1:2], RESPONSES[1:2])):
        model.zero_grad()
        output = ResponseModel(model)(collate(prompts, responses, PAD))
        output.log_probs[prompts.index(PROMPTS[1])].sum().backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    assert gradients[0].norm() > 0.1
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-4)
