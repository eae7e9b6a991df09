"""What was exported, as people read it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.data.export import Export


def show_export(export: Export, *, as_json: bool) -> None:
    """Prints the files that were written, and how to read them back where that can be done."""
    read_back = f"ecrctl data process {shlex.quote(str(export.folder))} --output DIR" if export.reads_back else None
    if as_json:
        print_document({"folder": export.folder, "format": export.form, "files": export.files, "read_back": read_back})
        return
    console = results()
    some = any(file.left_out for file in export.files)
    columns = [
        Column("file"),
        Column("examples", right=True),
        *([Column("left out, without a movie", right=True, short="left out")] if some else []),
        Column("size", right=True),
    ]
    rows = [
        (file.name, f"{file.rows:,}", *([f"{file.left_out:,}"] if some else []), size(file.size))
        for file in export.files
    ]
    show(console, columns, rows)
    console.print()
    facts(
        console,
        [
            ("written", f"{sum(file.rows for file in export.files):,} examples in {export.folder}"),
            *([("read back", read_back)] if read_back else []),
        ],
    )
