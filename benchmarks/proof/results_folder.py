"""What a proof folder holds by now; what is not there is None, and the sections say so."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps import SEEDS, TEMPERATURES, decoding_name

from ecr_engine.data.schema import SLOT
from ecr_engine.data.words import words

POLICIES = tuple(f"policy-{seed}" for seed in SEEDS)
CONTROLS = ("longer", "longer-last", "best-of-4", "best-of-4-free")


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation.

    Attributes:
        values: by metric; only those that have one.
        responses: its responses, in the order of the turns.
        references: the human responses of its turns, in the same order.
    """

    values: Mapping[str, float]
    responses: Sequence[str]
    references: Sequence[str]

    @property
    def reference_length(self) -> float:
        """Mean words and punctuation marks of the references, as the metric `length` counts them."""
        return statistics.fmean(len(words(text)) for text in self.references)

    @property
    def reference_slots(self) -> float:
        """Mean slots of the references, as the metric `item_ratio` counts them."""
        return statistics.fmean(text.count(SLOT) for text in self.references)


def document(path: Path) -> Any:
    """A JSON file; None if it is not there, or not yet written to its end by a command that still runs."""
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return None


def reading(folder: Path) -> Reading | None:
    """An evaluation folder; None if it has no values yet."""
    results = document(folder / "results.json")
    if results is None:
        return None
    values = {key: found["value"] for key, found in results["metrics"].items() if found["value"] is not None}
    lines = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    turns = [json.loads(line) for line in lines if line]
    return Reading(values, [turn["response"] for turn in turns], [turn["reference"] for turn in turns])


def tests(out: Path) -> dict[str, Reading]:
    """All evaluations of the test split that are there, by side, in the order of the proof."""
    found = {name: reading(out / "test" / name) for name in expected_sides(out)}
    return {name: side for name, side in found.items() if side is not None}


def expected_sides(out: Path) -> list[str]:
    """The sides that the proof measures on the test split; cooler decodings once one has been chosen."""
    return ["baseline", *POLICIES, *CONTROLS, *cooler(out)]


def cooler(out: Path) -> list[str]:
    """The baseline at lower temperatures than the chosen one."""
    chosen = document(out / "decoding.json")
    if chosen is None:
        return []
    names = [decoding_name(temperature) for temperature in (None, *TEMPERATURES)]
    return [f"baseline-{name}" for name in names[: names.index(chosen["chosen"])]]


def mean_of(sides: Sequence[Reading], key: str) -> float | None:
    """The mean of a metric over seeds; None if any lacks it."""
    values = [side.values[key] for side in sides if key in side.values]
    return statistics.fmean(values) if values and len(values) == len(sides) else None
