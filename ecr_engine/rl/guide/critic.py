"""`CriticAgent`: the critic over plain texts."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, Self, TypedDict

import torch
from torch import Tensor, nn

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import EMOTIONS
from ecr_engine.errors import DataError, UsageError
from ecr_engine.models.critic import CriticModel, CriticShape, build_critic, load_critic
from ecr_engine.models.tokenizer import prepare_tokenizer
from ecr_engine.rl.guide.config import RLConfig
from ecr_engine.rl.guide.dialogue import Context, check_batch, turns_of
from ecr_engine.rl.guide.emotions import label_table
from ecr_engine.scoring.judge import DIMENSIONS

FACTS = "critic.json"
"""The file that every critic's folder has."""


class CriticOutputs(TypedDict):
    """What the critic says of a batch.

    Attributes:
        values: [B], unbounded; the score that it expects of each response.
        quality_breakdown: by dimension of the judges [B], in [0, 1].
        emotions: by name of the emotion list [B], the probability in [0, 1] that the seeker shows it, read from the
            context alone. Names that stand for one label of the nine have the same.
    """

    values: Tensor
    quality_breakdown: NotRequired[dict[str, Tensor]]
    emotions: NotRequired[dict[str, Tensor]]


class CriticAgent(nn.Module):
    """The critic of a context and a response.

    It is built as the section `[critic]` of the settings says, with heads that know nothing yet: every value is 0
    until it is trained (`training.critic.CriticTrainer` takes `agent.model`). `from_checkpoint` reads a trained one.

    Args:
        config: its `seed` decides the random weights, its `device` where they lie.
        tokenizer: any Hugging Face tokenizer; a copy is given a pad token and `<movie>` where they lack.
        emotion_list: names of the emotions to tell: of the nine, or of `guide.emotions.NAMES`.

    Attributes:
        model: the critic's network.

    Raises:
        UsageError: a name of the list is unknown, or the tokenizer has no token that can stand between two texts.
    """

    def __init__(self, config: RLConfig, tokenizer: Any, emotion_list: Sequence[str]) -> None:
        super().__init__()
        section = config.settings().critic
        self._take(
            config,
            emotion_list,
            build_critic(
                section.encoder,
                shape=CriticShape(section.hidden_size, section.layers, section.heads, section.max_length),
                tokenizer=_prepared(tokenizer),
                embeddings=torch.zeros(0),
                dimensions=DIMENSIONS,
                emotions=EMOTIONS,
                max_length=section.max_length,
                seed=config.seed,
            ),
        )

    @classmethod
    def from_checkpoint(
        cls, folder: str | Path, config: RLConfig | None = None, emotion_list: Sequence[str] = EMOTIONS
    ) -> Self:
        """The trained critic of a checkpoint, such as `runs/demo/critic/checkpoints/best`; it brings its tokenizer.

        Args:
            folder: where `CriticModel.save` wrote it.
            config: its `device` is used; the default one if None.
            emotion_list: names of the emotions to tell.

        Raises:
            DataError: the folder holds no critic.
            UsageError: a name of the list is unknown.
        """
        if not (Path(folder) / FACTS).is_file():
            raise DataError(
                f"there is no critic in '{folder}'",
                at=str(Path(folder) / FACTS),
                fix="name a checkpoint of one, such as runs/demo/critic/checkpoints/best",
            )
        agent = cls.__new__(cls)
        nn.Module.__init__(agent)
        agent._take(config or RLConfig(), emotion_list, load_critic(Path(folder)))
        return agent

    def _take(self, config: RLConfig, emotion_list: Sequence[str], model: CriticModel) -> None:
        """Sets the agent up around a network; without dropout until a trainer asks for it."""
        self.config = config
        self._labels = label_table(emotion_list, "emotion_list")
        self.emotion_list = tuple(emotion_list)
        self.model = model.to(config.device)
        self.eval()

    def forward(
        self, context: Sequence[Context], responses: Sequence[str], return_quality_breakdown: bool = False
    ) -> CriticOutputs:
        """The value of each response, and what it is made of.

        Gradients flow in training mode only (`agent.train()`); as it is made it is there to be looked at.

        Args:
            context: for each response the seeker's turn, or all turns before it (see `guide.dialogue.turns_of`).
            responses: the responses; an empty one asks for the value of the context alone.
            return_quality_breakdown: whether to tell the dimensions and the emotions too.

        Raises:
            UsageError: the two lists do not belong together.
        """
        check_batch(context=context, responses=responses)
        said = [transcript(turns_of(entry)) for entry in context]
        with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):
            return self._told(said, responses, detailed=return_quality_breakdown)

    def _told(self, said: Sequence[str], responses: Sequence[str], *, detailed: bool) -> CriticOutputs:
        output = self.model(*self._encoded(said, responses))
        if not detailed:
            return {"values": output.value}
        quality = output.quality.sigmoid()
        seekers = self.model(*self._encoded(said, [""] * len(said))).emotion.sigmoid()
        return {
            "values": output.value,
            "quality_breakdown": {name: quality[:, place] for place, name in enumerate(self.model.dimensions)},
            "emotions": {name: seekers[:, self.model.emotions.index(label)] for name, label in self._labels.items()},
        }

    def _encoded(self, contexts: Sequence[str], responses: Sequence[str]) -> tuple[Tensor, Tensor]:
        ids, mask = self.model.encode(contexts, responses)
        return ids.to(self.config.device), mask.to(self.config.device)


def _prepared(tokenizer: Any) -> Any:
    """A copy of a tokenizer that the critic can read with; the caller's own stays as it is.

    Raises:
        UsageError: it has no token to put between context and response.
    """
    own = copy.deepcopy(tokenizer)
    prepare_tokenizer(own)
    if own.sep_token_id is None and own.eos_token_id is None:
        raise UsageError(
            "the tokenizer has neither a separator nor an end-of-text token",
            at="tokenizer",
            fix="give it one: tokenizer.eos_token = …",
        )
    return own
