"""Cleans the text of a source: what a person did not type goes, what they mistyped stays."""

from __future__ import annotations

import html
import re

from ecr_engine.data.schema import SLOT

# The semicolon is asked for: without it, HTML's rules would turn "&notting" into "¬ting".
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# Control characters, invisible marks, and lone surrogates, which no UTF-8 file can hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ud800-\udfff]")

TEMPLATE_MARKERS = re.compile(r"</?s>|\[/?INST\]|<</?SYS>>|<pad>|<unk>")
"""Markers of the Llama-2 chat format; in what a person typed they are no words, and could close a block of a prompt."""


def clean(text: str) -> str:
    """`text` without HTML entities, chat markers, invisible characters and stray white space; typos are kept.

    A literal `<movie>` loses its brackets, so that every slot in our files stands for a mentioned movie.
    """
    if _is_plain(text) and "  " not in text and text == text.strip() and "&" not in text:
        return text
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    words = strip_marks(text)[0]
    return " ".join(words.split()).replace(SLOT, "movie")


def strip_marks(text: str) -> tuple[str, list[str]]:
    """`text` with chat markers as blanks and without invisible characters; and what was taken out."""
    if _is_plain(text):
        return text, []
    taken = _UNPRINTABLE.findall(text)
    visible = _UNPRINTABLE.sub("", text) if taken else text
    markers = TEMPLATE_MARKERS.findall(visible)
    return (TEMPLATE_MARKERS.sub(" ", visible) if markers else visible), taken + markers


def _is_plain(text: str) -> bool:
    """Whether a text can hold no marker and no invisible character: true of nearly all, and much cheaper to ask."""
    return text.isascii() and text.isprintable() and "<" not in text and "[" not in text
