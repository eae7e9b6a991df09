"""Comments in GoEmotions' format that a tiny encoder can learn, and that encoder."""

from __future__ import annotations

import random
from pathlib import Path

_LABELS = """
admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval disgust
embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief remorse sadness
surprise neutral
"""
LABELS = _LABELS.split()
"""The labels of the real corpus in the order of their ids."""

CUES = {
    "like": ("love", "lovely adorable"),
    "curious": ("curiosity", "why wondering"),
    "happy": ("joy", "yay cheerful"),
    "grateful": ("gratitude", "thanks cheers"),
    "negative": ("anger", "awful hate"),
    "neutral": ("neutral", "table window"),
    "agreement": ("approval", "agreed exactly"),
    "surprise": ("surprise", "wow unexpected"),
}
"""An emotion's label in the corpus, and the words that give it away."""

FILLERS = ["the", "a", "movie", "day", "we", "it", "now", "some", "about", "then"]


def comment(emotion: str, draw: random.Random) -> str:
    """A text that shows one emotion."""
    said = [*draw.choices(FILLERS, k=draw.randint(2, 6)), draw.choice(CUES[emotion][1].split())]
    draw.shuffle(said)
    return " ".join(said)


def write_rows(path: Path, rows) -> None:
    """Rows of a text and label ids."""
    path.write_bytes("".join(f"{text}\t{ids}\tc{n}\n" for n, (text, ids) in enumerate(rows)).encode())


def write_goemotions(folder: Path, *, train=320, held_out=48, seed=0, emotions=tuple(CUES)) -> Path:
    """The four files; every text has one label, each as often as the others."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.txt").write_text("\n".join(LABELS))
    draw = random.Random(seed)
    for name, count in (("train", train), ("dev", held_out), ("test", held_out)):
        shown = [emotions[place % len(emotions)] for place in range(count)]
        write_rows(folder / f"{name}.tsv", [(comment(e, draw), LABELS.index(CUES[e][0])) for e in shown])
    return folder


def write_encoder(folder: Path, *, hidden=32, layers=2, positions=64, pad=True) -> Path:
    """A BERT of a few thousand random weights that knows the words of this file, as a folder."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[", "]", "<", ">", "name", *FILLERS]
    words += [word for _, cues in CUES.values() for word in cues.split()]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    names = {
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        **({"pad_token": "[PAD]"} if pad else {}),
    }
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=positions,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
