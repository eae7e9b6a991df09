"""Recommendation as hits on what the seeker liked: one and the same item recommender fills the slots of every side.

    python benchmarks/proof/hits.py runs/proof

Slot models name no titles. So the movies come from a recommender that is fitted to the training split and knows no
side: a side decides only whether it names a movie at all. Hence a hit rate has a ceiling, that of a slot in every
response; it is written beside the sides, and precision says what naming movies everywhere costs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from files import folder_parser, given_to, write
from hits_recommender import Matrix, Recommender, fit
from steps import SEEDS

from ecr_engine.data.schema import SLOT, Example, Sample, Split
from ecr_engine.data.store import read_examples, split_path
from ecr_engine.errors import DataError, EcrError
from ecr_engine.evaluation.draws import Draws
from ecr_engine.evaluation.store import is_evaluation, read_evaluation
from ecrctl.errors import show_engine_error

Row = dict[str, float | list[float] | None]

DEEP = 10
"""How many of the best movies hit@10 looks at."""

RESAMPLES = 10_000
CONFIDENCE = 0.95
BASELINE, POLICY, CEILING, HUMAN = "baseline", "policy", "a slot in every response", "human reference"
MEASURES = ("hit@1", "hit@10", "slot_precision", "slot_recall", "slot_f1", "slot_rate")
TOLD = ("hit@1", "hit@10", "slot_f1")
"""Measures whose differences are printed."""


def wanted(example: Example) -> frozenset[str]:
    """Ids of the movies of the reference that the seeker liked and that had not been named before."""
    return frozenset(item.item_id for item in example.items if item.liked) - {*example.mentioned}


@dataclass(frozen=True, slots=True)
class Turns:
    """What is the same for all sides, [turns] each.

    Attributes:
        examples: the turns.
        counts: whether the reference has a liked movie that is new.
        named: whether the reference has a slot.
        first: whether the best movie is a liked one.
        among: whether one of the best `DEEP` is.
    """

    examples: tuple[Example, ...]
    counts: Matrix
    named: Matrix
    first: Matrix
    among: Matrix


def read_turns(recommender: Recommender, examples: Sequence[Example]) -> Turns:
    """What the recommender would name in each turn, and whether the seeker liked it."""
    liked = [wanted(example) for example in examples]
    best = [
        recommender.best(example.mentioned, DEEP) if want else () for example, want in zip(examples, liked, strict=True)
    ]
    return Turns(
        examples=tuple(examples),
        counts=_marks(map(bool, liked)),
        named=_marks(SLOT in example.target for example in examples),
        first=_marks(not want.isdisjoint(top[:1]) for want, top in zip(liked, best, strict=True)),
        among=_marks(not want.isdisjoint(top) for want, top in zip(liked, best, strict=True)),
    )


def slots_of(seeds: Sequence[Sequence[str]]) -> Matrix:
    """How often each turn's response has a slot, in [0, 1], averaged over seeds, [turns].

    Args:
        seeds: the responses of each seed of a side, in the order of the turns.
    """
    slots: Matrix = np.mean([_marks(SLOT in response for response in responses) for responses in seeds], axis=0)
    return slots


def sums(turns: Turns, slots: Matrix) -> Matrix:
    """What the measures of a side are made of, [turns, 7]; the sums over turns go to `measures`.

    Args:
        turns: the turns.
        slots: as `slots_of` gives them.
    """
    has = [turns.first * slots, turns.among * slots, turns.named * slots, slots]
    return np.column_stack([*has, turns.counts, turns.named, np.ones(len(turns.examples))])


def measures(totals: Matrix) -> Matrix:
    """The measures in the order of `MEASURES`, [..., 6]; NaN where there is nothing to divide by.

    Args:
        totals: sums of the columns of `sums` over turns, [..., 7].
    """
    first, among, right, slots, counted, named, turns = np.moveaxis(totals, -1, 0)
    above = np.stack([first, among, right, right, 2 * right, slots], axis=-1)
    below = np.stack([counted, counted, slots, named, slots + named, turns], axis=-1)
    found: Matrix = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return found


def compare(turns: Turns, sides: Mapping[str, Matrix], resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Row]:
    """The measures of each side, and its differences to the baseline with intervals over dialogues.

    Every resample draws the same dialogues for all sides, so the differences are paired.

    Args:
        turns: the turns.
        sides: for each turn how often the response has a slot, by side; `BASELINE` is one of them.
        resamples: of the bootstrap.
        seed: of the drawing.

    Returns:
        By side: each of `MEASURES`, and but for the baseline `… change` and `… interval` of each.
    """
    draws = Draws([example.conversation_id for example in turns.examples], resamples, seed)
    parts = {name: sums(turns, slots) for name, slots in sides.items()}
    value = {name: measures(part.sum(axis=0)) for name, part in parts.items()}
    drawn = {name: measures(draws.resampled(draws.by_cluster(part))) for name, part in parts.items()}
    return {
        name: {
            **{key: _number(found) for key, found in zip(MEASURES, value[name], strict=True)},
            **({} if name == BASELINE else _changes(value[name] - value[BASELINE], drawn[name] - drawn[BASELINE])),
        }
        for name in sides
    }


def _changes(change: Matrix, drawn: Matrix) -> Row:
    """Differences, [6], with the percentile intervals of their resamples, [resamples, 6]."""
    found: Row = {}
    for place, key in enumerate(MEASURES):
        known = drawn[:, place][np.isfinite(drawn[:, place])]
        tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
        found[f"{key} change"] = _number(change[place])
        found[f"{key} interval"] = [float(bound) for bound in np.quantile(known, tails)] if len(known) else None
    return found


def read_sides(tests: Path) -> dict[str, list[tuple[Sample, ...]]]:
    """The answers of each side by seed: the baseline, all seeds of the policy as one side, and each evaluation alone.

    Args:
        tests: the folder of the evaluations.

    Raises:
        DataError: the baseline or a seed of the policy is not there, has no turns, or an evaluation answers others.
    """
    policies = [f"{POLICY}-{seed}" for seed in SEEDS]
    others = [path.name for path in sorted(tests.iterdir()) if is_evaluation(path)] if tests.is_dir() else []
    names = list(dict.fromkeys([BASELINE, *policies, *others]))
    read = {name: tuple(row.sample for row in read_evaluation(tests / name)[1]) for name in names}
    turns = [sample.example.example_id for sample in read[BASELINE]]
    if not turns:
        again = "make it again: python benchmarks/proof/run.py --until test-baseline"
        raise DataError("the baseline's evaluation has no turns", at=str(tests / BASELINE), fix=again)
    for name, samples in read.items():
        if [sample.example.example_id for sample in samples] != turns:
            what = "an evaluation answers other turns than the baseline's"
            raise DataError(what, at=str(tests / name), fix="evaluate both on the same split, without --limit")
    alone = {name: [samples] for name, samples in read.items() if name != BASELINE}
    return {BASELINE: [read[BASELINE]], POLICY: [read[name] for name in policies], **alone}


def measure(out: Path, resamples: int = RESAMPLES) -> dict[str, object]:
    """What goes into hits.json.

    Args:
        out: the proof folder.
        resamples: of the bootstrap.

    Raises:
        DataError: the training split or an evaluation can't be read.
    """
    read = read_sides(out / "test")
    turns = read_turns(
        fit(read_examples(split_path(out / "base" / "data", Split.TRAIN))),
        [sample.example for sample in read[BASELINE][0]],
    )
    sides = {name: slots_of([[one.response for one in seed] for seed in seeds]) for name, seeds in read.items()}
    bounds = {HUMAN: turns.named, CEILING: np.ones(len(turns.examples))}
    return {
        "turns": len(turns.examples),
        "dialogues": len({example.conversation_id for example in turns.examples}),
        "turns that hits are counted over": int(turns.counts.sum()),
        "intervals": f"{CONFIDENCE:.0%} of the difference to the baseline, {resamples} resamples of dialogues; the "
        "seeds are averaged, so what differs between seeds is not in them",
        **compare(turns, {**sides, **bounds}, resamples),
    }


def shown(found: Mapping[str, object]) -> str:
    """The measures as a table of text, with the differences of some."""
    lines = [f"{key}: {value}" for key, value in found.items() if not isinstance(value, dict)]
    lines.append(" ".join([f"{'side':26}", *(f"{key:>14}" for key in MEASURES)]))
    rows = {name: row for name, row in found.items() if isinstance(row, dict)}
    lines += [" ".join([f"{name:26}", *(f"{_text(row[key]):>14}" for key in MEASURES)]) for name, row in rows.items()]
    lines.append("differences to the baseline")
    for name, row in rows.items():
        for key in TOLD if name != BASELINE else ():
            low, high = row[f"{key} interval"] or (None, None)
            lines.append(f"{name:26} {key:>14} {_text(row[f'{key} change'])} ({_text(low)} to {_text(high)})")
    return "\n".join(lines)


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _marks(truths: Iterable[bool]) -> Matrix:
    return np.array([float(truth) for truth in truths])


def main() -> None:
    """Reads the command line."""
    given = given_to(folder_parser(__doc__))
    try:
        found = measure(given.out)
    except EcrError as error:
        sys.exit(show_engine_error(error, []))
    write(given.out / "hits.json", found)
    print(shown(found))


if __name__ == "__main__":
    main()
