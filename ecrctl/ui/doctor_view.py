"""What `doctor` found, and the terminal, which only this side sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ecrctl.ui.console import NARROWEST_DASHBOARD, draws, results
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, show

if TYPE_CHECKING:
    from ecr_engine.models.doctor import Finding

_STYLES = {"ok": "green", "advice": "yellow", "missing": "bold red"}


def terminal() -> Finding:
    """The terminal: its width, its colours, and whether it shows more than ASCII."""
    from ecr_engine.models.doctor import Finding, State

    console = results()
    if not console.is_terminal:
        return Finding("terminal", State.OK, "none: dashboards are key=value lines")
    colour = console.color_system or "no colour"
    encoding = console.encoding.upper()
    what = f"{console.width} columns, {colour}, {encoding}"
    if not encoding.startswith("UTF"):
        return Finding("terminal", State.ADVICE, what, "export LC_ALL=C.UTF-8")
    if not draws(console):
        return Finding(
            "terminal", State.ADVICE, what, f"make it at least {NARROWEST_DASHBOARD} columns wide, TERM=xterm"
        )
    return Finding("terminal", State.OK, what)


def show_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Prints one line a finding, with what mends it.

    Raises:
        UnavailableError: something that is needed is missing.
    """
    from ecr_engine.errors import UnavailableError
    from ecr_engine.models.doctor import State

    missing = [finding for finding in findings if finding.state is State.MISSING]
    if as_json:
        print_document({"ok": not missing, "findings": findings})
    else:
        columns = (Column("what"), Column("state"), Column("found", folds=True), Column("to mend it", folds=True))
        rows = [
            (finding.name, Text(str(finding.state), _STYLES[str(finding.state)]), finding.what, finding.fix)
            for finding in findings
        ]
        show(results(), columns, rows)
    if missing:
        raise UnavailableError(
            f"this machine lacks what the product needs: {', '.join(finding.name for finding in missing)}",
            at="ecrctl doctor",
            fix="; ".join(finding.fix for finding in missing),
        )
