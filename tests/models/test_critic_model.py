"""The critic's inputs by hand, its heads, and its files."""

import json
from types import SimpleNamespace

import pytest
import torch
from tiny_models import same_weights, tiny_critic, tiny_tokenizer
from transformers import AutoModel

from ecr_engine.errors import DataError, ExitCode, UnavailableError
from ecr_engine.models.critic import CriticModel, CriticOrigin, CriticShape, build_critic, load_critic

CONTEXTS = ["seeker: hello there", "seeker: i feel sad today and i want a movie"]
RESPONSES = ["hello", ""]


def critic(seed=0, **changes):
    model = tiny_critic(
        dimensions=("empathy", "engagement"), emotions=("like", "happy", "negative"), seed=seed, **changes
    )
    return model.eval()


class Letters:
    """A tokenizer with one token a letter: a is 1, b is 2 and so on."""

    cls_token_id = None
    sep_token_id = 90
    eos_token_id = 91
    pad_token_id = 0

    def __call__(self, texts, *, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [[ord(letter) - 96 for letter in text] for text in texts]}


def encoded(contexts, responses, max_length, tokenizer=None):
    model = CriticModel(critic().encoder, tokenizer or Letters(), ("empathy",), ("like",), max_length)
    ids, mask = model.encode(contexts, responses)
    return ids.tolist(), mask.tolist()


def test_inputs_by_hand():
    ids, mask = encoded(["abc", "d"], ["x", ""], 16)
    assert ids == [[90, 1, 2, 3, 90, 24], [90, 4, 90, 0, 0, 0]]
    # 1 for the context, 2 for the response and the separator before it.
    assert mask == [[1, 1, 1, 1, 2, 2], [1, 1, 2, 0, 0, 0]]


def test_a_long_context_loses_its_beginning_and_a_long_response_its_end():
    ids, _ = encoded(["abcdefghijkl"], ["mnopqrst"], 8)
    assert ids == [[90, 11, 12, 90, 13, 14, 15, 16]]
    ids, _ = encoded(["abcdefghijkl"], [""], 8)
    assert ids == [[90, 7, 8, 9, 10, 11, 12, 90]]


def test_a_tokenizer_without_a_separator_lends_its_stop_token():
    tokenizer = Letters()
    tokenizer.sep_token_id = None
    assert encoded(["a"], ["b"], 16, tokenizer)[0] == [[91, 1, 91, 2]]


def test_a_tokenizer_with_a_first_token_has_it_first():
    tokenizer = Letters()
    tokenizer.cls_token_id = 92
    assert encoded(["a"], ["b"], 16, tokenizer)[0] == [[92, 1, 90, 2]]


def test_an_encoder_with_fewer_places_reads_fewer_tokens():
    assert critic(max_length=500).max_length == 64
    facts = {"type_vocab_size": 1, "model_type": "roberta", "max_position_embeddings": 514}
    body = Told(STATES)
    body.config = SimpleNamespace(hidden_size=2, to_dict=lambda: facts)
    # RoBERTa's kind counts its places from two on.
    assert CriticModel(body, None, ("empathy",), ("like",), 600).max_length == 512


@torch.no_grad()
def test_values_are_zero_before_training():
    model = critic()
    output = model(*model.encode(CONTEXTS, RESPONSES))
    assert output.value.tolist() == [0.0, 0.0]
    assert (output.quality.shape, output.emotion.shape) == ((2, 2), (2, 3))


@torch.no_grad()
def test_padding_changes_nothing():
    model = critic()
    torch.nn.init.normal_(model.value_head.weight)
    together = model(*model.encode(CONTEXTS, RESPONSES))
    assert abs(float(together.value[0] - together.value[1])) > 1e-3
    for row, (context, response) in enumerate(zip(CONTEXTS, RESPONSES, strict=True)):
        alone = model(*model.encode([context], [response]))
        for part, whole in zip(alone, together, strict=True):
            assert torch.allclose(part[0], whole[row], atol=1e-5)


class Told(torch.nn.Module):
    """An encoder of width 2 whose states a test chooses, and that keeps what it was given."""

    def __init__(self, states, token_types=2):
        super().__init__()
        facts = {"type_vocab_size": token_types, "model_type": "told"}
        self.config = SimpleNamespace(hidden_size=2, to_dict=lambda: facts)
        self.states = states
        self.given = {}

    def forward(self, **given):
        self.given = given
        return SimpleNamespace(last_hidden_state=self.states)


def read_by(encoder):
    """The value of one row: two tokens of context, one of the response, one of padding."""
    model = CriticModel(encoder, None, ("empathy",), ("like",), 16)
    with torch.no_grad():
        model.value_head.weight.copy_(torch.tensor([[100.0, 10.0, 1.0, 0.1]]))
        model.value_head.bias.fill_(0.5)
    return float(model(torch.zeros(1, 4), torch.tensor([[1, 1, 2, 0]])).value.detach())


STATES = torch.tensor([[[2.0, 4.0], [4.0, 0.0], [0.0, 5.0], [999.0, 999.0]]])


def test_the_heads_read_the_mean_of_all_tokens_and_that_of_the_response():
    # All: (2, 3); the response: (0, 5).
    assert read_by(Told(STATES)) == pytest.approx(100 * 2 + 10 * 3 + 0 + 0.1 * 5 + 0.5)


def test_the_encoder_is_told_what_is_padding_and_what_the_response():
    encoder = Told(STATES)
    read_by(encoder)
    assert encoder.given["attention_mask"].tolist() == [[1, 1, 1, 0]]
    assert encoder.given["token_type_ids"].tolist() == [[0, 0, 1, 0]]
    for one_type in (Told(STATES, token_types=1), Told(STATES, token_types=None)):
        read_by(one_type)
        assert "token_type_ids" not in one_type.given


@torch.no_grad()
def test_the_response_shows_in_every_head():
    model = critic()
    torch.nn.init.normal_(model.value_head.weight)
    for said in model(*model.encode(CONTEXTS[:1] * 2, ["i am sorry you feel sad", "funny"])):
        assert (said[0] - said[1]).abs().max() > 1e-3


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    first = critic(seed=1)
    assert torch.equal(torch.rand(2), wanted)
    assert same_weights(first, critic(seed=1))
    assert not same_weights(first, critic(seed=2))


def test_embeddings_of_the_same_shape_are_taken_over():
    words = len(tiny_tokenizer())
    table = torch.randn(words, 16)
    model = critic(embeddings=table)
    assert torch.equal(model.encoder.get_input_embeddings().weight, table)
    assert model.encoder.get_input_embeddings().weight.data_ptr() != table.data_ptr()
    assert same_weights(critic(embeddings=torch.randn(words, 8)), critic())


@torch.no_grad()
def test_a_saved_critic_comes_back_and_its_encoder_is_a_plain_model(tmp_path):
    model = critic()
    model.origin = CriticOrigin("small", ("rubric",), {"empathy": (0.0, 9.0)})
    torch.nn.init.normal_(model.value_head.weight)
    model.save(tmp_path)
    facts = json.loads((tmp_path / "critic.json").read_text())
    assert facts == {
        "dimensions": ["empathy", "engagement"],
        "emotions": ["like", "happy", "negative"],
        "max_length": 64,
        "encoder": "small",
        "judges": ["rubric"],
        "ranges": {"empathy": [0.0, 9.0]},
    }
    loaded = load_critic(tmp_path).eval()
    inputs = model.encode(CONTEXTS, RESPONSES)
    for part, whole in zip(loaded(*loaded.encode(CONTEXTS, RESPONSES)), model(*inputs), strict=True):
        assert torch.equal(part, whole)
    assert (loaded.dimensions, loaded.emotions) == (model.dimensions, model.emotions)
    assert loaded.origin == model.origin
    assert (loaded.origin.range_of("empathy"), loaded.origin.range_of("engagement")) == ((0.0, 9.0), (0.0, 1.0))
    # Nothing beside: a pooling layer that nobody reads would be drawn at random.
    assert same_weights(loaded, model)
    body = AutoModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    assert same_weights(body, model.encoder)
    assert not [path.name for path in tmp_path.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_an_encoder_that_is_not_there(tmp_path):
    with pytest.raises(UnavailableError, match=f"encoder '{tmp_path}' can't be loaded: ") as caught:
        build_critic(
            str(tmp_path),
            shape=CriticShape(16, 1, 2, 64),
            tokenizer=None,
            embeddings=torch.zeros(0),
            dimensions=(),
            emotions=(),
            max_length=16,
            seed=0,
        )
    problem = caught.value.problems[0]
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert (problem.at, problem.fix) == (
        "critic.encoder",
        "name a local folder with the encoder, or use --set critic.encoder=small",
    )


def problem_of(folder):
    with pytest.raises(DataError) as caught:
        load_critic(folder)
    return caught.value.problems[0]


def test_a_folder_without_a_critic(tmp_path):
    problem = problem_of(tmp_path)
    assert (problem.what, problem.at) == (f"there is no critic in '{tmp_path}'", str(tmp_path / "critic.json"))
    assert problem.fix == "name a checkpoint of one, such as RUN/critic/best"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"dimensions": ["empathy", "engagement", "overall"]},
            "quality_head.weight has 2 outputs of width 32 where critic.json names 3 (empathy, engagement, overall) "
            "of width 32",
        ),
        (
            {"emotions": ["like"]},
            "emotion_head.weight has 3 outputs of width 32 where critic.json names 1 (like) of width 32",
        ),
        ({"emotions": 3}, "a critic with a wrong or missing field: 'int' object is not iterable"),
    ],
)
def test_heads_that_are_not_those_that_are_named(tmp_path, change, what):
    critic().save(tmp_path)
    path = tmp_path / "critic.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    problem = problem_of(tmp_path)
    assert (problem.what, problem.fix) == (what, "train it again: ecrctl train critic")


def test_a_critic_of_before_knows_no_origin(tmp_path):
    critic().save(tmp_path)
    path = tmp_path / "critic.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({name: facts[name] for name in ("dimensions", "emotions", "max_length")}))
    assert load_critic(tmp_path).origin == CriticOrigin()


def test_heads_that_are_damaged(tmp_path):
    critic().save(tmp_path)
    (tmp_path / "heads.safetensors").write_bytes(b"nothing")
    problem = problem_of(tmp_path)
    assert problem.what.startswith("the heads can't be read: ")
    assert problem.at == str(tmp_path / "heads.safetensors")
