"""Writes the sample corpus in ReDial's raw format."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from ecr_engine.data.sample import seeker
from ecr_engine.data.sample.catalogue import Catalogue
from ecr_engine.data.sample.keyboard import mistype
from ecr_engine.data.sample.moods import MOODS
from ecr_engine.data.sample.movies import Movie, make_movies
from ecr_engine.data.sample.planner import TURNS, Conversation, Feedback, SpokenTurn, hold
from ecr_engine.data.schema import Role, Split
from ecr_engine.data.staging import staged

FORMAT = "ecr-sample/1"
"""Written into `sample.json`; a folder that has it is one of ours."""

SHARES = {Split.TRAIN: 0.72, Split.VALID: 0.08, Split.TEST: 0.20}
"""How the dialogues are dealt to the splits; a fifth is for testing, so that a real gain of a short training shows."""

_FILES = {f"{split}_data.jsonl" for split in Split} | {"movies.json", "sample.json"}
_SLOPPINESS = {Role.SEEKER: 0.22, Role.RECOMMENDER: 0.08}
_WORKERS = range(100, 1000)


def write_sample(output: Path, *, dialogues: int, movies: int, seed: int) -> None:
    """Generates a corpus: `{train,valid,test}_data.jsonl` in ReDial's raw format, `movies.json`, `sample.json`.

    Equal arguments give equal bytes. `movies.json` has for each movie id its name, genres, directors and stars;
    `sample.json` the arguments.

    Args:
        output: a folder that is new, empty, or an earlier sample, which is replaced at the end.
        dialogues: how many, over all splits; at least 10.
        movies: how many; at least 50.
        seed: of everything random.

    Raises:
        UsageError: `output` holds other things.
    """
    rng = random.Random(f"movies:{seed}")
    made = make_movies(movies, rng)
    corpus = generate(made, dialogues=dialogues, seed=seed)
    with staged(output, _is_sample) as folder:
        for split, count in _sizes(dialogues).items():
            with (folder / f"{split}_data.jsonl").open("w", encoding="utf-8", newline="\n") as handle:
                handle.writelines(json.dumps(next(corpus), ensure_ascii=False) + "\n" for _ in range(count))
        _write_json(folder / "movies.json", {movie.item_id: _facts(movie) for movie in made})
        _write_json(folder / "sample.json", {"format": FORMAT, "dialogues": dialogues, "movies": movies, "seed": seed})


def generate(movies: Sequence[Movie], *, dialogues: int, seed: int) -> Iterator[dict[str, Any]]:
    """Raw ReDial dialogues, no two of them alike.

    Each has its own random numbers, so the first ones stay the same when more are asked for.
    """
    catalogue = Catalogue(movies)
    seen: set[tuple[str, ...]] = set()
    for index in range(dialogues):
        rng = random.Random(f"dialogue:{seed}:{index}")
        while True:
            conversation = _converse(catalogue, rng)
            words = tuple(sentence for turn in conversation.turns for sentence in turn.sentences)
            if len(conversation.turns) in TURNS and words not in seen:
                break
        seen.add(words)
        yield _redial(conversation, catalogue, index, rng)


def _converse(catalogue: Catalogue, rng: random.Random) -> Conversation:
    mood = rng.choice(MOODS)
    genre = catalogue.genre(rng.choice(mood.genres))
    reason, echo = rng.choice(mood.reasons)
    fields = {
        "reason": reason,
        "echo": echo,
        "mood": rng.choice(mood.words),
        "wish": rng.choice(mood.wishes),
        "one": genre.one,
        "many": genre.many,
        "company": rng.choice(seeker.PETS if mood.name in seeker.ALONE else seeker.COMPANY),
    }
    conversation = Conversation(rng, catalogue, mood, genre, fields)
    hold(conversation)
    return conversation


def _redial(conversation: Conversation, catalogue: Catalogue, index: int, rng: random.Random) -> dict[str, Any]:
    """One line of a ReDial file."""
    seeker_id, recommender_id = rng.sample(_WORKERS, 2)
    workers = {Role.SEEKER: seeker_id, Role.RECOMMENDER: recommender_id}
    form = conversation.feedback
    return {
        "movieMentions": {item_id: _mention(catalogue.by_id(item_id), rng) for item_id in form},
        "respondentQuestions": _form(form, rng, agreement=0.93),
        "messages": _messages(conversation.turns, workers, index, rng),
        "conversationId": str(index + 1),
        "respondentWorkerId": recommender_id,
        "initiatorWorkerId": seeker_id,
        "initiatorQuestions": _form(form, rng, agreement=1.0),
    }


def _messages(
    turns: Sequence[SpokenTurn], workers: dict[Role, int], index: int, rng: random.Random
) -> list[dict[str, Any]]:
    """The turns as sent: a turn of some sentences is one message or several, typed in more or less of a hurry."""
    messages: list[dict[str, Any]] = []
    seconds = 0
    for turn in turns:
        for text in _sendings(turn, rng):
            seconds += rng.randint(4, 60)
            messages.append(
                {
                    "timeOffset": seconds,
                    "text": mistype(text, rng, _SLOPPINESS[turn.role]),
                    "senderWorkerId": workers[turn.role],
                    "messageId": 1000 * (index + 1) + len(messages),
                }
            )
    return messages


def _sendings(turn: SpokenTurn, rng: random.Random) -> list[str]:
    """A turn's sentences, cut into messages at chance places."""
    sending = 0
    numbered = []
    for sentence in turn.sentences:
        numbered.append((sending, sentence))
        sending += rng.random() < 0.3
    return [" ".join(text for _, text in group) for _, group in groupby(numbered, key=lambda pair: pair[0])]


def _form(feedback: dict[str, Feedback], rng: random.Random, agreement: float) -> dict[str, dict[str, int]] | list[Any]:
    """A worker's form; now and then it, or an answer in it, is missing, as in ReDial."""
    if rng.random() < 0.01:
        return []
    form = {}
    for item_id, entry in feedback.items():
        answers = asdict(entry)
        if rng.random() > agreement:
            answers["liked"] = 2
        if rng.random() > 0.01:
            form[item_id] = answers
    return form


def _mention(movie: Movie, rng: random.Random) -> str:
    """The name as ReDial has it: often with a stray blank, sometimes without the year."""
    return rng.choices((movie.name, f"{movie.title}  ({movie.year})", f"{movie.title} "), (6, 3, 1))[0]


def _facts(movie: Movie) -> dict[str, Any]:
    return {
        "name": movie.name,
        "genres": [genre.name for genre in movie.genres],
        "directors": [movie.director],
        "stars": list(movie.stars),
    }


def _sizes(dialogues: int) -> dict[Split, int]:
    """Dialogues of each split; none is empty."""
    sizes = {split: max(1, round(SHARES[split] * dialogues)) for split in (Split.VALID, Split.TEST)}
    return {Split.TRAIN: dialogues - sum(sizes.values()), **sizes}


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _is_sample(folder: Path) -> bool:
    names = {entry.name for entry in folder.iterdir()}
    return (
        "sample.json" in names and names <= _FILES and f'"{FORMAT}"'.encode() in (folder / "sample.json").read_bytes()
    )
