"""The folder of a model that is named: a folder, a checkpoint of a run, a registered name, or a hub id.

Nothing is downloaded: what is not at hand is an error that says how to get it.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from ecr_engine.errors import UnavailableError, UsageError, nearest
from ecr_engine.models.registry import ModelInfo, Use, find, model_names, source_of
from ecr_engine.runs.addresses import resolve_checkpoint
from ecr_engine.runs.folder import RunFolder

_CONFIG = "config.json"
_BUILT_HERE = "built here"


def base_folder(name: str, *, at: str) -> Path:
    """The folder with the model that an adapter was trained on, or that a file of weights belongs to.

    Args:
        name: a folder; an address such as `RUN:baseline`; a registered name; or the hub id of a model that is in the
            hub's local cache.
        at: where it is named, for the message.

    Raises:
        UnavailableError: it is not at hand.
        UsageError: a registered model that can't be a backbone.
        DataError: an address that leads to nothing.
    """
    info = find(name)
    folder = Path(source_of(name)).expanduser()
    if (folder / _CONFIG).is_file():
        return folder
    if info is None and not folder.is_dir() and _is_address(name):
        return resolve_checkpoint(name)
    if info is None and RunFolder(folder).exists():
        return resolve_checkpoint(name)
    if info is not None and Use.BACKBONE not in info.uses:
        fix = f"name one of {', '.join(model_names(Use.BACKBONE))}, or a folder"
        raise UsageError(f"'{name}' can't be a base: it is {info.what}", at=at, fix=fix)
    found = _cached(str(folder))
    if found is None:
        raise UnavailableError(f"the base '{name}' is no folder with a model", at=at, fix=_how_to_get(name, info))
    return found


def _is_address(name: str) -> bool:
    root, colon, _ = name.rpartition(":")
    return bool(colon) and RunFolder(Path(root)).exists()


def _cached(name: str) -> Path | None:
    """The folder of a hub id in the hub's local cache; None if it is not there, or is no hub id."""
    if name.count("/") != 1 or name.startswith((".", "/")):
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, _CONFIG)
    except HFValidationError:
        return None
    return Path(config).parent if isinstance(config, str) else None


def _how_to_get(name: str, info: ModelInfo | None) -> str:
    if info is not None and info.source == _BUILT_HERE:
        return "each run builds its own: name the checkpoint that it was trained on, such as --base RUN:baseline"
    if info is not None:
        return f"get it first: ecrctl model pull {info.name}; or name its folder: --base FOLDER"
    close = nearest(name, model_names(Use.BACKBONE))
    if close:
        return f"did you mean '{close}'?"
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return f"get it first: hf download {shlex.quote(name)} --local-dir FOLDER; then name that: --base FOLDER"
    return "get it first, then name its folder: --base FOLDER"
