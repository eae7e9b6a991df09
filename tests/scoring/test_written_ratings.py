"""Mode `generate`: whatever the weights and the tokenizer, the form of the JSON is kept."""

import json

import pytest
import torch
from tiny_judges import ROWS, SMALL, local_model, row, tiny_judge
from tiny_models import tiny_tokenizer

from ecr_engine.errors import UnavailableError
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.local.form import Form, places_of, token_texts
from ecr_engine.scoring.local.prompts import Prompts
from ecr_engine.scoring.local.writing import Writing

AB = (frozenset("a"), frozenset("b"), frozenset("12"))


def test_a_token_may_stand_where_it_fits_and_the_rest_can_be_filled():
    form = Form(AB, {1: "a", 2: "ab", 3: "b", 4: "1", 5: "b2", 6: "x", 7: "abc", 8: "2"}, "m")
    assert [form.allowed(written) for written in range(3)] == [(1, 2), (3, 5), (4, 8)]
    # Without a token for "b" alone or with what follows, "a" would lead nowhere.
    form = Form(AB, {1: "a", 2: "ab", 4: "1"}, "m")
    assert form.allowed(0) == (2,)


def test_tokens_that_can_not_fill_the_form_are_refused():
    with pytest.raises(UnavailableError) as caught:
        Form(AB, {1: "a", 2: "b"}, "odd")
    problem = caught.value.problems[0]
    assert problem.what == "the tokenizer of 'odd' can't write the JSON that the ratings stand in"
    assert (problem.at, problem.fix) == ("judge.mode", "--set judge.mode=expect")


def test_the_form_of_two_dimensions():
    places = places_of(SMALL)
    assert len(places) == len('{"warmth": 1, "good_advice": 5}')
    assert all(letter in place for letter, place in zip('{"warmth": 1, "good_advice": 5}', places, strict=True))
    assert [sorted(place) for place in places if len(place) > 1] == [list("12345")] * 2


def test_what_a_token_adds_to_a_text():
    tokenizer = tiny_tokenizer()
    texts = token_texts(tokenizer)
    [blank] = tokenizer.encode(" ", add_special_tokens=False)
    assert texts[blank] == " "
    assert texts[tokenizer.convert_tokens_to_ids("{")] == "{"
    assert not {0, 1, 2} & set(texts)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_weights_only_valid_json_comes_out(family, seed):
    local = local_model(family, window=2048, seed=seed)
    dimensions = dimension_set("paper") if seed % 2 else SMALL
    form = Form(places_of(dimensions), token_texts(local.tokenizer), family)
    prompts = Prompts(local, dimensions, max_length=4096, room=form.length)
    cases = [prompts.case(sample.example.context, [("", sample.response)]) for sample in ROWS]
    for text in Writing(local, prompts, form).write(cases):
        found = json.loads(text)
        assert list(found) == list(dimensions.names)
        assert all(type(rating) is int and rating in dimensions.ratings for rating in found.values())


def test_it_writes_what_greedy_search_without_a_cache_writes():
    local = local_model("gpt2")
    judge = tiny_judge(local=local, mode="generate")
    form = Form(places_of(SMALL), token_texts(local.tokenizer), "gpt2")
    for sample, judgement in zip(ROWS, judge.judge(ROWS), strict=True):
        case = judge._prompts.case(sample.example.context, [("", sample.response)])
        ids, text = [*judge._prompts.task, *case.ids, *judge._prompts.json_question()], ""
        while len(text) < form.length:
            with torch.no_grad():
                logits = local.model(input_ids=torch.tensor([ids])).logits[0, -1]
            token = max(form.allowed(len(text)), key=lambda each: float(logits[each]))
            ids, text = [*ids, token], text + form.text(token)
        written = json.loads(text)
        assert dict(judgement.scores) == {name: (rating - 1) / 4 for name, rating in written.items()}


def test_failures_are_the_same_as_in_the_other_mode():
    local = local_model("llama")
    with torch.no_grad():
        local.model.model.embed_tokens.weight[local.tokenizer.convert_tokens_to_ids("Q")] = float("nan")
    found = list(tiny_judge(local=local, mode="generate").judge([ROWS[0], row("9:1", "Q", "hi"), row("9:3", "", "hi")]))
    assert [one.failure for one in found] == [None, "the model's logits are not finite", "the response is empty"]
