"""The findings of a validation as people read them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.text import Text

from ecr_engine.errors import GateError
from ecrctl.ui.console import NARROWEST_DASHBOARD, results
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.data.validation.report import Finding, Place, ValidationReport

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def show_report(report: ValidationReport, *, as_json: bool) -> None:
    """Prints all findings, worst first: a table, then examples of each, then the totals."""
    if as_json:
        print_document(report)
        return
    console = results()
    if console.width < NARROWEST_DASHBOARD:
        for finding in report.findings:
            _print(console, Text.assemble(_grade(finding), f" {finding.what}: {_count(finding)}"))
    elif report.findings:
        columns = [Column("grade"), Column("finding", folds=True), Column("how many", right=True)]
        show(console, columns, [(_grade(one), one.what, _count(one)) for one in report.findings])
    for finding in report.findings:
        _show_examples(console, finding)
    console.print()
    _print(console, _sizes(report))
    _print(console, Text(totals(report), "bold"))


def check_verdict(report: ValidationReport, *, strict: bool) -> None:
    """Refuses data that does not pass.

    Raises:
        GateError: there is an error, or under `strict` a warning.
    """
    if report.passes(strict=strict):
        return
    found = [_counted(report.errors, "error")] if report.errors else []
    if strict and report.warnings:
        found.append(_counted(report.warnings, "warning"))
    tried = f"ecrctl data validate {shlex.quote(str(report.source))} --json"
    raise GateError(
        f"the data has {' and '.join(found)}" + (", and --strict allows none" if strict else ""),
        at=report.source,
        fix=f"mend what the findings name; all of them with their fixes: {tried}",
    )


def totals(report: ValidationReport) -> str:
    """The number of findings by grade: `0 errors, 2 warnings, 9 notes`."""
    counts = ((report.errors, "error"), (report.warnings, "warning"), (report.notes, "note"))
    return ", ".join(_counted(count, word) for count, word in counts)


def _show_examples(console: Console, finding: Finding) -> None:
    lines = [_place(place) for place in finding.examples]
    if finding.parts and list(finding.parts) != [""]:
        lines.insert(0, ", ".join(f"{name}: {count:,}" for name, count in finding.parts.items()))
    if not lines and not finding.fix:
        return
    console.print()
    _print(console, Text.assemble(_grade(finding), f" {finding.code}: {finding.what}"))
    for line in lines:
        _print(console, Text(f"  {line}"))
    if finding.fix:
        _print(console, Text.assemble(("  fix  ", "green"), finding.fix))


def _place(place: Place) -> str:
    where = f"{place.file}:{place.line}" if place.line else place.file
    who = f" ({place.conversation_id})" if place.conversation_id else ""
    return f"{where}{who}" + (f": {place.detail}" if place.detail else "")


def _count(finding: Finding) -> str:
    more = f", {finding.cases:,} times" if finding.cases > finding.count else ""
    return f"{finding.count:,} of {finding.total:,} {finding.unit}{more}"


def _grade(finding: Finding) -> Text:
    return Text(finding.grade, _STYLES[finding.grade])


def _sizes(report: ValidationReport) -> Text:
    sizes = (
        f"{split} {size.dialogues:,} dialogues, {size.examples:,} examples" for split, size in report.splits.items()
    )
    return Text(f"{report.source} ({report.form}): {'; '.join(sizes)}", "dim")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _print(console: Console, text: Text) -> None:
    # What a dialogue holds may be anything: control characters would move the cursor.
    text.plain = "".join(mark if mark.isprintable() else " " for mark in text.plain)
    console.print(text, soft_wrap=True)
