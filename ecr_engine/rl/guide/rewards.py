"""`RewardCalculator`: the composite reward of plain texts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ecr_engine.config.settings import Settings
from ecr_engine.data.schema import EMOTIONS, Sample
from ecr_engine.errors import UsageError, suggestion
from ecr_engine.rewards.composition import Composer, Row
from ecr_engine.rewards.custom import is_number, shown
from ecr_engine.rewards.resources import Resources
from ecr_engine.rl.guide.config import RLConfig
from ecr_engine.rl.guide.dialogue import Context, check_batch, sample_of, turns_of
from ecr_engine.rl.guide.emotions import label_table, labels_of

LOGGER = logging.getLogger("ecr_engine.rl.guide")

Label = str | Sequence[str] | None
"""What one seeker shows: a name, at most two of them, or None to recognise it."""

TOTAL = "total"
"""The key of the sum in a breakdown."""


class RewardCalculator:
    """The reward of responses, as PPO gives it.

    The components and the formula are those of `ecr_engine.rewards`, with the weights of the config. To add a reward,
    derive from this class and override `calculate_reward`, or write a component.

    Args:
        config: the weights; its `device` is where the rewards lie.
        tokenizer: any Hugging Face tokenizer: it counts the tokens of a response.
        emotion_list: names that emotion labels may have: of the nine, or of `guide.emotions.NAMES`, such as "sad".
        resources: what components may draw on beside the words; what the settings alone give if None.

    Raises:
        UsageError: a name of the list is unknown, or a component lacks what it needs.
    """

    def __init__(
        self, config: RLConfig, tokenizer: Any, emotion_list: Sequence[str], resources: Resources | None = None
    ) -> None:
        self.config = config
        self.tokenizer = tokenizer
        self._labels = {name: name for name in EMOTIONS} | label_table(emotion_list, "emotion_list")
        self.emotion_list = tuple(emotion_list)
        settings = config.settings()
        self._composer = Composer(settings.rewards, resources=resources or _resources(settings))

    @property
    def weights(self) -> dict[str, float]:
        """The weight of every component."""
        return self._composer.weights

    def update_weights(self, weights: Mapping[str, float]) -> None:
        """Sets the weights of the named components for all rewards from now on; the others keep theirs.

        Args:
            weights: component name to weight, 0 or more.

        Raises:
            UsageError: a component is unknown, or a weight is no number, negative or not finite; then none has changed.
        """
        for name, weight in weights.items():
            if not is_number(weight):
                raise UsageError(
                    f"the weight of reward component '{name}' is {shown(weight)}, not a number",
                    at="update_weights",
                    fix="give a number that is 0 or more, such as float(weight)",
                )
        self._composer.update_weights(weights)

    def calculate_reward(
        self,
        context: Sequence[Context],
        responses: Sequence[str],
        targets: Sequence[str | None],
        emotion_labels: Sequence[Label] | None = None,
    ) -> Tensor:
        """The reward of each response, [B], on the config's device.

        Args:
            context: for each response the seeker's turn, or all turns before it (see `guide.dialogue.turns_of`).
            responses: the responses, with `<movie>` slots.
            targets: what a human answered; None or empty where nobody did.
            emotion_labels: what each seeker shows; recognised in their last turn if not given.

        Raises:
            UsageError: the lists do not belong together, or an emotion is unknown.
            EcrError: a component went wrong.
        """
        samples = self._samples(context, responses, targets, emotion_labels)
        totals = self._composer.score(samples).total
        if self.config.debug:
            for sample in samples:
                LOGGER.info("%s: %s", sample.example.example_id, _parts(self._composer.breakdown(sample)))
        return torch.tensor(totals, dtype=torch.float32, device=self.config.device)

    def get_reward_breakdown(
        self, context: Context, response: str, target: str | None, emotion_labels: Label = None
    ) -> dict[str, float]:
        """What each component adds to the reward of one response, and their sum as `total`.

        A component that does not apply to it adds 0.

        Args:
            context: as one entry of `calculate_reward`'s.
            response: the response.
            target: what a human answered; None if nobody did.
            emotion_labels: what the seeker shows.

        Raises:
            UsageError, EcrError: as `calculate_reward`.
        """
        [sample] = self._samples([context], [response], [target], [emotion_labels])
        return _parts(self._composer.breakdown(sample))

    def _samples(
        self,
        context: Sequence[Context],
        responses: Sequence[str],
        targets: Sequence[str | None],
        emotion_labels: Sequence[Label] | None,
    ) -> list[Sample]:
        check_batch(context=context, responses=responses, targets=targets)
        given = [None] * len(responses) if emotion_labels is None else emotion_labels
        check_batch(responses=responses, emotion_labels=given)
        ids = self.tokenizer(list(responses), add_special_tokens=False)["input_ids"]
        return [
            sample_of(
                turns_of(said),
                response,
                target or "",
                self._emotions(label, place),
                name=f"given:{place}",
                tokens=len(tokens),
            )
            for place, (said, response, target, label, tokens) in enumerate(
                zip(context, responses, targets, given, ids, strict=True)
            )
        ]

    def _emotions(self, label: Label, place: int) -> tuple[str, ...]:
        names = [label] if isinstance(label, str) else list(label or ())
        at = f"emotion_labels[{place}]"
        for name in names:
            if name not in self._labels:
                raise UsageError(
                    f"the emotion '{name}' is not in the list", at=at, fix=suggestion(name, list(self._labels))
                )
        return labels_of(names, at)


def _resources(settings: Settings) -> Resources:
    """What components draw on where there is no run: no corpus, no knowledge graph and no trained critic."""
    return Resources(
        encoder=settings.reward_options.similarity_encoder,
        judge=settings.judge.name,
        device=settings.device,
        options=settings.reward_options,
    )


def _parts(rows: Sequence[Row]) -> dict[str, float]:
    parts = {row.component: row.contribution for row in rows}
    return {**parts, TOTAL: sum(parts.values())}
