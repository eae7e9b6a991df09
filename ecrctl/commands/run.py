"""`ecrctl run`: the whole job."""

from __future__ import annotations

from typing import Annotated

from ecrctl.flags import GENERAL, Typed
from ecrctl.options import Execution, Layers, Output


def run(execution: Execution, typed: Annotated[Typed, GENERAL], layers: Layers, output: Output) -> None:
    """Train a baseline, judge it, improve it with PPO, and compare the two on held-out turns.

    All of it happens in one run folder. A stage whose inputs and settings are unchanged is skipped, so the same
    command goes on where it stopped, and a changed setting redoes only what depends on it.

    Examples:
        ecrctl run
        ecrctl run --data redial/ --run runs/redial --profile balanced
        ecrctl run --set rewards.empathy=3.0 --dry-run
    """
    from ecrctl.jobs import LAST, Request, start

    start(Request(LAST, execution, layers, typed, output))
