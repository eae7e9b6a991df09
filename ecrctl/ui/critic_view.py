"""How the training of a critic is shown, and what a critic says."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ecrctl.ui.console import results
from ecrctl.ui.document import plain, print_document
from ecrctl.ui.numbers import clip
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.evaluation.critic_report import CriticReport, HeadReport
    from ecr_engine.evaluation.prediction import Estimate
    from ecr_engine.pipeline.judged_critic import CriticPlan, CriticTraining
    from ecr_engine.training.critic_look import CriticLook

_NONE = "–"
_ROWS = 10
_WORDS = 48


def show_plan(plan: CriticPlan, *, as_json: bool) -> None:
    """Prints what would be trained, and on what."""
    if as_json:
        print_document(plan)
        return
    console = results()
    rows = ", ".join(f"{plan.rows[part]:,} {part}" for part in ("train", "valid", "test"))
    facts(
        console,
        [
            ("judged responses", rows),
            ("failed", f"{plan.failed:,}, left out"),
            ("judges", ", ".join(plan.judges) or _NONE),
            ("quality heads", ", ".join(plan.heads)),
            ("scores", ", ".join(map(str, plan.scores))),
            ("turns", str(plan.data)),
            ("folder", str(plan.output)),
            *([("goes on from", plan.goes_on_from)] if plan.goes_on_from else []),
        ],
    )
    facts(console, [(f"critic.{key}", str(value)) for key, value in plan.settings.items()])
    facts(console, [("seed", str(plan.seed)), ("device", plan.device)])


def show_training(training: CriticTraining, *, as_json: bool) -> None:
    """Prints how well each head predicts, beside the mean and the number of words."""
    if as_json:
        print_document(training)
        return
    console = results()
    report = training.report
    show_report(console, report)
    console.print()
    rows = ", ".join(
        f"{report.rows[part]:,} {part} ({report.dialogues[part]:,} dialogues)" for part in ("train", "valid", "test")
    )
    facts(
        console,
        [
            ("judged responses", rows),
            ("judges", ", ".join(report.judges) or _NONE),
            ("encoder", report.encoder),
            ("kept", f"step {training.kept.best_step:,} of {training.kept.steps:,}"),
            ("folder", str(training.folder)),
            ("to look at it", f"ecrctl rl critic --critic {shlex.quote(str(training.folder))} --samples FILE"),
            ("to use it", f"ecrctl run --set {shlex.quote(f'critic.trained={training.folder}/best')}"),
        ],
    )


def show_report(console: Console, report: CriticReport) -> None:
    """Prints the table of the heads, and what looks wrong."""
    columns = [
        Column("head"),
        Column("MSE", right=True),
        Column("MSE of the mean", right=True, short="of mean", spare=3),
        Column("MAE", right=True, spare=2),
        Column("R²", right=True),
        Column("Pearson", right=True, spare=1),
        Column("Spearman", right=True),
        Column(f"{report.confidence:.0%} interval", right=True, short="interval", spare=4),
        Column("of words alone", right=True, short="words"),
        Column("its interval", right=True, spare=5),
        Column("beats both", short="beats"),
    ]
    show(console, columns, [_row(head) for head in report.heads])
    for crossing in report.crossed:
        console.print(
            f"labels look crossed: '{crossing.head}' follows '{crossing.follows}' "
            f"({crossing.other:.2f}) rather than its own labels ({crossing.own:.2f})"
        )


def _row(head: HeadReport) -> tuple[str, ...]:
    critic, words = head.critic, head.length_only
    return (
        head.head,
        _number(critic.mse, 4),
        _number(head.mean_predictor.mse, 4),
        _number(critic.mae, 3),
        _number(critic.r2),
        _number(critic.pearson),
        _number(critic.spearman),
        _interval(critic.spearman),
        _number(words.spearman),
        _interval(words.spearman),
        "yes" if head.beats else "no",
    )


def _number(estimate: Estimate, digits: int = 2) -> str:
    return _NONE if estimate.value is None else f"{estimate.value:.{digits}f}"


def _interval(estimate: Estimate) -> str:
    return _NONE if estimate.interval is None else f"{estimate.interval.low:.2f} … {estimate.interval.high:.2f}"


def show_look(look: CriticLook, paid: bool | None, *, as_json: bool) -> None:
    """Prints the range of each head over the responses, and the values of the first of them.

    Args:
        look: what the critic says.
        paid: whether it is in the reward of who answered; None where that is not known.
        as_json: print a JSON document.
    """
    if as_json:
        print_document({**plain(look), "in_reward": paid})
        return
    console = results()
    columns = [
        Column("head"),
        Column("min", right=True),
        Column("mean", right=True),
        Column("max", right=True),
        Column("judge's range", right=True, short="range", spare=2),
        Column("outside", right=True, spare=1),
    ]
    rows = [
        (
            head.head,
            f"{head.least:.3f}",
            f"{head.mean:.3f}",
            f"{head.greatest:.3f}",
            f"{head.low:g} … {head.high:g}",
            f"{head.outside:,}",
        )
        for head in look.heads
    ]
    show(console, columns, rows)
    console.print()
    _show_rows(console, look)
    facts(
        console,
        [
            ("responses", f"{len(look.rows):,}"),
            ("critic", str(look.folder)),
            ("encoder", look.encoder or _NONE),
            ("judges", ", ".join(look.judges) or _NONE),
            *([("in reward", "yes: what it says of these responses is no evidence")] if paid else []),
            *([("in reward", "no: held out")] if paid is False else []),
        ],
    )


def _show_rows(console: Console, look: CriticLook) -> None:
    value, before = look.heads[0].head, look.heads[1].head
    columns = [
        Column("turn"),
        Column(value, right=True),
        Column(before, right=True, short="before", spare=1),
        Column("response"),
    ]
    rows = [
        (row.example_id, f"{row.scores[value]:.3f}", f"{row.scores[before]:.3f}", clip(row.response, _WORDS))
        for row in look.rows[:_ROWS]
    ]
    show(console, columns, rows)
    left = len(look.rows) - len(rows)
    if left:
        console.print(f"and {left:,} more: --json has all of them")
    console.print()
