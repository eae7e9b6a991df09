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
from ecr_engine.scoring.judge import JUDGES
from ecr_engine.scoring.store import JudgedRow, write_judgements

JUDGEMENTS = "judgements.jsonl"


def references(examples: Sequence[Example]) -> list[Sample]:
    """The human responses as samples; their token count is not known and given as 0."""
    return [Sample(example, example.target, finished=True, tokens=0) for example in examples if example.target]


def run(context: StageContext) -> None:
    """Generates, judges and writes `scores/judgements.jsonl`.

    The responses are drawn at temperature 1, so that the judge sees good and bad ones and the critic can learn the
    difference.
    """
    settings = context.settings
    judge = JUDGES.build(settings.judge.name)
    examples = pick(load_split(context.folder, Split.TRAIN), settings.judge.turns, settings.seed)
    baseline = load_checkpoint(best(context.folder.stage("baseline")), settings.device)
    responses = respond(
        baseline.model,
        baseline.tokenizer,
        examples,
        prompt_encoder(baseline.tokenizer, settings.prompt),
        Decoding(settings.prompt.resp_max_length),
        batch_size=settings.evaluation.batch_size,
        seed=settings.seed,
        progress=lambda done, total: context.emit("judge", "progress", done=done, total=total, what="responses"),
    )
    human = references(examples)
    failed = 0

    def rows() -> Iterator[JudgedRow]:
        nonlocal failed
        for who, samples in (("baseline", responses), ("reference", human)):
            for sample, judgement in zip(samples, judge.judge(samples), strict=True):
                failed += judgement.failure is not None
                example = sample.example
                yield JudgedRow(example.example_id, example.conversation_id, sample.response, who, judgement)

    context.folder.scores.mkdir(exist_ok=True)
    count = write_judgements(context.folder.scores / JUDGEMENTS, rows())
    context.emit("judge", "note", what=f"{count} responses judged by '{judge.name}', {failed} failed")
