"""Emotions written into processed folders, by a recogniser that says what the test tells it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from processed_data import ASKED, CLOSING, HELLO, OFFER, OPENING, THANKS, TRAIN, feeling, write_processed

from ecr_engine.data.schema import EMOTIONS
from ecr_engine.data.store import read_examples, read_summary
from ecr_engine.emotion import annotation
from ecr_engine.emotion.annotation import PUBLISHED, annotate_folder
from ecr_engine.emotion.recognition import find_recogniser
from ecr_engine.errors import EcrError

LOVES = (("like", 0.91234567), ("curious", 0.5), ("happy", 0.4))
BYES = (("grateful", 0.75),)


class Told:
    """Says the same of a text each time, and remembers what it was asked."""

    name = "told"
    explanation = "what the test says"
    labels = EMOTIONS

    def __init__(self, **answers):
        self.answers = {ASKED.slots: LOVES, THANKS.slots: BYES, **answers}
        self.asked = []

    def recognise(self, texts):
        self.asked.append(list(texts))
        return [self.answers[text] for text in texts]


def problem(caught):
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


def test_turns_examples_and_replies_get_emotions(tmp_path: Path) -> None:
    source = write_processed(tmp_path / "p")
    annotate_folder(source, tmp_path / "out", Told())
    opening, offer, closing = read_examples(tmp_path / "out" / "train.jsonl")
    # two at most, four digits
    loves = (("like", 0.9123), ("curious", 0.5))
    assert opening.emotions == ()
    assert opening.reply == feeling(ASKED, *loves)
    assert offer.context == (HELLO, feeling(ASKED, *loves))
    assert offer.emotions == ("like", "curious")
    assert offer.reply == feeling(THANKS, *BYES)
    # the recommender's mention of movies carries what the seeker says to it; one without movies carries nothing
    assert [turn.emotions for turn in closing.context] == [(), loves, BYES, BYES]
    assert closing.emotions == ("grateful",)
    assert closing.reply is None
    # nothing else has changed
    assert replace(offer, context=OFFER.context, emotions=(), reply=THANKS) == OFFER
    assert replace(closing, context=CLOSING.context, emotions=()) == CLOSING


def test_each_turn_is_counted_once(tmp_path: Path) -> None:
    made = annotate_folder(write_processed(tmp_path / "p"), tmp_path / "out", Told())
    # train: one who loves, one who says bye; test: one who loves
    assert (made.seeker_turns, made.kept) == (3, 0)
    assert {label: count.turns for label, count in made.labels.items() if count.turns} == {
        "like": 2,
        "curious": 2,
        "grateful": 1,
    }
    assert made.labels["like"].share == pytest.approx(2 / 3)
    assert made.labels["like"].published == 0.46
    assert tuple(made.labels) == EMOTIONS
    assert tuple(PUBLISHED[label] for label in EMOTIONS) == (0.46, 0.41, 0.22, 0.2, 0.08, 0.06, 0.03, 0.03, 0.03)


def test_the_recogniser_is_asked_in_batches_for_slots_and_once_for_each_text(tmp_path: Path) -> None:
    recogniser = Told()
    annotate_folder(write_processed(tmp_path / "p"), tmp_path / "out", recogniser)
    assert recogniser.asked == [[ASKED.slots, THANKS.slots], [ASKED.slots]]


def test_batches_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = [
        replace(example, example_id=f"{place}:{example.turn}", conversation_id=str(place))
        for place in range(5)
        for example in TRAIN
    ]
    source = write_processed(tmp_path / "p", more)
    annotate_folder(source, tmp_path / "large", Told())
    monkeypatch.setattr(annotation, "BATCH", 4)
    recogniser = Told()
    annotate_folder(source, tmp_path / "small", recogniser)
    assert len(recogniser.asked) == 4  # two conversations of three turns at a time, and the test split
    assert (tmp_path / "small" / "train.jsonl").read_bytes() == (tmp_path / "large" / "train.jsonl").read_bytes()


def test_in_place_and_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = write_processed(tmp_path / "p")
    (folder / "knowledge.json").write_text("graph")
    annotate_folder(folder, folder, Told())
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    annotate_folder(folder, folder, Told())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert first["knowledge.json"] == b"graph"
    assert b'"like"' in first["train.jsonl"]
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_the_summary_names_the_recogniser_and_the_new_bytes(tmp_path: Path) -> None:
    made = annotate_folder(write_processed(tmp_path / "p"), tmp_path / "out", Told())
    summary = read_summary(tmp_path / "out")
    whole = b"".join((tmp_path / "out" / f"{split}.jsonl").read_bytes() for split in ("train", "valid", "test"))
    assert summary.recogniser == made.recogniser == "told"
    assert summary.fingerprint == made.fingerprint == hashlib.sha256(whole).hexdigest()
    assert summary.source_fingerprint == "source"
    assert read_summary(tmp_path / "p").fingerprint == "before"


def heard(tmp_path: Path, *, recogniser: str) -> Path:
    """A folder whose seeker's first turn has an emotion already, its second none; the recommender's has one, too."""
    asked = feeling(ASKED, ("surprise", 0.6))
    offer = replace(OFFER, context=(feeling(HELLO, ("happy", 0.5)), asked), emotions=("surprise",))
    return write_processed(tmp_path / "p", [replace(OPENING, reply=asked), offer], test=[], recogniser=recogniser)


def test_emotions_of_the_source_are_kept(tmp_path: Path) -> None:
    recogniser = Told()
    made = annotate_folder(heard(tmp_path, recogniser="source"), tmp_path / "out", recogniser)
    offer = read_examples(tmp_path / "out" / "train.jsonl")[1]
    assert [turn.emotions for turn in offer.context] == [(("happy", 0.5),), (("surprise", 0.6),)]
    assert offer.emotions == ("surprise",)
    assert offer.reply == feeling(THANKS, *BYES)
    assert recogniser.asked == [[THANKS.slots]]
    assert (made.seeker_turns, made.kept, made.labels["surprise"].turns) == (2, 1, 1)
    assert read_summary(tmp_path / "out").recogniser == "source+told"
    again = annotate_folder(tmp_path / "out", tmp_path / "again", Told())
    assert again.fingerprint == made.fingerprint


@pytest.mark.parametrize(("recogniser", "overwrite"), [("source", True), ("other", False)])
def test_other_emotions_are_written_anew(tmp_path: Path, recogniser: str, overwrite: bool) -> None:
    source = heard(tmp_path, recogniser=recogniser)
    made = annotate_folder(source, tmp_path / "out", Told(), overwrite=overwrite)
    offer = read_examples(tmp_path / "out" / "train.jsonl")[1]
    assert [turn.emotions for turn in offer.context] == [(), (("like", 0.9123), ("curious", 0.5))]
    assert offer.emotions == ("like", "curious")
    assert made.kept == 0
    assert read_summary(tmp_path / "out").recogniser == "told"


def test_the_data_of_a_run_stay_as_they_are(tmp_path: Path) -> None:
    folder = write_processed(tmp_path / "run" / "data")
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(EcrError) as caught:
        annotate_folder(folder, folder, Told())
    assert problem(caught) == (
        "these are the data of a run, whose stages would no longer match them",
        str(folder),
        "write elsewhere: --output DIR",
    )
    assert read_summary(folder).fingerprint == "before"
    annotate_folder(folder, tmp_path / "out", Told())
    assert read_summary(tmp_path / "out").recogniser == "told"


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    folder = write_processed(tmp_path / "p")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(EcrError) as caught:
        annotate_folder(folder, folder, Told())
    assert problem(caught) == (
        "the folder holds other files beside the processed data, so it can't be replaced",
        str(folder),
        "write elsewhere: --output DIR",
    )
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_recogniser_that_nobody_knows() -> None:
    with pytest.raises(EcrError) as caught:
        find_recogniser("lexicla")
    assert problem(caught) == (
        "unknown emotion recogniser 'lexicla'",
        "--recogniser",
        "did you mean 'lexical'?, or name the folder of a trained one",
    )


def test_the_lexical_recogniser() -> None:
    recogniser = find_recogniser("lexical")
    assert recogniser.name == "lexical"
    assert recogniser.labels == EMOTIONS
    assert recogniser.recognise(["It is boring.", "Hello"]) == [
        (("negative", pytest.approx(0.7)),),
        (("neutral", 1.0),),
    ]
