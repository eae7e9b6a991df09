"""The built-in corpus, judged by its files alone."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from ecr_engine.data.process import process
from ecr_engine.data.sample import write_sample
from ecr_engine.data.sample.grammar import say, vary
from ecr_engine.data.sample.keyboard import mistype
from ecr_engine.data.sample.moods import MOODS
from ecr_engine.data.schema import Split
from ecr_engine.errors import UsageError

FILES = ("train_data.jsonl", "valid_data.jsonl", "test_data.jsonl")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "out"
    write_sample(folder, dialogues=720, movies=240, seed=0)
    return folder


def load(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {name: [json.loads(line) for line in (folder / name).open(encoding="utf-8")] for name in FILES}


@pytest.fixture(scope="module")
def dialogues(corpus: Path) -> list[dict[str, Any]]:
    return [dialogue for part in load(corpus).values() for dialogue in part]


def turns(dialogue: dict[str, Any]) -> list[tuple[bool, str]]:
    """Whether the recommender speaks, and what, merged."""
    said = [(m["senderWorkerId"] == dialogue["respondentWorkerId"], m["text"]) for m in dialogue["messages"]]
    return [(who, " ".join(text for _, text in group)) for who, group in groupby(said, key=lambda pair: pair[0])]


def test_sizes_and_files(corpus: Path) -> None:
    assert sorted(path.name for path in corpus.iterdir()) == sorted([*FILES, "movies.json", "sample.json"])
    parts = load(corpus)
    assert [len(parts[name]) for name in FILES] == [518, 58, 144]  # 72, 8 and 20 % of 720
    identities = [dialogue["conversationId"] for part in parts.values() for dialogue in part]
    assert len(set(identities)) == 720
    assert json.loads((corpus / "sample.json").read_text()) == {
        "format": "ecr-sample/1",
        "dialogues": 720,
        "movies": 240,
        "seed": 0,
    }


def test_movies(corpus: Path) -> None:
    movies = json.loads((corpus / "movies.json").read_text())
    assert len(movies) == len({movie["name"] for movie in movies.values()}) == 240
    for movie in movies.values():
        assert re.fullmatch(r".+ \((19|20)\d\d\)", movie["name"])
        assert 1 <= len(movie["genres"]) <= 2
        assert len(movie["directors"]) == 1
        assert 2 <= len(movie["stars"]) <= 3
    assert len({genre for movie in movies.values() for genre in movie["genres"]}) == 16


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_sample(tmp_path / name, dialogues=40, movies=60, seed=seed)
    for name in (*FILES, "movies.json"):
        first = (tmp_path / "a" / name).read_bytes()
        assert first == (tmp_path / "b" / name).read_bytes()
        assert first != (tmp_path / "c" / name).read_bytes()


def test_no_two_dialogues_are_alike(dialogues: list[dict[str, Any]]) -> None:
    def bare(dialogue: dict[str, Any]) -> tuple[str, ...]:
        return tuple(re.sub(r"[^a-z ]", "", text.lower()) for _, text in turns(dialogue))

    assert len({bare(dialogue) for dialogue in dialogues}) == 720


def test_turns_have_the_promised_shape(dialogues: list[dict[str, Any]]) -> None:
    spoken = [turns(dialogue) for dialogue in dialogues]
    assert {len(one) for one in spoken} <= set(range(6, 15))
    answers = [text for one in spoken for who, text in one if who]
    words = sum(len(text.split()) for text in answers) / len(answers)
    assert 8 <= words <= 16
    with_slot = sum("@" in text for text in answers) / len(answers)
    assert 0.4 <= with_slot <= 0.6
    merged = sum(len(dialogue["messages"]) for dialogue in dialogues) / sum(len(one) for one in spoken)
    assert merged > 1.1  # consecutive messages of one sender


def test_every_mention_is_listed_and_every_template_filled(dialogues: list[dict[str, Any]]) -> None:
    for dialogue in dialogues:
        texts = " ".join(message["text"] for message in dialogue["messages"])
        assert set(re.findall(r"@(\d+)", texts)) <= set(dialogue["movieMentions"])
        assert not re.search(r"[{}\[\]|]| [.,!?]|  ", texts), texts


def test_the_vocabulary_is_small_enough_for_a_tiny_model(dialogues: list[dict[str, Any]]) -> None:
    texts = [text.lower() for dialogue in dialogues for _, text in turns(dialogue)]
    names = [name.lower() for dialogue in dialogues for name in dialogue["movieMentions"].values()]
    assert 1500 <= len(Counter(re.findall(r"[a-z']+", " ".join(texts + names)))) <= 2500


def test_forms_follow_what_was_said(dialogues: list[dict[str, Any]]) -> None:
    """A movie suggested just before is liked if the seeker says they loved it, and not if they hated it."""
    checked: Counter[str] = Counter()
    for dialogue in dialogues:
        form = dialogue["initiatorQuestions"] or {}
        spoken = turns(dialogue)
        for (who, advice), (_, answer) in pairwise(spoken):
            named = re.findall(r"@(\d+)", advice)
            if not who or not named or named[-1] not in form:
                continue
            loved = re.search(r"loved it|enjoyed it|is a classic|have seen .* and it (was|is)", answer, re.I)
            hated = re.search(r"hated it|a letdown|put me to sleep|was so boring", answer, re.I)
            if loved or hated:
                assert form[named[-1]] == {"suggested": 1, "seen": 1, "liked": int(bool(loved))}, answer
                checked["loved" if loved else "hated"] += 1
    assert min(checked["loved"], checked["hated"]) > 20


def test_about_half_of_the_answers_to_a_bad_mood_are_kind(dialogues: list[dict[str, Any]]) -> None:
    words = [word for mood in MOODS if not mood.good for word in mood.words]
    tells = re.compile(r"(feel|feeling) (" + "|".join(words) + r")\b", re.I)
    kind = re.compile(
        r"sorry|understand|hear you|poor you|feel for you|oh no|deserve|must|hug|unfair|hope|breath", re.I
    )
    answered = [
        bool(kind.search(answer))
        for dialogue in dialogues
        for (_, said), (who, answer) in pairwise(turns(dialogue))
        if who and tells.search(said) and "@" not in said and "@" not in answer
    ]
    assert len(answered) > 150
    assert 0.35 <= sum(answered) / len(answered) <= 0.65


def test_it_is_read_like_any_source(corpus: Path, tmp_path: Path) -> None:
    summary = process(corpus, tmp_path / "out", validation_share=0.1, test_share=0.1, skip_bad=False)
    assert summary.splits[Split.TEST].dialogues == 144  # 20 % of 720
    assert summary.skipped == ()
    assert [counts.unlisted_slots for counts in summary.splits.values()] == [0, 0, 0]


def test_the_least_that_the_settings_allow(tmp_path: Path) -> None:
    write_sample(tmp_path / "out", dialogues=10, movies=50, seed=1)
    assert [len(part) for part in load(tmp_path / "out").values()] == [7, 1, 2]  # 72, 8 and 20 % of 10


def test_it_replaces_its_own_folder_and_no_other(tmp_path: Path) -> None:
    write_sample(tmp_path / "out", dialogues=10, movies=50, seed=1)
    write_sample(tmp_path / "out", dialogues=12, movies=50, seed=1)
    assert json.loads((tmp_path / "out" / "sample.json").read_text())["dialogues"] == 12
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match=r"^the output folder holds other files$"):
        write_sample(tmp_path / "out", dialogues=10, movies=50, seed=1)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_templates() -> None:
    rng = random.Random(0)
    said = {say(("[hi|hey [you|there]|] {name}[!|]",), rng, {"name": "bo. fine"}) for _ in range(200)}
    starts = ("Hi bo. Fine", "Hey you bo. Fine", "Hey there bo. Fine", "Bo. Fine")
    assert said == {start + end for start in starts for end in ("!", "")}
    assert vary("no [|] , {field}", rng) == "no, {field}"


def test_typing() -> None:
    assert mistype("I can't Wait!", random.Random(0), 0.0) == "I can't Wait!"
    typed = {mistype("The movie isn't bad.", random.Random(n), 0.9) for n in range(200)}
    assert {"the moive isnt bad", "The movie isn't bad.", "the movie isnt bad"} <= typed
