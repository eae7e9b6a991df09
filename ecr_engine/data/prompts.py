r"""The one place that turns a dialogue into a Llama-2 chat prompt: for SFT, rollouts, evaluation and chat alike.

The form is Meta's (llama-recipes, `chat_completion`): a seeker's turn stands between `[INST]` and `[/INST]`, the system
message inside the first of them, and a recommender's turn is what the assistant said:

    <s>[INST] <<SYS>>\n{system}\n<</SYS>>\n\n{seeker} [/INST] {recommender} </s><s>[INST] {seeker} [/INST]

A dialogue that the recommender opens starts with an empty `[INST]` block. Movies stand by name in the context and as
`<movie>` in the target, so that the model says *that* it recommends and the item ranking says *what*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from ecr_engine.data.cleaning import TEMPLATE_MARKERS
from ecr_engine.data.schema import Example, Role, Turn
from ecr_engine.errors import EcrError

MARKERS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
"""The words of the chat format; as tokens of their own where we train the tokenizer."""


class Tokenizer(Protocol):
    """What this module needs of a Hugging Face tokenizer."""

    bos_token: str
    eos_token: str

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Token ids of `text`; special tokens spelt out in it become one id each."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids.

    Attributes:
        prompt: ids up to and including `[/INST]`; [P].
        target: ids of the response, its stop token last unless it was cut at the limit; [T].
    """

    prompt: list[int]
    target: list[int]


@dataclass(frozen=True, slots=True)
class Fitted:
    """An example as the backbone meets it, and what the limits took from it.

    Attributes:
        prompt: the prompt's text, as encoded.
        encoded: the token ids.
        turns_cut: turns of the context that were left out, the oldest.
        start_cut: what was cut from the start of the oldest turn that was kept; empty if nothing was.
        prompt_length: tokens of the prompt if nothing were cut.
        target_length: tokens of the target if nothing were cut, its stop token included.
    """

    prompt: str
    encoded: Encoded
    turns_cut: int
    start_cut: str
    prompt_length: int
    target_length: int


class ChatMessage(NamedTuple):
    """One message of a chat, as trainers and servers take it.

    Attributes:
        role: `system`, `user` (the seeker) or `assistant` (the recommender).
        content: what is said; empty where the recommender opens the dialogue.
    """

    role: str
    content: str


def clean(text: str, also: Sequence[str] = ()) -> str:
    """Text without anything that looks like a marker of the chat format: what a user types can't close a block.

    Args:
        text: what was typed.
        also: further markers, such as a tokenizer's own begin and end tokens.
    """
    for marker in also:
        text = text.replace(marker, " ")
    return TEMPLATE_MARKERS.sub(" ", text).strip()


@dataclass(frozen=True, slots=True)
class _Block:
    """One `[INST]` block and the answer that follows it (None: to be generated)."""

    seeker: str
    recommender: str | None


def _blocks(context: Sequence[Turn], also: Sequence[str]) -> list[_Block]:
    """Pairs each seeker turn with the recommender's answer; the last block is open."""
    blocks: list[_Block] = []
    seeker = ""
    for turn in context:
        if turn.role is Role.SEEKER:
            seeker = f"{seeker} {clean(turn.text, also)}".strip()
        else:
            blocks.append(_Block(seeker, clean(turn.text, also)))
            seeker = ""
    return [*blocks, _Block(seeker, None)]


def _render(blocks: Sequence[_Block], system: str, bos: str, eos: str) -> str:
    parts = []
    for index, block in enumerate(blocks):
        head = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if index == 0 else ""
        answer = "" if block.recommender is None else f" {block.recommender} {eos}"
        parts.append(f"{bos}[INST] {head}{block.seeker} [/INST]{answer}")
    return "".join(parts)


def render_text(context: Sequence[Turn], system: str, *, bos: str = "<s>", eos: str = "</s>") -> str:
    """The prompt as text, untruncated, up to the last `[/INST]`.

    Args:
        context: turns before the response, oldest first; may be empty.
        system: the system message.
        bos: the tokenizer's begin token.
        eos: the tokenizer's end token.
    """
    return _render(_blocks(context, (bos, eos)), system, bos, eos)


def chat(context: Sequence[Turn], system: str, answer: str) -> Iterator[ChatMessage]:
    """The messages that the Llama-2 chat template renders into `render_text`, and the answer as the last of them.

    After the system message user and assistant alternate strictly.

    Args:
        context: turns before the response, oldest first; may be empty.
        system: the system message.
        answer: the response.
    """
    yield ChatMessage("system", system)
    for block in _blocks(context, ()):
        yield ChatMessage("user", block.seeker)
        yield ChatMessage("assistant", clean(answer) if block.recommender is None else block.recommender)


class PromptEncoder:
    """Encodes examples with one tokenizer and one set of limits.

    Args:
        tokenizer: the backbone's tokenizer.
        system: the system message.
        context_max_length: prompt tokens at most; whole blocks are dropped from the oldest, and then words of the
            last block.
        resp_max_length: response tokens at most, the stop token included.
    """

    def __init__(self, tokenizer: Tokenizer, *, system: str, context_max_length: int, resp_max_length: int) -> None:
        self.tokenizer = tokenizer
        self._own_markers = (tokenizer.bos_token, tokenizer.eos_token)
        self.system = system
        self.context_max_length = context_max_length
        self.resp_max_length = resp_max_length
        self._count = lru_cache(maxsize=65536)(self._count_block)
        self._floor = len(self._ids(self._text([_Block("", None)])))
        if self._floor >= context_max_length:
            raise EcrError(
                f"the system message alone takes {self._floor} of {context_max_length} prompt tokens",
                at="prompt.context_max_length",
                fix="raise prompt.context_max_length or shorten prompt.system",
            )

    def prompt(self, context: Sequence[Turn]) -> list[int]:
        """Prompt ids of a context, at most `context_max_length`."""
        return self._ids(self._text(self._fit(_blocks(context, self._own_markers))))

    def encode(self, example: Example) -> Encoded:
        """Prompt and target ids of an example.

        The target is encoded in place behind the prompt, so that the boundary is tokenised as the model will meet it.
        """
        text = self._text(self._fit(_blocks(example.context, self._own_markers)))
        prompt, target = self._pair(text, example)
        return Encoded(prompt, target[: self.resp_max_length])

    def fit(self, example: Example) -> Fitted:
        """What `encode` gives, with its text and with what the limits took."""
        whole = _blocks(example.context, self._own_markers)
        kept = self._fit(whole)
        text = self._text(kept)
        prompt, target = self._pair(text, example)
        left_out = whole[: len(whole) - len(kept)]
        oldest = " ".join(whole[len(left_out)].seeker.split())
        return Fitted(
            prompt=text,
            encoded=Encoded(prompt, target[: self.resp_max_length]),
            turns_cut=sum((block.seeker != "") + (block.recommender is not None) for block in left_out),
            start_cut=oldest.removesuffix(" ".join(kept[0].seeker.split())).strip(),
            prompt_length=len(self._ids(self._text(whole))),
            target_length=len(target),
        )

    def _pair(self, text: str, example: Example) -> tuple[list[int], list[int]]:
        """Ids of a prompt, and of the target behind it without a limit."""
        prompt = self._ids(text)
        whole = self._ids(f"{text} {clean(example.target, self._own_markers)} {self.tokenizer.eos_token}")
        if whole[: len(prompt)] != prompt:
            raise EcrError(
                f"this tokenizer joins the prompt of {example.example_id} with its target into one token",
                fix="use a tokenizer whose tokens end at white space",
            )
        return prompt, whole[len(prompt) :]

    def _fit(self, blocks: list[_Block]) -> list[_Block]:
        """The blocks that the limit leaves, the oldest of them shortened if even the last one is too long."""
        budget = self.context_max_length - self._floor
        kept = 1
        used = self._count(blocks[-1]) - self._count(_Block("", None))
        for block in reversed(blocks[:-1]):
            used += self._count(block)
            if used > budget:
                break
            kept += 1
        window = blocks[-kept:]
        while len(self._ids(self._text(window))) > self.context_max_length:
            window = window[1:] if len(window) > 1 else [_shortened(window[0])]
        return window

    def _count_block(self, block: _Block) -> int:
        answer = f" {block.recommender} {self.tokenizer.eos_token}" if block.recommender is not None else ""
        return len(self._ids(f"{self.tokenizer.bos_token}[INST] {block.seeker} [/INST]{answer}")) - 1

    def _text(self, blocks: Sequence[_Block]) -> str:
        return _render(blocks, self.system, self.tokenizer.bos_token, self.tokenizer.eos_token)

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)


def _shortened(block: _Block) -> _Block:
    """The block without the first eighth of its words (at least one), or of its letters if it is one long word."""
    words = block.seeker.split()
    if len(words) > 1:
        return _Block(" ".join(words[max(1, len(words) // 8) :]), block.recommender)
    return _Block(block.seeker[max(1, len(block.seeker) // 8) :], block.recommender)


def transcript(context: Sequence[Turn]) -> str:
    """A context as plain lines, `seeker: …` and `recommender: …`: what the critic and judges read."""
    return "\n".join(f"{turn.role.value}: {clean(turn.text)}" for turn in context)
