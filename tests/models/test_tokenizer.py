"""What prompts need of a tokenizer: slots and markers in one piece, a pad that is not the stop token."""

from pathlib import Path

import pytest
from tiny_models import TEXTS, tiny_tokenizer

from ecr_engine.models.tokenizer import prepare_tokenizer, train_tokenizer


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def test_a_slot_is_one_token_that_survives_decoding():
    tokenizer = tiny_tokenizer()
    assert tokenizer.tokenize("<movie>") == ["<movie>"]
    assert tokenizer.tokenize("see <movie>!").count("<movie>") == 1
    assert tokenizer.decode(encode(tokenizer, "see <movie>!"), skip_special_tokens=True) == "see <movie>!"


@pytest.mark.parametrize("marker", ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"])
def test_a_marker_is_one_token_and_is_seen_when_it_leaks(marker):
    tokenizer = tiny_tokenizer()
    ids = encode(tokenizer, f"so {marker} then")
    assert tokenizer.tokenize(marker) == [marker]
    assert tokenizer.decode(ids, skip_special_tokens=True) == f"so {marker} then"


def test_begin_stop_and_pad_are_three_tokens_that_decoding_can_leave_out():
    tokenizer = tiny_tokenizer()
    special = [tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id]
    assert special == [0, 1, 2]
    assert (tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token) == ("<pad>", "<s>", "</s>")
    assert tokenizer.decode([1, *encode(tokenizer, "hello"), 2, 0], skip_special_tokens=True) == "hello"


def test_the_stop_token_takes_the_blank_before_it():
    tokenizer = tiny_tokenizer()
    assert encode(tokenizer, "sad movie </s>") == [*encode(tokenizer, "sad movie"), 2]


@pytest.mark.parametrize("text", ["naïve café", "千と千尋 🎬💛", "tab\tand\nline", "  two  blanks "])
def test_any_text_comes_back_unchanged(text):
    tokenizer = tiny_tokenizer()
    assert tokenizer.decode(encode(tokenizer, text)) == text


def test_the_same_texts_give_the_same_tokenizer_and_the_limit_holds():
    first, second = train_tokenizer(TEXTS * 40, 400), train_tokenizer(iter(TEXTS * 40), 400)
    assert first.get_vocab() == second.get_vocab()
    assert len(train_tokenizer([chr(97 + i % 26) * (i % 7) + str(i) for i in range(9000)], 400)) == 400


def test_a_saved_tokenizer_is_read_by_transformers(tmp_path: Path):
    from transformers import AutoTokenizer

    tiny_tokenizer().save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "<s>[INST] see <movie> 🎬 [/INST] yes </s>"
    assert encode(loaded, text) == encode(tiny_tokenizer(), text)
    assert (loaded.pad_token_id, loaded.padding_side) == (0, "left")


def foreign(**special):
    """A pretrained tokenizer as others make them: words, no slot, and the special tokens that a test names."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: place for place, word in enumerate(["<unk>", "<s>", "</s>", "see", "<", "movie", ">"])}
    body = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    body.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=body, bos_token="<s>", eos_token="</s>", **special)


def test_a_tokenizer_like_llama_2_pads_with_unk_and_gains_the_slot():
    tokenizer = foreign(unk_token="<unk>")
    assert len(encode(tokenizer, "<movie>")) == 3
    assert prepare_tokenizer(tokenizer) == 1
    assert encode(tokenizer, "see <movie>") == [3, 7]
    assert tokenizer.decode([3, 7], skip_special_tokens=True) == "see <movie>"
    assert (tokenizer.pad_token, tokenizer.pad_token_id, tokenizer.padding_side) == ("<unk>", 0, "left")


def test_a_tokenizer_that_pads_with_its_stop_token_gets_a_pad_of_its_own():
    tokenizer = foreign(pad_token="</s>")
    assert prepare_tokenizer(tokenizer) == 2
    assert (tokenizer.pad_token, tokenizer.pad_token_id, tokenizer.eos_token_id) == ("<pad>", 8, 2)


def test_nothing_is_added_where_nothing_is_missing():
    assert prepare_tokenizer(tiny_tokenizer()) == 0
