"""What reward components may draw on beside the sample: recognisers, the knowledge graph, the corpus, models."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.config.sections.rl import RewardOptionSettings
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.emotion.empathy import EMPATHY_RECOGNISERS, EmpathyRecogniser
from ecr_engine.emotion.recognition import RECOGNISERS, EmotionRecogniser

LEXICAL = "lexical"
"""The default recogniser of emotions and of empathy: word lists, no model."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What components are built from. A component that lacks what it needs is an error when it is built.

    Attributes:
        emotion: says what a text shows; the word lists by default.
        empathy: grades the mechanisms of a response; the word lists by default.
        corpus: the processed folder whose training split says how people answer; None if there is none.
        fitted: folder in which a component may keep what it has fitted to the corpus; None to keep nothing.
        knowledge: the knowledge graph; None if there is none.
        encoder: sentence encoder (a registered name, a folder or a hub id); empty for none.
        judge: name of the judge that component `judge` asks.
        judging: how it judges.
        critic: folder of the critic's checkpoint; None if there is none.
        device: where models run: `auto`, `cpu` or `cuda`.
        options: the settings of single components.
    """

    emotion: EmotionRecogniser = field(default_factory=lambda: RECOGNISERS.build(LEXICAL))
    empathy: EmpathyRecogniser = field(default_factory=lambda: EMPATHY_RECOGNISERS.build(LEXICAL))
    corpus: Path | None = None
    fitted: Path | None = None
    knowledge: KnowledgeGraph | None = None
    encoder: str = ""
    judge: str = ""
    judging: JudgeSettings = field(default_factory=JudgeSettings)
    critic: Path | None = None
    device: str = "cpu"
    options: RewardOptionSettings = field(default_factory=RewardOptionSettings)
