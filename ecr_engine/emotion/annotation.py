"""Writes emotions into processed examples, with whatever recogniser is chosen.

A seeker's turn gets at most two emotions with their probabilities, a recommender's turn that mentions a movie those of
the seeker's next turn, and an example the labels of the seeker's last turn. The same folder and recogniser give the
same bytes. What a recogniser is, and how one is chosen, stands in `recognition`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from ecr_engine.data import store
from ecr_engine.data.schema import EMOTIONS, MOST_EMOTIONS, Emotions, Example, Role, Split, Turn
from ecr_engine.data.staging import staged
from ecr_engine.data.summary import FROM_SOURCE
from ecr_engine.data.turns import passed_on
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.errors import UsageError

PUBLISHED = {
    "like": 0.46,
    "curious": 0.41,
    "happy": 0.22,
    "grateful": 0.20,
    "negative": 0.08,
    "neutral": 0.06,
    "nostalgia": 0.03,
    "agreement": 0.03,
    "surprise": 0.03,
}
"""Share of ReDial's utterances that show each emotion, by the ECR paper; an utterance can show two."""

DIGITS = 4
"""Digits that a probability keeps."""

BATCH = 256
"""Texts that a recogniser is given at once, give or take a conversation."""


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often an emotion was found.

    Attributes:
        turns: seeker turns that show it.
        share: of all seeker turns, in [0, 1]; 0 if there are none.
        published: the ECR paper's share on ReDial.
    """

    turns: int
    share: float
    published: float


@dataclass(frozen=True, slots=True)
class Annotation:
    """What was annotated.

    Attributes:
        folder: where to.
        recogniser: name of the recogniser.
        fingerprint: of the examples as they are now.
        seeker_turns: the seeker's turns that examples hold, each once.
        kept: those among them whose emotions came with the source and stayed, whoever wrote them.
        labels: by emotion, in the order of `EMOTIONS`; a turn with two counts for both.
    """

    folder: Path
    recogniser: str
    fingerprint: str
    seeker_turns: int
    kept: int
    labels: dict[str, LabelCount]


@dataclass(slots=True)
class _Tally:
    """Counts as they grow."""

    seeker_turns: int = 0
    kept: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def annotate_folder(
    source: Path, output: Path, recogniser: EmotionRecogniser, *, overwrite: bool = False
) -> Annotation:
    """Copies a processed folder with emotions in its examples; streamed, so memory does not grow with them.

    Emotions that an earlier annotation wrote are written anew. Those that came with the source stay, and are counted
    (`Annotation.kept`): a source that is an export, or examples of ours, may have been annotated before it was
    processed, and nobody can tell such emotions from those of a data set.

    Args:
        source: a folder that `process` wrote.
        output: the folder to make; `source` itself is replaced at the end.
        recogniser: says what the seeker's turns show.
        overwrite: write the emotions that came with the source anew as well.

    Raises:
        DataError: `source` is not a processed folder.
        UsageError: `output` holds other things, or is the data of a run.
    """
    before = store.read_summary(source)
    _check_place(source, output)
    keep = before.recogniser.partition("+")[0] == FROM_SOURCE and not overwrite
    tally = _Tally()
    with staged(output, store.is_processed) as folder:
        for split in Split:
            _write(store.split_path(source, split), store.split_path(folder, split), recogniser, tally, keep=keep)
        if (source / store.KNOWLEDGE).is_file():
            with store.readable(source / store.KNOWLEDGE):  # or else the output would be blamed
                graph = (source / store.KNOWLEDGE).read_bytes()
            (folder / store.KNOWLEDGE).write_bytes(graph)
        summary = replace(
            before,
            fingerprint=store.digest(store.split_path(folder, split) for split in Split),
            recogniser=f"{FROM_SOURCE}+{recogniser.name}" if keep else recogniser.name,
        )
        store.write_summary(folder, summary)
    return _result(output, recogniser.name, summary.fingerprint, tally)


def _check_place(source: Path, output: Path) -> None:
    """Refuses to change data that something else relies on."""
    place = output.resolve()
    if place.name == "data" and (place.parent / "run.json").is_file():
        raise UsageError(
            "these are the data of a run, whose stages would no longer match them",
            at=str(output),
            fix="write elsewhere: --output DIR",
        )
    if place == source.resolve() and not store.is_processed(source):
        raise UsageError(
            "the folder holds other files beside the processed data, so it can't be replaced",
            at=str(source),
            fix="write elsewhere: --output DIR",
        )


def _write(source: Path, target: Path, recogniser: EmotionRecogniser, tally: _Tally, *, keep: bool) -> None:
    with target.open("w", encoding="utf-8", newline="\n") as handle:
        for batch in _batches(store.stream_examples(source)):
            found = _recognised(batch, recogniser, keep=keep)
            for conversation in batch:
                annotated = list(_annotated(conversation, found, keep=keep))
                before, after = max(zip(conversation, annotated, strict=True), key=lambda pair: pair[0].turn)
                _count(before, after, tally, keep=keep)
                handle.writelines(line + "\n" for line in store.encode_all(annotated))


def _batches(examples: Iterable[Example]) -> Iterator[list[list[Example]]]:
    """Whole conversations, about `BATCH` turns at a time."""
    batch: list[list[Example]] = []
    turns = 0
    for _, group in groupby(examples, key=lambda example: example.conversation_id):
        batch.append(list(group))
        turns += len(batch[-1])
        if turns >= BATCH:
            yield batch
            batch, turns = [], 0
    if batch:
        yield batch


def _recognised(
    batch: Iterable[Sequence[Example]], recogniser: EmotionRecogniser, *, keep: bool
) -> dict[str, Emotions]:
    """What each text of a seeker in a batch shows, by the text; each is recognised once."""
    heard = (turn for conversation in batch for example in conversation for turn in _seeker_turns(example))
    texts = list(dict.fromkeys(turn.slots for turn in heard if not (keep and turn.emotions)))
    found = (_rounded(emotions) for emotions in recogniser.recognise(texts))
    return dict(zip(texts, found, strict=True))


def _rounded(emotions: Emotions) -> Emotions:
    return tuple((label, round(probability, DIGITS)) for label, probability in emotions[:MOST_EMOTIONS])


def _seeker_turns(example: Example) -> Iterator[Turn]:
    """The seeker's turns before and after the target."""
    for turn in (*example.context, example.reply):
        if turn is not None and turn.role is Role.SEEKER:
            yield turn


def _annotated(conversation: Sequence[Example], found: dict[str, Emotions], *, keep: bool) -> Iterator[Example]:
    """The examples of one conversation; equal turns of theirs are one object, so that each is encoded once."""
    made: dict[Turn, Turn] = {}

    def labelled(turn: Turn) -> Turn:
        if keep and turn.emotions:
            return turn
        emotions = found[turn.slots] if turn.role is Role.SEEKER else ()
        return replace(turn, emotions=emotions)

    for example in conversation:
        turns = passed_on([labelled(turn) for turn in example.context])
        context = tuple(made.setdefault(turn, turn) for turn in turns)
        heard = bool(context) and context[-1].role is Role.SEEKER
        yield replace(
            example,
            context=context,
            emotions=tuple(label for label, _ in context[-1].emotions) if heard else (),
            reply=None if example.reply is None else labelled(example.reply),
        )


def _count(before: Example, after: Example, tally: _Tally, *, keep: bool) -> None:
    """Counts a conversation by its latest example, which holds all that the seeker says."""
    for old, new in zip(_seeker_turns(before), _seeker_turns(after), strict=True):
        tally.seeker_turns += 1
        tally.kept += keep and bool(old.emotions)
        tally.labels.update(label for label, _ in new.emotions)


def _result(folder: Path, recogniser: str, fingerprint: str, tally: _Tally) -> Annotation:
    every = max(tally.seeker_turns, 1)
    labels = {
        label: LabelCount(tally.labels[label], tally.labels[label] / every, PUBLISHED[label]) for label in EMOTIONS
    }
    return Annotation(folder, recogniser, fingerprint, tally.seeker_turns, tally.kept, labels)
