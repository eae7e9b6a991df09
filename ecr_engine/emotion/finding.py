"""How a recogniser is chosen: by its registered name, or by the folder of a trained one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ecr_engine.errors import UsageError, suggestion
from ecr_engine.registry import Registry

T = TypeVar("T")


def named_or_trained(name: str, at: str, *, kind: str, registry: Registry[T], trained: Callable[[Path], T]) -> T:
    """The recogniser of a name or a folder; a registered name goes before a folder that is called so.

    Args:
        name: a registered name, or a folder.
        at: the flag or setting that names it, for the error.
        kind: what it is, for the error, such as "emotion recogniser".
        registry: those with a name.
        trained: loads the one in a folder.

    Raises:
        UsageError: there is none of this name.
        DataError: the folder holds no trained recogniser.
    """
    if name in registry.names():
        return registry.build(name)
    if Path(name).is_dir():
        return trained(Path(name))
    fix = f"{suggestion(name, registry.names())}, or name the folder of a trained one"
    raise UsageError(f"unknown {kind} '{name}'", at=at, fix=fix)
