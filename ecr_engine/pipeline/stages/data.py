"""Stage `data`: raw dialogues, or the sample corpus, as examples in three splits."""

from __future__ import annotations

from ecr_engine.data.process import knowledge_of, process
from ecr_engine.data.sample import write_sample
from ecr_engine.data.schema import Example, Split
from ecr_engine.data.store import read_examples, split_path
from ecr_engine.data.summary import DataSummary
from ecr_engine.emotion.recogniser import annotate
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.runs.folder import RunFolder

SAMPLE_FOLDER = "sample"
"""Where a run on the sample corpus keeps the raw dialogues it generated."""


def run(context: StageContext) -> None:
    """Generates the sample corpus if no source is given, and processes the raw dialogues."""
    settings = context.settings.data
    source = context.source
    if source is None:
        source = context.folder.root / SAMPLE_FOLDER
        write_sample(
            source, dialogues=settings.sample_dialogues, movies=settings.sample_movies, seed=context.settings.seed
        )
    summary = process(
        source,
        context.folder.data,
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        skip_bad=settings.skip_bad,
        form=settings.format,
        knowledge=knowledge_of(settings.knowledge, source),
    )
    _tell(context, summary)


def _tell(context: StageContext, summary: DataSummary) -> None:
    for split, counts in summary.splits.items():
        text = f"{split}: {counts.dialogues} dialogues, {counts.recommender_turns} recommender turns"
        context.emit("data", "note", what=text)
    for skipped in summary.skipped:
        context.emit("data", "warning", what=f"skipped: {skipped.reason}", at=f"{skipped.source}:{skipped.line}")


def load_split(folder: RunFolder, split: Split) -> list[Example]:
    """The examples of one split, with the emotions of the seeker's last turn."""
    return annotate(read_examples(split_path(folder.data, split)))
