"""Self-BLEU by the length of a response: what of it is length, and what is repetition."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from results_folder import POLICIES, tests
from results_text import DASH, number, table

from ecr_engine.data.schema import Example, Sample
from ecr_engine.data.words import words
from ecr_engine.evaluation.metrics.self_bleu import each_against_the_others

LENGTHS = ((1, 3), (4, 7), (8, 11), (12, 15), (16, None))
"""Words of a response, from and to; what self-BLEU compares has four."""


def repeats(out: Path) -> str:
    """Self-BLEU and the share of the responses by their length; empty before the baseline and a policy are there."""
    sides = tests(out)
    trained = [sides[name] for name in POLICIES if name in sides]
    if "baseline" not in sides or not trained:
        return ""
    columns = {
        "baseline": [by_length(sides["baseline"].responses)],
        "policies": [by_length(side.responses) for side in trained],
        "references": [by_length(sides["baseline"].references)],
    }
    rows = []
    for low, high in LENGTHS:
        cells = [cell(found, low) for found in columns.values()]
        rows.append([f"{low} to {high}" if high else f"{low} or more", *(part for both in cells for part in both)])
    head = ["words", *(part for name in columns for part in (name, "share"))]
    said = (
        "Self-BLEU asks for runs of four words, so it gives a shorter response little, whatever that repeats; who says "
        "less, scores lower. By the length of a response, each against all the others of its side:"
    )
    return f"{said}\n\n{table(head, rows)}"


def by_length(texts: Sequence[str]) -> Mapping[int, tuple[float, float]]:
    """Self-BLEU of the responses of each length and their share, by the least length."""
    scores = each_against_the_others([sample(text) for text in texts])
    kept = [(len(words(text)), score) for text, score in zip(texts, scores, strict=True) if score is not None]
    found = {}
    for low, high in LENGTHS:
        there = [score for size, score in kept if low <= size and (high is None or size <= high)]
        if there:
            found[low] = (statistics.fmean(there), len(there) / len(texts))
    return found


def sample(text: str) -> Sample:
    """A text as a response to nothing: of a response, self-BLEU asks for its words alone."""
    nowhere = Example("", "", 0, (), target="", items=(), mentioned=(), emotions=(), source="", line=1)
    return Sample(nowhere, text, finished=True, tokens=1)


def cell(found: Sequence[Mapping[int, tuple[float, float]]], low: int) -> tuple[str, str]:
    """The means over seeds of one length; seeds without such responses count in the share alone."""
    there = [lengths[low] for lengths in found if low in lengths]
    if not there:
        return DASH, DASH
    share = sum(part for _, part in there) / len(found)
    return number(statistics.fmean(score for score, _ in there)), f"{share * 100:.0f} %"
