"""Progress without a dashboard: one `key=value` line for each event worth telling, as it happens."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import islice
from typing import Any

from ecr_engine.runs.events import Event
from ecrctl.ui.numbers import clip, number

SECONDS_BETWEEN_STEPS = 2.0
"""Lines about steps come at most so often."""

_ALWAYS = {"stage_started", "stage_finished", "stage_skipped", "validation", "checkpoint", "warning", "note"}
_TOLD = (
    "objective/reward",
    "objective/kl",
    "policy/loss",
    "policy/approx_kl",
    "policy/clip_fraction",
    "value/loss",
    "value/explained_variance",
    "train/loss",
    "train/lr",
    "perf/samples_per_s",
)
_TEXT = 160
_VALUES = 8


class PlainLines:
    """A listener that writes lines.

    Args:
        write: takes one line.
        everything: tells every event with all of its values.
    """

    def __init__(self, write: Callable[[str], None], *, everything: bool = False) -> None:
        self._write = write
        self._everything = everything
        self._last: dict[tuple[str, str], float] = {}
        self._totals: dict[str, tuple[float, float | None]] = {}
        self._stepping: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Tells one event, or keeps quiet about it."""
        if event.kind == "progress":
            self._totals[event.stage] = (event.values["done"], event.values.get("total"))
        if event.kind == "step":
            self._stepping.add(event.stage)
        if self._everything or event.kind in _ALWAYS or self._due(event):
            self._write(line(event, self._total(event), everything=self._everything))

    def _due(self, event: Event) -> bool:
        """Whether a step or a progress event has waited long enough; steps say what progress says, so not both."""
        if event.kind not in {"step", "progress"} or (event.kind == "progress" and event.stage in self._stepping):
            return False
        key = (event.stage, event.kind)
        if event.time - self._last.get(key, float("-inf")) < SECONDS_BETWEEN_STEPS:
            return False
        self._last[key] = event.time
        return True

    def _total(self, event: Event) -> float | None:
        return self._totals.get(event.stage, (0.0, None))[1] if event.kind == "step" else None


def line(event: Event, total: float | None = None, *, everything: bool = False) -> str:
    """One event as `key=value` pairs.

    Args:
        event: the event.
        total: number of steps of its stage, where known.
        everything: all values, and all of each; not only those that are told of a step.
    """
    pairs: dict[str, Any] = {"stage": event.stage, "event": event.kind}
    if event.step:
        pairs["step"] = f"{event.step}/{total:g}" if total else str(event.step)
    pairs |= event.values if everything else _worth_telling(event)
    # A remedy that is cut can't be typed.
    whole = everything or event.kind == "warning"
    return " ".join(f"{key}={_value(value, None if whole else _TEXT)}" for key, value in pairs.items())


def _worth_telling(event: Event) -> dict[str, Any]:
    """All values of most events, of a step and of a validation the ones that say how it goes."""
    told = {key: event.values[key] for key in _TOLD if key in event.values}
    if event.kind == "step" and told:
        return told
    return dict(islice(event.values.items(), _VALUES if event.kind in {"step", "validation"} else None))


def _value(value: Any, width: int | None) -> str:
    """A value as one word; texts are cut to `width` cells, if there is one."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number(value) if math.isfinite(value) else str(value)
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A letter is two cells wide at most.
    text = clip(whole, 2 * len(whole) if width is None else width)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' ="') else text
