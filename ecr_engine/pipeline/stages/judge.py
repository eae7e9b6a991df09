"""Stage `judge`: the baseline answers some training turns, and the judge scores its responses and the human ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecr_engine.data.schema import Example, Sample, Split
from ecr_engine.data.selection import pick
from ecr_engine.evaluation.generate import prompt_encoder, respond
from ecr_engine.models.generation import Decoding
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.pipeline.stages.baseline import load_checkpoint
from ecr_engine.pipeline.stages.data import load_split
from ecr_engine.runs.checkpoints import best
from ecr_engine.scoring.judge import check_judge, find_judge
from ecr_engine.scoring.store import JudgedRow, write_judgements

JUDGEMENTS = "judgements.jsonl"

TOLD_EVERY = 32
"""Progress is told after so many judgements."""


def references(examples: Sequence[Example]) -> list[Sample]:
    """The human responses as samples; their token count is not known and given as 0."""
    return [Sample(example, example.target, finished=True, tokens=0) for example in examples if example.target]


def run(context: StageContext) -> None:
    """Generates, judges and writes `scores/judgements.jsonl`, one row at a time.

    The responses are drawn at temperature 1, so that the judge sees good and bad ones and the critic can learn the
    difference.

    Raises:
        UsageError: the settings name no judge, or dimensions that there are not.
        UnavailableError: the judge can't be had.
    """
    settings = context.settings
    check_judge(settings.judge)
    examples = pick(load_split(context.folder, Split.TRAIN), settings.judge.turns, settings.seed)
    responses, human = _baseline_responses(context, examples), references(examples)
    # Loaded when the baseline is gone: the two need not fit side by side.
    judge = find_judge(settings.judge.name, settings.judge, device=settings.device)
    failed = cut = 0

    def rows() -> Iterator[JudgedRow]:
        nonlocal failed, cut
        samples = [*responses, *human]
        for place, (sample, judgement) in enumerate(zip(samples, judge.judge(samples), strict=True)):
            failed += judgement.failure is not None
            cut += judgement.turns_cut > 0
            yield JudgedRow(
                sample.example.example_id,
                sample.example.conversation_id,
                sample.response,
                "baseline" if place < len(responses) else "reference",
                judgement,
                judges=(judge.name,),
                dimensions=judge.dimensions.name,
                fingerprint=judge.fingerprint,
            )
            if (place + 1) % TOLD_EVERY == 0 or place + 1 == len(samples):
                context.emit("judge", "progress", done=place + 1, total=len(samples), what="judgements")

    context.folder.scores.mkdir(exist_ok=True)
    count = write_judgements(context.folder.scores / JUDGEMENTS, rows())
    told = f"{count} responses judged by '{judge.name}', {failed} failed"
    context.emit("judge", "note", what=f"{told}, {cut} seen without their oldest turns" if cut else told)


def _baseline_responses(context: StageContext, examples: Sequence[Example]) -> list[Sample]:
    settings = context.settings
    baseline = load_checkpoint(best(context.folder.stage("baseline")), settings.device)
    return respond(
        baseline.model,
        baseline.tokenizer,
        examples,
        prompt_encoder(baseline.tokenizer, settings.prompt),
        Decoding(settings.prompt.resp_max_length),
        batch_size=settings.evaluation.batch_size,
        seed=settings.seed,
        progress=lambda done, total: context.emit("judge", "progress", done=done, total=total, what="responses"),
    )
