"""Comparisons as one HTML file that needs nothing else: no scripts, no fonts, no pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from ecr_engine.evaluation import comparison_rows
from ecr_engine.evaluation.comparison import Comparison
from ecr_engine.evaluation.gates import GateOutcome
from ecr_engine.evaluation.verdict import verdict

TEMPLATE = "comparison.html.j2"


def comparison_html(comparisons: Sequence[Comparison], gates: Sequence[GateOutcome] = ()) -> str:
    """The comparisons as one page; all text of the runs is escaped.

    Args:
        comparisons: what was compared, at least one.
        gates: what became of the gates.
    """
    from jinja2 import Environment, StrictUndefined

    text = resources.files("ecr_engine.evaluation").joinpath("templates", TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text).render(
        comparisons=[(one, verdict(one)) for one in comparisons], gates=gates, rows=comparison_rows
    )
