"""One example as training sees it, for people: the prompt dim, the trained tokens in colour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import clip
from ecrctl.ui.tables import facts

if TYPE_CHECKING:
    from ecr_engine.data.lookup import Found
    from ecr_engine.data.schema import Emotions, Example, Item, Turn
    from ecr_engine.models.inspection import Inspection, Tokens

_LIKED = {True: "liked", False: "disliked", None: "not said"}
_SEEN = {True: "seen", False: "not seen", None: ""}
_SUGGESTED = {True: "the recommender's suggestion", False: "the seeker's mention", None: ""}
_QUOTED = 60


def show_example(found: Found, seen: Inspection, *, as_json: bool) -> None:
    """Prints one example: what is read, what is trained, and what the data know of it."""
    if as_json:
        print_document(_document(found, seen))
        return
    console = results()
    _print_prompt(console, seen)
    console.print()
    facts(console, [*_token_facts(seen), *_facts(found)])


def _print_prompt(console: Console, seen: Inspection) -> None:
    """Prompt and target in two colours; where there are none, the target stands on a line of its own."""
    coloured = console.color_system is not None and not console.no_color
    if coloured:
        text = Text.assemble((seen.prompt, "dim"), " ", (seen.trained, "bold green"))
    else:
        text = Text(f"{seen.prompt}\ntrained: {seen.trained}")
    console.print(text, soft_wrap=True)


def _token_facts(seen: Inspection) -> Iterator[tuple[str, str]]:
    if seen.tokens is None:
        yield "tokens", "their number is not known without a tokenizer; name one: --tokenizer RUN"
        return
    trained = sum(seen.tokens.trained)
    prompt = len(seen.tokens.ids) - trained
    limits = seen.limits
    yield "tokens", f"prompt {prompt} of {limits.prompt} tokens, {trained} trained (of {limits.target})"
    if cut := _cut(seen.tokens):
        yield "cut", cut
    yield "tokenizer", str(seen.tokenizer)


def _cut(tokens: Tokens) -> str:
    """What the limits took; empty if nothing."""
    fitted = tokens.fitted
    parts = []
    if fitted.turns_cut:
        parts.append("the oldest turn" if fitted.turns_cut == 1 else f"the {fitted.turns_cut} oldest turns")
    if fitted.start_cut:
        parts.append(f"the start of the seeker's last turn ({clip(fitted.start_cut, _QUOTED)})")
    said = f"{' and '.join(parts)}: the prompt had {fitted.prompt_length} tokens" if parts else ""
    lost = fitted.target_length - len(fitted.encoded.target)
    end = f"the last {lost} of the target's {fitted.target_length} tokens, its stop token among them" if lost else ""
    return "; ".join(part for part in (said, end) if part)


def _facts(found: Found) -> list[tuple[str, str]]:
    example = found.example
    entities = dict.fromkeys(entity for turn in example.context for entity in turn.entities)
    return [
        ("reference", example.target),
        ("movies", "; ".join(map(_movie, example.items)) or "none"),
        ("mentioned", f"{len(example.mentioned)} in the context" if example.mentioned else "none"),
        ("entities", ", ".join(entities) or "none"),
        ("emotions", _emotions(_felt(example)) or ", ".join(example.emotions) or "none"),
        ("reply", _reply(example.reply)),
        ("id", f"{example.example_id}, from {example.source}:{example.line}"),
        ("example", f"{found.number} of {found.total} in {found.path}"),
    ]


def _felt(example: Example) -> Emotions:
    """The emotions of the seeker's last turn, with their probabilities."""
    return example.context[-1].emotions if example.context and example.emotions else ()


def _emotions(emotions: Emotions) -> str:
    return ", ".join(f"{label} {probability:.2f}" for label, probability in emotions)


def _reply(turn: Turn | None) -> str:
    if turn is None:
        return "none"
    return f"{turn.text} ({_emotions(turn.emotions)})" if turn.emotions else turn.text


def _movie(item: Item) -> str:
    told = (_LIKED[item.liked], _SEEN[item.seen], _SUGGESTED[item.suggested])
    return f"{item.name or '@' + item.item_id} ({', '.join(part for part in told if part)})"


def _document(found: Found, seen: Inspection) -> dict[str, object]:
    document: dict[str, object] = {
        "file": found.path,
        "number": found.number,
        "total": found.total,
        "prompt": seen.prompt,
        "trained": seen.trained,
        "limits": {"prompt": seen.limits.prompt, "target": seen.limits.target},
        "tokenizer": seen.tokenizer,
        "tokens": None if seen.tokens is None else _tokens(seen.tokens),
        "example": found.example,
    }
    return document


def _tokens(tokens: Tokens) -> dict[str, object]:
    trained = sum(tokens.trained)
    return {
        "prompt": len(tokens.ids) - trained,
        "trained": trained,
        "ids": tokens.ids,
        "texts": tokens.texts,
        "mask": [int(flag) for flag in tokens.trained],
        "cut": {
            "turns": tokens.fitted.turns_cut,
            "start": tokens.fitted.start_cut,
            "prompt_before": tokens.fitted.prompt_length,
            "target_before": tokens.fitted.target_length,
        },
    }
