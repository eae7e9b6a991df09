"""The lists of ids beside UniCRS's files: what an entity is called, and which entities are movies."""

from __future__ import annotations

import json
from typing import Any

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.readers._processed import Known
from ecr_engine.errors import DataError

NAMES = "entity2id.json"
"""An object of name or DBpedia address to id."""

MOVIES = ("item_ids.json", "movie_ids.json")
"""A list of the ids that are movies."""


def load(files: SourceFiles) -> Known:
    """What the lists of a source say; of a source without them, nothing.

    Raises:
        DataError: a list can't be read.
    """
    names: dict[str, str] = {}
    movies: frozenset[str] | None = None
    if NAMES in files.names():
        table = _content(files, NAMES)
        if not isinstance(table, dict):
            raise _unreadable(files, NAMES)
        names = {str(number): name for name, number in table.items()}
    listed = next((name for name in MOVIES if name in files.names()), None)
    if listed is not None:
        numbers = _content(files, listed)
        if not isinstance(numbers, list):
            raise _unreadable(files, listed)
        movies = frozenset(map(str, numbers))
    return Known(names=names, movies=movies)


def _content(files: SourceFiles, name: str) -> Any:
    with files.open(name) as handle:
        content = handle.read()
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(files, name) from error


def _unreadable(files: SourceFiles, name: str) -> DataError:
    return DataError("the list of ids can't be read", at=files.shown(name), fix="fetch it again, or take it away")
