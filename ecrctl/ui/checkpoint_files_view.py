"""What was exported or imported, as people read it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ecrctl.ui.console import results
from ecrctl.ui.document import plain, print_document
from ecrctl.ui.numbers import size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.models.exporting import ExportedModel
    from ecr_engine.models.importing import ImportedModel


def show_exported(found: ExportedModel, *, as_json: bool) -> None:
    """Prints the files that were written, and what they hold."""
    if as_json:
        print_document(found)
        return
    console = results()
    show(
        console,
        (Column("file"), Column("size", right=True)),
        [(name, size(count)) for name, count in found.files.items()],
    )
    console.print()
    adapter = "added to the weights" if found.merged else "beside its base" if found.adapter else ""
    facts(
        console,
        [
            ("from", str(found.checkpoint)),
            ("written", str(found.folder)),
            ("parameters", f"{found.parameters:,}"),
            *([("adapter", adapter)] if adapter else []),
        ],
    )


def show_imported(found: ImportedModel, *, as_json: bool) -> None:
    """Prints what was made of a model, and what it is good for."""
    if as_json:
        print_document({**plain(found), "manifest": found.manifest.to_json()})
        return
    facts(
        results(),
        [
            ("from", str(found.source)),
            *([("base", str(found.base))] if found.base is not None else []),
            ("written", str(found.folder)),
            ("size", size(found.manifest.size)),
            *([("read from pickles", ", ".join(found.unpickled))] if found.unpickled else []),
            ("train on with", f"ecrctl run --backbone {shlex.quote(str(found.folder))}"),
        ],
    )
