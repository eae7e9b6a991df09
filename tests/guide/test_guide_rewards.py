"""`RewardCalculator` beyond the guide's snippets: emotions, dialogues, odd texts, and what it refuses."""

from __future__ import annotations

import logging

import pytest
import torch

from ecr_engine.errors import UsageError
from ecr_engine.rl import RewardCalculator, RLConfig

GLAD = "I'm so glad to hear that! Have you seen <movie>?"
CONTEXT = "give a text, or a list of texts"
SORRY = "I'm so sorry to hear that. Have you seen <movie>?"


@pytest.fixture
def calculator(tokenizer):
    made = RewardCalculator(RLConfig(), tokenizer, ["happy", "sad", "angry"])
    made.update_weights({"bleu": 0, "distinct": 0, "recommendation": 0, "format": 0})
    return made


def test_emotion_labels_override_what_is_recognised(calculator):
    neutral = ["I watched a film yesterday."] * 2
    happy = calculator.calculate_reward(neutral, [GLAD, SORRY], [None, None], ["happy", "happy"])
    sad = calculator.calculate_reward(neutral, [GLAD, SORRY], [None, None], ["sad", ["angry"]])
    assert happy[0] > happy[1]
    assert sad[1] > sad[0]
    recognised = calculator.calculate_reward(["I feel so sad"] * 2, [GLAD, SORRY], [None, None], [None, None])
    assert recognised[1] > recognised[0]


def test_only_the_switched_on_component_counts(calculator):
    parts = calculator.get_reward_breakdown("I feel so sad", SORRY, None, "sad")
    assert list(parts) == ["empathy", "relevance", "total"]
    assert parts["empathy"] == parts["total"] > 0.5


def test_a_dialogue_of_several_turns(calculator):
    """The seeker's last turn is the last text; what it shows decides, and what was said before does not."""
    talk = ["I love comedies!", "Which ones?", "My dog died today, I feel so sad."]
    assert float(calculator.calculate_reward([talk], [SORRY], [None])) > float(
        calculator.calculate_reward([[talk[2], talk[1], talk[0]]], [SORRY], [None])
    )


def test_a_reference_that_is_not_there_drops_what_compares_with_it(tokenizer):
    made = RewardCalculator(RLConfig(), tokenizer, ["happy"])
    parts = made.get_reward_breakdown("hello", "Do you like funny movies?", None)
    assert (parts["bleu"], parts["recommendation"]) == (0.0, 0.0)
    # Only distinct (0.5) and empathy (2) are left: 5 words of at least 6, 4 pairs of at least 5.
    assert parts["distinct"] == pytest.approx(0.5 * (5 / 6 + 4 / 5) / 2 / 2.5)
    assert made.get_reward_breakdown("hello", "Do you like funny movies?", "") == parts


@pytest.mark.parametrize("odd", ["", " ", "\x00\x07", "🙂" * 50, "שלום עולם", "看电影 吧", "word " * 10_000])
def test_odd_texts_have_a_finite_reward(tokenizer, odd):
    made = RewardCalculator(RLConfig(), tokenizer, ["happy"])
    rewards = made.calculate_reward([odd, "hello"], ["Have you seen <movie>?", odd], [odd, "Try <movie>"])
    assert torch.isfinite(rewards).all()
    assert rewards.shape == (2,)
    assert float(made.calculate_reward(["hello"], [""], ["Try <movie>"])) == -0.5


def test_a_reward_depends_on_its_own_sample_alone(tokenizer):
    made = RewardCalculator(RLConfig(), tokenizer, ["happy"])
    both = made.calculate_reward(["I feel sad", "hello"], [SORRY, GLAD], ["Try <movie>", None])
    alone = [
        made.calculate_reward(["I feel sad"], [SORRY], ["Try <movie>"]),
        made.calculate_reward(["hello"], [GLAD], [None]),
    ]
    assert both.tolist() == [float(one) for one in alone]


def test_debug_logs_the_parts(tokenizer, caplog):
    context, responses = ["hello", "hello"], ["Do you like funny movies?", "no"]
    with caplog.at_level(logging.INFO, logger="ecr_engine.rl.guide"):
        RewardCalculator(RLConfig(), tokenizer, ["happy"]).calculate_reward(context, responses, [None, None])
        assert caplog.messages == []
        made = RewardCalculator(RLConfig(debug=True), tokenizer, ["happy"])
        made.calculate_reward(context, responses, [None, None])
    parts = [made.get_reward_breakdown("hello", response, None) for response in responses]
    assert caplog.messages == [f"given:0: {parts[0]}", f"given:1: {parts[1]}"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            (["hello"], ["a", "b"], [None, None]),
            ("context has 1 entries where responses has 2", "context", "give one a response"),
        ),
        (
            (["hello"], ["a"], []),
            ("targets has 0 entries where responses has 1", "targets", "give one a response"),
        ),
        (
            ("h", ["a"], [None]),
            ("context is one text, and not a list of texts", "context", "put it in a list: [context]"),
        ),
        (([], [], []), ("there are no responses", "responses", "give one response at least")),
        (
            (["hello"], ["a"], [None], ["sadd"]),
            ("the emotion 'sadd' is not in the list", "emotion_labels[0]", "did you mean 'sad'?"),
        ),
        (
            (["hello"] * 2, ["a", "b"], [None] * 2, ["sad", ["sad", "happy", "curious"]]),
            (
                "3 emotions of one utterance: negative, happy, curious",
                "emotion_labels[1]",
                "name the 2 strongest",
            ),
        ),
        ((["hello", 3], ["a", "b"], [None] * 2), ("context[1] is of type int", "context[1]", CONTEXT)),
        (([["hello", None]], ["a"], [None]), ("context[0] is of type list", "context[0]", CONTEXT)),
        (([None], ["a"], [None]), ("context[0] is of type NoneType", "context[0]", CONTEXT)),
        ((["hello"], [None], [None]), ("responses[0] is of type NoneType", "responses[0]", "give a text")),
        ((["hello"], ["a"], [3]), ("targets[0] is of type int", "targets[0]", "give a text, or None")),
        ((["hello"], ["a"], None), ("targets is of type NoneType, and not a list", "targets", "give texts: […]")),
        (
            (iter(["hello"]), ["a"], [None]),
            ("context is of type list_iterator, and not a list", "context", "give texts: […]"),
        ),
        (
            (["hello"], ["a"], [None], [1]),
            ("emotion_labels[0] is of type int", "emotion_labels[0]", "give a name, a list of names, or None"),
        ),
    ],
)
def test_what_is_refused(tokenizer, arguments, problem):
    made = RewardCalculator(RLConfig(), tokenizer, ["happy", "sad"])
    with pytest.raises(UsageError) as caught:
        made.calculate_reward(*arguments)
    [found] = caught.value.problems
    assert (found.what, found.at, found.fix) == problem


@pytest.mark.parametrize(
    ("names", "what", "fix"),
    [
        (["happy", "sadd"], "unknown emotion 'sadd'", "did you mean 'sad'?"),
        (
            ["qqqq"],
            "unknown emotion 'qqqq'",
            "choose from: like, curious, happy, grateful, negative, neutral, nostalgia, agreement, surprise",
        ),
        (
            [],
            "the list of emotions is empty",
            "name some of: like, curious, happy, grateful, negative, neutral, nostalgia, agreement, surprise",
        ),
        ("happy", "emotion_list is one text, and not a list of names", "put it in a list: [emotion_list]"),
        (None, "emotion_list is of type NoneType, and not a list", "give names: […]"),
    ],
)
def test_emotion_lists_that_are_none(tokenizer, names, what, fix):
    with pytest.raises(UsageError) as caught:
        RewardCalculator(RLConfig(), tokenizer, names)
    [found] = caught.value.problems
    assert (found.what, found.at, found.fix) == (what, "emotion_list", fix)


def test_an_unknown_component_changes_no_weight(calculator):
    before = calculator.weights
    with pytest.raises(UsageError, match=r"^unknown reward component 'empaty'$"):
        calculator.update_weights({"bleu": 3.0, "empaty": 1.0})
    assert calculator.weights == before


@pytest.mark.parametrize(("weight", "shown"), [("1", "'1'"), (None, "None"), (True, "True")])
def test_a_weight_that_is_no_number(calculator, weight, shown):
    before = calculator.weights
    with pytest.raises(UsageError) as caught:
        calculator.update_weights({"bleu": 3.0, "empathy": weight})
    [found] = caught.value.problems
    assert (found.what, found.at, found.fix) == (
        f"the weight of reward component 'empathy' is {shown}, not a number",
        "update_weights",
        "give a number that is 0 or more, such as float(weight)",
    )
    assert calculator.weights == before
