"""`ecrctl chat`, once its command line is read: at a terminal, or from a script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import DataError, EcrError, UsageError
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output
from ecrctl.session import SLASH, Session, command_of

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.pipeline.partner import Partner
    from ecr_engine.serving.conversation import Conversation

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for.

    Attributes:
        address: the checkpoint.
        script: file of what is said; None: it is typed.
        scores: show the reward of every reply.
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        speech: how to speak.
    """

    address: str | None
    script: Path | None
    scores: bool
    layers: Layers
    typed: Typed
    speech: Output


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script that says something.

    Attributes:
        number: from 1.
        text: without the blanks around it.
    """

    number: int
    text: str


def start(request: Request) -> None:
    """Talks to the checkpoint that was named.

    Raises:
        UsageError: no checkpoint was named, or there is neither a terminal nor a script.
        DataError: there is no such checkpoint or script.
        GateError: the checkpoint is damaged.
        EcrError: a line of the script can't be carried out.
    """
    from ecr_engine.pipeline.partner import find_partner
    from ecrctl.jobs import settings_from
    from ecrctl.ui import chat_view

    if request.address is None:
        raise UsageError("no checkpoint is named", at="ecrctl chat", fix="name a run: ecrctl chat runs/demo")
    lines = _lines(request)
    partner = find_partner(request.address)
    base = partner.run.resolved_config if partner.run is not None else None
    settings = settings_from(request.layers, request.typed, base=base).settings
    conversation = _opened(partner, settings, quiet=request.speech.quiet)
    if not request.speech.quiet:
        chat_view.show_head(partner, conversation, at_terminal=lines is None)
    if lines is None:
        _at_terminal(conversation, scores=request.scores)
    else:
        _from_script(conversation, partner, request, lines)


def _lines(request: Request) -> list[Line] | None:
    """What the script says; None where it is typed.

    Raises:
        UsageError: there is neither a terminal nor a script, or a document is asked for without one.
        DataError: the script can't be read, or says nothing.
    """
    if request.script is not None:
        return _read(request.script)
    if request.speech.json:
        raise UsageError(
            "a document can only be made of a script", at="--json", fix="add --script FILE, or leave --json out"
        )
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "to talk, stdin and stdout have to be a terminal",
            at="ecrctl chat",
            fix="write what the seeker says into a file, one turn a line: --script FILE; or pipe it: --script -",
        )
    return None


def _read(script: Path) -> list[Line]:
    fix = "name a text file with what the seeker says, one turn a line"
    name = "stdin" if script == STDIN else str(script)
    if script != STDIN and not script.is_file():
        raise DataError(f"there is no script '{script}'", at="--script", fix=fix)
    try:
        text = (sys.stdin.buffer.read() if script == STDIN else script.read_bytes()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("the script is not UTF-8", at=name, fix="convert it: iconv -t UTF-8") from error
    lines = [Line(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise DataError("the script says nothing", at=name, fix=fix)
    for line in lines:
        if line.text.startswith(SLASH):
            # Said before the model is loaded, and not after half of the script.
            with _placed(name, line):
                command_of(line.text)
    return lines


def _opened(partner: Partner, settings: Settings, *, quiet: bool) -> Conversation:
    """The conversation; what loading it says in between is not for a script's reader."""
    from ecrctl.ui.chat_view import waiting

    with waiting("loading", quiet=quiet):
        from ecr_engine.pipeline.conversing import open_conversation

        return open_conversation(partner, settings)


def _at_terminal(conversation: Conversation, *, scores: bool) -> None:
    """Answers what is typed until the seeker leaves.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed twice.
    """
    from ecrctl.errors import show_problems
    from ecrctl.keyboard import typed_lines
    from ecrctl.ui import chat_view

    session = Session(conversation, chat_view.Shown(), scores=scores)
    for text in typed_lines(chat_view.prompt()):
        try:
            session.take(text)
        except EcrError as error:
            show_problems(error.problems)
        except KeyboardInterrupt:
            chat_view.remark("the reply was broken off, and what you said is forgotten")
        except OSError as error:
            chat_view.remark(f"that could not be written: {error.strerror}")
        if session.ended:
            return


def _from_script(conversation: Conversation, partner: Partner, request: Request, lines: list[Line]) -> None:
    from ecrctl.ui import chat_view

    document = chat_view.Document(partner, conversation)
    output: chat_view.Output = document if request.speech.json else chat_view.Plain(quiet=request.speech.quiet)
    session = Session(conversation, output, scores=request.scores)
    _play(session, lines, "stdin" if request.script == STDIN else str(request.script))
    if request.speech.json:
        document.print()


def _play(session: Session, lines: list[Line], name: str) -> None:
    """Takes the lines one by one; an error says which of them it is about."""
    for line in lines:
        with _placed(name, line):
            session.take(line.text)
        if session.ended:
            return


@contextmanager
def _placed(name: str, line: Line) -> Iterator[None]:
    """Gives an error the script's line as its place."""
    try:
        yield
    except EcrError as error:
        problem = error.problems[0]
        found = EcrError(problem.what, at=f"{name}:{line.number}", fix=problem.fix)
        found.exit_code = error.exit_code
        raise found from error
