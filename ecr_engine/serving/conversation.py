"""A conversation with a model: what the seeker says, what it shows, and the reply, made as evaluation makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_engine.data.cleaning import clean
from ecr_engine.data.prompts import PromptEncoder, render_text
from ecr_engine.data.schema import Emotions, Example, Item, Role, Sample, Turn
from ecr_engine.errors import UsageError
from ecr_engine.evaluation.generate import respond
from ecr_engine.models.generation import Decoding
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.reasons import Missing, Reason, at_hand, explained
from ecr_engine.rewards.resources import Resources
from ecr_engine.serving.movies import Filled, Movies, Named

SOURCE = "chat"
"""What the samples of a conversation name as their source."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What answers, and how.

    Attributes:
        model: a causal LM.
        tokenizer: its tokenizer.
        encoder: renders the prompts, and cuts long dialogues as in training.
        decoding: how replies are decoded.
        seed: of the sampling; the same words after the same seed get the same reply.
        precision: `no` or `bf16`.
    """

    model: Any
    tokenizer: Any
    encoder: PromptEncoder
    decoding: Decoding
    seed: int = 0
    precision: str = "no"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        dialogue: number of the dialogue in this conversation, from 1; `reset` begins the next.
        number: number of the reply in its dialogue, from 1.
        seeker: the turn that it answers.
        sample: the response with its `<movie>` slots, and its context; it has no reference.
        text: the response with titles in its slots, as far as movies are known.
        items: the movies of the titles.
        cut: whether the dialogue was longer than what the model reads, so that its oldest part was left out.
    """

    dialogue: int
    number: int
    seeker: Turn
    sample: Sample
    text: str
    items: tuple[Item, ...]
    cut: bool

    @property
    def emotions(self) -> Emotions:
        """What the seeker's turn shows, the likelier first, with probabilities in [0, 1]."""
        return self.seeker.emotions


@dataclass(frozen=True, slots=True)
class Scores:
    """The reward of one reply.

    Attributes:
        rows: what each component gives, and why; a component that needs a reference has no score.
        missing: components with a weight that can't be built.
    """

    rows: tuple[Reason, ...]
    missing: tuple[Missing, ...]

    @property
    def total(self) -> float:
        """The reward, of the components that apply."""
        return sum(row.contribution for row in self.rows)


class Conversation:
    """Dialogues with one model, one after the other.

    Args:
        voice: what answers.
        resources: the recogniser, and what reward components draw on.
        weights: of the reward components.
        movies: the movies that are known; None: slots stay slots.
    """

    def __init__(
        self, voice: Voice, *, resources: Resources, weights: Mapping[str, float], movies: Movies | None = None
    ) -> None:
        self.voice = voice
        self.resources = resources
        self.movies = movies
        self._weights = {name: weight for name, weight in weights.items() if weight > 0}
        self._components: dict[str, RewardComponent] | None = None
        self._missing: list[Missing] = []
        self._replies: list[Reply] = []
        self._context: list[Turn] = []
        self._dialogue = 1

    @property
    def context(self) -> tuple[Turn, ...]:
        """The turns of the present dialogue, oldest first."""
        return tuple(self._context)

    @property
    def replies(self) -> tuple[Reply, ...]:
        """All replies, those of earlier dialogues too."""
        return tuple(self._replies)

    @property
    def last(self) -> Reply | None:
        """The last reply of the present dialogue; None if it has none."""
        return self._replies[-1] if self._context else None

    def say(self, text: str) -> Reply:
        """The reply to what the seeker says; a reply that is interrupted leaves everything as it was.

        Args:
            text: one turn; markers of the chat format and invisible characters are taken out of it.

        Raises:
            UsageError: there are no words in it.
        """
        words = clean(text)
        if not words:
            raise UsageError("there are no words in what was said", fix="write what the seeker says")
        seeker = self._heard(words)
        context = (*self._context, seeker)
        [sample] = respond(
            self.voice.model,
            self.voice.tokenizer,
            [self._example(context)],
            self.voice.encoder,
            self.voice.decoding,
            batch_size=1,
            seed=self.voice.seed,
            precision=self.voice.precision,
        )
        filled = Filled(sample.response, ()) if self.movies is None else self.movies.fill(sample.response, context)
        return self._kept(seeker, sample, filled, cut=self._is_cut(context))

    def reset(self) -> None:
        """Begins a new dialogue; the replies so far stay in `replies`."""
        if self._context:
            self._context = []
            self._dialogue += 1

    def scores(self, reply: Reply) -> Scores:
        """What the reward components give for a reply.

        Raises:
            EcrError: a component went wrong.
        """
        if self._components is None:
            self._components, self._missing = at_hand(self._weights, self.resources, reply.sample)
        return Scores(tuple(explained(self._components, self._weights, reply.sample)), tuple(self._missing))

    def _heard(self, words: str) -> Turn:
        """The seeker's turn, with what it names and what it shows."""
        named = Named(words, (), ()) if self.movies is None else self.movies.find(words)
        [emotions] = self.resources.emotion.recognise([named.slots])
        return Turn(Role.SEEKER, words, named.slots, named.items, named.entities, emotions)

    def _example(self, context: tuple[Turn, ...]) -> Example:
        name = f"{SOURCE}-{self._dialogue}"
        return Example(
            example_id=f"{name}:{len(context)}",
            conversation_id=name,
            turn=len(context),
            context=context,
            target="",
            items=(),
            mentioned=tuple(dict.fromkeys(item for turn in context for item in turn.items)),
            emotions=tuple(label for label, _ in context[-1].emotions),
            source=SOURCE,
            line=self._dialogue,
        )

    def _is_cut(self, context: tuple[Turn, ...]) -> bool:
        """Whether the prompt lacks a part of the context."""
        encoder, tokenizer = self.voice.encoder, self.voice.tokenizer
        whole = render_text(context, encoder.system, bos=tokenizer.bos_token, eos=tokenizer.eos_token)
        return bool(encoder.prompt(context) != tokenizer.encode(whole, add_special_tokens=False))

    def _kept(self, seeker: Turn, sample: Sample, filled: Filled, *, cut: bool) -> Reply:
        """Takes both turns into the dialogue."""
        answer = Turn(Role.RECOMMENDER, filled.text, sample.response, tuple(item.item_id for item in filled.items))
        number = len(self._context) // 2 + 1
        reply = Reply(self._dialogue, number, seeker, sample, filled.text, filled.items, cut)
        self._context += [seeker, answer]
        self._replies.append(reply)
        return reply
