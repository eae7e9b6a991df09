"""The three mechanisms of empathy on replies whose levels a reader would give."""

import pytest

from ecr_engine.emotion.grounding import content, copied_share
from ecr_engine.emotion.lexicon import emotion_lexicon, read_list
from ecr_engine.emotion.mechanisms import mechanisms
from ecr_engine.emotion.phrases import plain
from ecr_engine.emotion.sentences import coherence, looks_like_sentence, sentences

SAD = ("I had a rough day at work", ("negative",))
GLAD = ("I loved the pirates in <movie>", ("like",))
ASKS = ("I am looking for a pirate movie", ("curious",))
HELLO = ("Hello", ("neutral",))
THANKS = ("Thanks, bye", ("grateful",))


@pytest.mark.parametrize(
    ("reply", "seeker", "levels"),
    [
        ("I'm so sorry to hear that.", SAD, (2, 0, 0)),
        ("Oh no, that is too bad.", SAD, (1, 0, 0)),
        ("I'm glad to hear that.", GLAD, (2, 0, 0)),
        ("That is a great choice.", GLAD, (1, 0, 0)),
        ("You're welcome!", THANKS, (2, 0, 0)),
        ("You're welcome!", ASKS, (1, 0, 0)),
        ("It sounds like you had a long day.", SAD, (0, 2, 0)),
        ("I get that you want pirates.", ASKS, (0, 2, 0)),
        ("I understand.", ASKS, (0, 1, 0)),
        ("I understand what it is.", ASKS, (0, 1, 0)),
        ("<movie> has a pirate in it.", ASKS, (0, 1, 0)),
        ("What kind of movies do you enjoy?", HELLO, (0, 0, 2)),
        ("What kind of movies do you enjoy?", ASKS, (0, 0, 1)),
        ("Do you like funny pirates?", ASKS, (0, 0, 2)),
        ("Have you been there?", ASKS, (0, 0, 1)),
        ("Did you like it?", ("I watched <movie> on Sunday", ("neutral",)), (0, 0, 2)),
        ("It runs for two hours.", ASKS, (0, 0, 0)),
        ("", SAD, (0, 0, 0)),
    ],
)
def test_levels(reply, seeker, levels):
    found = mechanisms(reply, *seeker)
    assert (found.reaction, found.interpretation, found.exploration) == levels


def test_a_feeling_of_the_wrong_kind_is_a_mismatch_and_no_reaction():
    pity = mechanisms("I'm so sorry to hear that.", *GLAD)
    assert (pity.reaction, pity.mismatch) == (0, True)
    joy = mechanisms("I'm so glad to hear that.", *SAD)
    assert (joy.reaction, joy.mismatch) == (0, True)
    assert mechanisms("I'm so glad to hear that.", SAD[0], ("negative", "like")).mismatch is False


def test_reasons_name_the_words():
    found = mechanisms("I'm so sorry to hear that. Was it the work that made you tired?", *SAD)
    assert found.reasons == ("reaction 2: 'sorry to hear'", "exploration 2: 'made you'")


def test_grounded_means_that_it_takes_up_something_of_this_seeker():
    assert mechanisms("That one is great fun.", *ASKS).grounded is False
    assert mechanisms("That pirate is great fun.", *ASKS).grounded is True
    assert mechanisms("That one is great fun.", *HELLO).grounded is True
    later = mechanisms("A pirate is in that one too.", "ok", ("neutral",), earlier="I want a pirate movie")
    assert later.grounded is True


def test_cues_in_word_salad_or_in_copied_words_do_not_count():
    salad = mechanisms("sorry to hear sorry sorry sorry hear hear glad glad", *SAD)
    assert (salad.reaction, salad.feelings) == (0, 0)
    copied = mechanisms(
        "i am sorry to hear you had a rough day", "i am sorry to hear you had a rough day", ("negative",)
    )
    assert copied.reaction == 0


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("have you seen the new one with the dog", True),
        ("<movie> and <movie> are both on this list", True),
        ("the the dog is", False),
        ("sorry glad happy sad hope", False),
        ("dog the of is seen you a new with", False),
        ("no no no", False),
        ("love it " * 4, False),
        ("it is a good day and " * 7, False),
    ],
)
def test_sentences_and_heaps_of_words(text, is_one):
    assert looks_like_sentence(text.split()) is is_one


def test_coherence_is_the_share_of_words_in_sentences():
    # 5 words of a sentence, 5 of a heap
    assert coherence(sentences("I think it is good. Dog cat horse cow hen.")) == 0.5
    # said twice, counted once
    assert coherence(sentences("I think it is good. I think it is good.")) == 0.5
    # two stubs are fine, the third is not
    assert coherence(sentences("Yes. Sure. Great.")) == pytest.approx(2 / 3)
    assert coherence(sentences("...")) == 0.0


def test_copied_share_counts_runs_of_five_words():
    source = sentences("I want to see a movie about whales")
    assert copied_share(sentences("So you want to see a movie"), [source]) == pytest.approx(5 / 7)
    assert copied_share(sentences("I want to see dogs"), [source]) == 0.0


def test_content_drops_grammar_and_movie_talk_and_plurals():
    assert content(["i", "love", "comedies", "and", "whales", "movies", "<movie>"]) == {"comedy", "whale", "<movie>"}


def test_cue_phrases_hold_no_modifier_and_no_apostrophe():
    raw = read_list("cues.json")
    phrases = [p for name in ("sympathy", "gladness", "warmth") for found in raw[name].values() for p in found]
    phrases += [p for name in ("frames", "agreement", "openers", "tastes", "experience") for p in raw[name]]
    modifiers = set(emotion_lexicon().modifiers)
    assert [p for p in phrases if modifiers & set(p.split())] == []
    assert [p for p in phrases if plain(p) != p] == []
