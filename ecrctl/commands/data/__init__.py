"""`ecrctl data`: from raw dialogues to examples. One module a command."""

from __future__ import annotations

import typer

from ecrctl.commands.data import annotate, export, fetch, process, sample, show, stats, validate
from ecrctl.grouping import grouped
from ecrctl.tree import ProcessCommand

app = typer.Typer(no_args_is_help=True, help="Make, fetch, process, check and look at dialogues.")

app.command("sample")(grouped(sample.sample))
app.command("fetch")(grouped(fetch.fetch))
app.command("process", cls=ProcessCommand)(grouped(process.process))
app.command("annotate")(grouped(annotate.annotate))
app.command("validate")(grouped(validate.validate))
app.command("stats")(grouped(stats.stats))
app.command("show")(grouped(show.show))
app.command("export")(grouped(export.export))
