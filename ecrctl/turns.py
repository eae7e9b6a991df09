"""The one turn that `rl rewards` looks at: given as options, typed, or out of a file of samples."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecr_engine.errors import UsageError
from ecrctl.panels import Panel

if TYPE_CHECKING:
    from ecr_engine.data.schema import Sample

TYPED = "-"
"""A response of this kind comes from stdin, or is asked for."""

_UTF8 = "convert it first: iconv -t UTF-8"

_SHOWN = 40
"""Characters of a turn's name that an error shows."""

_NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """The options that say what to score."""

    response: Annotated[
        str | None,
        typer.Option(
            "--response",
            metavar="TEXT|-",
            help="A response to score; - reads it from stdin, and asks for all at a terminal.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            metavar="TEXT",
            help="What was said before it, oldest first; repeatable. The last is the seeker's and they alternate, "
            "unless they begin with 'seeker:' or 'recommender:'.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="TEXT", help="What a human answered.", rich_help_panel=Panel.WHAT),
    ] = None
    emotion: Annotated[
        list[str] | None,
        typer.Option(
            "--emotion",
            metavar="NAME",
            help="What the seeker shows, at most two; repeatable. Recognised if not given.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    samples: Annotated[
        str | None,
        typer.Option(
            "--samples",
            metavar="FILE|RUN",
            help="Take the turn from a samples.jsonl, an evaluation or a run; --response then replaces its response.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    turn: Annotated[
        str | None,
        typer.Option(
            "--turn",
            metavar="N|ID",
            help="Which one of them, by its number or by its example's id.",
            show_default="1",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None


def wanted_sample(given: TurnOptions) -> Sample | None:
    """The response to score; None if none was asked for.

    Raises:
        UsageError: the options contradict each other, lack the response, or name an emotion or a turn that is not.
        DataError: the file of samples is none.
    """
    if given.samples is not None:
        return _from_file(given, given.samples)
    if given.turn is not None:
        fix = "add --samples FILE, or a run: --samples runs/demo"
        raise UsageError("there is no file to take the turn from", at=f"--turn {given.turn}", fix=fix)
    answered = {"--context": given.context, "--reference": given.reference, "--emotion": given.emotion}
    flags = [flag for flag, value in answered.items() if value]
    if given.response is not None:
        return _from_options(_asked(given) if given.response == TYPED else given)
    if flags:
        fix = f'add --response "…", or leave {"it" if len(flags) == 1 else "them"} out for the list of components'
        raise UsageError("there is no response to score", at=flags[0], fix=fix)
    return None


def _from_options(given: TurnOptions) -> Sample:
    from ecr_engine.rl.guide.dialogue import sample_of, turns_of
    from ecr_engine.rl.guide.emotions import labels_of

    response = _spoken(given.response or "")
    return sample_of(
        turns_of([_readable(text, "--context") for text in given.context or ()]),
        response,
        _readable(given.reference or "", "--reference"),
        labels_of(given.emotion or (), "--emotion"),
        name="given:0",
        tokens=len(response.split()),
    )


def _from_file(given: TurnOptions, address: str) -> Sample:
    from ecr_engine.rl.guide.emotions import labels_of
    from ecrctl.samples import read_samples, samples_path

    for flag, text in (("--context", given.context), ("--reference", given.reference)):
        if text:
            raise UsageError(
                "a turn of a file brings its own context and reference",
                at=f"{flag} and --samples",
                fix=f"leave {flag} or --samples out",
            )
    path = samples_path(address)
    found = _pick(read_samples(path), "1" if given.turn is None else given.turn.strip(), path)
    if given.response is not None:
        response = _spoken(_read() if given.response == TYPED else given.response)
        found = replace(found, response=response, finished=True, tokens=len(response.split()))
    if given.emotion:
        labels = labels_of(given.emotion, "--emotion")
        found = replace(found, example=replace(found.example, emotions=labels))
    _check_emotions(found, path)
    return found


def _check_emotions(sample: Sample, path: Path) -> None:
    """Refuses a sample of a file that was edited to show something else than the nine."""
    from ecr_engine.data.schema import EMOTIONS
    from ecr_engine.errors import DataError

    for emotion in sample.example.emotions:
        if emotion not in EMOTIONS:
            what = f"the emotion '{emotion}' of example {sample.example.example_id} is none of the nine"
            raise DataError(what, at=str(path), fix="give it by --emotion NAME, or mend the file")


def _pick(samples: Sequence[Sample], turn: str, path: Path) -> Sample:
    """The sample of a number from 1, or of an example's id."""
    if _NUMBER.fullmatch(turn):
        if 1 <= int(turn) <= len(samples):
            return samples[int(turn) - 1]
        fix = f"name one of 1 to {len(samples)}"
    else:
        for sample in samples:
            if sample.example.example_id == turn:
                return sample
        same = [s.example.example_id for s in samples if s.example.conversation_id == turn.rpartition(":")[0]]
        first = samples[0].example.example_id
        fix = f"its conversation has {', '.join(same)}" if same else f"name a number, or an id such as {first}"
    shown = turn if len(turn) <= _SHOWN else turn[: _SHOWN - 1] + "…"
    raise UsageError(f"there is no turn {shown or 'without a name'}", at=str(path), fix=fix)


def _asked(given: TurnOptions) -> TurnOptions:
    """The options with what is typed: the response from stdin; at a terminal whatever was not given."""
    if not sys.stdin.isatty():
        return replace(given, response=_read())
    context = given.context if given.context is not None else [_ask("seeker")]
    return replace(
        given,
        context=context,
        response=_ask("response"),
        reference=given.reference if given.reference is not None else _ask("reference, if there is one"),
        emotion=given.emotion if given.emotion is not None else _ask("emotions, if you know them").split(),
    )


def _ask(what: str) -> str:
    text: str = typer.prompt(what, default="", show_default=False, err=True)
    return text


def _read() -> str:
    """A response from stdin."""
    if sys.stdin.isatty():
        return _ask("response")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise UsageError("the text is not UTF-8", at="stdin", fix=_UTF8) from error


def _spoken(response: str) -> str:
    """A response as typed, without the blanks around it.

    Raises:
        UsageError: nothing is left, or it is not UTF-8.
    """
    text = _readable(response, "--response").strip()
    if not text:
        raise UsageError(
            "the response is empty", at="--response", fix='write --response "…", or - to read it from stdin'
        )
    return text


def _readable(text: str, at: str) -> str:
    """A text of the command line, where bytes that are no UTF-8 come as lone surrogates.

    Raises:
        UsageError: it has such bytes.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError("the text is not UTF-8", at=at, fix=_UTF8)
    return text
