"""GoEmotions (Demszky et al., ACL 2020) as examples of the nine emotions: the mapping of its 28 labels, and its files.

The mapping, with its reasons:

- Where the ECR paper (arXiv 2409.10527) says which finer feelings an emotion gathers, it is followed: like, curious,
  happy, grateful, surprise, neutral and negative.
- `approval` is `agreement`. The paper counts approval as liking, but in GoEmotions it is mostly agreeing ("that's
  right, I think so too"), and without it agreement would have no example at all.
- Three labels the paper does not name. Each goes with the label that it most often stands beside in one text, by lift
  (how much oftener than chance) over the labels that share at least 20 texts of the training split with it:
  `caring` with optimism (90 texts, lift 2.27), so it is `like`; `nervousness` with fear (34 texts, lift 15.1), so it
  is `negative`; `realization` with approval (80 texts, lift 1.06, a weak tie; surprise comes next, 26 texts, lift
  0.96), so it is `agreement`.
- `nostalgia` has no counterpart: it is not in this source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.fetch.rows import text_lines
from ecr_engine.data.schema import EMOTIONS
from ecr_engine.errors import DataError, nearest

MAPPING = {
    "admiration": "like",
    "amusement": "happy",
    "anger": "negative",
    "annoyance": "negative",
    "approval": "agreement",
    "caring": "like",
    "confusion": "curious",
    "curiosity": "curious",
    "desire": "like",
    "disappointment": "negative",
    "disapproval": "negative",
    "disgust": "negative",
    "embarrassment": "negative",
    "excitement": "like",
    "fear": "negative",
    "gratitude": "grateful",
    "grief": "negative",
    "joy": "happy",
    "love": "like",
    "nervousness": "negative",
    "optimism": "like",
    "pride": "happy",
    "realization": "agreement",
    "relief": "happy",
    "remorse": "negative",
    "sadness": "negative",
    "surprise": "surprise",
    "neutral": "neutral",
}
"""Each of the 28 labels to one of the nine emotions."""

COVERED = tuple(emotion for emotion in EMOTIONS if emotion in MAPPING.values())
"""The emotions that GoEmotions has examples of, in the order of `EMOTIONS`."""

MASK = "[NAME]"
"""What stands in the texts for a name; a recogniser trained on them reads it where a dialogue has a movie's slot."""

LEAST = 20
"""A split of fewer texts can't be learned from, or measured on."""

_LABELS = "labels.txt"
_FIELDS = 3
_SHOWN = 20
_REMAKE = "fetch the corpus: ecrctl data fetch goemotions --output DIR"


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One comment.

    Attributes:
        text: its words.
        emotions: what it shows, in the order of `EMOTIONS`, at least one.
    """

    text: str
    emotions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelledCorpus:
    """The three splits.

    Attributes:
        train: what is learned from.
        dev: what thresholds and the number of epochs are chosen on.
        test: what is measured on.
        fingerprint: SHA-256 of the four files, one after another.
    """

    train: tuple[LabelledText, ...]
    dev: tuple[LabelledText, ...]
    test: tuple[LabelledText, ...]
    fingerprint: str

    def limited(self, train: int | None, held_out: int | None) -> LabelledCorpus:
        """The first texts of each split.

        Args:
            train: texts of the training split at most; None for all.
            held_out: texts of either other split at most; None for all.
        """
        return LabelledCorpus(self.train[:train], self.dev[:held_out], self.test[:held_out], self.fingerprint)


def read_goemotions(folder: Path) -> LabelledCorpus:
    """Reads `train.tsv`, `dev.tsv`, `test.tsv` and `labels.txt`.

    A row is a text, comma-separated label ids and a comment id, set apart by tabs, without head and quotes.

    Args:
        folder: holds the four files, or a folder `raw` with them, as `data fetch goemotions` leaves it.

    Raises:
        DataError: the folder or a file is missing or can't be read, a row is not as it must be, or a split has fewer
            than `LEAST` texts.
    """
    if not folder.is_dir():
        what = f"'{folder}' is a file, not a folder" if folder.exists() else f"there is no folder '{folder}'"
        raise DataError(what, at=str(folder), fix=f"give GoEmotions' folder, or {_REMAKE}")
    place = folder / "raw" if (folder / "raw" / _LABELS).is_file() and not (folder / _LABELS).is_file() else folder
    paths = [place / name for name in (_LABELS, "train.tsv", "dev.tsv", "test.tsv")]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise DataError(f"GoEmotions' {', '.join(missing)} not found", at=str(place), fix=_REMAKE)
    try:
        mapped = _mapped_labels(paths[0])
        train, dev, test = (tuple(_split(path, mapped)) for path in paths[1:])
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    except OSError as error:
        at = str(error.filename or place)
        raise DataError(f"the file can't be read: {error.strerror}", at=at, fix="look at its permissions") from error
    for path, rows in zip(paths[1:], (train, dev, test), strict=True):
        if len(rows) < LEAST:
            raise DataError(f"the split holds {len(rows)} texts; it takes at least {LEAST}", at=str(path), fix=_REMAKE)
    return LabelledCorpus(train, dev, test, digest)


def _mapped_labels(path: Path) -> list[str]:
    """The emotion of each label id."""
    mapped = []
    for number, line in text_lines(path):
        label = line.strip()
        if label not in MAPPING:
            near = nearest(label, MAPPING)
            fix = f"did you mean '{near}'?" if near else _REMAKE
            raise DataError.at_line(f"'{label}' is no label of GoEmotions", path, number, fix)
        mapped.append(MAPPING[label])
    if not mapped:
        raise DataError("the file names no label", at=str(path), fix=_REMAKE)
    return mapped


def _split(path: Path, mapped: Sequence[str]) -> Iterator[LabelledText]:
    for number, line in text_lines(path):
        fields = line.split("\t")
        if len(fields) != _FIELDS:
            what = f"the row has {len(fields)} fields, not text, label ids and comment id"
            raise DataError.at_line(what, path, number, _REMAKE)
        if not fields[0].strip():
            raise DataError.at_line("the row has no text", path, number, _REMAKE)
        found = {_emotion(text, mapped, path, number) for text in fields[1].split(",")}
        yield LabelledText(fields[0], tuple(emotion for emotion in EMOTIONS if emotion in found))


def _emotion(text: str, mapped: Sequence[str], path: Path, number: int) -> str:
    # No id has more digits than the number of labels, and a text of thousands is no number for Python.
    if text.isascii() and text.isdecimal() and len(text) <= len(str(len(mapped))) and int(text) < len(mapped):
        return mapped[int(text)]
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    what = f"'{shown}' is no label id: they go from 0 to {len(mapped) - 1}"
    raise DataError.at_line(what, path, number, _REMAKE)
