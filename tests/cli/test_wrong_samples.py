"""Files of samples with a wrong field: the error says which one, in which line."""

from __future__ import annotations

import json

import pytest

from ecr_engine.errors import DataError
from ecr_engine.evaluation.sample_lines import FieldError, sample_from_json, sample_to_json
from ecrctl.samples import read_samples

FIX = "name a samples.jsonl that `ecrctl eval run` wrote, or a run"
ROW = {
    "example_id": "7:3",
    "conversation_id": "7",
    "turn": 3,
    "context": [{"role": "seeker", "text": "Hi, I like Heat", "slots": "Hi, I like <movie>", "items": ["11"]}],
    "reference": "Try <movie>",
    "response": "See <movie>",
    "finished": True,
    "tokens": 4,
    "items": [{"item_id": "22", "name": "Alien (1979)", "liked": True, "seen": None, "suggested": False}],
    "mentioned": ["11"],
    "emotions": ["like"],
    "source": "test_data.jsonl",
    "line": 1,
}


def changed(**values: object) -> str:
    return json.dumps({**ROW, **values})


def said(**values: object) -> list[dict[str, object]]:
    """The context with another turn."""
    return [*ROW["context"], {**ROW["context"][0], **values}]


def test_what_is_right_is_read_as_it_is():
    sample = sample_from_json(ROW)
    assert (sample.response, sample.example.target, sample.example.turn) == ("See <movie>", "Try <movie>", 3)
    assert sample.example.items[0].seen is None
    assert sample_to_json(sample) == ROW
    # People number their dialogues.
    assert sample_from_json({**ROW, "conversation_id": 7}).example.conversation_id == "7"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (changed(response=None), "the sample's 'response' is null, not a text"),
        (changed(response=5), "the sample's 'response' is 5, not a text"),
        (changed(reference=None), "the sample's 'reference' is null, not a text"),
        (changed(reference=["a"]), "the sample's 'reference' is a list, not a text"),
        (changed(turn="3"), "the sample's 'turn' is \"3\", not a whole number"),
        (changed(turn=True), "the sample's 'turn' is true, not a whole number"),
        (changed().replace('"turn": 3', '"turn": 1e400'), "the sample's 'turn' is Infinity, not a whole number"),
        (changed().replace('"line": 1', '"line": NaN'), "the sample's 'line' is NaN, not a whole number"),
        (changed(tokens=None), "the sample's 'tokens' is null, not a whole number"),
        (changed(finished="no"), "the sample's 'finished' is \"no\", not true or false"),
        (changed(source=None), "the sample's 'source' is null, not a text"),
        (changed(conversation_id=None), "the sample's 'conversation_id' is null, not a text"),
        (changed(example_id=7.5), "the sample's 'example_id' is 7.5, not a text"),
        (changed(context=None), "the sample's 'context' is null, not a list"),
        (changed(context=["hello"]), "the sample's 'context[0]' is \"hello\", not an object"),
        (changed(context=said(slots=5)), "the sample's 'context[1].slots' is 5, not a text"),
        (changed(context=said(text=None)), "the sample's 'context[1].text' is null, not a text"),
        (changed(context=said(role="bot")), "the sample's 'context[1].role' is \"bot\", not seeker or recommender"),
        (changed(context=said(role=[])), "the sample's 'context[1].role' is a list, not a text"),
        (changed(context=said(items="11")), "the sample's 'context[1].items' is \"11\", not a list"),
        (changed(context=said(items=["1", 2])), "the sample's 'context[1].items[1]' is 2, not a text"),
        (changed(context=[{"role": "seeker"}]), "the sample has no field 'context[0].items'"),
        (changed(items={"a": 1}), "the sample's 'items' is an object, not a list"),
        (changed(items=[{"item_id": "22", "name": 3}]), "the sample's 'items[0].name' is 3, not a text"),
        (
            changed(items=[{"item_id": "22", "name": "a", "liked": 1}]),
            "the sample's 'items[0].liked' is 1, not true or false",
        ),
        (changed(items=[{"item_id": "22", "title": "a"}]), "the sample's 'items[0]' has an unknown field \"title\""),
        (changed(items=[{"name": "a"}]), "the sample has no field 'items[0].item_id'"),
        (changed(mentioned="11"), "the sample's 'mentioned' is \"11\", not a list"),
        (changed(emotions=[None]), "the sample's 'emotions[0]' is null, not a text"),
        (changed(response={"a": "b"}), "the sample's 'response' is an object, not a text"),
        (changed(turn="x" * 90), f"the sample's 'turn' is \"{'x' * 38}…, not a whole number"),
        (changed(turn="\ud800"), "the sample's 'turn' is \"\\ud800\", not a whole number"),
        ("null", "not a sample: null, not an object"),
        ("[1]", "not a sample: a list, not an object"),
        ("hello", "a torn line, not JSON: Expecting value"),
        (changed()[:-20], "a torn line, not JSON: Invalid control character at"),
        ("[" * 100_000, "not a sample: lists or objects are nested too deep"),
        (changed().replace('"turn": 3', f'"turn": {"9" * 5000}'), "not a sample: a number has too many digits"),
    ],
)
def test_a_wrong_line(tmp_path, line, what):
    path = tmp_path / "samples.jsonl"
    path.write_text(f"{changed()}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_samples(path)
    [problem] = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, f"{path}:2", FIX)


def test_a_line_that_is_no_text(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b'{"response": "\xff"}\n')
    with pytest.raises(DataError) as caught:
        read_samples(path)
    [problem] = caught.value.problems
    assert (problem.what, problem.at) == ("not UTF-8 text", f"{path}:1")


@pytest.mark.parametrize("field", ROW)
def test_a_field_that_is_missing(field):
    with pytest.raises(KeyError) as caught:
        sample_from_json({key: value for key, value in ROW.items() if key != field})
    assert caught.value.args == (field,)


@pytest.mark.parametrize("value", [None, 5, 0.5, [], {}, "x", True])
@pytest.mark.parametrize("field", ROW)
def test_no_value_is_a_crash(field, value):
    """Whatever stands in a field, it is right or an error that names the field."""
    try:
        sample = sample_from_json({**ROW, field: value})
    except FieldError as error:
        assert str(error).startswith(f"'{field}")
    else:
        # An id may be a number; all else is kept as it is.
        assert sample_to_json(sample)[field] == (str(value) if value == 5 and field.endswith("_id") else value)


def test_the_command_prints_it(ecrctl, tmp_path):
    (tmp_path / "samples.jsonl").write_text(changed(response=None) + "\n", encoding="utf-8")
    refused = ecrctl("rl", "rewards", "--samples", "samples.jsonl")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == (
        f"error: the sample's 'response' is null, not a text\n  at   samples.jsonl:1\n  fix  {FIX}\n"
    )
