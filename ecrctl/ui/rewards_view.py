"""Reward components as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import fixed, signed
from ecrctl.ui.tables import Column, show

if TYPE_CHECKING:
    from ecr_engine.data.schema import Sample


def show_components(weights: Mapping[str, float], *, as_json: bool) -> None:
    """Prints every registered component with its weight, its range and what it measures."""
    from ecr_engine.rewards.component import COMPONENTS

    components = [COMPONENTS.build(name) for name in COMPONENTS.names()]
    if as_json:
        print_document(
            [
                {
                    "name": c.name,
                    "weight": weights.get(c.name, 0.0),
                    "low": c.low,
                    "high": c.high,
                    "explanation": c.explanation,
                }
                for c in components
            ]
        )
        return
    columns = (
        Column("component"),
        Column("weight", right=True),
        Column("range", right=True),
        Column("what it measures", folds=True),
    )
    rows = [(c.name, f"{weights.get(c.name, 0.0):g}", f"{c.low:g} … {c.high:g}", c.explanation) for c in components]
    show(results(), columns, rows)


def show_breakdown(weights: Mapping[str, float], context: str, response: str, reference: str, *, as_json: bool) -> None:
    """Prints what each component gives for one response, and the total."""
    from ecr_engine.rewards.composition import Composer

    rows = Composer(weights).breakdown(_sample(context, response, reference))
    total = sum(row.contribution for row in rows)
    if as_json:
        print_document({"total": total, "components": rows})
        return
    columns = (
        Column("component"),
        Column("score", right=True),
        Column("weight", right=True),
        Column("adds", right=True),
    )
    table = [
        (
            row.component,
            NO_VALUE if row.score is None else fixed(row.score),
            f"{row.weight:g}",
            signed(row.contribution),
        )
        for row in rows
    ]
    show(results(), columns, [*table, (Text("reward", "bold"), "", "", Text(fixed(total), "bold"))])


def _sample(context: str, response: str, reference: str) -> Sample:
    from ecr_engine.data.schema import Example, Role, Sample, Turn

    turns = (Turn(Role.SEEKER, context, context),) if context else ()
    example = Example("typed:0", "typed", len(turns), turns, reference, (), (), (), "command line", 1)
    return Sample(example, response, finished=True, tokens=len(response.split()))
