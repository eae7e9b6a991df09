"""Files in EPITOME's format, of sentences made up for the tests."""

from __future__ import annotations

import csv
from pathlib import Path

HEAD = "sp_id,rp_id,seeker_post,response_post,level,rationales\n"

NAMES = {
    "reaction": "emotional-reactions-reddit.csv",
    "interpretation": "interpretations-reddit.csv",
    "exploration": "explorations-reddit.csv",
}

POSTS = (
    "My week was long, and nothing I tried went well.",
    "I moved to a new town and I don't know anybody here.",
    "My dog was ill all night, so I hardly slept.",
    "I have an exam soon, and I can't make myself study.",
)

# What the response shows at the levels 0, 1 and 2 of each mechanism.
SAYINGS = {
    "reaction": ("You could go for a walk.", "Hang in there!", "I am so sorry, that must hurt a lot."),
    "interpretation": ("Tea helps some people.", "I get it.", "It sounds like you feel alone and worn out."),
    "exploration": ("Tomorrow is another day.", "What happened?", "Are you worried that it will go on like this?"),
}


def levels_of(number):
    """The level of each mechanism of pair `number`; all 27 combinations occur."""
    return {"reaction": number % 3, "interpretation": number // 3 % 3, "exploration": number // 9 % 3}


def rows(mechanism, pairs=108, replies=2):
    """Rows of one file: `replies` responses to each post."""
    found = []
    for number in range(pairs):
        levels = levels_of(number)
        said = " ".join(SAYINGS[name][level] for name, level in levels.items())
        shown = f"{SAYINGS[mechanism][levels[mechanism]]}|" if levels[mechanism] else ""
        post = POSTS[number % len(POSTS)]
        found.append((f"s{number // replies}", f"r{number}", post, said, str(levels[mechanism]), shown))
    return found


def write_csv(path: Path, content) -> Path:
    """A file with EPITOME's columns and these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(HEAD)
        csv.writer(handle, lineterminator="\n").writerows(content)
    return path


def write_epitome(folder: Path, mechanisms=tuple(NAMES), pairs=108) -> dict[str, Path]:
    """The files of some mechanisms, which grade the same pairs."""
    return {name: write_csv(folder / NAMES[name], rows(name, pairs)) for name in mechanisms}


def write_encoder(folder: Path, *, hidden=32, layers=1, positions=64, seed=0) -> Path:
    """A BERT of a few thousand random weights that knows the words of this file, as a folder."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    cut = pre_tokenizers.Whitespace()
    texts = [*POSTS, *(text for said in SAYINGS.values() for text in said)]
    words = sorted({word for text in texts for word, _ in cut.pre_tokenize_str(text.lower())})
    vocabulary = {word: number for number, word in enumerate([*specials, *words, "the", "movie"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = cut
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=positions,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
