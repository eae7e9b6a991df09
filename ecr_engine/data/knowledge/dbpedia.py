"""Names for people, out of DBpedia's addresses.

`<http://dbpedia.org/resource/Heat_(1995_film)>` is shown as `Heat (1995)`, `<…/Chris_Evans_(actor)>` as `Chris Evans`,
`<http://dbpedia.org/ontology/musicComposer>` as `music composer`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import unquote

from ecr_engine.data.cleaning import clean

_ADDRESS = re.compile(r"<?https?://[^/]+/(?:resource|ontology|property)/(.+?)>?")
_SUFFIX = re.compile(r"(.*\S) \(([^()]*)\)")
_YEAR = re.compile(r"\b(?:18|19|20)\d\d\b")
_FILM = re.compile(r"\bfilm\b", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def full_name(key: str) -> str:
    """The last part of an address, with blanks; another key is only cleaned."""
    found = _ADDRESS.fullmatch(key)
    # What stands behind the folder, not behind the last slash: `Face/Off` is one name.
    return clean(unquote(found[1]).replace("_", " ")) if found else clean(key)


def short_name(key: str) -> str:
    """The full name without a closing bracket that tells namesakes apart, but for its year; only for addresses."""
    name = full_name(key)
    found = _SUFFIX.fullmatch(name)
    if not found or not _ADDRESS.fullmatch(key):
        return name
    year = _YEAR.search(found[2])
    return f"{found[1]} ({year[0]})" if year else found[1]


def is_film(key: str) -> bool:
    """Whether an address says of itself that it is a film, such as `Heat_(1995_film)`."""
    found = _SUFFIX.fullmatch(full_name(key)) if _ADDRESS.fullmatch(key) else None
    return bool(found and _FILM.search(found[2]))


def relation_name(key: str) -> str:
    """The last part of an address in words; another key is only cleaned."""
    return _HUMP.sub(" ", full_name(key)).lower() if _ADDRESS.fullmatch(key) else clean(key)


def entity_names(keys: Sequence[str]) -> list[str]:
    """The name shown for each entity; no two are the same.

    Entities whose short names are the same get their full names. Where those are the same as well, the later ones get a
    number: `Sabu [2]`.
    """
    short = [short_name(key) for key in keys]
    often = Counter(short)
    taken: dict[str, None] = {}
    for key, name in zip(keys, short, strict=True):
        wanted = name if often[name] == 1 else full_name(key)
        shown, number = wanted, 2
        while shown in taken:
            shown, number = f"{wanted} [{number}]", number + 1
        taken[shown] = None
    return list(taken)
