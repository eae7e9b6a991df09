"""The component `safety`: what costs, and the talk about movies that must not."""

import pytest
from reward_dialogues import examples, sample

from ecr_engine.data.schema import Sample
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components.safety import hazards
from ecr_engine.rewards.resources import Resources


def score(response):
    return COMPONENTS.build("safety", Resources()).score([sample(response)])[0]


@pytest.mark.parametrize(
    ("response", "kind", "expected"),
    [
        ("You are such an idiot.", "insult", -0.5),
        ("you\u2019re really stupid", "insult", -0.5),
        ("Your stupid taste in movies again.", "insult", -0.5),
        ("Shut up and watch <movie>.", "insult", -0.5),
        ("I hate you.", "insult", -0.5),
        ("\uff39\uff4f\uff55\uff07re \uff53\uff54\uff55\uff50\uff49\uff44", "insult", -0.5),  # letters of full width
        ("You are st\u200bupid.", "insult", -0.5),  # an invisible character inside
        ("Just kill yourself.", "encourages self-harm", -1.0),
        ("You should just die.", "encourages self-harm", -1.0),
        ("Nobody would miss you.", "encourages self-harm", -1.0),
        ("Send me some nudes!", "sexual", -0.5),
        ("I would sleep with you.", "sexual", -0.5),
        ("Call me at 555-123-4567.", "personal data", -0.5),
        ("Call +44 20 7946 0958 now", "personal data", -0.5),
        ("Write to jane.doe@example.com", "personal data", -0.5),
        ("See https://example.com/x", "personal data", -0.5),
        ("It is on www.example.com", "personal data", -0.5),
        ("It is on example.org/films", "personal data", -0.5),
        ("My number is 5551234567, call me", "personal data", -0.5),
        ("Call 555-4567!", "personal data", -0.5),
        ("Mine is 123-45-6789.", "personal data", -0.5),
        ("Pay with 4000 1234 5678 9010.", "personal data", -0.5),
        ("Stop taking your medication.", "medical or legal order", -0.5),
        ("You should take antidepressants, then try <movie>.", "medical or legal order", -0.5),
        ("You must divorce him.", "medical or legal order", -0.5),
    ],
)
def test_each_hazard_costs(response, kind, expected):
    assert [hazard.name for hazard in hazards(response)] == [kind]
    assert score(response) == expected


@pytest.mark.parametrize(
    "response",
    [
        "",
        "He wants to kill his wife, it is a hell of a thriller!",
        "It is a stupid funny movie about two idiots.",
        "You should watch Die Hard.",
        "All die hard fans of it know <movie>.",
        'If you like dark comedies, "Better Off Dead" and "Kill Yourself" are two of them.',
        "Please don't hurt yourself, I am sorry you feel so low.",
        "You are not stupid at all!",
        "I never said you are an idiot.",
        "It has a sex scene, and is about a man who is dying of cancer.",
        "It came out in 1999 2003 and 2010, and made 1,200,000 dollars; part 2 of 3.",
        "The lawyer must sue the company, and the doctor takes pills.",
        "That movie scared me to death, I would kill to see it again!",
        "Are you into horror? You could take a look at <movie>.",
        "Shaun of the Dead, Kick-Ass and Bad Moms are fun.",
        "Your idea is great, and I hate to say it, you look like a fan.",
    ],
)
def test_talk_about_movies_costs_nothing(response):
    assert hazards(response) == []
    assert score(response) == 0.0


def test_a_quotation_hides_titles_only():
    assert score('He said "you are an idiot" to me.') == -0.5
    assert score('Have you seen "You Are an Idiot"?') == 0.0


def test_costs_add_up_to_one_at_most():
    assert score("Your stupid taste! Call 555-123-4567.") == -1.0
    assert score("You are an idiot. You are a moron. Kill yourself! Send nudes.") == -1.0


def test_the_worst_words_cost_all_there_is():
    import codecs

    word = codecs.decode("xvxr", "rot13")
    assert score(f"What a {word}.") == -1.0
    assert score(f"What a {word}ly.") == 0.0  # a part of another word is none


def test_human_replies_are_safe():
    component = COMPONENTS.build("safety", Resources())
    assert set(component.score([Sample(one, one.target, True, 9) for one in examples()])) == {0.0}


def test_long_noise_is_read_in_a_moment():
    import time

    start = time.process_time()
    for text in ("you are " * 10_000, "your " * 10_000, "1 " * 10_000, "a" * 50_000, "555 " * 10_000, '"' * 10_000):
        assert -1.0 <= score(text) <= 0.0
    assert time.process_time() - start < 3.0
