"""`ecrctl run`: the whole job."""

from __future__ import annotations

from typing import Annotated

from ecrctl.flags import GENERAL, RL_TRAIN, TRAIN_BASELINE, Typed
from ecrctl.guide import Switches
from ecrctl.options import Dataset, Execution, Output, OutputDir, check_dataset
from ecrctl.reward_flag import RewardLayers


def run(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    baseline: Annotated[Typed, TRAIN_BASELINE],
    rl: Annotated[Typed, RL_TRAIN],
    layers: RewardLayers,
    switches: Switches,
    output: Output,
    output_dir: OutputDir = None,
    dataset: Dataset = "redial",
) -> None:
    """Train a baseline, judge it, improve it with PPO, and compare the two on held-out turns.

    All of it happens in one run folder. A stage whose inputs and settings are unchanged is skipped, so the same
    command goes on where it stopped, and a changed setting redoes only what depends on it.

    Examples:
        ecrctl run
        ecrctl run --data redial/ --run runs/redial --profile balanced
        ecrctl run --set rewards.empathy=3.0 --dry-run
    """
    from ecrctl.jobs import LAST, Request, start

    check_dataset(dataset)
    typed = {**general, **baseline, **rl, **switches.settings()}
    start(Request(switches.until(LAST), execution, layers, typed, switches.speech(output), output_dir=output_dir))
