"""Model folders made by others: what is in them is looked at before anything of it is loaded, and nothing of it runs.

| what | how it could run code or reach outside | what becomes of it |
|---|---|---|
| `auto_map`, `custom_pipelines` in a JSON file | transformers imports Python files of the folder | refused |
| `megatron_config` in an adapter's | peft imports the module that `megatron_core` names | refused |
| an index of shards with a path | files elsewhere are read as weights | refused |
| `.bin`, `.pt`, `.npz` and other pickles | unpickling calls whatever the file names | refused, or tensors only |
| a header of a gigabyte | memory | refused by its length |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecr_engine.errors import DataError
from ecr_engine.models.registry import read_json_object
from ecr_engine.runs.manifest import PICKLES, is_inside
from ecr_engine.runs.tensor_files import SAFETENSORS, read_tensors

INDEX = ".index.json"
"""Ending of the files that say in which shard a weight lies."""

MAP = "weight_map"
"""Where an index has its shards."""

_CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json")
_CODE_KEYS = frozenset({"auto_map", "custom_pipelines"})
_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_CODE_KEYS = frozenset({"auto_map", "megatron_config"})
_PLAIN = "use a model that needs no code of its own"


def check_no_code(folder: Path) -> None:
    """Refuses a folder that asks for code of its own, or whose index of shards leads out of it.

    Raises:
        DataError: it does.
        UnavailableError: one of its JSON files can't be read.
    """
    for name in _CONFIGS:
        if (folder / name).is_file():
            _check_keys(folder / name, _CODE_KEYS)
    if (folder / _ADAPTER_CONFIG).is_file():
        _check_keys(folder / _ADAPTER_CONFIG, _ADAPTER_CODE_KEYS)
    for index in sorted(folder.glob(f"*{INDEX}")):
        shards_of(index)


def check_weights(folder: Path) -> None:
    """Refuses a folder with a damaged safetensors file, by its header.

    Raises:
        DataError: one is damaged.
    """
    for path in sorted(folder.glob(f"*{SAFETENSORS}")):
        read_tensors(path)


def shards_of(index: Path) -> tuple[str, ...]:
    """The files that an index of shards names, all of them beside it.

    Raises:
        DataError: it names none, one outside of its folder, or one that is not there.
        UnavailableError: it is no JSON.
    """
    places = read_json_object(index).get(MAP)
    if not isinstance(places, Mapping) or not places or not all(isinstance(name, str) for name in places.values()):
        raise DataError(f"the index '{index.name}' names no files", at=str(index), fix="get the model again")
    names = tuple(sorted(set(places.values())))
    for name in names:
        if not is_inside(name) or Path(name).name != name:
            raise DataError(
                f"the index '{index.name}' names a file outside of its folder: '{name}'", at=str(index), fix=_PLAIN
            )
        if not (index.parent / name).is_file():
            raise DataError(
                f"the index '{index.name}' names a file that is not there: '{name}'",
                at=str(index.parent / name),
                fix="get the model again",
            )
    return names


def pickles_in(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that can run code when they are unpickled."""
    return tuple(path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICKLES)


def _check_keys(path: Path, wanted: frozenset[str]) -> None:
    try:
        found = next((key for key in _keys(read_json_object(path)) if key in wanted), None)
    except RecursionError as error:
        raise DataError(f"{path.name} is nested too deep", at=str(path), fix="get the model again") from error
    if found is not None:
        raise DataError(
            f"the folder asks to run code of its own: '{found}' in {path.name}",
            at=str(path),
            fix=f"{_PLAIN}; none is ever run",
        )


def _keys(content: Mapping[str, Any]) -> Iterator[str]:
    """The keys of an object that say anything, those of objects in it too."""
    for key, value in content.items():
        if value is not None and value != {} and value != []:
            yield key
        if isinstance(value, Mapping):
            yield from _keys(value)
