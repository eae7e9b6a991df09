"""Movie titles in plain text: what forms without `@id` leave of a mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_YEAR = re.compile(r"\s*\((\d{4})\)$")
_RESOURCE = re.compile(r"<?https?://dbpedia\.org/resource/([^>]*)>?")
_YEAR_KIND = re.compile(r" \((\d{4}) [^()]*\)$")
_KIND = re.compile(r" \((?:[^()]* )?(?:film|films|movie|film series|TV series|series)\)$")
_ANY_YEAR = r"\d{4}"
_SHORT = 4


@dataclass(frozen=True, slots=True)
class Title:
    """A movie to look for.

    Attributes:
        item_id: what it is called in `Message.movies`.
        base: the name without the year.
        year: four digits, or empty.
        dated: whether it counts only with a year behind it, because the name may mean something else.
    """

    item_id: str
    base: str
    year: str
    dated: bool = False


def title(item_id: str, name: str, *, dated: bool = False) -> Title:
    """The title in a name such as `Heat (1995)`."""
    year = _YEAR.search(name)
    return Title(item_id, name[: year.start()] if year else name, year[1] if year else "", dated)


def has_year(name: str) -> bool:
    """Whether a name ends with a year in brackets."""
    return _YEAR.search(name) is not None


def plain(name: str) -> str:
    """The name of a knowledge-graph entity; of a DBpedia address, the words in it.

    `<http://dbpedia.org/resource/Men_in_Black_(1997_film)>` is `Men in Black (1997)`.
    """
    resource = _RESOURCE.fullmatch(name.strip())
    if resource is None:
        return " ".join(name.split())
    words = " ".join(unquote(resource[1]).replace("_", " ").split())
    return _KIND.sub("", _YEAR_KIND.sub(r" (\1)", words))


def split_at(text: str, titles: Iterable[Title]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The words between the titles that a text holds, and for each its id and its words as they stand there.

    A longer title goes before a shorter one, and a year behind a title belongs to it. Titles of at most four letters
    must agree in upper and lower case, since `It` and `it` are rarely the same.
    """
    lowered = text.lower()
    near = sorted((t for t in titles if t.base and t.base.lower() in lowered), key=lambda t: -len(t.base))
    if not near:
        return (text,), ()
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(f'({_pattern(t)})' for t in near)})(?!\w)")
    words, found, end = [], [], 0
    for match in pattern.finditer(text):
        words.append(text[end : match.start()])
        found.append((near[(match.lastindex or 1) - 1].item_id, match[0]))
        end = match.end()
    return (*words, text[end:]), tuple(found)


def _pattern(wanted: Title) -> str:
    base = re.escape(wanted.base)
    if len(wanted.base) > _SHORT:
        base = f"(?i:{base})"
    if wanted.dated:
        return rf"{base}\s?\({wanted.year or _ANY_YEAR}\)"
    if wanted.year:
        return rf"{base}(?:\s?\({wanted.year}\)|(?!\s?\(\d{{4}}\)))"
    return rf"{base}(?:\s?\(\d{{4}}\))?"


def gaps(pieces: Sequence[str], text: str) -> tuple[str, ...] | None:
    """What stands in a text in the gaps between given pieces of it; None if the pieces are not there.

    Where a piece occurs more than once, the place behind a year in brackets is preferred, since titles end so.

    Args:
        pieces: at least one; the first begins the text, the last ends it.
        text: the whole.
    """
    return _filled(pieces, text, dated=True) or _filled(pieces, text, dated=False)


def _filled(pieces: Sequence[str], text: str, *, dated: bool) -> tuple[str, ...] | None:
    if len(pieces) == 1:
        return () if pieces[0] == text else None
    end = len(text) - len(pieces[-1])
    start = len(pieces[0])
    if start >= end or not text.startswith(pieces[0]) or not text.endswith(pieces[-1]):
        return None
    found = []
    for piece in pieces[1:-1]:
        at = text.find(piece, start + 1, end)
        while dated and at >= 0 and not has_year(text[start:at][-7:]):
            at = text.find(piece, at + 1, end)
        if at < 0:
            return None
        found.append(text[start:at])
        start = at + len(piece)
    return (*found, text[start:end]) if start < end else None
