"""Emotion recognition on sentences whose labels a reader would give."""

import pytest

from ecr_engine.data.schema import EMOTIONS, Example, Role, Turn
from ecr_engine.emotion.lexicon import emotion_lexicon, read_list
from ecr_engine.emotion.recogniser import annotate, recognise


def labels(text: str) -> list[str]:
    return [emotion for emotion, _ in recognise(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I love that movie", ["like"]),
        ("i really liked it", ["like"]),
        ("I didn't like it", ["negative"]),
        ("I do not like scary films", ["negative"]),
        ("I am not happy with that", ["negative"]),
        ("I don't think it was funny", ["negative"]),
        ("not bad", ["like"]),
        ("no i loved it", ["like"]),
        ("I have never seen it but i love the actor", ["like", "curious"]),
        ("Something like <movie>", ["curious"]),
        ("Who is in it?", ["curious"]),
        ("have you seen that one", ["curious"]),
        ("I'm looking for a funny movie", ["curious"]),
        ("I would like a drama", ["curious"]),
        ("Thank you so much, bye", ["grateful"]),
        ("Haha, it made me laugh", ["happy"]),
        ("I feel so lonely, it was a rough week", ["negative"]),
        ("My childhood! I grew up with it", ["nostalgia"]),
        ("I agree, you're right", ["agreement"]),
        ("Wow, I had no idea", ["surprise"]),
        ("Hello", ["neutral"]),
        ("", ["neutral"]),
        ("The train leaves at nine", ["neutral"]),
    ],
)
def test_labels(text, expected):
    assert labels(text) == expected


def test_scores_are_worked_out_by_hand():
    assert recognise("It is boring.") == (("negative", pytest.approx(0.7)),)
    # a modifier: 0.7 * 1.2; an exclamation: 0.7 * 1.1
    assert recognise("It is really boring.") == (("negative", pytest.approx(0.84)),)
    assert recognise("It is boring!") == (("negative", pytest.approx(0.77)),)
    # two phrases: 1 - 0.3 * 0.3; the same phrase twice counts once
    assert recognise("It is boring and annoying.") == (("negative", pytest.approx(0.91)),)
    assert recognise("It is boring. It is boring.") == (("negative", pytest.approx(0.7)),)
    # negated liking: 0.7 * 0.8
    assert recognise("I would not call it amazing.") == (("negative", pytest.approx(0.56)),)


def test_nothing_found_is_neutral_with_what_the_others_leave():
    assert recognise("The train leaves at nine") == (("neutral", 1.0),)
    # negated "true" (agreement, 0.45 * 0.8 = 0.36) is just over the threshold, a weaker one is under it
    assert recognise("kinda not nice") == (("negative", pytest.approx(0.36)),)
    assert recognise("not slightly nice") == (("neutral", pytest.approx(1 - 0.45 * 0.7 * 0.8)),)


def test_at_most_two_emotions_the_stronger_first():
    found = recognise("Wow, thank you! I love it, haha. Who is in it? I hate the end.")
    assert len(found) == 2
    assert found[0][1] >= found[1][1]


def turn(role: Role, slots: str, text: str = "") -> Turn:
    return Turn(role, text or slots, slots)


def example(*context: Turn, emotions: tuple[str, ...] = ()) -> Example:
    return Example("1:1", "1", 1, context, "ok", (), (), emotions, "here", 1)


def test_annotate_reads_the_seekers_last_turn_without_titles():
    first = example(turn(Role.SEEKER, "thanks"), turn(Role.RECOMMENDER, "ok"), turn(Role.SEEKER, "I hated it"))
    title = example(turn(Role.SEEKER, "yesterday <movie> was on", "yesterday Love Actually was on"))
    alone = example()
    found = [one.emotions for one in annotate([first, title, alone])]
    assert found == [("negative",), ("neutral",), ("neutral",)]
    assert first.emotions == ()


def test_annotate_keeps_what_is_annotated():
    assert annotate([example(turn(Role.SEEKER, "thanks"), emotions=("surprise",))])[0].emotions == ("surprise",)


def test_the_lexicon_covers_the_nine_emotions_and_holds_no_modifier():
    raw = read_list("lexicon.json")
    assert set(raw["emotions"]) == set(EMOTIONS)
    phrases = [p for found in raw["emotions"].values() for some in found.values() for p in some]
    assert len(phrases) > 300
    modifiers = set(emotion_lexicon().modifiers)
    # a phrase with a modifier could never be found, since modifiers are taken out of the text first
    assert [p for p in phrases if modifiers & set(p.split())] == []
