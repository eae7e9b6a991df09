"""What is read out of finished runs: how long they took, and what the profiles came to."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from files import read, write
from steps import PROFILES, SEEDS, Place

from ecr_engine.runs.events import Event, read_events
from ecr_engine.runs.folder import RunFolder

BEGUN = ("stage_started", "stage_skipped")
"""Kinds of events that begin a sitting."""

BATCH = 16
"""Examples in a step of the baseline's training; a last batch of an epoch may have fewer."""


def events_of(run: Path, stage: str) -> list[Event]:
    """The events of a stage, oldest first; a torn line is left out."""
    return [event for event in read_events(RunFolder(run).events) if event.stage == stage]


def numbered_steps(run: Path, stage: str) -> dict[int, Mapping[str, Any]]:
    """The values of a stage's steps by number, each once: what a kill undid was made again, and is told again."""
    return dict(sorted({event.step: event.values for event in events_of(run, stage) if event.kind == "step"}.items()))


def steps_of(run: Path, stage: str) -> list[Mapping[str, Any]]:
    """The values of a stage's steps, in order."""
    return list(numbered_steps(run, stage).values())


def active_seconds(run: Path, stage: str) -> float:
    """What a stage took over all sittings: the time between its events, but for the time before it was taken up."""
    pairs = pairwise(events_of(run, stage))
    return sum(then.time - now.time for now, then in pairs if then.kind not in BEGUN)


def longer_steps(place: Place) -> int:
    """Steps of the baseline's training that take as long as RL did, on average over its seeds.

    On a machine that others use, a step's time is that of the fastest tenth: in favour of the control. What ran beside
    another step had its share of the cores, and counts with that, the baseline's steps too.
    """
    wanted = statistics.fmean(
        active_seconds(place.out / f"policy-{seed}", "rl") * share_of(place, f"policy-{seed}") for seed in SEEDS
    )
    trained = steps_of(place.out / "base", "baseline")
    own = share_of(place, "base")
    seconds = sorted(own * BATCH / values["perf/samples_per_s"] for values in trained)
    return max(1, round(wanted / seconds[len(seconds) // 10]))


def share_of(place: Place, step: str) -> float:
    """Which share of the machine a step had, 1 when it ran alone."""
    mark = read(place.out / "times.json").get(step, {})
    return mark["machine_seconds"] / mark["seconds"] if "machine_seconds" in mark else 1.0


def tabulate_profiles(place: Place) -> None:
    """What each profile came to, on validation turns, with its seed."""
    rows = []
    for profile in PROFILES:
        for seed in SEEDS:
            name = f"{profile}-{seed}"
            metrics = read(place.out / "profiles" / f"{name}-valid" / "results.json")["metrics"]
            told = steps_of(place.out / "profiles" / name, "rl")
            third = max(1, len(told) // 3)
            rows.append(
                {
                    "profile": profile,
                    "seed": seed,
                    "empathy": metrics["reward/empathy"]["value"],
                    "recommendation": metrics["reward/recommendation"]["value"],
                    "reward": metrics["reward"]["value"],
                    "kl": statistics.fmean(step["objective/kl"] for step in told[-5:]),
                    "early_kl": statistics.fmean(step["objective/kl"] for step in told[third - 3 : third]),
                    "early_gain": early_gain(told),
                }
            )
    write(place.out / "profiles.json", rows)


def early_gain(told: Sequence[Mapping[str, float]]) -> float:
    """What the reward gained in the first third of the updates, by a straight line through them: profiles weigh alike
    only within themselves, so it is in standard deviations of a response's reward at the start."""
    third = told[: max(2, len(told) // 3)]
    slope, _ = statistics.linear_regression(range(len(third)), [step["objective/reward"] for step in third])
    return slope * (len(third) - 1) / statistics.fmean(step["objective/reward_std"] for step in third[:3])
