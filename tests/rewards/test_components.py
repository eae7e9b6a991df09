"""The lexical components, with numbers worked out by hand."""

import time

import pytest
from reward_dialogues import example, examples, sample

from ecr_engine.data.schema import Sample
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components.format import faults
from ecr_engine.rewards.resources import Resources

NAMES = ["bleu", "distinct", "empathy", "format", "recommendation"]


def score(name: str, one: Sample) -> float | None:
    return COMPONENTS.build(name, Resources()).score([one])[0]


def test_the_components_are_registered_under_their_file_names():
    assert set(NAMES) <= set(COMPONENTS.names())
    assert [COMPONENTS.build(name, Resources()).name for name in NAMES] == NAMES


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("", 0.0),
        ("!!!", 0.0),
        ("great", 1 / 12),  # 1 of 6 words, 0 of 5 pairs
        ("good good good good good good", (1 / 6 + 1 / 5) / 2),
        ("I love this funny little movie.", 1.0),
        ("<movie> " * 10, (3 / 10 + 3 / 9) / 2),  # three fresh slots, then repetitions
        ("You could try <movie> or <movie> tonight", 1.0),
    ],
)
def test_distinct(response, expected):
    assert score("distinct", sample(response)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("response", "reference", "expected"),
    [
        ("hello", "hi", 1.0),
        ("try <movie>", "hi", 0.0),
        ("hello", "try <movie>", 0.0),
        ("<movie> <movie> <movie>", "try <movie>", 1 / 3),
        ("<movie>", "<movie> or <movie>", 0.5),
        ("<movie>", "", None),
    ],
)
def test_recommendation(response, reference, expected):
    assert score("recommendation", sample(response, reference=reference)) == (
        None if expected is None else pytest.approx(expected)
    )


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ("It's a nice one, isn't it?", []),
        ("Ha ha ha, sooo funny!!!", []),
        ("  ", [("empty", 1.0)]),
        ("Sure [/INST] yes", [("template leftover", 0.5)]),
        ("<<SYS>> Sure </s>", [("template leftover", 0.5)]),
        ("Watch @12345", [("raw movie id", 0.5)]),
        ("Sure. User: thanks", [("speaks as the other side", 0.5)]),
        ("one\u0007two", [("control character", 0.5)]),
        ("<movie><movie>", [("glued slots", 0.25)]),
        ("what!!!!!!", [("character noise", 0.25)]),
        ("so so so so so", [("word noise", 0.25)]),
        ("YOU HAVE TO SEE <movie>", [("shouting", 0.25)]),
        ("I'M SO SORRY!\nREALLY.", [("shouting", 0.25)]),
        ("OMG I LOVED <movie>", []),
        ("DC OR MCU?", []),
        ("NO WAY, THAT IS so GOOD", []),
        ("1 2 3 4 5", []),
        ("А ТЫ ЛЮБИШЬ КИНО", []),
    ],
)
def test_format_faults(response, found):
    assert faults(sample(response)) == found
    assert score("format", sample(response)) == -sum(cost for _, cost in found)


def test_an_unfinished_response_costs_a_half_and_faults_stop_at_one():
    assert score("format", sample("I think that", finished=False)) == -0.5
    assert score("format", sample("@1 </s> user: <movie><movie>", finished=False)) == -1.0


ASKED = "Can you recommend a good horror movie?"


@pytest.mark.parametrize(
    ("last", "response", "expected"),
    [
        # a plain answer
        (ASKED, "<movie> came out last year.", 0.15),
        # a question that could be put to anyone: its level, 0.4 * 0.4 / 0.6, is cut to 0.1; 0.15 + 0.85 * 0.1
        (ASKED, "Have you seen <movie>?", 0.235),
        # says back what they want: 0.15 + 0.85 * 0.35 / 0.6
        (ASKED, "If you like horror you should see <movie>.", 0.645833),
        # both in 14 words, full score: (0.35 + 0.4) / 0.6 is over the cap
        (ASKED, "If you like horror you should see <movie>. Do you prefer old or new horror?", 1.0),
        # sympathy to sorrow: 0.15 + 0.85 * 0.5 / 0.6, and the same words to joy: 0.15 - 0.3 is below 0
        ("I feel sad, it was a rough day.", "I'm so sorry to hear that.", 0.858333),
        ("I loved it, it made me laugh!", "I'm so sorry to hear that.", 0.0),
        # gladness to sorrow is no reaction either
        ("I feel sad, it was a rough day.", "I'm so glad to hear that.", 0.0),
        ("Thank you, bye!", "You're welcome!", 1.0),
        ("Thank you, bye!", "<movie> came out last year.", 0.15),
        # nothing felt, nothing said yet: politeness and a question are good enough
        ("Hello", "Hi, what kind of movies do you like?", 0.858333),
        ("", "", 0.0),
    ],
)
def test_empathy(last, response, expected):
    assert score("empathy", sample(response, last)) == pytest.approx(expected, abs=1e-6)


def test_empathy_is_not_raised_by_more_of_the_same():
    sad = "I feel sad, it was a rough day."
    once = score("empathy", sample("I'm so sorry to hear that.", sad))
    twice = score("empathy", sample("I'm so sorry to hear that. I'm so sorry to hear that.", sad))
    salad = score("empathy", sample("sorry sad sorry understand feel hope glad sorry", sad))
    gushing = "I'm so sorry to hear that. Oh no. What a shame. I feel for you. Hang in there. I hope you feel better."
    assert once is not None and twice is not None and twice <= once
    assert score("empathy", sample(gushing, sad)) < once
    assert salad == 0.0


def test_a_kind_sentence_for_everyone_is_worth_less_than_one_for_this_seeker():
    generic = score("empathy", sample("That is great! What kind of movies do you like?", "I love slow westerns."))
    special = score("empathy", sample("That is great! What kind of westerns do you like?", "I love slow westerns."))
    # gladness 0.35 * 0.4 + question 0.3 * 0.4 = 0.26, cut to 0.1 * 0.6; and 0.35 * 0.4 + 0.3 = 0.44 without a cut
    assert generic == pytest.approx(0.15 + 0.85 * 0.1)
    assert special == pytest.approx(0.15 + 0.85 * 0.44 / 0.6)


def test_copying_the_seeker_is_not_empathy():
    last = "I am looking for a movie about a lonely whale"
    assert score("empathy", sample(last, last)) == 0.0


def test_the_annotated_emotions_are_used():
    one = sample("I'm so sorry to hear that.", "ok")
    assert score("empathy", one) == 0.0  # sympathy to a neutral seeker does not fit
    sad = Sample(annotated(one.example, ("negative",)), one.response, True, 6)
    assert score("empathy", sad) == pytest.approx(0.858333, abs=1e-6)


def annotated(one, emotions):
    from dataclasses import replace

    return replace(one, emotions=emotions)


@pytest.mark.parametrize(
    "response",
    [
        "",
        " ",
        "\u202eabc",
        "😀😀😀",
        "您好 我喜欢电影",
        "a\x00b",
        "word " * 10_000,
        "<movie>" * 500,
        "?" * 5000,
        "." * 5000,
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_odd_responses_have_a_score_in_the_range(name, response):
    component = COMPONENTS.build(name, Resources())
    value = score(name, sample(response, ASKED, "Try <movie>."))
    assert value is not None and component.low <= value <= component.high


@pytest.mark.parametrize("name", NAMES)
def test_a_score_depends_on_its_sample_alone(name):
    batch = [Sample(one, one.target, True, 9) for one in examples()]
    component = COMPONENTS.build(name, Resources())
    together = component.score(batch)
    assert together[::-1] == component.score(batch[::-1])
    assert together == [component.score([one])[0] for one in batch]


def test_a_thousand_responses_of_forty_words_in_half_a_second():
    """The limit is 0.5 s on a free core; the factor 4 leaves room for a busy machine."""
    reply = "If you like scary movies you might enjoy <movie>, it has a great cast. "
    text = reply * 2 + "Did you see it with your friends last year? I hope that you like it as much as we do."
    batch = [Sample(example(f"{text} {n}", text), f"{text} {n}", True, 50) for n in range(1000)]
    start = time.process_time()
    for name in NAMES:
        COMPONENTS.build(name, Resources()).score(batch)
    assert time.process_time() - start < 2.0
