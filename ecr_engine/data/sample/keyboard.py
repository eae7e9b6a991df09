"""How people really type: lower case, missing marks, short forms, and the same old slips."""

from __future__ import annotations

import random
import re


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


_SLIPS = _pairs(
    "the:teh movie:moive recommend:recomend really:realy definitely:definately their:thier interesting:intresting "
    "because:becuase friend:freind watch:wacth something:somthing favorite:favrite would:woud tonight:tonite "
    "believe:beleive which:wich what:waht good:godo with:wiht have:ahve just:jsut about:abuot thanks:thansk "
    "great:graet funny:funy comedy:comdey comedies:comedys romance:romace beautiful:beatiful surprise:suprise "
    "until:untill always:allways heard:herd seen:sen suggest:sugest enjoy:enojy think:thikn like:liek "
    "sounds:souds little:litle amazing:amazeing happened:happend family:familly boring:borring"
)
_SHORT = _pairs("you:u are:r please:pls thanks:thx because:cuz okay:ok tomorrow:tmrw people:ppl your:ur before:b4")
_WORD = re.compile(r"[A-Za-z']+")


def mistype(text: str, rng: random.Random, sloppiness: float) -> str:
    """`text` as somebody types it in a hurry.

    Args:
        text: a message, tidy.
        rng: decides what goes wrong.
        sloppiness: chance, in [0, 1], of each kind of carelessness.
    """
    if rng.random() < sloppiness:
        text = text.lower()
    if rng.random() < sloppiness:
        text = text.rstrip(".!")
    if rng.random() < sloppiness * 0.6:
        text = text.replace("'", "")
    if rng.random() < sloppiness * 0.6:
        text = _replace_one(text, _SLIPS, rng)
    if rng.random() < sloppiness * 0.4:
        text = _replace_one(text, _SHORT, rng)
    return text


def _replace_one(text: str, table: dict[str, str], rng: random.Random) -> str:
    """One of the words that the table knows, as the table has it."""
    known = [word for word in _WORD.finditer(text) if word[0] in table]
    if not known:
        return text
    word = rng.choice(known)
    return text[: word.start()] + table[word[0]] + text[word.end() :]
