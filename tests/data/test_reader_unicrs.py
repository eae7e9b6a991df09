"""Reading the turns that UniCRS and ECR train on: dialogues put together again from contexts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_makers import Said, dialogues, fault, form_of, oddities, said, skipped, write_lines

from ecr_engine.data.reader import FIX, RawDialogue, read
from ecr_engine.data.schema import Item
from ecr_engine.errors import DataError

NAME = "train_data_processed.jsonl"
NAMES = {
    "<http://dbpedia.org/resource/Black_Panther_(film)>": 30458,
    "<http://dbpedia.org/resource/Heat_(1995_film)>": 12,
    "<http://dbpedia.org/resource/Tom_Hanks>": 77,
    "<http://dbpedia.org/resource/It_(2017_film)>": 5,
}

Spoken = Sequence[tuple[str, str]]


def turn(context: Sequence[str], resp: str, rec: Sequence[int] = (), **fields: Any) -> dict[str, Any]:
    return {"context": list(context), "resp": resp, "rec": list(rec), "entity": [], **fields}


def masked_lines(spoken: Spoken, masks: dict[str, str]) -> list[dict[str, Any]]:
    """The lines of the recommender-only kind: `masks` has the masked form of texts."""
    context, lines = [] if spoken[0][0] == "seeker" else [""], []
    for role, text in spoken:
        if role == "recommender":
            lines.append(turn(context, masks.get(text, text)))
        context = [*context, text]
    return lines


def source(folder: Path, lines: Sequence[Any], **tables: Any) -> Path:
    for name, table in tables.items():
        write_lines(folder / f"{name}.json", [table])
    return write_lines(folder / NAME, lines)


def test_the_kind_of_file_is_told_by_its_first_line(tmp_path: Path) -> None:
    assert form_of(source(tmp_path, [turn([""], "hi")])) == "unicrs"
    single = tmp_path / "other"
    write_lines(single / "mine.jsonl", [turn([""], "hi")])
    assert form_of(single / "mine.jsonl") == "unicrs"


def test_plain_unicrs_has_every_turn_and_says_nothing_of_speakers(tmp_path: Path) -> None:
    lines = [
        turn([""], "hello &amp; hi"),
        turn(["", "hello &amp; hi"], "any  wishes?"),
        turn(["", "hello &amp; hi", "any  wishes?"], "Black Panther (2018) and Tom Hanks", [30458, 77]),
        turn([""], "one more"),
        turn(["", "one more"], "yes"),
    ]
    folder = source(tmp_path, lines, entity2id=NAMES)
    first, second = dialogues(folder)
    assert said(first) == [
        ("seeker", ("hello & hi",), ()),
        ("recommender", ("any wishes?",), ()),
        ("seeker", ("", " and Tom Hanks"), ("30458",)),
    ]
    assert first.items == {"30458": Item("30458", "Black Panther (2018)")}
    assert (first.conversation_id, first.line) == ("train_data_processed:1", 1)
    assert (second.conversation_id, second.line) == ("train_data_processed:4", 4)
    assert said(second) == [("seeker", ("one more",), ()), ("recommender", ("yes",), ())]
    assert oddities(folder) == [
        ("nobody says who speaks: the first to speak is taken for the seeker", "hello &amp; hi"),
        ("nobody says who speaks: the first to speak is taken for the seeker", "one more"),
    ]


def test_the_list_of_movies_tells_movies_from_other_entities(tmp_path: Path) -> None:
    lines = [turn([""], "Heat with Tom Hanks, it is", [77, 12, 5]), turn(["", "Heat with Tom Hanks, it is"], "ok")]
    (dialogue,) = dialogues(source(tmp_path, lines, entity2id=NAMES, item_ids=[12, 5, 30458]))
    # A title of two letters must be written as it is: "it" is no movie here.
    assert said(dialogue)[0] == ("seeker", ("", " with Tom Hanks, it is"), ("12",))
    assert dialogue.messages[0].entities == ("Tom Hanks",)


MASKED = [
    turn(["I like Heat (1995) a lot"], "Then <movie> or <movie>!", [30458, 5], entity=[12]),
    turn(
        ["I like Heat (1995) a lot", "Then Black Panther  (2018) or It (2017)!", "ok, Heat (1995) again"],
        "Bye from <movie>",
        [12],
    ),
]


def test_the_next_context_has_the_names_behind_the_masks(tmp_path: Path) -> None:
    folder = source(tmp_path, MASKED, entity2id=NAMES)
    (dialogue,) = dialogues(folder)
    assert said(dialogue) == [
        ("seeker", ("I like ", " a lot"), ("12",)),
        ("recommender", ("Then ", " or ", "!"), ("30458", "5")),
        ("seeker", ("ok, ", " again"), ("12",)),
        ("recommender", ("Bye from ", ""), ("12",)),
    ]
    assert dialogue.items == {
        "30458": Item("30458", "Black Panther (2018)"),
        "5": Item("5", "It (2017)"),
        "12": Item("12", "Heat (1995)"),
    }
    assert oddities(folder) == []


def test_without_a_list_of_ids_the_names_are_the_ids_of_what_later_contexts_tell(tmp_path: Path) -> None:
    lines = [{**line, "rec": []} for line in MASKED]
    folder = source(tmp_path, lines)
    (dialogue,) = dialogues(folder)
    assert said(dialogue) == [
        ("seeker", ("I like Heat (1995) a lot",), ()),
        ("recommender", ("Then ", " or ", "!"), ("Black Panther (2018)", "It (2017)")),
        ("seeker", ("ok, Heat (1995) again",), ()),
        ("recommender", ("Bye from ", ""), ("train_data_processed:1#3.0",)),
    ]
    assert oddities(folder) == [("a movie has no name", "movie train_data_processed:1#3.0")]


def test_the_recommender_may_open(tmp_path: Path) -> None:
    lines = [turn([""], "Hello"), turn(["", "Hello", "hi"], "Bye"), turn(["hm"], "Yes?")]
    assert [said(dialogue) for dialogue in dialogues(source(tmp_path, lines))] == [
        [("recommender", ("Hello",), ()), ("seeker", ("hi",), ()), ("recommender", ("Bye",), ())],
        [("seeker", ("hm",), ()), ("recommender", ("Yes?",), ())],
    ]


def test_ecr_says_who_speaks_and_what_they_show(tmp_path: Path) -> None:
    shown: dict[str, Any] = {
        "emotion_entity": [["happy", "like", "curious"]],
        "emotion_probs_entity": [[0.2, 0.7, 0.1]],
    }
    opening: dict[str, Any] = {"emotion_entity": [], "emotion_probs_entity": []}
    lines = [
        turn([], "Heat (1995)!", [12], role="seeker", **opening),
        turn(["Heat (1995)!"], "Nice.", role="recommender", **{**shown, "entity": [12]}),
        turn([""], "Hello", role="recommender", **opening),
        turn(["", "Hello"], "hi", role="seeker", **opening),
    ]
    folder = source(tmp_path, lines, entity2id=NAMES)
    first, second = dialogues(folder)
    assert said(first) == [("seeker", ("", "!"), ("12",)), ("recommender", ("Nice.",), ())]
    assert [message.emotions for message in first.messages] == [(("like", 0.7), ("happy", 0.2)), ()]
    assert said(second) == [("recommender", ("Hello",), ()), ("seeker", ("hi",), ())]
    assert oddities(folder) == []


def test_blank_turns_are_kept_for_whoever_counts(tmp_path: Path) -> None:
    lines = [turn(["hm", " ", "oh"], ""), turn([""], " ")]
    folder = source(tmp_path, lines)
    assert skipped(folder) == [(2, "the dialogue has no messages")]
    (dialogue,) = [one for one in read(folder, skip_bad=True) if isinstance(one, RawDialogue)]
    assert [message.is_blank() for message in dialogue.messages] == [False, True, False, True]


def test_a_bad_line_within_a_dialogue_does_not_end_it(tmp_path: Path) -> None:
    lines = [
        turn(["hm"], "one"),
        '{"context": ["hm"',
        turn(["hm", "one", "x", "two", "y"], "three"),
        turn(["z"], "four"),
    ]
    folder = source(tmp_path, lines)
    assert skipped(folder) == [(2, "the line is not JSON: Expecting ',' delimiter at column 18")]
    found = [one for one in read(folder, skip_bad=True) if isinstance(one, RawDialogue)]
    assert [[words[0] for _, words, _ in said(dialogue)] for dialogue in found] == [
        ["hm", "one", "x", "two", "y", "three"],
        ["z", "four"],
    ]
    assert [role for role, _, _ in said(found[0])] == ["seeker", "recommender"] * 3


BAD = {
    "no context": ({"resp": "a"}, "the field 'context' is missing"),
    "no response": ({"context": []}, "the field 'resp' is missing"),
    "list": ("[1]", "the line is not a turn: expected a JSON object, found a list"),
    "nan": ('{"context": [], "resp": "", "x": NaN}', "the line is not JSON: NaN is no JSON number"),
    "context": ({"context": "hi", "resp": "a"}, "'context' must be a list, found text"),
    "texts": ({"context": [None], "resp": "a"}, "'context' must hold texts, found null"),
    "response": ({"context": [], "resp": 5}, "'resp' must be text, found a number"),
    "role": (turn([], "a", role="host"), "'role' must be seeker or recommender, found 'host'"),
    "rec": ({"context": [], "resp": "a", "rec": {}}, "'rec' must be a list, found an object"),
    "ids": ({"context": [], "resp": "a", "rec": [1.5]}, "'rec' must hold ids or names, found a number"),
    "emotions": (
        turn([], "a", emotion_entity=[[]]),
        "'emotion_entity' and 'emotion_probs_entity' must be lists of equal length",
    ),
    "shares": (
        turn([], "a", emotion_entity=[["like"]], emotion_probs_entity=[[]]),
        "'emotion_entity' and 'emotion_probs_entity' must hold lists of equal length",
    ),
    "share": (
        turn([], "a", emotion_entity=[["like"]], emotion_probs_entity=[["x"]]),
        "the probability of 'like' in the turn is 'x', not in 0 to 1",
    ),
}


@pytest.mark.parametrize(("line", "what"), BAD.values(), ids=BAD.keys())
def test_what_is_said_of_a_bad_line(tmp_path: Path, line: Any, what: str) -> None:
    assert fault(source(tmp_path, [turn(["a"], "b"), line])) == (what, f"{NAME}:2")


@pytest.mark.parametrize("table", ["[1]", "{", "5"])
def test_a_list_of_ids_that_cannot_be_read(tmp_path: Path, table: str) -> None:
    folder = source(tmp_path, [turn([""], "hi")])
    (folder / "entity2id.json").write_text(table)
    with pytest.raises(DataError) as caught:
        list(read(folder))
    (problem,) = caught.value.problems
    assert (problem.what, problem.at) == ("the list of ids can't be read", f"{folder}/entity2id.json")
    assert problem.fix == "fetch it again, or take it away"
    assert problem.fix != FIX


TITLES = ("Heat (1995)", "Black Panther (2018)", "It (2017)", "2001: A Space Odyssey (1968)", "Me (and You) (2001)")
phrases = st.lists(st.sampled_from(["try", "it,", "and", "(2001)", "or", "heat", "a&b", "x!"]), min_size=1, max_size=4)


@st.composite
def conversations(draw: st.DrawFn) -> list[Said]:
    """Dialogues that end with the recommender; nothing would tell the movies of the last turn, so it has none."""
    count = draw(st.integers(1, 7))
    made: list[Said] = []
    for at in range(count):
        role = "recommender" if (count - at) % 2 else "seeker"
        most = 3 if role == "recommender" and at < count - 1 else 0
        movies = draw(st.lists(st.sampled_from(TITLES), max_size=most))
        parts = [" ".join(draw(phrases)) for _ in range(len(movies) + 1)]
        last = len(movies)
        spaced = (f"{' ' if n else ''}{part}{' ' if n < last else ''}" for n, part in enumerate(parts))
        made.append((role, tuple(spaced), tuple(movies)))
    return made


def text_of(one: Said, movies: Sequence[str]) -> str:
    return "".join(part for pair in zip(one[1], [*movies, ""], strict=True) for part in pair)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(made=st.lists(conversations(), min_size=1, max_size=3))
def test_any_dialogues_written_as_masked_turns_read_back(tmp_path: Path, made: list[list[Said]]) -> None:
    lines: list[Any] = []
    for one in made:
        spoken = [(message[0], text_of(message, message[2])) for message in one]
        masks = {text_of(message, message[2]): text_of(message, ["<movie>"] * len(message[2])) for message in one}
        lines += masked_lines(spoken, masks)
    assert [said(dialogue) for dialogue in dialogues(source(tmp_path, lines))] == made
