"""What the tests of the guide's Python share: a tokenizer in a local folder, and a way to run a snippet."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def gpt2_like(tmp_path_factory):
    """A folder with a byte-level tokenizer of GPT-2's kind: one special token for all ends, and none for padding."""
    from tiny_models import TEXTS
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    end = "<|endoftext|>"
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[end], initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(TEXTS * 4, trainer)
    folder = tmp_path_factory.mktemp("gpt2-like")
    fast = PreTrainedTokenizerFast(tokenizer_object=made, bos_token=end, eos_token=end, unk_token=end)
    assert fast.pad_token_id is None
    fast.save_pretrained(folder)
    return folder


@pytest.fixture
def tokenizer(gpt2_like):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(gpt2_like)


@pytest.fixture
def run_snippet(gpt2_like):
    """Runs a snippet's text with the hub id replaced by the local folder; returns the names it leaves."""

    def run(text, **names):
        assert "src_emo" not in text
        exec(compile(text.replace("microsoft/DialoGPT-small", str(gpt2_like)), "snippet", "exec"), names)
        return names

    return run
