"""The bi-encoder by hand: what it reads, what attends to what, and its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from epitome_fixture import write_encoder
from tiny_models import same_weights
from transformers import AutoModel

from ecr_engine.errors import DataError, EcrError, ExitCode, UnavailableError, UsageError
from ecr_engine.models.bi_encoder import BiEncoder, BiEncoderFacts, build_bi_encoder, load_bi_encoder

SEEKER = ["My week was long.", "I moved to a new town and I don't know anybody here."]
RESPONSE = ["What happened?", "I get it."]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def facts(encoder: Path, **changes) -> BiEncoderFacts:
    fields = {
        "base": str(encoder),
        "mechanisms": ("reaction", "exploration"),
        "levels": 3,
        "max_length": 16,
        "dropout": 0.0,
    }
    return BiEncoderFacts(**{**fields, **changes})


def build(encoder: Path, seed: int = 0, **changes) -> BiEncoder:
    return build_bi_encoder(facts(encoder, **changes), seed=seed).eval()


def logits(model: BiEncoder, seeker: list[str], response: list[str]) -> torch.Tensor:
    with torch.no_grad():
        return model(*model.encode(seeker), *model.encode(response))


def problem(caught: pytest.ExceptionInfo[EcrError]) -> tuple[str, str, str]:
    found = caught.value.problems[0]
    return found.what, found.at, found.fix


def test_texts_keep_their_beginning_and_their_marks(encoder: Path) -> None:
    model = build(encoder, max_length=8)
    ids, mask = model.encode(["i get it", " ".join(["long"] * 20)])
    words = model.tokenizer.convert_ids_to_tokens
    assert words(ids[0].tolist()) == ["[CLS]", "i", "get", "it", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]
    assert words(ids[1].tolist()) == ["[CLS]", *["long"] * 6, "[SEP]"]
    assert mask.tolist() == [[1] * 5 + [0] * 3, [1] * 8]


def test_logits_by_hand(encoder: Path) -> None:
    model = build(encoder)
    width = model.hidden_size
    with torch.no_grad():
        seeker, response = model.encode(SEEKER[:1]), model.encode(RESPONSE[:1])
        heard = model.encoder(input_ids=seeker[0]).last_hidden_state[0]
        said = model.encoder(input_ids=response[0]).last_hidden_state[0]
        to_query, to_key, to_value = model.attention.in_proj_weight.split(width)
        # One head: softmax(q·k / sqrt(width)) over the seeker's tokens, for each token of the response.
        scores = (said @ to_query.T) @ (heard @ to_key.T).T / width**0.5
        taken = scores.softmax(-1) @ (heard @ to_value.T) @ model.attention.out_proj.weight.T
        expected = model.head((said + taken).mean(0)).view(2, 3)
    found = logits(model, SEEKER[:1], RESPONSE[:1])
    assert found.shape == (1, 2, 3)
    assert torch.allclose(found[0], expected, atol=1e-5)


def test_padding_changes_nothing(encoder: Path) -> None:
    model = build(encoder)
    together = logits(model, SEEKER, RESPONSE)
    alone = torch.cat([logits(model, [s], [r]) for s, r in zip(SEEKER, RESPONSE, strict=True)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_both_texts_count(encoder: Path) -> None:
    model = build(encoder)
    first = logits(model, SEEKER[:1], RESPONSE[:1])
    assert not torch.allclose(first, logits(model, SEEKER[1:], RESPONSE[:1]), atol=1e-4)
    assert not torch.allclose(first, logits(model, SEEKER[:1], RESPONSE[1:]), atol=1e-4)


def test_a_seed_makes_the_heads_and_leaves_the_callers_randomness_alone(encoder: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = build(encoder)
    assert torch.equal(torch.rand(1), expected)
    assert same_weights(first, build(encoder))
    assert not torch.equal(first.head.weight, build(encoder, seed=1).head.weight)


def test_it_is_written_without_pickle_and_read_back_bit_for_bit(encoder: Path, tmp_path: Path) -> None:
    model = build(encoder)
    model.save(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 4 + [".safetensors"] * 2
    read = load_bi_encoder(tmp_path)
    assert same_weights(read, model)
    assert read.facts == model.facts
    assert torch.equal(logits(read.eval(), SEEKER, RESPONSE), logits(model, SEEKER, RESPONSE))
    assert AutoModel.from_pretrained(tmp_path).config.hidden_size == 32
    assert json.loads((tmp_path / "empathy.json").read_text()) == {
        "base": str(encoder),
        "mechanisms": ["reaction", "exploration"],
        "levels": 3,
        "max_length": 16,
        "dropout": 0.0,
    }


def test_an_encoder_that_cant_be_had(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        build(tmp_path / "nothing")
    what, at, fix = problem(caught)
    assert what.startswith(f"encoder '{tmp_path / 'nothing'}' can't be loaded: ")
    assert (at, fix) == (
        "empathy_training.encoder",
        "name a local folder with the encoder, or use --encoder minilm-l6",
    )
    assert caught.value.exit_code == ExitCode.ENVIRONMENT


def test_the_small_encoder_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build(Path("small"))
    assert problem(caught) == (
        "encoder 'small' is not pretrained, and a few thousand pairs don't teach it what words mean",
        "empathy_training.encoder",
        "use --encoder minilm-l6",
    )


def test_an_encoder_that_reads_less_than_is_wanted(encoder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        build(encoder, max_length=65)
    assert problem(caught) == (
        f"encoder '{encoder}' reads 64 tokens at most, not 65",
        "empathy_training.max_length",
        "--set empathy_training.max_length=64",
    )


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empathy.json", b"{", "empathy.json is not what was written"),
        ("empathy.json", b'{"base": "x"}', "empathy.json is not what was written"),
        ("empathy.json", b"[1]", "empathy.json is not what was written"),
        ("heads.safetensors", b"no tensors", "Error while deserializing header: "),
        ("heads.safetensors", None, "No such file or directory: "),
    ],
)
def test_a_damaged_folder(encoder: Path, tmp_path: Path, name: str, content: bytes | None, what: str) -> None:
    build(encoder).save(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_bi_encoder(tmp_path)
    said, at, fix = problem(caught)
    assert said.startswith(f"the empathy recogniser is damaged: {what}")
    assert (at, fix) == (str(tmp_path), "train it again")


def test_heads_of_another_shape(encoder: Path, tmp_path: Path) -> None:
    build(encoder).save(tmp_path)
    changed = {**json.loads((tmp_path / "empathy.json").read_text()), "mechanisms": ["reaction"]}
    (tmp_path / "empathy.json").write_text(json.dumps(changed))
    with pytest.raises(DataError) as caught:
        load_bi_encoder(tmp_path)
    assert problem(caught)[0].startswith("the empathy recogniser is damaged: Error(s) in loading state_dict")
