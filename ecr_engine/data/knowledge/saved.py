"""The file of a knowledge graph: one JSON object, columns of numbers, equal bytes for equal graphs.

    {"format": "ecr-knowledge/1", "relations": ["director", …], "kinds": ["movie", …], "names": ["Heat (1995)", …],
     "kind": [0, …], "heads": [0, …], "triple_relations": [0, …], "tails": [7, …], "items": {"111776": 0, …},
     "unlinked": 0}

`kind` points into `kinds`, entity for entity; a triple is a place in `heads`, `triple_relations` and `tails`, which
point into `names`, `relations` and `names`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_engine.data.records import kind
from ecr_engine.errors import DataError
from ecr_engine.runs.atomic import write_text

FORMAT = "ecr-knowledge/1"

REMAKE = "make it again: ecrctl data process SOURCE --output DIR --knowledge FOLDER"
"""What to type when the file is broken."""


@dataclass(frozen=True, slots=True)
class Content:
    """What the file holds: the arguments of `KnowledgeGraph`, the triples in columns."""

    names: Sequence[str]
    kinds: Sequence[str]
    relations: Sequence[str]
    heads: Sequence[int]
    triple_relations: Sequence[int]
    tails: Sequence[int]
    items: Mapping[str, int]
    unlinked: int


def write(path: Path, content: Content) -> None:
    """Writes the file in one step."""
    kinds = {name: place for place, name in enumerate(dict.fromkeys(content.kinds))}
    data = {
        "format": FORMAT,
        "relations": content.relations,
        "kinds": list(kinds),
        "names": content.names,
        "kind": [kinds[name] for name in content.kinds],
        "heads": content.heads,
        "triple_relations": content.triple_relations,
        "tails": content.tails,
        "items": dict(content.items),
        "unlinked": content.unlinked,
    }
    write_text(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what is wrong with the file into an error with its place.

    Raises:
        DataError: the file is missing, can't be read, or holds something else.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("there is no knowledge graph", at=str(path), fix=REMAKE) from error
    except OSError as error:
        raise DataError(
            f"the knowledge graph can't be read: {error.strerror}", at=str(path), fix="look at its permissions"
        ) from error
    except (ValueError, RecursionError) as error:  # decoding errors of JSON and UTF-8 are among them
        raise DataError(f"the file is no knowledge graph: {error}", at=f"{path}:1", fix=REMAKE) from error


def read(path: Path) -> Content:
    """What the file holds.

    Raises:
        OSError: it can't be read.
        ValueError: it is something else.
    """
    raw = json.loads(path.read_bytes().decode("utf-8"))
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise ValueError(f"it has no mark '{FORMAT}'")
    kinds = _column(raw, "kinds", str)
    places = _column(raw, "kind", int)
    if places and not 0 <= min(places) <= max(places) < len(kinds):
        raise ValueError("an entity's kind points nowhere")
    heads, relations, tails = (_column(raw, name, int) for name in ("heads", "triple_relations", "tails"))
    if not len(heads) == len(relations) == len(tails):
        raise ValueError("its columns of triples differ in length")
    items, unlinked = raw.get("items"), raw.get("unlinked")
    if not isinstance(items, dict) or any(type(number) is not int for number in items.values()):
        raise ValueError("'items' must be an object of whole numbers")
    if type(unlinked) is not int:
        raise ValueError("'unlinked' must be a whole number")
    return Content(
        names=_column(raw, "names", str),
        kinds=[kinds[place] for place in places],
        relations=_column(raw, "relations", str),
        heads=heads,
        triple_relations=relations,
        tails=tails,
        items=items,
        unlinked=unlinked,
    )


def _column(raw: dict[str, Any], name: str, wanted: type) -> list[Any]:
    """A list whose values are all of one type (true and false are no numbers)."""
    values = raw.get(name)
    if not isinstance(values, list):
        raise ValueError(f"'{name}' must be a list, found {kind(values)}")
    if strange := set(map(type, values)) - {wanted}:
        what = "texts" if wanted is str else "whole numbers"
        raise ValueError(f"'{name}' must hold {what}, found {', '.join(sorted(each.__name__ for each in strange))}")
    return values
