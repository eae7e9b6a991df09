"""Several responses under shuffled pseudonyms."""

import math

import pytest
import torch
from tiny_judges import SMALL, tiny_judge
from tiny_models import example

from ecr_engine.scoring.listwise import ListedTurn, order_of

ANSWERS = {
    "ours": "have you seen <movie> ?",
    "theirs": "no",
    "human": "you might like <movie> too, it is warm and funny",
}
TURNS = [
    ListedTurn(example("1:1", "i feel sad today"), ANSWERS),
    ListedTurn(example("2:3", "hi", "hello", "a funny movie please"), {"a": "ok", "b": "thank you"}),
    ListedTurn(example("3:1", "i want a movie"), ANSWERS),
]


def by_hand(judge, turn, order, system, dimension):
    """The score of one response from a whole prompt: the place of its system says its pseudonym."""
    prompts, _ = judge._listed
    responses = [(letter, turn.responses[name]) for letter, name in zip("ABC", order, strict=False)]
    case = prompts.case(turn.example.context, responses)
    ids = [*prompts.task, *case.ids, *prompts.question(dimension, "ABC"[order.index(system)])]
    with torch.no_grad():
        logits = judge._local.model(input_ids=torch.tensor([ids])).logits[0, -1]
    digits = [judge._local.tokenizer.convert_tokens_to_ids(str(rating)) for rating in SMALL.ratings]
    weights = [math.exp(float(logits[digit])) for digit in digits]
    return (sum(w * rating for w, rating in zip(weights, SMALL.ratings, strict=True)) / sum(weights) - 1) / 4


@pytest.mark.parametrize("reverse", [False, True])
def test_each_score_goes_back_to_its_system(reverse):
    judge = tiny_judge("gpt2")
    found = list(judge.judge_list(TURNS, seed=3, reverse=reverse))
    assert [one.example_id for one in found] == ["1:1", "2:3", "3:1"]
    for turn, listed in zip(TURNS, found, strict=True):
        assert set(listed.judgements) == set(listed.order) == set(turn.responses)
        for system, judgement in listed.judgements.items():
            for dimension in SMALL.dimensions:
                expected = by_hand(judge, turn, listed.order, system, dimension)
                assert judgement.scores[dimension.name] == pytest.approx(expected, abs=1e-4)


def test_what_the_judge_reads():
    judge = tiny_judge("gpt2")
    [listed] = judge.judge_list(TURNS[1:2], seed=0)
    prompts, _ = judge._listed
    first, second = (TURNS[1].responses[name] for name in listed.order)
    case = prompts.case(TURNS[1].example.context, [("A", first), ("B", second)])
    assert judge._local.tokenizer.decode(case.ids) == (
        "\n\nDialogue:\nseeker: hi\nrecommender: hello\nseeker: a funny movie please\n\n"
        f"Response A: {first}\nResponse B: {second}"
    )
    question = judge._local.tokenizer.decode(prompts.question(SMALL.dimensions[0], "B"))
    assert question == "\n\nRate the warmth of response B, 1 to 5.\nRating: "


def test_orders_differ_between_turns_and_are_the_same_again():
    turns = [ListedTurn(example(f"{number}:1", "hi"), ANSWERS) for number in range(60)]
    orders = [order_of(turn, seed=0, reverse=False) for turn in turns]
    assert orders == [order_of(turn, seed=0, reverse=False) for turn in turns]
    assert len(set(orders)) == 6
    assert orders != [order_of(turn, seed=1, reverse=False) for turn in turns]
    assert [order_of(turn, seed=0, reverse=True) for turn in turns] == [order[::-1] for order in orders]
    swapped = [ListedTurn(turn.example, turn.responses, swapped=True) for turn in turns]
    assert [order_of(turn, seed=0, reverse=False) for turn in swapped] == [order[::-1] for order in orders]
    assert [order_of(turn, seed=0, reverse=True) for turn in swapped] == orders
    # Nothing but the names decides: the order of the mapping does not.
    other = ListedTurn(turns[0].example, dict(reversed(ANSWERS.items())))
    assert order_of(other, seed=0, reverse=False) == orders[0]


def test_an_empty_response_fails_and_its_neighbours_do_not():
    turn = ListedTurn(example("1:1", "hi"), {"a": "ok", "b": " "})
    [listed] = tiny_judge().judge_list([turn])
    assert listed.judgements["b"].failure == "the response is empty"
    assert listed.judgements["a"].failure is None


def test_responses_that_do_not_fit_fail_together():
    turn = ListedTurn(example("1:1", "hi"), {"a": "ok", "b": "xyz " * 400})
    [listed] = tiny_judge("gpt2", window=500).judge_list([turn])
    assert {judgement.failure.partition(" tokens")[2] for judgement in listed.judgements.values()} == {
        f", and the judge's window has room for {tiny_judge('gpt2', window=500)._listed[0].budget}"
    }


def test_a_turn_needs_two_responses():
    with pytest.raises(ValueError, match="1 responses to one turn, not 2 to 13"):
        ListedTurn(example("1:1", "hi"), {"a": "ok"})
