"""A knowledge graph small enough to work out by hand.

Heat has a director who also wrote it, two stars and two genres; Ali shares its director and `drama`, Serpico one star
and `drama`. Neighbours: Michael Mann 2, Al Pacino 2, drama 3, all others 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecr_engine.data.knowledge.graph import KnowledgeGraph

NAMES = (
    "Heat (1995)",
    "Ali (2001)",
    "Serpico (1973)",
    "Michael Mann",
    "Robert De Niro",
    "Al Pacino",
    "Will Smith",
    "Sidney Lumet",
    "drama",
    "crime",
)
KINDS = ("movie",) * 3 + ("person",) * 5 + ("genre",) * 2
RELATIONS = ("genre", "star", "director", "writer")
TRIPLES = (
    *((0, 2, 3), (0, 3, 3), (0, 1, 4), (0, 1, 5), (0, 0, 8), (0, 0, 9)),
    *((1, 2, 3), (1, 1, 6), (1, 0, 8)),
    *((2, 2, 7), (2, 1, 5), (2, 0, 8)),
)
ITEMS = {"11": 0, "22": 1, "33": 2, "12": 0}


def small_graph(**changed: Any) -> KnowledgeGraph:
    """The graph; ids 11 and 12 are Heat, 22 is Ali, 33 Serpico."""
    arguments = {"names": NAMES, "kinds": KINDS, "relations": RELATIONS, "triples": TRIPLES, "items": ITEMS}
    return KnowledgeGraph(**{**arguments, **changed})


def write_cfcrs(folder: Path, **changed: Any) -> Path:
    """The same graph in the files of CFCRS; an argument replaces a file's content, None leaves it out."""
    listed = {**ITEMS, "44": None}
    content = {
        "kg": {
            str(10 * head): [[r, 10 * t] for h, r, t in TRIPLES if h == head]
            for head in sorted({t[0] for t in TRIPLES})
        },
        "entity2id": {name: 10 * number for number, name in enumerate(NAMES)},
        "relation2id": {name: number for number, name in enumerate(RELATIONS)},
        "entity2type": dict(zip(NAMES, KINDS, strict=True)),
        "item_ids": [0, 10, 20],
        "id2info": {
            item_id: {"name": "Unknown (1900)" if number is None else NAMES[number].replace(" (", "  ("), "genre": []}
            for item_id, number in listed.items()
        },
        **changed,
    }
    for name, value in content.items():
        if isinstance(value, bytes):
            (folder / f"{name}.json").write_bytes(value)
        elif value is not None:
            (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return folder
