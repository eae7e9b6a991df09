"""What was annotated, as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.emotion.annotation import Annotation


def show_annotation(annotation: Annotation, *, as_json: bool) -> None:
    """Prints how often each emotion was found, beside the ECR paper's shares."""
    if as_json:
        print_document(annotation)
        return
    console = results()
    columns = [
        Column("emotion"),
        Column("seeker turns", right=True, short="turns"),
        Column("share", right=True),
        Column("ECR on ReDial", right=True, short="ECR"),
    ]
    rows = [
        (label, f"{count.turns:,}", f"{count.share:.1%}", f"{count.published:.0%}")
        for label, count in annotation.labels.items()
    ]
    show(console, columns, rows)
    console.print()
    facts(console, _facts(annotation))


def _facts(annotation: Annotation) -> list[tuple[str, str]]:
    recognised = annotation.seeker_turns - annotation.kept
    kept = (
        f"{annotation.kept:,} as they came with the source; if it was annotated before it was processed, "
        "write them anew: --overwrite"
    )
    return [
        ("seeker turns", f"{annotation.seeker_turns:,}, at most two emotions each"),
        ("recognised", f"{recognised:,} by {annotation.recogniser}"),
        *([("kept", kept)] if annotation.kept else []),
        ("folder", str(annotation.folder)),
        ("fingerprint", annotation.fingerprint[:16]),
    ]
