"""A Llama without padding: log-probs, entropies and every gradient equal those of transformers on the padded batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from ecr_engine.models.generation import positions
from ecr_engine.models.packed.trunk import read_trunk
from ecr_engine.models.response import ResponseModel, TokenBatch, collate

PAD = 0
PROMPTS = [[5, 6, 7, 8, 9, 10], [11], [12, 13, 14], [12, 13, 14]]
RESPONSES = [[20, PAD, 2], [21, 22, 23, 24, 25], [2], [20, 2]]
"""A pad token stands inside of a response, as one can be drawn."""

TEMPERATURE = 0.7


def llama(*, tied: bool, key_heads: int, bias: bool = False) -> LlamaForCausalLM:
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=key_heads,
        tie_word_embeddings=tied,
        attention_bias=bias,
        mlp_bias=bias,
        pad_token_id=PAD,
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        # As trained weights are: norms that are no ones, a pad row that is no zeros.
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def by_transformers(model: LlamaForCausalLM, batch: TokenBatch) -> tuple[Tensor, Tensor]:
    """Log-probs and entropies [B, T] from the logits of the whole padded batch."""
    logits = model(input_ids=batch.ids, attention_mask=batch.mask, position_ids=positions(batch.mask)).logits
    length = batch.response_mask.shape[1]
    whole = torch.log_softmax(logits[:, -length - 1 : -1] / TEMPERATURE, -1)
    chosen = whole.gather(-1, batch.ids[:, -length:].unsqueeze(-1)).squeeze(-1)
    return chosen * batch.response_mask, -(whole.exp() * whole).sum(-1) * batch.response_mask


def gradients(model: LlamaForCausalLM, logs: Tensor, entropies: Tensor) -> dict[str, Tensor]:
    """Of a sum in which each token has a weight of its own."""
    model.zero_grad()
    weights = torch.linspace(-1.0, 2.0, logs.numel()).view(logs.shape)
    (weights * logs + weights.flip(0) * 0.3 * entropies).sum().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("key_heads", [4, 2, 1])
def test_everything_equals_transformers(tied, key_heads):
    model = llama(tied=tied, key_heads=key_heads)
    assert read_trunk(model) is not None, "the model is not one that goes without padding: the test would show nothing"
    batch = collate(PROMPTS, RESPONSES, PAD)
    output = ResponseModel(model)(batch, temperature=TEMPERATURE, with_entropy=True)
    logs, entropies = by_transformers(model, batch)
    assert torch.allclose(output.log_probs, logs, atol=1e-5)
    assert torch.allclose(output.entropy, entropies, atol=1e-5)
    ours = gradients(model, output.log_probs, output.entropy)
    theirs = gradients(model, logs, entropies)
    assert ours.keys() == theirs.keys()
    for name, wanted in theirs.items():
        assert torch.allclose(ours[name], wanted, atol=2e-5, rtol=1e-4), name


def test_the_row_of_the_pad_token_gets_no_gradient_for_being_read():
    model = llama(tied=False, key_heads=2)
    output = ResponseModel(model)(collate(PROMPTS, RESPONSES, PAD), temperature=TEMPERATURE, with_entropy=True)
    found = gradients(model, output.log_probs, output.entropy)
    assert torch.all(found["model.embed_tokens.weight"][PAD] == 0)
    assert torch.any(found["model.embed_tokens.weight"][20] != 0)


def test_a_second_backward_pass_adds_up():
    model = llama(tied=True, key_heads=2)
    wrapped = ResponseModel(model)
    for _ in range(2):
        for part in (slice(0, 2), slice(2, 4)):
            wrapped(collate(PROMPTS[part], RESPONSES[part], PAD), temperature=TEMPERATURE).log_probs.sum().backward()
    twice = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    logs, _ = by_transformers(model, collate(PROMPTS, RESPONSES, PAD))
    (2 * logs.sum()).backward()
    for name, parameter in model.named_parameters():
        assert torch.allclose(twice[name], parameter.grad, atol=5e-5, rtol=1e-4), name


@pytest.mark.parametrize("change", ["bias", "dropout", "architecture"])
def test_what_it_can_not_compute_goes_through_transformers(change):
    model = llama(tied=True, key_heads=2, bias=change == "bias")
    if change == "dropout":
        model.config.attention_dropout = 0.1
        model.train()
    if change == "architecture":
        model.config.hidden_act = "gelu"
    assert read_trunk(model) is None or change == "bias"
    if change == "bias":
        batch = collate(PROMPTS, RESPONSES, PAD)
        output = ResponseModel(model)(batch, temperature=TEMPERATURE, with_entropy=True)
        logs, _ = by_transformers(model, batch)
        assert torch.allclose(output.log_probs, logs, atol=1e-5)
