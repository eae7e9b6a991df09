"""How checkpoints differ, and which of them go, as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecrctl.ui.checkpoint_view import health
from ecrctl.ui.console import note, results
from ecrctl.ui.document import plain, print_document
from ecrctl.ui.numbers import number, size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.runs.differences import Difference, TensorDifference
    from ecr_engine.runs.pruning import Pruning

_KINDS = ("moved", "same", "another shape", "only in A", "only in B")


def show_difference(found: Difference, limit: int, *, as_json: bool) -> None:
    """Prints which tensors moved and by how much, the one that moved most first.

    Args:
        found: the comparison.
        limit: how many tensors are shown at most; JSON has all.
        as_json: whether as one document.
    """
    counts = {kind: found.count(kind) for kind in _KINDS}  # type: ignore[arg-type]
    if as_json:
        print_document({**plain(found), "counts": counts})
        return
    console = results()
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    facts(
        console,
        [
            ("A", str(found.a)),
            ("B", str(found.b)),
            ("tensors", told),
            ("relative change", number(found.relative)),
        ],
    )
    changed = [tensor for tensor in found.tensors if tensor.change != "same"]
    if not changed:
        return
    console.print()
    columns = (
        Column("tensor", folds=True),
        Column("change"),
        Column("relative", right=True),
        Column("largest", right=True),
        Column("moved", right=True),
    )
    show(console, columns, [_row(tensor) for tensor in changed[:limit]])
    if len(changed) > limit:
        note(f"and {len(changed) - limit} more: --limit {len(changed)} shows all")


def show_pruning(found: Pruning, *, as_json: bool) -> None:
    """Prints which checkpoints went or would go, and which stay and why."""
    if as_json:
        print_document({**plain(found), "removed": found.removed})
        return
    columns = (Column("stage"), Column("step", right=True), Column("health"), Column("size", right=True), Column("is"))
    gone = "removed" if found.done else "would go"
    rows = [
        (
            stage,
            str(verdict.checkpoint.step),
            health(verdict.checkpoint),
            size(verdict.checkpoint.size),
            f"kept: {verdict.kept}" if verdict.kept else gone,
        )
        for stage, verdicts in found.stages.items()
        for verdict in verdicts
    ]
    console = results()
    show(console, columns, rows)
    console.print()
    left = f", and {len(found.left_over)} left over by interrupted saves" if found.left_over else ""
    count = f"{found.removed} of {len(rows)} checkpoints{left}"
    if found.done:
        facts(console, [("removed", count), ("freed", size(found.frees))])
        return
    facts(console, [("would remove", count), ("would free", size(found.frees))])
    if found.removed or found.left_over:
        note("nothing was touched: the same command with --yes removes them")


def _row(tensor: TensorDifference) -> tuple[str, str, str, str, str]:
    if tensor.change != "moved":
        return tensor.name, tensor.change, "", "", ""
    share = f"{tensor.moved:,} of {tensor.elements:,}"
    return tensor.name, tensor.change, number(tensor.relative), number(tensor.largest), share
