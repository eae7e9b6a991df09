"""From a raw source folder to a folder of examples: read, merge, split, write, count."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ecr_engine.data import store
from ecr_engine.data.reader import RawDialogue, Skipped, find_reader
from ecr_engine.data.schema import Split
from ecr_engine.data.staging import staged
from ecr_engine.data.summary import DataSummary, Tally
from ecr_engine.data.turns import examples, merge
from ecr_engine.errors import DataError, UsageError


def process(source: Path, output: Path, *, validation_share: float, test_share: float, skip_bad: bool) -> DataSummary:
    """Turns the raw dialogues in `source` into `output/{train,valid,test}.jsonl` and `output/summary.json`.

    The source's own validation and test files are kept as they are. A split that it lacks is set apart from its
    training dialogues, by a hash of the conversation id: a dialogue stays where it is when others come, go or move.
    Dialogues are streamed, so memory does not grow with the corpus (but for 100 bytes or so a conversation id).

    Args:
        source: a folder that some reader recognises.
        output: a folder that is new, empty, or an earlier result, which is replaced at the end.
        validation_share: share of the training dialogues set apart where the source has no validation file.
        test_share: likewise for the test split.
        skip_bad: skip dialogues that can't be read (they are counted and listed) rather than raise.

    Raises:
        DataError: the source is missing or bad, or leaves nothing to train on.
        UsageError: `output` holds other things or is the working directory, or the shares leave no training dialogue.
    """
    _refuse_working_directory(output)
    reader = find_reader(source)
    present = reader.files(source)
    shares = {Split.VALID: validation_share, Split.TEST: test_share}
    split_off = {split: share for split, share in shares.items() if split not in present}
    if sum(split_off.values()) >= 1:
        raise UsageError(
            f"validation_share and test_share leave no training dialogue: they make {sum(split_off.values()):g}",
            fix="set data.validation_share and data.test_share to a sum below 1",
        )
    with staged(output, store.is_processed) as folder:
        tally = Tally()
        skipped = _write(reader.read(source, skip_bad=skip_bad), folder, split_off, tally)
        _check_trainable(source, tally, skipped)
        summary = DataSummary(
            reader=reader.name,
            source_fingerprint=store.fingerprint(source),
            fingerprint=store.digest(store.split_path(folder, split) for split in Split),
            split_off=tuple(split_off),
            splits=tally.counts(),
            skipped=tuple(skipped),
        )
        store.write_summary(folder, summary)
    return summary


def _refuse_working_directory(output: Path) -> None:
    """The output folder is replaced at the end, which would leave the caller's shell in a folder that is gone."""
    if output.is_dir() and output.samefile("."):
        fix = "give a folder inside of it, such as --output data"
        raise UsageError("the output is the folder that you are in", at=str(output), fix=fix)


def assign(conversation_id: str, split_off: dict[Split, float]) -> Split:
    """The split of a training dialogue.

    Validation takes the top of the hash's range and test its bottom, so that neither moves when the other's share does.

    Args:
        conversation_id: the dialogue's id.
        split_off: the shares to be set apart, in [0, 1), their sum below 1.
    """
    place = int.from_bytes(hashlib.sha256(conversation_id.encode()).digest()[:8]) / 2**64
    if place < split_off.get(Split.TEST, 0.0):
        return Split.TEST
    if place >= 1 - split_off.get(Split.VALID, 0.0):
        return Split.VALID
    return Split.TRAIN


def _write(
    found: Iterator[RawDialogue | Skipped], folder: Path, split_off: dict[Split, float], tally: Tally
) -> list[Skipped]:
    """Writes the three files and returns what was skipped."""
    skipped = []
    with ExitStack() as stack:
        files = {
            split: stack.enter_context(store.split_path(folder, split).open("w", encoding="utf-8", newline="\n"))
            for split in Split
        }
        for raw in found:
            if isinstance(raw, Skipped):
                skipped.append(raw)
                continue
            split = assign(raw.conversation_id, split_off) if raw.split is Split.TRAIN else raw.split
            dialogue = merge(raw)
            tally.add(split, raw, dialogue)
            files[split].writelines(store.encode(example) + "\n" for example in examples(dialogue))
    return skipped


def _check_trainable(source: Path, tally: Tally, skipped: list[Skipped]) -> None:
    if tally.counts()[Split.TRAIN].recommender_turns:
        return
    reason = f"; {len(skipped)} skipped, the first because {skipped[0].reason}" if skipped else ""
    raise DataError(
        f"the training split holds no recommender turn{reason}", at=str(source), fix="give a source with more dialogues"
    )
