"""What a judge said, in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import fixed
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.scoring.store import JudgedRow


def show_scores(path: Path, rows: Sequence[JudgedRow], judge: str, *, as_json: bool) -> None:
    """Prints the mean of each dimension over the responses that could be scored; a failure is no score of 0."""
    scored = [row.judgement.scores for row in rows if row.judgement.failure is None]
    names = list(scored[0]) if scored else []
    means = {name: fmean(scores[name] for scores in scored) for name in names}
    if as_json:
        print_document(
            {"output": path, "judge": judge, "scored": len(scored), "failed": len(rows) - len(scored), "means": means}
        )
        return
    console = results()
    columns = (Column("dimension"), Column("mean", right=True))
    show(console, columns, [(name, fixed(mean)) for name, mean in means.items()] or [(NO_VALUE, NO_VALUE)])
    console.print()
    facts(
        console,
        [
            ("judge", judge),
            ("scored", f"{len(scored)} responses, {len(rows) - len(scored)} failures"),
            ("written", str(path)),
        ],
    )
