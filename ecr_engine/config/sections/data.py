"""Where dialogues come from, and how they become prompts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ecr_engine.config.sections.base import Count, Section, Share


class DataSettings(Section):
    """What the corpus is made from."""

    sample_dialogues: Annotated[int, Field(ge=10)] = Field(720, description="Dialogues in the generated sample corpus.")
    sample_movies: Annotated[int, Field(ge=50)] = Field(240, description="Movies in the generated sample corpus.")
    validation_share: Share = Field(0.1, description="Share of the training conversations set apart for validation.")
    test_share: Share = Field(0.15, description="Share set apart for the test split where the source has none.")
    skip_bad: bool = Field(False, description="Skip dialogues that can't be read; they are counted and listed.")
    format: str = Field("auto", description="The source's format; `auto` looks at its files.")
    knowledge: str | None = Field(
        None, description="Folder of knowledge-graph files (entity2id.json, kg.json, …); `auto` takes the source's own."
    )


class FetchSettings(Section):
    """Where `data fetch` gets corpora, and what their files must be. An empty SHA-256 is one that is not known."""

    redial_url: str = Field(
        "https://github.com/ReDialData/website/raw/data/redial_dataset.zip",
        description="Address of the archive of ReDial.",
    )
    redial_sha256: str = Field(
        "b48756681ec6f84e0af36979c5e9baa21ea8d9e7036b8764ea9b787bb0baf69b",
        description="SHA-256 of the archive of ReDial.",
    )
    goemotions_train_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/train.tsv",
        description="Address of GoEmotions' training split.",
    )
    goemotions_train_sha256: str = Field(
        "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
        description="SHA-256 of GoEmotions' training split.",
    )
    goemotions_dev_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/dev.tsv",
        description="Address of GoEmotions' validation split.",
    )
    goemotions_dev_sha256: str = Field(
        "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
        description="SHA-256 of GoEmotions' validation split.",
    )
    goemotions_test_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/test.tsv",
        description="Address of GoEmotions' test split.",
    )
    goemotions_test_sha256: str = Field(
        "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
        description="SHA-256 of GoEmotions' test split.",
    )
    goemotions_labels_url: str = Field(
        "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/emotions.txt",
        description="Address of GoEmotions' list of emotions.",
    )
    goemotions_labels_sha256: str = Field(
        "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
        description="SHA-256 of GoEmotions' list of emotions.",
    )
    epitome_emotional_reactions_url: str = Field(
        "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset/emotional-reactions-reddit.csv",
        description="Address of EPITOME's emotional reactions.",
    )
    epitome_emotional_reactions_sha256: str = Field("", description="SHA-256 of EPITOME's emotional reactions.")
    epitome_interpretations_url: str = Field(
        "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset/interpretations-reddit.csv",
        description="Address of EPITOME's interpretations.",
    )
    epitome_interpretations_sha256: str = Field("", description="SHA-256 of EPITOME's interpretations.")
    epitome_explorations_url: str = Field(
        "https://raw.githubusercontent.com/behavioral-data/Empathy-Mental-Health/master/dataset/explorations-reddit.csv",
        description="Address of EPITOME's explorations.",
    )
    epitome_explorations_sha256: str = Field("", description="SHA-256 of EPITOME's explorations.")
    max_mib: Count = Field(2048, description="MiB that one file may have.")
    max_unpacked_mib: Count = Field(8192, description="MiB that one archive may unpack to.")


class PromptSettings(Section):
    """How a dialogue becomes a Llama-2 chat prompt."""

    system: str = Field(
        "You recommend movies. Feel with the seeker.",
        description="The system message of every prompt.",
        min_length=1,
    )
    context_max_length: Annotated[int, Field(ge=16)] = Field(
        150, description="Prompt tokens at most; the oldest turns are dropped first."
    )
    resp_max_length: Annotated[int, Field(ge=1)] = Field(60, description="Response tokens at most.")
