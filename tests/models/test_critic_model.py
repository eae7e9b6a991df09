"""The critic's inputs by hand, its heads, and its files."""

import json

import pytest
import torch
from tiny_models import same_weights, tiny_tokenizer
from transformers import AutoModel

from ecr_engine.errors import UnavailableError
from ecr_engine.models.critic import CriticModel, CriticShape, build_critic, load_critic

SHAPE = CriticShape(hidden_size=16, layers=1, heads=2, positions=64)
CONTEXTS = ["seeker: hello there", "seeker: i feel sad today and i want a movie"]


def critic(seed=0, max_length=64):
    return build_critic(
        "small",
        shape=SHAPE,
        tokenizer=tiny_tokenizer(),
        dimensions=("empathy", "engagement"),
        emotions=("like", "happy", "negative"),
        max_length=max_length,
        seed=seed,
    ).eval()


class Letters:
    """A tokenizer with one token a letter: a is 1, b is 2 and so on."""

    sep_token_id = 90
    eos_token_id = 91
    pad_token_id = 0

    def __call__(self, texts, *, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [[ord(letter) - 96 for letter in text] for text in texts]}


def encoded(contexts, responses, max_length, tokenizer=None):
    body = critic().encoder
    ids, mask = CriticModel(body, tokenizer or Letters(), ("empathy",), ("like",), max_length).encode(
        contexts, responses
    )
    return ids.tolist(), mask.tolist()


def test_inputs_by_hand():
    ids, mask = encoded(["abc", "d"], ["x", ""], 16)
    assert ids == [[90, 1, 2, 3, 90, 24], [90, 4, 90, 0, 0, 0]]
    assert mask == [[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]]


def test_a_long_context_loses_its_beginning_and_a_long_response_its_end():
    ids, _ = encoded(["abcdefghijkl"], ["mnopqrst"], 8)
    assert ids == [[90, 11, 12, 90, 13, 14, 15, 16]]
    ids, _ = encoded(["abcdefghijkl"], [""], 8)
    assert ids == [[90, 7, 8, 9, 10, 11, 12, 90]]


def test_a_tokenizer_without_a_separator_lends_its_stop_token():
    tokenizer = Letters()
    tokenizer.sep_token_id = None
    assert encoded(["a"], ["b"], 16, tokenizer)[0] == [[91, 1, 91, 2]]


@torch.no_grad()
def test_values_are_zero_before_training():
    model = critic()
    output = model(*model.encode(CONTEXTS, ["hello", ""]))
    assert output.value.tolist() == [0.0, 0.0]
    assert (output.quality.shape, output.emotion.shape) == ((2, 2), (2, 3))


@torch.no_grad()
def test_padding_changes_nothing():
    model = critic()
    torch.nn.init.normal_(model.value_head.weight)
    together = model(*model.encode(CONTEXTS, ["hello", ""]))
    assert abs(float(together.value[0] - together.value[1])) > 1e-3
    for row, (context, response) in enumerate(zip(CONTEXTS, ["hello", ""], strict=True)):
        alone = model(*model.encode([context], [response]))
        for part, whole in zip(alone, together, strict=True):
            assert torch.allclose(part[0], whole[row], atol=1e-5)


def test_the_heads_read_the_mean_of_the_real_tokens():
    from types import SimpleNamespace

    states = torch.tensor([[[2.0, 4.0], [4.0, 0.0], [100.0, 100.0]]])
    body = torch.nn.Module()
    body.config = SimpleNamespace(hidden_size=2)
    body.forward = lambda **_: SimpleNamespace(last_hidden_state=states)
    model = CriticModel(body, None, ("empathy",), ("like",), 16)
    with torch.no_grad():
        model.value_head.weight.copy_(torch.tensor([[10.0, 1.0]]))
        model.value_head.bias.fill_(0.5)
    # The mean of the first two is (3, 2): 10 * 3 + 1 * 2 + 0.5.
    assert model(torch.zeros(1, 3), torch.tensor([[1, 1, 0]])).value.tolist() == [32.5]


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    first = critic(seed=1)
    assert torch.equal(torch.rand(2), wanted)
    assert same_weights(first, critic(seed=1))
    assert not same_weights(first, critic(seed=2))


@torch.no_grad()
def test_a_saved_critic_comes_back_and_its_encoder_is_a_plain_model(tmp_path):
    model = critic()
    torch.nn.init.normal_(model.value_head.weight)
    model.save(tmp_path)
    facts = json.loads((tmp_path / "critic.json").read_text())
    assert facts == {
        "dimensions": ["empathy", "engagement"],
        "emotions": ["like", "happy", "negative"],
        "max_length": 64,
    }
    loaded = load_critic(tmp_path).eval()
    inputs = model.encode(CONTEXTS, ["hello", ""])
    for part, whole in zip(loaded(*loaded.encode(CONTEXTS, ["hello", ""])), model(*inputs), strict=True):
        assert torch.equal(part, whole)
    assert (loaded.dimensions, loaded.emotions) == (model.dimensions, model.emotions)
    body = AutoModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    state = body(input_ids=inputs[0], attention_mask=inputs[1]).last_hidden_state
    assert torch.allclose(state, model.encoder(input_ids=inputs[0], attention_mask=inputs[1]).last_hidden_state)
    assert not [path.name for path in tmp_path.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_an_encoder_that_is_not_there(tmp_path):
    with pytest.raises(UnavailableError, match=f"encoder '{tmp_path}' can't be loaded: ") as caught:
        build_critic(str(tmp_path), shape=SHAPE, tokenizer=None, dimensions=(), emotions=(), max_length=16, seed=0)
    problem = caught.value.problems[0]
    assert (problem.at, problem.fix) == (
        "critic.encoder",
        "name a local folder with the encoder, or use --set critic.encoder=small",
    )
