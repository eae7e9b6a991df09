"""Comparisons as Markdown, for a pull request or a paper's notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecr_engine.evaluation import comparison_rows as rows
from ecr_engine.evaluation.comparison import Comparison, SideBySide
from ecr_engine.evaluation.gates import GateOutcome
from ecr_engine.evaluation.verdict import verdict

_SPECIAL = "\\`*_[]<>#|"
"""Characters that Markdown would take for more than themselves."""


def comparison_markdown(comparisons: Sequence[Comparison], gates: Sequence[GateOutcome] = ()) -> str:
    """The comparisons as one document.

    Args:
        comparisons: what was compared, at least one.
        gates: what became of the gates.
    """
    parts = [part for comparison in comparisons for part in _parts(comparison, gates)]
    return "\n\n".join(parts) + "\n"


def _parts(comparison: Comparison, gates: Sequence[GateOutcome]) -> Iterator[str]:
    """The paragraphs of one comparison."""
    yield f"# {_plain(comparison.b.name)} against {_plain(comparison.a.name)}"
    yield f"**{_plain(verdict(comparison))}**"
    metrics = [rows.row(metric, comparison.confidence) for metric in comparison.metrics.values()]
    yield _table(rows.head(comparison), metrics, numbers=True)
    yield "\n".join(f"- {_plain(note)}" for note in rows.notes(comparison))
    seeds = rows.seeds(comparison)
    if seeds:
        yield "## Values by seed"
        yield _table(("Metric", comparison.a.name, comparison.b.name), seeds)
    if comparison.settings:
        yield "## Settings that differ"
        settings = [(change.name, change.a, change.b) for change in comparison.settings]
        yield _table(("Setting", comparison.a.name, comparison.b.name), settings)
    own = [gate for gate in gates if gate.side == comparison.b.name]
    if own:
        yield "## Gates"
        yield "\n".join(f"- {'met' if gate.met else 'not met'}: `{gate.gate}` ({_plain(gate.told)})" for gate in own)
    yield from _dialogues(comparison)


def _dialogues(comparison: Comparison) -> Iterator[str]:
    chapters = (
        ("Most improved", comparison.improved),
        ("Most harmed", comparison.harmed),
        ("Drawn at random", comparison.random),
    )
    for title, dialogues in chapters:
        if dialogues:
            yield f"## {title}"
            yield from (_dialogue(comparison, one) for one in dialogues)


def _dialogue(comparison: Comparison, one: SideBySide) -> str:
    lines = [f"**{_plain(one.example_id)}**", ""]
    lines += [f"> {line.role}: {_plain(line.text)}  " for line in one.context]
    lines += ["", f"- human: {_plain(one.reference) or '(nothing)'}"]
    for side, said, reward in ((comparison.a, one.a, one.reward_a), (comparison.b, one.b, one.reward_b)):
        worth = "" if reward is None else f" (reward {reward:.3f})"
        lines.append(f"- {_plain(side.name)}{worth}: {_plain(said) or '(nothing)'}")
    return "\n".join(lines)


def _table(head: Sequence[str], body: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    """A table; with `numbers`, all columns but the first and the last are set flush right."""
    middle = "---:" if numbers else "---"
    rule = ["---", *[middle] * (len(head) - 2), "---"]
    return "\n".join([_row(map(_plain, head)), f"|{'|'.join(rule)}|", *(_row(map(_plain, cells)) for cells in body)])


def _row(cells: Sequence[str] | map[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text on one line that Markdown takes as it is."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in " ".join(text.split()))
