"""How an offered name reaches the command line: quoted as the shell wants it, and in the place of what was typed.

Typer hands names over as they are. zsh and fish mostly quote them; bash inserts them raw, so that a name with a blank
becomes two words, and cuts what was typed at `:`, `=` and `@`, so that `RUN:policy` is three words to it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

# Typer carries its own copy of click's completion, and looks its shells up there.
from typer._click.shell_completion import CompletionItem, add_completion_class, split_arg_string
from typer._completion_classes import BashComplete, FishComplete, ZshComplete

_PLAIN = re.compile(r"[\w./:=@%+,-]", re.ASCII)
"""Characters that mean nothing to a shell."""

_BREAKS = re.compile(r"[@><=;|&(:]+")
"""A word of these alone is one that bash made by cutting: its `COMP_WORDBREAKS`, without blanks and quotes."""


@dataclass(frozen=True, slots=True)
class BashLine:
    """A command line as bash tells it.

    Attributes:
        before: the words before the one at the cursor, without their quotes.
        word: the word at the cursor as far as it was typed, without its quotes.
        kept: the start of that word which bash leaves as it is.
        quote: the quote that it stands in; empty if none is open.
    """

    before: list[str]
    word: str
    kept: str
    quote: str

    def reply(self, value: str) -> str:
        """What bash has to be told so that `value` takes the place of the word.

        Args:
            value: a value of the word, or of the option that it gives after `=`.
        """
        # A value of `--set=device=` comes without the option.
        kept = self.kept if value.startswith(self.kept) else self.kept.partition("=")[2]
        rest = value.removeprefix(kept)
        if self.quote == "'":
            return rest.replace("'", "'\\''")
        if self.quote == '"':
            return re.sub(r'([\\"$`])', r"\\\1", rest)
        return "".join(letter if _means_nothing(letter) else f"\\{letter}" for letter in rest)


def bash_line(words: str, place: int) -> BashLine:
    """Puts together what bash cut at `:`, `=` and `@`.

    Args:
        words: its `COMP_WORDS`, a line each, quotes included.
        place: its `COMP_CWORD`.
    """
    pieces = [*words.split("\n"), ""][: place + 1]
    joined: list[str] = []
    last = kept = ""
    for piece in pieces:
        cut = bool(_BREAKS.fullmatch(piece)) or bool(_BREAKS.fullmatch(last))
        if joined and cut:
            kept = joined[-1]
            joined[-1] += piece
        else:
            kept = ""
            joined.append(piece)
        last = piece
    if _BREAKS.fullmatch(last):
        # What follows a break is a new word to bash, though it is empty yet.
        kept = joined[-1]
    # An `@` is a word to bash, and begins the one that it puts another in the place of.
    kept = kept.removesuffix("@")
    quote = last[:1] if last[:1] in {"'", '"'} else ""
    *before, word = map(_without_quotes, joined)
    return BashLine(before[1:], word, _without_quotes(kept), quote)


class Bash(BashComplete):
    """Completion in bash."""

    def complete(self) -> str:
        """The replies, a line each."""
        line = bash_line(os.environ["COMP_WORDS"], int(os.environ["COMP_CWORD"]))
        return "\n".join(line.reply(item.value) for item in self.get_completions(line.before, line.word))


class Zsh(ZshComplete):
    """Completion in zsh, which reads an offer as a list of shell words, each a value and what it means."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """What may stand in the place of a word."""
        return _whole(super().get_completions(args, incomplete), incomplete)

    def complete(self) -> str:
        """The command that zsh evaluates."""
        offered = [_zsh_word(item) for item in self.get_completions(*self.get_completion_args())]
        return f"_arguments '*: :(({' '.join(offered)}))'" if offered else "_files"


class Fish(FishComplete):
    """Completion in fish, which quotes what it is given."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """What may stand in the place of a word."""
        return _whole(super().get_completions(args, incomplete), incomplete)


def register() -> None:
    """Puts these in the place of Typer's own."""
    add_completion_class(Bash, "bash")
    add_completion_class(Zsh, "zsh")
    add_completion_class(Fish, "fish")


def _whole(values: list[CompletionItem], word: str) -> list[CompletionItem]:
    """The words that are offered for a word: of `--set=device` each begins with the option, and a value does not."""
    option = word[: word.index("=") + 1] if word.startswith("-") and "=" in word else ""
    return [CompletionItem(option + item.value, help=item.help) for item in values]


def _without_quotes(word: str) -> str:
    return " ".join(split_arg_string(word))


def _means_nothing(letter: str) -> bool:
    return bool(_PLAIN.match(letter)) or ord(letter) > 0x7F


def _zsh_word(item: CompletionItem) -> str:
    """A value and its help as one word; a colon in either would end the value."""
    parts = [re.sub(r"([\\:])", r"\\\1", part) for part in (item.value, _in_one_line(item.help or "")) if part]
    letters = (letter if _means_nothing(letter) else f"\\x{ord(letter):02x}" for letter in ":".join(parts))
    # The words stand in single quotes themselves, and are split at blanks before they are evaluated.
    return "$'\\''" + "".join(letters) + "'\\''"


def _in_one_line(text: str) -> str:
    """A help text without markup."""
    from rich.text import Text

    return " ".join(Text.from_markup(text).plain.split())
