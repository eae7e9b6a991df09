"""One session of `ecrctl chat`: each line is said, or is a command if it begins with a slash."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ecr_engine.errors import UsageError, nearest

if TYPE_CHECKING:
    from ecr_engine.serving.conversation import Conversation, Reply, Scores

SLASH = "/"


class Listener(Protocol):
    """What is told how a session goes."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """Surrounds what may take its time."""

    def replied(self, reply: Reply, *, first_cut: bool) -> None:
        """The model has answered; for the first time in this dialogue it did not read all of it if `first_cut`."""

    def scored(self, reply: Reply, scores: Scores) -> None:
        """The reward of a reply is known."""

    def remembers(self, conversation: Conversation) -> None:
        """The dialogue so far is asked for."""

    def done(self, what: str) -> None:
        """A command was carried out."""

    def helps(self, commands: tuple[Command, ...]) -> None:
        """The commands are asked for."""


@dataclass(frozen=True, slots=True)
class Command:
    """What can be typed beside talk.

    Attributes:
        name: with its slash.
        takes: what follows it; empty if nothing does.
        help: what it does.
    """

    name: str
    takes: str
    help: str


COMMANDS = (
    Command("/scores", "", "the reward of the last reply, component by component, with reasons"),
    Command("/context", "", "the dialogue so far, with what was recognised"),
    Command("/reset", "", "forget it and begin a new dialogue"),
    Command("/save", "FILE", "write all replies into a file that `ecrctl score run` reads"),
    Command("/help", "", "this list"),
    Command("/quit", "", "end; so does Ctrl-D"),
)


def command_of(text: str) -> Command:
    """The command that a line with a slash at its start calls for.

    Raises:
        UsageError: there is no such command, or what follows it is missing or too much.
    """
    name, _, rest = text.partition(" ")
    command = next((each for each in COMMANDS if each.name == name.lower()), None)
    if command is None:
        close = nearest(name, [each.name for each in COMMANDS])
        fix = f"did you mean '{close}'?" if close else "/help lists the commands"
        raise UsageError(f"there is no command '{name}'", fix=fix)
    if rest.strip() and not command.takes:
        raise UsageError(f"{command.name} takes nothing behind it", fix=command.name)
    if command.takes and not rest.strip():
        raise UsageError(f"{command.name} needs the name of a file", fix=f"{command.name} chat.jsonl")
    return command


def _unquoted(name: str) -> str:
    """A file's name as it is meant where it was typed in quotes, as a shell wants one with blanks."""
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] and name[0] in "'\"" else name


class Session:
    """A conversation that takes lines.

    Args:
        conversation: with whom.
        listener: is told what comes of each line.
        scores: also score every reply.

    Attributes:
        ended: whether the seeker has left.
    """

    def __init__(self, conversation: Conversation, listener: Listener, *, scores: bool) -> None:
        self.ended = False
        self._conversation = conversation
        self._listener = listener
        self._scores = scores
        self._cut_in = 0
        self._saved: set[Path] = set()
        self._actions: dict[str, Callable[[str], None]] = {
            "/scores": self._score_last,
            "/context": lambda _: listener.remembers(conversation),
            "/reset": self._reset,
            "/save": self._save,
            "/help": lambda _: listener.helps(COMMANDS),
            "/quit": self._quit,
        }

    def take(self, line: str) -> None:
        """Says a line, or carries it out.

        Raises:
            UsageError: there is no such command, it is used wrongly, or the line holds no words.
            EcrError: a reward component went wrong.
            OSError: a file can't be written.
        """
        text = line.strip()
        if text.startswith(SLASH):
            self._command(text)
        else:
            self._say(text)

    def _say(self, text: str) -> None:
        with self._listener.working("answering"):
            reply = self._conversation.say(text)
        first_cut = reply.cut and self._cut_in != reply.dialogue
        if first_cut:
            self._cut_in = reply.dialogue
        self._listener.replied(reply, first_cut=first_cut)
        if self._scores:
            self._score(reply)

    def _command(self, text: str) -> None:
        self._actions[command_of(text).name](text.partition(" ")[2].strip())

    def _score_last(self, _: str) -> None:
        reply = self._conversation.last
        if reply is None:
            raise UsageError("there is no reply to score yet", at="/scores", fix="say something first")
        self._score(reply)

    def _score(self, reply: Reply) -> None:
        with self._listener.working("scoring"):
            scores = self._conversation.scores(reply)
        self._listener.scored(reply, scores)

    def _reset(self, _: str) -> None:
        self._conversation.reset()
        self._listener.done("forgotten; a new dialogue begins")

    def _save(self, name: str) -> None:
        from ecr_engine.serving.transcripts import save_replies

        path = Path(_unquoted(name)).expanduser()
        replies = self._conversation.replies
        save_replies(path, replies, replace=path.resolve() in self._saved)
        self._saved.add(path.resolve())
        self._listener.done(f"saved {len(replies)} {'reply' if len(replies) == 1 else 'replies'} to {path}")

    def _quit(self, _: str) -> None:
        self.ended = True
