"""The control "best of several with the same reward": what choosing among the baseline's answers gains without RL.

    python benchmarks/proof/best_of.py runs/proof

It is chosen twice, by the settings of the RL: with the whole reward, whose parts that compare with the reference make
the choice an oracle that no deployed system has; and by the parts that need no reference.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from files import folder_parser, given_to
from steps import BEST_OF

from ecr_engine.config.resolve import resolve
from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import Sample
from ecr_engine.errors import DataError, EcrError
from ecr_engine.evaluation.measure import split_names
from ecr_engine.evaluation.rescore import rescore
from ecr_engine.evaluation.store import EvaluationResult, read_evaluation, write_evaluation
from ecr_engine.evaluation.values import OBJECTIVE
from ecr_engine.pipeline.job import known_choices
from ecr_engine.pipeline.rewarding import resources_for
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.runs.folder import RunFolder
from ecrctl.errors import show_engine_error

ORACLE, FREE = f"best-of-{BEST_OF}", f"best-of-{BEST_OF}-free"
"""Names of the two evaluations: chosen with the whole reward, and by its parts that need no reference."""

AGAIN = "answer again: python benchmarks/proof/run.py --until best-of"


@dataclass(frozen=True, slots=True)
class Answers:
    """Several answers of one system to the same turns.

    Attributes:
        results: the facts of each set of answers.
        samples: the answers, [sets][turns].
    """

    results: tuple[EvaluationResult, ...]
    samples: tuple[tuple[Sample, ...], ...]


def read_answers(folders: Sequence[Path]) -> Answers:
    """Reads sets of answers to choose from.

    Args:
        folders: evaluations of one checkpoint, with a seed each; `ecrctl eval generate` is enough.

    Raises:
        DataError: one can't be read, or they are not answers of one system to the same turns with different seeds.
    """
    read = [read_evaluation(folder) for folder in folders]
    found = Answers(tuple(result for result, _ in read), tuple(tuple(row.sample for row in rows) for _, rows in read))
    for place, folder in enumerate(folders):
        for what in _differences(found, place):
            raise DataError(f"these answers can't be chosen from: {what}", at=str(folder), fix=AGAIN)
    return found


def _differences(answers: Answers, place: int) -> Iterator[str]:
    """Why a set of answers does not belong to those before it, in sentence parts."""
    first, result = answers.results[0], answers.results[place]
    if result.checkpoint != first.checkpoint:
        yield f"they are of {result.checkpoint}, the first ones of {first.checkpoint}"
    if result.prompt_fingerprint != first.prompt_fingerprint or result.decoding != first.decoding:
        yield "prompts or decoding differ from those of the first ones"
    if _turns(answers.samples[place]) != _turns(answers.samples[0]):
        yield "the turns differ from those of the first ones"
    if result.seed in [other.seed for other in answers.results[:place]]:
        yield f"seed {result.seed} is there twice"


def _turns(samples: Sequence[Sample]) -> list[str]:
    return [sample.example.example_id for sample in samples]


def without_reference(sample: Sample) -> Sample:
    """A response as it stands before anyone has seen what a human said there: parts that need that do not apply."""
    return replace(sample, example=replace(sample.example, target="", items=(), reply=None))


def best_places(totals: Sequence[Sequence[float]]) -> list[int]:
    """Which set has the best answer to each turn, [turns]; of equals the first.

    Args:
        totals: the reward of each answer, [sets][turns].
    """
    return [max(range(len(turn)), key=turn.__getitem__) for turn in zip(*totals, strict=True)]


def choose(answers: Answers, composer: Composer, *, blind: bool) -> tuple[Sample, ...]:
    """The best answer to each turn.

    Args:
        answers: what to choose from.
        composer: the reward.
        blind: choose without the reference.

    Raises:
        EcrError: a reward component fails.
    """
    seen = [[without_reference(one) for one in samples] if blind else samples for samples in answers.samples]
    places = best_places([composer.score(samples).total for samples in seen])
    return tuple(answers.samples[place][turn] for turn, place in enumerate(places))


def write_chosen(
    output: Path,
    answers: Answers,
    chosen: Sequence[Sample],
    *,
    settings: Settings,
    composer: Composer,
    resources: Resources,
) -> EvaluationResult:
    """Writes chosen answers as an evaluation of their own, measured like any other.

    Args:
        output: the folder to write; its name is that of the side.
        answers: what was chosen from: checkpoint, turns, prompts and decoding are theirs, the seed is the first one's.
        chosen: the best answer to each turn.
        settings: the metrics, and how intervals are drawn.
        composer: the reward.
        resources: what metrics draw on.

    Raises:
        UsageError: `output` holds something else.
        EcrError: a reward component fails.
    """
    result = replace(answers.results[0], name=output.name, metrics={}, failed={})
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        unmeasured = Path(folder) / output.name
        write_evaluation(unmeasured, result, chosen, {})
        return rescore(
            unmeasured,
            output,
            settings.compare,
            metric_names=split_names(settings.evaluation.metrics),
            composer=composer,
            resources=resources,
        )


def choose_both(out: Path) -> str:
    """Writes both evaluations.

    Args:
        out: the proof folder.

    Returns:
        The mean reward of the answers, and of those that were chosen, as lines of text.

    Raises:
        EcrError: the answers, the settings or what the reward draws on can't be read.
    """
    settings = resolve(config=out / "policy.toml", choices=known_choices()).settings
    resources = resources_for(RunFolder(out / "base"), settings)
    composer = Composer(settings.rewards, resources=resources)
    answers = read_answers([out / "answers" / str(place) for place in range(BEST_OF)])
    lines = [f"all answers: reward {fmean(fmean(composer.score(one).total) for one in answers.samples):.4f}"]
    for name, blind in ((ORACLE, False), (FREE, True)):
        chosen = choose(answers, composer, blind=blind)
        result = write_chosen(
            out / "test" / name, answers, chosen, settings=settings, composer=composer, resources=resources
        )
        lines.append(f"{name}: reward {result.metrics[OBJECTIVE].value:.4f}")
    return "\n".join(lines)


def main() -> None:
    """Reads the command line."""
    given = given_to(folder_parser(__doc__))
    try:
        print(choose_both(given.out))
    except EcrError as error:
        sys.exit(show_engine_error(error, []))


if __name__ == "__main__":
    main()
