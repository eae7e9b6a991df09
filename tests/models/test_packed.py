"""Packed sequences: against transformers' own forward and backward pass, on the padded batch."""

import copy

import pytest
import torch
from tiny_models import tiny_gpt2, tiny_llama
from torch import nn

from ecr_engine.models import generation, response
from ecr_engine.models.adapters import Lora, attach, switched
from ecr_engine.models.generation import CachedDecoder, Decoding, decoder_of, generate
from ecr_engine.models.packed.decoder import PackedDecoder
from ecr_engine.models.packed.layout import lay_out
from ecr_engine.models.packed.trunk import read_trunk
from ecr_engine.models.response import ResponseModel, collate

PAD = 0
# Seven sequences: two groups, with padding inside of each.
PROMPTS = [[5, 6, 7, 8, 9, 10], [11], [12, 13, 14], [15, 16], [20, 21, 22, 23], [5], [9, 9]]
RESPONSES = [[20, 2], [21, 22, 23, 24, 25], [2], [30, 31, 32], [0, 2], [33, 34], [6, 7, 8, 9]]
# Six trees of one to three responses, not all side by side; one prompt continues another.
SHARED = [[5, 6, 7], [5, 6, 7], [11], [5, 6, 7, 20], [11], [12, 13], [11], [8, 8, 8, 8], [14]]
ANSWERS = [[20, 2], [20, 21, 22, 2], [2], [2], [30, 31, 32], [0, 2], [33], [6, 7, 8, 9], [9, 2]]
ROWS = {"apart": (PROMPTS, RESPONSES), "shared": (SHARED, ANSWERS)}


def grouped_llama(*, tied=False, seed=5):
    """Four query heads share two key heads, as in the larger Llamas."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=tied,
        pad_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.mul_(6.0)
                else:
                    weight.add_(torch.randn_like(weight) * 0.3)
    return model.eval()


def with_adapter(*, new_tokens=(), targets=("q_proj", "v_proj", "o_proj", "up_proj", "down_proj"), tied=False):
    model = grouped_llama(tied=tied)
    attach(model, Lora(rank=4, alpha=8.0, dropout=0.0, targets=targets), seed=1, new_tokens=new_tokens)
    torch.manual_seed(2)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name or "trainable_tokens_delta" in name:
                weight.normal_(0.0, 0.3)
    return model.eval()


MODELS = {
    "whole": grouped_llama,
    "tied": lambda: grouped_llama(tied=True),
    "one head a key": lambda: tiny_llama(64),
    "lora": with_adapter,
    "lora on all": lambda: with_adapter(
        targets=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    ),
    "lora, new tokens": lambda: with_adapter(new_tokens=(2, 9, 21), tied=True),
}


def measured(model, *, rows="apart", temperature=0.7):
    """Log-probs, entropies, states, and the gradients of a loss that uses all three."""
    model.zero_grad()
    batch = collate(*ROWS[rows], PAD)
    output = ResponseModel(model)(batch, temperature=temperature, with_entropy=True)
    slopes = torch.arange(output.log_probs.numel()).view_as(output.log_probs).sin()
    valid = batch.response_mask.bool()
    hidden = (output.hidden[valid] ** 2).mean()
    ((output.log_probs * slopes).sum() + (output.entropy * slopes.cos()).sum() + hidden).backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
    return output, valid, gradients


@pytest.mark.parametrize("rows", sorted(ROWS))
@pytest.mark.parametrize("name", sorted(MODELS))
def test_outputs_and_gradients_equal_those_of_transformers(name, rows, monkeypatch):
    model = MODELS[name]()
    assert read_trunk(model) is not None
    ours, valid, ours_gradients = measured(model, rows=rows)
    other = copy.deepcopy(model)
    monkeypatch.setattr(response, "read_trunk", lambda _model: None)
    monkeypatch.setattr(response, "read_table", lambda _module, _kind: None)
    theirs, _, their_gradients = measured(other, rows=rows)
    assert torch.allclose(ours.log_probs, theirs.log_probs, atol=1e-4)
    assert torch.allclose(ours.entropy, theirs.entropy, atol=1e-4)
    assert torch.allclose(ours.hidden[valid], theirs.hidden[valid], atol=1e-4)
    assert their_gradients
    for weight, gradient in their_gradients.items():
        assert gradient.norm() > 0, weight
        assert (ours_gradients[weight] - gradient).norm() <= 2e-4 * gradient.norm(), weight


def test_a_reference_with_the_adapter_off_is_the_base():
    model = with_adapter(new_tokens=(2, 9))
    batch = collate(PROMPTS, RESPONSES, PAD)
    with torch.no_grad():
        on = ResponseModel(model)(batch).log_probs
        with switched(model, None):
            off = ResponseModel(model)(batch).log_probs
        base = ResponseModel(grouped_llama())(batch).log_probs
    assert torch.allclose(off, base, atol=1e-5)
    assert (on - base).abs().max() > 0.1


def test_frozen_weights_get_no_gradient():
    model = with_adapter()
    _, _, gradients = measured(model)
    assert all("lora_" in name for name in gradients)
    assert all(weight.grad is None for name, weight in model.named_parameters() if "lora_" not in name)


def test_in_bfloat16_products_are_rounded_and_weights_stay_float32():
    model = grouped_llama(tied=True)
    exact, _, exact_gradients = measured(model)
    exact_gradients = {name: gradient.clone() for name, gradient in exact_gradients.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded, _, gradients = measured(model)
    apart = (rounded.log_probs - exact.log_probs).abs().max()
    assert 1e-4 < apart < 0.5
    assert rounded.log_probs.dtype is torch.float32
    for name, gradient in gradients.items():
        assert gradient.dtype is torch.float32
        assert (gradient - exact_gradients[name]).norm() < 0.2 * exact_gradients[name].norm(), name


def test_gradients_add_up_over_micro_batches():
    whole, parts = grouped_llama(tied=True), grouped_llama(tied=True)
    ResponseModel(whole)(collate(PROMPTS, RESPONSES, PAD)).log_probs.sum().backward()
    for rows in (slice(0, 3), slice(3, 7)):
        ResponseModel(parts)(collate(PROMPTS[rows], RESPONSES[rows], PAD)).log_probs.sum().backward()
    for (name, one), other in zip(whole.named_parameters(), parts.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-4), name


def computed(monkeypatch, prompts, responses):
    """The ids of a forward pass, and the lengths of its trees."""
    seen = []
    real = response.packed_states

    def noting(trunk, ids, trees, wanted, shared):
        seen.append((ids.tolist(), trees))
        return real(trunk, ids, trees, wanted, shared)

    monkeypatch.setattr(response, "packed_states", noting)
    ResponseModel(grouped_llama())(collate(prompts, responses, PAD))
    return seen


def test_no_padding_is_computed(monkeypatch):
    seen = computed(monkeypatch, [[5, 6, 7], [8]], [[9], [10, 2]])
    assert seen == [([5, 6, 7, 9, 8, 10, 2], [(4,), (3,)])]


def test_a_prompt_that_rows_have_in_common_is_computed_once(monkeypatch):
    seen = computed(monkeypatch, [[5, 6], [8], [5, 6]], [[9], [10, 2], [11, 2]])
    assert seen == [([5, 6, 9, 11, 2, 8, 10, 2], [(2, 1, 2), (3,)])]


def test_a_branch_sees_its_stem_and_itself_by_hand():
    layout = lay_out([(2, 1, 2), (3,)], torch.device("cpu"))
    assert layout.positions.tolist() == [0, 1, 2, 2, 3, 0, 1, 2]
    [group] = layout.groups
    sees = (~group.unseen()).int().tolist()
    assert sees[0] == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 1, 0], [1, 1, 0, 1, 1]]
    # The second is a sequence; its padding is never read, and sees itself, so that no share is not a number.
    assert [row[:3] for row in sees[1][:3]] == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert [row[place] for place, row in enumerate(sees[1])] == [1] * 5


def test_in_bfloat16_a_shared_prompt_gives_what_each_row_alone_gives():
    model = grouped_llama()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        together = ResponseModel(model)(collate(SHARED, ANSWERS, PAD)).log_probs
        alone = [
            ResponseModel(model)(collate([p], [r], PAD)).log_probs[0] for p, r in zip(SHARED, ANSWERS, strict=True)
        ]
    for row, each in enumerate(alone):
        assert torch.allclose(together[row, : len(each)], each, atol=0.1), row


def test_groups_by_hand():
    layout = lay_out([(2,), (5,), (1,), (3,), (4,)], torch.device("cpu"))
    assert layout.positions.tolist() == [0, 1, 0, 1, 2, 3, 4, 0, 0, 1, 2, 0, 1, 2, 3]
    assert [(group.rows, group.width, group.padded) for group in layout.groups] == [(4, 5, True), (1, 1, False)]
    states = torch.arange(15.0).unsqueeze(-1)
    gathered = layout.groups[0].gather(states, 1)
    assert layout.groups[0].without_padding(gathered)[:, 0, :, 0].tolist() == [
        [2, 3, 4, 5, 6],
        [11, 12, 13, 14, 0],
        [8, 9, 10, 0, 0],
        [0, 1, 0, 0, 0],
    ]
    out = torch.full((15, 1), -1.0)
    for group in layout.groups:
        group.scatter(group.gather(states, 1), out)
    assert torch.equal(out, states)


def other_activation():
    model = grouped_llama()
    model.config.hidden_act = "gelu"
    return model


def training_with_dropout():
    return tiny_llama(dropout=0.5).train()


def with_bias():
    model = grouped_llama()
    model.model.layers[1].self_attn.q_proj = nn.Linear(32, 32)
    return model


class Scaled(nn.Linear):
    def forward(self, x):
        return super().forward(x) * 2


def with_another_layer():
    model = grouped_llama()
    model.model.layers[2].mlp.up_proj = Scaled(32, 48, bias=False)
    return model


@pytest.mark.parametrize(
    "build",
    [tiny_gpt2, other_activation, training_with_dropout, with_bias, with_another_layer],
    ids=lambda f: f.__name__,
)
def test_what_it_can_not_compute_is_left_to_transformers(build):
    assert read_trunk(build()) is None


@pytest.mark.parametrize("name", sorted(MODELS))
def test_greedy_responses_equal_those_of_transformers(name, monkeypatch):
    model = MODELS[name]()
    decoding = Decoding(12, sample=False)
    assert isinstance(decoder_of(model, decoding, PAD), PackedDecoder)
    ours = generate(model, PROMPTS, decoding, pad=PAD, stop=99, seeds=[0] * 7)
    monkeypatch.setattr(generation, "read_trunk", lambda _model: None)
    assert isinstance(decoder_of(model, decoding, PAD), CachedDecoder)
    assert ours == generate(model, PROMPTS, decoding, pad=PAD, stop=99, seeds=[0] * 7)


def test_equal_prompts_are_read_once(monkeypatch):
    read = []
    real = PackedDecoder._read

    def noting(decoder, prompts):
        read.append(list(prompts))
        return real(decoder, prompts)

    monkeypatch.setattr(PackedDecoder, "_read", noting)
    model = grouped_llama()
    prompts = [PROMPTS[0], PROMPTS[2], PROMPTS[0], PROMPTS[0]]
    seeds = [1, 2, 3, 1]
    seeds = [1, 2, 3, 1]
    together = generate(model, prompts, Decoding(8), pad=PAD, stop=99, seeds=seeds)
    assert read == [[tuple(PROMPTS[0]), tuple(PROMPTS[2])]]
    alone = [
        generate(model, [prompt], Decoding(8), pad=PAD, stop=99, seeds=[seed]).ids[0]
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]
    assert together.ids == alone
    assert alone[0] == alone[3] != alone[2]
