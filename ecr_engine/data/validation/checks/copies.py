"""Copies of dialogues under another id: between splits they are leaks, within one they weigh it.

Whole dialogues are compared by what is said in them (`likeness.normal`) if that is long enough to be no chance. Near
copies share at least half of their pieces: of the long turns, or of the pairs of adjacent turns. In ReDial, and in the
sample corpus, no two dialogues share even three long turns, so the bounds are far from anything that happens by chance;
a copy that lost its first or last messages shares nearly all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Register, Subject
from ecr_engine.data.validation.likeness import Likeness, hashed, long_turns, neighbours, normal
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

SHORTEST_COPY = 20
"""Words of a dialogue that is held against others as a whole."""

LONG_TURN = 6
"""Words of a turn that is a piece."""

LONG_PAIR = 8
"""Words of two adjacent turns that are a piece."""

SHARED_TURNS = 3
"""Long turns that near copies share at least."""

SHARED_PAIRS = 2
"""Pairs of turns that near copies share at least."""

_NO_HASH = 0


class Copies:
    """The check."""

    def __init__(self) -> None:
        self._whole = array("Q")
        self._by_turns, self._by_pairs = Likeness(SHARED_TURNS), Likeness(SHARED_PAIRS)

    def see(self, subject: Subject) -> None:
        """Keeps hashes of the dialogue as a whole and of its pieces."""
        said = [text for turn in subject.conversation.dialogue.turns if (text := normal(turn))]
        enough = sum(len(text.split()) for text in said) >= SHORTEST_COPY
        self._whole.append(hashed(said) if enough else _NO_HASH)
        self._by_turns.add(subject.index, long_turns(said, LONG_TURN))
        self._by_pairs.add(subject.index, neighbours(said, LONG_PAIR))

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Copies, exact ones and near ones, between splits and within one."""
        exact, repeated = self._exact(corpus.register)
        leaks, doubles = _sorted_out(exact, corpus.register)
        near = _Pairs()
        for likeness in (self._by_turns, self._by_pairs):
            for earlier, later in likeness.pairs(repeated):
                if later not in exact and corpus.register.conversation_id(earlier) != _id(corpus, later):
                    near.add(earlier, later, corpus.register)
        near_leaks, near_doubles = _sorted_out(near.original, corpus.register)
        fix = "take these dialogues out of one of the two splits"
        yield from leaks.by_dialogue(
            "leak-copy", Grade.ERROR, "a dialogue is the copy of one in another split", corpus.dialogues, fix
        )
        yield from near_leaks.by_dialogue(
            "leak-near-copy", Grade.ERROR, "a dialogue is nearly that of another split", corpus.dialogues, fix
        )
        fix = "take the copies out, or they count more than others"
        yield from doubles.by_dialogue(
            "duplicate-copy", Grade.WARNING, "a dialogue is the copy of one in the same split", corpus.dialogues, fix
        )
        yield from near_doubles.by_dialogue(
            "duplicate-near-copy", Grade.WARNING, "a dialogue is nearly one of the same split", corpus.dialogues, fix
        )

    def _exact(self, register: Register) -> tuple[dict[int, int], set[int]]:
        """The original of each exact copy, in another split where there is one; and the repeats within a split."""
        first: dict[int, list[int]] = {}
        original: dict[int, int] = {}
        repeated: set[int] = set()
        for index, whole in enumerate(self._whole):
            if whole == _NO_HASH:
                continue
            known = first.setdefault(whole, [])
            same = [other for other in known if register.split(other) is register.split(index)]
            others = [other for other in known if other not in same]
            for other in [*same, *others]:  # an original in another split is found last, and stays
                if register.conversation_id(other) != register.conversation_id(index):
                    original[index] = other
            if same:
                repeated.add(index)
            else:
                known.append(index)
        return original, repeated


class _Pairs:
    """The original of each near copy; one in another split is preferred."""

    def __init__(self) -> None:
        self.original: dict[int, int] = {}

    def add(self, earlier: int, later: int, register: Register) -> None:
        """Notes a pair."""
        known = self.original.get(later)
        if known is None or (
            register.split(known) is register.split(later) and register.split(earlier) is not register.split(later)
        ):
            self.original[later] = earlier


def _sorted_out(original: dict[int, int], register: Register) -> tuple[Tally, Tally]:
    """Copies between splits, and copies within one."""
    between, within = Tally(), Tally()
    for later, earlier in sorted(original.items()):
        tally = within if register.split(earlier) is register.split(later) else between
        place = register.place(later, f"like {register.address(earlier)}")
        tally.add_place(place, part=_splits(earlier, later, register))
    return between, within


def _splits(earlier: int, later: int, register: Register) -> str:
    splits = register.split(earlier), register.split(later)
    return splits[1] if splits[0] is splits[1] else f"{splits[0]} and {splits[1]}"


def _id(corpus: Corpus, index: int) -> str:
    return corpus.register.conversation_id(index)


def build() -> Check:
    """The check."""
    return Copies()
