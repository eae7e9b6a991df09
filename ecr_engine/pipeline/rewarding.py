"""What the reward components of a run draw on: its settings, its data and what it has trained."""

from __future__ import annotations

from dataclasses import replace

from ecr_engine.config.settings import Settings
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.store import KNOWLEDGE, is_processed
from ecr_engine.emotion.empathy import find_empathy_recogniser
from ecr_engine.emotion.recognition import find_recogniser
from ecr_engine.pipeline.stage import StageContext
from ecr_engine.rewards.custom import check_component
from ecr_engine.rewards.resources import Resources
from ecr_engine.rl.curriculum import used_components
from ecr_engine.runs.checkpoints import chosen, list_checkpoints
from ecr_engine.runs.folder import RunFolder

FITTED = "rewards"
"""The folder of a run in which components keep what they fit to its data."""


def resources_of(context: StageContext) -> Resources:
    """What the components of a stage's run draw on.

    Raises:
        EcrError: as in `resources_for`.
    """
    return resources_for(context.folder, context.settings)


def resources_for(folder: RunFolder | None, settings: Settings) -> Resources:
    """What components draw on under settings, as far as a run has it.

    Args:
        folder: the run's folder; None for what the settings alone give.
        settings: the run's settings, or those of an evaluation in it.

    Raises:
        UsageError: a recogniser of the settings does not exist.
        DataError: a recogniser's folder or the knowledge graph can't be read.
    """
    alone = Resources(
        emotion=find_recogniser(settings.emotion.recogniser, "emotion.recogniser"),
        empathy=find_empathy_recogniser(settings.emotion.empathy, "emotion.empathy"),
        encoder=settings.reward_options.similarity_encoder,
        judge=settings.judge.name,
        judging=settings.judge,
        device=settings.device,
        options=settings.reward_options,
    )
    if folder is None:
        return alone
    graph, critic = folder.data / KNOWLEDGE, folder.stage("critic")
    return replace(
        alone,
        corpus=folder.data if folder.data.is_dir() and is_processed(folder.data) else None,
        fitted=folder.root / FITTED,
        knowledge=KnowledgeGraph.load(graph) if graph.is_file() else None,
        critic=chosen(critic) if list_checkpoints(critic) else None,
    )


def check_rewards(settings: Settings) -> None:
    """Refuses components that can't be found, before any stage has run.

    Raises:
        EcrError: the code of a component is not there, or raises when it is imported.
    """
    for name in used_components(settings.curriculum, settings.rewards):
        check_component(name)
