"""Plug-ins by file: the file's name is the registered name.

A registry looks into one package. Each module there that does not start with an underscore is one entry, and has a
function `build` that returns it. Adding an entry is adding a file; names are listed without importing anything.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from pathlib import Path
from typing import Generic, TypeVar

from ecr_engine.errors import UsageError, suggestion

T = TypeVar("T")


class Registry(Generic[T]):
    """The entries of one package.

    Args:
        package: the dotted name of the package that holds one module an entry.
        kind: what an entry is called in messages, such as "reward component".
    """

    def __init__(self, package: str, kind: str) -> None:
        self._package = package
        self._kind = kind

    def names(self) -> list[str]:
        """All registered names, sorted; imports none of the entries."""
        spec = importlib.util.find_spec(self._package)
        assert spec is not None and spec.submodule_search_locations is not None, self._package
        folders = [str(Path(place)) for place in spec.submodule_search_locations]
        return sorted(m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_"))

    def build(self, name: str, *given: object) -> T:
        """The entry called `name`.

        Args:
            name: a registered name.
            given: what the entries of this registry are built from.

        Raises:
            UsageError: no entry has this name; the message holds the nearest one.
        """
        if name not in self.names():
            raise UsageError(f"unknown {self._kind} '{name}'", fix=suggestion(name, self.names()))
        module = importlib.import_module(f"{self._package}.{name}")
        entry: T = module.build(*given)
        return entry
