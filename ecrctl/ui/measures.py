"""The metrics of a dashboard as rows of one table: the value, the mean of the last 100, the course."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from ecrctl.ui.course import RECENT, Metric
from ecrctl.ui.numbers import clip, number, signed, sparkline
from ecrctl.ui.parts import CYAN, NARROW, Line, Section, alarm, bar, label_cells
from ecrctl.ui.snapshot import Aims, Snapshot

_NOW, _COURSE = 9, 48
"""Cells of the newest value, and of a course at most."""

_LABELS = {
    "objective/reward": ("reward", 0),
    "eval/reward": ("held-out reward", 1),
    "objective/kl": ("KL", 0),
    "policy/loss": ("policy loss", 1),
    "policy/clip_fraction": ("clip fraction", 3),
    "policy/approx_kl": ("approximate KL", 5),
    "value/loss": ("value loss", 3),
    "value/explained_variance": ("explained variance", 3),
    "objective/entropy": ("entropy", 4),
    "completions/mean_length": ("response length", 5),
}
"""The metrics of a PPO training: what they are called, and how soon each goes where lines are short."""

_OTHERS = {"train/loss": "loss", "train/lr": "learning rate", "train/grad_norm": "gradient norm"}
_NO_MEAN = {"train/lr"}
_ROWS = 10
_NOT_GENERIC = ("perf/", "time/", "rewards/", "score/")
_SIDES = 4


def measures(snapshot: Snapshot, width: int) -> Section:
    """The metrics of the stage at hand: of a PPO training, of several measurements side by side, or of anything."""
    if snapshot.evaluations:
        return _measurements(snapshot.evaluations, width)
    rows = list(_policy(snapshot, width) if "objective/reward" in snapshot.metrics else _generic(snapshot, width))
    head = f"{'':<{label_cells(width)}}{'now':>{_NOW}}{_mean_head(width):>{_mean_cells(width)}}"
    return (Line(Text(head, "dim"), 2), *rows) if rows else ()


def _mean_cells(width: int) -> int:
    return 13 if width >= NARROW else 11


def _mean_head(width: int) -> str:
    return f"mean of {RECENT}" if width >= NARROW else f"mean {RECENT}"


def _policy(snapshot: Snapshot, width: int) -> Iterator[Line]:
    for key, (label, rank) in _LABELS.items():
        metric = snapshot.metrics.get(key)
        if metric is None:
            continue
        yield _row(label, metric, width, rank, held_out=key.startswith("eval/"))
        if key == "objective/kl":
            yield from _gauges(snapshot.metrics, snapshot.aims, width)


def _gauges(metrics: Mapping[str, Metric], aims: Aims, width: int) -> Iterator[Line]:
    """How near the KL is to what it is steered to, and to what the health watch allows."""
    kl, length = metrics["objective/kl"], metrics.get("completions/mean_length")
    if aims.kl_target is not None:
        shares = kl.last / aims.kl_target, kl.mean() / aims.kl_target
        yield _gauge("  of its target", shares, number(aims.kl_target), width)
    elif aims.kl_bound is not None and length is not None and length.last > 0 and length.mean() > 0:
        # The bound is that of a token.
        shares = kl.last / length.last / aims.kl_bound, kl.mean() / length.mean() / aims.kl_bound
        yield _gauge("  of its bound", shares, f"{number(aims.kl_bound)} a token", width)


def _gauge(label: str, shares: tuple[float, float], limit: str, width: int) -> Line:
    now, mean = (f"{100 * share:.0f} %" for share in shares)
    text = Text.assemble(
        (f"{label:<{label_cells(width)}}", "dim"), f"{now:>{_NOW}}", (f"{mean:>{_mean_cells(width)}}", "dim"), "  "
    )
    room = min(_COURSE, width - text.cell_len) - len(limit) - 1
    if room >= 6:
        text.append_text(bar(shares[0], room, "yellow" if shares[0] > 1 else CYAN)).append(f" {limit}", "dim")
    return Line(text, 2)


def _generic(snapshot: Snapshot, width: int) -> Iterator[Line]:
    """Any other stage: all of its metrics, the loss first."""
    keys = [key for key in snapshot.metrics if not key.startswith(_NOT_GENERIC)]
    for place, key in enumerate(sorted(keys, key=_order)):
        if place == _ROWS:
            return
        held_out = key.startswith("eval/")
        yield _row(
            _called(key), snapshot.metrics[key], width, min(place, 4), held_out=held_out, mean=key not in _NO_MEAN
        )


def _order(key: str) -> int:
    """The loss comes first, then what was held out, the loss before the rest."""
    return {"train/loss": 0, "eval/loss": 1}.get(key, 2 if key.startswith("eval/") else 3)


def _called(key: str) -> str:
    """What a metric is called where it has no name of its own."""
    if key in _OTHERS:
        return _OTHERS[key]
    name = key.removeprefix("train/").replace("_", " ")
    return f"held-out {name.removeprefix('eval/')}" if key.startswith("eval/") else name


def _row(label: str, metric: Metric, width: int, rank: int, *, held_out: bool = False, mean: bool = True) -> Line:
    """A metric; of one on held-out turns, where it came from is told instead of a mean."""
    cells = label_cells(width)
    text = Text.assemble(
        (f"{clip(label, cells - 1):<{cells}}", "" if rank else "bold"),
        (f"{number(metric.last):>{_NOW}}", alarm(metric.last)),
    )
    aside = f"from {number(metric.first)}" if held_out else number(metric.mean()) if mean else ""
    text.append(f"{aside:>{_mean_cells(width)}}", "dim")
    points = metric.course
    course = sparkline(points, min(_COURSE, width - text.cell_len - 2)) if len(points) > 1 else ""
    return Line(text.append(f"  {course}", CYAN) if course else text, rank)


def _measurements(evaluations: Mapping[str, Mapping[str, float]], width: int) -> Section:
    """What several checkpoints reached, side by side, and how far the last is from the first."""
    names = list(evaluations)[-min(_SIDES, max(1, (width - 26 - 10) // 12)) :]
    columns = [evaluations[name] for name in names]
    keys = [key for key in columns[0] if all(key in column for column in columns)]
    change = len(names) > 1
    head = "".join(f"{clip(name, 11):>12}" for name in names) + (f"{'change':>10}" if change else "")
    lines = [Line(Text(f"{'':<24}{head}", "dim"), 0)]
    for place, key in enumerate(keys):
        name = clip(key.removeprefix("eval/"), 23)
        text = Text.assemble((f"{name:<24}", "bold" if not place else ""))
        for column in columns:
            text.append(f"{number(column[key]):>12}", alarm(column[key]))
        if change:
            text.append(f"{signed(columns[-1][key] - columns[0][key]):>10}", "dim")
        lines.append(Line(text, min(place, 6)))
    return tuple(lines)
