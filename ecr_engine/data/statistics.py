"""The numbers of a corpus: split by split, beside the table of the ReDial paper, and as histograms.

The paper (Li et al., "Towards Deep Conversational Recommendations", NeurIPS 2018) counts conversations, utterances and
users, and "movie mentions" by what the forms say of them. Each of its three ways to divide mentions adds up to the same
51,699: mentioned by the seeker or suggested by the recommender, seen or not or not said, liked or disliked or not said.
So a mention is not a mention in the text: it is one movie of one conversation, with the one answer that the seeker's
form gives on it. (The recommender's form is another: on real dialogues its shares are some points off, the seeker's are
the published ones.) Here it is a movie of a dialogue on which the seeker's form, or where that lacks it the
recommender's, says who brought it up.

The paper's conversations are ReDial's training part, from which validation is cut, so its table is held against all
splits but the test split; and per conversation, so that a part of ReDial can be compared too.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ecr_engine.data import store
from ecr_engine.data._distribution import Distribution, Histogram, distribution, histogram
from ecr_engine.data.conversations import PROCESSED, Conversation, Source, Unread, open_source
from ecr_engine.data.reader import AUTO
from ecr_engine.data.schema import EMOTIONS, Item, Role, Split
from ecr_engine.data.summary import SplitCounts, count_dialogue, count_examples, total
from ecr_engine.errors import DataError

PUBLISHED = {
    "conversations": 10_006,
    "utterances": 182_150,
    "users": 956,
    "movie mentions": 51_699,
    "seeker mentioned": 16_278,
    "recommender suggested": 35_421,
    "not seen": 16_516,
    "seen": 31_694,
    "did not say (seen)": 3_489,
    "disliked": 2_556,
    "liked": 41_998,
    "did not say (liked)": 7_145,
}
"""Table 1 of the paper; the test part, 1,342 conversations, comes on top."""

_BY_FORMS = tuple(PUBLISHED)[3:]
_WORKERS = re.compile(rb'"(?:initiator|respondent)WorkerId"\s*:\s*"?([^",}\s]+)')
_FEEDBACK = {True: "liked", False: "disliked", None: "not said"}


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One line of the paper's table.

    Attributes:
        what: what is counted.
        published: the paper's number, of 10,006 conversations.
        here: ours, all splits but the test split; None where this form of the data does not tell.
        ratio: ours a conversation over theirs a conversation; None without ours, and for conversations and users, whose
            number does not grow with them.
    """

    what: str
    published: int
    here: int | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class SplitStatistics:
    """The numbers of one split, or of all.

    Attributes:
        counts: what is counted in processing too.
        turn_words: words a turn, of both sides.
        recommender_words: words a turn of the recommender.
        dialogue_turns: turns a dialogue.
        dialogue_movies: different movies a dialogue.
        distinct_movies: different movies altogether.
        emotions: turns that show each emotion; None if none is annotated.
    """

    counts: SplitCounts
    turn_words: Distribution
    recommender_words: Distribution
    dialogue_turns: Distribution
    dialogue_movies: Distribution
    distinct_movies: int
    emotions: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The numbers of a source.

    Attributes:
        folder: the folder or file that was read; of a run it is the run's data.
        form: the reader that read it, or `processed`.
        fingerprint: of a processed folder, else empty.
        splits: by split.
        overall: of all splits together.
        paper: beside the ReDial paper.
        histograms: by name: turns a dialogue, words a recommender turn, movies a dialogue.
        likes: movies of dialogues by what the seeker says: liked, disliked, not said. Of finished examples only the
            movies of targets tell.
        read: dialogues met.
        skipped: dialogues of these that could not be read.
    """

    folder: str
    form: str
    fingerprint: str
    splits: dict[Split, SplitStatistics]
    overall: SplitStatistics
    paper: tuple[PaperRow, ...]
    histograms: dict[str, Histogram]
    likes: dict[str, int]
    read: int
    skipped: int


def statistics(source: Path, *, form: str = AUTO) -> Statistics:
    """Counts a source, in one pass and in memory that does not grow with it.

    Args:
        source: raw files, a processed folder, or a run folder.
        form: a registered format, or `auto`.

    Raises:
        UsageError: no reader has the name `form`.
        DataError: there is no dialogue that can be read.
    """
    opened = open_source(source, form)
    gathered = {split: _Gathered() for split in opened.parts}
    for entry in opened.conversations():
        if isinstance(entry, Unread):
            gathered[entry.split].unread += 1
        else:
            gathered[entry.split].add(entry)
    everything = _joined(gathered.values())
    if not everything.turns:
        raise DataError(
            "the data source holds no dialogue that can be read",
            at=str(opened.place),
            fix=f"see what is wrong with it: ecrctl data validate {shlex.quote(str(opened.place))}",
        )
    return _described(opened, gathered, everything)


def to_json(found: Statistics) -> dict[str, Any]:
    """The document of `--json`: the fields of `Statistics`; a split's counts stand beside its other fields."""
    document = asdict(found)
    document["splits"] = {split: _flat(entry) for split, entry in document["splits"].items()}
    document["overall"] = _flat(document["overall"])
    return document


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry.pop("counts"), **entry}


@dataclass(slots=True)
class _Gathered:
    """What is gathered of one split: numbers by value, never texts."""

    counts: SplitCounts = field(default_factory=SplitCounts)
    turn_words: Counter[int] = field(default_factory=Counter)
    recommender_words: Counter[int] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    movies: Counter[int] = field(default_factory=Counter)
    emotions: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    likes: Counter[str] = field(default_factory=Counter)
    distinct: set[str] = field(default_factory=set)
    users: set[bytes] = field(default_factory=set)
    unread: int = 0
    has_messages: bool = True

    def add(self, found: Conversation) -> None:
        """Counts one conversation."""
        raw, dialogue = found.raw, found.dialogue
        self.counts = total([self.counts, count_dialogue(raw, dialogue) if raw else count_examples(found.examples)])
        self.turns[len(dialogue.turns)] += 1
        mentioned = {item_id for turn in dialogue.turns for item_id in turn.items}
        self.movies[len(mentioned)] += 1
        self.distinct |= mentioned
        for turn in dialogue.turns:
            words = len(turn.text.split())
            self.turn_words[words] += 1
            self.recommender_words[words] += turn.role is Role.RECOMMENDER
            self.emotions.update(label for label, _ in turn.emotions)
        self.likes.update(_FEEDBACK[item.liked] for item_id, item in dialogue.items.items() if item_id in mentioned)
        if raw is None:
            self.has_messages = False
        else:
            self.forms.update(answer for item in raw.items.values() for answer in _answers(item))
        if found.record is not None:
            self.users.update(worker for line in found.record.lines for worker in _WORKERS.findall(line))


def _answers(item: Item) -> tuple[str, ...]:
    """The lines of the paper's table that count a movie of a dialogue."""
    if item.suggested is None:
        return ()
    seen = {True: "seen", False: "not seen", None: "did not say (seen)"}[item.seen]
    liked = {True: "liked", False: "disliked", None: "did not say (liked)"}[item.liked]
    return "movie mentions", "recommender suggested" if item.suggested else "seeker mentioned", seen, liked


def _joined(parts: Iterable[_Gathered]) -> _Gathered:
    whole = _Gathered()
    for part in parts:
        whole.counts = total([whole.counts, part.counts])
        for mine, theirs in (
            (whole.turn_words, part.turn_words),
            (whole.recommender_words, part.recommender_words),
            (whole.turns, part.turns),
            (whole.movies, part.movies),
        ):
            mine.update(theirs)
        whole.emotions.update(part.emotions)
        whole.forms.update(part.forms)
        whole.likes.update(part.likes)
        whole.distinct |= part.distinct
        whole.users |= part.users
        whole.unread += part.unread
        whole.has_messages &= part.has_messages
    return whole


def _described(source: Source, gathered: dict[Split, _Gathered], everything: _Gathered) -> Statistics:
    fingerprint, skipped = "", everything.unread
    if source.form == PROCESSED:
        # What came before the examples, such as messages and skipped dialogues, only the summary knows.
        summary = store.read_summary(source.place)
        fingerprint, skipped = summary.fingerprint, len(summary.skipped) + everything.unread
        for split, counts in summary.splits.items():
            gathered[split].counts = counts
        everything.counts = total(summary.splits.values())
    compared = _joined(part for split, part in gathered.items() if split is not Split.TEST)
    return Statistics(
        folder=str(source.place),
        form=source.form,
        fingerprint=fingerprint,
        splits={split: _numbers(part) for split, part in gathered.items()},
        overall=_numbers(everything),
        paper=_beside_paper(compared if compared.turns else everything, source.form),
        histograms={
            "turns a dialogue": histogram(everything.turns),
            "words a recommender turn": histogram(everything.recommender_words),
            "movies a dialogue": histogram(everything.movies),
        },
        likes={name: everything.likes[name] for name in _FEEDBACK.values()},
        read=everything.counts.dialogues + skipped,
        skipped=skipped,
    )


def _numbers(part: _Gathered) -> SplitStatistics:
    return SplitStatistics(
        counts=part.counts,
        turn_words=distribution(part.turn_words),
        recommender_words=distribution(part.recommender_words),
        dialogue_turns=distribution(part.turns),
        dialogue_movies=distribution(part.movies),
        distinct_movies=len(part.distinct),
        emotions={label: part.emotions[label] for label in EMOTIONS} if part.emotions else None,
    )


def _beside_paper(part: _Gathered, form: str) -> tuple[PaperRow, ...]:
    """The paper's table; what finished examples do not tell is None."""
    here: dict[str, int | None] = {
        "conversations": part.counts.dialogues,
        "utterances": part.counts.messages if part.has_messages or form == PROCESSED else None,
        "users": len(part.users) or None,
        **{name: part.forms[name] if part.has_messages else None for name in _BY_FORMS},
    }
    return tuple(_row(name, here[name], part.counts.dialogues) for name in PUBLISHED)


def _row(name: str, here: int | None, dialogues: int) -> PaperRow:
    published = PUBLISHED[name]
    if here is None or not dialogues or name in ("conversations", "users"):  # a summary may be edited to say 0
        return PaperRow(name, published, here, None)
    return PaperRow(name, published, here, here / dialogues / (published / PUBLISHED["conversations"]))
