"""Movie names by id, from the lists that data sets bring along, and the repair of names with their help."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

from ecr_engine.data.cleaning import clean
from ecr_engine.data.files import SourceFiles
from ecr_engine.data.reader import Names
from ecr_engine.data.schema import Item
from ecr_engine.errors import DataError

INFO = "id2info.json"
"""CFCRS's list: an object of movie id to an object with `name`."""

MENTIONS = "movies_with_mentions.csv"
"""ReDial's own list: columns movieId, movieName, nbMentions."""

_YEAR = re.compile(r"\(\d{4}\)$")


def name_files(files: SourceFiles) -> tuple[str, ...]:
    """The lists of movie names that a source has; the first is believed where they differ."""
    return tuple(name for name in (INFO, MENTIONS) if name in files.names())


def movie_names(files: SourceFiles) -> Names:
    """Cleaned movie names by id; empty if the source has no list.

    Raises:
        DataError: a list can't be read.
    """
    names: dict[str, str] = {}
    for name in reversed(name_files(files)):
        with files.open(name) as handle:
            content = handle.read()
        try:
            names.update(_from_info(content) if name == INFO else _from_mentions(content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                "the list of movie names can't be read", at=files.shown(name), fix="fetch it again, or take it away"
            ) from error
    return {item_id: name for item_id, name in names.items() if name}


def repaired(item: Item, names: Names) -> Item:
    """The item, with its listed name if its own is missing or lacks the year that the listed one has."""
    if item.name and _YEAR.search(item.name):
        return item
    listed = names.get(item.item_id)
    if listed and listed != item.name and (not item.name or _YEAR.search(listed)):
        return replace(item, name=listed)
    return item


def _from_info(content: bytes) -> Names:
    return {str(item_id): clean(entry["name"] or "") for item_id, entry in json.loads(content).items()}


def _from_mentions(content: bytes) -> Names:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    return {row["movieId"].strip(): clean(row["movieName"]) for row in rows}
