"""The text classifier: what it reads, what it says, and what it is after saving."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_models
import torch
from goemotions_fixture import write_encoder
from tiny_models import same_weights
from transformers import AutoModel

from ecr_engine.errors import DataError, UnavailableError
from ecr_engine.models.classifier import TextClassifier, build_classifier, load_classifier

assert tiny_models  # one thread
TEXTS = ["wow the movie", "the movie now", "", "the " * 40]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_encoder(tmp_path / "encoder")


@pytest.fixture
def classifier(folder: Path) -> TextClassifier:
    return build_classifier(str(folder), 3, max_length=16, seed=0, at="emotion.encoder")


def test_texts_are_cut_at_the_end(classifier: TextClassifier) -> None:
    rows = classifier.encode(TEXTS)
    # [CLS] … [SEP]; the vocabulary of the fixture: "the" is 9, "movie" 11
    assert rows[1][:3] == [2, 9, 11]
    assert rows[2] == [2, 3]
    assert rows[3] == [2, *[9] * 14, 3]
    assert classifier.encode([]) == []


def test_no_more_tokens_than_the_encoder_has_places_for(folder: Path) -> None:
    classifier = build_classifier(str(folder), 3, max_length=500, seed=0, at="emotion.encoder")
    assert len(classifier.encode(["the " * 400])[0]) == 64


def test_the_head_reads_the_mean_of_the_real_tokens(classifier: TextClassifier, folder: Path) -> None:
    classifier.eval()
    body = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    with torch.no_grad():
        hidden = body(input_ids=torch.tensor([[2, 9, 11, 3]])).last_hidden_state
        expected = hidden[0].mean(0) @ classifier.head.weight.T + classifier.head.bias
        found = classifier(torch.tensor([[2, 9, 11, 3, 0, 0]]), torch.tensor([[1, 1, 1, 1, 0, 0]]))
    torch.testing.assert_close(found[0], expected, atol=1e-6, rtol=1e-5)


def test_probabilities_keep_the_order_and_do_not_depend_on_the_batch(classifier: TextClassifier) -> None:
    rows = classifier.encode(TEXTS * 30)
    together = classifier.probabilities(rows)
    assert together.shape == (120, 3)
    alone = torch.cat([classifier.probabilities([row]) for row in rows[:4]])
    torch.testing.assert_close(together[:4], alone, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(together[116:], alone, atol=1e-6, rtol=1e-5)
    assert classifier.probabilities([]).shape == (0, 3)


def test_dropout_only_while_it_trains(classifier: TextClassifier) -> None:
    rows = classifier.encode(TEXTS)
    classifier.train()
    assert torch.equal(classifier.probabilities(rows), classifier.probabilities(rows))
    assert classifier.training
    ids, mask = classifier.collate(rows)
    assert not torch.equal(classifier(ids, mask), classifier(ids, mask))


def test_the_seed_decides_the_head_and_disturbs_nothing(folder: Path) -> None:
    def build(seed):
        return build_classifier(str(folder), 3, max_length=16, seed=seed, at="emotion.encoder")

    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, three = build(1), build(1), build(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert same_weights(one, two)
    assert not torch.equal(one.head.weight, three.head.weight)


def test_saved_and_loaded_it_is_the_same(classifier: TextClassifier, tmp_path: Path) -> None:
    classifier.save(tmp_path / "saved")
    loaded = load_classifier(tmp_path / "saved", 3, max_length=16)
    assert same_weights(classifier, loaded)
    rows = classifier.encode(TEXTS)
    assert loaded.encode(TEXTS) == rows
    assert torch.equal(loaded.probabilities(rows), classifier.probabilities(rows))
    # the encoder loads without us, and no file is a pickle
    assert AutoModel.from_pretrained(tmp_path / "saved", add_pooling_layer=False).config.hidden_size == 32
    kinds = {path.suffix for path in (tmp_path / "saved").iterdir()}
    assert kinds == {".json", ".safetensors"}


def test_a_broken_head_is_an_error(classifier: TextClassifier, tmp_path: Path) -> None:
    classifier.save(tmp_path / "saved")
    path = tmp_path / "saved" / "head.safetensors"
    with pytest.raises(DataError) as caught:
        load_classifier(tmp_path / "saved", 4, max_length=16)
    (found,) = caught.value.problems
    assert found.what.startswith("the head can't be read: ")
    assert (found.at, found.fix) == (str(path), "train it again")
    for damage in (lambda: path.write_bytes(b"no"), path.unlink):
        damage()
        with pytest.raises(DataError, match="the head can't be read"):
            load_classifier(tmp_path / "saved", 3, max_length=16)


def test_an_encoder_without_padding(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder", pad=False)
    with pytest.raises(UnavailableError) as caught:
        build_classifier(str(folder), 3, max_length=16, seed=0, at="emotion.encoder")
    (found,) = caught.value.problems
    assert found.what == f"the tokenizer of '{folder}' has no padding token"
    assert (found.at, found.fix) == ("emotion.encoder", "name an encoder such as minilm-l6")


def test_an_encoder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        build_classifier(str(tmp_path / "none"), 3, max_length=16, seed=0, at="emotion.encoder")
    (found,) = caught.value.problems
    assert found.what.startswith(f"encoder '{tmp_path / 'none'}' can't be loaded: ")
    assert (found.at, found.fix) == ("emotion.encoder", "name a local folder with the encoder")
