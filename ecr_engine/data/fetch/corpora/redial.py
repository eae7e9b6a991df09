"""ReDial: ten thousand conversations in which people recommend movies to each other."""

from __future__ import annotations

from ecr_engine.data.fetch.corpus import Corpus, RemoteFile


def build() -> Corpus:
    """The corpus."""
    return Corpus(
        name="redial",
        explanation="conversations in which movies are recommended",
        licence="CC BY 4.0",
        citation=(
            "Li, Kahou, Schulz, Michalski, Charlin, Pal: Towards Deep Conversational Recommendations. NeurIPS 2018"
        ),
        page="https://redialdata.github.io/website/",
        files=(RemoteFile("redial_dataset.zip", "redial", is_archive=True),),
        members=("train_data.jsonl", "test_data.jsonl"),
        form="redial",
    )
