"""Rollouts: the policy answers training contexts, and all that an update needs to know is measured once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import Example, Sample
from ecr_engine.models.generation import Decoding, Generation, by_length, generate
from ecr_engine.models.memory import release_freed
from ecr_engine.models.placement import own_share
from ecr_engine.models.response import ResponseModel, ResponseOutput, collate
from ecr_engine.rl.micro_batches import halving, memory_warning
from ecr_engine.rl.types import Episode
from ecr_engine.rl.values import CriticValues, TrunkValues

if TYPE_CHECKING:
    from accelerate import Accelerator


class Score(Protocol):
    """The composite reward as the rollouts need it."""

    def __call__(self, samples: Sequence[Sample]) -> tuple[Sequence[float], dict[str, Sequence[float | None]]]:
        """Totals, and the score of each component, one a sample."""


Answer = Callable[[Sequence[list[int]], Decoding, Sequence[int]], Generation]
"""Answers prompts: ids, decoding and seeds in, a `Generation` out. A serving engine can take this place."""


class RollSeconds(NamedTuple):
    """What the parts of a rollout took, in seconds.

    Attributes:
        answer: the policy's answers.
        score: the reward components.
        measure: log-probs of policy and reference, entropy and values.
    """

    answer: float
    score: float
    measure: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """One row of a global batch.

    Attributes:
        index: place in the batch.
        example: index of the example.
        ids: prompt ids.
        seed: of its sampling.
    """

    index: int
    example: int
    ids: list[int]
    seed: int


def local_answers(model: Any, tokenizer: Any) -> Answer:
    """Answers from a model in this process."""

    def answer(prompts: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]) -> Generation:
        model.eval()
        return generate(model, prompts, decoding, pad=tokenizer.pad_token_id, stop=tokenizer.eos_token_id, seeds=seeds)

    return answer


class Roller:
    """Makes episodes.

    Args:
        policy: the policy behind its `ResponseModel`.
        reference: the reference policy, never trained.
        values: the value function.
        critic: its encoder's input form (`CriticModel.encode`).
        answer: how prompts are answered.
        tokenizer: the policy's tokenizer.
        score: the composite reward.
        accelerator: placement and processes.
        decoding: sampling at the rollouts' temperature, without any filter.
        missing_stop_penalty: taken from the score of a response that did not stop.
        micro_batch_size: rollouts in one forward pass.
        warn: told where memory ran out and micro-batches are halved.

    Attributes:
        seconds: what the last batch took.
    """

    def __init__(
        self,
        *,
        policy: ResponseModel,
        reference: Callable[..., ResponseOutput],
        values: CriticValues | TrunkValues,
        critic: Any,
        answer: Answer,
        tokenizer: Any,
        score: Score,
        accelerator: Accelerator,
        decoding: Decoding,
        missing_stop_penalty: float,
        micro_batch_size: int,
        warn: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        self.policy = policy
        self.reference = reference
        self.values = values
        self.critic = critic
        self.answer = answer
        self.tokenizer = tokenizer
        self.score = score
        self.accelerator = accelerator
        self.decoding = decoding
        self.missing_stop_penalty = missing_stop_penalty
        self.micro_batch_size = micro_batch_size
        self.warn = warn
        self.seconds = RollSeconds(0.0, 0.0, 0.0)

    def roll(self, prompts: Sequence[Prompt], examples: Sequence[Example]) -> list[Episode]:
        """The episodes of a global batch, in its order, on every process."""
        own = own_share(prompts, self.accelerator)
        clock = [time.perf_counter()]
        with self.accelerator.autocast():
            generation = self.answer([row.ids for row in own], self.decoding, [row.seed for row in own])
        clock.append(time.perf_counter())
        episodes = self._rewarded(own, generation, examples)
        clock.append(time.perf_counter())
        release_freed()
        episodes = self._measured(episodes, examples)
        release_freed()
        clock.append(time.perf_counter())
        self.seconds = RollSeconds(*(end - start for start, end in pairwise(clock)))
        if self.accelerator.num_processes > 1:
            from accelerate.utils import gather_object

            episodes = gather_object(episodes)
        return sorted(episodes, key=lambda episode: episode.index)

    def _rewarded(self, own: Sequence[Prompt], generation: Generation, examples: Sequence[Example]) -> list[Episode]:
        texts = [decode(self.tokenizer, ids) for ids in generation.ids]
        samples = [
            Sample(examples[row.example], text, finished, len(ids))
            for row, text, finished, ids in zip(own, texts, generation.finished, generation.ids, strict=True)
        ]
        totals, components = self.score(samples)
        empty = torch.empty(0)
        return [
            Episode(
                index=row.index,
                example=row.example,
                prompt=row.ids,
                response=generation.ids[place],
                finished=generation.finished[place],
                text=texts[place],
                log_probs=empty,
                reference_log_probs=empty,
                entropy=empty,
                values=empty,
                reward=totals[place],
                score=totals[place] - (0.0 if generation.finished[place] else self.missing_stop_penalty),
                components={name: scores[place] for name, scores in components.items()},
            )
            for place, row in enumerate(own)
        ]

    def _measured(self, episodes: Sequence[Episode], examples: Sequence[Example]) -> list[Episode]:
        """Adds log-probs, entropy and values, in micro-batches of like prompts; half as wide where memory runs out."""
        for model in (self.policy, self.values):
            model.eval()
        measured, width = halving(
            self.micro_batch_size,
            lambda width: self._measure(episodes, examples, width),
            alone=self.accelerator.num_processes == 1,
        )
        if width != self.micro_batch_size:
            self.warn(memory_warning(self.micro_batch_size, width, "rollout"))
            self.micro_batch_size = width
        return measured

    @torch.no_grad()
    def _measure(self, episodes: Sequence[Episode], examples: Sequence[Example], width: int) -> list[Episode]:
        device, temperature = self.accelerator.device, self.decoding.temperature
        measured = list(episodes)
        # By prompts alone, so that those of one prompt, which is then computed once, are side by side.
        for rows in by_length([len(e.prompt) for e in episodes], width):
            some = [episodes[row] for row in rows]
            batch = collate([e.prompt for e in some], [e.response for e in some], self.tokenizer.pad_token_id)
            batch = batch.to(device)
            contexts, mask = critic_inputs(self.critic, [examples[e.example] for e in some])
            output = self.policy(batch, temperature=temperature, with_entropy=True)
            reference = self.reference(batch, temperature=temperature)
            values = self.values(output.hidden, contexts.to(device), mask.to(device))
            for place, row in enumerate(rows):
                length = len(episodes[row].response)
                measured[row] = replace(
                    episodes[row],
                    log_probs=output.log_probs[place, :length].cpu(),
                    reference_log_probs=reference.log_probs[place, :length].cpu(),
                    entropy=output.entropy[place, :length].cpu(),
                    values=values[place, :length].float().cpu(),
                )
        return measured


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Response ids as text, without the stop token; `<movie>` and leaked markers stay."""
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return text.strip()


def critic_inputs(critic: Any, examples: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Contexts as the critic reads them, with no response yet: ids and mask [B, L]."""
    ids, mask = critic.encode([transcript(example.context) for example in examples], [""] * len(examples))
    return ids, mask
