"""`ecrctl score`: judging responses, and what comes of several judges. One module a command."""

from __future__ import annotations

import typer

from ecrctl.commands import score_agree, score_merge, score_report, score_run
from ecrctl.grouping import grouped

app = typer.Typer(no_args_is_help=True, help="Let judges score responses, and compare them.")

app.command("run", cls=score_run.ScoreCommand)(grouped(score_run.run))
app.command("merge")(grouped(score_merge.merge))
app.command("agree")(grouped(score_agree.agree))
app.command("report")(grouped(score_report.report))
