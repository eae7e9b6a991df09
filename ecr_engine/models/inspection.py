"""One example as supervised training sees it: its text, its tokens, which of them are trained, what the limits cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.prompts import Fitted, PromptEncoder, clean, render_text
from ecr_engine.data.schema import Example

STOP = "</s>"
"""The stop token where no tokenizer says otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a prompt is held to.

    Attributes:
        system: the system message.
        prompt: prompt tokens at most.
        target: target tokens at most, the stop token included.
    """

    system: str
    prompt: int
    target: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """An example's tokens.

    Attributes:
        ids: of prompt and target; [P + T].
        texts: each token by itself, as text; [P + T].
        trained: whether a token gets a loss: those of the target do; [P + T].
        fitted: the halves, and what the limits took.
    """

    ids: tuple[int, ...]
    texts: tuple[str, ...]
    trained: tuple[bool, ...]
    fitted: Fitted


@dataclass(frozen=True, slots=True)
class Inspection:
    """What training sees of an example.

    Attributes:
        prompt: the prompt; without a tokenizer nothing is cut from it.
        trained: the text of the trained tokens, the stop token included.
        limits: what it was held to.
        tokenizer: folder of the tokenizer; None if none was given.
        tokens: the tokens; None if no tokenizer was given.
    """

    prompt: str
    trained: str
    limits: Limits
    tokenizer: Path | None
    tokens: Tokens | None


def inspect(example: Example, limits: Limits, tokenizer: Path | None) -> Inspection:
    """What training sees of an example.

    Args:
        example: the example.
        limits: what it is held to.
        tokenizer: folder of the backbone's tokenizer; None: by text alone.

    Raises:
        UnavailableError: the tokenizer can't be loaded.
        EcrError: the system message does not fit, or the tokenizer does not suit the chat format.
    """
    if tokenizer is None:
        prompt = render_text(example.context, limits.system, eos=STOP)
        return Inspection(prompt, f"{clean(example.target)} {STOP}", limits, None, None)
    from ecr_engine.models.tokenizer_files import load_tokenizer

    loaded = load_tokenizer(tokenizer)
    encoder = PromptEncoder(
        loaded, system=limits.system, context_max_length=limits.prompt, resp_max_length=limits.target
    )
    fitted = encoder.fit(example)
    prompt_ids, target_ids = fitted.encoded.prompt, fitted.encoded.target
    tokens = Tokens(
        ids=(*prompt_ids, *target_ids),
        texts=tuple(loaded.decode([token]) for token in (*prompt_ids, *target_ids)),
        trained=(*[False] * len(prompt_ids), *[True] * len(target_ids)),
        fitted=fitted,
    )
    return Inspection(fitted.prompt, loaded.decode(target_ids).strip(), limits, tokenizer, tokens)
