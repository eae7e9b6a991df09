"""The components `length`, `repetition`, `slot_recall`, `emotion_alignment` and `recommendation`, by hand."""

from dataclasses import replace

import pytest
from reward_dialogues import example, sample

from ecr_engine.config.sections.rl import RewardOptionSettings
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import EMOTIONS, Item, Role, Sample, Turn
from ecr_engine.errors import DataError, UsageError
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components.emotion_alignment import FIT, fit
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.titles import TitleFinder


def score(name, one, **resources):
    return COMPONENTS.build(name, Resources(**resources)).score([one])[0]


@pytest.mark.parametrize(
    ("words", "expected"), [(0, 0.0), (1, 0.25), (3, 0.75), (4, 1.0), (30, 1.0), (45, 0.5), (60, 0.0), (10_000, 0.0)]
)
def test_length_falls_off_in_straight_lines_outside_of_its_band(words, expected):
    assert score("length", sample("<movie>, " * words)) == pytest.approx(expected)


def test_the_band_is_a_setting():
    options = RewardOptionSettings(length_shortest=2, length_longest=10)
    assert [score("length", sample("no " * n), options=options) for n in (1, 2, 10, 15)] == [0.5, 1.0, 1.0, 0.5]
    assert COMPONENTS.build("length", Resources(options=options)).explanation == (
        "1 for 2 to 10 words, less in proportion for fewer, and down to 0 at 20"
    )


def test_a_band_that_is_empty_is_an_error():
    with pytest.raises(UsageError) as caught:
        COMPONENTS.build("length", Resources(options=RewardOptionSettings(length_shortest=9, length_longest=5)))
    assert str(caught.value) == "the shortest good response has 9 words, the longest 5"
    assert caught.value.problems[0].fix == "--set reward_options.length_shortest=5"


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [
        ("<movie>", "<movie> or <movie>", 0.5),
        ("<movie>, <movie> and <movie>", "<movie> or <movie>", 1.0),
        ("no", "<movie>", 0.0),
        ("<movie>", "no", None),
        ("no", "", None),
    ],
)
def test_slot_recall_looks_at_turns_in_which_a_human_names_movies(response, reference, expected):
    assert score("slot_recall", sample(response, reference=reference)) == expected


BEFORE = ("I like it.", "You should really watch the old one. Have you seen <movie>?")


@pytest.mark.parametrize(
    ("response", "earlier", "expected"),
    [
        ("", (), 0.0),
        ("I liked that movie a lot.", (), 0.0),
        ("ok ok ok ok", (), -0.5),  # 2 runs of 3 words, 1 of them again
        ("I like it, I like it", (), -0.25),  # runs: i like it, like it i, it i like, i like it
        ("<movie> or <movie> or <movie>", (), 0.0),  # three different movies
        ("<movie> " * 8, (), -3 / 6),  # 1 2 3 3 3 3 3 3: 123 233 333 333 333 333
        ("Have you seen <movie>?", BEFORE, 0.0),  # too short to count as copied
        ("You should really watch the old one. It is so funny.", BEFORE, -7 / 11),
        ("You should really watch the old one. It is so funny.", (), 0.0),
        ("I like it.", BEFORE, 0.0),  # the seeker's words, and few
        ("no " * 10_000, BEFORE, -9997 / 9998),
    ],
)
def test_repetition(response, earlier, expected):
    assert score("repetition", sample(response, "hm", earlier=earlier)) == pytest.approx(expected)


def test_the_table_of_fit_has_a_row_for_each_emotion_and_fits_kind_to_kind():
    assert tuple(FIT) == EMOTIONS
    assert all(tuple(row) == EMOTIONS and all(0 <= value <= 1 for value in row.values()) for row in FIT.values())
    for emotion in ("like", "happy", "grateful", "negative", "nostalgia", "agreement", "surprise"):
        assert FIT[emotion][emotion] == 1.0
    assert FIT["negative"]["happy"] == 0.1
    assert FIT["happy"]["negative"] == 0.0


def test_the_fit_is_a_mean_over_both_sides():
    # response: happy 0.6, curious 0.2; seeker like and negative: (0.6 * (0.9 + 0.1) + 0.2 * (0.8 + 0.7)) / (0.8 * 2)
    assert fit(("like", "negative"), (("happy", 0.6), ("curious", 0.2))) == pytest.approx(0.9 / 1.6)
    assert fit(("negative",), (("negative", 0.7),)) == 1.0
    assert fit(("negative",), (("negative", 0.7),), careless=True) == pytest.approx(0.2)
    assert fit(("like",), (("negative", 0.7),), careless=True) == pytest.approx(0.1)


class Says:
    """A recogniser that knows four texts, and an empathy recogniser that finds care in the word "sorry"."""

    name = explanation = "says"
    labels = EMOTIONS

    def recognise(self, texts):
        known = {"sad": "negative", "glad": "happy", "sorry": "negative", "you bore me": "negative"}
        return [((known[text], 0.9),) for text in texts]

    def levels(self, pairs):
        from ecr_engine.emotion.empathy import EmpathyLevels

        assert all(seeker == "sad" for seeker, _ in pairs)
        return [EmpathyLevels(2 * ("sorry" in response), 0, 0) for _, response in pairs]


@pytest.mark.parametrize(
    ("last", "response", "expected"),
    [
        ("sad", "sorry", 1.0),
        ("sad", "you bore me", 0.2),
        ("sad", "glad", 0.1),
        ("glad", "glad", 1.0),
        ("glad", "sorry", 0.0),
        ("sad", "", 0.0),
        ("sad", "!?", 0.0),
    ],
)
def test_emotion_alignment_asks_the_recognisers(last, response, expected):
    assert score("emotion_alignment", sample(response, last), emotion=Says(), empathy=Says()) == pytest.approx(expected)


def test_annotated_emotions_go_before_recognised_ones():
    one = sample("glad", "sad")
    one = replace(one, example=replace(one.example, emotions=("happy",)))
    assert score("emotion_alignment", one, emotion=Says(), empathy=Says()) == 1.0


def test_without_a_seeker_before_it_there_is_nothing_to_answer():
    one = sample("glad", "sad")
    nobody = replace(one, example=replace(one.example, context=()))
    self_talk = replace(one, example=replace(one.example, context=(Turn(Role.RECOMMENDER, "a", "a"),)))
    assert score("emotion_alignment", nobody) is None
    assert score("emotion_alignment", self_talk) is None


def test_sympathy_answers_sorrow_better_than_joy_with_the_word_lists():
    sad = "I'm sad, my dog died."
    kind = score("emotion_alignment", sample("I'm so sorry to hear that, that is sad.", sad))
    cold = score("emotion_alignment", sample("I'm so happy today, this is wonderful!", sad))
    assert kind > 0.7 > 0.3 > cold


def test_an_unknown_annotation_is_an_error_with_its_line():
    one = sample("fine", "hm")
    one = replace(one, example=replace(one.example, emotions=("hapy",)))
    with pytest.raises(DataError) as caught:
        score("emotion_alignment", one)
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("unknown emotion 'hapy' in example 1:1", "here:1")
    assert problem.fix == "did you mean 'happy'?"


# Heat and Ronin share one of their three surroundings, each touched by two movies.
GRAPH = KnowledgeGraph(
    names=["Heat (1995)", "Ronin (1998)", "Up (2009)", "Crime", "Pacino", "De Niro", "The Old Oak Tree (1999)", "Sky"],
    kinds=["movie", "movie", "movie", "genre", "person", "person", "movie", "genre"],
    relations=["genre", "star"],
    triples=[(0, 0, 3), (1, 0, 3), (0, 1, 4), (6, 1, 4), (1, 1, 5), (6, 1, 5), (2, 0, 7)],
    items={"1": 0, "2": 1, "3": 2, "4": 6, "5": 0},
)
GROUNDED = Resources(knowledge=GRAPH, options=RewardOptionSettings(recommendation_mode="grounded"))


def grounded(response, target="Try <movie>.", items=(), mentioned=()):
    one = replace(example("hm", target), items=tuple(items), mentioned=tuple(mentioned))
    return COMPONENTS.build("recommendation", GROUNDED).score([Sample(one, response, True, 5)])[0]


LIKED = [Item("1", "Heat (1995)", liked=True)]


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("I would try Heat.", 1.0),  # the one that the seeker goes on to like
        ("I would try Ronin.", 1 / 3),  # one of three surroundings in common
        ("I would try Up (2009)!", 0.0),  # nothing in common
        ("I would try <movie>.", 1.0),  # a slot does not say which
        ("I would try Heat or Ronin.", 0.5 * (1 + 1 / 3) / 2),  # two where a human named one
        ("What do you like?", 0.0),  # none where a human named one
    ],
)
def test_a_title_is_worth_what_the_seeker_will_think_of_the_movie(response, expected):
    assert grounded(response, items=LIKED) == pytest.approx(expected)


def test_movies_that_were_rejected_or_named_before_are_worth_nothing():
    disliked = [Item("2", "Ronin (1998)", liked=False)]
    assert grounded("I would try Ronin.", items=disliked) == 0.0
    assert grounded("I would try Heat.", items=disliked) == 1.0  # nothing is known of it
    assert grounded("I would try Ronin.", mentioned=["2"]) == 0.0
    assert grounded("I would try Heat.", mentioned=["5"]) == 0.0  # another id of the same movie
    assert grounded("I would try Heat.", items=LIKED, mentioned=["1"]) == 1.0


def test_without_titles_the_grounded_mode_is_the_slot_mode():
    slot = COMPONENTS.build("recommendation", Resources())
    for response in ("", "<movie>", "<movie> or <movie>", "Hello there, what is up?"):
        for target in ("Try <movie>.", "Hello!", ""):
            assert grounded(response, target) == slot.score([sample(response, reference=target)])[0]


def test_the_grounded_mode_needs_a_knowledge_graph():
    with pytest.raises(UsageError) as caught:
        COMPONENTS.build("recommendation", Resources(options=RewardOptionSettings(recommendation_mode="grounded")))
    problem = caught.value.problems[0]
    assert problem.what == "reward component 'recommendation' needs a knowledge graph in its grounded mode"
    assert problem.at == "reward_options.recommendation_mode"
    assert problem.fix == (
        "give the data one: --set data.knowledge=auto, or --set reward_options.recommendation_mode=slot"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I loved Heat, did you?", [("1", "5")]),
        ("heat (1995) and up (2009)", [("1", "5"), ("3",)]),
        ("the heat was awful, what is up", []),
        ("Heat is good.", []),  # at the start of a sentence any word has a capital letter
        ("What's Up?", []),
        ("I met Miami Heat players", []),
        ("have you seen the old oak tree yet", [("4",)]),
        ("", []),
    ],
)
def test_titles_are_found_where_they_are_hardly_anything_else(text, found):
    assert TitleFinder(GRAPH)(text) == found
