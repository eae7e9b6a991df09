"""Conversations as people read them: at a terminal, as plain lines, and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ecrctl.session import Command, Listener
from ecrctl.ui.console import draws, note, progress, results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.rewards_view import Breakdown, show_breakdown

if TYPE_CHECKING:
    from ecr_engine.data.schema import Emotions
    from ecr_engine.pipeline.partner import Partner
    from ecr_engine.serving.conversation import Conversation, Reply, Scores

Output = Listener

_LABEL = 13
"""Columns before what is said: `recommender` and two blanks."""

_NARROW = 60
"""Under so many columns what is said stands below who says it."""

_SEEKER, _RECOMMENDER = "seeker", "recommender"
_NO_WORDS = "(no words)"


def prompt() -> str:
    """What stands before a line that is typed."""
    return f"{_SEEKER:<{_LABEL}}" if results().width >= _NARROW else f"{_SEEKER}> "


def remark(text: str) -> None:
    """One sentence that nobody says, on stderr."""
    progress().print(Text(text, "dim"))


@contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Shows on a terminal that something takes its time."""
    console = progress()
    if quiet or not draws(console):
        yield
        return
    with console.status(Text(what, "dim")):
        yield


def show_head(partner: Partner, conversation: Conversation, *, at_terminal: bool) -> None:
    """Says with whom one talks, and how, on stderr."""
    decoding = conversation.voice.decoding
    how = f"temperature {decoding.temperature:g}, top-p {decoding.top_p:g}" if decoding.sample else "greedy"
    where = str(partner.checkpoint) if partner.run is None else f"{partner.stage} of {partner.run.root}"
    remark(f"{where}, {partner.checkpoint.name}; {how}, seed {conversation.voice.seed}")
    if partner.instead:
        progress().print(Text(f"warning: {partner.instead}", "yellow"))
    remark(f"emotions: {conversation.resources.emotion.name}; {_about_movies(conversation)}")
    if at_terminal:
        remark("/help lists what can be typed beside talk; Ctrl-D ends")


def _about_movies(conversation: Conversation) -> str:
    movies = conversation.movies
    if movies is None:
        return "titles: none are known, so a movie is shown as <movie>"
    return f"titles: chosen {movies.rule}, not by the model"


def in_words(emotions: Emotions) -> str:
    """Emotions with their probabilities: `negative 0.84, curious 0.65`."""
    return ", ".join(f"{label} {probability:.2f}" for label, probability in emotions)


def printable(text: str) -> str:
    """A text in one line, without what could move the cursor."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


class Shown:
    """A session at a terminal."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """Shows that something is being worked on."""
        return waiting(what)

    def replied(self, reply: Reply, *, first_cut: bool) -> None:
        """Shows the emotions, and the reply beside or below the speaker's name."""
        console = results()
        if first_cut:
            remark(_cut_note())
        told: tuple[tuple[str, Text], ...] = (
            ("", Text(in_words(reply.emotions), "dim italic")),
            (_RECOMMENDER, Text(printable(reply.text) or _NO_WORDS)),
        )
        for label, text in told:
            if console.width < _NARROW:
                console.print(Text.assemble((f"{label}> " if label else "", "bold cyan"), text))
            else:
                drawn = Table.grid(padding=0)
                drawn.add_column(min_width=_LABEL, style="bold cyan", no_wrap=True)
                drawn.add_column(overflow="fold")
                drawn.add_row(label, text)
                console.print(drawn)

    def scored(self, reply: Reply, scores: Scores) -> None:
        """Shows the table of `rl rewards`."""
        _show_scores(reply, scores)

    def remembers(self, conversation: Conversation) -> None:
        """Shows the turns."""
        _show_context(conversation)

    def done(self, what: str) -> None:
        """Says so."""
        remark(what)

    def helps(self, commands: tuple[Command, ...]) -> None:
        """Lists the commands."""
        _show_commands(commands)


class Plain:
    """A session from a script: one line a reply on stdout, all else on stderr.

    Args:
        quiet: say nothing but the replies and what is asked for.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def working(self, what: str) -> AbstractContextManager[None]:
        """Says nothing: nobody waits."""
        return nullcontext()

    def replied(self, reply: Reply, *, first_cut: bool) -> None:
        """Prints the reply."""
        if not self._quiet:
            if first_cut:
                note(_cut_note())
            note(f"{_SEEKER} ({in_words(reply.emotions)}): {printable(reply.seeker.text)}")
        say(printable(reply.text) or _NO_WORDS)

    def scored(self, reply: Reply, scores: Scores) -> None:
        """Prints the table of `rl rewards`."""
        _show_scores(reply, scores)

    def remembers(self, conversation: Conversation) -> None:
        """Prints the turns."""
        _show_context(conversation)

    def done(self, what: str) -> None:
        """Says so."""
        if not self._quiet:
            note(what)

    def helps(self, commands: tuple[Command, ...]) -> None:
        """Lists the commands."""
        _show_commands(commands)


class Document:
    """A session from a script as one document: its replies with all that is known of them.

    Args:
        partner: whom it is with.
        conversation: the conversation.
    """

    def __init__(self, partner: Partner, conversation: Conversation) -> None:
        self._partner = partner
        self._conversation = conversation
        self._scores: dict[tuple[int, int], Scores] = {}

    def working(self, what: str) -> AbstractContextManager[None]:
        """Says nothing: nobody waits."""
        return nullcontext()

    def replied(self, reply: Reply, *, first_cut: bool) -> None:
        """Nothing: the conversation keeps the reply."""

    def scored(self, reply: Reply, scores: Scores) -> None:
        """Keeps the scores."""
        self._scores[reply.dialogue, reply.number] = scores

    def remembers(self, conversation: Conversation) -> None:
        """Nothing: the document holds the dialogue."""

    def done(self, what: str) -> None:
        """Nothing: the document shows it."""

    def helps(self, commands: tuple[Command, ...]) -> None:
        """Nothing: nobody reads it."""

    def print(self) -> None:
        """Prints the document."""
        voice, movies = self._conversation.voice, self._conversation.movies
        print_document(
            {
                "checkpoint": self._partner.checkpoint,
                "warning": self._partner.instead or None,
                "seed": voice.seed,
                "decoding": voice.decoding,
                "emotions_by": self._conversation.resources.emotion.name,
                "titles": None if movies is None else movies.rule,
                "replies": [self._entry(reply) for reply in self._conversation.replies],
            }
        )

    def _entry(self, reply: Reply) -> dict[str, Any]:
        scores = self._scores.get((reply.dialogue, reply.number))
        return {
            "dialogue": reply.dialogue,
            "number": reply.number,
            "seeker": reply.seeker.text,
            "emotions": [{"label": label, "probability": value} for label, value in reply.emotions],
            "reply": reply.text,
            "response": reply.sample.response,
            "items": [{"item_id": item.item_id, "name": item.name} for item in reply.items],
            "finished": reply.sample.finished,
            "tokens": reply.sample.tokens,
            "cut": reply.cut,
            "reward": None if scores is None else scores.total,
            "components": None if scores is None else scores.rows,
            "left_out": None if scores is None else scores.missing,
        }


def _cut_note() -> str:
    return "the dialogue is longer than what the model reads: from now on its oldest part is left out, as in training"


def _show_scores(reply: Reply, scores: Scores) -> None:
    """The table of `rl rewards`, under what was answered alone: the reader has the dialogue before them."""
    example = reply.sample.example
    sample = replace(reply.sample, example=replace(example, context=example.context[-1:]))
    labels = [label for label, _ in reply.emotions]
    show_breakdown(Breakdown(sample, labels, False, scores.rows, scores.missing), as_json=False)


def _show_context(conversation: Conversation) -> None:
    console = results()
    if not conversation.context:
        note("nothing was said yet")
        return
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for turn in conversation.context:
        drawn.add_row(str(turn.role), Text(printable(turn.text) or _NO_WORDS))
        if turn.emotions:
            drawn.add_row("", Text(in_words(turn.emotions), "dim italic"))
    console.print(drawn)


def _show_commands(commands: tuple[Command, ...]) -> None:
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for command in commands:
        drawn.add_row(f"{command.name} {command.takes}".strip(), command.help)
    results().print(drawn)
