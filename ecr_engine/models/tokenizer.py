"""Tokenizers: the tiny backbone's own, and what any backbone's must have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ecr_engine.data.prompts import MARKERS
from ecr_engine.data.schema import SLOT

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD = "<pad>"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on `texts`; the same texts give the same tokenizer.

    `<movie>` and the markers of the chat format are one token each, and ordinary ones: decoding keeps them, so that a
    response that leaks a marker can be seen and a slot can't be lost. The stop token takes the blank before it, since
    the chat format puts one there and a token for it would teach nothing.

    Args:
        texts: the corpus.
        vocabulary: number of tokens at most, all added ones included; at least 400 (256 bytes and some merges).
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = [AddedToken(PAD, special=True), AddedToken("<s>", special=True)]
    special.append(AddedToken("</s>", special=True, lstrip=True))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(MARKERS) - 1,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(word, special=False, normalized=False) for word in (*MARKERS, SLOT)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token=PAD,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def prepare_tokenizer(tokenizer: Any) -> int:
    """Gives a pretrained tokenizer what the prompts need: `<movie>` as one ordinary token, and a pad that is not eos.

    Llama 2 has no pad token, and others pad with their stop token; padding with the stop token would hide it from the
    loss, so `<unk>` is taken where there is one, else a new token.

    Returns:
        The number of tokens that were added: the model's embeddings have to grow by as many.
    """
    from tokenizers import AddedToken

    added = 0
    if len(tokenizer.encode(SLOT, add_special_tokens=False)) != 1:
        added += tokenizer.add_tokens([AddedToken(SLOT, special=False, normalized=False)])
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        if tokenizer.unk_token_id is not None and tokenizer.unk_token_id != tokenizer.eos_token_id:
            tokenizer.pad_token = tokenizer.unk_token
        else:
            added += tokenizer.add_special_tokens({"pad_token": PAD})
    tokenizer.padding_side = "left"
    return int(added)
